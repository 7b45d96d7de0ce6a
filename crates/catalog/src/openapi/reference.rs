use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::ParameterPlace;

/// References that lead to references are followed so far.
const MOST_HOPS: usize = 16;
/// Examples are nested so deep at most.
const DEEPEST: usize = 6;
/// An example has so many parts at most.
const MOST_PARTS: usize = 200;
/// Methods of a path item.
const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// An operation as somebody reads it who wants to call it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallableOperation {
    /// `METHOD /template`.
    pub key: String,
    /// In upper case.
    pub method: String,
    /// The path, with names in braces.
    pub template: String,
    /// What it does, on one line.
    pub summary: String,
    /// What it does, at length.
    pub about: String,
    /// Whether it should no longer be used.
    pub deprecated: bool,
    /// What it takes beside a body; cookies are left out.
    pub fields: Vec<CallField>,
    /// The forms that its body may have, JSON first.
    pub bodies: Vec<BodyExample>,
    /// Whether it needs one.
    pub needs_body: bool,
}

/// A parameter that is filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallField {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: ParameterPlace,
    /// Whether it must be there.
    pub required: bool,
    /// What it means.
    pub about: String,
    /// Its type in words; empty when it is not told.
    pub kind: String,
    /// What stands there at first: an example of the document, or one of its type if it must
    /// be there.
    pub example: String,
}

/// A form of a body, with an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyExample {
    /// The media type.
    pub media_type: String,
    /// An example of it.
    pub example: String,
}

/// The operations of a description that [`super::narrow()`] made, by path and method. What cannot be
/// read is left out.
#[must_use]
pub fn reference(document: &Value) -> Vec<CallableOperation> {
    let reader = Reader { root: document };
    let paths = document.get("paths").and_then(Value::as_object);
    let items = paths.into_iter().flatten();
    let all = items.flat_map(|(template, item)| {
        let methods = METHODS.iter().filter_map(|method| {
            let operation = item.get(*method)?;
            Some(reader.operation((template, method), item, operation))
        });
        methods.collect::<Vec<_>>()
    });
    all.collect()
}

struct Reader<'d> {
    root: &'d Value,
}

