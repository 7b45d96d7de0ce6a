use std::process::Command;

use testkit::Browser;
use thirtyfour::prelude::*;

use crate::platform::Platform;

const PAY: &str = r#"{"currencyCode":"USD","receiverList":{"receiver":[{"email":"a@example.com","amount":"10.00"}]}}"#;
const AGREE: &str = r#"{"currencyCode":"USD","maxAmount":"100","durationYears":1}"#;

fn call(platform: &Platform, app: &str, path: &str, body: &str) -> String {
    let (id, secret) = platform.key(app, "live");
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

async fn wait_for(driver: &WebDriver, by: By) -> WebElement {
    driver
        .query(by.clone())
        .first()
        .await
        .unwrap_or_else(|_| panic!("nothing on the page for {by:?}"))
}

async fn text(driver: &WebDriver) -> String {
    wait_for(driver, By::Css("body"))
        .await
        .text()
        .await
        .expect("text")
}

/// What the page has fetched from anywhere but its own origin.
async fn foreign_requests(driver: &WebDriver) -> Vec<String> {
    let script = "return performance.getEntriesByType('resource').map(e => e.name)\
                  .filter(n => !n.startsWith(location.origin) && !n.startsWith('data:'));";
    let found = driver
        .execute(script, Vec::new())
        .await
        .expect("a script runs");
    found.convert().expect("a list of texts")
}

/// Opens a fresh one-time link and signs in with it; gives the link back.
async fn sign_in(browser: &Browser, platform: &Platform) -> String {
    let driver = browser.driver();
    let link = sign_in_link(platform);
    driver.goto(&link).await.expect("the link opens");
    browser.screenshot("console-sign-in").await;
    press(driver, By::Css("form button[type=submit]")).await;
    wait_for(driver, By::Css("nav [aria-current=page]")).await;
    link
}

async fn press(driver: &WebDriver, by: By) {
    wait_for(driver, by).await.click().await.expect("a click");
}

async fn stands_at_sign_in(driver: &WebDriver) -> bool {
    driver
        .current_url()
        .await
        .expect("a url")
        .path()
        .ends_with("/sign-in")
}

/// Shows: P-57, J-2.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_appears_in_the_list_by_itself_and_explains_itself() {
    let Some(browser) = Browser::launch().await else {
        return;
    };
    let platform = Platform::start(&[]);
    let driver = browser.driver();
    let console = format!("{}/console", platform.text("management"));
    browser.resize(1280, 900).await;
    sign_in(&browser, &platform).await;
    driver
        .goto(format!("{console}/decisions"))
        .await
        .expect("a page");
    assert!(text(driver).await.contains("No decisions here yet"));

    assert_eq!(
        call(
            &platform,
            "acme-shop",
            "/payments/AdaptivePayments/Pay",
            PAY
        ),
        "201"
    );
    assert_eq!(
        call(
            &platform,
            "acme-shop",
            "/payments/AdaptivePayments/Preapproval",
            AGREE
        ),
        "403"
    );
    let refused = wait_for(driver, By::XPath("//tr[contains(., 'level_too_low')]//a")).await;
    assert!(text(driver).await.contains("acme-shop"));
    browser.screenshot("console-decisions-live").await;

    refused.click().await.expect("a click");
    wait_for(driver, By::XPath("//h1[contains(., 'Decision')]")).await;
    let page = text(driver).await;
    for part in [
        "level_too_low",
        "advanced-plus",
        "PREAPPROVALS",
        "by the operator",
        "rate_limit",
    ] {
        assert!(
            page.contains(part),
            "`{part}` is not on the decision's page:\n{page}"
        );
    }
    browser.screenshot("console-decision").await;
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_a_phone_and_a_desk_and_asks_nobody_else() {
    let Some(browser) = Browser::launch().await else {
        return;
    };
    let platform = Platform::start(&[]);
    let driver = browser.driver();
    let console = format!("{}/console", platform.text("management"));
    sign_in(&browser, &platform).await;
    assert_eq!(
        call(
            &platform,
            "acme-shop",
            "/payments/AdaptivePayments/Preapproval",
            AGREE
        ),
        "403"
    );
    for (path, name, part) in [
        ("", "overview", "Newest decisions"),
        ("/apis", "apis", "payments-classic"),
        ("/apis/payments", "api", "GetTransactionDetails"),
        ("/apps", "apps", "acme-shop"),
        ("/apps/acme-shop", "app", "SIMPLE_SEND_MONEY"),
        ("/decisions?outcome=refused", "decisions", "level_too_low"),
    ] {
        for (size, width, height) in [("desktop", 1280, 900), ("phone", 390, 844)] {
            browser.resize(width, height).await;
            driver
                .goto(format!("{console}{path}"))
                .await
                .expect("a page");
            wait_for(driver, By::XPath(format!("//main[contains(., '{part}')]"))).await;
            let script = "return document.documentElement.scrollWidth - innerWidth;";
            let wider = driver
                .execute(script, Vec::new())
                .await
                .expect("a script runs");
            let wider: i64 = wider.convert().expect("a number");
            assert!(wider <= 0, "{path} is {wider} pixels too wide on a {size}");
            assert_eq!(
                foreign_requests(driver).await,
                Vec::<String>::new(),
                "{path}"
            );
            browser.screenshot(&format!("console-{name}-{size}")).await;
        }
    }
    browser.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_signs_in_once_and_signing_out_ends_it() {
    let Some(browser) = Browser::launch().await else {
        return;
    };
    let platform = Platform::start(&[]);
    let driver = browser.driver();
    let console = format!("{}/console", platform.text("management"));
    driver.goto(&console).await.expect("the console answers");
    assert!(stands_at_sign_in(driver).await);
    let link = sign_in(&browser, &platform).await;
    driver.goto(&link).await.expect("the link opens");
    press(driver, By::Css("form button[type=submit]")).await;
    wait_for(driver, By::Css("[role=alert]")).await;
    assert!(text(driver).await.contains("has been used"));
    driver.goto(&console).await.expect("a page");
    press(driver, By::XPath("//button[contains(., 'Sign out')]")).await;
    wait_for(driver, By::XPath("//h1[contains(., 'Sign in')]")).await;
    driver
        .goto(format!("{console}/apps"))
        .await
        .expect("a page");
    assert!(stands_at_sign_in(driver).await);
    browser.quit().await;
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
        "/apps",
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
    let page = head(&format!("{console}/sign-in"), &[]);
    assert!(
        page.contains("content-security-policy: default-src 'none'; script-src 'self'"),
        "{page}"
    );
    assert!(
        page.contains("frame-ancestors 'none'") && !page.contains("unsafe-inline"),
        "{page}"
    );
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
