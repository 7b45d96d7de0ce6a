//! An app that calls in another way than it usually does, through the whole server.

use std::{cell::RefCell, fs, path::Path, process::Command};

use serde_json::Value;
use testkit::geoip;

use crate::{
    lifecycle::until,
    platform::{Platform, serve},
};

const DESCRIPTION: &str = r#"
openapi: 3.0.3
info: { title: Notes, version: "1" }
paths:
  /notes/{id}:
    parameters: [ { name: id, in: path, required: true, schema: { type: string } } ]
    get: { operationId: ReadNote, responses: { "200": { description: A note } } }
    post: { operationId: WriteNote, responses: { "200": { description: Done } } }
"#;

const STATE: &str = r#"
portreeve: 1
ladders: [ { name: default, levels: [ { name: basic }, { name: gold } ] } ]
capabilities: [ { name: READ, level: basic }, { name: WRITE, level: gold } ]
apis:
  - name: notes
    description: notes.openapi.yaml
    version: "1"
    mounts: [ { path: /notes-api } ]
    live: { url: "${dev_upstream}/notes", credential: none, identity: ed25519 }
    operations: [ { operation: ReadNote, uses: [READ] }, { operation: WriteNote, uses: [WRITE] } ]
  - name: vault
    description: notes.openapi.yaml
    version: "1"
    mounts: [ { path: /vault-api } ]
    live: { url: "${dev_upstream}/notes", credential: none, identity: ed25519 }
    operations: [ { operation: ReadNote, uses: [READ] }, { operation: WriteNote, uses: [WRITE] } ]
anomaly_rules:
  - { name: new-client, apis: [notes], looks_at: technology, after_calls: 20, after_days: 0, action: note }
  - { name: strange-client, apis: [vault], looks_at: technology, after_calls: 20, after_days: 0, action: { step_down: { for: 1h } } }
  - { name: abroad, looks_at: location, below: 100, after_calls: 20, after_days: 0, action: alert }
  - { name: teleport, looks_at: travel, after_calls: 20, after_days: 0, action: refuse }
accounts: [ { name: ann, kind: person, verified: true, developer: { levels: { default: gold } } } ]
apps: [ { name: reader, developer: ann, account: ann, apis: [notes, vault] } ]
"#;

/// Where the app usually calls from, and where it does not.
const HOME: &str = "127.0.0.1";
const AWAY: &str = "127.0.1.1";

struct Town {
    platform: Platform,
    state: String,
    places: String,
}

fn start(folder: &Path) -> (Command, String, String) {
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).expect("a file");
        path.display().to_string()
    };
    write("notes.openapi.yaml", DESCRIPTION.as_bytes());
    let state = write("state.yaml", STATE.as_bytes());
    let places = geoip(&[("127.0.0.0/24", "DE"), ("127.0.1.0/24", "BR")]);
    let places = write("places.mmdb", &places);
    (command(&state, &places), state, places)
}

fn command(state: &str, places: &str) -> Command {
    let mut command = serve(&["--state", state]);
    command.env("PORTREEVE__GEO__MMDB_PATH", places);
    command
}

impl Town {
    /// The code that a call is refused with; `passed` when it went to the upstream, which has no
    /// notes.
    fn call(&self, from: &str, client: &str, (method, path): (&str, &str)) -> String {
        let (id, secret) = self.platform.key("reader", "live");
        let output = Command::new("curl")
            .args(["-s", "--max-time", "20", "-w", "\n%{http_code}"])
            .args(["--interface", from, "-A", client, "-X", method])
            .args(["-u", &format!("{id}:{secret}")])
            .arg(format!("{}{path}", self.platform.text("public")))
            .output()
            .expect("curl runs");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, status) = printed.rsplit_once('\n').expect("a status");
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        match status {
            "404" => "passed".to_owned(),
            _ => body["code"].as_str().unwrap_or_default().to_owned(),
        }
    }

    fn run(&self, words: &[&str]) -> Value {
        let mut command = self.platform.command();
        let output = command.args(words).args(["-o", "json"]).output();
        let output = output.expect("the command runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {told}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn habits(&self) -> Value {
        self.run(&["anomalies", "habits", "reader"])
    }

    /// The anomaly that a rule found in a state, as soon as it is listed.
    fn found(&self, rule: &str, value: &str, state: &str) -> Value {
        let words = [
            "anomalies",
            "list",
            "--app",
            "reader",
            "--rule",
            rule,
            "--state",
            state,
        ];
        let found = RefCell::new(Value::Null);
        until(rule, || {
            let listed = self.run(&words);
            let mut items = listed["items"].as_array().expect("items").iter();
            let one = items.find(|one| one["value"] == value).cloned();
            *found.borrow_mut() = one.unwrap_or_default();
            !found.borrow().is_null()
        });
        found.into_inner()
    }

    fn mark(&self, found: &Value) {
        let id = found["id"].as_str().expect("an id");
        let marked = self.run(&["anomalies", "fine", id, "--reason", "we know them"]);
        assert_eq!(marked["items"][0]["state"], "fine");
        assert_eq!(marked["items"][0]["reason"], "we know them");
    }

    /// What was marked passes, and becomes one of the most usual clients.
    fn learns(&self, client: &str) {
        let usual = || {
            let habits = self.habits();
            let mut usual = habits["usual"].as_array().expect("a list").iter();
            let clients = usual.find(|one| one["signal"] == "technology");
            clients.expect("clients")["values"].to_string()
        };
        assert!(!usual().contains(client), "{}", usual());
        for _ in 0..5 {
            let agent = format!("{client}/1");
            assert_eq!(self.call(HOME, &agent, WRITE), "passed");
        }
        until("what is fine is learned", || usual().contains(client));
    }

    /// What the event log tells of anomalies.
    fn events(&self) -> Vec<String> {
        let token = format!(
            "authorization: Bearer {}",
            self.platform.text("operator_token")
        );
        let output = Command::new("curl")
            .args(["-s", "--max-time", "20", "-H", &token])
            .arg(format!(
                "{}/v1/events?kind=anomaly&limit=100",
                self.platform.text("management")
            ))
            .output()
            .expect("curl runs");
        let listed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let items = listed["items"].as_array().expect("items").iter();
        let alert = |one: &Value| one["detail"]["alert"].as_str().map(str::to_owned);
        items.filter_map(alert).collect()
    }

    fn restart(&mut self) {
        self.platform.terminate();
        let command = command(&self.state, &self.places);
        self.platform.start_again(command);
    }
}

