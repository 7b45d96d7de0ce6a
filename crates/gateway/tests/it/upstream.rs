//! An upstream at the level of bytes: reads requests, and answers as a script says.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

/// A request as it came, byte by byte.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }
}

/// What to do after a request.
#[derive(Clone)]
pub(crate) enum Step {
    Send(String),
    Wait(u64),
    /// Reads until the other side is gone.
    AwaitEnd,
    Close,
}

pub(crate) type Script = Arc<dyn Fn(&Received) -> Vec<Step> + Send + Sync>;

/// A running upstream.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    /// How often the other side closed while `AwaitEnd` waited for it.
    ends: Arc<Mutex<usize>>,
}

/// A whole answer with a body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    vec![Step::Send(format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    ))]
}

pub(crate) fn ok(_: &Received) -> Vec<Step> {
    answer("200 OK", "", "fine")
}

impl Upstream {
    pub(crate) async fn start(
        script: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(Arc::new(script), None, Duration::ZERO).await
    }

    /// Begins to answer when the head is there, without the body.
    pub(crate) async fn start_with(
        script: Script,
        tls: Option<TlsAcceptor>,
        delay: Duration,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let ends = Arc::new(Mutex::new(0));
        let (log, seen_ends) = (Arc::clone(&received), Arc::clone(&ends));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, log, ends) = (
                    Arc::clone(&script),
                    Arc::clone(&log),
                    Arc::clone(&seen_ends),
                );
                let tls = tls.clone();
                tokio::spawn(async move {
                    sleep(delay).await;
                    match tls {
                        None => converse(stream, script, log, ends).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                converse(stream, script, log, ends).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            received,
            ends,
        }
    }

    /// Answers as soon as a head is there, before its body, and goes on reading after it.
    pub(crate) async fn start_early(
        script: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (log, script) = (Arc::clone(&received), Arc::new(script));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (log, script) = (Arc::clone(&log), Arc::clone(&script));
                tokio::spawn(async move {
                    let mut buffer = Vec::new();
                    while let Some(head) = read_head(&mut stream, &mut buffer).await {
                        log.lock().push(head.clone());
                        for step in script(&head) {
                            if let Step::Send(text) = step {
                                let _ = stream.write_all(text.as_bytes()).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            received,
            ends: Arc::default(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/base", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().clone()
    }

    pub(crate) fn only(&self) -> Received {
        let received = self.received();
        assert_eq!(received.len(), 1, "{received:?}");
        received.into_iter().next().unwrap()
    }

    pub(crate) fn ends(&self) -> usize {
        *self.ends.lock()
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    script: Script,
    log: Arc<Mutex<Vec<Received>>>,
    ends: Arc<Mutex<usize>>,
) {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await {
        log.lock().push(request.clone());
        for step in script(&request) {
            match step {
                Step::Send(text) => {
                    if stream.write_all(text.as_bytes()).await.is_err() {
                        *ends.lock() += 1;
                        return;
                    }
                    let _ = stream.flush().await;
                }
                Step::Wait(millis) => sleep(Duration::from_millis(millis)).await,
                Step::AwaitEnd => {
                    let mut rest = Vec::new();
                    let _ = stream.read_to_end(&mut rest).await;
                    *ends.lock() += 1;
                    return;
                }
                Step::Close => return,
            }
        }
    }
}

/// Reads a head; whatever follows it stays in `buffer`.
async fn read_head<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut Vec<u8>) -> Option<Received> {
    let end = loop {
        if let Some(at) = find(buffer, b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer.drain(..end).collect()).unwrap();
    Some(Received {
        head,
        body: Vec::new(),
    })
}

async fn read_request<S: AsyncRead + Unpin>(
    stream: &mut S,
    buffer: &mut Vec<u8>,
) -> Option<Received> {
    let mut request = read_head(stream, buffer).await?;
    let length = request
        .header("content-length")
        .map(|text| text.parse::<usize>().unwrap());
    if let Some(length) = length {
        while buffer.len() < length {
            if stream.read_buf(buffer).await.ok()? == 0 {
                break;
            }
        }
        let length = length.min(buffer.len());
        request.body = buffer.drain(..length).collect();
    } else if request.header("transfer-encoding").is_some() {
        while !is_last_chunk_there(buffer) {
            if stream.read_buf(buffer).await.ok()? == 0 {
                break;
            }
        }
        request.body = std::mem::take(buffer);
    }
    Some(request)
}

fn is_last_chunk_there(buffer: &[u8]) -> bool {
    let last = buffer.starts_with(b"0\r\n") || find(buffer, b"\r\n0\r\n").is_some();
    last && buffer.ends_with(b"\r\n\r\n")
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
