use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{Client, History, Node, Operation, Origin, Outcome, Report, SCARCE, Served};

/// How long the fold may take to tell of the last call.
const FOLDED_WITHIN: Duration = Duration::from_secs(20);
/// The most that a list gives at once.
const PAGE: usize = 499;

/// Compares what clients were told with what is there.
#[derive(Debug)]
pub struct Checker<'a> {
    history: &'a History,
    origin: &'a Origin,
    node: &'a Node,
}

/// A promise that was not kept.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The invariant, as the catalogue of faults numbers it.
    pub invariant: &'static str,
    /// What was found.
    pub what: String,
}

/// Everything that a check found and counted.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// What was broken; empty when everything was kept.
    pub broken: Vec<Finding>,
    /// What was looked at.
    pub counts: BTreeMap<&'static str, u64>,
}

/// What the node holds in the end.
struct Held {
    /// How often a record of a decision is there, and its outcome.
    records: HashMap<String, Vec<String>>,
    keys: Vec<String>,
    profiles: Vec<String>,
    revisions: Vec<u64>,
    metered: u64,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.what)
    }
}

impl Findings {
    fn find(&mut self, invariant: &'static str, what: String) {
        self.broken.push(Finding { invariant, what });
    }

    fn count(&mut self, name: &'static str, value: usize) {
        self.counts.insert(name, value as u64);
    }

    /// Puts it into a report; of what was found often, the first of each kind.
    pub fn tell(&self, report: &mut Report) {
        for (name, value) in &self.counts {
            report.count(name, *value);
        }
        let mut kinds: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in &self.broken {
            kinds.entry(finding.invariant).or_default().push(finding);
        }
        for (_, findings) in kinds {
            for finding in findings.iter().take(5) {
                report.broken.push(finding.to_string());
            }
            if findings.len() > 5 {
                report
                    .broken
                    .push(format!("… and {} more", findings.len() - 5));
            }
        }
    }
}

impl<'a> Checker<'a> {
    /// A checker of what is left when every client has ended and the node is up.
    #[must_use]
    pub fn new(history: &'a History, origin: &'a Origin, node: &'a Node) -> Self {
        Self {
            history,
            origin,
            node,
        }
    }

    /// Holds everything against everything.
    pub async fn check(&self) -> Findings {
        let mut findings = Findings::default();
        let operations = self.history.operations();
        let held = self.held().await;
        self.calls(&operations, &held, &mut findings);
        changes(&operations, &held, &mut findings);
        for (outcome, name) in [
            (Outcome::Ok, "acknowledged"),
            (Outcome::Fail, "refused"),
            (Outcome::Unknown, "unknown"),
        ] {
            findings.count(name, self.history.count(outcome));
        }
        findings
    }

    /// Calls against the origin's log, and both against the call records.
    fn calls(&self, operations: &[Operation], held: &Held, findings: &mut Findings) {
        let served = self.origin.served();
        forwarded(&served, held, findings);
        never_billed_unsent(&served, held, findings);
        let mut reached: HashMap<&str, u64> = HashMap::new();
        for call in &served {
            *reached.entry(&call.id).or_default() += 1;
        }
        let mut lost = 0;
        let calls = ["free", "metered", "scarce"];
        let calls = operations.iter().filter(|one| calls.contains(&one.kind));
        for operation in calls {
            let times = reached.get(operation.id.as_str()).copied().unwrap_or(0);
            let what = || told_and_reached(operation, times);
            match operation.outcome {
                Outcome::Ok if times != 1 => findings.find("I3", what()),
                Outcome::Fail if times != 0 => findings.find("I4", what()),
                Outcome::Unknown if times > 1 => findings.find("I3", what()),
                _ => {}
            }
            if operation.outcome == Outcome::Ok {
                let all = held.records.get(&operation.answer);
                let outcome = all.and_then(|all| all.first()).map(String::as_str);
                // A node that dies after the answer, before it notes so, takes it for unknown.
                if !matches!(outcome, Some("served" | "unknown")) {
                    lost += 1;
                    let found = outcome.unwrap_or("no record");
                    findings.find("I3", format!("{}: {found}", what()));
                }
            }
        }
        findings.count("forwarded", served.len());
        findings.count("records", held.records.len());
        findings.count("lost", lost);
    }

    /// Reads everything through management, after a last call that says what is counted and
    /// that the fold has come to the end.
    async fn held(&self) -> Held {
        let mut caller = self.node.caller("front");
        let last = caller.post("/gate/metered/last", &[], &json!({})).await;
        let last = last.expect("a healthy node answers");
        assert_eq!(last.status, 200, "{last:?}");
        let decision = last.header("portreeve-decision").to_owned();
        let left = remaining(last.header("ratelimit")).expect("what is left is told");
        let mut operator = self.node.operator();
        let began = Instant::now();
        loop {
            let found = operator.get(&format!("/v1/decisions/{decision}")).await;
            if found.is_ok_and(|found| found.status == 200) {
                break;
            }
            assert!(began.elapsed() < FOLDED_WITHIN, "the fold does not end");
            sleep(Duration::from_millis(50)).await;
        }
        let mut records: HashMap<String, Vec<String>> = HashMap::new();
        for call in list(&mut operator, "/v1/call-records").await {
            let id = text(&call, "id");
            records.entry(id).or_default().push(text(&call, "outcome"));
        }
        let keys = operator.get("/v1/apps/minted/keys").await;
        let keys = keys.expect("keys are listed").json();
        let keys = keys["items"].as_array().cloned().unwrap_or_default();
        let profiles = list(&mut operator, "/v1/profiles").await;
        let events = list(&mut operator, "/v1/events").await;
        Held {
            records,
            keys: keys.iter().map(|key| text(key, "id")).collect(),
            profiles: profiles
                .iter()
                .map(|profile| text(profile, "name"))
                .collect(),
            revisions: events
                .iter()
                .filter_map(|event| event["revision"].as_u64())
                .collect(),
            metered: 1_000_000_000_u64.saturating_sub(left),
        }
    }
}

