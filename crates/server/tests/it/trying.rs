//! Operations tried on the developers' site: through the gate, in test mode, and nowhere else.

use reqwest::{Method, StatusCode, header};
use serde_json::Value;
use thirtyfour::prelude::*;

use crate::{
    console::{Desk, looked_at},
    persons::{fill, submit},
    platform::Platform,
    site::{Form, PASSWORD, Visitor, developer, listed, open, the_business_is_verified},
};

const TRY: &str = "/apis/payments/try";
const OPERATION: &str = "POST /AdaptivePayments/Pay";
const BODY: &str = r#"{"currencyCode":"USD","receiverList":{"receiver":[{"email":"a@example.com","amount":"10.00"}]}}"#;

fn pay<'f>(key: &'f str, secret: &'f str) -> Vec<(&'f str, &'f str)> {
    vec![
        ("operation", OPERATION),
        ("media_type", "application/json"),
        ("body", BODY),
        ("key", key),
        ("secret", secret),
    ]
}

async fn an_app(visitor: &Visitor) -> String {
    let form = [("title", "Till"), ("api", "payments")];
    let made = visitor.post("/apps", &form).await;
    made.headers()[header::LOCATION]
        .to_str()
        .expect("text")
        .to_owned()
}

async fn made_key(visitor: &Visitor, app: &str, mode: &str) -> (String, String) {
    let page = visitor
        .post(&format!("{app}/keys"), &[("mode", mode)])
        .await;
    let page = page.text().await.expect("text");
    let part = |begin: &str, long: usize| -> String {
        let (_, rest) = page.split_once(begin).expect("a part");
        let rest = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_');
        format!("{begin}{}", rest.take(long).collect::<String>())
    };
    (part("key_", 26), part(&format!("ptr_{mode}_"), 200))
}

/// Calls of an app as the operator sees them.
async fn calls(platform: &Platform, app: &str) -> Vec<Value> {
    let name = app.trim_start_matches("/apps/");
    listed(platform, &format!("/v1/call-records?app={name}")).await
}

/// A call goes through the gate as the app would make it, is decided, counted and explained, with a
/// key made for it that can be used again.
///
/// Shows: P-16, P-21.
#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_tried_through_the_gate() {
    let platform = Platform::start(&[]);
    let visitor = developer(&platform, "dev@example.com").await;
    let app = an_app(&visitor).await;
    // Nothing is granted yet, so nothing is in the reference.
    let page = visitor.text(&format!("{app}/apis/payments")).await;
    assert!(page.contains("Nothing to call yet"), "{page}");
    let refused = visitor.post(&format!("{app}{TRY}"), &pay("", "")).await;
    assert_eq!(refused.status(), StatusCode::NOT_FOUND);
    the_business_is_verified(&platform).await;
    let page = visitor.text(&format!("{app}/apis/payments")).await;
    assert!(page.contains("AdaptivePayments"), "{page}");
    let there = format!("{app}{TRY}");
    let asked = visitor
        .text(&format!(
            "{there}?operation=POST%20%2FAdaptivePayments%2FPay"
        ))
        .await;
    assert!(
        asked.contains("bob@example.com"),
        "the document's example: {asked}"
    );
    let tried = visitor.post(&there, &pay("", "")).await;
    let status = tried.status();
    let page = tried.text().await.expect("text");
    assert_eq!(status, StatusCode::OK, "{page}");
    for part in [
        ">201<",
        "portreeve-decision",
        "dec_",
        "SIMPLE_SEND_MONEY",
        "granted",
        "content-type",
    ] {
        assert!(page.contains(part), "`{part}` is missing: {page}");
    }
    let (_, rest) = page
        .split_once("name=\"secret\" type=\"password\" value=\"")
        .expect("a secret");
    let secret = rest.split('"').next().expect("a secret");
    let (_, rest) = page.split_once("<option value=\"key_").expect("a key");
    let key = format!("key_{}", rest.split('"').next().expect("a key"));
    assert!(secret.starts_with("ptr_test_"), "{secret}");
    let again = visitor.post(&there, &pay(&key, secret)).await;
    assert_eq!(again.status(), StatusCode::OK);
    assert!(again.text().await.expect("text").contains(">201<"));
    let keys = visitor.text(&app).await;
    assert_eq!(keys.matches(">key_").count(), 1, "{keys}");
    let all = calls(&platform, &app).await;
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all.iter().all(|call| call["mode"] == "test"), "{all:?}");
    // What the gate refuses is shown with its reason.
    let wrong = visitor.post(&there, &pay(&key, "ptr_test_wrong")).await;
    let page = wrong.text().await.expect("text");
    assert!(
        page.contains(">401<") && page.contains("credential_malformed"),
        "{page}"
    );
}

