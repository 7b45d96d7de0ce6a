use std::{fs, path::PathBuf, process::Command, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls::ClientConfig;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::watch,
    time::{Instant, sleep, timeout},
};

use crate::{
    Authority, Launch, Node, Offer, Provider, Report, Workshop, percentile, secure::connect,
};

/// How a node is upgraded again and again under load.
#[derive(Clone, Debug)]
pub struct Drain {
    /// The binary.
    pub binary: PathBuf,
    /// How many upgrades.
    pub upgrades: usize,
    /// From one upgrade to the next.
    pub every: Duration,
    /// Calls in a second.
    pub rate: u32,
    /// Whether callers speak TLS.
    pub secure: bool,
}

/// The years in which the certificate of a node is valid.
const YEARS: (i32, i32) = (2020, 2100);

/// F-24: successors take over one after the other while calls on kept connections and long
/// uploads go on.
///
/// # Panics
/// When the node does not start.
pub async fn drain(wanted: &Drain) -> Report {
    let campaign = if wanted.secure { "drain-tls" } else { "drain" };
    let mut report = Report::new(campaign, &["F-24"], (0, 0));
    let workshop = Workshop::open(256, Duration::from_millis(2), 16);
    let provider = Provider::new().await;
    // The shell stays where the first server was, so that whoever serves last can be ended.
    let through = ["sh", "-c", "\"$@\"; exec sleep 100000", "sh"];
    let mut launch = Launch::dev(&wanted.binary).through(through);
    let authority = wanted.secure.then(Authority::new);
    if let Some(authority) = &authority {
        launch = launch.secured(authority.issue(provider.folder(), YEARS));
    }
    let trust = authority.as_ref().map(Authority::caller);
    let launch = provider.launch_before(launch, workshop.url());
    let started = Node::start(&launch, provider.folder()).await;
    let node = started.expect("the node starts");
    let key = node.key("front");
    let all = wanted.every * u32::try_from(wanted.upgrades).unwrap_or(u32::MAX);
    let lasts = Duration::from_secs(all.as_secs() + 2);
    let offer = Offer::post(node.public(), &key, "/gate/free/1", "{\"a\":1}");
    let offer = offer.at(wanted.rate, lasts).over(64);
    let offer = offer.trusting(trust.clone());
    let (stop, stopped) = watch::channel(());
    let upgrades = async {
        let mut took = Vec::new();
        for _ in 0..wanted.upgrades {
            let due = Instant::now() + wanted.every;
            match upgrade(&node).await {
                Ok(millis) => took.push(millis),
                Err(why) => report.demand(false, || why),
            }
            tokio::time::sleep_until(due).await;
        }
        drop(stop);
        took
    };
    let uploads = uploads(&node, (&key, trust), stopped);
    let (tally, took, uploads) = tokio::join!(offer.make(), upgrades, uploads);
    report.count("upgrades", took.len());
    report.count("requests", tally.served.len());
    report.count("failed", tally.lost() + tally.shed.len());
    report.count("sent_again", tally.sent_again);
    report.count("longest_millis", percentile(&tally.served, 100) / 1_000);
    report.count("p99_micros", percentile(&tally.served, 99));
    report.count("upgrade_millis_most", percentile(&took, 100));
    report.count("long_uploads", uploads.0);
    report.count("long_uploads_failed", uploads.1);
    report.count("told_to_close", tally.told_to_close);
    report.demand(tally.told_to_close >= took.len(), || {
        format!(
            "only {} answers said that they are the last",
            tally.told_to_close
        )
    });
    report.demand(tally.lost() == 0 && tally.shed.is_empty(), || {
        format!("{} shed, {}", tally.shed.len(), tally.losses())
    });
    report.demand(uploads.0 > 0 && uploads.1 == 0, || {
        format!("{} of {} long uploads failed", uploads.1, uploads.0)
    });
    report
}

/// The process that takes calls now.
fn serving(node: &Node) -> Option<u32> {
    let file = node.data().join("portreeve.pid");
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Asks for a successor, and tells how many milliseconds it took until that one served.
async fn upgrade(node: &Node) -> Result<u64, String> {
    let began = Instant::now();
    let before = loop {
        match serving(node) {
            Some(process) => break process,
            None if began.elapsed() > Duration::from_secs(5) => {
                return Err("nobody says to be serving".to_owned());
            }
            None => sleep(Duration::from_millis(10)).await,
        }
    };
    let began = Instant::now();
    let told = Command::new("kill")
        .args(["-USR2", &before.to_string()])
        .status();
    if !told.is_ok_and(|status| status.success()) {
        return Err("the serving process cannot be told".to_owned());
    }
    while began.elapsed() < Duration::from_secs(30) {
        if serving(node).is_some_and(|now| now != before) {
            return Ok(u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX));
        }
        sleep(Duration::from_millis(10)).await;
    }
    Err(format!("no successor within 30 s: {}", node.printed()))
}

/// Uploads that take longer than a hand-over: how many there were, and how many failed.
async fn uploads(
    node: &Node,
    ((id, secret), trust): (&(String, String), Option<Arc<ClientConfig>>),
    mut stopped: watch::Receiver<()>,
) -> (usize, usize) {
    let pair = STANDARD.encode(format!("{id}:{secret}"));
    let head = format!(
        "POST /gate/free/1 HTTP/1.1\r\nhost: {}\r\nauthorization: Basic {pair}\r\n\
         content-length: 1600\r\n\r\n",
        node.public()
    );
    let (mut made, mut failed) = (0, 0);
    while timeout(Duration::ZERO, stopped.changed()).await.is_err() {
        made += 1;
        let one = async {
            let mut stream = connect(node.public(), trust.as_ref()).await.ok()?;
            stream.write_all(head.as_bytes()).await.ok()?;
            for _ in 0..16 {
                stream.write_all(&[b'x'; 100]).await.ok()?;
                stream.flush().await.ok()?;
                sleep(Duration::from_millis(100)).await;
            }
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.ok()?;
            (&answer == b"HTTP/1.1 200").then_some(())
        };
        if timeout(Duration::from_secs(20), one)
            .await
            .ok()
            .flatten()
            .is_none()
        {
            failed += 1;
        }
    }
    (made, failed)
}
