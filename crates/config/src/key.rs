use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::{origin::Problem, settings::Settings};

/// What kind of value a key takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// A whole number that is not negative.
    Number,
    /// `true` or `false`.
    Switch,
    /// A list of texts.
    List,
    /// One of these words.
    Choice(Vec<String>),
}

impl Shape {
    /// What a person is to write.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Number => "a whole number, not negative".to_owned(),
            Self::Switch => "`true` or `false`".to_owned(),
            Self::List => "a list of texts".to_owned(),
            Self::Choice(words) => format!("one of `{}`", words.join("`, `")),
        }
    }

    /// Whether a value of the file has this shape.
    pub(crate) fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_u64(),
            Self::Switch => value.is_boolean(),
            Self::List => value
                .as_array()
                .is_some_and(|items| items.iter().all(Value::is_string)),
            Self::Choice(words) => value
                .as_str()
                .is_some_and(|text| words.iter().any(|word| word == text)),
        }
    }

    /// Reads the text of a variable or flag.
    pub(crate) fn read(&self, text: &str) -> Option<Value> {
        let value = match self {
            Self::Text | Self::Choice(_) => Value::from(text),
            Self::Number => Value::from(text.trim().parse::<u64>().ok()?),
            Self::Switch => Value::from(text.trim().parse::<bool>().ok()?),
            Self::List => text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .collect(),
        };
        self.fits(&value).then_some(value)
    }
}

/// A configuration key, as the reference page tells it.
#[derive(Clone, Debug)]
pub struct Key {
    /// Sections and name, joined by dots.
    pub path: String,
    /// What it takes.
    pub shape: Shape,
    /// What it means.
    pub meaning: String,
    /// Its default; null when there is none.
    pub default: Value,
    /// Whether its value is never shown.
    pub secret: bool,
}

impl Key {
    /// The environment variable that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("PORTREEVE__{}", self.path.replace('.', "__")).to_uppercase()
    }
}

/// Every key, in the order of the reference page.
#[must_use]
pub fn keys() -> Vec<Key> {
    let mut found = Vec::new();
    let defaults = serde_json::to_value(Settings::default()).unwrap_or_default();
    if let Some(properties) = properties(&schema_value()) {
        collect(properties, &defaults, "", &mut found);
    }
    found
}

/// The JSON Schema with every section in place.
pub(crate) fn schema_value() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings
        .into_generator()
        .into_root_schema_for::<Settings>()
        .to_value()
}

pub(crate) fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties")?.as_object()
}

fn collect(properties: &Map<String, Value>, defaults: &Value, front: &str, found: &mut Vec<Key>) {
    for (name, schema) in properties {
        let path = if front.is_empty() {
            name.clone()
        } else {
            format!("{front}.{name}")
        };
        let default = defaults.get(name).cloned().unwrap_or_default();
        if let Some(inner) = self::properties(schema) {
            collect(inner, &default, &path, found);
        } else {
            let meaning = meaning(schema);
            let secret = any(schema, &|part| {
                part.get("writeOnly") == Some(&Value::Bool(true))
            });
            found.push(Key {
                path,
                shape: shape(schema),
                meaning,
                default,
                secret,
            });
        }
    }
}

pub(crate) fn meaning(schema: &Value) -> String {
    schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .replace('\n', " ")
}

fn shape(schema: &Value) -> Shape {
    let mut words = Vec::new();
    choices(schema, &mut words);
    if !words.is_empty() {
        return Shape::Choice(words);
    }
    let is = |wanted: &str| {
        any(schema, &|part| match part.get("type") {
            Some(Value::String(one)) => one == wanted,
            Some(Value::Array(several)) => several.iter().any(|one| one == wanted),
            _ => false,
        })
    };
    if is("boolean") {
        Shape::Switch
    } else if is("integer") {
        Shape::Number
    } else if is("array") {
        Shape::List
    } else {
        Shape::Text
    }
}

fn choices(schema: &Value, words: &mut Vec<String>) {
    if let Some(Value::String(word)) = schema.get("const") {
        words.push(word.clone());
    }
    for part in alternatives(schema) {
        choices(part, words);
    }
    if let Some(Value::Array(listed)) = schema.get("enum") {
        words.extend(listed.iter().filter_map(Value::as_str).map(str::to_owned));
    }
}

fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf", "allOf"]
        .into_iter()
        .filter_map(|word| schema.get(word)?.as_array())
        .flatten()
}

fn any(schema: &Value, holds: &dyn Fn(&Value) -> bool) -> bool {
    holds(schema) || alternatives(schema).any(|part| any(part, holds))
}

/// What was probably meant: the same name in another section, or the nearest spelling.
pub(crate) fn nearest(keys: &[Key], path: &str) -> Option<String> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let namesakes: Vec<&Key> = keys
        .iter()
        .filter(|key| last(&key.path) == last(path))
        .collect();
    if let [only] = namesakes.as_slice() {
        return Some(only.path.clone());
    }
    keys.iter()
        .map(|key| key.path.as_str())
        .chain(sections(keys))
        .map(|known| (strsim::normalized_damerau_levenshtein(known, path), known))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known.to_owned())
}

/// Sections, and what they are sections of.
fn sections(keys: &[Key]) -> impl Iterator<Item = &str> {
    keys.iter().flat_map(|key| {
        let dots = key.path.match_indices('.');
        dots.filter_map(|(at, _)| key.path.get(..at))
    })
}

pub(crate) fn unknown(keys: &[Key], path: &str, origin: crate::Origin) -> Problem {
    if sections(keys).any(|section| section == path) {
        let message = format!("`{path}` is a section; name one of the keys in it");
        return Problem::new(origin, message);
    }
    let hint = nearest(keys, path).map_or_else(
        || "; `portreeve config schema` lists the keys".to_owned(),
        |known| format!("; did you mean `{known}`?"),
    );
    Problem::new(origin, format!("unknown key `{path}`{hint}"))
}
