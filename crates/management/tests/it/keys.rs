use serde_json::{Value, json};

use crate::desk::Desk;

fn shown(pair: &(String, String)) -> (&str, &str) {
    (&pair.0, &pair.1)
}

const MINE: &str = "/v1/me/capabilities";

#[tokio::test]
async fn a_key_works_at_once_and_its_secret_is_shown_once() {
    let desk = Desk::with_state().await;
    let key = desk.key().await;
    let mine = desk.as_app(MINE, shown(&key)).await.is(200);
    assert_eq!(mine.body["app"], "till");
    let listed = desk.get("/v1/apps/till/keys").await.is(200);
    let text = String::from_utf8(listed.bytes).unwrap();
    assert!(text.contains(&key.0) && !text.contains(&key.1) && !text.contains("hmac"));
    let hint = listed.body["items"][0]["hint"].as_str().unwrap();
    assert!(key.1.ends_with(hint) && hint.len() == 4);
}

#[tokio::test]
async fn a_replaced_key_works_for_the_overlap_beside_the_new_one() {
    let desk = Desk::with_state().await;
    let old = desk.key().await;
    let path = format!("/v1/apps/till/keys/{}/rotate", old.0);
    let new = desk
        .post(&path, &json!({ "overlap_seconds": 600 }))
        .await
        .is(201)
        .body;
    let new = (
        new["key"]["id"].as_str().unwrap().to_owned(),
        new["secret"].as_str().unwrap().to_owned(),
    );
    desk.as_app(MINE, shown(&old)).await.is(200);
    desk.as_app(MINE, shown(&new)).await.is(200);
    desk.clock.advance_seconds(600);
    desk.as_app(MINE, shown(&old))
        .await
        .refuses(401, "credential_expired");
    desk.as_app(MINE, shown(&new)).await.is(200);
    desk.post(&path, &json!({}))
        .await
        .refuses(422, "change_refused");
}

#[tokio::test]
async fn a_revoked_key_stops_at_once() {
    let desk = Desk::with_state().await;
    let key = desk.key().await;
    desk.as_app(MINE, shown(&key)).await.is(200);
    desk.delete(&format!("/v1/apps/till/keys/{}", key.0))
        .await
        .is(200);
    desk.as_app(MINE, shown(&key))
        .await
        .refuses(401, "credential_revoked");
    let path = "/v1/apps/till/keys/key_00000000000000000000000000";
    desk.delete(path).await.refuses(404, "resource_unknown");
    desk.delete("/v1/apps/till/keys/nonsense")
        .await
        .refuses(400, "path_invalid");
}

#[tokio::test]
async fn wrong_credentials_open_nothing() {
    let desk = Desk::with_state().await;
    let (id, secret) = desk.key().await;
    let (_, other) = desk.key().await;
    desk.as_app(MINE, (&id, &other))
        .await
        .refuses(401, "credential_unknown");
    desk.as_app(MINE, ("key_00000000000000000000000000", &secret))
        .await
        .refuses(401, "credential_unknown");
    let answer = desk.as_app(MINE, (&id, &format!("{secret}x"))).await;
    assert!(
        answer.headers["www-authenticate"]
            .to_str()
            .unwrap()
            .starts_with("Basic")
    );
    answer.refuses(401, "credential_malformed");
}

/// Shows: P-54.
#[tokio::test]
async fn an_app_is_told_of_every_capability_with_decision_and_limits() {
    let desk = Desk::with_state().await;
    let key = desk.key().await;
    let mine = desk.as_app(MINE, shown(&key)).await.is(200).body;
    let told = mine["apis"][0]["capabilities"].as_array().unwrap();
    let names: Vec<&str> = told
        .iter()
        .map(|one| one["capability"].as_str().unwrap())
        .collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["LOOK", "NO_FEE", "PAY", "PING"]);
    let of = |name: &str| &told[names.iter().position(|n| *n == name).unwrap()];
    assert_eq!(of("LOOK")["granted"], true);
    assert_eq!(of("LOOK")["limits"][0]["limit"], "looks-per-day");
    assert_eq!(of("LOOK")["limits"][0]["remaining"], "100");
    assert_eq!(of("PAY")["granted"], false);
    assert_eq!(of("PAY")["reasons"], json!(["level_too_low"]));
    let operator = desk.get("/v1/apps/till/capabilities").await.is(200).body;
    let gates = &operator["apis"][0]["capabilities"][0]["gates"];
    assert!(gates.as_array().unwrap().len() > 3);
}

#[tokio::test]
async fn a_key_is_bound_to_a_profile_that_exists() {
    let desk = Desk::with_state().await;
    let wanted = json!({ "mode": "live", "permissions": "read-only" });
    desk.post("/v1/apps/till/keys", &wanted).await.is(201);
    let wanted = json!({ "mode": "live", "permissions": "nothing" });
    desk.post("/v1/apps/till/keys", &wanted)
        .await
        .refuses(422, "change_refused");
    let wanted = json!({ "mode": "live", "expires_at": "2020-01-01T00:00:00Z" });
    desk.post("/v1/apps/till/keys", &wanted)
        .await
        .refuses(422, "change_refused");
    let wanted = json!({ "mode": "loud" });
    let problem = desk
        .post("/v1/apps/till/keys", &wanted)
        .await
        .refuses(400, "body_malformed");
    assert_eq!(problem["errors"][0]["pointer"], "/mode");
    let wanted = json!({ "mode": "test" });
    desk.post("/v1/apps/none/keys", &wanted)
        .await
        .refuses(404, "resource_unknown");
}

