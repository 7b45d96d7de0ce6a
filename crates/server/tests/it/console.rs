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

/// Shows: P-57, J-2.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_signs_in_once_and_sees_apis_apps_and_every_decision() {
    let Some(browser) = Browser::launch().await else {
        return;
    };
    let platform = Platform::start(&[]);
    let driver = browser.driver();
    let console = format!("{}/console", platform.text("management"));

    driver.goto(&console).await.expect("the console answers");
    assert!(
        driver
            .current_url()
            .await
            .expect("a url")
            .path()
            .ends_with("/sign-in")
    );

    let link = sign_in_link(&platform);
    browser.resize(1280, 900).await;
    driver.goto(&link).await.expect("the link opens");
    browser.screenshot("console-sign-in").await;
    wait_for(driver, By::Css("form button[type=submit]"))
        .await
        .click()
        .await
        .expect("a click");
    wait_for(driver, By::Css("nav [aria-current=page]")).await;

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

    driver
        .goto(format!("{console}/decisions"))
        .await
        .expect("a page");
    // The list renews itself: the refusal appears without another visit.
    let refused = wait_for(driver, By::XPath("//tr[contains(., 'level_too_low')]//a")).await;
    assert!(text(driver).await.contains("acme-shop"));
    browser.screenshot("console-decisions-desktop").await;
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
    browser.screenshot("console-decision-desktop").await;

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
            wait_for(driver, By::Css("h1")).await;
            assert!(
                text(driver).await.contains(part),
                "`{part}` is not on {path}"
            );
            let wider = driver
                .execute(
                    "return document.documentElement.scrollWidth - innerWidth;",
                    Vec::new(),
                )
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

    // A link works once, and signing out ends what it began.
    driver.goto(&link).await.expect("the link opens");
    wait_for(driver, By::Css("form button[type=submit]"))
        .await
        .click()
        .await
        .expect("a click");
    assert!(text(driver).await.contains("has been used"));
    driver.goto(&console).await.expect("a page");
    wait_for(driver, By::XPath("//button[contains(., 'Sign out')]"))
        .await
        .click()
        .await
        .expect("a click");
    driver
        .goto(format!("{console}/apps"))
        .await
        .expect("a page");
    assert!(
        driver
            .current_url()
            .await
            .expect("a url")
            .path()
            .ends_with("/sign-in")
    );
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
