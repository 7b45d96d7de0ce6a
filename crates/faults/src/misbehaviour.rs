use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use hyper::Method;
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

use crate::{Client, Launch, Node, Provider, Report};

/// How an upstream misbehaves under load.
#[derive(Clone, Debug)]
pub struct Misbehaviour {
    /// The binary.
    pub binary: PathBuf,
    /// Calls altogether.
    pub calls: usize,
    /// How many at once.
    pub callers: usize,
}

/// What the upstream does to a call, by the beginning of its id. The first is what it should do;
/// it is done to every other call.
const WAYS: [&str; 11] = [
    "good", "reset", "cut", "short", "long", "storm", "flood", "early", "half", "late", "none",
];

/// Ways of answering that are odd but whole. An answer that comes before its request has gone out
/// may be taken for one that belongs to no request.
const WHOLE: [&str; 4] = ["good", "storm", "half", "late"];

const HINT: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";

/// What is noted of a call that should have been answered, and was not.
const NO_ANSWER: &str = "no answer of the upstream";

#[derive(Default)]
struct Came(Mutex<HashMap<String, usize>>);

/// F-39: an upstream that resets, truncates, says too much, hints without end, answers early or
/// late or not at all, among calls that it answers well.
///
/// # Panics
/// When the node does not start.
pub async fn misbehaviour(wanted: &Misbehaviour) -> Report {
    let mut report = Report::new("misbehaviour", &["F-39"], (0, 0));
    let came = Arc::new(Came::default());
    let (url, origin) = open(Arc::clone(&came)).await;
    let provider = Provider::new().await;
    let launch = provider.launch_before(Launch::dev(&wanted.binary), &url);
    let started = Node::start(&launch, provider.folder()).await;
    let mut node = started.expect("the node starts");
    let mut callers = JoinSet::new();
    for caller in 0..wanted.callers {
        let numbers = (caller..wanted.calls).step_by(wanted.callers);
        callers.spawn(calls(node.caller("front"), numbers.collect()));
    }
    let (mut wrong, mut answered) = (Vec::new(), 0);
    while let Some(done) = callers.join_next().await {
        let (good, mut bad) = done.expect("a caller ends");
        answered += good;
        wrong.append(&mut bad);
    }
    origin.abort();
    let came = came.0.lock();
    let repeated = came.values().filter(|times| **times > 1).count();
    let foreign = wrong.iter().filter(|line| line.contains("foreign")).count();
    // A kept connection may break under a call that has not been read yet, for what came before
    // it. Whether it was is not to be known, so it is not sent again; the upstream knows.
    let unread = |line: &String| {
        let id = line.split(':').next().unwrap_or_default();
        line.contains(NO_ANSWER) && !came.contains_key(id)
    };
    let lost = wrong.iter().filter(|line| unread(line)).count();
    wrong.retain(|line| !unread(line));
    report.count("calls", wanted.calls);
    report.count("answered_well", answered);
    report.count("reached_the_upstream", came.len());
    report.count("sent_twice", repeated);
    report.count("foreign_bytes", foreign);
    report.count("broke_before_it_was_read", lost);
    report.demand(lost * 50 <= wanted.calls, || {
        format!("{lost} calls broke before they were read")
    });
    report.demand(repeated == 0, || {
        format!("{repeated} calls were sent twice")
    });
    for line in wrong.into_iter().take(10) {
        report.demand(false, || line);
    }
    report.demand(node.is_running(), || "the node is gone".to_owned());
    report
}