#[tokio::test]
async fn imported_callers_go_on_with_what_they_have() {
    let desk = Desk::with_state().await;
    let secret = "their-old-secret";
    // `printf their-old-secret | sha256sum`
    let hash = "a80d7078c3c8fd251ef82f4f02531baa2cb6d3e7fd7ff15219a0346fb7575a32";
    let import = json!({
        "accounts": [ { "name": "guild", "kind": "company", "verified": true, "developer": {},
                        "title": "Guild of ${smiths}" } ],
        "apps": [ { "name": "forge", "developer": "guild", "apis": ["shop"],
                    "keys": [ { "id": "old-17", "mode": "live", "hash": format!("sha256:{hash}") } ] } ],
    });
    let dry = {
        let mut dry = import.clone();
        dry["dry_run"] = true.into();
        desk.post("/v1/import", &dry).await.is(200).body
    };
    assert_eq!((&dry["changed"], &dry["keys"]), (&true.into(), &1.into()));
    assert_ne!(desk.as_app(MINE, ("old-17", secret)).await.status, 200);
    desk.post("/v1/import", &import).await.is(200);
    let mine = desk.as_app(MINE, ("old-17", secret)).await.is(200).body;
    assert_eq!(mine["app"], "forge");
    let title = desk.get("/v1/accounts/guild").await.body["entry"]["title"].clone();
    assert_eq!(title, "Guild of ${smiths}");
    let again = desk.post("/v1/import", &import).await.is(200).body;
    assert_eq!(again["changed"], false);

    let id = desk.get("/v1/apps/forge/keys").await.body["items"][0]["id"].clone();
    let id = id.as_str().unwrap();
    desk.delete(&format!("/v1/apps/forge/keys/{id}"))
        .await
        .is(200);
    desk.post("/v1/import", &import).await.is(200);
    let refused = desk.as_app(MINE, ("old-17", secret)).await;
    refused.refuses(401, "credential_revoked");
}

#[tokio::test]
async fn a_wrong_import_changes_nothing() {
    let desk = Desk::with_state().await;
    let before = desk.get("/v1/whoami").await.body["revision"].clone();
    let import = json!({
        "accounts": [ { "name": "good", "kind": "person" }, { "name": "bad", "kind": "ghost" } ],
    });
    let problem = desk
        .post("/v1/import", &import)
        .await
        .refuses(422, "state_invalid");
    assert!(problem["errors"][0]["line"].is_null());
    assert!(problem["errors"][0].to_string().contains("bad"));
    assert_eq!(problem["errors"][0]["pointer"], "/accounts/1/kind");
    desk.get("/v1/accounts/good")
        .await
        .refuses(404, "resource_unknown");
    assert_eq!(desk.get("/v1/whoami").await.body["revision"], before);
}

#[tokio::test]
async fn every_fault_of_an_import_has_its_pointer() {
    let desk = Desk::with_state().await;
    let hash = format!("sha256:{}", "0".repeat(64));
    let key = |id: &str, hash: &str| json!({ "id": id, "mode": "live", "hash": hash });
    let keys = [
        key("fine", &hash),
        key("a:b", &hash),
        key("", &hash),
        key("nul\u{0}", &hash),
        key("key_01k0000000000000000000000", &hash),
        key("plain", "my-secret"),
    ];
    let import = json!({
        "accounts": [ { "name": "new", "kind": "person", "plan": "none" } ],
        "apps": [ { "name": "a", "developer": "acme" },
                  { "name": "b", "developer": "acme", "keys": keys } ],
    });
    let problem = desk.post("/v1/import", &import).await;
    let problem = problem.refuses(422, "state_invalid");
    let pointers = |problem: &Value| -> Vec<String> {
        let faults = problem["errors"].as_array().unwrap().iter();
        faults
            .map(|fault| fault["pointer"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        pointers(&problem),
        [1, 2, 3, 4]
            .map(|at| format!("/apps/1/keys/{at}/id"))
            .into_iter()
            .chain(["/apps/1/keys/5/hash".to_owned()])
            .collect::<Vec<_>>()
    );
    assert!(!problem.to_string().contains("my-secret"), "{problem}");
    // What only shows beside everything else has its pointer as well.
    let import = json!({
        "accounts": [ { "name": "new", "kind": "person", "plan": "none" } ],
        "apps": [ { "name": "a", "developer": "acme" }, { "name": "b", "developer": "acne" } ],
    });
    let problem = desk.post("/v1/import", &import).await;
    let found = pointers(&problem.refuses(422, "state_invalid"));
    assert!(found.contains(&"/accounts/0/plan".to_owned()), "{found:?}");
    assert!(found.contains(&"/apps/1/developer".to_owned()), "{found:?}");
}
