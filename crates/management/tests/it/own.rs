//! What developers do over REST, about their own account and nobody else's.

use accounts::persons::Duties;
use axum::body::Body;
use flows::waiting_mails;
use http::Request;
use primitives::{PageSize, Secret};
use serde_json::{Value, json};

use crate::desk::{Answer, Desk, PASSWORD};

impl Desk {
    /// A request of nobody.
    async fn open(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()));
        self.send(request.unwrap()).await
    }

    /// The texts of the mails to an address.
    async fn mails_to(&self, email: &str) -> Vec<String> {
        let all = waiting_mails(&self.authority, None, PageSize::default()).await;
        let letters = all.unwrap().into_iter().filter_map(|one| one.letter);
        letters
            .filter(|letter| letter.to == email)
            .map(|letter| letter.text)
            .collect()
    }

    async fn code_to(&self, email: &str) -> String {
        let texts = self.mails_to(email).await;
        let mut links = texts
            .iter()
            .filter_map(|text| text.split_once("confirm?code="));
        let (_, code) = links.next_back().expect("a link");
        code.split_whitespace().next().unwrap().to_owned()
    }

    /// A developer who registered over REST: the account, and an access token.
    pub(crate) async fn developer(&self, email: &str) -> (Value, Secret) {
        let said = json!({ "email": email, "name": "Acme Ltd", "password": PASSWORD });
        self.open("/v1/registrations", &said).await.is(202);
        let said = json!({ "code": self.code_to(email).await, "password": PASSWORD });
        let made = self.open("/v1/registrations/confirm", &said).await.is(201);
        let person = self.store.person_by_email(email).await.unwrap().unwrap();
        let person = flows::Person::read(person).unwrap();
        let token = self.token_of(&person).await;
        (made.body, token)
    }

    async fn own(&self, token: &Secret, method: &str, path: &str, body: Value) -> Answer {
        let body = Some(&body).filter(|_| method == "POST");
        self.ask_as(token, (method, path), &[], body).await
    }
}

