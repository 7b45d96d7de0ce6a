//! The developers' site: through its pages as developers do, and past them as an attacker would.

use std::time::Duration;

use primitives::{Clock as _, SystemClock};
use reqwest::{Client, Method, Response, StatusCode, header, redirect::Policy};
use serde_json::{Value, json};
use testkit::{Deals, MailServer};
use thirtyfour::prelude::*;

use crate::{
    console::{Desk, looked_at},
    persons::{fill, submit},
    platform::Platform,
};

pub(crate) const PASSWORD: &str = "several words in a row";
const PAY_PATH: &str = "/payments/AdaptivePayments/Pay";
const PAY: &str = r#"{"currencyCode":"USD","receiverList":{"receiver":[{"email":"a@example.com","amount":"10.00"}]}}"#;

/// A browser without JavaScript, in front of one listener.
pub(crate) struct Visitor {
    pub(crate) at: String,
    pub(crate) client: Client,
    pub(crate) cookie: Option<String>,
}

pub(crate) type Form<'f> = &'f [(&'f str, &'f str)];

impl Visitor {
    pub(crate) fn new(platform: &Platform, listener: &str) -> Self {
        let client = Client::builder().redirect(Policy::none()).build();
        Self {
            at: platform.text(listener).to_owned(),
            client: client.expect("a client"),
            cookie: None,
        }
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        form: Form<'_>,
        site: Option<&str>,
    ) -> Response {
        let mut request = self
            .client
            .request(method.clone(), format!("{}{path}", self.at));
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(site) = site {
            request = request.header("sec-fetch-site", site);
        }
        if method == Method::POST {
            request = request.form(form);
        }
        request.send().await.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, form: Form<'_>) -> Response {
        self.send(Method::POST, path, form, None).await
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.expect("text")
    }

    pub(crate) fn take_cookie(&mut self, answer: &Response) {
        let set = answer.headers().get(header::SET_COOKIE);
        let set = set.unwrap_or_else(|| panic!("no cookie: {answer:?}"));
        let set = set.to_str().expect("text").to_owned();
        self.cookie = set.split(';').next().map(str::to_owned);
    }

    pub(crate) async fn sign_in(&mut self, path: &str, email: &str) -> StatusCode {
        let form = [("email", email), ("password", PASSWORD)];
        let answer = self.post(path, &form).await;
        if answer.status() == StatusCode::SEE_OTHER {
            self.take_cookie(&answer);
        }
        answer.status()
    }
}

/// Mails that wait, as the operator reads them over REST.
pub(crate) async fn mails(platform: &Platform) -> Vec<Value> {
    listed(platform, "/v1/mails").await
}

/// The entries of a list, as the operator reads them over REST.
pub(crate) async fn listed(platform: &Platform, path: &str) -> Vec<Value> {
    let url = format!("{}{path}", platform.text("management"));
    let asked = Client::new()
        .get(url)
        .bearer_auth(platform.text("operator_token"));
    let answer = asked.send().await.expect("an answer");
    let mut answer: Value = answer.json().await.expect("JSON");
    let items = answer["items"].as_array_mut().expect("a list");
    std::mem::take(items)
}

fn code_in(text: &str, page: &str) -> String {
    let (_, rest) = text
        .split_once(page)
        .unwrap_or_else(|| panic!("no {page}: {text}"));
    let code = rest.split_whitespace().next().expect("a code");
    code.to_owned()
}

/// Somebody who registered on the site, confirmed, and is signed in.
pub(crate) async fn developer(platform: &Platform, email: &str) -> Visitor {
    let mut visitor = Visitor::new(platform, "site");
    let form = [("email", email), ("name", "Acme"), ("password", PASSWORD)];
    assert_eq!(
        visitor.post("/register", &form).await.status(),
        StatusCode::OK
    );
    let all = mails(platform).await;
    let letter = all
        .iter()
        .find(|mail| mail["letter"]["to"] == email)
        .expect("a mail");
    let code = code_in(
        letter["letter"]["text"].as_str().expect("text"),
        "/confirm?code=",
    );
    let form = [("code", code.as_str()), ("password", PASSWORD)];
    let answer = visitor.post("/confirm", &form).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{answer:?}");
    visitor.take_cookie(&answer);
    visitor
}

