//! No body takes more than the document says, and no answer holds more.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::described::{Everybody, Operation, alternatives, least, refused, resolved};

/// What a caller would like to be, have or be forgiven.
const COVETED: &[&str] = &[
    "verified",
    "email_verified",
    "role",
    "roles",
    "admin",
    "is_admin",
    "tenant",
    "tenant_id",
    "owner",
    "developer_id",
    "account_id",
    "balance",
    "price",
    "status",
    "state",
    "standing",
    "level",
    "levels",
    "limits",
    "id",
    "version",
    "created",
    "created_at",
    "updated_at",
    "password_hash",
    "permissions",
    "scope",
    "active",
    "__proto__",
    "constructor",
    "$ref",
    "",
    "Name",
    "name ",
    "x-unknown",
];

/// A place in a body where an object stands: how to write what stands around it, and the names
/// that it may have.
struct Place {
    before: String,
    after: String,
    names: BTreeSet<String>,
}

/// Every place of a body, as deep as a schema goes without meeting itself.
fn places(document: &Value, schema: &Value) -> Vec<Place> {
    let mut found = Vec::new();
    let start = Around {
        pointer: String::new(),
        before: String::new(),
        after: String::new(),
        names: Vec::new(),
    };
    look(document, schema, &start, &mut found);
    found
}

#[derive(Clone)]
struct Around {
    pointer: String,
    before: String,
    after: String,
    /// The schemas on the way, so that one that holds itself is entered once.
    names: Vec<String>,
}

impl Around {
    fn inside(&self, name: &str, before: &str, after: &str) -> Self {
        Self {
            pointer: format!("{}/{name}", self.pointer),
            before: format!("{}{before}", self.before),
            after: format!("{after}{}", self.after),
            names: self.names.clone(),
        }
    }
}

