use std::{path::PathBuf, time::Duration};

use testkit::Database;
use tokio::time::{Instant, sleep};

use crate::{Checker, Dice, Driver, History, Launch, Load, Outcome, Provider, Report, progress};

/// How a node is killed again and again.
#[derive(Clone, Debug)]
pub struct Crashes {
    /// The binary.
    pub binary: PathBuf,
    /// What the moments of the kills and the choices of the clients come from.
    pub seed: u64,
    /// How many kills at most.
    pub kills: usize,
    /// How many acknowledged operations are wanted besides.
    pub acknowledged: usize,
    /// When no further kill is begun, whatever is still wanted.
    pub within: Duration,
    /// How soon it must be ready again.
    pub ready_within: Duration,
    /// Whether the kills and the operations are demanded.
    pub demanded: bool,
}

/// F-01: kills the node at random moments while 32 clients write, and holds what is left against
/// what they were told.
///
/// # Panics
/// When the node does not start again.
pub async fn crashes(wanted: &Crashes) -> Report {
    let report = Report::new("crash", &["F-01"], (wanted.seed, wanted.seed));
    killed(wanted, Launch::dev(&wanted.binary), report).await
}

/// F-01 on PostgreSQL, which is not killed.
///
/// # Panics
/// When the node does not start again.
pub async fn crashes_on(database: &Database, wanted: &Crashes) -> Report {
    let report = Report::new("crash-postgres", &["F-01"], (wanted.seed, wanted.seed));
    let address = database.address();
    let launch = Launch::dev(&wanted.binary);
    let launch = launch.variable("PORTREEVE__STORE__POSTGRES_URL", address.expose());
    let mut report = killed(wanted, launch, report).await;
    let sound = database.examine().await;
    report.demand(sound.is_ok(), || format!("I12: {sound:?}"));
    report
}

async fn killed(wanted: &Crashes, launch: Launch, mut report: Report) -> Report {
    let provider = Provider::new().await;
    let started = provider.start(launch.clone()).await;
    let mut node = started.expect("the node starts");
    let history = History::begin();
    history.keep_in(&provider.folder().join("history.jsonl"));
    let load = Load {
        seed: wanted.seed,
        ..Load::default()
    };
    let driver = Driver::begin(&node, &history, load);
    let mut dice = Dice::of(wanted.seed);
    let began = Instant::now();
    let mut ready: Vec<Duration> = Vec::new();
    let enough =
        |kills: usize| kills >= wanted.kills && history.count(Outcome::Ok) >= wanted.acknowledged;
    while began.elapsed() < wanted.within && !enough(ready.len()) {
        sleep(Duration::from_millis(5 + dice.below(396))).await;
        let acknowledged = history.count(Outcome::Ok);
        let kills = ready.len();
        progress::note(format!("{kills} kills, {acknowledged} acknowledged"));
        // The last one comes when everything else has been done.
        let is_last = acknowledged >= wanted.acknowledged;
        if kills + 1 >= wanted.kills && !is_last {
            continue;
        }
        node.kill().await;
        let restarted = node.restart_as(&launch).await;
        restarted.expect("the node starts after a crash");
        ready.push(node.ready_after);
    }
    driver.end().await;
    let acknowledged = history.count(Outcome::Ok);
    report.demand(!wanted.demanded || enough(ready.len()), || {
        format!("only {} kills and {acknowledged} acknowledged", ready.len())
    });
    let findings = Checker::new(&history, &provider.origin, &node)
        .check()
        .await;
    findings.tell(&mut report);
    let sound = node.examine().await;
    report.demand(sound.is_ok(), || format!("I12: {sound:?}"));
    ready.sort_unstable();
    let millis = |at: usize| {
        let found = ready.get(at).copied().unwrap_or_default();
        u64::try_from(found.as_millis()).unwrap_or(u64::MAX)
    };
    let p99 = millis(ready.len() * 99 / 100);
    report.count("kills", ready.len());
    report.count("seconds", began.elapsed().as_secs());
    report.count("ready_median_ms", millis(ready.len() / 2));
    report.count("ready_p99_ms", p99);
    report.demand(u128::from(p99) <= wanted.ready_within.as_millis(), || {
        format!("ready after {p99} ms (99 of 100 restarts)")
    });
    report
}