impl<'d> Reader<'d> {
    fn followed(&self, value: &'d Value) -> &'d Value {
        let mut here = value;
        for _ in 0..MOST_HOPS {
            let target = here.get("$ref").and_then(Value::as_str);
            let target = target.and_then(|target| target.strip_prefix('#'));
            let Some(next) = target.and_then(|pointer| {
                let pointer = percent_encoding::percent_decode_str(pointer);
                self.root.pointer(&pointer.decode_utf8_lossy())
            }) else {
                return here;
            };
            here = next;
        }
        here
    }

    fn operation(
        &self,
        (template, method): (&str, &str),
        item: &'d Value,
        operation: &'d Value,
    ) -> CallableOperation {
        let method = method.to_ascii_uppercase();
        let mut fields: BTreeMap<(ParameterPlace, String), CallField> = BTreeMap::new();
        // What the operation says of a parameter stands before what its path says.
        for of in [item, operation] {
            let list = of.get("parameters").and_then(Value::as_array);
            for field in list
                .into_iter()
                .flatten()
                .filter_map(|one| self.field(self.followed(one)))
            {
                fields.insert((field.place, field.name.clone()), field);
            }
        }
        let body = operation.get("requestBody").map(|body| self.followed(body));
        let mut bodies = body.map(|body| self.bodies(body)).unwrap_or_default();
        bodies.sort_by_key(|body| !is_json(&body.media_type));
        CallableOperation {
            key: format!("{method} {template}"),
            template: template.to_owned(),
            summary: text(operation, "summary"),
            about: text(operation, "description"),
            deprecated: flag(operation, "deprecated"),
            fields: fields.into_values().collect(),
            needs_body: body.is_some_and(|body| flag(body, "required")),
            bodies,
            method,
        }
    }

    fn field(&self, of: &'d Value) -> Option<CallField> {
        let place = match of.get("in").and_then(Value::as_str)? {
            "path" => ParameterPlace::Path,
            "query" => ParameterPlace::Query,
            "header" => ParameterPlace::Header,
            _ => return None,
        };
        let schema = of.get("schema").map(|schema| self.followed(schema));
        let required = place == ParameterPlace::Path || flag(of, "required");
        let example = self.told_example(of).or_else(|| {
            let schema = schema?;
            let told = self.told_example(schema);
            told.or_else(|| required.then(|| self.made(schema, 0, &mut 0)))
        });
        Some(CallField {
            name: text(of, "name"),
            place,
            required,
            about: text(of, "description"),
            kind: schema.map(kind).unwrap_or_default(),
            example: example.as_ref().map(plain).unwrap_or_default(),
        })
        .filter(|field| !field.name.is_empty())
    }

    fn bodies(&self, body: &'d Value) -> Vec<BodyExample> {
        let content = body.get("content").and_then(Value::as_object);
        let forms = content.into_iter().flatten().map(|(media_type, form)| {
            let told = self.told_example(form);
            let schema = form.get("schema");
            let made = || schema.map(|schema| self.made(schema, 0, &mut 0));
            let example = told.or_else(made).unwrap_or_default();
            BodyExample {
                example: written(media_type, &example),
                media_type: media_type.clone(),
            }
        });
        forms.collect()
    }

    /// The example that the document has, by whatever name.
    fn told_example(&self, of: &'d Value) -> Option<Value> {
        let one = of.get("example").cloned();
        let of_schema = || of.get("examples")?.as_array()?.first().cloned();
        let named = || {
            let (_, first) = of.get("examples")?.as_object()?.iter().next()?;
            self.followed(first).get("value").cloned()
        };
        let fixed = || of.get("const").or_else(|| of.get("default")).cloned();
        let one_of = || of.get("enum")?.as_array()?.first().cloned();
        one.or_else(of_schema)
            .or_else(named)
            .or_else(fixed)
            .or_else(one_of)
    }

    /// An example made of a schema.
    fn made(&self, schema: &'d Value, depth: usize, parts: &mut usize) -> Value {
        *parts = parts.saturating_add(1);
        if depth > DEEPEST || *parts > MOST_PARTS {
            return Value::Null;
        }
        let schema = self.followed(schema);
        if let Some(told) = self.told_example(schema) {
            return told;
        }
        let deeper = depth.saturating_add(1);
        let first = ["oneOf", "anyOf"].iter().find_map(|word| {
            let choices = schema.get(*word)?.as_array()?;
            choices.first()
        });
        let (mut members, mut is_object) = (Map::new(), schema.get("properties").is_some());
        let all = schema.get("allOf").and_then(Value::as_array);
        for part in all.into_iter().flatten() {
            if let Value::Object(more) = self.made(part, deeper, parts) {
                is_object = true;
                members.extend(more);
            }
        }
        if is_object {
            self.properties(schema, (deeper, parts), &mut members);
            return Value::Object(members);
        }
        if let Some(first) = first {
            return self.made(first, deeper, parts);
        }
        match type_of(schema) {
            "object" => Value::Object(members),
            "array" => match schema.get("items") {
                Some(items) => json!([self.made(items, deeper, parts)]),
                None => json!([]),
            },
            "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
            "boolean" => Value::Bool(false),
            "string" => json!(example_text(schema)),
            _ => Value::Null,
        }
    }

    /// The properties that must be there; all of them when none must.
    fn properties(
        &self,
        schema: &'d Value,
        (depth, parts): (usize, &mut usize),
        members: &mut Map<String, Value>,
    ) {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| {
            required.is_none_or(|names| names.iter().any(|one| one.as_str() == Some(name)))
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, of) in properties.into_iter().flatten() {
            if is_required(name) && !flag(self.followed(of), "readOnly") {
                let made = self.made(of, depth, parts);
                members.insert(name.clone(), made);
            }
        }
    }
}

fn example_text(schema: &Value) -> &'static str {
    match schema.get("format").and_then(Value::as_str) {
        Some("date") => "2026-01-31",
        Some("date-time") => "2026-01-31T12:00:00Z",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        Some("email") => "somebody@example.com",
        Some("uri" | "url") => "https://example.com",
        _ => "text",
    }
}

fn flag(of: &Value, name: &str) -> bool {
    of.get(name).and_then(Value::as_bool) == Some(true)
}

fn text(of: &Value, name: &str) -> String {
    let text = of.get(name).and_then(Value::as_str).unwrap_or_default();
    text.trim().to_owned()
}

/// The type of a schema; the first of several that says something.
fn type_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(one)) => one,
        Some(Value::Array(several)) => {
            let mut named = several.iter().filter_map(Value::as_str);
            named.find(|one| *one != "null").unwrap_or_default()
        }
        _ => "",
    }
}

