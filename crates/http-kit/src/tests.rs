use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::FromRef,
    response::Response,
    routing::{get, post},
};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use keys::{CursorKey, InstallationKeys};
use primitives::SeededEntropy;
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::{
    Edge, EntityTag, IdempotencyKey, Json, Listing, Page, Precondition, Problem, Surface, dress,
};

#[derive(Clone)]
struct Shop(Arc<CursorKey>);

impl FromRef<Shop> for Arc<CursorKey> {
    fn from_ref(shop: &Shop) -> Self {
        Arc::clone(&shop.0)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Odd {
    odd: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    lines: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    count: u32,
}

async fn numbers(listing: Listing<Odd>) -> Result<Json<Page<u32>>, Problem> {
    let after = listing.position::<u32>()?;
    let rows: Vec<u32> = (1..=30)
        .filter(|n| listing.filter.odd.is_none_or(|odd| (n % 2 == 1) == odd))
        .filter(|n| after.is_none_or(|after| *n > after))
        .take(listing.rows().get() as usize)
        .collect();
    Ok(Json(listing.page(rows, ToString::to_string, |n| n)))
}

async fn order(_: IdempotencyKey, Json(order): Json<Order>) -> Json<u32> {
    Json(order.lines.iter().map(|line| line.count).sum())
}

async fn change(precondition: Precondition) -> Result<(), Problem> {
    precondition.check_write(Some(&EntityTag::of(7)))
}

fn app() -> Router {
    let keys = InstallationKeys::generate(&SeededEntropy::new(1)).unwrap();
    let router = Router::new()
        .route("/numbers", get(numbers))
        .route("/orders", post(order).put(change))
        .route("/panic", get(async || -> () { panic!("planned") }))
        .with_state(Shop(Arc::new(keys.cursor_key())));
    dress(
        router,
        Edge {
            surface: Surface::Api,
            tls: true,
            body_limit: 200,
            hosts: None,
            proxies: Arc::default(),
            body_time: std::time::Duration::from_secs(1),
            entropy: Arc::new(SeededEntropy::new(1)),
        },
    )
}

async fn send(request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
    let response: Response = app().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    (parts.status, parts.headers, value)
}

async fn get_json(path: &str) -> (StatusCode, Value) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let (status, _, body) = send(request).await;
    (status, body)
}

async fn post_order(body: &str, header: Option<(&str, &str)>) -> (StatusCode, Value) {
    let mut request = Request::post("/orders").header("content-type", "application/json");
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let (status, _, body) = send(request).await;
    (status, body)
}

#[tokio::test]
async fn every_answer_has_id_and_security_headers_even_of_a_panic() {
    for path in ["/numbers", "/nowhere", "/panic"] {
        let request = Request::get(path)
            .header("x-request-id", "mine-1")
            .body(Body::empty())
            .unwrap();
        let (status, headers, body) = send(request).await;
        assert_eq!(headers["x-request-id"], "mine-1", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(
            headers["content-security-policy"],
            "default-src 'none'; frame-ancestors 'none'"
        );
        assert!(headers.contains_key("strict-transport-security"));
        if status != StatusCode::OK {
            assert_eq!(headers["content-type"], "application/problem+json");
            assert_eq!(body["instance"], "mine-1");
            assert_eq!(body["status"], status.as_u16());
            let code = body["code"].as_str().unwrap();
            assert_eq!(body["type"], format!("/docs/problems#{code}"));
        }
    }
    let page = Request::get("/docs/problems").body(Body::empty()).unwrap();
    let page = app().oneshot(page).await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let page = page.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8(page.to_vec()).unwrap();
    assert!(page.contains("<h3 id=\"not_found\">"), "{page}");
    assert!(
        page.contains("<code>Allow</code>") && !page.contains('`'),
        "{page}"
    );
    assert_eq!(get_json("/panic").await.0, 500);
    assert!(!get_json("/panic").await.1.to_string().contains("planned"));
}

#[tokio::test]
async fn an_insane_request_id_is_replaced() {
    let request = Request::get("/numbers")
        .header("x-request-id", "a b;c")
        .body(Body::empty())
        .unwrap();
    let (_, headers, _) = send(request).await;
    let id = headers["x-request-id"].to_str().unwrap();
    assert!(id.starts_with("req_") && id.len() == 28, "{id}");
}

#[tokio::test]
async fn pages_hold_every_row_once() {
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let (status, page) = get_json(&format!("/numbers?odd=true&limit=4{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        for item in page["items"].as_array().unwrap() {
            seen.push(item.as_u64().unwrap());
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, (1..=30).step_by(2).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_cursor_serves_only_its_own_list() {
    let (_, page) = get_json("/numbers?odd=true&limit=4").await;
    let next = page["next"].as_str().unwrap();
    for query in [
        format!("odd=false&cursor={next}"),
        format!("cursor={next}"),
        format!("odd=true&cursor={next}A"),
        format!("odd=true&cursor=x&cursor={next}"),
        "limit=0".to_owned(),
        "limit=500".to_owned(),
        "even=true".to_owned(),
    ] {
        let (status, body) = get_json(&format!("/numbers?{query}")).await;
        assert_eq!(status, 400, "{query}: {body}");
    }
}

#[tokio::test]
async fn a_bad_body_is_refused_with_its_place() {
    let (status, body) = post_order("{\"lines\":[{\"count\":1},\n{\"count\":-1}]}", None).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::BAD_REQUEST, &"body_malformed".into())
    );
    assert_eq!(body["errors"][0]["pointer"], "/lines/1/count");
    assert_eq!(body["errors"][0]["line"], 2);
    let list = " [[{\"count\":1}]]";
    for bad in [
        "",
        "[",
        list,
        "{\"lines\":[]} x",
        "{\"lines\":[],\"more\":1}",
    ] {
        assert_eq!(
            post_order(bad, None).await.1["code"],
            "body_malformed",
            "{bad}"
        );
    }
    let long = format!("{{\"lines\":[{}]}}", " ".repeat(300));
    assert_eq!(post_order(&long, None).await.1["code"], "body_too_large");
    let (_, plain) = post_order("{}", Some(("content-type", "text/plain"))).await;
    assert_eq!(plain["code"], "body_malformed", "the first type counts");
    let (_, packed) = post_order("{\"lines\":[]}", Some(("content-encoding", "gzip"))).await;
    assert_eq!(packed["code"], "media_type_unsupported");
    let request = Request::post("/orders").body(Body::from("{}")).unwrap();
    assert_eq!(send(request).await.2["code"], "media_type_unsupported");
}

#[tokio::test]
async fn idempotency_keys_are_one_visible_text() {
    for (key, status) in [
        ("a-1", 200),
        ("\"a-1\"", 200),
        ("", 400),
        ("a b", 400),
        ("\"", 400),
    ] {
        let answer = post_order("{\"lines\":[]}", Some(("idempotency-key", key))).await;
        assert_eq!(answer.0, status, "{key}: {}", answer.1);
    }
}

#[tokio::test]
async fn a_write_goes_on_only_when_its_tag_matches() {
    for (name, value, status) in [
        ("if-match", "\"7\"", 200),
        ("if-match", "\"6\", \"7\"", 200),
        ("if-match", "*", 200),
        ("if-match", "\"6\"", 412),
        ("if-match", "W/\"7\"", 412),
        ("if-none-match", "*", 412),
        ("if-none-match", "\"6\"", 200),
        ("if-match", "7", 400),
    ] {
        let request = Request::put("/orders")
            .header(name, value)
            .body(Body::empty())
            .unwrap();
        assert_eq!(send(request).await.0, status, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_wrong_method_says_which_are_right() {
    let request = Request::delete("/orders").body(Body::empty()).unwrap();
    let (status, headers, body) = send(request).await;
    assert_eq!(
        (status, &body["code"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"method_not_allowed".into())
    );
    assert!(headers["allow"].to_str().unwrap().contains("POST"));
}
