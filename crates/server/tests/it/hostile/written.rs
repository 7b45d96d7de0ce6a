//! Every text that a developer or an operator can write, on every page that shows it.

use std::collections::BTreeSet;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use thirtyfour::prelude::*;

use super::payloads;
use crate::console::Desk;

const PASSWORD: &str = "several words in a row";

/// What a page of the test knows: what the payloads would run, and who refused what.
const WATCH: &str = "window.hits = 0; window.hit = () => { window.hits += 1; };\
    window.alert = window.hit;";

/// What a page must not hold, whatever stands in its texts.
const SCAN: &str = r"
    const found = [];
    for (const part of document.querySelectorAll('*')) {
      for (const name of part.getAttributeNames()) {
        const value = part.getAttribute(name);
        if (name.startsWith('on') || name === 'style' || name === 'srcdoc') found.push(`${part.tagName} ${name}`);
        if (/^(href|src|action|formaction|xlink:href|data)$/.test(name)
            && !/^(\/(?!\/)|#|\?|https?:\/\/localhost|data:image\/svg\+xml|$)/.test(value)
            && !/^mailto:/.test(value)) found.push(`${part.tagName} ${name}=${value}`);
        if (name.startsWith('hx-') && !/^(chart|list)$/.test(part.id)) found.push(`${part.id} ${name}`);
      }
      if (/^(IFRAME|OBJECT|EMBED|BASE|APPLET|TEMPLATE|STYLE|MATH|PORTAL|FRAME|X|MARQUEE)$/i.test(part.tagName))
        found.push(part.tagName);
      if (part.tagName === 'SCRIPT' && !/^\/(console\/)?assets\//.test(part.getAttribute('src') ?? ''))
        found.push(`script ${part.getAttribute('src')}`);
      if (part.tagName === 'META' && part.httpEquiv) found.push('meta');
    }
    const values = [...document.querySelectorAll('input,textarea,option')].map((part) => part.value);
    const titles = [...document.querySelectorAll('[title],[aria-label],[data-copy]')].flatMap(
      (part) => [part.title, part.getAttribute('aria-label') ?? '', part.dataset.copy ?? '']);
    return [window.hits, window.refusals ?? [], found,
      document.title + '\n' + document.body.textContent + '\n' + values.join('\n') + '\n' + titles.join('\n')];";

/// Somebody over REST.
struct Rest {
    at: String,
    token: String,
    client: Client,
}

impl Rest {
    async fn send(&self, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.at);
        let asked = self.client.request(method, url).bearer_auth(&self.token);
        let answer = asked.json(body).send().await.expect("an answer");
        let status = answer.status();
        let told = answer.text().await.expect("text");
        assert!(status.is_success(), "{path}: {status} {told}");
        serde_json::from_str(&told).unwrap_or_default()
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        self.send(Method::POST, path, body).await
    }
}

/// What every page showed together.
#[derive(Default)]
struct Shown {
    texts: String,
    pages: usize,
}

impl Shown {
    /// Looks at a page as it stands, and fails where a text is more than text.
    async fn look(&mut self, desk: &Desk, what: &str) {
        let (hits, refusals, found, text): (u64, Vec<String>, Vec<String>, String) =
            desk.ask(SCAN).await;
        assert_eq!(hits, 0, "{what} ran a text");
        assert_eq!(refusals, [""; 0], "{what} was refused something");
        assert_eq!(found, [""; 0], "{what} holds more than text");
        self.texts.push_str(&text);
        self.pages += 1;
    }

    /// Looks at a page and all that follow it.
    async fn walk(&mut self, desk: &Desk, url: &str) {
        let mut seen = BTreeSet::new();
        let mut next = Some(url.to_owned());
        while let Some(url) = next.take() {
            assert!(seen.insert(url.clone()), "{url} leads back");
            desk.driver().goto(&url).await.expect("a page");
            self.look(desk, &url).await;
            let follow = "return document.querySelector('a[rel=next]')?.href ?? null;";
            next = desk.ask(follow).await;
        }
    }

    #[track_caller]
    fn has(&self, texts: &[String], where_: &str) {
        let whole = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown = whole(&self.texts);
        let missing: Vec<_> = texts
            .iter()
            .filter(|text| !shown.contains(&whole(text)))
            .collect();
        assert!(
            missing.is_empty(),
            "{where_}: not shown as text: {missing:?}"
        );
    }
}

/// What the operator writes: a state with the texts as titles, an application with notes, persons
/// of such names.
async fn written_by_operators(rest: &Rest, developer: &str, texts: &[String]) {
    let together = texts.join(" ");
    let titled = |(place, title): (usize, &String)| (format!("x-{place:03}"), title.clone());
    let titled: Vec<_> = texts.iter().enumerate().map(titled).collect();
    let apps = titled.iter().map(|(name, title)| {
        json!({ "name": name, "title": title, "developer": developer, "apis": ["payments"] })
    });
    let accounts = titled.iter().map(|(name, title)| {
        json!({ "name": name, "title": title, "kind": "company", "verified": true, "developer": {} })
    });
    let state = json!({
        "portreeve": 1,
        "apps": apps.collect::<Vec<_>>(),
        "accounts": accounts.collect::<Vec<_>>(),
    });
    let files = json!([{ "path": "texts.yaml", "text": state.to_string().replace("${", "$${") }]);
    rest.post("/v1/state/apply", &json!({ "files": files }))
        .await;
    for (number, text) in texts.iter().enumerate() {
        let email = format!("p{number}@example.com");
        let wanted = json!({ "email": email, "name": text, "roles": ["viewer"] });
        rest.post("/v1/persons", &wanted).await;
    }
    let apply = json!({ "level": "advanced-plus" });
    rest.post("/v1/accounts/acme/vetting", &apply).await;
    let note: String = together.chars().take(1_900).collect();
    let note = json!({ "note": note });
    rest.post("/v1/accounts/acme/vetting/refuse", &note).await;
    for (number, part) in texts.chunks(100).enumerate() {
        let records: Vec<_> = part
            .iter()
            .enumerate()
            .map(|(at, text)| {
                let reference = format!("{number}-{at} {text}");
                json!({ "reference": reference, "kind": "payment", "at": "2026-01-01T00:00:00Z",
                    "facts": { "note": text } })
            })
            .collect();
        let records = json!({ "source": "ledger", "records": records });
        rest.post("/v1/accounts/acme/records", &records).await;
    }
}

/// Somebody who registers with a text for a name; their account's name and their password.
async fn registered(rest: &Rest, site: &str, name: &str) -> String {
    let said = json!({ "email": "dev@example.com", "name": name, "password": PASSWORD });
    let open = Rest {
        at: site.to_owned(),
        token: String::new(),
        client: rest.client.clone(),
    };
    open.post("/v1/registrations", &said).await;
    let mails = rest.send(Method::GET, "/v1/mails", &Value::Null).await;
    let mail = mails["items"][0]["letter"]["text"]
        .as_str()
        .expect("a mail");
    let (_, code) = mail.split_once("/confirm?code=").expect("a link");
    let code = code.split_whitespace().next().expect("a code");
    let said = json!({ "code": code, "password": PASSWORD });
    let made = open.post("/v1/registrations/confirm", &said).await;
    made["name"].as_str().expect("a name").to_owned()
}

/// More than 300 texts that mean to be more than text, in every field that somebody can write, on
/// every page that shows it, in Chromium: none runs, none asks for what the policy refuses, and
/// each stands there as it was written.
///
/// Shows: S-75.
#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_is_text_on_every_page() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    let watching = desk.driver().cdp();
    let watching = watching
        .page()
        .add_script_to_evaluate_on_new_document(WATCH)
        .await;
    watching.expect("a script for every page");
    let (site, office) = (
        desk.platform.text("site").to_owned(),
        desk.platform.text("management").to_owned(),
    );
    let rest = Rest {
        at: office.clone(),
        token: desk.platform.text("operator_token").to_owned(),
        client: Client::new(),
    };
    let texts = payloads::all();
    let name = "\"><img src=x onerror=hit()>";
    let developer = registered(&rest, &site, name).await;
    written_by_operators(&rest, &developer, &texts).await;

    let trimmed: Vec<String> = texts.iter().map(|text| text.trim().to_owned()).collect();
    let console = |path: &str| format!("{office}/console{path}");
    for (path, all) in [
        ("/persons", true),
        ("/developers", true),
        ("/apps", false),
        ("/events", false),
        ("/vettings?state=refused", false),
        ("/vettings/acme/default", false),
        ("/developers/acme", false),
        ("/developers/x-001", false),
        ("/apps/x-001", false),
        ("/mails", false),
        ("", false),
        ("/apis/payments", false),
    ] {
        let mut shown = Shown::default();
        shown.walk(&desk, &console(path)).await;
        if all {
            shown.has(&trimmed, path);
        }
        if path == "/vettings/acme/default" {
            let noted: Vec<String> = trimmed.iter().take(20).cloned().collect();
            shown.has(&noted, path);
        }
    }
    said_in_addresses(&desk, &texts, (&site, &office)).await;
    on_the_site(&desk, &site, (&trimmed, name)).await;
    desk.browser.quit().await;
}

