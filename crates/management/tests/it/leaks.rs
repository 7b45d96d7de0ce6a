//! Leaked secrets, and the other credentials of apps.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::desk::{Answer, Desk};

const LEAKED: &str = "/v1/leaked-secrets";
const MINE: &str = "/v1/me/capabilities";

/// A report of somebody who is not signed in.
async fn report(desk: &Desk, body: &Value) -> Answer {
    let request = Request::post(LEAKED).header("content-type", "application/json");
    let body = Body::from(body.to_string());
    desk.send(request.body(body).unwrap()).await
}

fn of(secrets: &[&str]) -> Value {
    let named: Vec<Value> = secrets.iter().map(|one| json!({ "secret": one })).collect();
    json!({ "secrets": named })
}

async fn three_tokens(desk: &Desk) -> [String; 3] {
    let wanted = json!({ "mode": "live", "kind": "three_token" });
    let issued = desk.post("/v1/apps/till/keys", &wanted).await.is(201).body;
    ["/key/id", "/secret", "/signature"]
        .map(|place| issued.pointer(place).unwrap().as_str().unwrap().to_owned())
}

async fn as_three(desk: &Desk, [user, password, signature]: [&str; 3]) -> Answer {
    let request = Request::get(MINE)
        .header("portreeve-user", user)
        .header("portreeve-password", password)
        .header("portreeve-signature", signature);
    desk.send(request.body(Body::empty()).unwrap()).await
}

/// Shows: P-04, P-32.
#[tokio::test]
async fn a_reported_key_is_revoked_at_once_by_whoever_holds_it() {
    let desk = Desk::with_state().await;
    let (key, other) = (desk.key().await, desk.key().await);
    let text = format!("  {}\n", key.1);
    let receipt = report(&desk, &of(&[&text])).await.is(202).body;
    assert_eq!(receipt, json!({ "received": 1 }));
    let refused = desk.as_app(MINE, (&key.0, &key.1)).await;
    refused.refuses(401, "credential_revoked");
    desk.as_app(MINE, (&other.0, &other.1)).await.is(200);
    let events = desk.get("/v1/events?kind=credential").await.is(200);
    let newest = &events.body["items"][0];
    assert_eq!(newest["actor"], "leak report");
    assert_eq!(newest["name"], key.0.as_str());
    assert!(!String::from_utf8(events.bytes).unwrap().contains(&key.1));
    // Again: nothing more happens, and the answer is the same.
    let count = desk.get("/v1/whoami").await.body["revision"].clone();
    report(&desk, &of(&[&key.1])).await.is(202);
    assert_eq!(desk.get("/v1/whoami").await.body["revision"], count);
}

