//! Whether the time of an answer tells who is known here.

use std::time::Instant;

use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};

use crate::platform::Platform;

const PASSWORD: &str = "several words in a row";
/// Pairs of requests. Enough for medians to stand still, few enough for a build's patience.
const ROUNDS: usize = 24;

/// What is sent about an address.
type Body<'b> = &'b dyn Fn(&str) -> Value;

/// Times in milliseconds.
struct Times(Vec<f64>);

impl Times {
    fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.number()
    }

    fn variance(&self) -> f64 {
        let mean = self.mean();
        let squares = self.0.iter().map(|time| (time - mean).powi(2));
        squares.sum::<f64>() / (self.number() - 1.0)
    }

    fn number(&self) -> f64 {
        f64::from(u32::try_from(self.0.len()).expect("few"))
    }

    /// Welch's t of the two.
    fn welch(&self, other: &Self) -> f64 {
        let spread = self.variance() / self.number() + other.variance() / other.number();
        (self.mean() - other.mean()) / spread.sqrt()
    }
}

#[expect(clippy::disallowed_methods, reason = "times are what is measured")]
async fn timed(client: &Client, url: &str, body: &Value, is_form: bool) -> (f64, u16) {
    let request = client.post(url);
    let request = if is_form {
        request.form(body)
    } else {
        request.json(body)
    };
    let begun = Instant::now();
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    answer.bytes().await.expect("a body");
    (begun.elapsed().as_secs_f64() * 1_000.0, status)
}

/// Somebody known, who never changes a thing: an address for each round, since each is asked for
/// a few times only.
async fn invited(platform: &Platform, client: &Client, number: usize) -> String {
    let email = format!("known{number}@example.com");
    let wanted = json!({ "email": email, "name": "Kim", "roles": ["viewer"] });
    let url = format!("{}/v1/persons", platform.text("management"));
    let asked = client
        .post(url)
        .bearer_auth(platform.text("operator_token"));
    let made = asked.json(&wanted).send().await.expect("an answer");
    let made: Value = made.json().await.expect("JSON");
    let (_, code) = made["link"]["url"]
        .as_str()
        .and_then(|link| link.split_once("code="))
        .expect("a code");
    let form = json!({ "code": code, "password": PASSWORD });
    let url = format!("{}/console/password", platform.text("management"));
    let set = client
        .post(url)
        .form(&form)
        .send()
        .await
        .expect("an answer");
    assert_eq!(set.status(), 303);
    email
}

/// Signing in with a wrong password, asking for a password link and registering: known and unknown
/// addresses in turns. The times are told with Welch's t, and held to a bound that only another
/// piece of work would break: a password is hashed for one and not for the other, or a mail is
/// written for one alone.
///
/// Shows: S-73.
#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_an_answer_does_not_tell_who_is_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = folder.path().join("portreeve.toml");
    std::fs::write(&settings, "[registration]\nper_network_hour = 0\n").expect("settings");
    let settings = settings.to_str().expect("a path").to_owned();
    let platform = Platform::start(&["--config", &settings]);
    let client = Client::builder()
        .redirect(Policy::none())
        .build()
        .expect("a client");
    let mut known = Vec::new();
    for number in 0..ROUNDS {
        known.push(invited(&platform, &client, number).await);
    }
    let (site, office) = (platform.text("site"), platform.text("management"));
    let sign_in = |email: &str| json!({ "email": email, "password": "wrong, and long enough" });
    let link = |email: &str| json!({ "email": email });
    let register = |email: &str| json!({ "email": email, "name": "X", "password": PASSWORD });
    let asked: [(String, bool, Body<'_>); 3] = [
        (format!("{office}/console/sign-in"), true, &sign_in),
        (format!("{site}/v1/password-links"), false, &link),
        (format!("{site}/v1/registrations"), false, &register),
    ];
    // What a password costs here, to measure differences by.
    let mut hashed = None;
    for (url, is_form, body) in asked {
        let (mut there, mut not) = (Times(Vec::new()), Times(Vec::new()));
        // All that strangers ask for is bounded to sixty at once.
        let rounds = if is_form { ROUNDS } else { ROUNDS / 2 };
        for (round, email) in known.iter().take(rounds).enumerate() {
            let unknown = format!("other{round}@example.com");
            let mut pair = [(email.as_str(), true), (unknown.as_str(), false)];
            if round % 2 == 1 {
                pair.reverse();
            }
            for (email, is_known) in pair {
                let (time, status) = timed(&client, &url, &body(email), is_form).await;
                assert!([202, 403].contains(&status), "{url}: {status}");
                let times = if is_known { &mut there } else { &mut not };
                times.0.push(time);
            }
        }
        let (one, other) = (there.median(), not.median());
        let hashed = *hashed.get_or_insert(one.min(other));
        println!(
            "{url}: known {one:.2} ms, unknown {other:.2} ms, t = {:+.2}",
            there.welch(&not)
        );
        let most = (hashed * 0.25).max(5.0);
        assert!(
            (one - other).abs() < most,
            "{url}: {one:.2} and {other:.2} ms"
        );
    }
}