/// Registering, confirming, an app, its keys: everything a page does, over REST.
///
/// Shows: P-20, P-21.
#[tokio::test]
async fn a_developer_registers_and_makes_an_app_with_keys() {
    let desk = Desk::with_state().await;
    let (made, token) = desk.developer("dev@example.com").await;
    assert!(made["id"].as_str().unwrap().starts_with("acct_"), "{made}");
    let own = desk.own(&token, "GET", "/v1/developer", Value::Null).await;
    let own = own.is(200).body;
    assert_eq!(own["id"], made["id"]);
    assert_eq!(
        (&own["title"], &own["verified"]),
        (&json!("Acme Ltd"), &json!(true))
    );
    let wanted = json!({ "title": "Till", "apis": ["shop"] });
    let app = desk.own(&token, "POST", "/v1/developer/apps", wanted).await;
    let app = app.is(201).body;
    let path = format!("/v1/developer/apps/{}", app["name"].as_str().unwrap());
    let listed = desk
        .own(&token, "GET", "/v1/developer/apps", Value::Null)
        .await;
    assert_eq!(listed.is(200).body["items"], json!([app]));
    let shown = desk.own(&token, "GET", &path, Value::Null).await;
    assert_eq!(shown.is(200).body, app);
    let keys = format!("{path}/keys");
    let issued = desk
        .own(&token, "POST", &keys, json!({ "mode": "live" }))
        .await;
    let issued = issued.is(201).body;
    let (id, secret) = (
        issued["key"]["id"].as_str().unwrap(),
        issued["secret"].as_str().unwrap(),
    );
    let can = desk
        .as_app("/v1/me/capabilities", (id, secret))
        .await
        .is(200);
    assert_eq!(can.body["app"], app["name"]);
    let said = desk
        .own(&token, "GET", &format!("{path}/capabilities"), Value::Null)
        .await;
    assert_eq!(said.is(200).body["apis"], can.body["apis"]);
    let rotated = desk
        .own(
            &token,
            "POST",
            &format!("{keys}/{id}/rotate"),
            json!({ "overlap_seconds": 60 }),
        )
        .await;
    let new = rotated.is(201).body["key"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    // Both work during the overlap, then only the new one.
    desk.as_app("/v1/me/capabilities", (id, secret))
        .await
        .is(200);
    desk.clock.advance_seconds(61);
    desk.as_app("/v1/me/capabilities", (id, secret))
        .await
        .is(401);
    desk.own(&token, "DELETE", &format!("{keys}/{new}"), Value::Null)
        .await
        .is(200);
    let left = desk
        .own(&token, "GET", &keys, Value::Null)
        .await
        .is(200)
        .body;
    assert_eq!(left["items"].as_array().unwrap().len(), 2);
    assert!(!left.to_string().contains(secret));
}

/// Another developer's things are answered as things that are not there, letter by letter.
///
/// Shows: P-61, S-88.
#[tokio::test]
async fn a_developer_sees_and_touches_nothing_of_another() {
    let desk = Desk::with_state().await;
    let (_, one) = desk.developer("one@example.com").await;
    let (_, other) = desk.developer("other@example.com").await;
    let wanted = json!({ "title": "Till", "apis": ["shop"] });
    let app = desk
        .own(&one, "POST", "/v1/developer/apps", wanted)
        .await
        .is(201)
        .body;
    let app = app["name"].as_str().unwrap();
    let keys = format!("/v1/developer/apps/{app}/keys");
    let key = desk
        .own(&one, "POST", &keys, json!({ "mode": "live" }))
        .await
        .is(201)
        .body;
    let key = key["key"]["id"].as_str().unwrap();
    let listed = desk
        .own(&other, "GET", "/v1/developer/apps", Value::Null)
        .await;
    assert_eq!(listed.is(200).body["items"], json!([]));
    // `till` is the app of a developer that a state file says.
    for foreign in [app, "till"] {
        let there = format!("/v1/developer/apps/{foreign}");
        for (method, path, body) in [
            ("GET", there.clone(), json!({})),
            ("GET", format!("{there}/capabilities"), json!({})),
            ("GET", format!("{there}/keys"), json!({})),
            ("GET", format!("{there}/calls"), json!({})),
            (
                "GET",
                format!("{there}/calls/dec_00000000000000000000000001"),
                json!({}),
            ),
            ("POST", format!("{there}/keys"), json!({ "mode": "live" })),
            ("POST", format!("{there}/keys/{key}/rotate"), json!({})),
            ("DELETE", format!("{there}/keys/{key}"), json!({})),
        ] {
            let refused = desk.own(&other, method, &path, body.clone()).await;
            let refused = refused.refuses(404, "resource_unknown");
            let none = desk
                .own(&other, method, &path.replace(foreign, "app-none"), body)
                .await;
            let none = none.refuses(404, "resource_unknown");
            let plain = |problem: &Value, name: &str| {
                let mut problem = problem.clone();
                let fields = problem.as_object_mut().unwrap();
                fields.retain(|field, _| field != "instance" && field != "request_id");
                problem.to_string().replace(name, "NAME")
            };
            assert_eq!(
                plain(&refused, foreign),
                plain(&none, "app-none"),
                "{method} {path}"
            );
        }
    }
    // With an app of one's own, another's key is as good as none.
    let wanted = json!({ "title": "Mine", "apis": [] });
    let mine = desk
        .own(&other, "POST", "/v1/developer/apps", wanted)
        .await
        .is(201)
        .body;
    let mine = mine["name"].as_str().unwrap();
    let path = format!("/v1/developer/apps/{mine}/keys/{key}");
    desk.own(&other, "DELETE", &path, json!({}))
        .await
        .refuses(404, "resource_unknown");
    let left = desk.own(&one, "GET", &keys, Value::Null).await.is(200).body;
    assert_eq!(left["items"][0]["revoked_at"], Value::Null);
}

/// What a caller may not say of themselves is no field of anything they send.
///
/// Shows: S-76, R-54.
#[tokio::test]
async fn nobody_says_of_themselves_what_only_the_provider_says() {
    let desk = Desk::with_state().await;
    let (_, token) = desk.developer("dev@example.com").await;
    let more = [
        "verified",
        "email_verified",
        "role",
        "roles",
        "level",
        "levels",
        "developer",
        "provider",
        "account",
        "profile",
        "limits",
        "owner",
        "id",
        "balance",
        "price",
    ];
    let register = json!({ "email": "new@example.com", "name": "New", "password": PASSWORD });
    let app = json!({ "title": "Till", "apis": [] });
    let key = json!({ "mode": "live" });
    let forms = [
        ("/v1/registrations", register, false),
        (
            "/v1/registrations/confirm",
            json!({ "code": "x", "password": PASSWORD }),
            false,
        ),
        (
            "/v1/password-links",
            json!({ "email": "new@example.com" }),
            false,
        ),
        ("/v1/developer/apps", app, true),
        ("/v1/developer/apps/none/keys", key, true),
        ("/v1/developer/vetting", json!({}), true),
    ];
    for (path, form, signed_in) in forms {
        for field in more
            .into_iter()
            .filter(|field| *field != "level" || !path.ends_with("vetting"))
        {
            let mut form = form.clone();
            form[field] = json!(true);
            let answer = if signed_in {
                desk.own(&token, "POST", path, form).await
            } else {
                desk.open(path, &form).await
            };
            assert_eq!(answer.status, 400, "{path} with `{field}`: {}", answer.body);
        }
    }
    assert_eq!(desk.mails_to("new@example.com").await, [""; 0]);
    let own = desk
        .own(&token, "GET", "/v1/developer", Value::Null)
        .await
        .is(200)
        .body;
    assert_eq!(own["ladders"], json!([]));
}

/// Registering and forgetting answer alike for known and unknown addresses, status, headers and
/// text; and a stranger has nothing confirmed with another's address.
///
/// Shows: S-73.
#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let desk = Desk::with_state().await;
    desk.developer("known@example.com").await;
    desk.person("operator@example.com", &["viewer"], &[]).await;
    for (path, more) in [
        (
            "/v1/registrations",
            json!({ "name": "X", "password": "other words in a row" }),
        ),
        ("/v1/password-links", json!({})),
    ] {
        let mut told = Vec::new();
        for email in [
            "known@example.com",
            "operator@example.com",
            "unknown@example.com",
        ] {
            let mut said = more.clone();
            said["email"] = json!(email);
            let answer = desk.open(path, &said).await;
            let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            told.push((answer.status.as_u16(), names, answer.bytes));
        }
        assert_eq!(told[0].0, 202);
        assert!(told.iter().all(|one| *one == told[0]), "{path}: {told:?}");
    }
    for (email, page) in [
        ("known@example.com", "http://localhost:8081/password?code="),
        (
            "operator@example.com",
            "http://localhost:8082/console/password?code=",
        ),
    ] {
        let texts = desk.mails_to(email).await;
        assert!(texts.iter().any(|text| text.contains(page)), "{texts:?}");
    }
    // What a stranger registered is confirmed by who chose the password, not by who reads mail.
    let said = json!({ "code": desk.code_to("unknown@example.com").await, "password": "a guess of many words" });
    desk.open("/v1/registrations/confirm", &said)
        .await
        .refuses(422, "change_refused");
}