/// Shows: P-04, S-73.
#[tokio::test]
async fn a_report_does_not_tell_whether_there_was_such_a_secret() {
    let desk = Desk::with_state().await;
    let key = desk.key().await;
    let mut changed = key.1.clone();
    changed.replace_range(
        20..21,
        if key.1.as_bytes()[20] == b'x' {
            "y"
        } else {
            "x"
        },
    );
    let mut answers = Vec::new();
    for secret in [changed.as_str(), "hunter2", &key.1, "", &key.0] {
        let began = Instant::now();
        let answer = report(&desk, &of(&[secret])).await.is(202);
        assert!(began.elapsed() >= Duration::from_millis(250), "{secret}");
        let headers = answer.headers.keys().map(ToString::to_string);
        answers.push((answer.bytes, headers.collect::<Vec<_>>()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    desk.as_app(MINE, (&key.0, &key.1))
        .await
        .refuses(401, "credential_revoked");
}

/// Shows: P-04.
#[tokio::test]
async fn any_part_of_any_credential_may_be_reported() {
    let desk = Desk::with_state().await;
    for part in [1, 2] {
        let tokens = three_tokens(&desk).await;
        let shown = [0, 1, 2].map(|one| tokens[one].as_str());
        as_three(&desk, shown).await.is(200);
        report(&desk, &of(&[&tokens[part]])).await.is(202);
        as_three(&desk, shown)
            .await
            .refuses(401, "credential_revoked");
    }
    let (_, token) = desk.person("kim@example.com", &["viewer"], &[]).await;
    let whoami = || desk.ask_as(&token, ("GET", "/v1/whoami"), &[], None);
    whoami().await.is(200);
    report(&desk, &of(&[token.expose()])).await.is(202);
    whoami().await.refuses(401, "token_unknown");
    // The operator token stays, and the log tells of it.
    let operator = desk.token.expose().to_owned();
    report(&desk, &of(&[&operator])).await.is(202);
    let events = desk.get("/v1/events?kind=operator_token").await.is(200);
    assert_eq!(events.body["items"][0]["detail"], json!({ "leaked": true }));
}

/// Shows: P-04, S-76.
#[tokio::test]
async fn reports_are_bounded() {
    let desk = Desk::with_state().await;
    let key = desk.key().await;
    let many: Vec<&str> = std::iter::repeat_n("x", 100)
        .chain([key.1.as_str()])
        .collect();
    report(&desk, &of(&many))
        .await
        .refuses(422, "change_refused");
    desk.as_app(MINE, (&key.0, &key.1)).await.is(200);
    let odd = json!({ "secrets": [], "revoke": "everything" });
    report(&desk, &odd).await.refuses(400, "body_malformed");
    let long = "x".repeat(200_000);
    report(&desk, &of(&[&long]))
        .await
        .refuses(413, "body_too_large");
    // 60 at once of somebody unknown, of which three are gone.
    let odd = json!({});
    for _ in 0..57 {
        report(&desk, &odd).await.refuses(400, "body_malformed");
    }
    report(&desk, &of(&[&key.1]))
        .await
        .refuses(429, "too_many_reports");
    // Who is signed in is not held up by strangers.
    desk.post(LEAKED, &of(&[&key.1])).await.is(202);
    desk.as_app(MINE, (&key.0, &key.1))
        .await
        .refuses(401, "credential_revoked");
    let events = desk.get("/v1/events?kind=credential").await.is(200);
    assert_eq!(events.body["items"][0]["actor"], "operator");
    let (nobody, body) = (primitives::Secret::new("wrong".to_owned()), of(&["x"]));
    let wrong = desk.ask_as(&nobody, ("POST", LEAKED), &[], Some(&body));
    wrong.await.refuses(401, "token_unknown");
}

/// Shows: P-31, P-32.
#[tokio::test]
async fn three_tokens_are_shown_once_and_asked_for_together() {
    let desk = Desk::with_state().await;
    let tokens = three_tokens(&desk).await;
    let [user, password, signature] = [0, 1, 2].map(|one| tokens[one].as_str());
    as_three(&desk, [user, password, signature]).await.is(200);
    as_three(&desk, [user, signature, password])
        .await
        .refuses(401, "credential_unknown");
    desk.as_app(MINE, (user, password))
        .await
        .refuses(401, "credential_unknown");
    let listed = desk.get("/v1/apps/till/keys").await.is(200);
    assert_eq!(listed.body["items"][0]["kind"], "three_token");
    let text = String::from_utf8(listed.bytes).unwrap();
    assert!(!text.contains(password) && !text.contains(signature));
    // One that is replaced is replaced by three others.
    let path = format!("/v1/apps/till/keys/{user}/rotate");
    let new = desk
        .post(&path, &json!({ "overlap_seconds": 0 }))
        .await
        .is(201)
        .body;
    let new = ["/key/id", "/secret", "/signature"]
        .map(|place| new.pointer(place).unwrap().as_str().unwrap().to_owned());
    as_three(&desk, [&new[0], &new[1], &new[2]]).await.is(200);
    as_three(&desk, [user, password, signature])
        .await
        .refuses(401, "credential_expired");
    as_three(&desk, [&new[0], &new[1], signature])
        .await
        .refuses(401, "credential_unknown");
}

/// Shows: P-31.
#[tokio::test]
async fn a_certificate_is_one_credential() {
    let desk = Desk::with_state().await;
    let path = "/v1/apps/till/keys";
    let digits = "ab".repeat(32);
    let colons = vec!["AB"; 32].join(":");
    let of = |print: &str| json!({ "mode": "live", "kind": "certificate", "certificate": print });
    let made = desk.post(path, &of(&digits)).await.is(201).body;
    assert_eq!(made["secret"], Value::Null);
    assert_eq!(made["key"]["certificate"], digits.as_str());
    desk.post(path, &of(&colons))
        .await
        .refuses(422, "change_refused");
    let id = made["key"]["id"].as_str().unwrap();
    desk.post(&format!("{path}/{id}/rotate"), &json!({}))
        .await
        .refuses(422, "change_refused");
    desk.delete(&format!("{path}/{id}")).await.is(200);
    desk.post(path, &of(&colons)).await.is(201);
    let nothing = json!({ "mode": "live", "kind": "certificate" });
    desk.post(path, &nothing)
        .await
        .refuses(422, "change_refused");
    for bad in ["", "ab", &"zz".repeat(32), &format!("{digits}ab")] {
        desk.post(path, &of(bad))
            .await
            .refuses(400, "body_malformed");
    }
}
