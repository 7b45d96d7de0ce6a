//! What is one's own, whoever one is: password, one-time codes, recovery codes, passkeys, tokens.

use keys::CodeSeed;
use primitives::{Clock as _, Secret};
use serde_json::{Value, json};
use soft_authenticator::SoftPasskey;

use crate::desk::{Answer, Desk, PASSWORD};

/// Somebody who asks with a token of theirs.
struct Somebody<'d> {
    desk: &'d Desk,
    token: Secret,
}

impl Desk {
    async fn somebody(&self) -> Somebody<'_> {
        let (_, token) = self.person("kim@example.com", &["viewer"], &[]).await;
        Somebody { desk: self, token }
    }
}

impl Somebody<'_> {
    async fn get(&self, path: &str) -> Answer {
        self.desk
            .ask_as(&self.token, ("GET", path), &[], None)
            .await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        let asked = ("POST", path);
        self.desk.ask_as(&self.token, asked, &[], Some(&body)).await
    }

    /// Sets one-time codes up: the seed, and the recovery codes.
    async fn codes(&self) -> (CodeSeed, Vec<String>) {
        let begun = self.post("/v1/one-time-codes", shown()).await.is(200).body;
        let seed =
            CodeSeed::read(&Secret::new(begun["seed"].as_str().unwrap().to_owned())).unwrap();
        let code = seed.code(self.desk.clock.now());
        let said = json!({ "sealed": begun["sealed"], "code": code });
        let set = self.post("/v1/one-time-codes/confirm", said).await.is(200);
        (seed, texts(&set.body))
    }

    /// How a sign-in with the password ends.
    async fn password_sign_in(&self, password: &str) -> flows::Tried {
        let shown = ("kim@example.com", Secret::new(password.to_owned()));
        let tried = flows::sign_in_by_password(&self.desk.authority, shown, "a browser").await;
        tried.unwrap()
    }
}

fn shown() -> Value {
    json!({ "password": PASSWORD })
}

fn texts(body: &Value) -> Vec<String> {
    let codes = body["recovery_codes"].as_array().unwrap().iter();
    codes
        .map(|code| code.as_str().unwrap().to_owned())
        .collect()
}

