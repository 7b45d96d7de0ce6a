//! Vetting with a risk service of others over HTTP, and from the command line.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use primitives::{Clock as _, Secret, SystemClock, Timestamp};
use reqwest::Client;
use serde_json::{Value, json};

use crate::platform::{Platform, serve};

const SECRET: &str = "whsec_c2VjcmV0";

/// What the service does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deal {
    Points(i64),
    Slow,
    Fails,
    Huge,
    Redirects,
    KnowsAnotherSecret,
    Cut,
}

/// A risk service on a port of its own, which checks who asks.
#[derive(Clone)]
struct Bureau {
    deal: Arc<Mutex<Deal>>,
    asked: Arc<Mutex<Vec<Value>>>,
    url: String,
}

impl Bureau {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!(
            "http://{}/points",
            listener.local_addr().expect("an address")
        );
        let bureau = Self {
            deal: Arc::new(Mutex::new(Deal::Points(0))),
            asked: Arc::default(),
            url,
        };
        let router = Router::new()
            .route("/points", post(answer))
            .route("/elsewhere", post(async || r#"{"points":0}"#))
            .with_state(bureau.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        bureau
    }

    fn deals(&self, deal: Deal) {
        *self.deal.lock().expect("a lock") = deal;
    }

    fn asked(&self) -> Vec<Value> {
        self.asked.lock().expect("a lock").clone()
    }
}

fn is_signed(headers: &HeaderMap, body: &[u8], secret: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let parts = (
        text("webhook-id"),
        text("webhook-timestamp"),
        text("webhook-signature"),
    );
    let (Some(id), Some(seconds), Some(signature)) = parts else {
        return false;
    };
    let at = Timestamp::from_seconds(seconds.parse().expect("seconds"));
    assert!(SystemClock.now().micros_since(at).abs() < 60_000_000);
    let [_, _, (_, own)] = keys::sign_message(&Secret::new(secret.to_owned()), id, at, body);
    own == signature
}

async fn answer(State(bureau): State<Bureau>, headers: HeaderMap, body: Bytes) -> Response {
    let deal = *bureau.deal.lock().expect("a lock");
    let secret = if deal == Deal::KnowsAnotherSecret {
        "whsec_b3RoZXI="
    } else {
        SECRET
    };
    let question = serde_json::from_slice(&body).expect("JSON");
    bureau.asked.lock().expect("a lock").push(question);
    if !is_signed(&headers, &body, secret) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    match deal {
        Deal::Points(points) => json!({ "points": points }).to_string().into_response(),
        Deal::Slow => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            r#"{"points":0}"#.into_response()
        }
        Deal::Fails => (StatusCode::INTERNAL_SERVER_ERROR, r#"{"points":0}"#).into_response(),
        Deal::Huge => {
            format!(r#"{{"points":0,"more":"{}"}}"#, "x".repeat(1_000_000)).into_response()
        }
        Deal::Redirects => {
            let there = [(header::LOCATION, "/elsewhere")];
            (StatusCode::TEMPORARY_REDIRECT, there).into_response()
        }
        Deal::KnowsAnotherSecret => StatusCode::UNAUTHORIZED.into_response(),
        Deal::Cut => r#"{"points":"#.into_response(),
    }
}

async fn operator(platform: &Platform, method: &str, path: &str, body: &Value) -> Value {
    let url = format!("{}{path}", platform.text("management"));
    let method = method.parse().expect("a method");
    let asked = Client::new()
        .request(method, url)
        .bearer_auth(platform.text("operator_token"));
    let answer = asked.json(body).send().await.expect("an answer");
    let status = answer.status();
    let text = answer.text().await.expect("text");
    assert!(status.is_success(), "{path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// A developer whom the model alone would let pass, and a service that is asked besides.
async fn desk(bureau: &Bureau) -> Platform {
    let platform = Platform::start(&[]);
    let model = json!({
        "base": 0, "tolerance": 1000, "automatic": "entry", "again_after_days": 30, "signals": [],
        "service": { "name": "bureau", "url": bureau.url, "secret": "bureau-key" },
    });
    operator(
        &platform,
        "PUT",
        "/v1/secrets/bureau-key",
        &json!({ "value": SECRET }),
    )
    .await;
    operator(&platform, "PUT", "/v1/risk_models/default", &model).await;
    account(&platform, 1).await;
    platform
}

async fn account(platform: &Platform, staff: i64) {
    let account = json!({ "kind": "company", "country": "US", "verified": true,
        "properties": { "years_in_business": staff }, "developer": {} });
    operator(platform, "PUT", "/v1/accounts/umbrella", &account).await;
}

const VETTING: &str = "/v1/accounts/umbrella/vetting";

/// Whatever the service does but answer, a person has to look; and it is told what is known.
///
/// Shows: P-23, P-30.
#[tokio::test(flavor = "multi_thread")]
async fn a_risk_service_that_does_not_answer_well_leaves_it_to_a_person() {
    let bureau = Bureau::start().await;
    let platform = desk(&bureau).await;
    let records = json!({ "source": "ledger", "records": [{ "reference": "t-1", "kind": "payment",
        "at": "2026-01-31T12:00:00Z", "facts": { "amount": 1250, "disputed": true } }] });
    operator(&platform, "POST", "/v1/accounts/umbrella/records", &records).await;
    let all = [
        Deal::Fails,
        Deal::Huge,
        Deal::Redirects,
        Deal::KnowsAnotherSecret,
        Deal::Cut,
        Deal::Points(1_001),
        Deal::Slow,
    ];
    for deal in all {
        bureau.deals(deal);
        let begun = SystemClock.now();
        let told = operator(&platform, "POST", VETTING, &json!({ "level": "entry" })).await;
        assert_eq!(told["standing"]["state"], "in_review", "{deal:?}: {told}");
        assert_eq!(told["standing"]["why"], json!(["unknown"]), "{deal:?}");
        assert!(SystemClock.now() < begun.plus_seconds(12), "{deal:?}");
        operator(
            &platform,
            "POST",
            &format!("{VETTING}/withdraw"),
            &json!({}),
        )
        .await;
    }
    bureau.deals(Deal::Points(5));
    let told = operator(&platform, "POST", VETTING, &json!({ "level": "entry" })).await;
    assert_eq!(told["standing"]["state"], "approved", "{told}");
    assert_eq!(told["standing"]["assessment"]["points"], 5);
    let asked = bureau.asked();
    assert_eq!(asked.len(), all.len() + 1, "each time once");
    let question = asked.last().expect("a question");
    assert_eq!(question["properties"]["years_in_business"], 1);
    assert_eq!(
        question["records"][0]["facts"],
        json!({ "amount": 1250, "disputed": true })
    );
    let amount = question["profile"].as_array().expect("a list").iter();
    let amount = amount
        .filter(|line| line["fact"] == "amount")
        .collect::<Vec<_>>();
    assert_eq!(amount[0]["sum"], 1250, "{question}");
    assert!(!question.to_string().contains("c2VjcmV0"));
}

fn run(platform: &Platform, words: &[&str]) -> (Option<i32>, String, String) {
    let told = platform.command().args(words).output();
    let told = told.expect("the command runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (told.status.code(), text(&told.stdout), text(&told.stderr))
}

/// A service is asked when a developer applies and when a person wants it, and not at each change
/// of the account; all of it from the command line.
///
/// Shows: P-30.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_asked_once_and_again_from_the_command_line() {
    let bureau = Bureau::start().await;
    let mut platform = desk(&bureau).await;
    bureau.deals(Deal::Fails);
    operator(&platform, "POST", VETTING, &json!({ "level": "entry" })).await;
    let (status, told, _) = run(&platform, &["vettings", "list", "--state", "in_review"]);
    assert!(status == Some(0) && told.contains("umbrella"), "{told}");
    let (_, told, _) = run(
        &platform,
        &["vettings", "show", "umbrella", "--output", "json"],
    );
    assert!(told.contains("bureau"), "{told}");
    let (status, ..) = run(&platform, &["vettings", "decide", "umbrella"]);
    assert_eq!(status, Some(64), "a level or a refusal");
    let decide = [
        "vettings", "decide", "umbrella", "--level", "entry", "--note", "known",
    ];
    let (status, told, problem) = run(&platform, &decide);
    assert!(
        status == Some(0) && told.contains("approved"),
        "{told}{problem}"
    );
    bureau.deals(Deal::Points(7));
    let (status, told, problem) = run(&platform, &["vettings", "ask-again", "umbrella"]);
    assert!(
        status == Some(0) && told.contains("approved"),
        "{told}{problem}"
    );
    assert_eq!(bureau.asked().len(), 2);
    let before = operator(&platform, "GET", VETTING, &json!({})).await["version"].clone();
    account(&platform, 9).await;
    // A minute later it would be looked at again, with what the service said before; and at the
    // start.
    platform.terminate();
    platform.start_again(serve(&[]));
    let mut told = Value::Null;
    for _ in 0..750 {
        told = operator(&platform, "GET", VETTING, &json!({})).await;
        if told["version"] != before {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_ne!(told["version"], before);
    assert_eq!(told["standing"]["assessment"]["points"], 7, "{told}");
    assert_eq!(
        bureau.asked().len(),
        2,
        "it is not asked for a change of the account"
    );
    let (status, _, problem) = run(&platform, &["vettings", "take-back", "umbrella"]);
    assert!(
        status == Some(1) && !problem.is_empty(),
        "nothing is in review"
    );
}
