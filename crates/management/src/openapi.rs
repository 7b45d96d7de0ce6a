//! The document of the API: what the handlers say of themselves, and the resources, which are
//! one implementation for all kinds and described once.

use std::collections::BTreeMap;

use http::Method;
use http_kit::ProblemDocument;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use state::{
    Document,
    document::{
        Account, AnomalyRule, Api, App, Capability, Description, Ladder, Limit, List, Plan, Policy,
        Profile, Property, Region, RiskModel, Settings,
    },
};
use store::Kind;
use utoipa::{PartialSchema as _, ToSchema as _, openapi::OpenApi};

use crate::{bounds::most_bytes, resources::plural};

const SCHEMAS: &str = "/components/schemas";

/// Completes what the handlers say.
pub(crate) fn finish(documented: &OpenApi) -> Value {
    let mut document = serde_json::to_value(documented).unwrap_or_default();
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.definitions_path = SCHEMAS.into();
            settings.meta_schema = None;
        })
        .into_generator();
    let mut paths = Map::new();
    let mut schemas = Map::new();
    described::<Settings>(&mut generator, &mut paths, &mut schemas);
    described::<Property>(&mut generator, &mut paths, &mut schemas);
    described::<Ladder>(&mut generator, &mut paths, &mut schemas);
    described::<Region>(&mut generator, &mut paths, &mut schemas);
    described::<Policy>(&mut generator, &mut paths, &mut schemas);
    described::<Profile>(&mut generator, &mut paths, &mut schemas);
    described::<Capability>(&mut generator, &mut paths, &mut schemas);
    described::<RiskModel>(&mut generator, &mut paths, &mut schemas);
    described::<Limit>(&mut generator, &mut paths, &mut schemas);
    described::<List>(&mut generator, &mut paths, &mut schemas);
    described::<Plan>(&mut generator, &mut paths, &mut schemas);
    described::<Description>(&mut generator, &mut paths, &mut schemas);
    described::<Api>(&mut generator, &mut paths, &mut schemas);
    described::<AnomalyRule>(&mut generator, &mut paths, &mut schemas);
    described::<Account>(&mut generator, &mut paths, &mut schemas);
    described::<App>(&mut generator, &mut paths, &mut schemas);
    schemas.extend(generator.take_definitions(true));
    schemas.extend(problem_schemas());
    merge(&mut document, "paths", paths);
    if let Some(components) = member(&mut document, "components") {
        components.insert("securitySchemes".to_owned(), security_schemes());
    }
    if let Some(components) = document.get_mut("components") {
        merge(components, "schemas", schemas);
    }
    if let Some(root) = document.as_object_mut() {
        root.insert("info".to_owned(), info());
        root.insert("security".to_owned(), json!([{ "operator": [] }]));
        root.insert("tags".to_owned(), tags());
    }
    say_bounds(&mut document);
    in_order(document)
}

/// Writes at every operation that takes a body how long it may be.
fn say_bounds(document: &mut Value) {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes());
            let operation = operation.as_object_mut();
            let taking = operation.filter(|one| one.contains_key("requestBody"));
            if let (Ok(method), Some(operation)) = (method, taking) {
                let most = most_bytes(&method, path);
                operation.insert("x-most-bytes".to_owned(), most.into());
            }
        }
    }
}

/// Members by name, so that the text does not depend on how JSON objects are built.
fn in_order(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<String, Value> = members
                .into_iter()
                .map(|(name, value)| (name, in_order(value)))
                .collect();
            Value::Object(sorted.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(in_order).collect(),
        other => other,
    }
}

/// The schemas of problems, which every operation refers to and none has as its body.
fn problem_schemas() -> impl Iterator<Item = (String, Value)> {
    let mut named = vec![(
        ProblemDocument::name().into_owned(),
        ProblemDocument::schema(),
    )];
    ProblemDocument::schemas(&mut named);
    named
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
}

fn member<'a>(of: &'a mut Value, name: &str) -> Option<&'a mut Map<String, Value>> {
    let entry = of.as_object_mut()?.entry(name).or_insert_with(|| json!({}));
    entry.as_object_mut()
}

