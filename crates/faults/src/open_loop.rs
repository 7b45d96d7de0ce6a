use std::{
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use parking_lot::Mutex;
use rustls::ClientConfig;
use tokio::{
    io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf},
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

use crate::secure::{Wire, connect};

/// A call that is made again and again, by a clock that waits for nobody.
///
/// How long a call took is measured from the moment it was due, not from the moment it could be
/// sent: a server that stalls is not spared the calls that were due meanwhile.
#[derive(Clone, Debug)]
pub struct Offer {
    address: SocketAddr,
    request: Arc<[u8]>,
    /// Calls that fall due in a second.
    pub rate: u32,
    /// For how long.
    pub lasts: Duration,
    /// Connections at most; calls that are due while all are busy wait.
    pub connections: usize,
    /// Whom to trust, for calls over TLS.
    trust: Option<Arc<ClientConfig>>,
}

/// What became of the calls of an [`Offer`].
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Microseconds that each call took whose answer was a success, in the order they were due.
    pub served: Vec<u64>,
    /// The same of those that were answered 503.
    pub shed: Vec<u64>,
    /// The same of those that were answered 503, from sending to the answer.
    pub shed_after_sending: Vec<u64>,
    /// Calls answered otherwise, by status.
    pub others: BTreeMap<u16, usize>,
    /// Calls that were answered nothing, by why.
    pub failed: BTreeMap<&'static str, usize>,
    /// Calls sent a second time, because a connection that had been used before was closed
    /// without a byte of an answer.
    pub sent_again: usize,
    /// Answers after which the server closed the connection, and said so.
    pub told_to_close: usize,
}

/// How long a call is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

impl Offer {
    /// `GET path` as the app with this key.
    #[must_use]
    pub fn get(address: SocketAddr, key: &(String, String), path: &str) -> Self {
        Self::of(address, key, &format!("GET {path} HTTP/1.1"), "")
    }

    /// `POST path` of a body as the app with this key.
    #[must_use]
    pub fn post(address: SocketAddr, key: &(String, String), path: &str, body: &str) -> Self {
        Self::of(address, key, &format!("POST {path} HTTP/1.1"), body)
    }

    fn of(address: SocketAddr, (id, secret): &(String, String), line: &str, body: &str) -> Self {
        let pair = STANDARD.encode(format!("{id}:{secret}"));
        let length = if body.is_empty() {
            String::new()
        } else {
            let length = body.len();
            format!("content-type: application/json\r\ncontent-length: {length}\r\n")
        };
        let head = format!("{line}\r\nhost: {address}\r\nauthorization: Basic {pair}\r\n{length}");
        Self {
            address,
            request: format!("{head}\r\n{body}").into_bytes().into(),
            rate: 100,
            lasts: Duration::from_secs(5),
            connections: 256,
            trust: None,
        }
    }

    /// The same at another rate.
    #[must_use]
    pub fn at(&self, rate: u32, lasts: Duration) -> Self {
        Self {
            rate,
            lasts,
            ..self.clone()
        }
    }

    /// The same over so many connections at most.
    #[must_use]
    pub fn over(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// The same over TLS.
    #[must_use]
    pub fn trusting(mut self, trust: Option<Arc<ClientConfig>>) -> Self {
        self.trust = trust;
        self
    }

    /// Makes the calls, and waits for all of them.
    pub async fn make(&self) -> Tally {
        let due = Arc::new(Due::default());
        let tally = Arc::new(Mutex::new(Tally::default()));
        let mut callers = JoinSet::new();
        for _ in 0..self.connections {
            callers.spawn(call(self.clone(), Arc::clone(&due), Arc::clone(&tally)));
        }
        let began = Instant::now();
        let total = u64::from(self.rate) * self.lasts.as_secs();
        let mut made = 0;
        while made < total {
            let gone = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            let wanted = (gone * u64::from(self.rate) / 1_000_000).min(total);
            let at = |n: u64| began + Duration::from_micros(n * 1_000_000 / u64::from(self.rate));
            due.add((made..wanted).map(at));
            made = wanted;
            sleep(Duration::from_millis(1)).await;
        }
        due.waiting.close();
        while callers.join_next().await.is_some() {}
        std::mem::take(&mut *tally.lock())
    }

    /// Calls that `connections` callers get done in a second when each makes one after the other.
    pub async fn closed(&self, connections: usize, lasts: Duration) -> u32 {
        let due = Arc::new(Due::default());
        let tally = Arc::new(Mutex::new(Tally::default()));
        let mut callers = JoinSet::new();
        let ends = Instant::now() + lasts;
        for _ in 0..connections {
            let (offer, due, tally) = (self.clone(), Arc::clone(&due), Arc::clone(&tally));
            callers.spawn(async move {
                let mut connection = None;
                while Instant::now() < ends {
                    once(&offer, Instant::now(), &mut connection, &tally).await;
                }
                drop(due);
            });
        }
        sleep_until(ends).await;
        let served = tally.lock().served.len() as u64;
        while callers.join_next().await.is_some() {}
        u32::try_from(served * 1_000 / u64::try_from(lasts.as_millis()).unwrap_or(1)).unwrap_or(0)
    }
}

struct Due {
    calls: Mutex<VecDeque<Instant>>,
    waiting: Semaphore,
}

impl Default for Due {
    fn default() -> Self {
        Self {
            calls: Mutex::default(),
            waiting: Semaphore::new(0),
        }
    }
}

impl Due {
    fn add(&self, calls: impl Iterator<Item = Instant>) {
        let mut queue = self.calls.lock();
        let before = queue.len();
        queue.extend(calls);
        self.waiting.add_permits(queue.len() - before);
    }