/// What an address says, and what the page says again.
async fn said_in_addresses(desk: &Desk, texts: &[String], (site, office): (&str, &str)) {
    let mut shown = Shown::default();
    for part in texts.chunks(60) {
        let together = part.join(" ");
        let said: String = form_urlencoded::byte_serialize(together.as_bytes()).collect();
        for path in [
            "/decisions?app=",
            "/decisions?account=",
            "/decisions?outcome=",
            "/apps?from=",
            "/developers?from=",
            "/events?kind=secret&name=",
            "/events?kind=",
            "/apis/payments?find=",
            "/apis/",
            "/apps/",
            "/persons/",
            "/decisions/",
            "/vettings?state=",
        ] {
            let url = format!("{office}/console{path}{}", said.replace('+', "%20"));
            desk.driver().goto(&url).await.expect("a page");
            shown.look(desk, path).await;
        }
        for path in [
            "/register?invitation=",
            "/confirm?code=",
            "/password?code=",
            "/sign-in?code=",
            "/",
        ] {
            let url = format!("{site}{path}{}", said.replace('+', "%20"));
            desk.driver().goto(&url).await.expect("a page");
            shown.look(desk, path).await;
        }
    }
    println!("{} texts", texts.len());
    shown.has(texts, "what addresses say");
}

