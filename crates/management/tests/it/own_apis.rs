//! What helps to build an app that works here.

use serde_json::{Value, json};

use crate::desk::{Desk, STATE, state_request};

const MINE: &str = "/v1/me/apis/shop/openapi.json";
const CHANGES: &str = "/v1/me/changes";

/// A market where paying is annotated too, and needs a level that nobody has yet.
fn state() -> Value {
    state_request(&STATE.replace(
        "      - { operation: look, uses: [LOOK] }",
        "      - { operation: look, uses: [LOOK] }\n      - { operation: pay, uses: [PAY] }",
    ))
}

async fn desk() -> (Desk, (String, String)) {
    let desk = Desk::empty().await;
    desk.post("/v1/state/apply", &state()).await.is(200);
    let key = desk.key().await;
    (desk, key)
}

fn operations(document: &Value) -> Vec<&str> {
    let items = document["paths"].as_object().unwrap().values();
    items
        .flat_map(|item| item.as_object().unwrap().values())
        .filter_map(|operation| operation["operationId"].as_str())
        .collect()
}

async fn raise(desk: &Desk, level: &str) {
    desk.post("/v1/accounts/acme/level", &json!({ "level": level }))
        .await
        .is(200);
}

/// Shows: P-16.
#[tokio::test]
async fn an_app_is_told_of_the_operations_it_may_call_and_of_no_others() {
    let (desk, key) = desk().await;
    let key = (key.0.as_str(), key.1.as_str());
    raise(&desk, "standard").await;
    let document = desk.as_app(MINE, key).await.is(200);
    assert_eq!(operations(&document.body), ["look"]);
    assert_eq!(document.body["servers"], json!([{ "url": "/shop" }]));
    assert!(document.body["components"]["securitySchemes"]["key"].is_object());
    let text = String::from_utf8(document.bytes).unwrap();
    assert!(
        !text.contains("payments") && !text.contains("upstream.example"),
        "{text}"
    );
    raise(&desk, "advanced").await;
    let document = desk.as_app(MINE, key).await.is(200).body;
    assert_eq!(operations(&document), ["pay", "look"]);
    let of_app = desk
        .get("/v1/apps/till/apis/shop/openapi.json")
        .await
        .is(200);
    assert_eq!(of_app.body, document);
    // A key for part of it is told of that part.
    let wanted = json!({ "mode": "live", "permissions": "read-only" });
    let issued = desk.post("/v1/apps/till/keys", &wanted).await.is(201).body;
    let id = issued["key"]["id"].as_str().unwrap();
    let lesser = (id, issued["secret"].as_str().unwrap());
    let document = desk.as_app(MINE, lesser).await.is(200).body;
    assert_eq!(operations(&document), ["look"]);
    desk.as_app("/v1/me/apis/none/openapi.json", key)
        .await
        .refuses(404, "resource_unknown");
}

/// Shows: P-16.
#[tokio::test]
async fn an_app_is_told_its_level() {
    let (desk, key) = desk().await;
    raise(&desk, "advanced").await;
    let mine = desk
        .as_app("/v1/me/capabilities", (&key.0, &key.1))
        .await
        .is(200)
        .body;
    let api = &mine["apis"][0];
    assert_eq!(api["ladder"], "default");
    assert_eq!(api["level"], "advanced");
}

fn told(body: &Value) -> Vec<String> {
    let items = body["items"].as_array().unwrap().iter();
    items
        .map(|one| {
            let of = |name: &str| one[name].as_str().unwrap_or("-").to_owned();
            format!("{} {} {}", of("action"), of("what"), of("name"))
        })
        .collect()
}

/// Shows: P-16.
#[tokio::test]
async fn an_app_follows_what_changes_for_it_and_nothing_else() {
    let (desk, key) = desk().await;
    let key_of = (key.0.as_str(), key.1.as_str());
    // To the end of what was.
    let mut next = String::new();
    let mut before = Vec::new();
    loop {
        let path = match next.as_str() {
            "" => CHANGES.to_owned(),
            cursor => format!("{CHANGES}?cursor={cursor}"),
        };
        let page = desk.as_app(&path, key_of).await.is(200).body;
        before.extend(told(&page));
        page["next"].as_str().unwrap().clone_into(&mut next);
        if page["more"] == false {
            break;
        }
    }
    assert!(
        before.contains(&"created api shop".to_owned()),
        "{before:?}"
    );
    assert!(before.contains(&"created rules -".to_owned()), "{before:?}");
    assert!(!before.iter().any(|one| one.contains("jane")), "{before:?}");
    let quiet = desk
        .as_app(&format!("{CHANGES}?cursor={next}"), key_of)
        .await
        .is(200)
        .body;
    assert_eq!(told(&quiet), Vec::<String>::new());

    desk.clock.advance_seconds(60);
    let later = desk.clock_text();
    raise(&desk, "advanced").await;
    desk.put("/v1/secrets/hidden", &json!({ "value": "x" }))
        .await
        .is(204);
    desk.person("kim@example.com", &["viewer"], &[]).await;
    let other = desk.key().await;
    let wanted = [
        "updated account acme".to_owned(),
        format!("created key {}", other.0),
    ];
    let page = desk
        .as_app(&format!("{CHANGES}?cursor={next}"), key_of)
        .await
        .is(200)
        .body;
    assert_eq!(told(&page), wanted);
    let page = desk
        .as_app(&format!("{CHANGES}?since={later}"), key_of)
        .await
        .is(200)
        .body;
    assert_eq!(told(&page), wanted);
    desk.as_app(&format!("{CHANGES}?cursor=nonsense"), key_of)
        .await
        .refuses(400, "cursor_invalid");
    desk.as_app(&format!("{CHANGES}?kind=secret"), key_of)
        .await
        .refuses(400, "query_invalid");
}