/// Nobody comes from there to another's app, to live mode, to an operation that is not open, or to
/// another address.
///
/// Shows: S-88.
#[tokio::test(flavor = "multi_thread")]
async fn trying_leads_nowhere_else() {
    let platform = Platform::start(&[]);
    let one = developer(&platform, "one@example.com").await;
    the_business_is_verified(&platform).await;
    let app = an_app(&one).await;
    let there = format!("{app}{TRY}");
    let (live, live_secret) = made_key(&one, &app, "live").await;
    let (test, test_secret) = made_key(&one, &app, "test").await;
    let other = developer(&platform, "other@example.com").await;
    let mine = an_app(&other).await;
    assert_eq!(
        other.post(&there, &pay("", "")).await.status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        other
            .get(&format!(
                "{there}?operation=POST%20%2FAdaptivePayments%2FPay"
            ))
            .await
            .status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        other.get(&format!("{app}/apis/payments")).await.status(),
        StatusCode::NOT_FOUND
    );
    let status = other
        .post(&format!("/apps/acme-shop{TRY}"), &pay("", ""))
        .await
        .status();
    assert_eq!(status, StatusCode::NOT_FOUND);
    // A live key, and a test key of an app of another's, though their secrets are right.
    let (acme, acme_secret) = platform.key("acme-shop", "test");
    for (key, secret) in [(&live, &live_secret), (&acme, &acme_secret)] {
        let tried = one.post(&there, &pay(key, secret)).await;
        let status = tried.status();
        let page = tried.text().await.expect("text");
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{page}");
        assert!(page.contains("no working test key"), "{page}");
    }
    nothing_else_is_taken(&one, &there, (&test, &test_secret)).await;
    assert_eq!(calls(&platform, &mine).await.len(), 0);
    let all = calls(&platform, "/apps/acme-shop").await;
    assert_eq!(all.len(), 0, "{all:?}");
    let all = calls(&platform, &app).await;
    assert!(
        !all.is_empty() && all.iter().all(|call| call["mode"] == "test"),
        "{all:?}"
    );
    let url = format!("{}/v1/developer{app}/apis/payments/openapi.json", one.at);
    let asked = one.client.request(Method::GET, url).send();
    assert_eq!(
        asked.await.expect("an answer").status(),
        StatusCode::UNAUTHORIZED
    );
}

async fn nothing_else_is_taken(one: &Visitor, there: &str, (test, test_secret): (&str, &str)) {
    // Nothing but what the page asks is taken.
    for more in ["url", "host", "cookie.session", "header", "mode"] {
        let mut form = pay(test, test_secret);
        form.push((more, "http://169.254.169.254/"));
        let status = one.post(there, &form).await.status();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{more}");
    }
    // What is no field of the operation is not sent.
    let mut form = pay(test, test_secret);
    form.extend([
        ("header.Host", "elsewhere.example"),
        ("header.X-Forwarded-For", "10.0.0.1"),
    ]);
    let page = one.post(there, &form).await.text().await.expect("text");
    assert!(page.contains(">201<"), "{page}");
    for operation in [
        "GET http://169.254.169.254/",
        "POST /AdaptivePayments/Preapproval",
        "POST //elsewhere/",
    ] {
        let mut form: Vec<_> = pay(test, test_secret);
        form[0] = ("operation", operation);
        let form: Form<'_> = &form;
        assert_eq!(
            one.post(there, form).await.status(),
            StatusCode::NOT_FOUND,
            "{operation}"
        );
    }
}

/// A developer reads the reference and tries an operation in a browser.
///
/// Shows: P-16.
#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_tried_in_a_browser() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    let visitor = developer(&desk.platform, "dev@example.com").await;
    let app = an_app(&visitor).await;
    open(&desk, "/sign-in").await;
    fill(&desk, "email", "dev@example.com").await;
    fill(&desk, "password", PASSWORD).await;
    submit(&desk, "Sign in").await;
    desk.wait_for(By::XPath("//h1[contains(., 'My apps')]"))
        .await;
    open(&desk, &format!("{app}/apis/payments")).await;
    looked_at(&desk, "site-reference-none").await;
    the_business_is_verified(&desk.platform).await;
    open(&desk, &app).await;
    desk.press(By::PartialLinkText("API reference of payments"))
        .await;
    desk.wait_for(By::XPath("//h2[contains(., 'Operations')]"))
        .await;
    looked_at(&desk, "site-reference").await;
    desk.press(By::PartialLinkText("/AdaptivePayments/Pay"))
        .await;
    desk.wait_for(By::Id("body")).await;
    looked_at(&desk, "site-try").await;
    submit(&desk, "Send").await;
    desk.wait_for(By::XPath("//h2[contains(., 'Answered')]"))
        .await;
    looked_at(&desk, "site-try-answered").await;
    let page = desk.text().await;
    assert!(page.contains("201") && page.contains("Trace"), "{page}");
    // Refused: what is above the level is told with the smallest change.
    fill(&desk, "body", r#"{"currencyCode":"USD","receiverList":{"receiver":[{"email":"a@example.com","amount":"1","primary":true},{"email":"b@example.com","amount":"1"}]}}"#).await;
    submit(&desk, "Send").await;
    desk.wait_for(By::XPath("//h2[contains(., 'The decision')]//code"))
        .await;
    looked_at(&desk, "site-try-refused").await;
    desk.browser.quit().await;
}
