//! Persons who sign in: through the pages as they do, and past them as an attacker would.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use accounts::persons::Role;
use gateway::TlsCertificate;
use keys::CodeSeed;
use pages::Door;
use primitives::{Clock as _, Secret, SystemClock, Timestamp};
use rcgen::generate_simple_self_signed;
use reqwest::{Client, Method, Response, StatusCode, header, redirect::Policy};
use serde_json::{Value, json};
use testkit::{MailServer, Speaks};
use thirtyfour::prelude::*;

use crate::{
    console::{Desk, looked_at},
    platform::Platform,
};

pub(crate) const PASSWORD: &str = "several words in a row";

/// What a browser without JavaScript does, with a cookie.
pub(crate) struct Visitor<'p> {
    pub(crate) platform: &'p Platform,
    pub(crate) client: Client,
    pub(crate) cookie: Option<String>,
}

pub(crate) type Form<'f> = &'f [(&'f str, &'f str)];

impl<'p> Visitor<'p> {
    pub(crate) fn new(platform: &'p Platform) -> Self {
        let client = Client::builder().redirect(Policy::none()).build();
        Self {
            platform,
            client: client.expect("a client"),
            cookie: None,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.platform.text("management"))
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        form: Form<'_>,
        site: Option<&str>,
    ) -> Response {
        let mut request = self.client.request(method.clone(), self.url(path));
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

    /// Takes over the cookie that an answer sets; what it says of the cookie.
    pub(crate) fn take_cookie(&mut self, answer: &Response) -> String {
        let set = answer.headers().get(header::SET_COOKIE);
        let set = set.unwrap_or_else(|| panic!("no cookie: {answer:?}"));
        let set = set.to_str().expect("text").to_owned();
        self.cookie = set.split(';').next().map(str::to_owned);
        set
    }

    /// A request of the operator's, over REST.
    pub(crate) async fn operator(&self, path: &str, body: &Value) -> Value {
        let token = self.platform.text("operator_token");
        let request = self
            .client
            .post(self.url(path))
            .bearer_auth(token)
            .json(body);
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
        answer.json().await.expect("JSON")
    }

    /// Invites somebody over REST; their id, and the code of the link.
    pub(crate) async fn invite(
        &self,
        email: &str,
        roles: &[&str],
        units: &[&str],
    ) -> (String, String) {
        let wanted = json!({ "email": email, "name": "Kim", "roles": roles, "units": units });
        let invited = self.operator("/v1/persons", &wanted).await;
        let url = invited["link"]["url"].as_str().expect("a link");
        let (_, code) = url.split_once("code=").expect("a code");
        let id = invited["person"]["id"].as_str().expect("an id");
        (id.to_owned(), code.to_owned())
    }

    /// Somebody who has taken an invitation, and is signed in.
    pub(crate) async fn person(
        platform: &'p Platform,
        email: &str,
        roles: &[&str],
        units: &[&str],
    ) -> Self {
        let mut visitor = Self::new(platform);
        let (_, code) = visitor.invite(email, roles, units).await;
        let form = [("code", code.as_str()), ("password", PASSWORD)];
        let answer = visitor.post("/console/password", &form).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{answer:?}");
        visitor.take_cookie(&answer);
        visitor
    }
}

fn filled(path: &str) -> String {
    path.replace("{name}", "acme-shop").replace(['{', '}'], "")
}

/// A mail server with a certificate of an authority of its own, and settings that believe it.
async fn post_office(folder: &Path) -> (MailServer, String) {
    let file = |name: &str| folder.join(name);
    let made = generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    fs::write(file("mail.pem"), made.cert.pem()).expect("written");
    fs::write(file("mail.key"), made.signing_key.serialize_pem()).expect("written");
    let files = TlsCertificate::load(&file("mail.pem"), &file("mail.key")).expect("files");
    let tls = Speaks::Implicit(files.acceptor().expect("TLS"));
    let server = MailServer::start_as(tls).await;
    let text = format!(
        "[mail]\nsmtp_host = \"localhost\"\nsmtp_port = {}\nauthorities = \"{}\"\nfrom = \"portreeve@example.com\"\n",
        server.port,
        file("mail.pem").display(),
    );
    fs::write(file("settings.toml"), text).expect("written");
    (server, file("settings.toml").display().to_string())
}

/// The code in the mail to somebody, as soon as it is there; and the mail.
async fn mailed(server: &MailServer, to: &str) -> (String, String) {
    let to = format!("RCPT TO:<{to}>");
    for _ in 0..100 {
        if let Some(mail) = server.taken().iter().find(|mail| mail.contains(&to)) {
            // Quoted-printable, as it travels (RFC 2045, section 6.7).
            let text = mail.replace("=\n", "").replace("=3D", "=");
            let (_, rest) = text.split_once("/console/password?code=").expect("a link");
            let code = rest.split_whitespace().next().expect("a code");
            return (code.to_owned(), text);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("no mail: {:?}", server.taken());
}

/// With a mail server an invitation goes to the address, and whoever invites does not see it.
///
/// Shows: P-61, S-70.
#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_goes_out_by_mail_and_to_nobody_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, settings) = post_office(folder.path()).await;
    let platform = Platform::start(&["--config", &settings]);
    let invite = |email: &str, form: &str| {
        let words = ["persons", "invite", email, "--name", "Kim"];
        let mut command = platform.command();
        let command = command.args(words).args(["--role", "admin", "-o", form]);
        let output = command.output().expect("the command runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let told: Value = serde_json::from_str(&invite("kim@example.com", "json")).expect("JSON");
    assert_eq!(
        (&told["mailed"], &told["link"]["url"]),
        (&true.into(), &Value::Null)
    );
    let (code, mail) = mailed(&server, "kim@example.com").await;
    assert!(!mail.contains("Kim"), "{mail}");
    let mut visitor = Visitor::new(&platform);
    let form = [("code", code.as_str()), ("password", PASSWORD)];
    let answer = visitor.post("/console/password", &form).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{answer:?}");
    visitor.take_cookie(&answer);

    let told = invite("sam@example.com", "table");
    assert!(
        told.contains("by mail") && !told.contains("code="),
        "{told}"
    );
    let form = [
        ("email", "ann@example.com"),
        ("name", "Ann"),
        ("role", "viewer"),
    ];
    let page = visitor.post("/console/persons", &form).await;
    let page = page.text().await.expect("text");
    assert!(
        page.contains("is on its way to Ann") && !page.contains("code="),
        "{page}"
    );
    mailed(&server, "sam@example.com").await;
    mailed(&server, "ann@example.com").await;
}

/// Every page and form, as each role and as nobody: open to whom the table opens it, and to no
/// other; and no form is taken from another site.
///
/// Shows: S-74, S-88, P-61.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_open_to_its_roles_and_to_no_other() {
    let platform = Platform::start(&[]);
    let mut visitors = BTreeMap::new();
    for role in Role::ALL {
        let units: &[&str] = if role == Role::BusinessUnit {
            &["cards"]
        } else {
            &[]
        };
        let email = format!("{}@example.com", role.as_str());
        let visitor = Visitor::person(&platform, &email, &[role.as_str()], units).await;
        visitors.insert(role, visitor);
    }
    let none = Visitor::person(&platform, "none@example.com", &[], &[]).await;
    let nobody = Visitor::new(&platform);
    let doors = pages::table();
    assert!(doors.len() > 20);
    for (method, path, action) in &doors {
        let at = filled(path);
        let answer = nobody.send(method.clone(), &at, &[], None).await;
        assert_eq!(
            answer.status(),
            StatusCode::SEE_OTHER,
            "{method} {path}: nobody"
        );
        for (role, visitor) in &visitors {
            let open = action.roles().any(|one| one == *role);
            let answer = visitor.send(method.clone(), &at, &[], None).await;
            let closed = answer.status() == StatusCode::FORBIDDEN;
            assert_eq!(closed, !open, "{method} {path} as {role}: {answer:?}");
        }
        let answer = none.send(method.clone(), &at, &[], None).await;
        let own = path.starts_with("/console/you");
        let closed = answer.status() == StatusCode::FORBIDDEN;
        assert_eq!(closed, !own, "{method} {path} without a role: {answer:?}");
    }
    from_elsewhere(&visitors[&Role::Admin], &doors).await;
}

/// Forms that another site sends with the cookie of whoever looks at it.
async fn from_elsewhere(visitor: &Visitor<'_>, doors: &[Door]) {
    let forms = doors
        .iter()
        .filter(|(method, _, _)| *method == Method::POST);
    let open = [
        "/console/sign-in",
        "/console/sign-in/code",
        "/console/sign-out",
        "/console/password",
        "/console/forgot",
    ];
    let all: Vec<&str> = forms.map(|(_, path, _)| *path).chain(open).collect();
    assert!(all.len() > 10);
    for path in all {
        for site in ["cross-site", "same-site"] {
            let answer = visitor
                .send(Method::POST, &filled(path), &[], Some(site))
                .await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path} from {site}");
            assert!(answer.headers().get(header::SET_COOKIE).is_none(), "{path}");
        }
    }
    // Nothing of it was done: still signed in.
    assert_eq!(visitor.get("/console").await.status(), StatusCode::OK);
}

/// A cookie that was there before a sign-in is worth nothing after it, and the one that is set
/// is for this origin alone.
///
/// Shows: S-74.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_sets_a_cookie_of_its_own() {
    let platform = Platform::start(&[]);
    let first = Visitor::person(&platform, "kim@example.com", &["viewer"], &[]).await;
    let mut again = Visitor::new(&platform);
    let fixed = "portreeve=chosen-by-somebody-else";
    again.cookie = Some(fixed.to_owned());
    let form = [("email", "KIM@example.com"), ("password", PASSWORD)];
    let answer = again.post("/console/sign-in", &form).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let set = again.take_cookie(&answer);
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(
        !set.contains("Domain") && again.cookie.as_deref() != Some(fixed),
        "{set}"
    );
    assert_ne!(again.cookie, first.cookie);
    assert_eq!(again.get("/console").await.status(), StatusCode::OK);
    let ended = again.post("/console/sign-out", &[]).await;
    assert_eq!(ended.status(), StatusCode::SEE_OTHER);
    let out = again.get("/console").await;
    assert_eq!(
        out.status(),
        StatusCode::SEE_OTHER,
        "the cookie is worth nothing any more"
    );
    assert_eq!(first.get("/console").await.status(), StatusCode::OK);
}

/// What a wrong sign-in answers says nothing of who is known here.
///
/// Shows: S-73.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_sign_in_answers_alike_for_known_and_unknown() {
    let platform = Platform::start(&[]);
    let visitor = Visitor::person(&platform, "kim@example.com", &["viewer"], &[]).await;
    let (invited, _) = visitor
        .invite("invited@example.com", &["viewer"], &[])
        .await;
    assert!(invited.starts_with("person_"));
    let mut told = Vec::new();
    for email in [
        "kim@example.com",
        "invited@example.com",
        "unknown@example.com",
    ] {
        let form = [("email", email), ("password", "wrong, and long enough")];
        let answer = visitor.post("/console/sign-in", &form).await;
        let status = answer.status();
        let names: Vec<String> = answer.headers().keys().map(ToString::to_string).collect();
        let page = answer.text().await.expect("text");
        told.push((status, names, page.replace(email, "ADDRESS")));
    }
    assert_eq!(told[0].0, StatusCode::FORBIDDEN);
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
}

