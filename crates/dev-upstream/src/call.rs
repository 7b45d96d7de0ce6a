//! What a call is about: its account, its collection, its fields.

use catalog::{BodyKind, Found};
use http::{HeaderMap, header};
use primitives::AccountId;
use request::{CanonicalPath, Query};
use serde_json::{Map, Value};

use crate::{builder::Served, objects::Place};

/// The first of our own account ids in a request: an upstream knows none of them.
pub(crate) fn our_id<'a>(
    path: &'a CanonicalPath,
    query: &'a Query,
    body: &Value,
) -> Option<String> {
    let ours = |text: &&str| {
        text.split(['.', ','])
            .any(|part| part.parse::<AccountId>().is_ok())
    };
    path.segments()
        .iter()
        .map(|segment| &**segment)
        .chain(query.pairs().map(|(_, value)| value))
        .find(ours)
        .map(str::to_owned)
        .or_else(|| our_id_in(body))
}

fn our_id_in(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.parse::<AccountId>().ok().map(|_| text.clone()),
        Value::Array(items) => items.iter().find_map(our_id_in),
        Value::Object(members) => members.values().find_map(our_id_in),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// A path parameter that names another account than the context does.
pub(crate) fn other_account<'s>(
    api: &Served,
    found: &Found<'_, 's, String>,
    account: Option<&str>,
) -> Option<&'s str> {
    let account = account?;
    let mut values = found.params.iter().map(|(_, value)| *value);
    values.find(|value| *value != account && api.accounts.contains(*value))
}

/// The collection and object that a path is about. `Calls.json` is the collection of
/// `Calls/{Sid}.json`.
pub(crate) fn place(
    api: &Served,
    found: &Found<'_, '_, String>,
    segments: &[Box<str>],
    account: Option<&str>,
) -> Place {
    let last = found
        .template
        .as_str()
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let name = last
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'));
    let id = name.and_then(|(name, _)| found.param(name).ok().flatten());
    let parents = match id {
        Some(_) => segments
            .split_last()
            .map_or(&[][..], |(_, parents)| parents),
        None => segments,
    };
    let path = parents.iter().map(|segment| &**segment).collect::<Vec<_>>();
    let collection = path.join("/");
    let collection = match (id, collection.rsplit_once('.')) {
        (None, Some((stem, ending))) if !ending.contains('/') => stem.to_owned(),
        _ => collection,
    };
    Place {
        api: api.prefix.clone(),
        account: account.unwrap_or("nobody").to_owned(),
        collection,
        id: id.map(str::to_owned),
    }
}

/// The body as JSON: of a form, texts and lists of texts; of anything else, text.
pub(crate) fn body(headers: &HeaderMap, bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let text = String::from_utf8_lossy(bytes);
    match BodyKind::of(media_type.unwrap_or_default()) {
        BodyKind::Json => serde_json::from_slice(bytes).unwrap_or(Value::String(text.into_owned())),
        BodyKind::Form => match Query::parse(&text) {
            Ok(form) => Value::Object(form_fields(&form)),
            Err(_) => Value::String(text.into_owned()),
        },
        BodyKind::Other => Value::String(text.into_owned()),
    }
}

fn form_fields(form: &Query) -> Map<String, Value> {
    let mut fields = Map::new();
    for (name, value) in form.pairs() {
        let value = Value::String(value.to_owned());
        match fields.get_mut(name) {
            None => _ = fields.insert(name.to_owned(), value),
            Some(Value::Array(values)) => values.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    fields
}