/// The secrets of this part stand in no event.
async fn the_log_tells(desk: &Desk, what: &str, secrets: &[&str]) {
    let log = desk.get("/v1/events?limit=200").await.is(200).body;
    let log = log.to_string();
    assert!(log.contains(what), "{what}: {log}");
    for secret in secrets {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[tokio::test]
async fn a_persons_sign_ins_are_their_own() {
    let desk = Desk::with_state().await;
    let (_, one) = desk.person("one@example.com", &["viewer"], &[]).await;
    let (_, other) = desk.person("other@example.com", &["viewer"], &[]).await;
    let listed = |token: Secret| {
        let desk = &desk;
        async move {
            desk.ask_as(&token, ("GET", "/v1/sign-ins"), &[], None)
                .await
        }
    };
    let own = listed(one.clone()).await.is(200).body;
    let items = own["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{own}");
    let token = items.iter().find(|item| item["kind"] == "token").unwrap();
    assert_eq!(
        (&token["label"], &token["this"]),
        (&json!("ci"), &json!(true))
    );
    let path = format!("/v1/sign-ins/{}", token["id"].as_str().unwrap());
    let answer = desk.ask_as(&other, ("DELETE", &path), &[], None).await;
    answer.refuses(404, "resource_unknown");
    desk.ask_as(&one, ("DELETE", &path), &[], None)
        .await
        .is(204);
    listed(one).await.refuses(401, "token_unknown");
    desk.get("/v1/sign-ins")
        .await
        .refuses(422, "change_refused");
}

/// Shows: P-61, S-72.
#[tokio::test]
async fn a_password_is_changed_by_who_knows_it() {
    let desk = Desk::with_state().await;
    let kim = desk.somebody().await;
    let new = "another few words";
    for (present, wanted) in [
        ("wrong words", new),
        (PASSWORD, "short"),
        (PASSWORD, "kim@example.com"),
    ] {
        let said = json!({ "present": present, "password": wanted });
        let refused = kim.post("/v1/password", said).await;
        refused.refuses(422, "change_refused");
    }
    assert!(matches!(
        kim.password_sign_in(PASSWORD).await,
        flows::Tried::In(_)
    ));
    let said = json!({ "present": PASSWORD, "password": new });
    kim.post("/v1/password", said).await.is(204);
    kim.get("/v1/whoami").await.refuses(401, "token_unknown");
    assert!(!matches!(
        kim.password_sign_in(PASSWORD).await,
        flows::Tried::In(_)
    ));
    assert!(matches!(
        kim.password_sign_in(new).await,
        flows::Tried::In(_)
    ));
    the_log_tells(&desk, "password", &[new, PASSWORD]).await;
}

/// A token alone, which a program may have lost, makes no second token and sets no second factor.
///
/// Shows: P-61, S-72, S-117.
#[tokio::test]
async fn a_token_alone_changes_no_sign_in() {
    let desk = Desk::with_state().await;
    let kim = desk.somebody().await;
    let token = json!({ "label": "more", "days": 300, "password": "wrong words" });
    let wrong = json!({ "password": "wrong words" });
    for (path, body) in [
        ("/v1/access-tokens", token),
        ("/v1/one-time-codes", wrong.clone()),
        ("/v1/one-time-codes/end", wrong.clone()),
        ("/v1/recovery-codes", wrong.clone()),
        ("/v1/passkeys/begin", wrong),
    ] {
        let refused = kim.post(path, body.clone()).await;
        refused.refuses(422, "change_refused");
        // The operator token is nobody's.
        desk.post(path, &body).await.refuses(422, "change_refused");
    }
    // Ten tries, then one a minute: the right password does not help any more.
    for _ in 0..5 {
        kim.post("/v1/recovery-codes", json!({ "password": "wrong words" }))
            .await;
    }
    let refused = kim.post("/v1/one-time-codes", shown()).await;
    let refused = refused.refuses(422, "change_refused");
    assert!(
        refused["detail"].as_str().unwrap().contains("too often"),
        "{refused}"
    );
    let own = kim.get("/v1/sign-ins").await.is(200).body;
    assert_eq!(own["items"].as_array().unwrap().len(), 2, "{own}");
}

/// Shows: P-61, S-72.
#[tokio::test]
async fn one_time_codes_are_set_up_confirmed_and_ended() {
    let desk = Desk::with_state().await;
    let kim = desk.somebody().await;
    let path = "/v1/one-time-codes";
    let off = json!({ "on": false, "recovery_codes_left": 0 });
    assert_eq!(kim.get(path).await.is(200).body, off);
    kim.post("/v1/recovery-codes", shown())
        .await
        .refuses(422, "change_refused");
    let begun = kim.post(path, shown()).await.is(200).body;
    assert!(
        begun["uri"]
            .as_str()
            .unwrap()
            .starts_with("otpauth://totp/"),
        "{begun}"
    );
    // A wrong code, and what was sealed for somebody else.
    let said = json!({ "sealed": begun["sealed"], "code": "000000" });
    let refused = kim.post("/v1/one-time-codes/confirm", said).await;
    let refused = refused.refuses(422, "change_refused");
    assert!(
        refused["detail"].as_str().unwrap().contains("code of now"),
        "{refused}"
    );
    let (_, token) = desk.person("other@example.com", &["viewer"], &[]).await;
    let other = Somebody { desk: &desk, token };
    let seed = CodeSeed::read(&Secret::new(begun["seed"].as_str().unwrap().to_owned())).unwrap();
    let said = json!({ "sealed": begun["sealed"], "code": seed.code(desk.clock.now()) });
    let refused = other.post("/v1/one-time-codes/confirm", said).await;
    refused.refuses(422, "change_refused");
    assert_eq!(kim.get(path).await.is(200).body, off);

    let (seed, recovery) = kim.codes().await;
    let on = json!({ "on": true, "recovery_codes_left": 10 });
    assert_eq!(kim.get(path).await.is(200).body, on);
    assert!(!matches!(
        kim.password_sign_in(PASSWORD).await,
        flows::Tried::In(_)
    ));
    let renewed = kim.post("/v1/recovery-codes", shown()).await.is(200).body;
    let renewed = texts(&renewed);
    assert_eq!(renewed.len(), 10);
    assert!(renewed.iter().all(|code| !recovery.contains(code)));
    kim.post("/v1/one-time-codes/end", shown()).await.is(204);
    assert_eq!(kim.get(path).await.is(200).body, off);
    assert!(matches!(
        kim.password_sign_in(PASSWORD).await,
        flows::Tried::In(_)
    ));
    let seed = seed.text();
    let secrets = [seed.expose(), &renewed[0], &recovery[0], PASSWORD];
    for what in ["codes set up", "recovery codes renewed", "codes ended"] {
        the_log_tells(&desk, what, &secrets).await;
    }
}

/// Shows: P-61, S-117.
#[tokio::test]
async fn an_access_token_is_made_once_however_often_it_is_asked_for() {
    let desk = Desk::with_state().await;
    let kim = desk.somebody().await;
    let wanted = json!({ "label": " nightly report ", "days": 1, "password": PASSWORD });
    for (field, value) in [
        ("label", json!(" ")),
        ("days", json!(0)),
        ("days", json!(367)),
    ] {
        let mut wanted = wanted.clone();
        wanted[field] = value;
        let refused = kim.post("/v1/access-tokens", wanted).await;
        refused.refuses(422, "change_refused");
    }
    let asked = async || {
        let key = [("idempotency-key", "one")];
        let asked = ("POST", "/v1/access-tokens");
        desk.ask_as(&kim.token, asked, &key, Some(&wanted))
            .await
            .is(201)
            .body
    };
    let made = asked().await;
    assert_eq!(asked().await, made);
    let own = kim.get("/v1/sign-ins").await.is(200).body;
    let of_it: Vec<_> = own["items"].as_array().unwrap().iter().collect();
    let of_it: Vec<_> = of_it
        .iter()
        .filter(|one| one["label"] == "nightly report")
        .collect();
    assert_eq!(of_it.len(), 1, "{own}");
    assert_eq!(
        (&of_it[0]["id"], &of_it[0]["expires_at"]),
        (&made["id"], &made["expires_at"])
    );
    let token = Secret::new(made["token"].as_str().unwrap().to_owned());
    let who = desk.ask_as(&token, ("GET", "/v1/whoami"), &[], None).await;
    assert_eq!(who.is(200).body["caller"], "Kim");
    the_log_tells(&desk, "sign_in", &[token.expose(), PASSWORD]).await;
    desk.clock.advance_seconds(86_401);
    let ended = desk.ask_as(&token, ("GET", "/v1/whoami"), &[], None).await;
    ended.refuses(401, "token_unknown");
}

/// A client of one's own adds a passkey as a browser does.
///
/// Shows: P-61, S-70.
#[tokio::test]
async fn a_passkey_is_added_and_removed() {
    let desk = Desk::with_state().await;
    let kim = desk.somebody().await;
    let origin = "http://localhost:8082";
    let begun = kim.post("/v1/passkeys/begin", shown()).await.is(200).body;
    let mut passkey = SoftPasskey::new(b"credential");
    let answer = passkey.create((&begun["options"], origin), |_| {});
    let made =
        json!({ "name": "phone", "answer": serde_json::from_str::<Value>(&answer).unwrap() });
    let added = kim.post("/v1/passkeys", made.clone()).await.is(201).body;
    assert_eq!(
        (&added["name"], &added["used_at"]),
        (&json!("phone"), &Value::Null)
    );
    let listed = kim.get("/v1/passkeys").await.is(200).body;
    assert_eq!(listed["items"], json!([added]));
    // Its challenge is used up, and what is made up is none.
    kim.post("/v1/passkeys", made)
        .await
        .refuses(422, "change_refused");
    let none = json!({ "name": "phone", "answer": { "id": "x" } });
    kim.post("/v1/passkeys", none)
        .await
        .refuses(422, "change_refused");
    let origins = &desk.management.rules.origins;
    let party = origins.party_of_console().unwrap();
    let asked = flows::begin_passkey_sign_in(&desk.authority, &party)
        .await
        .unwrap();
    let answer = passkey.get((&asked, origin), |_| {});
    let tried = flows::sign_in_by_passkey(&desk.authority, (&party, &answer), "a browser").await;
    assert!(matches!(tried, Ok(flows::Tried::In(_))), "{tried:?}");
    let path = format!("/v1/passkeys/{}/remove", added["id"].as_str().unwrap());
    kim.post(&path, shown()).await.is(204);
    assert_eq!(
        kim.get("/v1/passkeys").await.is(200).body["items"],
        json!([])
    );
}

/// The passkey of a developer is the site's: that of the console is not taken.
///
/// Shows: S-68, P-61.
#[tokio::test]
async fn a_developers_passkey_is_the_sites() {
    let desk = Desk::with_state().await;
    let (_, token) = desk.developer("dev@example.com").await;
    let developer = Somebody { desk: &desk, token };
    for (origin, status) in [
        ("http://localhost:8082", 422),
        ("http://localhost:8081", 201),
    ] {
        let begun = developer
            .post("/v1/passkeys/begin", shown())
            .await
            .is(200)
            .body;
        let answer = SoftPasskey::new(b"credential").create((&begun["options"], origin), |_| {});
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let made = json!({ "name": "phone", "answer": answer });
        let added = developer.post("/v1/passkeys", made).await;
        assert_eq!(added.status, status, "{origin}: {}", added.body);
    }
}
