use serde_json::json;

use crate::desk::{Desk, STATE, state_request};

#[tokio::test]
async fn a_repetition_gets_the_same_bytes_and_happens_once() {
    let desk = Desk::with_state().await;
    let level = json!({ "level": "advanced" });
    let off = json!({ "toggles": { "LOOK": "off" } });
    let import = json!({ "accounts": [ { "name": "new", "kind": "person" } ] });
    let state = state_request(STATE);
    for (path, body) in [
        ("/v1/accounts/acme/level", &level),
        ("/v1/accounts/acme/toggles", &off),
        ("/v1/import", &import),
        ("/v1/state/apply", &state),
        ("/v1/state/apply", &state),
    ] {
        let key = [("idempotency-key", "one")];
        let first = desk.ask("POST", path, &key, Some(body)).await.is(200);
        let revision = desk.get("/v1/whoami").await.body["revision"].clone();
        // What happens in between does not change what was answered then.
        desk.key().await;
        let second = desk.ask("POST", path, &key, Some(body)).await.is(200);
        assert_eq!(second.bytes, first.bytes, "{path}");
        let now = desk.get("/v1/whoami").await.body["revision"]
            .as_u64()
            .unwrap();
        assert_eq!(Some(now), revision.as_u64().map(|r| r + 1), "{path}");
    }
}

#[tokio::test]
async fn another_request_with_the_same_key_is_refused() {
    let desk = Desk::with_state().await;
    let key = [("idempotency-key", "one")];
    let path = "/v1/accounts/acme/level";
    desk.ask("POST", path, &key, Some(&json!({ "level": "advanced" })))
        .await
        .is(200);
    let other = desk
        .ask("POST", path, &key, Some(&json!({ "level": "standard" })))
        .await;
    other.refuses(422, "idempotency_key_reused");
    let panel = desk.get("/v1/accounts/acme/panel").await.is(200).body;
    assert_eq!(panel["panel"]["levels"]["default"], "advanced");
    // Elsewhere the same text is another key.
    let path = "/v1/accounts/acme/level/reset";
    desk.ask("POST", path, &key, Some(&json!({}))).await.is(200);
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let desk = Desk::with_state().await;
    let key = [("idempotency-key", "one")];
    let wanted = json!({ "mode": "live", "permissions": "later" });
    let path = "/v1/apps/till/keys";
    desk.ask("POST", path, &key, Some(&wanted))
        .await
        .refuses(422, "change_refused");
    desk.put("/v1/profiles/later", &json!({ "capabilities": [] }))
        .await
        .is(201);
    desk.ask("POST", path, &key, Some(&wanted)).await.is(201);
}

#[tokio::test]
async fn an_issued_secret_is_repeated_for_a_day_and_then_no_more() {
    let desk = Desk::with_state().await;
    let key = [("idempotency-key", "one")];
    let wanted = json!({ "mode": "live" });
    let path = "/v1/apps/till/keys";
    let first = desk.ask("POST", path, &key, Some(&wanted)).await.is(201);
    desk.clock.advance_seconds(86_399);
    let again = desk.ask("POST", path, &key, Some(&wanted)).await.is(201);
    assert_eq!(again.bytes, first.bytes);
    desk.clock.advance_seconds(1);
    let late = desk
        .ask("POST", path, &key, Some(&wanted))
        .await
        .is(201)
        .body;
    assert_eq!(late["key"], first.body["key"]);
    assert!(late["secret"].is_null() && first.body["secret"].is_string());
    let kept = desk.get(path).await.body["items"].as_array().unwrap().len();
    assert_eq!(kept, 1);
    let link = desk
        .ask("POST", "/v1/sign-in-links", &key, Some(&json!({})))
        .await
        .is(201);
    let same = desk
        .ask("POST", "/v1/sign-in-links", &key, Some(&json!({})))
        .await
        .is(201);
    assert_eq!(link.bytes, same.bytes);
    let url = link.body["url"].as_str().unwrap();
    assert!(
        url.starts_with("http://localhost:8082/console/sign-in?code="),
        "{url}"
    );
}

#[tokio::test]
async fn of_many_twins_at_once_one_happens() {
    let desk = std::sync::Arc::new(Desk::with_state().await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let desk = std::sync::Arc::clone(&desk);
        tasks.spawn(async move {
            let key = [("idempotency-key", "twin")];
            let wanted = json!({ "mode": "live" });
            desk.ask("POST", "/v1/apps/till/keys", &key, Some(&wanted))
                .await
        });
    }
    let mut secrets = std::collections::BTreeSet::new();
    while let Some(answer) = tasks.join_next().await {
        let answer = answer.unwrap();
        match answer.status.as_u16() {
            201 => _ = secrets.insert(answer.body["secret"].to_string()),
            409 => assert_eq!(answer.body["code"], "idempotency_key_in_use"),
            other => panic!("{other}: {}", answer.body),
        }
    }
    assert_eq!(secrets.len(), 1);
    let kept = desk.get("/v1/apps/till/keys").await.body["items"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(kept, 1);
}
