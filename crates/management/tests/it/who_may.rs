//! Who may call what. The operations come from the document, so none can be forgotten.

use std::fmt::Write as _;

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Request;
use serde_json::Value;

use crate::desk::Desk;

/// What anyone may ask, because there is nobody yet who could be asked who they are or because
/// whoever holds a secret may report it, and what an app asks with its own key. These lists only
/// shrink.
const OPEN: &[(&str, &str)] = &[
    ("post", "/v1/leaked-secrets"),
    ("post", "/v1/registrations"),
    ("post", "/v1/registrations/confirm"),
    ("post", "/v1/password-links"),
];
const OWN_KEY: &[(&str, &str)] = &[
    ("get", "/v1/me/apis/{api}/openapi.json"),
    ("get", "/v1/me/capabilities"),
    ("get", "/v1/me/changes"),
    ("get", "/v1/me/confidential"),
    ("put", "/v1/me/confidential/{name}"),
    ("delete", "/v1/me/confidential/{name}"),
];

fn operations(document: &Value) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, _) in item.as_object().unwrap() {
            if ["get", "put", "post", "delete", "patch", "head", "options"].contains(&&**method) {
                all.push((method.clone(), path.clone()));
            }
        }
    }
    all
}

async fn status(desk: &Desk, method: &str, path: &str, authorization: Option<&str>) -> u16 {
    let filled = path.replace(['{', '}'], "");
    let mut request = Request::builder()
        .method(method.to_uppercase().as_str())
        .uri(filled)
        .header("content-type", "application/json");
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let request = request.body(Body::from("{}")).unwrap();
    desk.send(request).await.status.as_u16()
}

#[tokio::test]
async fn every_operation_of_the_document_needs_the_operator_token() {
    let desk = Desk::with_state().await;
    let document = management::openapi();
    let all = operations(&document);
    assert!(
        all.len() > 70,
        "the document lists {} operations",
        all.len()
    );
    let (id, secret) = desk.key().await;
    let app = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let bearer_of_app = format!("Bearer {secret}");
    let wrong = format!("Bearer {}x", desk.token.expose());
    let basic_token = format!(
        "Basic {}",
        STANDARD.encode(format!("o:{}", desk.token.expose()))
    );
    for (method, path) in &all {
        let pair = (method.as_str(), path.as_str());
        if OPEN.contains(&pair) {
            continue;
        }
        for authorization in [
            None,
            Some(wrong.as_str()),
            Some(&bearer_of_app),
            Some(&basic_token),
        ] {
            let got = status(&desk, method, path, authorization).await;
            assert_eq!(got, 401, "{method} {path} with {authorization:?}");
        }
        let with_key = status(&desk, method, path, Some(&app)).await;
        let is_own = OWN_KEY.contains(&pair);
        assert_eq!(with_key != 401, is_own, "{method} {path} with an app's key");
        assert!(
            with_key < 500 && with_key != 403,
            "{method} {path}: {with_key}"
        );
        let right = format!("Bearer {}", desk.token.expose());
        let with_token = status(&desk, method, path, Some(&right)).await;
        let refused = with_token == 401 || with_token == 405;
        assert_eq!(
            refused,
            OWN_KEY.contains(&pair),
            "{method} {path} with the token"
        );
    }
    for pair in OPEN.iter().chain(OWN_KEY) {
        let there = all.iter().any(|(m, p)| (m.as_str(), p.as_str()) == *pair);
        assert!(there, "{pair:?} is an exception for nothing");
    }
}

#[tokio::test]
async fn the_document_is_open_and_says_who_may_what() {
    let desk = Desk::empty().await;
    let request = Request::get("/openapi.json").body(Body::empty()).unwrap();
    let served = desk.send(request).await.is(200).body;
    assert_eq!(served, management::openapi());
    for (method, path) in operations(&served) {
        let operation = &served["paths"][&path][&method];
        let own = OWN_KEY.contains(&(method.as_str(), path.as_str()));
        let says_own = operation["security"][0]["app"].is_array();
        assert_eq!(own, says_own, "{method} {path}");
    }
}

/// The table of who may pass which door, as the server behaves: a line for each operation, and in
/// it whether a viewer, support, risk, a business unit, an admin, somebody without a role and
/// somebody of a developer account may.
///
/// Shows: S-88, P-61.
#[tokio::test]
async fn every_role_passes_its_doors_and_no_others() {
    let desk = Desk::with_state().await;
    let roles = ["viewer", "support", "risk", "business_unit", "admin"];
    let mut tokens = Vec::new();
    for role in roles {
        let units: &[&str] = if role == "business_unit" {
            &["payments"]
        } else {
            &[]
        };
        let email = format!("{}@example.com", role.replace('_', "-"));
        tokens.push(desk.person(&email, &[role], units).await.1);
    }
    let (_, developer) = desk.developer("developer@example.com").await;
    let (_, nobody) = desk.person("nobody@example.com", &[], &[]).await;
    let mut table = String::new();
    for (method, path) in operations(&management::openapi()) {
        let pair = (method.as_str(), path.as_str());
        if OWN_KEY.contains(&pair) || OPEN.contains(&pair) {
            continue;
        }
        let filled = path.replace(['{', '}'], "");
        let mut marks = String::new();
        for token in tokens.iter().chain([&nobody, &developer]) {
            let asked = (method.as_str(), filled.as_str());
            let asked = (&*asked.0.to_uppercase(), asked.1);
            let answer = desk
                .ask_as(token, asked, &[], Some(&serde_json::json!({})))
                .await;
            let missing = answer.body["code"] == "role_missing";
            assert_eq!(
                missing,
                answer.status == 403,
                "{method} {path}: {}",
                answer.body
            );
            assert_ne!(answer.status, 401, "{method} {path}: {}", answer.body);
            marks.push(if missing { '-' } else { 'x' });
        }
        writeln!(table, "{marks} {:6} {path}", method.to_uppercase()).unwrap();
    }
    insta::assert_snapshot!("who_may", table);
}

/// What a path does not have is not done, and its list is read with HEAD as with GET.
#[tokio::test]
async fn a_method_that_is_not_there_opens_nothing() {
    let desk = Desk::with_state().await;
    let (_, viewer) = desk.person("viewer@example.com", &["viewer"], &[]).await;
    for (method, path) in [
        ("POST", "/v1/accounts/acme"),
        ("PATCH", "/v1/accounts/acme"),
        ("PUT", "/v1/accounts"),
        ("DELETE", "/v1/events"),
    ] {
        let answer = desk.ask_as(&viewer, (method, path), &[], None).await;
        answer.refuses(405, "method_not_allowed");
    }
    let answer = desk
        .ask_as(&viewer, ("HEAD", "/v1/accounts"), &[], None)
        .await;
    assert_eq!(answer.status, 200);
}