const READ: (&str, &str) = ("GET", "/notes-api/notes/1");
const WRITE: (&str, &str) = ("POST", "/vault-api/notes/1");

/// Shows: P-33, P-34.
#[test]
fn what_an_app_never_did_is_noted_told_stepped_down_or_refused_until_it_is_marked() {
    let folder = tempfile::tempdir().expect("a folder");
    let (command, state, places) = start(folder.path());
    let mut town = Town {
        platform: Platform::start_by(command),
        state,
        places,
    };
    assert_eq!(
        town.call(AWAY, "other/1", WRITE),
        "passed",
        "nothing is known yet"
    );
    for _ in 0..40 {
        assert_eq!(town.call(HOME, "acme-sdk/1", READ), "passed");
    }
    until("the calls are learned", || town.habits()["calls"] == 41);

    // Noted.
    assert_eq!(town.call(HOME, "probe/1", READ), "passed");
    let noted = town.found("new-client", "probe", "open");
    assert_eq!(
        (&noted["action"], &noted["calls"]),
        (&"note".into(), &1.into())
    );
    assert_eq!(noted["found"], "probe, in 0 of 41 calls");

    // Refused, and told by another rule, from a place too far away for the time.
    assert_eq!(town.call(AWAY, "acme-sdk/1", READ), "anomaly_refused");
    let told = town.found("abroad", "BR", "open");
    assert_eq!(told["found"], "BR, in 1 of 42 calls");
    town.mark(&told);
    assert_eq!(
        town.call(AWAY, "acme-sdk/1", READ),
        "anomaly_refused",
        "the other rule still refuses"
    );
    let refused = town.found("teleport", "BR-DE", "open");
    let way = refused["found"].as_str().expect("a text");
    assert!(
        way.starts_with("DE to BR, at least ") && way.contains(" km in 0 minutes"),
        "{way}"
    );
    town.mark(&refused);
    assert_eq!(town.call(AWAY, "acme-sdk/1", READ), "passed");

    // Lower, at once, for every call of the app.
    assert_eq!(town.call(HOME, "acme-sdk/1", WRITE), "passed");
    let lower = "level_too_low";
    assert_eq!(town.call(HOME, "thief/1", WRITE), lower);
    assert_eq!(town.call(HOME, "acme-sdk/1", WRITE), lower);
    assert_eq!(town.habits()["levels_down"], 1);
    let thief = town.found("strange-client", "thief", "open");
    assert!(thief["lower_until"].is_string());
    town.mark(&thief);
    assert_eq!(town.call(HOME, "acme-sdk/1", WRITE), "passed");
    town.learns("thief");
    assert_eq!(town.call(HOME, "burglar/1", WRITE), lower);
    let burglar = town.found("strange-client", "burglar", "open");
    let learned = town.habits()["calls"].clone();

    // And after a restart still.
    town.restart();
    assert_eq!(town.habits()["calls"], learned);
    assert_eq!(town.call(HOME, "acme-sdk/1", WRITE), lower);
    town.mark(&burglar);
    assert_eq!(town.call(HOME, "thief/1", WRITE), "passed");
    assert_eq!(town.call(AWAY, "acme-sdk/1", READ), "passed");
    assert_eq!(town.call(HOME, "stranger/1", WRITE), lower);
    let events = town.events();
    for alert in [
        "anomaly.alert",
        "anomaly.refused",
        "anomaly.step_down",
        "anomaly.fine",
    ] {
        assert!(events.iter().any(|one| one == alert), "{alert}: {events:?}");
    }
}
