use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::json;
use thirtyfour::{
    ChromiumLikeCapabilities as _, DesiredCapabilities, WebDriver,
    cdp::domains::emulation::{MediaFeature, SetEmulatedMedia},
};

use crate::{kept::Kept, missing, program};

/// Without a screen, without a graphics card, without calls of its own into the network.
const FLAGS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--hide-scrollbars",
];

/// A Chromium of one test, with a profile of its own.
#[derive(Debug)]
pub struct Browser {
    driver: WebDriver,
    _chromedriver: Kept,
}

impl Browser {
    /// Starts Chromium; `None` when it is not installed, which has then been said.
    pub async fn launch() -> Option<Self> {
        let (Some(chromium), Some(chromedriver)) = (
            program(&["chromium", "chromium-browser", "google-chrome"]),
            program(&["chromedriver"]),
        ) else {
            missing("Chromium");
            return None;
        };
        let (chromedriver, folder, port) = listening(&chromedriver).await;
        let mut wanted = DesiredCapabilities::chrome();
        wanted
            .set_binary(&chromium.display().to_string())
            .expect("a path can be a capability");
        let profile = format!("--user-data-dir={}", folder.join("profile").display());
        for flag in FLAGS.iter().copied().chain([profile.as_str()]) {
            wanted.add_arg(flag).expect("a flag can be a capability");
        }
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted)
            .await
            .unwrap_or_else(|failure| panic!("{failure}: {}", chromedriver.printed()));
        Some(Self {
            driver,
            _chromedriver: chromedriver,
        })
    }

    /// The session, to go places and find elements.
    #[must_use]
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Makes the page see a screen of this many CSS pixels, narrower than any window could be.
    pub async fn resize(&self, width: u32, height: u32) {
        let devtools = self.driver.cdp();
        let resized = devtools
            .emulation()
            .set_device_metrics_override(width, height, 1.0, width < 600)
            .await;
        resized.expect("Chromium can be given another screen");
    }

    /// Makes pages see a person who prefers this colour scheme: `light` or `dark`.
    pub async fn prefer(&self, scheme: &str) {
        let wanted = SetEmulatedMedia {
            media: None,
            features: Some(vec![MediaFeature {
                name: "prefers-color-scheme".to_owned(),
                value: scheme.to_owned(),
            }]),
        };
        let told = self.driver.cdp().send(wanted).await;
        told.expect("Chromium can be told what is preferred");
    }

    /// Gives the browser a device with passkeys, which verifies whoever asks and keeps what is made
    /// there.
    pub async fn give_passkeys(&self) {
        let devtools = self.driver.cdp();
        let begun = devtools.send_raw("WebAuthn.enable", json!({})).await;
        begun.expect("Chromium has passkeys of tests");
        let device = json!({ "options": {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": true,
            "hasUserVerification": true,
            "isUserVerified": true,
            "automaticPresenceSimulation": true,
        }});
        let given = devtools.send_raw("WebAuthn.addVirtualAuthenticator", device);
        given.await.expect("Chromium takes a device");
    }

    /// Keeps what the page looks like as `target/screenshots/NAME.png` and tells where.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let folder = workspace().join("target/screenshots");
        std::fs::create_dir_all(&folder).expect("the folder for screenshots can be made");
        let file = folder.join(format!("{name}.png"));
        let kept = self.driver.screenshot(&file).await;
        kept.expect("a screenshot can be kept");
        file
    }

    /// Ends the browser. Without this it ends with its driver.
    pub async fn quit(self) {
        let ended = self.driver.quit().await;
        ended.expect("Chromium ends when told");
    }
}

/// The root of the workspace that these tests are part of.
pub(crate) fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// A chromedriver that listens, its folder and its port. It takes a free port of one address family
/// and wants the same one of the other, which may be taken: then another is started.
async fn listening(program: &Path) -> (Kept, PathBuf, u16) {
    let command = [program.display().to_string(), "--port=0".to_owned()];
    for _ in 0..5 {
        let folder = tempfile::Builder::new()
            .prefix("portreeve-chromium-")
            .tempdir()
            .expect("a temporary folder can be made")
            .keep();
        let started = Kept::start(&folder, "TERM", &command);
        let chromedriver = started.expect("chromedriver can be started");
        if let Some(port) = port_of(&chromedriver).await {
            return (chromedriver, folder, port);
        }
    }
    panic!("chromedriver found no free port in five tries");
}

/// The port that it listens on; `None` when it found none.
async fn port_of(chromedriver: &Kept) -> Option<u16> {
    for _ in 0..600 {
        let printed = chromedriver.printed();
        if printed.contains("port not available") {
            return None;
        }
        let port = printed
            .split_once("started successfully on port ")
            .and_then(|(_, rest)| rest.split_once('.'))
            .and_then(|(port, _)| port.parse().ok());
        if port.is_some() {
            return port;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!(
        "chromedriver did not start in 30 s: {}",
        chromedriver.printed()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_page_is_seen_at_the_width_asked_for() {
        let Some(browser) = Browser::launch().await else {
            return;
        };
        let page = "data:text/html,<meta name=viewport content='width=device-width'><h1>gate</h1>";
        browser.driver().goto(page).await.unwrap();
        for width in [390, 1280] {
            browser.resize(width, 800).await;
            let seen = browser.driver().execute("return window.innerWidth", vec![]);
            assert_eq!(seen.await.unwrap().json().as_u64(), Some(width.into()));
        }
        let file = browser.screenshot("testkit").await;
        let image = std::fs::read(&file).unwrap();
        assert!(image.starts_with(b"\x89PNG"));
        browser.quit().await;
    }
}
