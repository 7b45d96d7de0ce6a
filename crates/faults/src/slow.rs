use std::{net::SocketAddr, path::PathBuf, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{Authority, Launch, Node, Offer, Process, Provider, Report, Workshop, percentile};

/// How honest callers fare beside slow ones.
#[derive(Clone, Debug)]
pub struct Slow {
    /// The binary.
    pub binary: PathBuf,
    /// Slow connections of each kind.
    pub connections: usize,
    /// The calls that honest callers make in a second.
    pub honest: u32,
    /// Whether what a release build takes of memory is to be demanded.
    pub release: bool,
}

/// What a slow caller is slow at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A head, a byte now and then.
    Head,
    /// A body, of which nothing comes after its beginning.
    Body,
    /// An answer, of which nothing is read.
    Answer,
    /// A TLS hello that never comes to its end.
    Hello,
}

/// Every deadline of the node, in seconds.
const DEADLINE: u64 = 3;
/// An answer that fits into no buffer on the way.
const LONG: usize = 8 * 1024 * 1024;

/// F-18: slow heads, slow bodies, answers that are not read, TLS hellos that never end, while
/// honest callers go on.
///
/// # Panics
/// When the node does not start.
pub async fn slow(wanted: &Slow) -> Report {
    let mut report = Report::new("slow", &["F-18"], (0, 0));
    for kind in [Kind::Head, Kind::Body, Kind::Hello] {
        one_kind(wanted, kind, &mut report).await;
    }
    if wanted.release {
        // How soon such a one is ended depends on what the system's buffers hold of the answer.
        one_kind(wanted, Kind::Answer, &mut report).await;
    }
    report
}

#[expect(
    clippy::too_many_lines,
    reason = "one run, told from its beginning to its end"
)]
async fn one_kind(wanted: &Slow, kind: Kind, report: &mut Report) {
    let quick = Workshop::open(64, Duration::from_millis(2), 16);
    let long = Workshop::open(10_000, Duration::from_millis(2), LONG);
    let provider = Provider::new().await;
    let mut launch = Launch::dev(&wanted.binary);
    for key in ["HEAD", "BODY_IDLE", "ANSWER_IDLE"] {
        let name = format!("PORTREEVE__LIMITS__{key}_SECONDS");
        launch = launch.variable(name, DEADLINE.to_string());
    }
    // All of them come from one address, and those with a body are calls.
    launch = launch
        .variable("PORTREEVE__LIMITS__CONNECTIONS", "16384")
        .variable("PORTREEVE__LIMITS__CALLS", "16384")
        .variable("PORTREEVE__LIMITS__CONNECTIONS_PER_ADDRESS", "0");
    if kind == Kind::Hello {
        // Honest callers of this kind speak plain HTTP to another node's listener: what is asked
        // is whether stalled hellos are ended, and what each of them holds.
        launch = launch.secured(Authority::new().issue(provider.folder(), (2020, 2100)));
    }
    let origin = if kind == Kind::Answer { &long } else { &quick };
    let launch = provider.launch_before(launch, origin.url());
    let started = Node::start(&launch, provider.folder()).await;
    let node = started.expect("the node starts");
    let process = Process::of(node.process().expect("it runs"));
    let name = |what: &str| format!("{kind:?}_{what}").to_lowercase();
    let honest = Offer::get(node.public(), &node.key("front"), "/gate/free/1");
    let honest = (kind == Kind::Head || kind == Kind::Body).then_some(honest);
    let lasts = Duration::from_secs(3);
    let calm = match &honest {
        Some(offer) => offer.at(wanted.honest, lasts).make().await,
        None => crate::Tally::default(),
    };
    let before = process.resident();
    let (sample, sampled) = tokio::sync::oneshot::channel();
    let slow_ones = many(kind, &node, wanted.connections);
    let honest_ones = async {
        sleep(Duration::from_secs(1)).await;
        let during = match &honest {
            Some(offer) => offer.at(wanted.honest, lasts).make().await,
            None => crate::Tally::default(),
        };
        let _ = sample.send(());
        during
    };
    let memory = async {
        let mut most = 0;
        let mut sampled = sampled;
        while timeout(Duration::from_millis(100), &mut sampled)
            .await
            .is_err()
        {
            most = most.max(process.resident());
        }
        most
    };
    let (fates, during, most) = tokio::join!(slow_ones, honest_ones, memory);
    let count = |fate: Fate| fates.iter().filter(|one| **one == fate).count();
    let ended: Vec<u64> = fates.iter().filter_map(Fate::millis).collect();
    for fate in [Fate::NotOpened, Fate::Whole, Fate::Open] {
        report.count(&name(fate.as_str()), count(fate));
    }
    let each = most.saturating_sub(before) * 1024 / (wanted.connections as u64);
    let (early, late) = (percentile(&ended, 0), percentile(&ended, 100));
    report.count(&name("connections"), ended.len());
    report.count(&name("ended_after_millis_from"), early);
    report.count(&name("ended_after_millis_to"), late);
    report.count(&name("bytes_each"), each);
    report.demand(ended.len() == wanted.connections, || {
        format!(
            "{kind:?}: {} could not be opened, {} had their answer whole, {} were never ended",
            count(Fate::NotOpened),
            count(Fate::Whole),
            count(Fate::Open)
        )
    });
    let due = DEADLINE * 1_000;
    let spare = if wanted.release { 1_000 } else { 2_500 };
    report.demand(early + 1_000 >= due && late <= due + spare, || {
        format!("{kind:?}: ended after {early} to {late} ms, not {due}")
    });
    if wanted.release && kind != Kind::Answer {
        report.demand(each <= 32 * 1024, || {
            format!("{kind:?}: {each} bytes for each")
        });
    }
    if honest.is_some() {
        let (was, is) = (percentile(&calm.served, 99), percentile(&during.served, 99));
        report.count(&name("honest"), during.served.len());
        report.count(&name("honest_p99_micros"), is);
        report.count(&name("honest_p99_micros_before"), was);
        report.demand(during.lost() == 0 && during.shed.is_empty(), || {
            format!("{kind:?}: honest calls failed: {}", during.losses())
        });
        // Below these the two cores of the machine are what is measured.
        let noise = if wanted.release { 10_000 } else { 2_000_000 };
        report.demand(is <= (2 * was).max(noise), || {
            format!("{kind:?}: honest p99 {is} µs after {was} µs")
        });
    }
}