    /// The next; `None` when no more will come.
    async fn next(&self) -> Option<Instant> {
        if let Ok(permit) = self.waiting.acquire().await {
            permit.forget();
        }
        self.calls.lock().pop_front()
    }
}

async fn call(offer: Offer, due: Arc<Due>, tally: Arc<Mutex<Tally>>) {
    let mut connection = None;
    while let Some(at) = due.next().await {
        once(&offer, at, &mut connection, &tally).await;
    }
}

struct Connection {
    stream: Box<dyn Wire>,
    used: bool,
}

async fn once(offer: &Offer, due: Instant, kept: &mut Option<Connection>, tally: &Mutex<Tally>) {
    let mut answered = exchange(offer, kept).await;
    if matches!(answered, Err("closed before an answer")) {
        tally.lock().sent_again += 1;
        answered = exchange(offer, kept).await;
    }
    let micros = |since: Instant| u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
    let took = micros(due);
    let mut tally = tally.lock();
    tally.told_to_close += usize::from(matches!(answered, Ok(Told { closes: true, .. })));
    match answered {
        Ok(Told {
            status: 200..=299, ..
        }) => tally.served.push(took),
        Ok(Told {
            status: 503, sent, ..
        }) => {
            tally.shed.push(took);
            tally.shed_after_sending.push(micros(sent));
        }
        Ok(Told { status, .. }) => *tally.others.entry(status).or_default() += 1,
        Err(why) => *tally.failed.entry(why).or_default() += 1,
    }
}

/// An answer.
struct Told {
    status: u16,
    /// When its request was sent.
    sent: Instant,
    /// Whether the connection ends with it.
    closes: bool,
}

/// A kept connection on which nothing has come, its end included.
async fn still_open(kept: &mut Option<Connection>) -> Option<Connection> {
    let mut connection = kept.take()?;
    let mut bytes = [0];
    let silent = poll_fn(|cx| {
        let mut bytes = ReadBuf::new(&mut bytes);
        let read = Pin::new(&mut connection.stream).poll_read(cx, &mut bytes);
        Poll::Ready(read.is_pending())
    });
    silent.await.then_some(connection)
}

async fn exchange(offer: &Offer, kept: &mut Option<Connection>) -> Result<Told, &'static str> {
    let mut connection = if let Some(connection) = still_open(kept).await {
        connection
    } else {
        let connecting = timeout(PATIENCE, connect(offer.address, offer.trust.as_ref())).await;
        Connection {
            stream: connecting.map_err(|_| "no connection in time")??,
            used: false,
        }
    };
    let used = connection.used;
    let lost = |at_all: bool| match (used, at_all) {
        (true, false) => "closed before an answer",
        (false, false) => "a new connection closed before an answer",
        (_, true) => "closed within an answer",
    };
    let sent = Instant::now();
    let written = async {
        connection.stream.write_all(&offer.request).await?;
        connection.stream.flush().await
    };
    written.await.map_err(|_| lost(false))?;
    let answer = timeout(PATIENCE, read(&mut connection.stream)).await;
    let answer = answer.map_err(|_| "no answer in time")?;
    let (status, closes) = answer.map_err(lost)?;
    connection.used = true;
    if !closes {
        *kept = Some(connection);
    }
    Ok(Told {
        status,
        sent,
        closes,
    })
}

/// Status, and whether the connection ends with the answer; an error tells whether anything of
/// the answer had come.
async fn read(stream: &mut Box<dyn Wire>) -> Result<(u16, bool), bool> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        let more = stream.read_buf(&mut bytes).await;
        if !more.is_ok_and(|more| more > 0) {
            return Err(!bytes.is_empty());
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let field = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(':'));
            let mut found = lines.filter(|(field, _)| field.eq_ignore_ascii_case(name));
            found.next().map(|(_, value)| value.trim().to_owned())
        };
        let length = field("content-length").and_then(|text| text.parse::<usize>().ok());
        let whole = match length {
            Some(length) => body.len() >= length,
            None => body.ends_with("0\r\n\r\n") || head.starts_with("HTTP/1.1 204"),
        };
        if whole {
            let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
            let last = field("connection").is_some_and(|value| value == "close");
            return Ok((status.unwrap_or(0), last));
        }
    }
}

impl Tally {
    /// Calls that were neither served nor shed.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.others.values().sum::<usize>() + self.failed.values().sum::<usize>()
    }

    /// What was answered otherwise or not at all, in words.
    #[must_use]
    pub fn losses(&self) -> String {
        format!("{:?} {:?}", self.others, self.failed)
    }
}

/// The value that `percent` of `values` do not exceed; 0 of none.
#[must_use]
pub fn percentile(values: &[u64], percent: usize) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}
