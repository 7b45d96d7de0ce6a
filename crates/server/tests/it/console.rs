use std::{collections::BTreeSet, process::Command, time::Duration};

use testkit::Browser;
use thirtyfour::prelude::*;

use crate::{lifecycle::until, platform::Platform};

pub(crate) const PAY: &str = r#"{"currencyCode":"USD","receiverList":{"receiver":[{"email":"a@example.com","amount":"10.00"}]}}"#;
pub(crate) const AGREE: &str = r#"{"currencyCode":"USD","maxAmount":"100","durationYears":1}"#;
pub(crate) const PAY_PATH: &str = "/payments/AdaptivePayments/Pay";
pub(crate) const AGREE_PATH: &str = "/payments/AdaptivePayments/Preapproval";

/// What browsers are told on every page; a wider policy must not come by accident.
const POLICY: &str = "content-security-policy: default-src 'none'; script-src 'self'; \
    style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'\r\n";

/// Every page of the console: its path, its name on screenshots, and what must stand on it.
/// `DECISION` is the id of a refused call, `ANOMALY` of something unusual.
const PAGES: [(&str, &str, &str); 27] = [
    ("", "overview", "Calls in the last hour"),
    ("/apis", "apis", "payments-classic"),
    ("/apis/payments", "api", "GetTransactionDetails"),
    ("/apis/payments?show=closed", "api-closed", "Operations"),
    (
        "/apis/payments?find=zzz",
        "api-none",
        "No operation matches",
    ),
    ("/developers", "developers", "globex"),
    (
        "/developers?from=zzzz",
        "developers-none",
        "No developer from there on",
    ),
    ("/developers/globex", "developer", "set by hand"),
    (
        "/developers/acme/places/CREATE_BUSINESS_ACCOUNT_WEB",
        "places",
        "countries allowed",
    ),
    (
        "/developers/acme/places/CHAINED_PAYMENTS",
        "places-none",
        "No rule confines",
    ),
    ("/apps", "apps", "acme-shop"),
    ("/apps?from=zzzz", "apps-none", "No app from there on"),
    ("/apps/acme-shop", "app", "SIMPLE_SEND_MONEY"),
    ("/apps/acme-shop?answer=granted", "app-granted", "granted"),
    (
        "/decisions?outcome=refused&since=1h",
        "decisions",
        "level_too_low",
    ),
    (
        "/decisions?app=nobody",
        "decisions-none",
        "There is no app nobody",
    ),
    ("/decisions/DECISION", "decision", "The smallest change"),
    ("/vettings", "vettings", "globex"),
    (
        "/vettings?state=refused",
        "vettings-none",
        "None in this state",
    ),
    (
        "/vettings/globex/default",
        "vetting",
        "A person has to decide",
    ),
    ("/anomalies", "anomalies", "probe, in 0 of 1 calls"),
    ("/anomalies?state=fine", "anomalies-none", "None was marked"),
    ("/anomalies/ANOMALY", "anomaly", "Why it is fine"),
    ("/events", "events", "credential"),
    ("/events?kind=secret&name=x", "events-none", "No such event"),
    ("/persons", "persons-none", "Nobody is here yet"),
    ("/you", "you-nobody", "The operator token has no page"),
];

fn call(platform: &Platform, app: &str, path: &str, body: &str) -> String {
    let (id, secret) = platform.key(app, "live");
    call_with(platform, (&id, &secret), path, body)
}

