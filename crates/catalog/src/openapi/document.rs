use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use super::ImportProblem;

/// A JSON or YAML document: keys are texts (YAML's `200:` included) and never repeated.
pub(super) struct Document(pub(super) Value);

impl Document {
    pub(super) fn read(text: &str) -> Result<Self, ImportProblem> {
        let text = text.trim_start_matches('\u{feff}');
        if text.trim_start().starts_with('{') {
            return serde_json::from_str(text).map_err(|problem| {
                let shown = problem.to_string();
                let what = shown.split(" at line ").next().unwrap_or_default();
                ImportProblem::NotReadable {
                    what: what.to_owned(),
                    line: problem.line() as u64,
                    column: problem.column() as u64,
                }
            });
        }
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_events: 5_000_000,
                max_nodes: 2_500_000,
                max_depth: 64,
            },
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|problem| {
            let place = problem.location();
            let what = problem.without_snippet().to_string();
            ImportProblem::NotReadable {
                what: in_our_words(&what),
                line: place.as_ref().map_or(1, serde_saphyr::Location::line),
                column: place.as_ref().map_or(1, serde_saphyr::Location::column),
            }
        })
    }
}

/// What the YAML reader says, without the place, which stands elsewhere, and without advice to
/// programs that use it.
fn in_our_words(said: &str) -> String {
    let line = said.lines().next().unwrap_or_default();
    let what = line.split(" at line ").next().unwrap_or(line);
    if what.starts_with("multiple YAML documents") {
        return "a second document begins here: put it in a file of its own".to_owned();
    }
    match what.strip_prefix("duplicate mapping key: ") {
        Some(rest) => {
            let key = rest.split(", set ").next().unwrap_or(rest);
            format!("the key `{key}` stands there twice: keep one of them")
        }
        None => match what.strip_prefix("budget breached: ") {
            Some(_) => "it is nested too deeply, or too long with its aliases".to_owned(),
            None => what.to_owned(),
        },
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Document(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(Key(key)) = members.next_key()? {
            if object.contains_key(&key) {
                let shown: String = key.chars().take(80).collect();
                return Err(A::Error::custom(format!(
                    "the key `{shown}` stands there twice: keep one of them"
                )));
            }
            let Document(value) = members.next_value()?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(Reader)?;
        super::scalar_text(&value)
            .map(Self)
            .ok_or_else(|| D::Error::custom("a key must be text"))
    }
}