pub(crate) async fn operator(platform: &Platform, path: &str, body: &Value) -> Value {
    let url = format!("{}{path}", platform.text("management"));
    let asked = Client::new()
        .post(url)
        .bearer_auth(platform.text("operator_token"));
    let answer = asked.json(body).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{answer:?}");
    answer.json().await.expect("JSON")
}

/// An operator who has taken an invitation, signed in to the console.
async fn admin(platform: &Platform, email: &str) -> Visitor {
    let wanted = json!({ "email": email, "name": "Kim", "roles": ["admin"] });
    let invited = operator(platform, "/v1/persons", &wanted).await;
    let code = code_in(invited["link"]["url"].as_str().expect("a link"), "code=");
    let mut visitor = Visitor::new(platform, "management");
    let form = [("code", code.as_str()), ("password", PASSWORD)];
    let answer = visitor.post("/console/password", &form).await;
    visitor.take_cookie(&answer);
    visitor
}

fn filled(path: &str) -> String {
    path.replace(['{', '}'], "")
}

/// Pages open before the sign-in that take forms.
const OPEN_FORMS: [&str; 7] = [
    "/sign-in",
    "/sign-in/code",
    "/sign-out",
    "/password",
    "/forgot",
    "/register",
    "/confirm",
];

/// Each side's people pass their own doors alone, with the cookies of either side; and no form
/// is taken from another site.
///
/// Shows: S-74, S-88, P-61.
#[tokio::test(flavor = "multi_thread")]
async fn developers_and_operators_pass_their_own_doors_alone() {
    let platform = Platform::start(&[]);
    let developer = developer(&platform, "dev@example.com").await;
    let admin = admin(&platform, "kim@example.com").await;
    let nobody = Visitor::new(&platform, "site");
    let doors = pages::site_table();
    assert!(doors.len() > 12);
    // A cookie of one side under the name of the other, as somebody would try it.
    let value = |visitor: &Visitor| {
        let cookie = visitor.cookie.clone().expect("a cookie");
        cookie.split_once('=').expect("a value").1.to_owned()
    };
    let crossed = Visitor {
        cookie: Some(format!("portreeve-site={}", value(&admin))),
        ..Visitor::new(&platform, "site")
    };
    let back = Visitor {
        cookie: Some(format!("portreeve={}", value(&developer))),
        ..Visitor::new(&platform, "management")
    };
    for (method, path, _) in &doors {
        let at = filled(path);
        for (who, visitor) in [("nobody", &nobody), ("an admin", &crossed)] {
            let answer = visitor.send(method.clone(), &at, &[], None).await;
            let there = answer.headers().get(header::LOCATION).cloned();
            assert_eq!(
                there.expect("elsewhere"),
                "/sign-in",
                "{method} {path} as {who}"
            );
        }
        let answer = developer.send(method.clone(), &at, &[], None).await;
        assert_ne!(answer.status(), StatusCode::FORBIDDEN, "{method} {path}");
        let there = answer.headers().get(header::LOCATION);
        assert!(
            there.is_none_or(|there| there != "/sign-in"),
            "{method} {path}"
        );
    }
    for (method, path, _) in pages::table() {
        let answer = back.send(method.clone(), &filled(path), &[], None).await;
        let there = answer.headers().get(header::LOCATION).cloned();
        assert_eq!(
            there.expect("elsewhere"),
            "/console/sign-in",
            "{method} {path}"
        );
    }
    let forms = doors
        .iter()
        .filter(|(method, _, _)| *method == Method::POST);
    let forms: Vec<&str> = forms.map(|(_, path, _)| *path).chain(OPEN_FORMS).collect();
    assert!(forms.len() > 14);
    for path in forms {
        for site in ["cross-site", "same-site"] {
            let answer = developer
                .send(Method::POST, &filled(path), &[], Some(site))
                .await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path} from {site}");
            assert!(answer.headers().get(header::SET_COOKIE).is_none(), "{path}");
        }
    }
    assert_eq!(developer.get("/apps").await.status(), StatusCode::OK);
}