fn call_with(platform: &Platform, (id, secret): (&str, &str), path: &str, body: &str) -> String {
    let output = Command::new("curl")
        .args([
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-u",
            &format!("{id}:{secret}"),
        ])
        .args(["-H", "content-type: application/json", "--data", body])
        .arg(format!("{}{path}", platform.text("public")))
        .output()
        .expect("curl runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn sign_in_link(platform: &Platform) -> String {
    let output = platform
        .command()
        .arg("sign-in-link")
        .output()
        .expect("the command runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    let link = printed
        .split_whitespace()
        .find(|word| word.starts_with("http"));
    link.unwrap_or_else(|| panic!("no link in `{printed}`"))
        .to_owned()
}

/// A browser in front of a platform, signed in.
pub(crate) struct Desk {
    pub(crate) browser: Browser,
    pub(crate) platform: Platform,
    console: String,
    /// The link that was used up.
    link: String,
}

impl Desk {
    pub(crate) async fn open() -> Option<Self> {
        let browser = Browser::launch().await?;
        let platform = Platform::start(&[]);
        let console = format!("{}/console", platform.text("management"));
        let driver = browser.driver();
        let watch = "addEventListener('securitypolicyviolation', (e) => \
            (window.refusals ??= []).push(`${e.violatedDirective} ${e.blockedURI}`));";
        let devtools = driver.cdp();
        let page = devtools.page();
        let watching = page.add_script_to_evaluate_on_new_document(watch).await;
        watching.expect("a script for every page");
        browser.resize(1280, 900).await;
        driver.goto(&console).await.expect("the console answers");
        let here = driver.current_url().await.expect("a url");
        assert!(here.path().ends_with("/sign-in"), "{here}");
        let link = sign_in_link(&platform);
        driver.goto(&link).await.expect("the link opens");
        let desk = Self {
            browser,
            platform,
            console,
            link,
        };
        desk.press(By::Css("form button[type=submit]")).await;
        desk.wait_for(By::Css("nav [aria-current=page]")).await;
        Some(desk)
    }

    pub(crate) fn driver(&self) -> &WebDriver {
        self.browser.driver()
    }

    pub(crate) fn call(&self, path: &str, body: &str) -> String {
        call(&self.platform, "acme-shop", path, body)
    }

    pub(crate) fn call_with(&self, id: &str, secret: &str, path: &str, body: &str) -> String {
        call_with(&self.platform, (id, secret), path, body)
    }

    pub(crate) async fn goto(&self, path: &str) {
        let url = format!("{}{path}", self.console);
        self.driver().goto(url).await.expect("a page");
    }

    pub(crate) async fn wait_for(&self, by: By) -> WebElement {
        let found = self.driver().query(by.clone()).first().await;
        found.unwrap_or_else(|_| panic!("nothing on the page for {by:?}"))
    }

    pub(crate) async fn press(&self, by: By) {
        self.wait_for(by).await.click().await.expect("a click");
    }

    pub(crate) async fn text(&self) -> String {
        let body = self.wait_for(By::Css("body")).await;
        body.text().await.expect("text")
    }

    /// What a script on the page returns.
    pub(crate) async fn ask<T: serde::de::DeserializeOwned>(&self, script: &str) -> T {
        let told = self.driver().execute(script, Vec::new()).await;
        let told = told.expect("a script runs");
        told.convert().expect("what was asked for")
    }

    /// An application of a developer, as the provider's own site makes it.
    fn apply(&self, account: &str, level: &str) {
        let url = format!(
            "{}/v1/accounts/{account}/vetting",
            self.platform.text("management")
        );
        let token = self.platform.text("operator_token");
        let output = Command::new("curl")
            .args(["-s", "--fail-with-body", "-H"])
            .arg(format!("authorization: Bearer {token}"))
            .args(["--json", &format!(r#"{{"level":"{level}"}}"#)])
            .arg(url)
            .output()
            .expect("curl runs");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && told.contains("in_review"),
            "{told}"
        );
    }

    /// The id of something unusual: a client that its app never called with.
    pub(crate) fn unusual(&self) -> String {
        let token = format!(
            "authorization: Bearer {}",
            self.platform.text("operator_token")
        );
        let rule = r#"{"looks_at":"technology","after_calls":1,"after_days":0,"action":"alert"}"#;
        let put = Command::new("curl")
            .args(["-s", "--fail-with-body", "-X", "PUT", "--json", rule])
            .args(["-H", &token, "-H", "if-none-match: *"])
            .arg(format!(
                "{}/v1/anomaly_rules/strange-client",
                self.platform.text("management")
            ))
            .output();
        let put = put.expect("curl runs");
        assert!(
            put.status.success(),
            "{}",
            String::from_utf8_lossy(&put.stdout)
        );
        let told = |words: &[&str]| -> serde_json::Value {
            let mut command = self.platform.command();
            let output = command.args(words).args(["-o", "json"]).output();
            serde_json::from_slice(&output.expect("it runs").stdout).unwrap_or_default()
        };
        self.call(PAY_PATH, PAY);
        until("a call is learned", || {
            told(&["anomalies", "habits", "acme-shop"])["calls"] == 1
        });
        let (id, secret) = self.platform.key("acme-shop", "live");
        let url = format!("{}{PAY_PATH}", self.platform.text("public"));
        let call = Command::new("curl")
            .args(["-s", "-A", "probe/1", "-u", &format!("{id}:{secret}")])
            .args(["-H", "content-type: application/json", "--data", PAY, &url])
            .output();
        call.expect("curl runs");
        let listed = || told(&["anomalies", "list"])["items"][0]["id"].clone();
        until("it is found", || listed().is_string());
        listed().as_str().expect("an id").to_owned()
    }

    async fn rows(&self) -> usize {
        self.ask("return document.querySelectorAll('#list tbody tr').length;")
            .await
    }

    /// The id of the newest refused call, made when there is none.
    async fn refused(&self) -> String {
        assert_eq!(self.call(AGREE_PATH, AGREE), "403");
        self.goto("/decisions?outcome=refused").await;
        let row = self.wait_for(By::Css("#list tbody tr")).await;
        row.id().await.expect("an attribute").expect("an id")
    }
}

/// A person gives a level, and the next call is decided with it; another finds it decided.
///
/// Shows: P-27, P-29, P-61.
#[tokio::test(flavor = "multi_thread")]
async fn a_reviewer_sees_every_point_and_gives_a_level() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    desk.goto("/vettings").await;
    assert!(desk.text().await.contains("Nothing waits for a decision"));
    assert_eq!(desk.call(AGREE_PATH, AGREE), "403");
    desk.apply("acme", "advanced-plus");
    desk.goto("").await;
    desk.press(By::XPath("//nav//a[contains(., 'Vetting')]"))
        .await;
    desk.press(By::XPath("//th/a[contains(., 'acme')]")).await;
    let page = desk.text().await;
    for part in [
        "in review",
        "a person gives this level",
        "does not say everything",
        "young-business",
        "home-markets",
        "PREAPPROVALS",
        "advanced-plus",
    ] {
        assert!(page.contains(part), "`{part}` is missing:\n{page}");
    }
    let note = desk.wait_for(By::Id("note")).await;
    note.send_keys("<b>known</b> for years")
        .await
        .expect("typed");
    let here = desk.driver().current_url().await.expect("a url");
    undecided_by_what_cannot_be_read(&desk, here.path()).await;
    desk.press(By::Css("button[value=approve]")).await;
    desk.wait_for(By::XPath("//h1[contains(., 'approved')]"))
        .await;
    let page = desk.text().await;
    assert!(
        page.contains("<b>known</b> for years") && page.contains("Look again"),
        "{page}"
    );
    assert_eq!(desk.call(AGREE_PATH, AGREE), "201");

    // Somebody who had the page open decides about what is decided.
    let stale = format!(
        "return fetch('{}', {{ method: 'POST', body: new URLSearchParams({{ verdict: 'refuse' }}) }}).then(async (r) => [r.status, await r.text()]);",
        here.path()
    );
    let (status, told): (u16, String) = desk.ask(&stale).await;
    assert!(
        status == 422 && told.contains("no application is in review"),
        "{status} {told}"
    );
    desk.browser.quit().await;
}

/// A form that cannot be read decides nothing, and above all does not refuse.
async fn undecided_by_what_cannot_be_read(desk: &Desk, path: &str) {
    for form in [
        "{ verdict: 'approve', level: '' }",
        "{ verdict: 'approve' }",
        "{ verdict: 'perhaps', level: 'entry' }",
        "{}",
    ] {
        let post = format!(
            "return fetch('{path}', {{ method: 'POST', body: new URLSearchParams({form}) }}).then((r) => r.status);"
        );
        assert_eq!(desk.ask::<u16>(&post).await, 422, "{form}");
    }
}

/// Shows: P-57, J-2.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_appears_in_the_list_by_itself_and_explains_itself() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    desk.goto("/decisions").await;
    let page = desk.text().await;
    for part in [
        "No decisions yet",
        "portreeve keys issue",
        "curl -u KEY:SECRET",
    ] {
        assert!(page.contains(part), "`{part}`: {page}");
    }
    desk.browser.screenshot("console-decisions-empty").await;

    assert_eq!(desk.call(PAY_PATH, PAY), "201");
    assert_eq!(desk.call(AGREE_PATH, AGREE), "403");
    let refused = By::XPath("//tr[contains(., 'level_too_low')]//a");
    let refused = desk.wait_for(refused).await;
    assert!(desk.text().await.contains("acme-shop"));
    desk.wait_for(By::XPath(
        "//*[@role='status'][contains(., 'new decision')]",
    ))
    .await;
    desk.browser.screenshot("console-decisions-live").await;

    refused.click().await.expect("a click");
    desk.wait_for(By::XPath("//h2[contains(., 'smallest change')]"))
        .await;
    let page = desk.text().await;
    for part in [
        "level_too_low",
        "advanced-plus",
        "PREAPPROVALS",
        "by the operator",
        "rate_limit",
        "403 by the gate",
    ] {
        assert!(
            page.contains(part),
            "`{part}` is not on the decision's page:\n{page}"
        );
    }
    assert!(
        !page.contains('`'),
        "names are set apart, not quoted:\n{page}"
    );
    desk.browser.quit().await;
}

/// Reading on while calls come in: the place is kept, and the list stands still when told to.
#[tokio::test(flavor = "multi_thread")]
async fn a_live_list_keeps_the_readers_place_and_can_be_paused() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    assert_eq!(desk.call(PAY_PATH, PAY), "201");
    desk.goto("/decisions").await;
    desk.wait_for(By::Css("#list tbody tr")).await;
    let focused = "document.activeElement.closest('tr')?.id ?? ''";
    let _: () = desk
        .ask("document.querySelector('#list tbody a').focus(); return null;")
        .await;
    let place: String = desk.ask(&format!("return {focused};")).await;
    assert_eq!(desk.call(AGREE_PATH, AGREE), "403");
    desk.wait_for(By::XPath("//tbody/tr[2]")).await;
    let now: String = desk.ask(&format!("return {focused};")).await;
    assert_eq!(now, place, "the focus has moved");

    desk.press(By::Css("[data-action=pause]")).await;
    assert!(desk.text().await.contains("Paused"));
    assert_eq!(desk.call(PAY_PATH, PAY), "201");
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(desk.rows().await, 2, "a paused list goes on");
    desk.press(By::Css("[data-action=pause]")).await;
    desk.wait_for(By::XPath("//tbody/tr[3]")).await;

    let driver = desk.driver();
    driver.delete_all_cookies().await.expect("no cookies");
    assert_eq!(desk.call(PAY_PATH, PAY), "201");
    desk.wait_for(By::XPath("//h1[contains(., 'Sign in')]"))
        .await;
    let lists: usize = desk
        .ask("return document.querySelectorAll('#list').length;")
        .await;
    assert_eq!(lists, 0, "the sign-in page is within the list");
    desk.browser.quit().await;
}

/// Filters stand in the address, hold together, and survive a look at one decision.
#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_the_list_and_stand_in_its_address() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    assert_eq!(desk.call(PAY_PATH, PAY), "201");
    desk.refused().await;
    desk.goto("/decisions").await;
    desk.wait_for(By::XPath("//tbody/tr[2]")).await;
    for (query, rows) in [
        ("outcome=refused", 1),
        ("outcome=served", 1),
        ("code=level_too_low", 1),
        ("code=quota_exhausted", 0),
        ("app=acme-shop&api=payments&mode=live", 2),
        ("mode=test", 0),
        ("capability=PREAPPROVALS", 1),
        ("since=15m", 2),
        ("until=2020-01-01T00:00", 0),
        ("from=2020-01-01T00:00&outcome=refused", 1),
        ("from=yesterday", 0),
    ] {
        desk.goto(&format!("/decisions?{query}")).await;
        assert_eq!(desk.rows().await, rows, "{query}");
    }
    desk.goto("/decisions?outcome=refused&since=1h").await;
    desk.press(By::Css("#list tbody a")).await;
    desk.press(By::Css("nav[aria-label=Breadcrumb] a")).await;
    desk.wait_for(By::Css(".chip")).await;
    let here = desk.driver().current_url().await.expect("a url");
    assert_eq!(here.query(), Some("outcome=refused&since=1h"));
    desk.press(By::Css(".chip")).await;
    let here = desk.driver().current_url().await.expect("a url");
    assert_eq!(here.query(), Some("since=1h"));

    desk.goto("").await;
    desk.press(By::XPath("//section//a[contains(., 'level_too_low')]"))
        .await;
    desk.wait_for(By::Css("#list tbody tr")).await;
    assert_eq!(
        desk.rows().await,
        1,
        "a code on the overview leads to its calls"
    );
    desk.browser.quit().await;
}