fn look(document: &Value, schema: &Value, at: &Around, found: &mut Vec<Place>) {
    let mut at = at.clone();
    let mut schema = schema.clone();
    while let Some(reference) = schema["$ref"].as_str().map(str::to_owned) {
        if at.names.contains(&reference) {
            return;
        }
        schema = document
            .pointer(reference.trim_start_matches('#'))
            .unwrap()
            .clone();
        at.names.push(reference);
    }
    for word in ["oneOf", "anyOf", "allOf"] {
        for one in schema[word].as_array().into_iter().flatten() {
            look(document, one, &at, found);
        }
    }
    if schema["items"].is_object() {
        look(document, &schema["items"], &at.inside("0", "[", "]"), found);
    }
    if schema["additionalProperties"].is_object() {
        let inside = at.inside("some", r#"{"some":"#, "}");
        look(document, &schema["additionalProperties"], &inside, found);
    }
    let none = serde_json::Map::new();
    let properties = match schema["properties"].as_object() {
        Some(properties) => properties,
        None if schema["additionalProperties"] == false => &none,
        None => return,
    };
    assert_eq!(
        schema["additionalProperties"],
        json!(false),
        "{} is not closed",
        at.pointer
    );
    for (name, property) in properties {
        assert_ne!(property["readOnly"], true, "{}/{name}", at.pointer);
        let inside = at.inside(name, &format!(r#"{{"{name}":"#), "}");
        look(document, property, &inside, found);
    }
    found.push(Place {
        names: properties.keys().cloned().collect(),
        before: at.before,
        after: at.after,
    });
}

/// Every place of every body, with every coveted name that the document does not have there:
/// refused with the place, and nothing is changed.
///
/// Shows: S-76, S-87, R-54.
#[tokio::test]
async fn no_body_takes_a_field_that_is_not_its_own() {
    let all = Everybody::assembled().await;
    let document = management::openapi();
    let before = all.revision().await;
    let mut tried = 0;
    for operation in Operation::with_body() {
        let schema = operation.body.as_ref().unwrap();
        let path = operation.path.replace(['{', '}'], "");
        for place in places(&document, schema) {
            for name in COVETED.iter().filter(|name| !place.names.contains(**name)) {
                let (before, after) = (&place.before, &place.after);
                let body = format!(r#"{before}{{"{name}":true}}{after}"#);
                let what = format!("{} with {body}", operation.name());
                // Reports of one address are counted before they are read.
                all.desk.clock.advance_seconds(30);
                let answer = all.json(&operation.method, &path, &body).await;
                refused(&answer, &what);
                assert_eq!(answer.status, 400, "{what}: {}", answer.body);
                let fault = &answer.body["errors"][0];
                let named = fault["detail"]
                    .as_str()
                    .unwrap()
                    .contains(&format!("`{name}`"))
                    || fault["pointer"]
                        .as_str()
                        .unwrap()
                        .ends_with(&format!("/{name}"));
                assert!(named, "{what}: {}", answer.body);
                tried += 1;
            }
        }
    }
    println!("{tried} fields refused");
    assert!(tried > 3_000, "only {tried}");
    assert_eq!(all.revision().await, before, "something was changed");
}

/// A body that would be taken is not, as soon as it holds one thing more.
///
/// Shows: S-76, S-87.
#[tokio::test]
async fn a_whole_body_with_one_thing_more_is_refused() {
    let all = Everybody::assembled().await;
    let document = management::openapi();
    let before = all.revision().await;
    for operation in Operation::with_body() {
        let mut body = least(&document, operation.body.as_ref().unwrap());
        let path = operation.path.replace(['{', '}'], "");
        body["zz_more"] = json!(1);
        let what = format!("{} with {body}", operation.name());
        let answer = all.json(&operation.method, &path, &body.to_string()).await;
        refused(&answer, &what);
        assert_eq!(answer.status, 400, "{what}: {}", answer.body);
    }
    assert_eq!(all.revision().await, before, "something was changed");
}

/// Properties of `value` that none of what `schema` may be declares.
fn undeclared(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let forms = alternatives(document, schema);
    let of = |form: &Value| -> Vec<String> {
        match value {
            Value::Object(members) => {
                let mut found = Vec::new();
                for (name, member) in members {
                    let at = format!("{at}/{name}");
                    let property = &form["properties"][name];
                    if property.is_object() {
                        found.extend(undeclared(document, property, member, &at));
                    } else if form["additionalProperties"].is_object() {
                        let each = &form["additionalProperties"];
                        found.extend(undeclared(document, each, member, &at));
                    } else if form["properties"].is_object() {
                        found.push(at);
                    }
                }
                found
            }
            Value::Array(items) => {
                let each = &form["items"];
                let all = items.iter().filter(|_| each.is_object());
                all.flat_map(|item| undeclared(document, each, item, at))
                    .collect()
            }
            _ => Vec::new(),
        }
    };
    let all = forms.iter().map(of);
    all.min_by_key(Vec::len).unwrap_or_default()
}

/// Nobody is answered more than the document says, whatever their role: what is not declared is
/// not there.
///
/// Shows: S-87.
#[tokio::test]
async fn no_answer_holds_what_the_document_does_not_say() {
    let all = Everybody::assembled().await;
    let desk = &all.desk;
    let document = management::openapi();
    let mut callers = vec![("operator", desk.token.clone())];
    for role in ["viewer", "support", "risk", "admin"] {
        let email = format!("{role}@roles.example");
        callers.push((role, desk.person(&email, &[role], &[]).await.1));
    }
    let (made, developer) = desk.developer("second@example.com").await;
    callers.push(("developer", developer.clone()));
    let own = json!({ "title": "Till", "apis": ["shop"] });
    let own = desk
        .ask_as(&developer, ("POST", "/v1/developer/apps"), &[], Some(&own))
        .await
        .is(201)
        .body;
    let own = own["name"].as_str().unwrap().to_owned();
    let key = json!({ "mode": "test" });
    let path = format!("/v1/developer/apps/{own}/keys");
    desk.ask_as(&developer, ("POST", &path), &[], Some(&key))
        .await
        .is(201);
    let mut read = 0;
    for operation in Operation::all().iter().filter(|one| one.method == "GET") {
        let Some(schema) = operation.answer() else {
            continue;
        };
        let path = operation
            .path
            .replace("{account}", made["name"].as_str().unwrap())
            .replace("{app}", &own)
            .replace("{api}", "shop")
            .replace("{version}", "1");
        let name = named(&path, &own);
        let path = path.replace("{name}", &name).replace(['{', '}'], "");
        for (role, token) in &callers {
            let answer = desk.ask_as(token, ("GET", &path), &[], None).await;
            if answer.status != 200 {
                refused(&answer, &format!("{path} as {role}"));
                continue;
            }
            let found = undeclared(&document, &schema, &answer.body, "");
            assert!(
                found.is_empty(),
                "{path} as {role} tells {found:?}: {}",
                answer.body
            );
            read += 1;
        }
    }
    println!("{read} answers read");
    assert!(read > 150, "only {read} answers were read");
}

/// The name of something that is there, for the path of a resource.
fn named(path: &str, app: &str) -> String {
    let known = [
        ("/v1/accounts/", "acme"),
        ("/v1/apps/", app),
        ("/v1/apis/", "shop"),
        ("/v1/capabilities/", "LOOK"),
        ("/v1/settings/", "settings"),
        ("/v1/descriptions/", "shop@1"),
    ];
    let found = known.iter().find(|(start, _)| path.starts_with(start));
    found.map_or("default", |(_, name)| name).to_owned()
}

/// Every schema that a body may reach is closed, as the document says it.
///
/// Shows: S-76.
#[test]
fn every_schema_of_a_body_is_closed() {
    let document = management::openapi();
    let mut seen = 0;
    for operation in Operation::with_body() {
        let schema = resolved(&document, operation.body.as_ref().unwrap());
        let places = places(&document, &schema);
        assert!(!places.is_empty(), "{} takes anything", operation.name());
        seen += places.len();
    }
    assert!(seen > 100, "only {seen} places");
}