/// How many calls were answered well, and what was wrong with others.
async fn calls(mut caller: Client, numbers: Vec<usize>) -> (usize, Vec<String>) {
    let (mut good, mut wrong) = (0, Vec::new());
    for number in numbers {
        let way = if number % 2 == 0 {
            "good"
        } else {
            WAYS.get(number / 2 % WAYS.len()).copied().unwrap_or("good")
        };
        let id = format!("{way}-{number}");
        let path = format!("/gate/free/{id}");
        let began = tokio::time::Instant::now();
        let body = bytes::Bytes::from(format!("body of {id}"));
        let answer = caller.send(Method::POST, &path, &[], body).await;
        let took = began.elapsed();
        let mut note = |what: &str| wrong.push(format!("{id}: {what} after {took:?}: {answer:?}"));
        match &answer {
            Ok(answer) if answer.status == 200 && way == "flood" => note("not given up"),
            Ok(answer) if answer.status == 200 => {
                let text = String::from_utf8_lossy(&answer.body);
                if text == format!("done {id}.") {
                    good += 1;
                } else {
                    note(if text.contains(&id) {
                        "not its answer"
                    } else {
                        "foreign bytes"
                    });
                }
            }
            _ if WHOLE.contains(&way) => note(NO_ANSWER),
            Ok(answer) if answer.status != 502 => note("not told as broken"),
            _ => {}
        }
    }
    (good, wrong)
}

async fn open(came: Arc<Came>) -> (String, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(serve(stream, Arc::clone(&came)));
        }
    });
    (format!("http://{address}"), task)
}

async fn serve(mut stream: TcpStream, came: Arc<Came>) {
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if !stream.read_buf(&mut bytes).await.is_ok_and(|more| more > 0) {
                return;
            }
        };
        let head: Vec<u8> = bytes.drain(..end).collect();
        let head = String::from_utf8_lossy(&head).to_lowercase();
        let line = head.lines().next().unwrap_or_default();
        let id = line
            .split(' ')
            .nth(1)
            .and_then(|path| path.rsplit('/').next());
        let id = id.unwrap_or_default().to_owned();
        *came.0.lock().entry(id.clone()).or_default() += 1;
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        let length = field("content-length:").and_then(|text| text.trim().parse().ok());
        let length: usize = length.unwrap_or(0);
        let way = id.split('-').next().unwrap_or_default().to_owned();
        let done = format!("done {id}.");
        let ok = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{done}",
            done.len()
        );
        if way == "early" && stream.write_all(ok.as_bytes()).await.is_err() {
            return;
        }
        while bytes.len() < length {
            if !stream.read_buf(&mut bytes).await.is_ok_and(|more| more > 0) {
                return;
            }
        }
        bytes.drain(..length);
        if !answer(&mut stream, &way, &ok, &done).await {
            return;
        }
    }
}

/// Whether the connection goes on.
async fn answer(stream: &mut TcpStream, way: &str, ok: &str, done: &str) -> bool {
    let long = done.len() + 1_000;
    let begun = format!("HTTP/1.1 200 OK\r\ncontent-length: {long}\r\n\r\n{done}");
    let (text, goes_on) = match way {
        "early" => (String::new(), true),
        "good" => (ok.to_owned(), true),
        "storm" => (HINT.repeat(40) + ok, true),
        // Nobody waits for what stands behind so many.
        "flood" => (HINT.repeat(1_000) + ok, true),
        // What comes after an answer belongs to nobody.
        "long" => (
            format!("{ok}HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"),
            true,
        ),
        "late" => {
            sleep(Duration::from_millis(200)).await;
            (ok.to_owned(), true)
        }
        "half" => (ok.to_owned(), false),
        "cut" => {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            (format!("{head}{:x}\r\n{done}\r\n", done.len()), false)
        }
        "short" | "reset" => (begun, false),
        _ => (String::new(), false),
    };
    if stream.write_all(text.as_bytes()).await.is_err() {
        return false;
    }
    match way {
        "reset" => {
            sleep(Duration::from_millis(5)).await;
            let _ = stream.set_zero_linger();
        }
        "half" => {
            let _ = stream.shutdown().await;
            // Whatever is still sent here must not be a call.
            sleep(Duration::from_millis(100)).await;
        }
        _ => {}
    }
    goes_on
}