/// Shows: P-54.
#[tokio::test(flavor = "multi_thread")]
async fn an_apps_page_lists_every_capability_and_its_own_first() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    desk.goto("/apps/acme-shop").await;
    let names =
        "[...document.querySelectorAll('section.card > details tbody th')].map(e => e.textContent)";
    let hidden: Vec<String> = desk.ask(&format!("return {names};")).await;
    assert!(hidden.contains(&"READ_CALLS".to_owned()), "{hidden:?}");
    let page = desk.text().await;
    assert!(page.contains("SIMPLE_SEND_MONEY") && !page.contains("READ_CALLS"));
    let _: () = desk
        .ask("document.querySelector('section.card > details summary').click(); return null;")
        .await;
    assert!(
        desk.text().await.contains("READ_CALLS"),
        "the rest folds out"
    );
    let all: usize = desk
        .ask("return document.querySelectorAll('h3 ~ table tbody tr, details tbody tr').length;")
        .await;
    for answer in ["granted", "rejected"] {
        desk.press(By::Css(format!("nav a[href$='answer={answer}']")))
            .await;
        desk.wait_for(By::Css("nav.tabs [aria-current=true]")).await;
        let verdicts: Vec<String> = desk
            .ask("return [...document.querySelectorAll('td[data-label=Answer]')].map(e => e.textContent.trim());")
            .await;
        let wrong: Vec<_> = verdicts
            .iter()
            .filter(|verdict| *verdict != answer)
            .collect();
        assert!(wrong.is_empty() && verdicts.len() < all && !verdicts.is_empty());
    }
    desk.browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_a_phone_and_a_desk_in_light_and_dark_and_asks_nobody_else() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    assert_eq!(desk.call(PAY_PATH, PAY), "201");
    let decision = desk.refused().await;
    desk.apply("globex", "strategic-partner");
    let anomaly = desk.unusual();
    for (path, name, part) in PAGES {
        let path = path
            .replace("DECISION", &decision)
            .replace("ANOMALY", &anomaly);
        for scheme in ["light", "dark"] {
            desk.browser.prefer(scheme).await;
            for (size, width, height) in [("desktop", 1280, 900), ("phone", 390, 844)] {
                desk.browser.resize(width, height).await;
                desk.goto(&path).await;
                desk.wait_for(By::XPath(format!("//main[contains(., '{part}')]")))
                    .await;
                look_at(&desk, &format!("console-{name}-{size}-{scheme}")).await;
            }
        }
    }
    desk.driver()
        .delete_all_cookies()
        .await
        .expect("no cookies");
    for scheme in ["light", "dark"] {
        desk.browser.prefer(scheme).await;
        for path in ["/sign-in", "/sign-in?code=x"] {
            desk.goto(path).await;
            look_at(&desk, &format!("console-sign-in-{}-{scheme}", path.len())).await;
        }
    }
    desk.browser.quit().await;
}