/// Who belongs to the other side signs in there, and a sign-in here does not stay.
///
/// Shows: S-74.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_at_the_wrong_side_is_none() {
    let platform = Platform::start(&[]);
    let first = developer(&platform, "dev@example.com").await;
    admin(&platform, "kim@example.com").await;
    let mut console = Visitor::new(&platform, "management");
    let mut site = Visitor::new(&platform, "site");
    assert_eq!(
        console.sign_in("/console/sign-in", "dev@example.com").await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        site.sign_in("/sign-in", "kim@example.com").await,
        StatusCode::FORBIDDEN
    );
    assert_eq!((&console.cookie, &site.cookie), (&None, &None));
    // The cookie that somebody else had set is not taken over.
    site.cookie = Some("portreeve-site=chosen-by-somebody-else".to_owned());
    assert_eq!(
        site.sign_in("/sign-in", "DEV@example.com").await,
        StatusCode::SEE_OTHER
    );
    assert_ne!(site.cookie, first.cookie);
    let page = site.text("/you").await;
    assert_eq!(
        page.matches("/end\"").count() + page.matches("&#x2f;end\"").count(),
        2,
        "{page}"
    );
    assert_eq!(
        site.post("/sign-out", &[]).await.status(),
        StatusCode::SEE_OTHER
    );
    assert_eq!(site.get("/apps").await.status(), StatusCode::SEE_OTHER);
}

/// Registering and forgetting look alike for known and unknown addresses, at both doors.
///
/// Shows: S-73.
#[tokio::test(flavor = "multi_thread")]
async fn the_pages_do_not_say_who_has_an_account() {
    let platform = Platform::start(&[]);
    developer(&platform, "dev@example.com").await;
    admin(&platform, "kim@example.com").await;
    for (listener, path) in [
        ("site", "/register"),
        ("site", "/forgot"),
        ("management", "/console/forgot"),
    ] {
        let visitor = Visitor::new(&platform, listener);
        let mut told = Vec::new();
        for email in ["dev@example.com", "kim@example.com", "unknown@example.com"] {
            let mut form = vec![("email", email)];
            if path == "/register" {
                form.extend([("name", "X"), ("password", "other words in a row")]);
            }
            let answer = visitor.post(path, &form).await;
            let status = answer.status();
            let names: Vec<String> = answer.headers().keys().map(ToString::to_string).collect();
            told.push((status, names, answer.text().await.expect("text")));
        }
        assert_eq!(told[0].0, StatusCode::OK, "{path}");
        assert!(told.iter().all(|one| *one == told[0]), "{path}: {told:?}");
    }
    // Nobody who is unknown is mailed a password link.
    let all = mails(&platform).await;
    let to = |email: &str| -> Vec<&str> {
        let all = all.iter().filter(|mail| mail["letter"]["to"] == email);
        all.filter_map(|mail| mail["letter"]["text"].as_str())
            .collect()
    };
    assert!(
        to("unknown@example.com")
            .iter()
            .all(|text| !text.contains("/password"))
    );
    assert!(
        to("kim@example.com")
            .iter()
            .any(|text| text.contains("/console/password?code="))
    );
}

/// What a page does not ask is refused, and nothing is made of it.
///
/// Shows: S-76, R-54.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_with_more_than_the_page_asks_is_refused() {
    let platform = Platform::start(&[]);
    let developer = developer(&platform, "dev@example.com").await;
    let register: Form<'_> = &[
        ("email", "new@example.com"),
        ("name", "New"),
        ("password", PASSWORD),
    ];
    let forms: [(&str, Form<'_>); 5] = [
        ("/register", register),
        ("/confirm", &[("code", "x"), ("password", PASSWORD)]),
        ("/forgot", &[("email", "dev@example.com")]),
        ("/apps", &[("title", "Till")]),
        ("/developer/vetting", &[("ladder", "default")]),
    ];
    for (path, form) in forms {
        for more in [
            "verified",
            "role",
            "developer",
            "provider",
            "account",
            "limits",
        ] {
            let form: Vec<(&str, &str)> = form.iter().copied().chain([(more, "true")]).collect();
            let answer = developer.post(path, &form).await;
            assert_eq!(
                answer.status(),
                StatusCode::UNPROCESSABLE_ENTITY,
                "{path} with `{more}`"
            );
        }
    }
    assert!(!developer.text("/apps").await.contains("Till"));
    assert_eq!(mails(&platform).await.len(), 1, "but the first one's");
}

