//! Passkeys and recovery codes: in a browser with a device of its own, and past it.

use keys::CodeSeed;
use passkeys::Party;
use primitives::{Clock as _, Secret, SystemClock};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use soft_authenticator::SoftPasskey;
use thirtyfour::prelude::*;

use crate::{
    console::{Desk, looked_at},
    persons::{PASSWORD, Visitor, bytes_without, fill, set_codes_up, submit, the_log_has},
    platform::Platform,
    site,
};

const KIM: &str = "kim@example.com";

/// The text after `before`, up to a mark of HTML.
fn after<'t>(page: &'t str, before: &str) -> Option<&'t str> {
    let (_, rest) = page.split_once(before)?;
    rest.split(['"', '<']).next()
}

impl Visitor<'_> {
    async fn options(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let asked = self.post(path, form).await;
        assert_eq!(asked.status(), StatusCode::OK, "{asked:?}");
        asked.json().await.expect("JSON")
    }

    /// Adds a passkey as the script of the page does.
    async fn add(&self, passkey: &mut SoftPasskey) -> reqwest::Response {
        let form = [("password", PASSWORD)];
        let options = self.options("/console/you/passkeys/begin", &form).await;
        let origin = self.platform.text("management");
        let answer = passkey.create((&options, origin), |_| {});
        let form = [("name", "phone"), ("answer", answer.as_str())];
        self.post("/console/you/passkeys", &form).await
    }

    async fn show(&self, passkey: &SoftPasskey) -> reqwest::Response {
        let options = self.options("/console/sign-in/passkey/begin", &[]).await;
        let origin = self.platform.text("management");
        let answer = passkey.get((&options, origin), |_| {});
        let form = [("answer", answer.as_str())];
        self.post("/console/sign-in/passkey", &form).await
    }
}

/// Past the browser: what the pages ask for is enough, and a sign-in by it sets a new cookie.
///
/// Shows: S-70, S-74.
#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_in_without_a_browser_to_look_at() {
    let platform = Platform::start(&[]);
    let kim = Visitor::person(&platform, KIM, &["viewer"], &[]).await;
    let wrong = kim
        .post("/console/you/passkeys/begin", &[("password", "no")])
        .await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let told: Value = wrong.json().await.expect("JSON");
    assert_eq!(
        told,
        json!({ "problem": "That is not right; nothing was changed." })
    );
    let mut passkey = SoftPasskey::new(b"credential");
    let added = kim.add(&mut passkey).await;
    assert_eq!(added.status(), StatusCode::OK, "{added:?}");
    let twice = kim.add(&mut passkey).await;
    assert_eq!(twice.status(), StatusCode::UNPROCESSABLE_ENTITY);

    let mut visitor = Visitor::new(&platform);
    // A cookie that somebody else put there is not taken over.
    visitor.cookie = Some("portreeve=put-there-by-somebody-else".to_owned());
    let shown = visitor.show(&passkey).await;
    assert_eq!(shown.status(), StatusCode::SEE_OTHER, "{shown:?}");
    let set = visitor.take_cookie(&shown);
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("somebody-else"), "{set}");
    let page = visitor
        .get("/console/you")
        .await
        .text()
        .await
        .expect("text");
    let id = after(&page, "/you/passkeys/passkey_").expect("a passkey");
    let id = id.split(['/', '&']).next().expect("an id");
    let remove = format!("/console/you/passkeys/passkey_{id}/remove");
    let refused = visitor.post(&remove, &[("password", "no")]).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let removed = visitor.post(&remove, &[("password", PASSWORD)]).await;
    assert_eq!(removed.status(), StatusCode::OK);
    let gone = visitor.show(&passkey).await;
    assert_eq!(gone.status(), StatusCode::FORBIDDEN);
    let page = gone.text().await.expect("text");
    assert!(
        page.contains("This passkey does not sign in here."),
        "{page}"
    );
}