/// What must hold of every page, whatever its size and colours.
pub(crate) async fn look_at(desk: &Desk, name: &str) {
    let wider: i64 = desk
        .ask("return document.documentElement.scrollWidth - innerWidth;")
        .await;
    assert!(wider <= 0, "{name} is {wider} pixels too wide");
    let clipped: Vec<String> = desk
        .ask(
            "return [...document.querySelectorAll('.card, .table')]\
             .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.slice(0, 60));",
        )
        .await;
    assert_eq!(
        clipped,
        Vec::<String>::new(),
        "{name} does not show all of it"
    );
    let foreign: Vec<String> = desk
        .ask(
            "return performance.getEntriesByType('resource').map(e => e.name)\
             .filter(n => !n.startsWith(location.origin) && !n.startsWith('data:'));",
        )
        .await;
    assert_eq!(foreign, Vec::<String>::new(), "{name}");
    let refusals: Vec<String> = desk.ask("return window.refusals ?? [];").await;
    assert_eq!(refusals, Vec::<String>::new(), "{name}");
    if let Some(problems) = desk.browser.accessibility_problems().await {
        assert!(problems.is_empty(), "{name}:\n{}", problems.join("\n"));
    }
    desk.browser.screenshot(name).await;
}

/// A page that answers a form as it looks, in both colours and on a phone.
pub(crate) async fn looked_at(desk: &Desk, name: &str) {
    // Pages that answer a form are not loaded anew for other colours: without this they would be
    // looked at while the colours change.
    let at_once = "const at_once = new CSSStyleSheet();\
        at_once.replaceSync('*, *::before, *::after { transition: none !important; }');\
        document.adoptedStyleSheets.push(at_once); return null;";
    let _: () = desk.ask(at_once).await;
    for (size, width, height, scheme) in [
        ("desktop", 1280, 900, "light"),
        ("desktop", 1280, 900, "dark"),
        ("phone", 390, 844, "dark"),
    ] {
        desk.browser.prefer(scheme).await;
        desk.browser.resize(width, height).await;
        look_at(desk, &format!("{name}-{size}-{scheme}")).await;
    }
    desk.browser.prefer("light").await;
    desk.browser.resize(1280, 900).await;
}

