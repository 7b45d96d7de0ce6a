//! Persons who sign in, as an admin handles them, and what their tokens may do.

use serde_json::json;

use crate::desk::Desk;

fn of(id: &str, more: &str) -> String {
    format!("/v1/persons/{id}{more}")
}

/// Shows: P-61.
#[tokio::test]
async fn who_did_something_stands_in_the_log_by_id() {
    let desk = Desk::with_state().await;
    let (id, token) = desk.person("kim@example.com", &["risk"], &[]).await;
    let level = json!({ "level": "advanced" });
    let asked = ("POST", "/v1/accounts/acme/level");
    desk.ask_as(&token, asked, &[], Some(&level)).await.is(200);
    let events = desk.get("/v1/events?name=acme").await.is(200).body;
    assert_eq!(events["items"][0]["actor"], id.as_str());
    let who = desk
        .ask_as(&token, ("GET", "/v1/whoami"), &[], None)
        .await
        .is(200)
        .body;
    assert_eq!(
        (&who["caller"], &who["person"]),
        (&json!("Kim"), &json!(id))
    );
    assert_eq!(who["roles"], json!(["risk"]));
    let who = desk.get("/v1/whoami").await.is(200).body;
    assert_eq!(
        (&who["caller"], &who["person"]),
        (&json!("operator"), &json!(null))
    );
}

/// Shows: P-40.
#[tokio::test]
async fn a_business_unit_grants_what_is_its_own() {
    let desk = Desk::with_state().await;
    let (_, payments) = desk
        .person("pay@example.com", &["business_unit"], &["payments"])
        .await;
    let (_, cards) = desk
        .person("cards@example.com", &["business_unit"], &["cards"])
        .await;
    let path = ("POST", "/v1/accounts/acme/toggles");
    let grant = json!({ "toggles": { "NO_FEE": "business_unit" } });
    let answer = desk.ask_as(&cards, path, &[], Some(&grant)).await;
    let refused = answer.refuses(422, "change_refused");
    assert!(
        refused["detail"].as_str().unwrap().contains("NO_FEE"),
        "{refused}"
    );
    for other in ["PING", "PAY", "LOOK"] {
        // Together with one's own nothing is done either.
        let more = json!({ "toggles": { "NO_FEE": "business_unit", (other): "off" } });
        let answer = desk.ask_as(&payments, path, &[], Some(&more)).await;
        answer.refuses(422, "change_refused");
    }
    let panel = desk.get("/v1/accounts/acme").await.is(200).body;
    assert_eq!(panel["entry"]["developer"].get("business_unit"), None);
    desk.ask_as(&payments, path, &[], Some(&grant))
        .await
        .is(200);
    let account = desk.get("/v1/accounts/acme").await.is(200).body;
    assert_eq!(
        account["entry"]["developer"]["business_unit"],
        json!(["NO_FEE"])
    );
}

/// Shows: S-117.
#[tokio::test]
async fn a_person_is_changed_and_shut_out_at_once() {
    let desk = Desk::with_state().await;
    let (id, token) = desk.person("kim@example.com", &["support"], &[]).await;
    let list = ("GET", "/v1/persons");
    desk.ask_as(&token, list, &[], None)
        .await
        .refuses(403, "role_missing");
    let duties = json!({ "roles": ["admin"] });
    let changed = desk.post(&of(&id, "/duties"), &duties).await.is(200).body;
    assert_eq!(changed["roles"], json!(["admin"]));
    let page = desk.ask_as(&token, list, &[], None).await.is(200).body;
    assert_eq!(page["items"][0]["email"], "kim@example.com");
    // Nobody makes themselves less, and an access token never becomes a sign-in.
    let own = of(&id, "/disable");
    let answer = desk
        .ask_as(&token, ("POST", &own), &[], Some(&json!({})))
        .await;
    answer.refuses(422, "change_refused");
    let link = ("POST", "/v1/sign-in-links");
    let answer = desk.ask_as(&token, link, &[], Some(&json!({}))).await;
    answer.refuses(403, "role_missing");
    let disabled = desk.post(&own, &json!({})).await.is(200).body;
    assert_eq!(disabled["standing"], "disabled");
    desk.ask_as(&token, list, &[], None)
        .await
        .refuses(401, "token_unknown");
    desk.post(&of(&id, "/enable"), &json!({})).await.is(200);
    desk.ask_as(&token, list, &[], None)
        .await
        .refuses(401, "token_unknown");
    desk.delete(&of(&id, "")).await.is(204);
    desk.get(&of(&id, ""))
        .await
        .refuses(404, "resource_unknown");
}

/// What says something of a person that the caller may not say is refused, and nothing is done.
///
/// Shows: S-76.
#[tokio::test]
async fn an_invitation_says_only_what_it_may() {
    let desk = Desk::with_state().await;
    let plain = json!({ "email": "kim@example.com", "name": "Kim", "roles": ["viewer"] });
    for (field, value) in [
        ("standing", json!("active")),
        ("id", json!("person_01k0000000000000000000000")),
        ("password", json!("x")),
        ("one_time_codes", json!(true)),
        ("verified", json!(true)),
        ("role", json!("admin")),
        ("created_at", json!("2026-01-01T00:00:00Z")),
    ] {
        let mut wanted = plain.clone();
        wanted[field] = value;
        let answer = desk.post("/v1/persons", &wanted).await;
        answer.refuses(400, "body_malformed");
    }
    for (field, value) in [
        ("email", json!("kim")),
        ("name", json!("")),
        ("roles", json!(["root"])),
        ("units", json!(["cards"])),
    ] {
        let mut wanted = plain.clone();
        wanted[field] = value;
        let answer = desk.post("/v1/persons", &wanted).await;
        answer.refuses(422, "change_refused");
    }
    let none = desk.get("/v1/persons").await.is(200).body;
    assert_eq!(none["items"], json!([]));
    desk.post("/v1/persons", &plain).await.is(201);
    let answer = desk.post("/v1/persons", &plain).await;
    let refused = answer.refuses(422, "change_refused");
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("there already"),
        "{refused}"
    );
}

/// A repetition invites nobody twice and shows the same link; another caller's key is another.
#[tokio::test]
async fn repeating_an_invitation_is_harmless() {
    let desk = Desk::with_state().await;
    let (_, admin) = desk.person("admin@example.com", &["admin"], &[]).await;
    let wanted = json!({ "email": "kim@example.com", "name": "Kim", "roles": [] });
    let key = [("idempotency-key", "one")];
    let first = desk
        .ask("POST", "/v1/persons", &key, Some(&wanted))
        .await
        .is(201)
        .body;
    let again = desk
        .ask("POST", "/v1/persons", &key, Some(&wanted))
        .await
        .is(201)
        .body;
    assert_eq!(first, again);
    let asked = ("POST", "/v1/persons");
    let answer = desk.ask_as(&admin, asked, &key, Some(&wanted)).await;
    answer.refuses(422, "change_refused");
    desk.clock.advance_seconds(86_401);
    let late = desk.ask("POST", "/v1/persons", &key, Some(&wanted)).await;
    // Its key is kept for a day; after that it is a new request, and the person is there.
    assert!(
        late.status == 422 || late.body["link"]["url"].is_null(),
        "{}",
        late.body
    );
}
