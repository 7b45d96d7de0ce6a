//! What accounts entrust: sealed, masked, shown to few and never unnoticed.

use serde_json::{Value, json};

use crate::desk::{Desk, STATE, state_request};

const CARD: &str = "4111 1111 1111 1111";
const BANK: &str = "DE89370400440532013000";
const PASSWORD: &str = "canary of a transaction";
const AT: &str = "/v1/accounts/acme/confidential";

async fn desk_with_all() -> Desk {
    let desk = Desk::with_state().await;
    for (name, kind, value) in [
        ("card", "card", CARD),
        ("bank", "bank", BANK),
        ("sending", "password", PASSWORD),
    ] {
        let body = json!({ "kind": kind, "value": value });
        let set = desk.put(&format!("{AT}/{name}"), &body).await.is(200);
        assert!(!String::from_utf8(set.bytes).unwrap().contains(value));
    }
    desk
}

/// Shows: P-19, S-123.
#[tokio::test]
async fn what_is_entrusted_stands_nowhere_but_sealed() {
    let desk = desk_with_all().await;
    let listed = desk.get(AT).await.is(200);
    let masks: Vec<&str> = listed.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["mask"].as_str().unwrap())
        .collect();
    assert_eq!(masks, ["•••• 3000", "•••• 1111", "••••"]);
    desk.post(&format!("{AT}/card/reveal"), &json!({}))
        .await
        .is(200);
    let canaries = ["4111111111111111", CARD, BANK, PASSWORD];
    // What is answered besides, and what stands in the files.
    for path in [AT, "/v1/events", "/v1/state/export", "/v1/accounts/acme"] {
        let answer = desk.get(path).await.is(200);
        let text = String::from_utf8(answer.bytes).unwrap();
        assert!(canaries.iter().all(|one| !text.contains(one)), "{path}");
    }
    let mut looked_at = 0;
    let mut folders = vec![desk.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            looked_at += bytes.len();
            for canary in canaries {
                let mut parts = bytes.windows(canary.len());
                assert!(
                    !parts.any(|part| part == canary.as_bytes()),
                    "{}",
                    path.display()
                );
            }
        }
    }
    assert!(looked_at > 100_000, "{looked_at}");
}

/// Shows: P-19.
#[tokio::test]
async fn it_is_shown_in_full_to_admins_alone_and_the_log_says_to_whom() {
    let desk = desk_with_all().await;
    let (id, admin) = desk.person("kim@example.com", &["admin"], &[]).await;
    let shown = desk
        .ask_as(
            &admin,
            ("POST", &format!("{AT}/card/reveal")),
            &[],
            Some(&json!({})),
        )
        .await
        .is(200);
    assert_eq!(shown.body["value"], "4111111111111111");
    let events = desk.get("/v1/events?kind=confidential").await.is(200).body;
    let newest = &events["items"][0];
    assert_eq!(newest["actor"], id.as_str());
    assert_eq!(newest["detail"], json!({ "name": "card", "done": "shown" }));
    let (_, others) = desk
        .person("lou@example.com", &["support", "risk", "viewer"], &[])
        .await;
    desk.ask_as(
        &others,
        ("POST", &format!("{AT}/card/reveal")),
        &[],
        Some(&json!({})),
    )
    .await
    .refuses(403, "role_missing");
    let (_, viewer) = desk.person("ray@example.com", &["viewer"], &[]).await;
    let body = json!({ "kind": "other", "value": "x" });
    desk.ask_as(&viewer, ("PUT", &format!("{AT}/card")), &[], Some(&body))
        .await
        .refuses(403, "role_missing");
    // When the log cannot be written, nothing is shown.
    let before = desk.get("/v1/whoami").await.body["revision"].clone();
    desk.get(AT).await.is(200);
    assert_eq!(desk.get("/v1/whoami").await.body["revision"], before);
}