/// Every control can be reached with the Tab key alone, shows that it has been, and has a name;
/// the first leads past the menu.
#[tokio::test(flavor = "multi_thread")]
async fn every_control_is_reached_with_the_keyboard() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    desk.refused().await;
    desk.apply("globex", "strategic-partner");
    let anomaly = format!("/anomalies/{}", desk.unusual());
    for path in [
        "",
        &anomaly,
        "/vettings/globex/default",
        "/apis/payments",
        "/apps/acme-shop",
        "/decisions?outcome=refused",
    ] {
        desk.goto(path).await;
        // A live list may put new controls in between.
        let controls: BTreeSet<String> = desk
            .ask(
                "document.querySelector('[data-action=pause]')?.click();\
                 const all = document.querySelectorAll('a[href], button, select, textarea, summary, input:not([type=hidden]), pre[tabindex]');\
                 let next = 0;\
                 return [...all].filter(e => e.checkVisibility({visibilityProperty: true}))\
                   .map(e => e.dataset.control = `${next++} ${e.tagName} ${e.textContent.trim().slice(0, 20)}`);",
            )
            .await;
        let mut reached = BTreeSet::new();
        for step in 0..controls.len() + 40 {
            let keys = desk.driver().action_chain().send_keys(Key::Tab);
            keys.perform().await.expect("a key");
            let (control, shown): (String, bool) = desk
                .ask(
                    "const e = document.activeElement, s = getComputedStyle(e);\
                     return [e.dataset.control ?? '', s.outlineStyle !== 'none' || s.boxShadow !== 'none'];",
                )
                .await;
            if step == 0 {
                assert!(control.contains("Skip to content"), "{path}: {control}");
            }
            if !control.is_empty() {
                assert!(shown, "{path}: `{control}` does not show the focus");
                reached.insert(control);
            }
        }
        let missed: Vec<_> = controls.difference(&reached).collect();
        assert!(missed.is_empty(), "{path}: never reached: {missed:?}");
    }
    desk.goto("").await;
    let keys = desk.driver().action_chain().send_keys(Key::Tab);
    keys.send_keys(Key::Enter).perform().await.expect("keys");
    let place: String = desk.ask("return document.activeElement.id;").await;
    assert_eq!(place, "content");
    desk.browser.quit().await;
}

