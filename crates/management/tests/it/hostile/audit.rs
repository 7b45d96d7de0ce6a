//! What the log cannot tell is not done.

use serde_json::{Value, json};
use store_contract::Strikes;

use super::described::{Operation, least};
use crate::desk::Desk;

const CARD: &str = "4111 1111 1111 1111";

/// Something confidential is shown to nobody whose looking cannot be written down, whichever call
/// of the store fails.
///
/// Shows: S-118, S-78.
#[tokio::test]
async fn nothing_confidential_is_shown_that_the_log_cannot_tell() {
    let desk = Desk::with_state().await;
    let body = json!({ "kind": "card", "value": CARD });
    let path = "/v1/accounts/acme/confidential/card";
    desk.put(path, &body).await.is(200);
    let (id, admin) = desk.person("admin@example.com", &["admin"], &[]).await;
    let path = format!("{path}/reveal");
    let mut refusals = 0;
    for call in 1..40 {
        desk.failing.plant(call, Strikes::Before);
        let told = desk
            .ask_as(&admin, ("POST", &path), &[], Some(&json!({})))
            .await;
        if !desk.failing.clear() {
            // Nothing was left to fail: shown, and told with who looked.
            let shown = told.is(200).body.to_string();
            assert!(shown.contains("4111"), "{shown}");
            let log = desk.get("/v1/events?kind=confidential").await.is(200).body;
            assert_eq!(log["items"][0]["actor"], Value::String(id));
            assert!(refusals >= 2, "only {refusals} calls");
            return;
        }
        if told.status == 200 {
            // What failed was not needed: then the log has it.
            let log = desk.get("/v1/events?kind=confidential").await.is(200).body;
            assert_eq!(log["items"][0]["actor"], Value::String(id.clone()));
            continue;
        }
        refusals += 1;
        assert!(told.status.is_server_error(), "{}", told.body);
        assert!(!told.body.to_string().contains("1111"), "{}", told.body);
    }
    panic!("it asks the store without end");
}

/// Every change that an operator can ask for, with each call of the store failing in turn: it is
/// told as a failure, and the log has as many changes as there are.
///
/// Shows: S-118.
#[tokio::test]
async fn no_change_is_made_that_the_log_cannot_tell() {
    let desk = Desk::with_state().await;
    let document = management::openapi();
    let (mut changes, mut failures) = (0, 0);
    for operation in Operation::all() {
        if operation.method == "GET" || operation.path.starts_with("/v1/me/") {
            continue;
        }
        let path = operation
            .path
            .replace("{account}", "acme")
            .replace("{app}", "till");
        let path = path.replace(['{', '}'], "");
        let body = operation
            .body
            .as_ref()
            .map(|schema| least(&document, schema));
        for call in 1..12 {
            let before = desk.store.revision().await.unwrap();
            let events = newest(&desk).await;
            desk.failing.plant(call, Strikes::Before);
            let told = desk.ask(&operation.method, &path, &[], body.as_ref()).await;
            let struck = desk.failing.clear();
            let after = desk.store.revision().await.unwrap();
            let done = after != before;
            let what = format!("{} with call {call}", operation.name());
            assert_eq!(done, newest(&desk).await != events, "{what}: {}", told.body);
            changes += u32::from(done);
            failures += u32::from(told.status.is_server_error());
            if !struck {
                break;
            }
        }
    }
    println!("{changes} changes, {failures} failures");
    assert!(changes > 10 && failures > 60, "{changes} {failures}");
}

async fn newest(desk: &Desk) -> Option<(u64, u32)> {
    let page = primitives::PageSize::clamped(1);
    let events = desk.store.events_before(None, page).await.unwrap();
    events
        .first()
        .map(|event| (event.revision.0, event.position))
}