fn kind(schema: &Value) -> String {
    let format = schema.get("format").and_then(Value::as_str);
    let choices = schema.get("enum").and_then(Value::as_array);
    let one_of = choices.map(|choices| {
        let shown: Vec<String> = choices.iter().take(12).map(plain).collect();
        format!("one of {}", shown.join(", "))
    });
    one_of.unwrap_or_else(|| match (type_of(schema), format) {
        (of, None) => of.to_owned(),
        (of, Some(format)) => format!("{of}, {format}"),
    })
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") || essence.ends_with("+json")
}

/// A value as a parameter has it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A value as a body of this type.
fn written(media_type: &str, value: &Value) -> String {
    match value {
        Value::String(text) if !is_json(media_type) => text.clone(),
        Value::Object(members) if media_type.starts_with("application/x-www-form-urlencoded") => {
            let pairs = members.iter();
            let pairs = pairs.map(|(name, value)| {
                let of = |text: &str| super::fill::encoded(text);
                format!("{}={}", of(name), of(&plain(value)))
            });
            pairs.collect::<Vec<_>>().join("&")
        }
        Value::Null => String::new(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = r##"{
      "paths": { "/wares/{id}": {
        "parameters": [ { "$ref": "#/components/parameters/Id" }, { "name": "lang", "in": "query", "schema": { "type": "string" } } ],
        "put": { "summary": "Change", "parameters": [
            { "name": "lang", "in": "query", "required": true, "schema": { "type": ["null", "string"], "enum": ["en", "de"] } },
            { "name": "page", "in": "query", "schema": { "type": "integer" } },
            { "name": "X-Reason", "in": "header", "example": "audit", "schema": { "type": "string" } },
            { "name": "session", "in": "cookie", "schema": { "type": "string" } } ],
          "requestBody": { "required": true, "content": {
            "text/plain": { "example": "a text" },
            "application/json": { "schema": { "$ref": "#/components/schemas/Ware" } } } } } } },
      "components": {
        "parameters": { "Id": { "name": "id", "in": "path", "schema": { "type": "string", "format": "uuid" } } },
        "schemas": { "Ware": { "allOf": [
          { "type": "object", "required": ["name", "like"], "properties": {
            "name": { "type": "string" }, "note": { "type": "string" }, "like": { "$ref": "#/components/schemas/Ware" },
            "id": { "type": "string", "readOnly": true } } } ],
          "properties": { "on": { "type": "string", "format": "date" } } } } } }"##;

    #[test]
    fn an_operation_is_read_with_its_fields_and_examples() {
        let all = reference(&serde_json::from_str(SHOP).unwrap());
        assert_eq!(all.len(), 1);
        let put = &all[0];
        assert_eq!((&*put.key, put.needs_body), ("PUT /wares/{id}", true));
        let fields: Vec<_> = put
            .fields
            .iter()
            .map(|field| (&*field.name, &*field.example, &*field.kind, field.required))
            .collect();
        assert_eq!(
            fields,
            [
                (
                    "id",
                    "00000000-0000-4000-8000-000000000000",
                    "string, uuid",
                    true
                ),
                ("lang", "en", "one of en, de", true),
                ("page", "", "integer", false),
                ("X-Reason", "audit", "string", false),
            ]
        );
        assert_eq!(put.bodies[1].example, "a text");
        let body: Value = serde_json::from_str(&put.bodies[0].example).unwrap();
        assert_eq!(body["name"], "text");
        assert_eq!(body["on"], "2026-01-31");
        assert!(body["like"]["name"] == "text" && body.get("note").is_none());
        assert!(body.get("id").is_none());
    }

    /// A description whose parts all refer to all others is read in bounded time.
    #[test]
    fn examples_are_bounded() {
        let mut schemas = Map::new();
        for one in 0..30 {
            let properties: Map<String, Value> = (0..30)
                .map(|other| {
                    (
                        format!("p{other}"),
                        json!({ "$ref": format!("#/components/schemas/S{other}") }),
                    )
                })
                .collect();
            schemas.insert(format!("S{one}"), json!({ "properties": properties }));
        }
        let circle = json!({ "$ref": "#/components/schemas/Circle" });
        schemas.insert("Circle".to_owned(), circle);
        let content = json!({ "application/json": { "schema": { "$ref": "#/components/schemas/S1" } },
            "application/x+json": { "schema": { "$ref": "#/components/schemas/Circle" } } });
        let document = json!({ "paths": { "/x": { "post": { "requestBody": { "content": content } } } },
            "components": { "schemas": schemas } });
        let all = reference(&document);
        assert_eq!(all[0].bodies.len(), 2);
        assert!(
            all[0]
                .bodies
                .iter()
                .all(|body| body.example.len() < 100_000)
        );
    }
}