/// What is typed into an address, or stands in a call, is shown and never run.
#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_write_stays_text() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    let markup = "%3Cscript%3Ewindow.ran%3D1%3C%2Fscript%3E%3Cimg%20src%3Dx%3E";
    desk.call(&format!("/payments/{markup}"), "{}");
    for path in [
        format!("/decisions?app={markup}"),
        format!("/decisions?code={markup}&capability={markup}&from={markup}"),
        format!("/apis/payments?find={markup}&show={markup}"),
        format!("/apps?from={markup}&after={markup}"),
        format!("/sign-in?code={markup}"),
        "/decisions?outcome=refused".to_owned(),
    ] {
        desk.goto(&path).await;
        let (ran, inside): (bool, usize) = desk
            .ask("return ['ran' in window, document.querySelectorAll('main :is(script, img:not([alt]))').length];")
            .await;
        assert!(!ran && inside == 0, "{path}");
    }
    desk.browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_signs_in_once_and_signing_out_ends_it() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    let driver = desk.driver();
    driver.goto(&desk.link).await.expect("the link opens");
    desk.press(By::Css("form button[type=submit]")).await;
    desk.wait_for(By::Css("[role=alert]")).await;
    assert!(desk.text().await.contains("has been used"));
    desk.goto("").await;
    desk.press(By::XPath("//header//button[contains(., 'Sign out')]"))
        .await;
    desk.wait_for(By::XPath("//h1[contains(., 'Sign in')]"))
        .await;
    desk.goto("/apps").await;
    let here = desk.driver().current_url().await.expect("a url");
    assert!(here.path().ends_with("/sign-in"), "{here}");
    desk.browser.quit().await;
}

