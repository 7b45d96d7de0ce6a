//! The operations as the document has them, and requests made of it.

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Request, header};
use primitives::Secret;
use serde_json::{Map, Value, json};

use crate::desk::{Answer, Desk};

/// An operation of the document.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: String,
    pub(super) path: String,
    /// The schema of its body, if it has one.
    pub(super) body: Option<Value>,
    pub(super) said: Value,
}

impl Operation {
    pub(super) fn all() -> Vec<Self> {
        let document = management::openapi();
        let mut all = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, said) in item.as_object().unwrap() {
                let body = said.pointer("/requestBody/content/application~1json/schema");
                all.push(Self {
                    method: method.to_uppercase(),
                    path: path.clone(),
                    body: body.cloned(),
                    said: said.clone(),
                });
            }
        }
        assert!(all.len() > 100, "the document lists {}", all.len());
        all
    }

    /// Those that take a body.
    pub(super) fn with_body() -> Vec<Self> {
        let all = Self::all().into_iter();
        let taking: Vec<_> = all.filter(|one| one.body.is_some()).collect();
        assert!(taking.len() > 50, "{} take a body", taking.len());
        taking
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The names of its parameters of a place.
    pub(super) fn parameters(&self, place: &str) -> Vec<Value> {
        let all = self.said["parameters"].as_array();
        let all = all.into_iter().flatten();
        all.filter(|one| one["in"] == place).cloned().collect()
    }

    /// The schema of its answer, if that is JSON.
    pub(super) fn answer(&self) -> Option<Value> {
        let answers = self.said["responses"].as_object().unwrap().iter();
        let mut answers = answers.filter(|(status, _)| status.starts_with('2'));
        let (_, answer) = answers.next()?;
        answer.pointer("/content/application~1json/schema").cloned()
    }
}

/// A schema without references: what it is reached by, and what it says.
pub(super) fn resolved(document: &Value, schema: &Value) -> Value {
    let mut schema = schema.clone();
    while let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        schema = document.pointer(pointer).unwrap().clone();
    }
    schema
}

/// The schemas that a schema may be, each resolved; without `null`.
pub(super) fn alternatives(document: &Value, schema: &Value) -> Vec<Value> {
    let schema = resolved(document, schema);
    for word in ["oneOf", "anyOf", "allOf"] {
        if let Some(all) = schema[word].as_array() {
            let all = all.iter().flat_map(|one| alternatives(document, one));
            return all.filter(|one| one["type"] != "null").collect();
        }
    }
    vec![schema]
}

/// The least value that fits a schema.
pub(super) fn least(document: &Value, schema: &Value) -> Value {
    let schema = alternatives(document, schema).remove(0);
    if let Some(constant) = schema.get("const") {
        return constant.clone();
    }
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(all) => all[0].as_str().unwrap_or("string").to_owned(),
        kind => kind.as_str().unwrap_or("string").to_owned(),
    };
    match kind.as_str() {
        "object" => {
            let mut made = Map::new();
            let needed = schema["required"].as_array();
            for name in needed.into_iter().flatten().filter_map(Value::as_str) {
                let of = &schema["properties"][name];
                made.insert(name.to_owned(), least(document, of));
            }
            Value::Object(made)
        }
        "array" => json!([]),
        "boolean" => json!(false),
        "integer" => json!(1),
        _ if schema["format"] == "date-time" => json!("2026-01-01T00:00:00Z"),
        _ => json!("text"),
    }
}

/// Who may ask: whoever an operation is for.
pub(super) struct Everybody {
    pub(super) desk: Desk,
    app: String,
    developer: Secret,
    person: Secret,
}

impl Everybody {
    pub(super) async fn assembled() -> Self {
        let desk = Desk::with_state().await;
        let (id, secret) = desk.key().await;
        let (_, developer) = desk.developer("developer@example.com").await;
        let (_, person) = desk.person("admin@example.com", &["admin"], &[]).await;
        Self {
            app: format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))),
            desk,
            developer,
            person,
        }
    }

    /// What somebody who may call it writes in `Authorization`.
    fn authorization(&self, path: &str) -> Option<String> {
        let bearer = |token: &Secret| Some(format!("Bearer {}", token.expose()));
        let open = ["/v1/registrations", "/v1/password-links", "/v1/leaked-sec"];
        if open.iter().any(|one| path.starts_with(one)) {
            None
        } else if path.starts_with("/v1/me/") {
            Some(self.app.clone())
        } else if path == "/v1/developer" || path.starts_with("/v1/developer/") {
            bearer(&self.developer)
        } else if super::OWN.iter().any(|one| path.starts_with(one)) {
            bearer(&self.person)
        } else {
            bearer(&self.desk.token)
        }
    }

    /// Sends a body to an operation, as somebody who may.
    pub(super) async fn send(
        &self,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(authorization) = self.authorization(path) {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.desk.send(request.body(body.into()).unwrap()).await
    }

    /// The same with JSON.
    pub(super) async fn json(&self, method: &str, path: &str, body: &str) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send((method, path), &headers, body.to_owned()).await
    }

    /// Where everything stands: whatever is changed is told there.
    pub(super) async fn revision(&self) -> u64 {
        self.desk.store.revision().await.unwrap().0
    }
}

/// Words that only somebody who wrote the program could mean.
const INSIDES: &[&str] = &[
    "struct ", "enum ", "tuple", "variant", "newtype", "visitor", "u8", "u16", "u32", "u64", "i32",
    "i64", "usize", "f64", "`str`", "borrowed", "Option<", "Vec<", "::", "serde", ".rs:", "unwrap",
    "panicked", "sqlx", "SELECT ",
];

/// Fails unless an answer refuses the request as the house does: 4xx, a problem document with a
/// code, and nothing of the insides in its words.
#[track_caller]
pub(super) fn refused(answer: &Answer, what: &str) {
    let status = answer.status.as_u16();
    assert!(
        (400..500).contains(&status),
        "{what}: {status} {}",
        answer.body
    );
    let kind = answer.headers.get(header::CONTENT_TYPE);
    assert_eq!(
        kind.map(http::HeaderValue::as_bytes),
        Some(&b"application/problem+json"[..]),
        "{what}"
    );
    assert!(answer.body["code"].is_string(), "{what}: {}", answer.body);
    assert!(answer.bytes.len() < 20_000, "{what}: a long answer");
    let mut texts = vec![answer.body["detail"].as_str().unwrap().to_owned()];
    for fault in answer.body["errors"].as_array().into_iter().flatten() {
        texts.push(fault["detail"].as_str().unwrap().to_owned());
    }
    for text in texts {
        // What the caller wrote stands in backticks, and is the caller's.
        let ours: String = text.split('`').step_by(2).collect::<Vec<_>>().join("…");
        for inside in INSIDES {
            assert!(!ours.contains(inside), "{what}: `{inside}` in: {text}");
        }
    }
}
