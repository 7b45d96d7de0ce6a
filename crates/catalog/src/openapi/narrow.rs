use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    Document, ImportProblem, check_version, read_paths,
    resolve::{At, Resolver},
    servers::{self, Servers},
};
use crate::PathTemplate;

const COMPONENTS: &str = "#/components/";

/// What is told of an API instead of the whole.
#[derive(Clone, Copy)]
pub struct Narrowing<'a> {
    /// Whether an operation stays, by its key: `METHOD /template`.
    pub keep: &'a dyn Fn(&str) -> bool,
    /// Where the API is reached.
    pub servers: &'a [String],
    /// How callers show who they are there: security schemes by name. Each is enough.
    pub schemes: &'a Map<String, Value>,
}

impl std::fmt::Debug for Narrowing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Narrowing")
            .field("servers", &self.servers)
            .finish_non_exhaustive()
    }
}

/// A description of those operations that stay, with all they refer to and nothing else: no other
/// operation's name, path, tag or schema.
///
/// # Errors
/// When the description cannot be read.
pub fn narrow(text: &str, narrowing: Narrowing<'_>) -> Result<Value, ImportProblem> {
    let Document(root) = Document::read(text)?;
    let top = At::root(&root);
    check_version(&top)?;
    let paths = kept_paths(&top, &root, narrowing)?;
    let components = components(&root, &paths, narrowing.schemes);
    let mut narrowed = Map::new();
    for name in ["openapi", "info", "jsonSchemaDialect"] {
        if let Some(value) = root.get(name) {
            narrowed.insert(name.to_owned(), value.clone());
        }
    }
    let servers = narrowing.servers.iter().map(|url| json!({ "url": url }));
    let security = narrowing.schemes.keys().map(|name| json!({ name: [] }));
    narrowed.insert("servers".to_owned(), servers.collect());
    narrowed.insert("security".to_owned(), security.collect());
    if let Some(tags) = tags(&root, &paths) {
        narrowed.insert("tags".to_owned(), tags);
    }
    let paths: Map<String, Value> = paths.into_iter().collect();
    narrowed.insert("paths".to_owned(), Value::Object(paths));
    narrowed.insert("components".to_owned(), Value::Object(components));
    Ok(Value::Object(narrowed))
}

/// Path items with the operations that stay; what a path item refers to stands in it.
fn kept_paths(
    top: &At<'_>,
    root: &Value,
    narrowing: Narrowing<'_>,
) -> Result<BTreeMap<String, Value>, ImportProblem> {
    let resolver = Resolver::new(root);
    let document = Servers::of(top)?;
    let raw = read_paths(&resolver, top, &document)?;
    let (_, prefixes) = servers::common_base(&raw, &document);
    let mut kept = BTreeMap::new();
    let items = top.get("paths");
    for (raw, prefix) in raw.iter().zip(prefixes) {
        let template = [&prefix, raw.template.as_str()].concat();
        let template = PathTemplate::parse(&template).map_err(|problem| {
            let at = raw.at.clone();
            ImportProblem::Template { at, problem }
        })?;
        if !(narrowing.keep)(&format!("{} {template}", raw.method)) {
            continue;
        }
        let Some(item) = items.as_ref().and_then(|paths| paths.get(&raw.template)) else {
            continue;
        };
        let parts = resolver.follow_beside(item)?;
        let method = raw.method.to_ascii_lowercase();
        let Some(operation) = parts.iter().find_map(|part| part.get(&method)) else {
            continue;
        };
        let to = kept.entry(template.to_string()).or_insert_with(|| {
            let shared = parts.iter().find_map(|part| part.get("parameters"));
            shared.map_or_else(|| json!({}), |list| json!({ "parameters": list.value }))
        });
        if let Some(to) = to.as_object_mut() {
            to.insert(method, alone(operation.value));
        }
    }
    Ok(kept)
}

/// An operation without what is the provider's, and without links to others.
fn alone(operation: &Value) -> Value {
    let mut operation = operation.clone();
    if let Some(members) = operation.as_object_mut() {
        members.remove("servers");
        members.remove("security");
    }
    if let Some(Value::Object(responses)) = operation.get_mut("responses") {
        responses.values_mut().for_each(without_links);
    }
    operation
}

fn without_links(response: &mut Value) {
    if let Some(members) = response.as_object_mut() {
        members.remove("links");
    }
}

/// The components that the kept paths refer to, and those that these refer to.
fn components(
    root: &Value,
    paths: &BTreeMap<String, Value>,
    schemes: &Map<String, Value>,
) -> Map<String, Value> {
    let mut open = Vec::new();
    for item in paths.values() {
        named(item, &mut open);
    }
    let mut seen = BTreeSet::new();
    let mut components = Map::new();
    while let Some((group, name)) = open.pop() {
        if !seen.insert((group.clone(), name.clone())) || group == "securitySchemes" {
            continue;
        }
        let place = root.get("components").and_then(|all| all.get(&group));
        let Some(found) = place.and_then(|group| group.get(&name)) else {
            continue;
        };
        let mut found = found.clone();
        if group == "responses" {
            without_links(&mut found);
        }
        named(&found, &mut open);
        let group = components.entry(group).or_insert_with(|| json!({}));
        if let Some(group) = group.as_object_mut() {
            group.insert(name, found);
        }
    }
    let schemes = Value::Object(schemes.clone());
    components.insert("securitySchemes".to_owned(), schemes);
    components
}