/// Who asks to sign in is told the same, whoever has a passkey; and no form of it is taken from
/// another site.
///
/// Shows: S-73, S-74.
#[tokio::test(flavor = "multi_thread")]
async fn asking_tells_nobody_who_has_a_passkey() {
    let platform = Platform::start(&[]);
    let visitor = Visitor::new(&platform);
    let mut told = Vec::new();
    for turn in 0..2 {
        let mut options = visitor.options("/console/sign-in/passkey/begin", &[]).await;
        options["challenge"] = Value::Null;
        told.push(options);
        if turn == 0 {
            let kim = Visitor::person(&platform, KIM, &["viewer"], &[]).await;
            kim.add(&mut SoftPasskey::new(b"credential")).await;
        }
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0]["allowCredentials"], json!([]));
    for path in ["/console/sign-in/passkey/begin", "/console/sign-in/passkey"] {
        let form = [("answer", "{}")];
        let sent = visitor
            .send(Method::POST, path, &form, Some("cross-site"))
            .await;
        assert_eq!(sent.status(), StatusCode::FORBIDDEN, "{path}");
        assert!(!sent.headers().contains_key(header::SET_COOKIE));
    }
    // What answers are made of is not a secret of ours: junk is one answer as well.
    for junk in ["", "{}", "[]", "null", "{\"id\":1}"] {
        let sent = visitor
            .post("/console/sign-in/passkey", &[("answer", junk)])
            .await;
        assert_eq!(sent.status(), StatusCode::FORBIDDEN, "{junk}");
    }
    let url = format!("{}/metrics", platform.text("ops"));
    let told = visitor.client.get(url).send().await.expect("metrics");
    let told = told.text().await.expect("text");
    let line = "portreeve_passkeys_refused_total{why=\"form\"} 5";
    assert!(told.contains(line), "{told}");
}

/// A passkey of a developer is one of the site: the console asks for its own, and has no use for
/// what the site was answered.
///
/// Shows: S-68.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_made_at_another_origin_of_ours_is_refused() {
    let platform = Platform::start(&[]);
    let kim = Visitor::person(&platform, KIM, &["viewer"], &[]).await;
    let mut passkey = SoftPasskey::new(b"credential");
    kim.add(&mut passkey).await;
    let options = kim.options("/console/sign-in/passkey/begin", &[]).await;
    let party = Party::at(platform.text("management"), "x").expect("a party");
    assert_eq!(options["rpId"], party.domain());
    for origin in [
        platform.text("site"),
        platform.text("public"),
        "http://localhost",
    ] {
        let options = kim.options("/console/sign-in/passkey/begin", &[]).await;
        let answer = passkey.get((&options, origin), |_| {});
        let form = [("answer", answer.as_str())];
        let shown = kim.post("/console/sign-in/passkey", &form).await;
        assert_eq!(shown.status(), StatusCode::FORBIDDEN, "{origin}");
        let page = shown.text().await.expect("text");
        assert!(page.contains("another address"), "{page}");
    }
    assert_eq!(kim.show(&passkey).await.status(), StatusCode::SEE_OTHER);
}

/// A developer signs in by a passkey at the site, and is nobody at the console by the same one,
/// where both have one domain; what was answered to the one is nothing to the other.
///
/// Shows: S-68, S-74.
#[tokio::test(flavor = "multi_thread")]
async fn a_developers_passkey_is_for_the_site() {
    let platform = Platform::start(&[]);
    let mut dev = site::developer(&platform, "dev@example.com").await;
    let json = async |answer: reqwest::Response| -> Value {
        assert_eq!(answer.status(), StatusCode::OK, "{answer:?}");
        answer.json().await.expect("JSON")
    };
    let form = [("password", PASSWORD)];
    let asked = json(dev.post("/you/passkeys/begin", &form).await).await;
    let mut passkey = SoftPasskey::new(b"credential");
    let answer = passkey.create((&asked, &dev.at), |_| {});
    let form = [("name", "phone"), ("answer", answer.as_str())];
    let added = dev.post("/you/passkeys", &form).await;
    assert_eq!(added.status(), StatusCode::OK);
    dev.cookie = None;
    let asked = json(dev.post("/sign-in/passkey/begin", &[]).await).await;
    let answer = passkey.get((&asked, &dev.at), |_| {});
    let form = [("answer", answer.as_str())];
    let console = Visitor::new(&platform);
    let elsewhere = console.post("/console/sign-in/passkey", &form).await;
    assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN);
    let again = dev.post("/sign-in/passkey", &form).await;
    assert_eq!(
        again.status(),
        StatusCode::FORBIDDEN,
        "its challenge is used"
    );
    let asked = json(dev.post("/sign-in/passkey/begin", &[]).await).await;
    let answer = passkey.get((&asked, &dev.at), |_| {});
    let shown = dev
        .post("/sign-in/passkey", &[("answer", answer.as_str())])
        .await;
    assert_eq!(shown.status(), StatusCode::SEE_OTHER);
    dev.take_cookie(&shown);
    let cookie = dev.cookie.as_deref().unwrap_or_default();
    assert!(cookie.starts_with("portreeve-site="), "{cookie}");
    let shown = console.show(&passkey).await;
    assert_eq!(shown.status(), StatusCode::FORBIDDEN);
    assert!(!shown.headers().contains_key(header::SET_COOKIE));
    let page = shown.text().await.expect("text");
    assert!(page.contains("You are a developer here"), "{page}");
}

