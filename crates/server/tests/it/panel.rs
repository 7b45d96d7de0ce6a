//! The panel of a developer and of an app, operated as an operator does.

use thirtyfour::prelude::*;

use crate::console::{AGREE, AGREE_PATH, Desk, PAY, PAY_PATH, looked_at};

const ACME: &str = "/developers/acme";

async fn press(desk: &Desk, path: &str) {
    desk.press(By::XPath(path)).await;
}

/// Presses the switch of a capability, and waits until it stands as wanted.
async fn switch(desk: &Desk, capability: &str, on: bool) {
    let button = format!("//button[@role='switch' and @aria-label='{capability}'");
    press(
        desk,
        &format!(
            "{button} and @aria-checked='{}']",
            if on { "false" } else { "true" }
        ),
    )
    .await;
    let now = if on { "true" } else { "false" };
    desk.wait_for(By::XPath(format!("{button} and @aria-checked='{now}']")))
        .await;
}

async fn type_limit(desk: &Desk, limit: &str, field: &str, text: &str) {
    let form = format!("//form[input[@name='limit' and @value='{limit}']]");
    let input = desk
        .wait_for(By::XPath(format!("{form}//input[@name='{field}']")))
        .await;
    input.clear().await.expect("cleared");
    input.send_keys(text).await.expect("typed");
    press(desk, &format!("{form}//button[not(@name)]")).await;
}

async fn waits_for(desk: &Desk, part: &str) {
    desk.wait_for(By::XPath(format!("//main[contains(., \"{part}\")]")))
        .await;
}

/// Each power of an operator over a developer, by hand, and what the next call is answered.
///
/// Shows: P-61, P-62, P-63, P-64, P-65.
#[tokio::test(flavor = "multi_thread")]
async fn a_developer_is_switched_limited_and_put_on_a_level() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    assert_eq!(desk.call(PAY_PATH, PAY), "201");
    desk.goto("").await;
    press(&desk, "//nav//a[contains(., 'Developers')]").await;
    press(&desk, "//th/a[text()='acme']").await;
    waits_for(&desk, "Everything is as the level has it").await;
    let page = desk.text().await;
    assert!(!page.contains("PREAPPROVALS_WITH_PIN") && page.contains("CHAINED_PAYMENTS"));

    switch(&desk, "SIMPLE_SEND_MONEY", false).await;
    waits_for(&desk, "1 set by hand").await;
    assert_eq!(desk.call(PAY_PATH, PAY), "403");
    looked_at(&desk, "console-developer-off").await;
    switch(&desk, "SIMPLE_SEND_MONEY", true).await;
    assert_eq!(desk.call(PAY_PATH, PAY), "201");
    switch(&desk, "GET_EXCHANGE_RATES", true).await;
    switch(&desk, "GET_EXCHANGE_RATES", false).await;
    switch(&desk, "NO_FEE_PAYMENT", true).await;

    type_limit(&desk, "parallel-legs", "value", "many").await;
    waits_for(&desk, "is not a number").await;
    type_limit(&desk, "parallel-legs", "value", "2").await;
    waits_for(&desk, "the level has 3").await;
    type_limit(&desk, "subscription-amount", "value.USD", "55.50").await;
    waits_for(&desk, "the level has 100").await;
    // What the level has anyway is no edit.
    type_limit(&desk, "parallel-legs", "value", "3").await;
    waits_for(&desk, "1 set by hand").await;

    press(&desk, "//select/option[@value='advanced-plus']").await;
    press(&desk, "//button[text()='Switch level']").await;
    waits_for(&desk, "PREAPPROVALS_WITH_PIN").await;
    press(&desk, "//button[text()='Reset to the level']").await;
    waits_for(&desk, "Everything is as the level has it").await;

    // The page of an app has the switch of its developer, too, and one stays there.
    press(&desk, "//nav//a[contains(., 'Apps')]").await;
    press(&desk, "//tr[td[contains(., 'acme')]]/th/a").await;
    waits_for(&desk, "A level is the developer's").await;
    looked_at(&desk, "console-app-level").await;
    press(&desk, "//select/option[@value='standard']").await;
    press(&desk, "//button[text()='Switch level']").await;
    desk.wait_for(By::XPath(
        "//select[@name='level']/option[@value='standard'][@selected]",
    ))
    .await;
    waits_for(&desk, "level_too_low").await;
    desk.browser.quit().await;
}