/// Shows: P-19.
#[tokio::test]
async fn a_developer_entrusts_its_own_and_sees_no_more_than_masks() {
    let desk = Desk::with_state().await;
    let key = desk.key().await;
    let key = (key.0.as_str(), key.1.as_str());
    let own = "/v1/me/confidential";
    let body = json!({ "kind": "bank", "value": BANK });
    let card = format!("{own}/payout");
    desk.ask_as_app(key, ("PUT", &card), Some(&body))
        .await
        .is(200);
    let listed = desk.as_app(own, key).await.is(200).body;
    assert_eq!(listed["items"][0]["mask"], "•••• 3000");
    let shown = desk.post(&format!("{AT}/payout/reveal"), &json!({})).await;
    assert_eq!(shown.is(200).body["value"], BANK);
    let events = desk.get("/v1/events?kind=confidential").await.is(200).body;
    let actor = events["items"][1]["actor"].as_str().unwrap();
    assert!(actor.starts_with("app_"), "{actor}");
    desk.ask_as_app(
        key,
        ("POST", &format!("{AT}/payout/reveal")),
        Some(&json!({})),
    )
    .await
    .refuses(401, "token_unknown");
    desk.ask_as_app(key, ("DELETE", &card), None).await.is(204);
    desk.ask_as_app(key, ("DELETE", &card), None)
        .await
        .refuses(404, "resource_unknown");
    // A key that is only for trying things out, or for part of them, does not stand for the developer.
    for wanted in [
        json!({ "mode": "test" }),
        json!({ "mode": "live", "permissions": "read-only" }),
    ] {
        let issued = desk.post("/v1/apps/till/keys", &wanted).await.is(201).body;
        let id = issued["key"]["id"].as_str().unwrap();
        let lesser = (id, issued["secret"].as_str().unwrap());
        for (method, path, body) in [
            ("PUT", card.as_str(), Some(&body)),
            ("DELETE", card.as_str(), None),
            ("GET", own, None),
        ] {
            let answer = desk.ask_as_app(lesser, (method, path), body).await;
            answer.refuses(403, "role_missing");
        }
    }
}

/// Shows: P-19, S-76.
#[tokio::test]
async fn what_cannot_be_is_refused_without_being_repeated() {
    let desk = desk_with_all().await;
    let set = |name: &str, body: Value| {
        let path = format!("{AT}/{name}");
        let desk = &desk;
        async move { desk.put(&path, &body).await }
    };
    for (kind, value) in [
        ("card", "4111 1111 1111 1112"),
        ("bank", "DE/89"),
        ("password", ""),
        ("gold", "4111 1111 1111 1111"),
    ] {
        let refused = set("x", json!({ "kind": kind, "value": value })).await;
        let refused = refused.refuses(422, "change_refused");
        assert!(value.is_empty() || !refused.to_string().contains(value));
    }
    for body in [
        json!({ "kind": "card" }),
        json!({ "kind": "card", "value": CARD, "mask": "none" }),
        json!({ "kind": "card", "value": 4_111_111_111_111_111_u64 }),
    ] {
        set("x", body).await.refuses(400, "body_malformed");
    }
    desk.put(
        "/v1/accounts/nobody/confidential/x",
        &json!({ "kind": "other", "value": "x" }),
    )
    .await
    .refuses(404, "resource_unknown");
    let odd = json!({ "loudly": true });
    desk.post(&format!("{AT}/card/reveal"), &odd)
        .await
        .refuses(400, "body_malformed");
    for more in 0..47 {
        let body = json!({ "kind": "other", "value": "x" });
        set(&format!("more-{more}"), body).await.is(200);
    }
    let full = set("one-more", json!({ "kind": "other", "value": "x" })).await;
    full.refuses(422, "change_refused");
    set("card", json!({ "kind": "other", "value": "x" }))
        .await
        .is(200);
}

/// A sealed thing opens for the account and name it was sealed for, and goes with its account.
///
/// Shows: P-19.
#[tokio::test]
async fn what_is_moved_does_not_open_and_what_goes_is_gone() {
    let desk = desk_with_all().await;
    let acme = "acme".parse().unwrap();
    let mut moved = desk.store.confidential_of(&acme).await.unwrap();
    let mut taken = moved.remove(0);
    taken.account = "jane".parse().unwrap();
    let changes = store::WriteSet {
        confidential: vec![taken],
        ..store::WriteSet::default()
    };
    desk.store.commit(changes).await.unwrap().unwrap();
    let path = "/v1/accounts/jane/confidential/bank/reveal";
    desk.post(path, &json!({})).await.is(500);
    let without = STATE.replace("  - { name: jane, kind: person, verified: true }\n", "");
    let mut body = state_request(&without);
    body["prune"] = json!(true);
    desk.post("/v1/state/apply", &body).await.is(200);
    let jane = "jane".parse().unwrap();
    assert!(desk.store.confidential_of(&jane).await.unwrap().is_empty());
}