/// Shows: S-123.
#[tokio::test(flavor = "multi_thread")]
async fn no_recovery_code_stands_in_the_data() {
    let mut platform = Platform::start(&[]);
    let kim = Visitor::person(&platform, KIM, &["admin"], &[]).await;
    let page = kim
        .post("/console/you/codes", &[("password", PASSWORD)])
        .await
        .text()
        .await
        .expect("text");
    let sealed = after(&page, "name=\"sealed\" value=\"").expect("what confirms");
    let seed = after(&page, "<p class=\"handed\"><code class=\"id\">").expect("a seed");
    let text = seed.replace(' ', "");
    let seed = CodeSeed::read(&Secret::new(text.clone())).expect("a seed");
    let code = seed.code(SystemClock.now());
    let form = [("sealed", sealed), ("code", code.as_str())];
    let page = kim.post("/console/you/codes/confirm", &form).await;
    let page = page.text().await.expect("text");
    let codes: Vec<&str> = page
        .split("<li><code class=\"id\">")
        .skip(1)
        .filter_map(|rest| rest.split('<').next())
        .collect();
    assert_eq!(codes.len(), 10, "{page}");
    assert!(page.contains("10 recovery codes are left"), "{page}");
    let again = kim.get("/console/you").await.text().await.expect("text");
    assert!(!again.contains(codes[0]), "shown once");
    drop(kim);
    platform.terminate();
    let bare: Vec<String> = codes.iter().map(|code| code.replace('-', "")).collect();
    let mut secrets = codes.clone();
    secrets.extend(bare.iter().map(String::as_str));
    secrets.push(&text);
    assert!(bytes_without(platform.folder.path(), &secrets) > 100_000);
}

/// At a terminal and over REST: one's own are listed and removed, and an admin takes all off.
#[tokio::test(flavor = "multi_thread")]
async fn passkeys_are_listed_and_removed_over_rest() {
    let platform = Platform::start(&[]);
    let kim = Visitor::person(&platform, KIM, &["viewer"], &[]).await;
    let mut passkey = SoftPasskey::new(b"credential");
    kim.add(&mut passkey).await;
    let form = [("label", "report"), ("days", "1"), ("password", PASSWORD)];
    let page = kim
        .post("/console/you/tokens", &form)
        .await
        .text()
        .await
        .expect("text");
    let token = format!(
        "ptr_person_{}",
        after(&page, "ptr_person_").expect("a token")
    );
    let ask = |method: Method, path: String| {
        kim.client
            .request(method, kim.url(&path))
            .bearer_auth(&token)
    };
    let list = async || -> Value {
        let sent = ask(Method::GET, "/v1/passkeys".to_owned()).send().await;
        sent.expect("an answer").json().await.expect("JSON")
    };
    let listed = list().await;
    let item = &listed["items"][0];
    assert_eq!(
        (&item["name"], &item["used_at"]),
        (&json!("phone"), &Value::Null)
    );
    let path = format!(
        "/v1/passkeys/{}/remove",
        item["id"].as_str().expect("an id")
    );
    for (password, status) in [
        ("no", StatusCode::UNPROCESSABLE_ENTITY),
        (PASSWORD, StatusCode::NO_CONTENT),
    ] {
        let wanted = json!({ "password": password });
        let sent = ask(Method::POST, path.clone()).json(&wanted).send().await;
        assert_eq!(sent.expect("an answer").status(), status);
    }
    assert_eq!(list().await["items"], json!([]));
    kim.add(&mut passkey).await;
    let removed = crate::persons::told(&platform, &["persons", "remove-passkeys", KIM]);
    removed.expect("removed");
    assert_eq!(list().await["items"], json!([]));
}