/// The components that a value refers to. Descriptions are nested 128 deep at most.
fn named(value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => {
            let Some(rest) = text.strip_prefix(COMPONENTS) else {
                return;
            };
            let mut parts = rest.split('/').map(unescaped);
            if let (Some(group), Some(name)) = (parts.next(), parts.next()) {
                found.push((group, name));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| named(item, found)),
        Value::Object(members) => members.values().for_each(|member| named(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A part of a JSON pointer in a URI fragment.
fn unescaped(part: &str) -> String {
    let part = percent_encoding::percent_decode_str(part).decode_utf8_lossy();
    part.replace("~1", "/").replace("~0", "~")
}

/// The tags of the kept operations, as the document describes them.
fn tags(root: &Value, paths: &BTreeMap<String, Value>) -> Option<Value> {
    let operations = paths.values().filter_map(Value::as_object).flatten();
    let used: BTreeSet<&str> = operations
        .filter_map(|(_, operation)| operation.get("tags")?.as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let described = root.get("tags")?.as_array()?.iter();
    let is_used = |tag: &&Value| {
        let name = tag.get("name").and_then(Value::as_str);
        name.is_some_and(|name| used.contains(name))
    };
    Some(described.filter(is_used).cloned().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::openapi::import;

    const SHOP: &str = r##"
openapi: 3.1.0
info: { title: Shop, version: "1" }
servers: [ { url: "https://internal.example/v1" } ]
security: [ { internal: [] } ]
tags: [ { name: wares }, { name: money } ]
webhooks: { secret-hook: { post: { responses: {} } } }
paths:
  /wares:
    parameters: [ { $ref: "#/components/parameters/Page" } ]
    get: { operationId: list, tags: [wares], responses: { "200": { $ref: "#/components/responses/Wares" } } }
    post:
      operationId: add
      tags: [wares]
      security: [ { internal: [] } ]
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Ware" } } } }
      responses: { "200": { description: ok, links: { pay: { operationId: pay } } } }
  /payments:
    $ref: "#/components/pathItems/Payments"
components:
  pathItems:
    Payments:
      post:
        operationId: pay
        tags: [money]
        requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Payment" } } } }
        responses: { "200": { description: ok } }
  parameters: { Page: { name: page, in: query, schema: { type: integer } } }
  responses:
    Wares:
      description: ok
      content: { application/json: { schema: { $ref: "#/components/schemas/Wares" } } }
      links: { pay: { operationId: pay } }
  schemas:
    Wares: { type: array, items: { $ref: "#/components/schemas/Ware" } }
    Ware: { type: object, properties: { like: { $ref: "#/components/schemas/Ware" } } }
    Payment: { type: object, properties: { of: { $ref: "#/components/schemas/Iban" } } }
    Iban: { type: string }
  securitySchemes: { internal: { type: http, scheme: bearer } }
"##;

    fn shop(keep: &dyn Fn(&str) -> bool) -> Value {
        let schemes = json!({ "key": { "type": "http", "scheme": "basic" } });
        narrow(
            SHOP,
            Narrowing {
                keep,
                servers: &["/shop".to_owned()],
                schemes: schemes.as_object().unwrap(),
            },
        )
        .unwrap()
    }

    #[test]
    fn what_stays_is_whole_and_nothing_is_told_of_the_rest() {
        let narrowed = shop(&|key| key == "GET /wares");
        assert!(narrowed["paths"]["/wares"]["get"].is_object());
        assert_eq!(
            narrowed["paths"]["/wares"]["parameters"][0]["$ref"],
            "#/components/parameters/Page"
        );
        let mut schemas: Vec<&String> = narrowed["components"]["schemas"]
            .as_object()
            .unwrap()
            .keys()
            .collect();
        schemas.sort_unstable();
        assert_eq!(schemas, ["Ware", "Wares"]);
        let text = narrowed.to_string();
        for hidden in [
            "pay",
            "Iban",
            "money",
            "add",
            "internal",
            "secret-hook",
            "bearer",
        ] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
        let read = import(&text).unwrap();
        assert_eq!(read.operations.len(), 1);
        let referred = shop(&|key| key.contains("payments"));
        assert_eq!(referred["components"]["schemas"]["Iban"]["type"], "string");
    }

    fn refers_to_nothing_missing(root: &Value) {
        let mut open = Vec::new();
        named(root, &mut open);
        for (group, name) in open {
            assert!(
                root["components"][&group].get(&name).is_some(),
                "{group} {name}"
            );
        }
    }

    proptest! {
        /// Shows: P-16.
        #[test]
        fn exactly_what_may_be_called_stays(which in 0_u8..8) {
            let keys = ["GET /wares", "POST /wares", "POST /payments"];
            let kept: Vec<&str> = (0..3).filter(|bit| which >> bit & 1 == 1).map(|bit| keys[bit]).collect();
            let narrowed = shop(&|key| kept.contains(&key));
            refers_to_nothing_missing(&narrowed);
            let read = import(&narrowed.to_string()).unwrap();
            let mut found: Vec<&str> = read.operations.iter().map(|one| one.key.as_str()).collect();
            let mut kept = kept;
            found.sort_unstable();
            kept.sort_unstable();
            prop_assert_eq!(found, kept);
        }
    }
}
