//! What developers are told on the site, over REST and by mail.

use std::time::Duration;

use reqwest::{Client, Method, StatusCode, header};
use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::{
    console::{Desk, looked_at},
    persons::{fill, submit, token_in},
    platform::Platform,
    site::{PASSWORD, Visitor, developer, mails, open, operator},
};

async fn an_app(visitor: &Visitor) -> String {
    let form = [("title", "Till"), ("api", "payments")];
    let made = visitor.post("/apps", &form).await;
    let there = made.headers()[header::LOCATION].to_str().expect("text");
    there.trim_start_matches("/apps/").to_owned()
}

async fn account(visitor: &Visitor) -> String {
    let page = visitor.text("/developer").await;
    let (_, rest) = page.split_once(">dev-").expect("an account");
    let rest: String = rest
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    format!("dev-{rest}")
}

async fn token(visitor: &Visitor) -> String {
    let form = [
        ("label", "a program"),
        ("days", "1"),
        ("password", PASSWORD),
    ];
    let page = visitor
        .post("/you/tokens", &form)
        .await
        .text()
        .await
        .expect("text");
    token_in(&page)
}

async fn rest(
    platform: &Platform,
    token: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Value {
    let url = format!("{}/v1/developer/{path}", platform.text("site"));
    let mut asked = Client::new().request(method, url).bearer_auth(token);
    if let Some(body) = body {
        asked = asked.json(&body);
    }
    let answer = asked.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {answer:?}");
    answer.json().await.expect("JSON")
}

/// The page, once it says so much.
async fn told(visitor: &Visitor, words: &str) -> String {
    let mut page = String::new();
    for _ in 0..100 {
        page = visitor.text("/notices").await;
        if page.contains(words) {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("`{words}` is not told: {page}");
}

async fn subjects(platform: &Platform, email: &str) -> Vec<String> {
    let all = mails(platform).await.into_iter();
    let own = all.filter(|mail| mail["letter"]["to"] == email);
    own.filter_map(|mail| mail["letter"]["subject"].as_str().map(str::to_owned))
        .collect()
}

async fn put(platform: &Platform, path: &str, body: &Value) {
    let url = format!("{}{path}", platform.text("management"));
    let asked = Client::new()
        .put(url)
        .bearer_auth(platform.text("operator_token"));
    let status = asked.json(body).send().await.expect("an answer").status();
    assert!(status.is_success(), "{path}: {status}");
}

/// Level, keys and capabilities: told to whom they concern, mailed if it is wanted, read once.
///
/// Shows: P-16.
#[tokio::test(flavor = "multi_thread")]
async fn a_developer_is_told_what_concerns_it_and_nothing_else() {
    let platform = Platform::start(&[]);
    let one = developer(&platform, "one@example.com").await;
    let other = developer(&platform, "other@example.com").await;
    assert!(one.text("/notices").await.contains("Nothing to tell yet"));
    let app = an_app(&one).await;
    let own = account(&one).await;
    let level = json!({ "level": "entry" });
    operator(&platform, &format!("/v1/accounts/{own}/level"), &level).await;
    let page = told(&one, "Your level changed").await;
    assert!(page.contains("<code>entry</code>"), "{page}");
    let key = operator(
        &platform,
        &format!("/v1/apps/{app}/keys"),
        &json!({ "mode": "test" }),
    )
    .await;
    told(&one, "was made").await;
    // Of what all are told: the other has no app that calls the API.
    let capability = json!({ "title": "Send money, simply", "level": "standard" });
    put(&platform, "/v1/capabilities/SIMPLE_SEND_MONEY", &capability).await;
    told(&one, "SIMPLE_SEND_MONEY").await;
    assert!(other.text("/notices").await.contains("Nothing to tell yet"));
    let mailed = subjects(&platform, "one@example.com").await;
    assert_eq!(
        mailed
            .iter()
            .filter(|one| one.contains("level changed"))
            .count(),
        1,
        "{mailed:?}"
    );
    assert_eq!(
        subjects(&platform, "other@example.com").await.len(),
        1,
        "but the link"
    );

    let token = token(&one).await;
    it_is_read_over_rest(&platform, &token, &app).await;
    let key = key["key"]["id"].as_str().expect("an id");
    off_is_no_mail(&platform, (&one, &token), (&app, key)).await;
}

async fn it_is_read_over_rest(platform: &Platform, token: &str, app: &str) {
    let page = rest(platform, token, Method::GET, "notices?limit=2", None).await;
    assert_eq!(page["items"][0]["kind"], "capability", "{page}");
    assert_eq!(page["items"][1]["kind"], "key", "{page}");
    let next = page["next"].as_str().expect("a page more");
    let older = format!("notices?limit=2&cursor={next}");
    let older = rest(platform, token, Method::GET, &older, None).await;
    assert_eq!(older["items"][0]["kind"], "level", "{older}");
    let of_app = format!("notices?app={app}&kind=key");
    let of_app = rest(platform, token, Method::GET, &of_app, None).await;
    assert_eq!(
        of_app["items"].as_array().expect("a list").len(),
        1,
        "{of_app}"
    );
    let to = json!({ "to": page["items"][1]["id"] });
    let read = rest(platform, token, Method::POST, "notices/read", Some(to)).await;
    assert_eq!(read["unread"], 1, "{read}");
    let unread = rest(platform, token, Method::GET, "notices?unread=true", None).await;
    assert_eq!(
        unread["items"].as_array().expect("a list").len(),
        1,
        "{unread}"
    );
}

async fn off_is_no_mail(
    platform: &Platform,
    (one, token): (&Visitor, &str),
    (app, id): (&str, &str),
) {
    let kinds = json!({ "kinds": ["quota_reached"] });
    let chosen = rest(platform, token, Method::PUT, "notice-mails", Some(kinds)).await;
    assert_eq!(chosen["kinds"], json!(["quota_reached"]));
    let before = subjects(platform, "one@example.com").await.len();
    let url = format!("{}/v1/apps/{app}/keys/{id}", platform.text("management"));
    let gone = Client::new()
        .delete(url)
        .bearer_auth(platform.text("operator_token"));
    assert_eq!(
        gone.send().await.expect("an answer").status(),
        StatusCode::OK
    );
    told(one, "was revoked").await;
    assert_eq!(subjects(platform, "one@example.com").await.len(), before);
    for form in [
        &[("kind", "key"), ("kind", "other")][..],
        &[("kind", "key"), ("to", "1")][..],
    ] {
        let status = one.post("/you/mails", form).await.status();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{form:?}");
    }
    let status = one.post("/you/mails", &[("kind", "key")]).await.status();
    assert_eq!(status, StatusCode::SEE_OTHER);
    let chosen = rest(platform, token, Method::GET, "notice-mails", None).await;
    assert_eq!(chosen["kinds"], json!(["key"]));
}

/// The page in a browser: empty, with what is new, read, filtered; and the choice of mails.
#[tokio::test(flavor = "multi_thread")]
async fn notices_are_read_in_a_browser() {
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
    open(&desk, "/notices").await;
    looked_at(&desk, "site-notices-none").await;
    let own = account(&visitor).await;
    let level = json!({ "level": "entry" });
    operator(&desk.platform, &format!("/v1/accounts/{own}/level"), &level).await;
    operator(
        &desk.platform,
        &format!("/v1/apps/{app}/keys"),
        &json!({ "mode": "test" }),
    )
    .await;
    told(&visitor, "was made").await;
    open(&desk, "/notices").await;
    looked_at(&desk, "site-notices").await;
    submit(&desk, "Mark all as read").await;
    desk.wait_for(By::XPath("//main[not(.//span[.='new'])]"))
        .await;
    open(&desk, "/notices?show=unread").await;
    assert!(desk.text().await.contains("Nothing of that kind"));
    open(&desk, "/you").await;
    desk.press(By::Css("input[name=kind][value=level]")).await;
    looked_at(&desk, "site-mails").await;
    desk.press(By::XPath("//section[@aria-labelledby='mails']//button"))
        .await;
    desk.wait_for(By::Css("input[name=kind][value=level]:not([checked])"))
        .await;
    desk.browser.quit().await;
}