/// What became of a slow connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It was ended after so many milliseconds.
    Ended(u64),
    /// It could not be opened, or its request was not taken.
    NotOpened,
    /// Its answer came whole although nobody read it.
    Whole,
    /// It was still open after a minute.
    Open,
}

impl Fate {
    fn millis(&self) -> Option<u64> {
        match self {
            Self::Ended(millis) => Some(*millis),
            Self::NotOpened | Self::Whole | Self::Open => None,
        }
    }

    fn ended(after: Duration) -> Self {
        Self::Ended(u64::try_from(after.as_millis()).unwrap_or(u64::MAX))
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ended(_) => "ended",
            Self::NotOpened => "not_opened",
            Self::Whole => "whole",
            Self::Open => "open",
        }
    }
}

/// What became of each of `count` slow connections.
async fn many(kind: Kind, node: &Node, count: usize) -> Vec<Fate> {
    let (id, secret) = node.key("front");
    let pair = STANDARD.encode(format!("{id}:{secret}"));
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let (address, pair) = (node.public(), pair.clone());
        tasks.spawn(async move {
            // All at once would only measure the backlog, and how long the first megabytes of so
            // many answers take.
            let apart = if kind == Kind::Answer { 2_000 } else { 200 };
            sleep(Duration::from_micros(number as u64 * apart)).await;
            let fate = timeout(Duration::from_mins(1), one(kind, address, &pair)).await;
            fate.map_or(Fate::Open, |fate| fate.unwrap_or(Fate::NotOpened))
        });
    }
    tasks.join_all().await
}

/// `None` when it could not be opened.
async fn one(kind: Kind, address: SocketAddr, pair: &str) -> Option<Fate> {
    let socket = TcpSocket::new_v4().ok()?;
    if kind == Kind::Answer {
        socket.set_recv_buffer_size(4096).ok()?;
    }
    let mut stream = socket.connect(address).await.ok()?;
    let head = format!("host: {address}\r\nauthorization: Basic {pair}\r\n");
    let began = match kind {
        Kind::Head => "POST /gate/free/1 HTTP/1.1\r\n".to_owned(),
        Kind::Body => {
            format!("POST /gate/free/1 HTTP/1.1\r\n{head}content-length: 100\r\n\r\nbegun")
        }
        Kind::Answer => format!("GET /gate/free/1 HTTP/1.1\r\n{head}\r\n"),
        // The beginning of a record of the handshake.
        Kind::Hello => "\u{16}\u{3}\u{1}".to_owned(),
    };
    let connected = Instant::now();
    stream.write_all(began.as_bytes()).await.ok()?;
    match kind {
        Kind::Head => drip(&mut stream).await,
        Kind::Body | Kind::Hello => {
            // An answer may come first: what counts is the end.
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }
        Kind::Answer => {
            // The answer stands still some time after it has begun.
            stream.readable().await.ok()?;
            let due = Duration::from_millis(DEADLINE * 1_000 + 900);
            let given_up = unread(&mut stream).await;
            return Some(if given_up {
                Fate::ended(due)
            } else {
                Fate::Whole
            });
        }
    }
    Some(Fate::ended(connected.elapsed()))
}

/// Sends a byte of a header each half second until it is not taken any more.
async fn drip(stream: &mut TcpStream) {
    let mut byte = [0];
    loop {
        match timeout(Duration::from_millis(500), stream.read(&mut byte)).await {
            Ok(Ok(0) | Err(_)) => return,
            Ok(Ok(_)) => {}
            Err(_) => {
                if stream.write_all(b"x").await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Reads nothing until just before the deadline may be missed, and tells whether the answer had
/// been given up by then. Until it reads, a caller sees nothing of an end that stands behind data.
async fn unread(stream: &mut TcpStream) -> bool {
    sleep(Duration::from_millis(DEADLINE * 1_000 + 900)).await;
    // Of a whole answer the connection is kept: it is not read to its end.
    let mut rest = Vec::new();
    let _ = stream.take(LONG as u64).read_to_end(&mut rest).await;
    rest.len() < LONG
}