/// Where a capability may be used, on the map and in the next answer.
///
/// Shows: P-65, P-71.
#[tokio::test(flavor = "multi_thread")]
async fn a_capability_is_confined_on_the_map() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    desk.goto(ACME).await;
    press(
        &desk,
        "//tr[th[contains(., 'SIMPLE_SEND_MONEY')]]//a[contains(., 'everywhere')]",
    )
    .await;
    press(&desk, "//button[text()='Confine']").await;
    waits_for(&desk, "Tick the regions").await;
    press(&desk, "//select/option[@value='caller_home']").await;
    press(&desk, "//label[contains(., 'eu')]/input").await;
    press(&desk, "//button[text()='Confine']").await;
    waits_for(&desk, "27 countries allowed").await;
    let drawn: usize = desk
        .ask("return document.querySelectorAll('.world path.in').length;")
        .await;
    // Malta is too small for the map, and is told beside it.
    assert_eq!(drawn, 26);
    looked_at(&desk, "console-places-confined").await;
    assert_eq!(desk.call(PAY_PATH, PAY), "403");
    press(&desk, "//button[text()='Take back']").await;
    waits_for(&desk, "No rule confines").await;
    assert_eq!(desk.call(PAY_PATH, PAY), "201");
    desk.browser.quit().await;
}

/// An app is narrowed, and has keys that are shown once.
///
/// Shows: P-61, P-63.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_narrowed_and_its_keys_are_handled() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    desk.goto("/apps/acme-shop").await;
    switch(&desk, "SIMPLE_SEND_MONEY", false).await;
    assert_eq!(desk.call(PAY_PATH, PAY), "403");
    switch(&desk, "SIMPLE_SEND_MONEY", true).await;
    assert_eq!(desk.call(PAY_PATH, PAY), "201");

    press(&desk, "//summary[text()='Issue a key']").await;
    press(&desk, "//select[@id='mode']/option[@value='live']").await;
    press(&desk, "//button[text()='Issue']").await;
    waits_for(&desk, "is shown this once").await;
    let (id, secret): (String, String) = desk
        .ask("return [document.querySelector('.answer p').textContent.match(/key_\\w+/)[0], document.querySelector('.handed code').textContent];")
        .await;
    assert_eq!(desk.call_with(&id, &secret, PAY_PATH, PAY), "201");
    desk.goto("/apps/acme-shop").await;
    assert!(!desk.text().await.contains(&secret));
    let revoke = format!("//tr[contains(., '{id}')]//button[@value='revoke']");
    press(&desk, &revoke).await;
    desk.wait_for(By::XPath(format!(
        "//tr[contains(., '{id}') and contains(., 'revoked')]"
    )))
    .await;
    assert_eq!(desk.call_with(&id, &secret, PAY_PATH, PAY), "401");
    desk.browser.quit().await;
}

/// A mark as fine stands, with who made it, among what was changed of the app, and leads to the
/// reason.
///
/// Shows: P-33, P-61.
#[tokio::test(flavor = "multi_thread")]
async fn a_mark_as_fine_stands_among_what_was_changed() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    let anomaly = desk.unusual();
    desk.goto(&format!("/anomalies/{anomaly}")).await;
    let reason = desk.wait_for(By::Id("reason")).await;
    reason.send_keys("their new client").await.expect("typed");
    press(&desk, "//button[text()='Mark as fine']").await;
    waits_for(&desk, "their new client").await;
    desk.goto("/apps/acme-shop#history").await;
    let row = "//section[@aria-labelledby='history']//tr[contains(., 'marked as fine') and contains(., 'strange-client') and contains(., 'operator')]";
    desk.wait_for(By::XPath(row)).await;
    looked_at(&desk, "console-app-history").await;
    press(&desk, &format!("{row}//a[text()='anomaly']")).await;
    waits_for(&desk, "their new client").await;
    desk.browser.quit().await;
}

/// A chart of an app's calls that renews itself, and leaves what is unfolded unfolded.
///
/// Shows: P-61.
#[tokio::test(flavor = "multi_thread")]
async fn a_chart_grows_with_the_calls() {
    let Some(desk) = Desk::open().await else {
        return;
    };
    desk.goto("/apps/acme-shop").await;
    waits_for(&desk, "No call in this time").await;
    press(&desk, "//summary[text()='Numbers']").await;
    assert_eq!(desk.call(PAY_PATH, PAY), "201");
    assert_eq!(desk.call(AGREE_PATH, AGREE), "403");
    desk.wait_for(By::XPath(
        "//ul[@aria-label='Codes of refusals']/li[contains(., 'level_too_low')]",
    ))
    .await;
    waits_for(&desk, "2 calls").await;
    let open: bool = desk
        .ask("return document.getElementById('chart-numbers').open;")
        .await;
    assert!(open);
    looked_at(&desk, "console-app-chart").await;
    press(
        &desk,
        "//nav[@aria-label='Time of the chart']/a[text()='7 days']",
    )
    .await;
    waits_for(&desk, "2 calls").await;
    desk.browser.quit().await;
}
