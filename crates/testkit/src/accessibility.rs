use std::sync::Once;

use thirtyfour::cdp::domains::runtime::Evaluate;

use crate::{Browser, browser::workspace, missing};

/// Where `cargo xtask fetch` puts it. It is a tool of the tests and no part of the product.
const AXE: &str = ".cache/npm/axe-core/axe.min.js";

/// Once is enough, however many pages are looked at.
static SAID: Once = Once::new();

/// Asks for the rules of WCAG 2.2 A and AA and for what is good practice beside them.
const RUN: &str = r"
axe.run(document, {
  resultTypes: ['violations'],
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
}).then((found) => found.violations.flatMap((rule) => rule.nodes.map((node) =>
  `${rule.id}: ${rule.help}: ${node.target.join(' ')}: ${node.html.slice(0, 120)}: ${
    (node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? ''}`)))
";

impl Browser {
    /// What axe-core finds wrong with the page for people who see, hear or point differently, a
    /// line each. `None` when axe-core has not been fetched, which has then been said.
    ///
    /// It comes in by the developer tools, which a page's security policy does not bind.
    pub async fn accessibility_problems(&self) -> Option<Vec<String>> {
        let Ok(axe) = std::fs::read_to_string(workspace().join(AXE)) else {
            SAID.call_once(|| missing("axe-core"));
            return None;
        };
        self.evaluate(format!("{axe}; null")).await;
        let found = self.evaluate(RUN.to_owned()).await;
        let lines = found.as_array().expect("axe-core tells a list");
        let line = |one: &serde_json::Value| one.as_str().unwrap_or_default().to_owned();
        Some(lines.iter().map(line).collect())
    }

    async fn evaluate(&self, expression: String) -> serde_json::Value {
        let asked = Evaluate {
            expression,
            object_group: None,
            include_command_line_api: None,
            silent: None,
            context_id: None,
            return_by_value: Some(true),
            await_promise: Some(true),
            user_gesture: None,
        };
        let devtools = self.driver().cdp();
        let told = devtools.send(asked).await.expect("the page can be asked");
        assert!(
            told.exception_details.is_none(),
            "{:?}",
            told.exception_details
        );
        told.result.value.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_picture_without_words_is_found() {
        let Some(browser) = Browser::launch().await else {
            return;
        };
        let page = "data:text/html,<html lang=en><title>x</title><main><h1>x</h1><img src='data:,'></main>";
        browser.driver().goto(page).await.unwrap();
        if let Some(problems) = browser.accessibility_problems().await {
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].starts_with("image-alt"), "{problems:?}");
        }
        browser.quit().await;
    }
}
