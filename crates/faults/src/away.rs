use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::json;
use testkit::{Database, Postgres};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, UnixStream},
    sync::{Mutex, watch},
    task::JoinHandle,
    time::{Instant, sleep},
};

use crate::{Checker, Client, Driver, History, Launch, Load, Lost, Node, Provider, Report};

/// What stands between the node and its database, to be cut.
#[derive(Debug)]
struct Wire {
    address: SocketAddr,
    up: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Wire {
    async fn to(socket: PathBuf) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (up, seen) = watch::channel(true);
        let task = tokio::spawn(async move {
            let turn = Arc::new(Mutex::new(()));
            loop {
                let Ok((mut stream, _)) = listener.accept().await else {
                    continue;
                };
                let (socket, mut seen, turn) = (socket.clone(), seen.clone(), Arc::clone(&turn));
                if !*seen.borrow() {
                    continue;
                }
                tokio::spawn(async move {
                    let connected = {
                        let _one_at_a_time = turn.lock().await;
                        UnixStream::connect(socket).await
                    };
                    let Ok(mut database) = connected else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut stream, &mut database) => {}
                        _ = seen.wait_for(|up| !up) => {}
                    }
                });
            }
        });
        Self { address, up, task }
    }

    fn cut(&self) {
        self.up.send_replace(false);
    }

    fn mend(&self) {
        self.up.send_replace(true);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// F-31 and the bound of G-07: PostgreSQL (its `socket`, its `database`) is away at the start, and
/// goes away under a running node: whoever is known passes for at most five seconds, then nobody;
/// changes are refused as such; and all is taken again once it is back.
///
/// # Panics
/// When the node does not start although the database is there.
pub async fn database_away(binary: &Path, socket: &Path, database: &str) -> Report {
    let mut report = Report::new("database-away", &["F-31"], (0, 0));
    let wire = Wire::to(socket.to_owned()).await;
    let url = format!(
        "postgres://postgres@{}/{database}?sslmode=disable",
        wire.address
    );
    let provider = Provider::new().await;
    let launch = Launch::dev(binary).variable("PORTREEVE__STORE__POSTGRES_URL", url);
    wire.cut();
    let began = Instant::now();
    let refused = provider.start(launch.clone()).await.err();
    let told = refused.clone().unwrap_or_default();
    report.demand(refused.is_some(), || {
        "it started without its database".to_owned()
    });
    report.demand(told.contains("PostgreSQL"), || {
        format!("what it said at the end is not clear: {told}")
    });
    report.count("gave_up_after_ms", millis(began));
    wire.mend();
    let started = provider.start(launch).await;
    let node = started.expect("the node starts");
    let mut caller = node.caller("front");
    let passes = call(&mut caller).await;
    report.demand(passes == (200, String::new()), || {
        format!("at first: {passes:?}")
    });
    wire.cut();
    while_away(&node, &mut report).await;
    wire.mend();
    back_again(&node, &mut report).await;
    report
}

/// F-31, with a server that is stopped in the middle of its work: as [`database_away`], and in the
/// end what was acknowledged is there and the database is sound (I12).
///
/// # Panics
/// When the node does not start, or the database not again.
pub async fn database_stopped(binary: &Path, server: &Postgres, database: &Database) -> Report {
    let mut report = Report::new("database-stopped", &["F-31"], (1, 1));
    let provider = Provider::new().await;
    let address = database.address();
    let launch = Launch::dev(binary).variable("PORTREEVE__STORE__POSTGRES_URL", address.expose());
    let node = provider.start(launch).await.expect("the node starts");
    let history = History::begin();
    let load = Load {
        callers: 4,
        operators: 2,
        rest: Duration::from_millis(5),
        ..Load::default()
    };
    let driver = Driver::begin(&node, &history, load);
    sleep(Duration::from_secs(1)).await;
    server.stop();
    while_away(&node, &mut report).await;
    server.start_again().await;
    back_again(&node, &mut report).await;
    sleep(Duration::from_millis(500)).await;
    driver.end().await;
    let checker = Checker::new(&history, &provider.origin, &node);
    checker.check().await.tell(&mut report);
    let sound = database.examine().await;
    report.demand(sound.is_ok(), || format!("I12: {sound:?}"));
    report
}

/// Calls from the moment at which the database went, until a second after nobody passes.
async fn while_away(node: &Node, report: &mut Report) {
    let mut caller = node.caller("front");
    let cut = Instant::now();
    let mut passed_until = Duration::ZERO;
    let mut closed = None;
    while cut.elapsed() < Duration::from_secs(8) {
        let (status, code) = call(&mut caller).await;
        let after = cut.elapsed();
        match (status, code.as_str()) {
            (200, _) => passed_until = after,
            (503, "state_stale") => {
                closed.get_or_insert(after);
            }
            _ => report
                .broken
                .push(format!("while it is away: {status} {code}")),
        }
        if closed.is_some_and(|at| after > at + Duration::from_secs(1)) {
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    report.count("passed_until_ms", duration(passed_until));
    report.count("closed_after_ms", closed.map_or(0, duration));
    report.demand(closed.is_some(), || "it never closed".to_owned());
    report.demand(passed_until <= Duration::from_secs(5), || {
        format!("a call passed {passed_until:?} after the database was last seen")
    });
    // One try with the database away all the time is not a matter of luck.
    report.demand(passed_until >= Duration::from_secs(3), || {
        format!("nobody passed from {passed_until:?} on")
    });
    let refused = change(node).await;
    report.demand(refused == (503, "store_away".to_owned()), || {
        format!("a change got {refused:?}")
    });
}

async fn back_again(node: &Node, report: &mut Report) {
    let back = Instant::now();
    let again = until_back(node, &mut node.caller("front")).await;
    report.count("back_after_ms", millis(back));
    report.demand(again, || "it does not come back within 15 s".to_owned());
}

async fn until_back(node: &Node, caller: &mut Client) -> bool {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(15) {
        if call(caller).await.0 == 200 && change(node).await.0 < 300 {
            return true;
        }
        sleep(Duration::from_millis(100)).await;
    }
    false
}

async fn call(caller: &mut Client) -> (u16, String) {
    let answer = caller.post("/gate/metered/one", &[], &json!({})).await;
    match answer {
        Ok(answer) => (answer.status, answer.code()),
        Err(Lost::Unsent) => (0, "unsent".to_owned()),
        Err(Lost::Unknown) => (0, "lost".to_owned()),
    }
}

async fn change(node: &Node) -> (u16, String) {
    let mut operator = node.operator().patience(Duration::from_secs(30));
    let body = json!({ "capabilities": ["FREE"] }).to_string();
    let path = "/v1/profiles/another";
    let answer = operator
        .send(hyper::Method::PUT, path, &[], body.into())
        .await;
    answer.map_or((0, String::new()), |answer| (answer.status, answer.code()))
}

fn millis(since: Instant) -> u64 {
    duration(since.elapsed())
}

fn duration(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_cut_wire_carries_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let database = tokio::net::UnixListener::bind(&socket).expect("a socket");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = database.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        let wire = Wire::to(socket).await;
        assert!(echoes(wire.address).await);
        wire.cut();
        assert!(!echoes(wire.address).await);
        wire.mend();
        assert!(echoes(wire.address).await);
    }

    async fn echoes(address: SocketAddr) -> bool {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let Ok(mut stream) = TcpStream::connect(address).await else {
            return false;
        };
        let mut back = [0; 2];
        stream.write_all(b"hi").await.is_ok() && stream.read_exact(&mut back).await.is_ok()
    }
}