#[test]
fn the_console_is_closed_to_who_has_not_signed_in_and_strict_to_browsers() {
    let platform = Platform::start(&[]);
    let console = format!("{}/console", platform.text("management"));
    let head = |url: &str, more: &[&str]| {
        let output = Command::new("curl")
            .args(["-s", "-i"])
            .args(more)
            .arg(url)
            .output()
            .expect("curl runs");
        String::from_utf8_lossy(&output.stdout).to_lowercase()
    };
    for path in [
        "",
        "/apis",
        "/apis/payments",
        "/apps",
        "/apps/acme-shop",
        "/decisions",
        "/decisions/rows",
        "/decisions/x",
    ] {
        let answer = head(&format!("{console}{path}"), &[]);
        assert!(
            answer.contains("303") && answer.contains("/console/sign-in"),
            "{path}: {answer}"
        );
    }
    let renewed = head(
        &format!("{console}/decisions/rows"),
        &["-H", "hx-request: true"],
    );
    assert!(renewed.starts_with("http/1.1 401"), "{renewed}");
    assert!(
        renewed.contains("hx-redirect: /console/sign-in"),
        "{renewed}"
    );
    let page = head(&format!("{console}/sign-in"), &[]);
    assert!(page.contains(POLICY), "{page}");
    let foreign = head(
        &format!("{console}/sign-in"),
        &[
            "-X",
            "POST",
            "-H",
            "sec-fetch-site: cross-site",
            "--data",
            "code=x",
        ],
    );
    assert!(foreign.starts_with("http/1.1 403"), "{foreign}");
}
