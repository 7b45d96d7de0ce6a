use std::{collections::HashMap, fs, path::Path, time::Duration};

use hyper::Method;
use primitives::{Clock as _, SystemClock};
use serde_json::json;
use testkit::SmallDisk;
use tokio::time::{Instant, sleep};

use crate::{
    Answer, Checker, Client, Driver, History, Launch, Load, Lost, Node, Outcome, Provider, Report,
    driver::end_call, missing, program,
};

/// The system calls that say whether the disk has something.
const SYNCS: &str = "fsync,fdatasync,msync,sync_file_range";

/// F-03: from its `k`-th on, every wait of each thread for the disk fails, for every `k` of
/// `calls`. Nothing may be acknowledged for which no such wait held that was begun after it was
/// asked for. `None` without `strace`.
#[expect(
    clippy::too_many_lines,
    reason = "one run, told from its beginning to its end"
)]
pub async fn failing_syncs(binary: &Path, calls: impl IntoIterator<Item = u32>) -> Option<Report> {
    if program("strace").is_none() {
        missing("strace");
        return None;
    }
    let mut report = Report::new("failing-syncs", &["F-03"], (0, 0));
    let (mut tried, mut refused, mut struck, mut acknowledged) = (0, 0, 0, 0);
    for call in calls {
        tried += 1;
        let provider = Provider::new().await;
        let log = provider.folder().join("strace");
        let inject = format!("inject={SYNCS}:error=EIO:when={call}+");
        let trace = format!("trace={SYNCS}");
        let log_name = log.as_os_str().to_owned();
        let strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-ttt", "-e"];
        let mut words: Vec<std::ffi::OsString> = strace.map(Into::into).to_vec();
        words.extend([
            trace.into(),
            "-e".into(),
            inject.into(),
            "-o".into(),
            log_name,
        ]);
        let plain = Launch::dev(binary);
        let started = provider.start(plain.clone()).await;
        let mut node = started.expect("the node starts on a sound disk");
        node.terminate().await;
        if node
            .restart_as(&plain.clone().through(words))
            .await
            .is_err()
        {
            refused += 1;
            continue;
        }
        let (began, history) = (SystemClock.now().as_micros(), History::begin());
        let load = Load {
            callers: 3,
            operators: 1,
            seed: u64::from(call),
            rest: Duration::from_millis(1),
        };
        let driver = Driver::begin(&node, &history, load);
        sleep(Duration::from_millis(1_500)).await;
        driver.end().await;
        node.kill().await;
        let syncs = syncs(&log, began);
        struck += usize::from(syncs.iter().any(|sync| !sync.held));
        acknowledged += history.count(Outcome::Ok);
        let operations = history.operations();
        for operation in operations.iter().filter(|one| one.outcome == Outcome::Ok) {
            let of_database = match operation.kind {
                "metered" | "scarce" => false,
                "key" | "profile" => true,
                _ => continue,
            };
            let waited = operation.invoked..=operation.ended;
            let held = syncs.iter().any(|sync| {
                sync.held && sync.of_database == of_database && waited.contains(&sync.begun)
            });
            report.demand(held, || {
                format!("k = {call}: {operation:?} acknowledged although no wait for the disk held")
            });
        }
        match node.restart_as(&plain).await {
            Ok(()) => {
                let checker = Checker::new(&history, &provider.origin, &node);
                checker.check().await.tell(&mut report);
                let sound = node.examine().await;
                report.demand(sound.is_ok(), || format!("k = {call}: I12: {sound:?}"));
            }
            Err(why) => report.broken.push(format!("k = {call}: no restart: {why}")),
        }
    }
    report.count("k", tried);
    report.count("refused_to_start", refused);
    report.count("struck", struck);
    report.count("acknowledged", acknowledged);
    Some(report)
}

/// A wait for the disk.
#[derive(Debug)]
struct Sync {
    /// When it was begun, in microseconds of the history.
    begun: u64,
    of_database: bool,
    /// Whether the disk has what was written before.
    held: bool,
}

/// Reads a log of `strace -f -y -ttt`: process, time, call; where another process comes between,
/// a call is told in two lines. What names no file is of the journal's mapping.
fn syncs(log: &Path, began: i64) -> Vec<Sync> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let mut open: HashMap<&str, (u64, bool)> = HashMap::new();
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(process), Some(at)) = (words.next(), words.next().and_then(micros)) else {
            continue;
        };
        let resumed = line.contains(" resumed>");
        let told = if resumed {
            open.remove(process)
        } else {
            let at = u64::try_from(at.saturating_sub(began)).unwrap_or_default();
            Some((at, line.contains("portreeve.db")))
        };
        let Some((since, of_database)) = told else {
            continue;
        };
        if line.contains("<unfinished") {
            open.insert(process, (since, of_database));
            continue;
        }
        found.push(Sync {
            begun: since,
            of_database,
            held: line.trim_end().ends_with("= 0"),
        });
    }
    found
}

/// `1700000000.123456` in microseconds.
fn micros(text: &str) -> Option<i64> {
    let (seconds, rest) = text.split_once('.')?;
    let seconds: i64 = seconds.parse().ok()?;
    Some(seconds * 1_000_000 + rest.parse::<i64>().ok()?)
}