fn merge(document: &mut Value, name: &str, more: Map<String, Value>) {
    if let Some(member) = member(document, name) {
        member.extend(more);
    }
}

fn info() -> Value {
    json!({
        "title": "Portreeve management API",
        "version": "1",
        "description": "What the provider's operator changes and asks, and what an app asks about itself. Changes are additive; errors are RFC 9457 problems with stable codes.",
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
    })
}

fn security_schemes() -> Value {
    json!({
        "operator": {
            "type": "http", "scheme": "bearer",
            "description": "The operator token of the installation, or an access token of a person whose roles open the operation"
        },
        "app": {
            "type": "http", "scheme": "basic",
            "description": "A key of an app: its id and its secret"
        }
    })
}

fn tags() -> Value {
    let tag = |name: &str, description: &str| json!({ "name": name, "description": description });
    json!([
        tag("state", "Everything a state file says, at once"),
        tag(
            "resources",
            "Everything a state file says, one entry at a time"
        ),
        tag("developers", "Levels, toggles and limits"),
        tag(
            "developer",
            "What somebody of a developer account does, on the site as well",
        ),
        tag(
            "registration",
            "What a developer does before there is an account, on the site as well",
        ),
        tag("keys", "Keys of apps"),
        tag(
            "confidential",
            "What accounts entrust: numbers, passwords, bank and card data"
        ),
        tag("calls", "Call records and their explanations"),
        tag("secrets", "Secrets that state files refer to"),
        tag(
            "persons",
            "Who signs in, what they may do, and what is signed in"
        ),
        tag("installation", "The installation itself"),
        tag("me", "What an app asks about itself"),
    ])
}

/// Adds the paths and schemas of one kind.
fn described<T: Document + JsonSchema>(
    generator: &mut SchemaGenerator,
    paths: &mut Map<String, Value>,
    schemas: &mut Map<String, Value>,
) {
    let entry = generator.subschema_for::<T>().to_value();
    let (word, title) = (T::schema_name(), plural(T::KIND));
    let resource = format!("{word}Resource");
    let page = format!("{word}Page");
    schemas.insert(resource.clone(), resource_schema(T::KIND, &entry));
    schemas.insert(page.clone(), page_schema(&resource));
    let list = format!("/v1/{title}");
    let named = Named {
        kind: T::KIND,
        word: &word,
        resource: &resource,
    };
    paths.insert(
        list.clone(),
        json!({ "get": browse_operation(&named, &page) }),
    );
    paths.insert(
        format!("{list}/{{name}}"),
        json!({
            "get": read_operation(&named),
            "put": put_operation(&named, &entry),
            "delete": delete_operation(&named),
        }),
    );
}

struct Named<'a> {
    kind: Kind,
    word: &'a str,
    resource: &'a str,
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#{SCHEMAS}/{schema}") })
}

fn resource_schema(kind: Kind, entry: &Value) -> Value {
    let time = || json!({ "type": "string", "format": "date-time" });
    let mut properties = json!({
        "name": { "type": "string", "description": "Its stable name" },
        "version": { "type": "integer", "minimum": 0, "description": "The revision that last changed it; its `ETag`" },
        "created_at": time(),
        "updated_at": time(),
        "entry": entry,
    });
    let mut required = vec!["name", "version", "created_at", "updated_at", "entry"];
    if matches!(kind, Kind::Account | Kind::App) {
        if let Some(properties) = properties.as_object_mut() {
            let id = json!({ "type": "string", "description": "Its id, given by the server" });
            properties.insert("id".to_owned(), id);
        }
        required.push("id");
    }
    json!({ "type": "object", "required": required, "properties": properties })
}

fn page_schema(resource: &str) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": { "type": "array", "items": reference(resource) },
            "next": {
                "type": ["string", "null"],
                "description": "The cursor of the next page; `null` when this is the last"
            }
        }
    })
}

fn problems() -> Value {
    json!({
        "description": "What went wrong, with a stable code (RFC 9457)",
        "content": { "application/problem+json": { "schema": reference("Problem") } }
    })
}

fn query(name: &str, description: &str) -> Value {
    json!({
        "name": name, "in": "query", "description": description,
        "schema": { "type": "string" }
    })
}

