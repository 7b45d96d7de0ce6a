//! Who may call what. The operations come from the document, so none can be forgotten.

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Request;
use serde_json::Value;

use crate::desk::Desk;

/// What anyone may ask, and what an app asks with its own key. These lists only shrink.
const OPEN: &[(&str, &str)] = &[];
const OWN_KEY: &[(&str, &str)] = &[("get", "/v1/me/capabilities")];

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
        let wanted = if OWN_KEY.contains(&pair) { 200 } else { 401 };
        assert_eq!(with_key, wanted, "{method} {path} with an app's key");
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