/// F-04: the disk of the data is full for a while. Changes are refused as such, reading goes on,
/// and soon after there is room again everything is taken again, without a restart. `None` when
/// no disk may be mounted here.
///
/// # Panics
/// When the node does not start.
pub async fn full_disk(binary: &Path, megabytes: u32) -> Option<Report> {
    let provider = Provider::new().await;
    let disk = SmallDisk::mount(&provider.folder().join("data"), megabytes)?;
    let mut report = Report::new("full-disk", &["F-04"], (1, 1));
    let launch = Launch::dev(binary);
    let started = provider.start(launch.clone()).await;
    let mut node = started.expect("the node starts");
    let history = History::begin();
    let load = Load {
        callers: 4,
        operators: 2,
        rest: Duration::from_millis(2),
        ..Load::default()
    };
    let driver = Driver::begin(&node, &history, load);
    sleep(Duration::from_millis(700)).await;
    disk.fill();
    let full = told_when_full(&node, &history).await;
    for (what, kept) in &full.promises {
        report.demand(*kept, || format!("on a full disk: {what}"));
    }
    report.count("full_answers", json!(full.answers));
    disk.free();
    let since = Instant::now();
    let (changes, calls) = tokio::join!(
        until_taken(&node, &history, "changed"),
        until_taken(&node, &history, "called")
    );
    if changes.is_none() {
        let printed = node.printed();
        let told: Vec<&str> = printed
            .lines()
            .filter(|line| !line.contains("admission"))
            .collect();
        let last = told.len().saturating_sub(20);
        report.count("log", json!(told.get(last..)));
    }
    for (what, taken) in [("changes", changes), ("calls", calls)] {
        let millis = taken.map(|at| at.duration_since(since).as_millis());
        report.count(&format!("{what}_taken_after_ms"), json!(millis));
        report.demand(taken.is_some(), || {
            format!("{what} are not taken 5 s after there was room again")
        });
    }
    driver.end().await;
    // What could not be taken again needs another start to be looked at.
    if calls.is_none() {
        node.kill().await;
        let restarted = node.restart_as(&launch).await;
        restarted.expect("the node starts once there is room");
    }
    let checker = Checker::new(&history, &provider.origin, &node);
    checker.check().await.tell(&mut report);
    let sound = node.examine().await;
    report.demand(sound.is_ok(), || format!("I12: {sound:?}"));
    Some(report)
}

/// What a full disk was answered with.
struct Full {
    promises: Vec<(String, bool)>,
    answers: Vec<String>,
}

async fn told_when_full(node: &Node, history: &History) -> Full {
    let mut full = Full {
        promises: Vec::new(),
        answers: Vec::new(),
    };
    let mut operator = node.operator();
    let mut refused = 0;
    for _ in 0..200 {
        let answer = change(&mut operator, history).await;
        if let Ok(answer) = answer
            && answer.status >= 300
        {
            let told = format!("change {} {}", answer.status, answer.code());
            if !full.answers.contains(&told) {
                full.answers.push(told);
            }
            let typed = answer.status == 507 && answer.code() == "storage_full";
            refused += usize::from(typed);
            let what = format!("a change got {} {}", answer.status, answer.code());
            full.promises.push((what, typed));
            if refused >= 5 {
                break;
            }
        }
    }
    full.promises
        .push(("no change was refused".to_owned(), refused > 0));
    let mut caller = node.caller("front");
    for _ in 0..20 {
        let answer = call(&mut caller, history).await;
        let (status, code) =
            answer.map_or((0, String::new()), |answer| (answer.status, answer.code()));
        let told = format!("call {status} {code}");
        if !full.answers.contains(&told) {
            full.answers.push(told);
        }
        let what = format!("a call got {status} {code}");
        full.promises
            .push((what, matches!(status, 200 | 429 | 503 | 507)));
    }
    for path in [
        "/v1/apps",
        "/v1/state/export",
        "/v1/call-records",
        "/v1/whoami",
    ] {
        let status = operator.get(path).await.map_or(0, |answer| answer.status);
        full.promises
            .push((format!("{path} got {status}"), status == 200));
    }
    let console = Client::new(node.management()).get("/console/sign-in").await;
    let status = console.map_or(0, |answer| answer.status);
    full.promises.push((
        format!("the console got {status}"),
        (200..500).contains(&status),
    ));
    full
}

/// One change, noted in the history.
async fn change(operator: &mut Client, history: &History) -> Result<Answer, Lost> {
    let asked = history.ask("profile", "");
    let path = format!("/v1/profiles/{}", asked.id());
    let body = json!({ "capabilities": ["FREE"] }).to_string();
    let answer = operator.send(Method::PUT, &path, &[], body.into()).await;
    let (outcome, status) = match &answer {
        Ok(answer) if answer.status < 300 => (Outcome::Ok, answer.status),
        // That nothing was changed is part of what the code says.
        Ok(answer) if answer.code() == "storage_full" => (Outcome::Fail, answer.status),
        Ok(answer) => (Outcome::Unknown, answer.status),
        Err(_) => (Outcome::Unknown, 0),
    };
    asked.end(outcome, status, "");
    answer
}

/// One metered call, noted in the history.
async fn call(caller: &mut Client, history: &History) -> Result<Answer, Lost> {
    let asked = history.ask("metered", "metered");
    let path = format!("/gate/metered/{}", asked.id());
    let answer = caller.post(&path, &[], &json!({})).await;
    end_call(asked, answer.clone());
    answer
}

/// When something is taken again, within five seconds.
async fn until_taken(node: &Node, history: &History, what: &str) -> Option<Instant> {
    let (mut operator, mut caller) = (node.operator(), node.caller("front"));
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(5) {
        let answer = if what == "changed" {
            change(&mut operator, history).await
        } else {
            call(&mut caller, history).await
        };
        if answer.is_ok_and(|answer| answer.status < 300) {
            return Some(Instant::now());
        }
        sleep(Duration::from_millis(50)).await;
    }
    None
}