/// Whoever is shut out, or whose account is gone, does nothing more with what they had.
///
/// Shows: S-117.
#[tokio::test]
async fn a_developer_who_is_shut_out_does_nothing_more() {
    let desk = Desk::with_state().await;
    let (_, token) = desk.developer("dev@example.com").await;
    let person = desk
        .store
        .person_by_email("dev@example.com")
        .await
        .unwrap()
        .unwrap();
    let path = format!("/v1/persons/{}/duties", person.id);
    let said = json!({ "roles": ["admin"] });
    desk.post(&path, &said).await.refuses(422, "change_refused");
    desk.post(&format!("/v1/persons/{}/disable", person.id), &json!({}))
        .await
        .is(200);
    for path in ["/v1/developer", "/v1/developer/apps", "/v1/whoami"] {
        desk.own(&token, "GET", path, Value::Null)
            .await
            .refuses(401, "token_unknown");
    }
    desk.open("/v1/password-links", &json!({ "email": "dev@example.com" }))
        .await
        .is(202);
    let texts = desk.mails_to("dev@example.com").await;
    assert!(
        !texts.iter().any(|text| text.contains("/password")),
        "{texts:?}"
    );

    let (made, token) = desk.developer("other@example.com").await;
    desk.delete(&format!("/v1/accounts/{}", made["name"].as_str().unwrap()))
        .await
        .is(204);
    desk.own(&token, "GET", "/v1/developer", Value::Null)
        .await
        .refuses(404, "resource_unknown");
    let wanted = json!({ "title": "Till", "apis": ["shop"] });
    let refused = desk.own(&token, "POST", "/v1/developer/apps", wanted).await;
    refused.refuses(422, "change_refused");
}

/// An account that has the name of one that is gone is not the one that is gone.
#[tokio::test]
async fn another_account_of_the_same_name_is_not_theirs() {
    let desk = Desk::with_state().await;
    let (made, token) = desk.developer("dev@example.com").await;
    let path = format!("/v1/accounts/{}", made["name"].as_str().unwrap());
    desk.delete(&path).await.is(204);
    let again = json!({ "kind": "company", "verified": true, "developer": {} });
    desk.put(&path, &again).await.is(201);
    desk.own(&token, "GET", "/v1/developer", Value::Null)
        .await
        .refuses(404, "resource_unknown");
    let person = desk
        .store
        .person_by_email("dev@example.com")
        .await
        .unwrap()
        .unwrap();
    let duties = flows::Person::read(person).unwrap().duties;
    let id: primitives::AccountId = made["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(duties, Duties::of_developer(id));
}
