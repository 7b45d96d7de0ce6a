use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{ImportProblem, scalar_text};

/// A value together with its place.
#[derive(Clone, Debug)]
pub(super) struct At<'d> {
    place: String,
    pub(super) value: &'d Value,
}

impl<'d> At<'d> {
    pub(super) fn root(value: &'d Value) -> Self {
        Self {
            place: String::new(),
            value,
        }
    }

    /// As a JSON pointer; `/` for the whole document.
    pub(super) fn place(&self) -> &str {
        if self.place.is_empty() {
            "/"
        } else {
            &self.place
        }
    }

    fn child(&self, key: &str, value: &'d Value) -> Self {
        let key = key.replace('~', "~0").replace('/', "~1");
        Self {
            place: format!("{}/{key}", self.place),
            value,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(self.child(key, value))
    }

    pub(super) fn wrong(&self, wanted: &'static str) -> ImportProblem {
        ImportProblem::WrongType {
            at: self.place().to_owned(),
            wanted,
        }
    }

    pub(super) fn required(
        &self,
        what: &'static str,
        mend: &'static str,
    ) -> Result<Self, ImportProblem> {
        self.get(what).ok_or_else(|| ImportProblem::Missing {
            at: self.place().to_owned(),
            what,
            mend,
        })
    }

    pub(super) fn required_text(
        &self,
        what: &'static str,
        mend: &'static str,
    ) -> Result<String, ImportProblem> {
        let at = self.required(what, mend)?;
        scalar_text(at.value).ok_or_else(|| at.wrong("a text"))
    }

    pub(super) fn scalar(&self, key: &str) -> Option<String> {
        self.value.get(key).and_then(scalar_text)
    }

    pub(super) fn text(&self, key: &str) -> Option<&'d str> {
        self.value.get(key).and_then(Value::as_str)
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.value.get(key).and_then(Value::as_bool) == Some(true)
    }

    pub(super) fn members(&self) -> Result<Vec<(String, Self)>, ImportProblem> {
        let object = self
            .value
            .as_object()
            .ok_or_else(|| self.wrong("an object"))?;
        Ok(object
            .iter()
            .map(|(key, value)| (key.clone(), self.child(key, value)))
            .collect())
    }

    pub(super) fn items(&self) -> Result<Vec<Self>, ImportProblem> {
        let list = self.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        Ok(list
            .iter()
            .enumerate()
            .map(|(i, value)| self.child(&i.to_string(), value))
            .collect())
    }
}

/// Follows local references.
pub(super) struct Resolver<'d> {
    root: &'d Value,
}

impl<'d> Resolver<'d> {
    const MOST_HOPS: usize = 64;
    const MOST_SCHEMAS: usize = 2_000;

    pub(super) fn new(root: &'d Value) -> Self {
        Self { root }
    }

    /// The value that `at` stands for, references followed.
    pub(super) fn follow(&self, at: At<'d>) -> Result<At<'d>, ImportProblem> {
        let first = at.place().to_owned();
        let mut here = at;
        for _ in 0..Self::MOST_HOPS {
            match self.target(&here)? {
                None => return Ok(here),
                Some(next) => here = next,
            }
        }
        Err(ImportProblem::Circle { at: first })
    }

    /// As [`Self::follow`], for a path item: what stands beside a reference counts before what
    /// it points to.
    pub(super) fn follow_beside(&self, at: At<'d>) -> Result<Vec<At<'d>>, ImportProblem> {
        let first = at.place().to_owned();
        if !at.value.is_object() {
            return Err(at.wrong("an object"));
        }
        let mut all = vec![at.clone()];
        let mut here = at;
        for _ in 0..Self::MOST_HOPS {
            match self.target(&here)? {
                None => return Ok(all),
                Some(next) => {
                    all.push(next.clone());
                    here = next;
                }
            }
        }
        Err(ImportProblem::Circle { at: first })
    }

    fn target(&self, at: &At<'d>) -> Result<Option<At<'d>>, ImportProblem> {
        let Some(target) = at.text("$ref") else {
            return Ok(None);
        };
        let place = || format!("{}/$ref", at.place);
        let Some(pointer) = target.strip_prefix('#') else {
            return Err(ImportProblem::External {
                at: place(),
                target: target.to_owned(),
            });
        };
        let dangling = || ImportProblem::Dangling {
            at: place(),
            target: target.to_owned(),
        };
        let pointer = percent_decode_str(pointer)
            .decode_utf8()
            .map_err(|_| dangling())?;
        let value = self.root.pointer(&pointer).ok_or_else(dangling)?;
        Ok(Some(At {
            place: pointer.into_owned(),
            value,
        }))
    }

    /// The names of the properties that a schema gives an object, as far as they are written
    /// down: sorted, whatever the way (`allOf`, `oneOf`, `anyOf`, references, circles).
    pub(super) fn property_names(&self, schema: At<'d>) -> Result<Vec<String>, ImportProblem> {
        let mut names = HashSet::new();
        let mut seen = HashSet::new();
        let mut waiting = vec![schema];
        while let Some(at) = waiting.pop() {
            // A schema is the same wherever one comes from; its address tells.
            if !seen.insert(std::ptr::from_ref(at.value)) || seen.len() > Self::MOST_SCHEMAS {
                continue;
            }
            if let Some(properties) = at.get("properties").filter(|at| at.value.is_object()) {
                names.extend(properties.members()?.into_iter().map(|(name, _)| name));
            }
            for key in ["allOf", "oneOf", "anyOf"] {
                if let Some(parts) = at.get(key) {
                    waiting.extend(parts.items()?);
                }
            }
            // Anchors, `$id` bases and other files only matter to those who validate bodies.
            if at
                .text("$ref")
                .is_some_and(|target| target.starts_with("#/"))
            {
                waiting.extend(self.target(&at)?);
            }
        }
        let mut names: Vec<String> = names.into_iter().collect();
        names.sort_unstable();
        Ok(names)
    }
}
