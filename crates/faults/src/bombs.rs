use std::{path::Path, time::Duration};

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{Client, Launch, Process, Provider, Report};

/// What may be resident beyond what was before one of them, and after all: 16 MiB.
const MOST_KIB: u64 = 16 * 1024;
/// Between one and the next.
const PAUSE: Duration = Duration::from_millis(100);
/// How often each is sent.
const TIMES: usize = 3;
const JSON: &str = "application/json";

/// A request that is small and wants to be large: its name, headers and body.
struct Bomb {
    name: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

fn bomb(name: &'static str, content_type: &str, body: String) -> Bomb {
    Bomb {
        name,
        headers: vec![("content-type", content_type.to_owned())],
        body,
    }
}

#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn bombs() -> Vec<Bomb> {
    const MANY: usize = 100_000;
    let form = "application/x-www-form-urlencoded";
    let fields: Vec<String> = (0..MANY).map(|at| format!("f{at}=1")).collect();
    let keys: Vec<String> = (0..60_000).map(|at| format!(r#""key-{at}":1"#)).collect();
    let lists: Vec<String> = (0..33_000).map(|at| format!(r#""k{at}":[{at}]"#)).collect();
    let part = "--b\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n";
    let mut all = vec![
        bomb(
            "lists in lists",
            JSON,
            ["[".repeat(MANY), "]".repeat(MANY)].concat(),
        ),
        bomb("objects in objects", JSON, r#"{"a":"#.repeat(MANY)),
        bomb(
            "a key very often",
            JSON,
            format!(r#"{{"amount":1{}}}"#, r#","x":1"#.repeat(MANY)),
        ),
        bomb(
            "many keys",
            JSON,
            format!(r#"{{"amount":"x",{}}}"#, keys.join(",")),
        ),
        bomb(
            "as many values as are read",
            JSON,
            format!(r#"{{"amount":"x",{}}}"#, lists.join(",")),
        ),
        bomb(
            "too many values",
            JSON,
            format!("[{}1]", "1,".repeat(400_000)),
        ),
        bomb(
            "a million digits",
            JSON,
            format!(r#"{{"amount":{}}}"#, "9".repeat(1_000_000)),
        ),
        bomb(
            "a large exponent",
            JSON,
            r#"{"amount":1e1000000000}"#.to_owned(),
        ),
        bomb(
            "an escaped text",
            JSON,
            format!(r#"{{"amount":"{}"}}"#, "\\u0041".repeat(160_000)),
        ),
        bomb(
            "form fields",
            form,
            format!("amount=x&{}", fields.join("&")),
        ),
        bomb(
            "escapes in a form",
            form,
            format!("amount={}", "%41".repeat(300_000)),
        ),
        bomb(
            "parts",
            "multipart/form-data; boundary=b",
            part.repeat(20_000),
        ),
    ];
    for coding in ["gzip", "br", "zstd", "deflate", "gzip, gzip, br"] {
        let mut encoded = bomb("an encoded body", JSON, "\u{0}".repeat(1_000_000));
        encoded
            .headers
            .push(("content-encoding", coding.to_owned()));
        all.push(encoded);
    }
    for value in ["a".repeat(MANY), "a,".repeat(MANY / 2)] {
        let mut head = bomb("a large head", JSON, r#"{"amount":"1"}"#.to_owned());
        head.headers.push(("x-large", value));
        all.push(head);
    }
    all
}

/// S-19: bodies and heads that grow when they are read are refused, and what they take of memory
/// is bounded.
///
/// # Panics
/// When the node does not start.
pub async fn refused(binary: &Path) -> Report {
    let mut report = Report::new("bombs", &["S-19"], (0, 0));
    let provider = Provider::new().await;
    let started = provider.start(Launch::dev(binary)).await;
    let mut node = started.expect("the node starts");
    let mut caller = node.caller("front");
    // What a first call sets up is not counted.
    let ordinary = json!({ "amount": "1" });
    ordinary_calls(&mut caller, &mut report, &ordinary).await;
    let served = provider.origin.served().len();
    let process = Process::of(node.process().expect("it runs"));
    let before = process.resident();
    let mut most = 0;
    for bomb in bombs() {
        process.forget_peak();
        let known = process.resident();
        for _ in 0..TIMES {
            let told = send(&mut caller, &bomb).await;
            report.demand(matches!(told, 400..=431), || {
                format!("{}: answered {told}", bomb.name)
            });
            // What one of them takes is asked, not what the allocator has not given back yet.
            sleep(PAUSE).await;
        }
        let more = process.peak().saturating_sub(known);
        if more > most {
            report.count("took_most", bomb.name);
            most = more;
        }
        report.demand(more <= MOST_KIB, || {
            format!("{}: {more} KiB more", bomb.name)
        });
    }
    report.demand(provider.origin.served().len() == served, || {
        "the origin was asked".to_owned()
    });
    // The allocator gives back what was freed while it is asked for more, a little later.
    ordinary_calls(&mut caller, &mut report, &ordinary).await;
    let grown = process.resident().saturating_sub(before);
    report.count("kib_before", before);
    report.count("kib_more_at_most", most);
    report.count("kib_more_after_all", grown);
    report.demand(grown <= MOST_KIB, || format!("{grown} KiB more after all"));
    report.demand(before > 0 && node.is_running(), || {
        "the node is gone".to_owned()
    });
    node.kill().await;
    report
}

/// Twenty calls that are served, one after the other.
async fn ordinary_calls(caller: &mut Client, report: &mut Report, body: &Value) {
    for _ in 0..20 {
        let served = caller.post("/gate/weighed/1", &[], body);
        let served = served.await.is_ok_and(|answer| answer.status == 200);
        report.demand(served, || "an ordinary call is not served".to_owned());
        sleep(Duration::from_millis(30)).await;
    }
}

/// The status that it was answered with; 0 without an answer.
async fn send(caller: &mut Client, bomb: &Bomb) -> u16 {
    let headers: Vec<(&str, &str)> = bomb
        .headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let body = Bytes::from(bomb.body.clone());
    let answer = caller.send(Method::POST, "/gate/weighed/1", &headers, body);
    answer.await.map_or(0, |answer| answer.status)
}
