use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::PathBuf,
};

use serde_json::{Map, Value};

use crate::{
    file::{self, Entry},
    key::{Key, Shape, keys, unknown},
    origin::{Origin, Problem, Problems},
    settings::Settings,
};

/// What variables of ours begin with.
const PREFIX: &str = "PORTREEVE__";
/// What the name of a variable ends with that names a file.
const FROM_FILE: &str = "_FILE";

/// A flag of the command line that sets a key.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag as typed.
    pub name: &'static str,
    /// The key it sets.
    pub key: &'static str,
    /// The value.
    pub value: String,
}

/// Where values may come from, weakest first.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The configuration file.
    pub file: Option<PathBuf>,
    /// Variables of the environment; those of others are passed over.
    pub environment: Vec<(String, String)>,
    /// Flags.
    pub flags: Vec<Flag>,
}

/// A configuration whose every value knows its origin.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values.
    pub settings: Settings,
    origins: BTreeMap<String, Origin>,
}

impl Loaded {
    /// Where the value of a key came from.
    #[must_use]
    pub fn origin(&self, path: &str) -> Origin {
        self.origins.get(path).cloned().unwrap_or(Origin::Default)
    }

    /// Every key with its value, a line each; secrets are not shown.
    #[must_use]
    pub fn show(&self, with_origin: bool) -> String {
        let values = serde_json::to_value(&self.settings).unwrap_or_default();
        let mut text = String::new();
        for key in keys() {
            let value = at(&values, &key.path).unwrap_or(&Value::Null);
            let shown = if value.is_null() {
                "(unset)".to_owned()
            } else {
                value.to_string()
            };
            let _ = write!(text, "{} = {shown}", key.path);
            if with_origin {
                let _ = write!(text, "  # {}", self.origin(&key.path));
            }
            text.push('\n');
        }
        text
    }
}

/// The variables of this process.
#[must_use]
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Puts the sources together.
///
/// # Errors
/// Everything that is wrong in any of them.
pub fn load(sources: &Sources) -> Result<Loaded, Problems> {
    let keys = keys();
    let mut problems = Vec::new();
    let mut entries = Vec::new();
    if let Some(path) = &sources.file {
        let (found, wrong) = file::read(path, &keys);
        entries.extend(found);
        problems.extend(wrong);
    }
    let (found, wrong) = from_environment(&keys, &sources.environment);
    entries.extend(found);
    problems.extend(wrong);
    for flag in &sources.flags {
        let origin = Origin::Flag(flag.name.to_owned());
        match from_text(&keys, flag.key, &flag.value, origin) {
            Ok(entry) => entries.push(entry),
            Err(problem) => problems.push(problem),
        }
    }
    let mut merged = serde_json::to_value(Settings::default()).unwrap_or_default();
    let defaults = merged.clone();
    let mut origins = BTreeMap::new();
    for entry in entries {
        match fits(&keys, &defaults, &entry) {
            Ok(()) => {
                put(&mut merged, &entry.path, entry.value);
                origins.insert(entry.path, entry.origin);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        problems.sort_by_key(|problem| match problem.origin {
            Origin::File { line, .. } => line,
            _ => usize::MAX,
        });
        return Err(Problems(problems));
    }
    match serde_json::from_value(merged) {
        Ok(settings) => Ok(Loaded { settings, origins }),
        Err(problem) => Err(Problems(vec![Problem::new(
            Origin::Default,
            problem.to_string(),
        )])),
    }
}

fn from_environment(keys: &[Key], variables: &[(String, String)]) -> (Vec<Entry>, Vec<Problem>) {
    let mut entries = Vec::new();
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, value) in variables {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let origin = Origin::Environment(name.clone());
        let whole = path_of(rest);
        let is_key = keys.iter().any(|key| key.path == whole);
        let pointed = rest.strip_suffix(FROM_FILE).map(path_of);
        let entry = match pointed {
            Some(path) if !is_key && keys.iter().any(|key| key.path == path) => {
                std::fs::read_to_string(value)
                    .map_err(|e| Problem::new(origin.clone(), format!("`{value}`: {e}")))
                    .and_then(|text| from_text(keys, &path, text.trim_end(), origin))
            }
            _ => from_text(keys, &whole, value, origin),
        };
        match entry {
            Ok(entry) if !seen.insert(entry.path.clone()) => problems.push(Problem::new(
                entry.origin,
                format!(
                    "`{}` is set by two variables, once through a file; unset one",
                    entry.path
                ),
            )),
            Ok(entry) => entries.push(entry),
            Err(problem) => problems.push(problem),
        }
    }
    (entries, problems)
}

fn path_of(rest: &str) -> String {
    rest.to_lowercase().replace("__", ".")
}

fn from_text(keys: &[Key], path: &str, text: &str, origin: Origin) -> Result<Entry, Problem> {
    let Some(key) = keys.iter().find(|key| key.path == path) else {
        return Err(unknown(keys, path, origin));
    };
    match key.shape.read(text) {
        Some(value) => Ok(Entry {
            path: path.to_owned(),
            value,
            origin,
        }),
        None => Err(wrong_shape(key, &Value::from(text), origin)),
    }
}

fn wrong_shape(key: &Key, found: &Value, origin: Origin) -> Problem {
    let found = if key.secret {
        String::new()
    } else {
        format!(", not `{found}`")
    };
    let expected = key.shape.expected();
    Problem::new(origin, format!("`{}` takes {expected}{found}", key.path))
}

/// Tries one value alone against the defaults, so that a problem belongs to its origin.
fn fits(keys: &[Key], defaults: &Value, entry: &Entry) -> Result<(), Problem> {
    let Some(key) = keys.iter().find(|key| key.path == entry.path) else {
        return Err(unknown(keys, &entry.path, entry.origin.clone()));
    };
    if !key.shape.fits(&entry.value) {
        return Err(wrong_shape(key, &entry.value, entry.origin.clone()));
    }
    let mut alone = defaults.clone();
    put(&mut alone, &entry.path, entry.value.clone());
    let Err(problem) = serde_json::from_value::<Settings>(alone) else {
        return Ok(());
    };
    let message = if key.shape == Shape::Number {
        format!("`{}` cannot be as large as `{}`", key.path, entry.value)
    } else {
        format!("`{}`: {problem}", key.path)
    };
    Err(Problem::new(entry.origin.clone(), message))
}

fn put(root: &mut Value, path: &str, value: Value) {
    let mut place = root;
    for part in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(members) = place else {
            return;
        };
        place = members.entry(part).or_insert(Value::Null);
    }
    *place = value;
}

fn at<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(root, |place, part| place.get(part))
}