fn header(name: &str, description: &str) -> Value {
    json!({
        "name": name, "in": "header", "description": description,
        "schema": { "type": "string" }
    })
}

fn name_parameter(kind: Kind) -> Value {
    let description = match kind {
        Kind::Account | Kind::App => "Its name or id",
        Kind::Settings => "`settings`: there is one resource of this kind",
        Kind::Description => "Its name: the API, `@` and the version",
        _ => "Its name",
    };
    json!({
        "name": "name", "in": "path", "required": true, "description": description,
        "schema": { "type": "string" }
    })
}

fn found(named: &Named<'_>, description: &str) -> Value {
    json!({
        "description": description,
        "headers": { "ETag": { "schema": { "type": "string" } } },
        "content": { "application/json": { "schema": reference(named.resource) } }
    })
}

fn browse_operation(named: &Named<'_>, page: &str) -> Value {
    let mut parameters = vec![
        query("q", "Only those whose name holds this"),
        json!({
            "name": "limit", "in": "query",
            "description": "How many items a page may hold; 50 when left out",
            "schema": { "type": "integer", "minimum": 1, "maximum": 499 }
        }),
        query("cursor", "`next` of the page before, with the same filters"),
    ];
    if named.kind == Kind::App {
        parameters.push(query("developer", "Only apps of this developer account"));
        parameters.push(query("api", "Only apps subscribed to this API"));
    }
    json!({
        "tags": ["resources"],
        "operationId": format!("list{}", plural_word(named)),
        "summary": format!("The {}, by name", plural(named.kind)),
        "description": "With a filter a page may be shorter than `limit` and still have a `next`.",
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "A page",
                "content": { "application/json": { "schema": reference(page) } }
            },
            "default": problems()
        }
    })
}

/// `capabilities` as a part of an operation id: `Capabilities`.
fn plural_word(named: &Named<'_>) -> String {
    let mut letters = plural(named.kind).chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn read_operation(named: &Named<'_>) -> Value {
    json!({
        "tags": ["resources"],
        "operationId": format!("get{}", named.word),
        "summary": format!("One {}", named.kind),
        "parameters": [
            name_parameter(named.kind),
            header("If-None-Match", "The `ETag` of the version at hand")
        ],
        "responses": {
            "200": found(named, "It"),
            "304": { "description": "It is at the version at hand" },
            "default": problems()
        }
    })
}

fn put_operation(named: &Named<'_>, entry: &Value) -> Value {
    json!({
        "tags": ["resources"],
        "operationId": format!("put{}", named.word),
        "summary": format!("Make or replace one {}", named.kind),
        "description": "The body is the entry as a state file has it, without its name. The change is held against everything else; what contradicts it is told with its place, and nothing is changed.",
        "parameters": [
            name_parameter(named.kind),
            header("If-Match", "The `ETag` of the version to be replaced"),
            header("If-None-Match", "`*` to make it only if it does not exist")
        ],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": entry } }
        },
        "responses": {
            "200": found(named, "It, as it is now"),
            "201": found(named, "It is new"),
            "default": problems()
        }
    })
}

fn delete_operation(named: &Named<'_>) -> Value {
    json!({
        "tags": ["resources"],
        "operationId": format!("delete{}", named.word),
        "summary": format!("Delete one {}", named.kind),
        "description": "Refused while something else refers to it.",
        "parameters": [
            name_parameter(named.kind),
            header("If-Match", "The `ETag` of the version to be deleted")
        ],
        "responses": {
            "204": { "description": "It is gone" },
            "default": problems()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Handlers and resources name their schemas by themselves: one of another's name would take
    /// its place in the document.
    #[test]
    fn no_schema_has_the_name_of_another() {
        let documented = crate::operator_routes()
            .merge(crate::open_routes())
            .merge(crate::registrations::open_routes())
            .into_openapi();
        let finished = finish(&documented);
        let ours = in_order(serde_json::to_value(&documented).unwrap());
        let ours = ours.pointer(SCHEMAS).and_then(Value::as_object).unwrap();
        for (name, schema) in ours {
            let kept = finished.pointer(SCHEMAS).and_then(|all| all.get(name));
            assert_eq!(kept, Some(schema), "two schemas are called `{name}`");
        }
    }
}