/// The access token that a page shows once.
pub(crate) fn token_in(page: &str) -> String {
    let (_, rest) = page.split_once("ptr_person_").expect("a token");
    let rest: String = rest
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    format!("ptr_person_{rest}")
}

/// Shows: S-123.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_person_stands_in_the_data() {
    let mut platform = Platform::start(&[]);
    let kim = Visitor::person(&platform, "kim@example.com", &["admin"], &[]).await;
    let form = [("label", "report"), ("days", "30"), ("password", PASSWORD)];
    let page = kim
        .post("/console/you/tokens", &form)
        .await
        .text()
        .await
        .expect("text");
    let token = token_in(&page);
    let cookie = kim.cookie.clone().expect("a cookie");
    let cookie = cookie.split_once('=').expect("a value").1.to_owned();
    drop(kim);
    platform.terminate();
    let secrets = [PASSWORD, token.as_str(), cookie.as_str()];
    let looked_at = bytes_without(platform.folder.path(), &secrets);
    assert!(looked_at > 100_000 && token.len() > 50 && cookie.len() > 40);
}

/// How many bytes a folder holds, none of which are these secrets.
pub(crate) fn bytes_without(folder: &std::path::Path, secrets: &[&str]) -> usize {
    let mut looked_at = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).expect("a file");
            looked_at += bytes.len();
            for secret in secrets {
                let there = bytes
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes());
                assert!(!there, "{} holds a secret", path.display());
            }
        }
    }
    looked_at
}