/// Waits until the page says something: as a `status`, or as an `alert`.
async fn says(desk: &Desk, role: &str, words: &str) {
    let told = format!("//*[@role='{role}'][contains(., '{words}')]");
    desk.wait_for(By::XPath(told)).await;
}

async fn sign_out(desk: &Desk) {
    desk.press(By::XPath("//header//button[contains(., 'Sign out')]"))
        .await;
}

/// Brings the passkeys of *Your sign-in* before the eyes.
async fn look_at_passkeys(desk: &Desk, name: &str) {
    let script = "document.querySelector('#passkeys').scrollIntoView(); return null;";
    let _: () = desk.ask(script).await;
    looked_at(desk, name).await;
}

async fn add_in_browser(desk: &Desk, name: &str, password: &str) {
    fill(desk, "passkey-name", name).await;
    fill(desk, "passkey-password", password).await;
    submit(desk, "Add a passkey").await;
}

/// A person adds a passkey of a device, signs out, signs in by it alone, and removes it.
///
/// Shows: S-67, S-70, S-74.
#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_is_added_used_and_removed_in_a_browser() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    let visitor = Visitor::new(&desk.platform);
    let (_, code) = visitor.invite(KIM, &["risk"], &[]).await;
    let cleared = desk.driver().delete_all_cookies().await;
    cleared.expect("no cookies");
    desk.goto(&format!("/password?code={code}")).await;
    fill(&desk, "password", PASSWORD).await;
    submit(&desk, "Set the password").await;
    desk.wait_for(By::Css("nav [aria-current=page]")).await;
    desk.browser.give_passkeys().await;

    desk.goto("/you").await;
    add_in_browser(&desk, "laptop", "not the password").await;
    says(&desk, "alert", "not right").await;
    add_in_browser(&desk, "laptop", PASSWORD).await;
    says(&desk, "status", "passkey is added").await;
    look_at_passkeys(&desk, "console-passkeys").await;
    // The device has one already.
    add_in_browser(&desk, "laptop again", PASSWORD).await;
    says(&desk, "alert", "already").await;
    the_log_has(&desk, &["person_", "passkey added"]).await;
    set_codes_up(&desk).await;
    desk.wait_for(By::Css(".recovery li")).await;
    looked_at(&desk, "console-recovery-codes").await;

    sign_out(&desk).await;
    desk.wait_for(By::Css("[data-passkey]")).await;
    looked_at(&desk, "console-sign-in-passkey").await;
    submit(&desk, "Sign in with a passkey").await;
    desk.wait_for(By::Css("nav [aria-current=page]")).await;
    desk.goto("/you").await;
    let row = By::XPath("//tr[contains(., 'laptop')]");
    let row = desk.wait_for(row).await.text().await.expect("text");
    assert!(!row.contains("never"), "{row}");
    desk.press(By::Css("tr details.deed summary")).await;
    let field = desk.wait_for(By::Css("tr details.deed input")).await;
    field.send_keys(PASSWORD).await.expect("typed");
    look_at_passkeys(&desk, "console-passkey-remove").await;
    desk.press(By::Css("tr details.deed button")).await;
    says(&desk, "status", "signs nobody in").await;

    sign_out(&desk).await;
    submit(&desk, "Sign in with a passkey").await;
    says(&desk, "alert", "does not sign in here").await;
    looked_at(&desk, "console-passkey-refused").await;

    // By its bare address there are no passkeys, and the page says where there are.
    let named = desk.platform.text("management");
    let bare = named.replace("localhost", "127.0.0.1") + "/console/sign-in";
    desk.driver().goto(bare).await.expect("a page");
    submit(&desk, "Sign in with a passkey").await;
    says(&desk, "alert", "Passkeys work at http://localhost").await;
    desk.browser.quit().await;
}
