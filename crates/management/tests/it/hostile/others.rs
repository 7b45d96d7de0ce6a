//! What is another's is not there: for every operation and id that a developer or a person may
//! name.

use std::time::{Duration, Instant};

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Request, header};
use primitives::Secret;
use serde_json::{Value, json};

use super::described::{Operation, least};
use crate::desk::{Answer, Desk};

/// What somebody has.
struct Whose {
    token: Secret,
    app: String,
    key: String,
    call: String,
    sign_in: String,
}

async fn somebody(desk: &Desk, email: &str) -> Whose {
    let (_, token) = desk.developer(email).await;
    let ask = async |method: &str, path: &str, body: Option<Value>| {
        desk.ask_as(&token, (method, path), &[], body.as_ref())
            .await
    };
    let app = json!({ "title": "Till", "apis": ["shop"] });
    let app = ask("POST", "/v1/developer/apps", Some(app))
        .await
        .is(201)
        .body;
    let app = app["name"].as_str().unwrap().to_owned();
    let key = json!({ "mode": "live" });
    let path = format!("/v1/developer/apps/{app}/keys");
    let key = ask("POST", &path, Some(key)).await.is(201).body;
    let sign_ins = ask("GET", "/v1/sign-ins", None).await.is(200).body;
    Whose {
        app,
        key: key["key"]["id"].as_str().unwrap().to_owned(),
        call: "dec_00000000000000000000000001".to_owned(),
        sign_in: sign_ins["items"][0]["id"].as_str().unwrap().to_owned(),
        token,
    }
}

/// The same ids with another end: of the same form, and nobody's.
fn nobodys(id: &str) -> String {
    let mut letters: Vec<char> = id.chars().collect();
    for letter in letters.iter_mut().rev().take(6) {
        *letter = if *letter == '0' { '1' } else { '0' };
    }
    letters.into_iter().collect()
}

fn filled(path: &str, whose: &Whose, made_up: bool) -> String {
    let id = |id: &str| if made_up { nobodys(id) } else { id.to_owned() };
    path.replace("{app}", &id(&whose.app))
        .replace("{key}", &id(&whose.key))
        .replace("{id}", &id(&whose.call))
        .replace("{sign_in}", &id(&whose.sign_in))
}

/// An answer without what the request itself made different.
fn plain(answer: &Answer, path: &str) -> (u16, Vec<String>, String) {
    let mut body = answer.body.clone();
    if let Some(members) = body.as_object_mut() {
        members.remove("instance");
    }
    let mut text = body.to_string();
    for part in path.split('/').filter(|part| part.len() > 8) {
        text = text.replace(part, "ID");
    }
    let names = answer.headers.keys().map(ToString::to_string);
    (answer.status.as_u16(), names.collect(), text)
}

/// Operations for developers and persons, with an id in their path.
fn with_ids() -> Vec<Operation> {
    let own = |one: &Operation| {
        one.path.starts_with("/v1/developer/apps/") || one.path.starts_with("/v1/sign-ins/")
    };
    let all: Vec<_> = Operation::all().into_iter().filter(own).collect();
    assert!(all.len() >= 9, "{} operations", all.len());
    all
}

async fn ask(desk: &Desk, token: &Secret, operation: &Operation, path: &str) -> Answer {
    let document = management::openapi();
    let body = operation
        .body
        .as_ref()
        .map(|schema| least(&document, schema));
    let body = body.map(|mut body| {
        if body["mode"].is_string() {
            body["mode"] = json!("live");
        }
        body
    });
    desk.ask_as(token, (&operation.method, path), &[], body.as_ref())
        .await
}

/// One's own token with another's ids: the answer is the one of ids that nobody has, letter by
/// letter, and nothing of the other's is changed.
///
/// Shows: S-86, P-61, R-56.
#[tokio::test]
async fn what_is_anothers_is_not_there() {
    let desk = Desk::with_state().await;
    let one = somebody(&desk, "one@example.com").await;
    let other = somebody(&desk, "other@example.com").await;
    let before = desk.store.revision().await.unwrap();
    for operation in with_ids() {
        let theirs = filled(&operation.path, &one, false);
        let none = filled(&operation.path, &one, true);
        assert_ne!(theirs, none);
        // And with an app of one's own around another's key or call.
        let around = |made_up| {
            let path = operation.path.replace("{app}", &other.app);
            filled(&path, &one, made_up)
        };
        let mut pairs = vec![(theirs, none)];
        if operation.path.matches('{').count() > 1 {
            pairs.push((around(false), around(true)));
        }
        for (theirs, none) in pairs {
            let refused = ask(&desk, &other.token, &operation, &theirs).await;
            let what = format!("{} {theirs}", operation.method);
            assert_eq!(refused.status, 404, "{what}: {}", refused.body);
            let unknown = ask(&desk, &other.token, &operation, &none).await;
            assert_eq!(plain(&refused, &theirs), plain(&unknown, &none), "{what}");
        }
    }
    assert_eq!(desk.store.revision().await.unwrap(), before);
    // Whose it is has it still.
    let path = format!("/v1/developer/apps/{}/keys", one.app);
    let keys = desk
        .ask_as(&one.token, ("GET", &path), &[], None)
        .await
        .is(200);
    assert_eq!(keys.body["items"][0]["revoked_at"], Value::Null);
}