/// What the command prints, or says when it fails.
pub(crate) fn told(platform: &Platform, arguments: &[&str]) -> Result<String, String> {
    let output = platform
        .command()
        .args(arguments)
        .output()
        .expect("the command runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

/// What an operator does at a terminal.
#[test]
fn persons_are_handled_from_the_command_line() {
    let platform = Platform::start(&[]);
    let told = |arguments: &[&str]| told(&platform, arguments);
    let invite = [
        "persons",
        "invite",
        "Kim@Example.com",
        "--name",
        "Kim",
        "--role",
        "viewer",
    ];
    let invited = told(&invite).expect("invited");
    assert!(invited.contains("/console/password?code="), "{invited}");
    let twice = told(&invite).expect_err("nobody is there twice");
    assert!(twice.contains("there already"), "{twice}");
    let person = "kim@example.com";
    let roles = [
        "persons",
        "roles",
        person,
        "--role",
        "risk",
        "--role",
        "business_unit",
    ];
    let refused = told(&roles).expect_err("units are missing");
    assert!(refused.contains("units"), "{refused}");
    let roles = [&roles[..], &["--unit", "cards"]].concat();
    told(&roles).expect("other roles");
    let listed = told(&["persons", "list", "--output", "json"]).expect("a list");
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    let kim = &listed["items"][0];
    assert_eq!(kim["roles"], json!(["risk", "business_unit"]), "{listed}");
    assert_eq!(kim["units"], json!(["cards"]));
    for (what, standing) in [
        ("disable", "disabled"),
        ("enable", "invited"),
        ("remove-codes", "invited"),
        ("remove-passkeys", "invited"),
        ("sign-out", "invited"),
    ] {
        let changed = told(&["persons", what, person]).expect(what);
        assert!(changed.contains(standing), "{what}: {changed}");
    }
    let link = told(&["persons", "password-link", person]).expect("a link");
    assert!(link.contains("/console/password?code="), "{link}");
    told(&["persons", "delete", person]).expect("deleted");
    let gone = told(&["persons", "disable", person]).expect_err("gone");
    assert!(gone.contains("nobody has the address"), "{gone}");
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

pub(crate) async fn fill(desk: &Desk, id: &str, text: &str) {
    let field = desk.wait_for(By::Id(id)).await;
    field.clear().await.expect("cleared");
    field.send_keys(text).await.expect("typed");
}

pub(crate) async fn submit(desk: &Desk, words: &str) {
    desk.press(By::XPath(format!("//main//button[contains(., '{words}')]")))
        .await;
}

/// An admin invites somebody, who chooses a password, sets one-time codes up and signs in with
/// them; what the roles do not open is not shown and not done.
///
/// Shows: P-61, S-72.
#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_invited_and_signs_in_with_a_second_factor() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    desk.press(By::XPath("//nav//a[contains(., 'Persons')]"))
        .await;
    fill(&desk, "email", "Kim@Example.com").await;
    fill(&desk, "name", "Kim <b>Q</b>").await;
    desk.press(By::Css("input[value=risk]")).await;
    submit(&desk, "Invite").await;
    let link = desk
        .wait_for(By::Css(".handed code"))
        .await
        .text()
        .await
        .expect("a link");
    looked_at(&desk, "console-persons").await;
    desk.press(By::XPath("//th/a[contains(., 'Kim')]")).await;
    desk.wait_for(By::XPath("//h1[contains(., 'invited')]"))
        .await;
    looked_at(&desk, "console-person").await;
    the_log_has(&desk, &["operator", "created", "invited", "risk"]).await;

    desk.driver()
        .delete_all_cookies()
        .await
        .expect("no cookies");
    desk.driver().goto(&link).await.expect("the link opens");
    fill(&desk, "password", "kim@example.com").await;
    submit(&desk, "Set the password").await;
    desk.wait_for(By::XPath(
        "//*[@role='alert'][contains(., 'easy to guess')]",
    ))
    .await;
    looked_at(&desk, "console-new-password").await;
    fill(&desk, "password", PASSWORD).await;
    submit(&desk, "Set the password").await;
    desk.wait_for(By::Css("nav [aria-current=page]")).await;
    assert!(!desk.text().await.contains("Persons"));
    // Who is behind an id is for those who handle persons.
    the_log_has(&desk, &["person_", "updated", "password"]).await;
    desk.goto("/persons").await;
    assert!(desk.text().await.contains("Not open to you"));

    let seed = set_codes_up(&desk).await;
    make_and_end_a_token(&desk).await;
    sign_in_with(&desk, &seed).await;
    desk.browser.quit().await;
}

/// What the newest event about a person says, on its page; never who that is.
pub(crate) async fn the_log_has(desk: &Desk, parts: &[&str]) {
    desk.goto("/events?kind=person").await;
    desk.press(By::Css("tbody tr:first-child summary")).await;
    let row = desk.wait_for(By::Css("tbody tr:first-child")).await;
    let row = row.text().await.expect("text");
    for part in parts {
        assert!(row.contains(part), "`{part}` is missing: {row}");
    }
    assert!(!row.contains("kim@") && !row.contains("Kim"), "{row}");
}

pub(crate) async fn set_codes_up(desk: &Desk) -> CodeSeed {
    desk.goto("/you").await;
    fill(desk, "once", PASSWORD).await;
    submit(desk, "Set them up").await;
    desk.wait_for(By::Css("img.qr")).await;
    looked_at(desk, "console-codes").await;
    let seed = desk
        .wait_for(By::Css(".codes code"))
        .await
        .text()
        .await
        .expect("a key");
    let seed = CodeSeed::read(&Secret::new(seed.replace(' ', ""))).expect("a seed");
    fill(desk, "code", "000000").await;
    submit(desk, "Confirm").await;
    desk.wait_for(By::XPath(
        "//*[@role='alert'][contains(., 'not the code of now')]",
    ))
    .await;
    fill(desk, "code", &seed.code(now())).await;
    submit(desk, "Confirm").await;
    desk.wait_for(By::XPath(
        "//*[@role='status'][contains(., 'asks for a code')]",
    ))
    .await;
    seed
}

async fn make_and_end_a_token(desk: &Desk) {
    fill(desk, "label", "nightly report").await;
    fill(desk, "token-password", "another few words").await;
    submit(desk, "Make it").await;
    desk.wait_for(By::XPath(
        "//*[@role='alert'][contains(., 'nothing was changed')]",
    ))
    .await;
    fill(desk, "label", "nightly report").await;
    fill(desk, "token-password", PASSWORD).await;
    submit(desk, "Make it").await;
    let token = desk
        .wait_for(By::Css(".handed code"))
        .await
        .text()
        .await
        .expect("a token");
    looked_at(desk, "console-you").await;
    let client = Client::new();
    let asked = || {
        let url = format!("{}/v1/whoami", desk.platform.text("management"));
        client.get(url).bearer_auth(&token).send()
    };
    let who: Value = asked()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(who["roles"], json!(["risk"]), "{who}");
    desk.press(By::Css("button[aria-label='End nightly report']"))
        .await;
    desk.wait_for(By::XPath("//main[not(contains(., 'nightly report'))]"))
        .await;
    let ended = asked().await.expect("an answer").status();
    assert_eq!(ended, StatusCode::UNAUTHORIZED);
}

async fn sign_in_with(desk: &Desk, seed: &CodeSeed) {
    desk.press(By::XPath("//header//button[contains(., 'Sign out')]"))
        .await;
    fill(desk, "email", "kim@example.com").await;
    looked_at(desk, "console-password").await;
    fill(desk, "password", "not the password").await;
    submit(desk, "Sign in").await;
    desk.wait_for(By::XPath(
        "//*[@role='alert'][contains(., 'do not belong')]",
    ))
    .await;
    fill(desk, "password", PASSWORD).await;
    submit(desk, "Sign in").await;
    desk.wait_for(By::XPath("//h1[contains(., 'One-time code')]"))
        .await;
    looked_at(desk, "console-code").await;
    // The code that confirmed is used; the next one counts already.
    fill(desk, "code", &seed.code(now().plus_seconds(30))).await;
    submit(desk, "Sign in").await;
    desk.wait_for(By::Css("nav [aria-current=page]")).await;
    assert!(desk.text().await.contains("Kim <b>Q</b>"));
}