fn told_and_reached(operation: &Operation, times: u64) -> String {
    let Operation {
        id,
        kind,
        outcome,
        status,
        answer,
        ..
    } = operation;
    format!("{id} ({kind}, {outcome:?}, {status} {answer}) reached the origin {times} times")
}

/// What the origin was sent: each with one record, no shelf beyond its limit, and all of it
/// counted.
fn forwarded(served: &[Served], held: &Held, findings: &mut Findings) {
    let mut shelves: HashMap<&str, usize> = HashMap::new();
    let mut metered = 0;
    for call in served {
        if call.what.starts_with("shelf-") {
            *shelves.entry(&call.what).or_default() += 1;
        }
        metered += u64::from(call.what == "metered");
        let records = held.records.get(&call.decision).map_or(0, Vec::len);
        let Served { id, what, decision } = call;
        match records {
            0 => findings.find(
                "G-04",
                format!("{id} ({what}, {decision}) was forwarded without a record"),
            ),
            1 => {}
            several => findings.find("I3", format!("{decision} has {several} records")),
        }
    }
    for (shelf, count) in &shelves {
        if *count > SCARCE {
            findings.find("I5", format!("{shelf} gave {count} of {SCARCE}"));
        }
    }
    if held.metered < metered {
        let counted = held.metered;
        let what = format!("{metered} metered calls were forwarded, {counted} are counted");
        findings.find("I5", what);
    }
    findings.count("shelves", shelves.len());
    findings.counts.insert("metered_forwarded", metered);
    findings.counts.insert("metered_counted", held.metered);
}

/// A record that says `served` without the origin having seen the call would be billed.
fn never_billed_unsent(served: &[Served], held: &Held, findings: &mut Findings) {
    let decisions: HashSet<&str> = served.iter().map(|call| call.decision.as_str()).collect();
    for (decision, outcomes) in &held.records {
        let is_served = outcomes.iter().any(|outcome| outcome == "served");
        if is_served && !decisions.contains(decision.as_str()) {
            let what = format!("{decision} is billed and was not forwarded");
            findings.find("G-04", what);
        }
    }
}

/// Keys, profiles, links and the event log.
fn changes(operations: &[Operation], held: &Held, findings: &mut Findings) {
    let mut keys: HashMap<&str, u64> = HashMap::new();
    for key in &held.keys {
        *keys.entry(key).or_default() += 1;
    }
    let of = |kind: &'static str| operations.iter().filter(move |one| one.kind == kind);
    let mut given: HashMap<&str, &str> = HashMap::new();
    for operation in of("key").filter(|one| one.outcome == Outcome::Ok) {
        let (id, key) = (operation.id.as_str(), operation.answer.as_str());
        if keys.get(key) != Some(&1) {
            findings.find("I3", format!("{id}: the key {key} is not there once"));
        }
        if let Some(other) = given.insert(key, id) {
            findings.find("I8", format!("{id} and {other} were given one key, {key}"));
        }
    }
    let unknown = of("key")
        .filter(|one| one.outcome == Outcome::Unknown)
        .count();
    // Two keys of each app come from the start.
    let extra = held.keys.len().saturating_sub(2 + given.len());
    if extra > unknown {
        findings.find(
            "I8",
            format!("{extra} keys that nobody was given, {unknown} unknown"),
        );
    }
    for operation in of("profile") {
        let times = held
            .profiles
            .iter()
            .filter(|name| **name == operation.id)
            .count();
        let what = || {
            format!(
                "profile {} ({:?}) is there {times} times",
                operation.id, operation.outcome
            )
        };
        match operation.outcome {
            Outcome::Ok if times != 1 => findings.find("I3", what()),
            Outcome::Fail if times != 0 => findings.find("I4", what()),
            _ => {}
        }
    }
    for operation in of("link") {
        if !matches!(operation.answer.as_str(), "0" | "1") {
            findings.find(
                "I8",
                format!("link {} worked {} times", operation.id, operation.answer),
            );
        }
    }
    let mut revisions = held.revisions.clone();
    revisions.sort_unstable();
    revisions.dedup();
    let gaps = revisions
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a + 1 != *b))
        .count();
    if gaps > 0 {
        findings.find("I3", format!("{gaps} gaps in the event log"));
    }
    findings.count("keys", held.keys.len());
    findings.count("profiles", held.profiles.len());
    findings.count("events", held.revisions.len());
    findings.count("links", of("link").count());
}

/// Every entry of a list, page after page.
async fn list(operator: &mut Client, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let after = cursor
            .map(|cursor| format!("&cursor={cursor}"))
            .unwrap_or_default();
        let page = operator.get(&format!("{path}?limit={PAGE}{after}")).await;
        let page = page.expect("a healthy node answers");
        assert_eq!(page.status, 200, "{path}: {page:?}");
        let page = page.json();
        all.extend(page["items"].as_array().cloned().unwrap_or_default());
        cursor = page["next"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return all;
        }
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// What is left of the counter that never ends, in a `RateLimit` header.
fn remaining(header: &str) -> Option<u64> {
    let (_, rest) = header.split_once("\"metered-ever\";r=")?;
    let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next();
    digits?.parse().ok()
}