/// Everything else is closed to developers before any id is looked at.
///
/// Shows: S-86, S-88.
#[tokio::test]
async fn operators_operations_do_not_look_at_a_developers_ids() {
    let desk = Desk::with_state().await;
    let one = somebody(&desk, "one@example.com").await;
    let open = ["/v1/developer", "/v1/whoami", "/v1/me", "/v1/registrations"];
    let open = [
        &open[..],
        super::OWN,
        &["/v1/password-links", "/v1/leaked-secrets"],
    ]
    .concat();
    let mut closed = 0;
    for operation in Operation::all() {
        let at = format!("{}/", operation.path);
        if open
            .iter()
            .any(|start| at.starts_with(&format!("{start}/")))
        {
            continue;
        }
        let fill = |made_up: bool| {
            let path = filled(&operation.path, &one, made_up).replace("{account}", "acme");
            path.replace("{name}", "acme").replace(['{', '}'], "")
        };
        for path in [fill(false), fill(true)] {
            let answer = ask(&desk, &one.token, &operation, &path).await;
            answer.refuses(403, "role_missing");
        }
        closed += 1;
    }
    assert!(closed > 90, "only {closed} are closed");
}

/// How long the two answers take, interleaved; told, and held to a bound so wide that only
/// another lookup would break it.
///
/// Shows: S-86.
#[tokio::test]
async fn what_is_anothers_takes_as_long_as_what_is_not_there() {
    let desk = Desk::with_state().await;
    let one = somebody(&desk, "one@example.com").await;
    let other = somebody(&desk, "other@example.com").await;
    for operation in with_ids().iter().filter(|one| one.method == "GET") {
        let theirs = filled(&operation.path, &one, false);
        let none = filled(&operation.path, &one, true);
        let (mut there, mut not) = (Vec::new(), Vec::new());
        for round in 0..120 {
            let pair = [(&theirs, &mut there), (&none, &mut not)];
            let mut pair: Vec<_> = pair.into_iter().collect();
            if round % 2 == 1 {
                pair.reverse();
            }
            for (path, times) in pair {
                times.push(timed(&desk, &other.token, path).await);
            }
        }
        let (there, not) = (median(&mut there), median(&mut not));
        let apart = (there.as_secs_f64() / not.as_secs_f64() - 1.0) * 100.0;
        println!("{}: {there:?} and {not:?}, {apart:+.1} %", operation.name());
        assert!(
            apart.abs() < 50.0,
            "{}: {there:?} {not:?}",
            operation.name()
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "times are what is measured")]
async fn timed(desk: &Desk, token: &Secret, path: &str) -> Duration {
    let begun = Instant::now();
    desk.ask_as(token, ("GET", path), &[], None).await.is(404);
    begun.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// An app's key says nothing of what another account has entrusted.
///
/// Shows: S-86.
#[tokio::test]
async fn an_app_reaches_its_own_accounts_things_alone() {
    let desk = Desk::with_state().await;
    let one = somebody(&desk, "one@example.com").await;
    let (id, secret) = desk.key().await;
    let entrusted = json!({ "kind": "password", "value": "a word of theirs" });
    let account = desk
        .get(&format!("/v1/apps/{}", one.app))
        .await
        .is(200)
        .body;
    let account = account["entry"]["developer"].as_str().unwrap().to_owned();
    let path = format!("/v1/accounts/{account}/confidential/number");
    let made = desk.put(&path, &entrusted).await;
    made.is(200);
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let gone = |name: &str| {
        let request = Request::delete(format!("/v1/me/confidential/{name}"));
        request
            .header(header::AUTHORIZATION, &basic)
            .body(Body::empty())
            .unwrap()
    };
    let there = desk.send(gone("number")).await;
    let none = desk.send(gone("nothing")).await;
    assert_eq!(
        (there.status, there.body["code"].clone()),
        (none.status, none.body["code"].clone())
    );
}