/// What a developer does not own is not there.
///
/// Shows: P-61, S-88.
#[tokio::test(flavor = "multi_thread")]
async fn the_app_of_another_developer_is_not_there() {
    let platform = Platform::start(&[]);
    let one = developer(&platform, "one@example.com").await;
    let other = developer(&platform, "other@example.com").await;
    let made = one
        .post("/apps", &[("title", "Till"), ("api", "payments")])
        .await;
    let app = made.headers()[header::LOCATION]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(one.text(&app).await.contains("Till"));
    let shown = one
        .post(&format!("{app}/keys"), &[("mode", "live")])
        .await
        .text()
        .await
        .expect("text");
    assert!(shown.contains("ptr_live_"), "{shown}");
    let (_, key) = shown.split_once("key_").expect("a key");
    let key: String = key.chars().take(26).collect();
    for there in [app.as_str(), "/apps/acme-shop", "/apps/none"] {
        assert_eq!(
            other.get(there).await.status(),
            StatusCode::NOT_FOUND,
            "{there}"
        );
        let calls = other.get(&format!("{there}/calls")).await;
        assert_eq!(calls.status(), StatusCode::NOT_FOUND, "{there}");
        let forms: [(&str, Form<'_>); 3] = [
            ("/keys", &[("mode", "live")]),
            (&format!("/keys/key_{key}/rotate"), &[("seconds", "0")]),
            (&format!("/keys/key_{key}/revoke"), &[]),
        ];
        for (rest, form) in forms {
            let answer = other.post(&format!("{there}{rest}"), form).await;
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{there}{rest}");
        }
    }
    assert!(!other.text("/apps").await.contains("Till"));
    assert!(one.text(&app).await.contains("works"));
    assert!(!one.text(&app).await.contains("ptr_live_"), "shown once");
}

/// The REST of the site takes nothing of the provider's: no operator token, no person of theirs,
/// and none of their operations.
///
/// Shows: S-88.
#[tokio::test(flavor = "multi_thread")]
async fn the_site_is_no_way_to_the_management_api() {
    let platform = Platform::start(&[]);
    let site = platform.text("site");
    let asked = |path: &str| {
        let url = format!("{site}{path}");
        Client::new()
            .get(url)
            .bearer_auth(platform.text("operator_token"))
            .send()
    };
    for path in [
        "/v1/whoami",
        "/v1/developer",
        "/v1/developer/apps",
        "/v1/sign-ins",
    ] {
        let status = asked(path).await.expect("an answer").status();
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in [
        "/v1/apps",
        "/v1/persons",
        "/v1/mails",
        "/v1/events",
        "/openapi.json",
    ] {
        let status = asked(path).await.expect("an answer").status();
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// With a mail server mails go out, whatever it does first, through a restart as well; and what
/// is out is no longer kept.
///
/// Shows: P-20, S-73.
#[tokio::test(flavor = "multi_thread")]
async fn mails_reach_a_server_that_refuses_at_first() {
    let server = MailServer::start().await;
    server.plan([Deals::Answers("451 later")]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mail.toml");
    let text = format!(
        "[mail]\nsmtp_host = \"127.0.0.1\"\nsmtp_port = {}\nsmtp_tls = \"none\"\nfrom = \"portreeve@example.com\"\n",
        server.port
    );
    std::fs::write(&file, text).expect("a file");
    let file = file.display().to_string();
    let mut platform = Platform::start(&["--config", &file]);
    let visitor = Visitor::new(&platform, "site");
    let form = [
        ("email", "dev@example.com"),
        ("name", "Acme"),
        ("password", PASSWORD),
    ];
    let begun = SystemClock.now();
    let page = visitor
        .post("/register", &form)
        .await
        .text()
        .await
        .expect("text");
    assert!(
        SystemClock.now() < begun.plus_seconds(5) && !page.contains("console shows"),
        "{page}"
    );
    let mut refused = Vec::new();
    for _ in 0..100 {
        refused = mails(&platform).await;
        if refused
            .iter()
            .any(|mail| mail["problem"] == "the mail server answered 451")
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(refused.len(), 1);
    assert_eq!(
        refused[0]["letter"],
        Value::Null,
        "what goes out is not shown"
    );
    platform.restart(&["--config", &file]);
    for _ in 0..300 {
        if !server.taken().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let taken = server.taken();
    assert_eq!(taken.len(), 1, "{taken:?}");
    // Quoted-printable, as it travels (RFC 2045, section 6.7).
    let text = taken[0].replace("=\n", "").replace("=3D", "=");
    let code = code_in(&text, "/confirm?code=");
    assert_eq!(code.len(), 43, "{taken:?}");
    for _ in 0..50 {
        if mails(&platform).await.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("what is out is kept");
}

/// Neither a code that was mailed nor a password stands in the data.
///
/// Shows: S-123.
#[tokio::test(flavor = "multi_thread")]
async fn no_link_of_a_mail_stands_in_the_data() {
    let mut platform = Platform::start(&[]);
    let visitor = Visitor::new(&platform, "site");
    let form = [
        ("email", "dev@example.com"),
        ("name", "Acme"),
        ("password", PASSWORD),
    ];
    visitor.post("/register", &form).await;
    let all = mails(&platform).await;
    let code = code_in(
        all[0]["letter"]["text"].as_str().expect("text"),
        "/confirm?code=",
    );
    platform.terminate();
    let mut looked_at = 0;
    for entry in std::fs::read_dir(platform.folder.path().join("data")).expect("a folder") {
        let path = entry.expect("an entry").path();
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file");
        looked_at += bytes.len();
        for secret in [PASSWORD, code.as_str(), "dev@example.com"] {
            let there = bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!there, "{} holds a secret", path.display());
        }
    }
    assert!(looked_at > 100_000 && code.len() == 43);
}

pub(crate) async fn open(desk: &Desk, path: &str) {
    let url = format!("{}{path}", desk.platform.text("site"));
    desk.driver().goto(url).await.expect("a page");
}

/// A developer registers, reads the mail, confirms, makes an app, sees its key once, and calls.
///
/// Shows: P-01, P-02, P-03, P-20, P-21, P-61.
#[tokio::test(flavor = "multi_thread")]
async fn a_developer_registers_and_calls_in_a_browser() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    open(&desk, "/").await;
    looked_at(&desk, "site-welcome").await;
    desk.press(By::LinkText("Register")).await;
    fill(&desk, "email", "Dev@Example.com").await;
    fill(&desk, "name", "Acme <b>Ltd</b>").await;
    fill(&desk, "password", "dev@example.com").await;
    submit(&desk, "Register").await;
    desk.wait_for(By::XPath(
        "//*[@role='alert'][contains(., 'easy to guess')]",
    ))
    .await;
    looked_at(&desk, "site-register").await;
    fill(&desk, "password", PASSWORD).await;
    submit(&desk, "Register").await;
    desk.wait_for(By::XPath("//h1[contains(., 'Look into your mailbox')]"))
        .await;
    looked_at(&desk, "site-look").await;

    desk.goto("/mail").await;
    assert!(
        desk.text()
            .await
            .contains("mails are shown here and go nowhere")
    );
    looked_at(&desk, "site-mail").await;
    desk.press(By::PartialLinkText("/confirm?code=")).await;
    fill(&desk, "password", "not what was chosen").await;
    submit(&desk, "Confirm").await;
    desk.wait_for(By::XPath(
        "//*[@role='alert'][contains(., 'not the password')]",
    ))
    .await;
    fill(&desk, "password", PASSWORD).await;
    looked_at(&desk, "site-confirm").await;
    submit(&desk, "Confirm").await;
    desk.wait_for(By::XPath("//h1[contains(., 'My apps')]"))
        .await;
    an_app_is_made_and_called(&desk).await;
    a_level_is_applied_for(&desk).await;
    desk.press(By::XPath("//nav//a[contains(., 'Your sign-in')]"))
        .await;
    desk.wait_for(By::XPath("//h1[contains(., 'Acme <b>Ltd</b>')]"))
        .await;
    looked_at(&desk, "site-you").await;
    the_password_is_forgotten(&desk).await;
    desk.browser.quit().await;
}

async fn an_app_is_made_and_called(desk: &Desk) {
    looked_at(desk, "site-apps-none").await;
    fill(desk, "title", "Till <i>1</i>").await;
    desk.press(By::Css("input[name=api][value=payments]")).await;
    submit(desk, "Make it").await;
    desk.wait_for(By::XPath("//h1[contains(., 'Till')]")).await;
    let live = desk.wait_for(By::Css("#mode option[value=live]")).await;
    live.click().await.expect("a choice");
    submit(desk, "Make a key").await;
    let secret = desk
        .wait_for(By::Css(".handed.secret code"))
        .await
        .text()
        .await
        .expect("a secret");
    let id = desk
        .wait_for(By::Css(".handed code"))
        .await
        .text()
        .await
        .expect("an id");
    looked_at(desk, "site-app").await;
    let call = || {
        let url = format!("{}{PAY_PATH}", desk.platform.text("public"));
        let call = Client::new().post(url).basic_auth(&id, Some(&secret));
        call.header("content-type", "application/json")
            .body(PAY)
            .send()
    };
    // What the policy asks is for the provider to know.
    assert_eq!(
        call().await.expect("an answer").status(),
        StatusCode::FORBIDDEN
    );
    the_refusal_explains_itself(desk).await;
    the_business_is_verified(&desk.platform).await;
    assert_eq!(
        call().await.expect("an answer").status(),
        StatusCode::CREATED
    );
    desk.driver().refresh().await.expect("the page again");
    open(desk, "/apps").await;
    looked_at(desk, "site-apps").await;
    desk.press(By::XPath("//th/a[contains(., 'Till <i>1</i>')]"))
        .await;
    let page = desk
        .wait_for(By::XPath("//h2[contains(., 'Keys')]/ancestor::main"))
        .await;
    assert!(
        !page.text().await.expect("text").contains(&secret),
        "shown once"
    );
    submit(desk, "Replace").await;
    desk.wait_for(By::XPath("//td[contains(., 'works until')]"))
        .await;
    assert_eq!(
        call().await.expect("an answer").status(),
        StatusCode::CREATED
    );
    let old = format!("//tr[contains(., '{id}')]//button[contains(., 'Revoke')]");
    desk.press(By::XPath(old)).await;
    desk.wait_for(By::XPath("//td[contains(., 'revoked')]"))
        .await;
    assert_eq!(
        call().await.expect("an answer").status(),
        StatusCode::UNAUTHORIZED
    );
}

/// The call stands in the log of the app, with every gate.
async fn the_refusal_explains_itself(desk: &Desk) {
    let app = desk.driver().current_url().await.expect("a url");
    let list = format!("{}/calls", app.as_str().trim_end_matches("/keys"));
    let refused = By::XPath("//tr[contains(., 'policy_refused')]//a");
    for _ in 0..50 {
        desk.driver().goto(&list).await.expect("the list");
        if desk.text().await.contains("policy_refused") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    looked_at(desk, "site-calls").await;
    desk.press(refused).await;
    desk.wait_for(By::XPath("//h2[contains(., 'Gates of the call')]"))
        .await;
    looked_at(desk, "site-call").await;
    let page = desk.text().await;
    assert!(
        page.contains("policy_refused") && !page.contains("has_verified"),
        "{page}"
    );
}

/// The operator writes down what is known of the developer who registered.
pub(crate) async fn the_business_is_verified(platform: &Platform) {
    let at = platform.text("management");
    let token = platform.text("operator_token");
    let all = Client::new()
        .get(format!("{at}/v1/accounts"))
        .bearer_auth(token);
    let all: Value = all
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let items = all["items"].as_array().expect("a list");
    let own = items.iter().find(|one| {
        one["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("dev-"))
    });
    let own = own.unwrap_or_else(|| panic!("no developer: {all}"));
    let known = json!({ "kind": "company", "verified": true, "title": "Acme <b>Ltd</b>",
        "properties": { "has_verified_business_account": true }, "developer": {} });
    let url = format!("{at}/v1/accounts/{}", own["name"].as_str().expect("a name"));
    let put = Client::new()
        .put(url)
        .bearer_auth(token)
        .json(&known)
        .send();
    assert_eq!(put.await.expect("an answer").status(), StatusCode::OK);
}

async fn a_level_is_applied_for(desk: &Desk) {
    desk.press(By::XPath("//nav//a[contains(., 'My account')]"))
        .await;
    desk.wait_for(By::XPath("//h1[contains(., 'Acme')]")).await;
    let page = desk.text().await;
    assert!(
        page.contains("never applied") && page.contains("the lowest level"),
        "{page}"
    );
    looked_at(desk, "site-developer").await;
    submit(desk, "Apply").await;
    desk.wait_for(By::XPath("//main//*[contains(., 'in review')]"))
        .await;
    looked_at(desk, "site-developer-in-review").await;
    submit(desk, "Take the application back").await;
    desk.wait_for(By::XPath("//main//*[contains(., 'withdrawn')]"))
        .await;
}

async fn the_password_is_forgotten(desk: &Desk) {
    desk.press(By::XPath("//header//button[contains(., 'Sign out')]"))
        .await;
    desk.press(By::LinkText("Forgot your password?")).await;
    fill(desk, "email", "dev@example.com").await;
    looked_at(desk, "site-forgot").await;
    submit(desk, "Send the link").await;
    desk.wait_for(By::XPath("//h1[contains(., 'Look into your mailbox')]"))
        .await;
    desk.goto("/mail").await;
    desk.press(By::PartialLinkText("/password?code=")).await;
    fill(desk, "password", "quite other words in a row").await;
    submit(desk, "Set the password").await;
    desk.wait_for(By::XPath("//h1[contains(., 'My apps')]"))
        .await;
}

/// An access token of an operator who takes an invitation.
async fn token_of(platform: &Platform, code: &str) -> String {
    let mut admin = Visitor::new(platform, "management");
    let form = [("code", code), ("password", PASSWORD)];
    let answer = admin.post("/console/password", &form).await;
    admin.take_cookie(&answer);
    let form = [("label", "report"), ("days", "30"), ("password", PASSWORD)];
    let page = admin.post("/console/you/tokens", &form).await;
    let page = page.text().await.expect("text");
    let (_, token) = page.split_once("ptr_person_").expect("a token");
    let token: String = token
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    format!("ptr_person_{token}")
}

/// What the provider's people do to what is a developer's is on the developer's page, with the id
/// of who did it: an app switched off, a key issued, something confidential looked at. What the
/// developer does is not, nor what is done to others.
///
/// Shows: S-78.
#[tokio::test(flavor = "multi_thread")]
async fn a_developer_is_told_what_the_provider_did() {
    let platform = Platform::start(&[]);
    let dev = developer(&platform, "dev@example.com").await;
    let other = developer(&platform, "other@example.com").await;
    let form = [("title", "Till"), ("api", "payments")];
    let made = dev.post("/apps", &form).await;
    let app = made.headers()[header::LOCATION].to_str().expect("text");
    let app = app.trim_start_matches("/apps/").to_owned();
    dev.post(&format!("/apps/{app}/keys"), &[("mode", "live")])
        .await;
    let page = dev.text("/developer").await;
    assert!(page.contains("Nothing yet"), "{page}");
    let (_, account) = page.split_once("dev-").expect("an account");
    let account = format!("dev-{}", account.split('<').next().expect("a name"));

    let wanted = json!({ "email": "kim@example.com", "name": "Kim Q", "roles": ["admin"] });
    let invited = operator(&platform, "/v1/persons", &wanted).await;
    let kim = invited["person"]["id"].as_str().expect("an id").to_owned();
    let code = code_in(invited["link"]["url"].as_str().expect("a link"), "code=");
    let token = token_of(&platform, &code).await;
    let at = platform.text("management");
    let ask = async |method: Method, path: String, body: Value| {
        let asked = Client::new().request(method, format!("{at}{path}"));
        let answer = asked.bearer_auth(&token).json(&body).send().await;
        let answer = answer.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        answer.json::<Value>().await.expect("JSON")
    };
    let entrusted = json!({ "kind": "password", "value": "a word of theirs" });
    let secret = format!("/v1/accounts/{account}/confidential/sending");
    ask(Method::PUT, secret.clone(), entrusted).await;
    ask(Method::POST, format!("{secret}/reveal"), json!({})).await;
    let issued = ask(
        Method::POST,
        format!("/v1/apps/{app}/keys"),
        json!({ "mode": "test" }),
    )
    .await;
    let key = issued["key"]["id"].as_str().expect("an id").to_owned();
    let off = json!({ "toggles": [{ "capability": "SIMPLE_SEND_MONEY", "switch": "off" }] });
    let toggled = Client::new()
        .post(format!("{at}/v1/apps/{app}/toggles"))
        .bearer_auth(&token);
    toggled.json(&off).send().await.expect("an answer");

    // Long names may be broken over lines.
    let page = dev.text("/developer").await.replace("<wbr>", "");
    for part in [
        "looked at",
        "what you entrusted as",
        "sending",
        "made the key",
        &key,
        &kim,
    ] {
        assert!(page.contains(part), "`{part}` is missing: {page}");
    }
    assert!(
        !page.contains("Kim Q") && !page.contains("a word of theirs"),
        "{page}"
    );
    let page = other.text("/developer").await;
    assert!(
        page.contains("Nothing yet") && !page.contains(&kim),
        "{page}"
    );
}
