use std::{path::PathBuf, time::Duration};

use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{Launch, Process, Provider, Report};

/// How a node is brought to the end of its descriptors.
#[derive(Clone, Debug)]
pub struct Descriptors {
    /// The binary.
    pub binary: PathBuf,
    /// Connections of the storm.
    pub connections: usize,
    /// How many of them are open at once at most.
    pub at_once: usize,
}

/// What the node may open.
const MOST: &str = "--nofile=256:256";

/// F-17: a storm of connections on a node with 256 descriptors.
///
/// # Panics
/// When the node does not start.
pub async fn descriptors(wanted: &Descriptors) -> Report {
    let mut report = Report::new("descriptors", &["F-17"], (0, 0));
    let Some(prlimit) = crate::program("prlimit") else {
        crate::missing("prlimit");
        return report;
    };
    let provider = Provider::new().await;
    let through = [prlimit.into_os_string(), MOST.into()];
    let started = provider.start(Launch::dev(&wanted.binary).through(through));
    let mut node = started.await.expect("the node starts");
    let process = Process::of(node.process().expect("it runs"));
    let mut caller = node.caller("front");
    let before = caller.get("/gate/free/1").await;
    let fine = |answer: &Result<crate::Answer, crate::Lost>| {
        answer.as_ref().is_ok_and(|answer| answer.status == 200)
    };
    report.demand(fine(&before), || {
        format!("no answer before the storm: {before:?}")
    });
    drop(caller);
    let mut connected = 0;
    let mut most = 0;
    let mut shares = Vec::new();
    while connected < wanted.connections {
        let now = wanted.at_once.min(wanted.connections - connected);
        let held = storm(&node, now).await;
        connected += now;
        most = most.max(process.descriptors());
        let (used, began) = (process.used(), Instant::now());
        sleep(Duration::from_secs(2)).await;
        let micros = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        shares.push((process.used() - used) * 100 / micros.max(1));
        drop(held);
        let (recovered, after) = recovers(&node).await;
        report.demand(recovered && after <= Duration::from_secs(1), || {
            format!("answered again after {after:?}: {recovered}")
        });
        let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let name = "answered_again_after_millis";
        let known = report.counts.get(name).and_then(serde_json::Value::as_u64);
        report.count(name, known.unwrap_or(0).max(millis));
    }
    let share = shares.iter().copied().max().unwrap_or(0);
    report.count("connections", connected);
    report.count("descriptors", most);
    report.count("core_percent", share);
    report.demand(most >= 200, || {
        format!("only {most} descriptors were ever open")
    });
    report.demand(share <= 20, || {
        format!("accepting took {share} % of a core")
    });
    report.demand(node.is_running(), || "the node is gone".to_owned());
    report
}

/// Connections that say nothing.
async fn storm(node: &crate::Node, count: usize) -> Vec<TcpStream> {
    let address = node.public();
    let mut tasks = JoinSet::new();
    for number in 0..count {
        tasks.spawn(async move {
            sleep(Duration::from_micros(number as u64 * 20)).await;
            timeout(Duration::from_secs(2), TcpStream::connect(address)).await
        });
    }
    let mut held = Vec::new();
    while let Some(done) = tasks.join_next().await {
        if let Ok(Ok(Ok(stream))) = done {
            held.push(stream);
        }
    }
    held
}

/// How long it takes until a call is answered well.
async fn recovers(node: &crate::Node) -> (bool, Duration) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        let mut caller = node.caller("front").patience(Duration::from_millis(500));
        if caller
            .get("/gate/free/1")
            .await
            .is_ok_and(|answer| answer.status == 200)
        {
            return (true, began.elapsed());
        }
        sleep(Duration::from_millis(20)).await;
    }
    (false, began.elapsed())
}