/// The developer of three hundred apps, signed in on the site.
async fn on_the_site(desk: &Desk, site: &str, (texts, name): (&[String], &str)) {
    let type_into = async |id: &str, text: &str| {
        let field = desk.wait_for(By::Id(id)).await;
        field.clear().await.expect("cleared");
        field.send_keys(text).await.expect("typed");
    };
    desk.driver()
        .goto(format!("{site}/sign-in"))
        .await
        .expect("a page");
    // First wrong: the page says the address again.
    let mut again = Shown::default();
    let wrong = "<b>x</b>\"onfocus=hit()@example.com";
    let fill = format!(
        "const form = document.querySelector('form'); form.noValidate = true;\
         document.getElementById('email').type = 'text';\
         document.getElementById('email').value = {}; return null;",
        json!(wrong)
    );
    let _: () = desk.ask(&fill).await;
    type_into("password", "not the password").await;
    desk.press(By::Css("main form button[type=submit]")).await;
    desk.wait_for(By::Css("[role=alert]")).await;
    again.look(desk, "a wrong sign-in").await;
    again.has(&[wrong.to_owned()], "a wrong sign-in");
    desk.driver()
        .goto(format!("{site}/sign-in"))
        .await
        .expect("a page");
    type_into("email", "dev@example.com").await;
    type_into("password", PASSWORD).await;
    desk.press(By::Css("main form button[type=submit]")).await;
    desk.wait_for(By::Css("nav [aria-current=page]")).await;
    for (path, expected) in [
        ("/apps", texts),
        ("/apps/x-001", &[texts[1].clone()]),
        ("/apps/x-001/calls", &[]),
        ("/developer", &[name.to_owned()]),
        ("/you", &[]),
    ] {
        let mut shown = Shown::default();
        shown.walk(desk, &format!("{site}{path}")).await;
        shown.has(expected, path);
    }
    desk.driver()
        .goto(format!("{site}/you"))
        .await
        .expect("a page");
    type_into(
        "label",
        texts
            .iter()
            .find(|text| text.starts_with("<svg onload"))
            .unwrap(),
    )
    .await;
    type_into("token-password", PASSWORD).await;
    desk.press(By::XPath("//main//button[contains(., 'Make it')]"))
        .await;
    desk.wait_for(By::Css(".handed code")).await;
    Shown::default().look(desk, "a token's label").await;
}
