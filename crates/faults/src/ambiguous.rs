use std::{collections::BTreeSet, path::Path, time::Duration};

use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{Client, Dice, Launch, Node, Provider, Report, missing, program};

/// How many clients ask with one key.
const TWINS: usize = 100;
/// How long a client goes on asking.
const PATIENCE: Duration = Duration::from_secs(20);

/// F-38: the node dies between keeping a change and answering, while a hundred clients ask for it
/// with one idempotency key, and go on asking until they are told. In the end there is one
/// change, and everybody was told the same. `None` without `strace`, which holds every commit
/// back after it is on the disk, so that there is a moment to die in.
///
/// # Panics
/// When the node does not start.
pub async fn ambiguous_commits(binary: &Path, rounds: usize, seed: u64) -> Option<Report> {
    if program("strace").is_none() {
        missing("strace");
        return None;
    }
    let mut report = Report::new("ambiguous-commits", &["F-38"], (seed, seed));
    let provider = Provider::new().await;
    let launch = Launch::dev(binary);
    let slow = launch.clone().through([
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-e",
        "trace=fdatasync,fsync",
        "-e",
        "inject=fdatasync,fsync:delay_exit=30000",
        "-o",
        "/dev/null",
    ]);
    let started = provider.start(launch.clone()).await;
    let mut node = started.expect("the node starts");
    let mut dice = Dice::of(seed);
    let (mut answers, mut ambiguous) = (0, 0);
    for round in 0..rounds {
        let terminated = node.terminate().await;
        report.demand(terminated.is_some(), || "it does not end".to_owned());
        node.restart_as(&slow).await.expect("the node starts");
        let before = minted(&node).await.len();
        let key = format!("round-{round}");
        let mut twins = JoinSet::new();
        for _ in 0..TWINS {
            twins.spawn(insist(node.operator(), key.clone()));
        }
        sleep(Duration::from_millis(20 + dice.below(120))).await;
        node.kill().await;
        node.restart_as(&launch)
            .await
            .expect("the node starts again");
        // Whether the change was kept although nobody can have been told before the end.
        ambiguous += usize::from(minted(&node).await.len() > before);
        let mut told = BTreeSet::new();
        while let Some(answer) = twins.join_next().await {
            let answer = answer.expect("a client ends well");
            report.demand(answer.is_some(), || {
                format!("{key}: a client was never told")
            });
            if let Some(answer) = answer {
                answers += 1;
                told.insert(answer);
            }
        }
        report.demand(told.len() == 1, || {
            format!("{key}: {} different answers: {told:?}", told.len())
        });
        let after = minted(&node).await.len();
        report.demand(after == before + 1, || {
            format!("{key}: {} changes instead of one", after - before)
        });
    }
    report.count("rounds", rounds);
    report.count("clients", TWINS);
    report.count("answers", answers);
    report.count("kept_before_the_end", ambiguous);
    let sound = node.examine().await;
    report.demand(sound.is_ok(), || format!("I12: {sound:?}"));
    Some(report)
}

async fn minted(node: &Node) -> Vec<String> {
    let keys = node.operator().get("/v1/apps/minted/keys").await;
    let keys = keys.expect("keys are listed").json();
    let keys = keys["items"].as_array().cloned().unwrap_or_default();
    keys.iter().map(|key| key["id"].to_string()).collect()
}

/// Asks with one key until it is told what was done; the whole answer.
async fn insist(mut operator: Client, key: String) -> Option<String> {
    let headers = [("idempotency-key", key.as_str())];
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let path = "/v1/apps/minted/keys";
        let answer = operator
            .post(path, &headers, &json!({ "mode": "live" }))
            .await;
        if let Ok(answer) = answer
            && answer.status == 201
        {
            return Some(String::from_utf8_lossy(&answer.body).into_owned());
        }
        sleep(Duration::from_millis(25)).await;
    }
    None
}
