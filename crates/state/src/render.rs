use std::collections::BTreeMap;

use primitives::Name;
use serde::{Serialize, Serializer, ser::SerializeStruct};
use store::Kind;

use crate::{
    document::{self, Document},
    documents::SourceFile,
    parse::{FORMAT, list_of},
    problem::Problem,
};

/// A state as files: one state file, and the descriptions that it names beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The state file's text.
    pub state: String,
    /// The descriptions, at the paths that the state file names.
    pub descriptions: Vec<SourceFile>,
}

/// Writes resources as YAML: kinds in the order in which they refer to each other, entries by
/// name, fields in the order of the schema. The same resources give the same text, and reading
/// it gives the same resources.
///
/// # Errors
/// When a body is not one of its kind.
pub fn render<'a>(
    resources: impl IntoIterator<Item = (Kind, &'a Name, &'a str)>,
) -> Result<Rendered, Box<Problem>> {
    let mut sorted: BTreeMap<(Kind, &Name), &str> = BTreeMap::new();
    for (kind, name, body) in resources {
        sorted.insert((kind, name), body);
    }
    let mut rendered = Rendered::default();
    let mut paths = BTreeMap::new();
    for ((_, name), body) in sorted
        .iter()
        .filter(|((kind, _), _)| *kind == Kind::Description)
    {
        let description = read::<document::Description>(name, body)?;
        let is_json = description.text.trim_start().starts_with('{');
        let extension = if is_json { "json" } else { "yaml" };
        let path = format!("descriptions/{name}.{extension}");
        paths.insert(name.to_string(), path.clone());
        rendered.descriptions.push(SourceFile {
            path,
            text: description.text,
        });
    }
    rendered.state = format!("{}: {}\n", FORMAT.0, FORMAT.1);
    for kind in Kind::ALL {
        let of_kind = sorted.iter().filter(|((other, _), _)| *other == kind);
        let entries: Vec<(&Name, &str)> = of_kind.map(|((_, name), body)| (*name, *body)).collect();
        if !entries.is_empty() {
            rendered.state += &section(kind, &entries, &paths)?;
        }
    }
    Ok(rendered)
}

fn read<D: Document>(name: &Name, body: &str) -> Result<D, Box<Problem>> {
    D::from_body(body)
        .map_err(|problem| Box::new(Problem::of(D::KIND, name.as_str(), "", problem.to_string())))
}

fn section(
    kind: Kind,
    entries: &[(&Name, &str)],
    paths: &BTreeMap<String, String>,
) -> Result<String, Box<Problem>> {
    match kind {
        Kind::Settings => match entries {
            [(name, body), ..] => {
                let settings: document::Settings = read(name, body)?;
                yaml(kind, "settings", &settings)
            }
            [] => Ok(String::new()),
        },
        Kind::Description => Ok(String::new()),
        Kind::Api => list(kind, entries, |mut api: document::Api| {
            if let Some(path) = paths.get(&api.description) {
                api.description.clone_from(path);
            }
            api
        }),
        Kind::Property => list(kind, entries, |entry: document::Property| entry),
        Kind::Ladder => list(kind, entries, |entry: document::Ladder| entry),
        Kind::Region => list(kind, entries, |entry: document::Region| entry),
        Kind::Policy => list(kind, entries, |entry: document::Policy| entry),
        Kind::Profile => list(kind, entries, |entry: document::Profile| entry),
        Kind::Capability => list(kind, entries, |entry: document::Capability| entry),
        Kind::RiskModel => list(kind, entries, |entry: document::RiskModel| entry),
        Kind::Limit => list(kind, entries, |entry: document::Limit| entry),
        Kind::List => list(kind, entries, |entry: document::List| entry),
        Kind::Plan => list(kind, entries, |entry: document::Plan| entry),
        Kind::AnomalyRule => list(kind, entries, |entry: document::AnomalyRule| entry),
        Kind::Account => list(kind, entries, |entry: document::Account| entry),
        Kind::App => list(kind, entries, |entry: document::App| entry),
    }
}

fn list<D: Document>(
    kind: Kind,
    entries: &[(&Name, &str)],
    change: impl Fn(D) -> D,
) -> Result<String, Box<Problem>> {
    let mut named = Vec::with_capacity(entries.len());
    for (name, body) in entries {
        let entry = change(read(name, body)?);
        named.push(NamedEntry { name, entry });
    }
    yaml(kind, list_of(kind).unwrap_or_default(), &named)
}

#[derive(Serialize)]
struct NamedEntry<'a, D: Serialize> {
    name: &'a Name,
    #[serde(flatten)]
    entry: D,
}

/// A map of one key; the key is not known when this is compiled.
struct Keyed<'a, T>(&'static str, &'a T);

impl<T: Serialize> Serialize for Keyed<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_struct("State", 1)?;
        map.serialize_field(self.0, self.1)?;
        map.end()
    }
}

fn yaml<T: Serialize>(kind: Kind, key: &'static str, value: &T) -> Result<String, Box<Problem>> {
    let options = serde_saphyr::ser_options! {
        folded_wrap_chars: usize::MAX,
        compact_list_indent: false,
    };
    let text = serde_saphyr::to_string_with_options(&Keyed(key, value), options)
        .map_err(|problem| Box::new(Problem::of(kind, key, "", problem.to_string())))?;
    // Written plainly everywhere, whatever the quotes around it, so it can be escaped here.
    let text = text.replace("${", "$${");
    let newline = if text.ends_with('\n') { "" } else { "\n" };
    Ok(format!("\n{text}{newline}"))
}
