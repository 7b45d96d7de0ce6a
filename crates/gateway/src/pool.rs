use std::{
    collections::HashMap,
    future,
    hash::{Hash, Hasher},
    io,
    pin::{Pin, pin},
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode, Uri, header,
    uri::{Authority, PathAndQuery, Scheme},
};
use http_body::{Body, Frame, SizeHint};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::{
    runtime::{self, Handle},
    sync::Notify,
    task::JoinHandle,
    time::{self, Instant},
};

use crate::{
    body::Outgoing,
    connector::{Connector, Stream},
    driven::Driven,
    interim::Await,
};

/// How long a connection is kept that nobody uses; less than servers commonly do.
const LONGEST_IDLE: Duration = Duration::from_mins(1);
/// How often kept connections are looked through for those that nobody used for that long.
const SWEEP: Duration = Duration::from_secs(10);
/// The longest head of an answer.
const BUFFER: usize = 64 * 1024;

/// Sends requests over kept connections, a set of them to each origin for each runtime, since the
/// runtime that made a connection is the one that wakes those who wait for it. Cheap to clone.
///
/// Whoever waits for an answer drives its connection meanwhile; a kept one is not driven, and
/// when its upstream says or closes something it is given up.
///
/// INVARIANT: a connection is kept only after the answer on it was read to its end and the
/// connection says that it is ready for another request. Everything else closes it.
#[derive(Clone)]
pub(crate) struct Sender(Arc<Lines>);

/// Where to, and on which runtime. Names are compared as they are written: one written in two ways
/// has two sets of connections.
struct Origin {
    runtime: runtime::Id,
    scheme: Scheme,
    authority: Authority,
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        self.authority.as_str() == other.authority.as_str()
            && self.scheme == other.scheme
            && self.runtime == other.runtime
    }
}

impl Eq for Origin {}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.authority.as_str().hash(state);
        self.runtime.hash(state);
    }
}

struct Line {
    sender: http1::SendRequest<Outgoing>,
    awaited: Await,
    driven: Driven<http1::Connection<TokioIo<Stream>, Outgoing>>,
}

impl Line {
    /// Whether it can take a request, when all that it was told is taken into account.
    fn is_ready(&mut self) -> bool {
        if self.driven.was_rung() {
            self.driven.keep();
        }
        self.sender.is_ready()
    }
}

struct Lines {
    connector: Connector,
    most_idle: usize,
    /// The one used last is the last.
    idle: Mutex<HashMap<Origin, Vec<Kept>>>,
    /// Told when something happens on a connection that is kept.
    unattended: Arc<Notify>,
    sweeper: Mutex<Option<JoinHandle<()>>>,
}

struct Kept {
    line: Line,
    since: Instant,
}

/// A request has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    /// There was no connection, so the upstream knows of nothing.
    #[error("no connection: {0}")]
    Unconnected(#[from] io::Error),
    /// The connection ended; what became of the request is not known.
    #[error(transparent)]
    BrokenOff(#[from] hyper::Error),
}

impl Sender {
    pub(crate) fn new(connector: Connector, most_idle: usize) -> Self {
        Self(Arc::new(Lines {
            connector,
            most_idle,
            idle: Mutex::default(),
            unattended: Arc::default(),
            sweeper: Mutex::default(),
        }))
    }

    /// Sends a request whose target is absolute. It is sent again only while not one byte of it
    /// has been written, because a kept connection turned out to be closed.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async function would keep the request twice for the time of the call"
    )]
    pub(crate) fn request(
        &self,
        mut request: Request<Outgoing>,
    ) -> impl Future<Output = Result<Response<Answering>, Unanswered>> + Send {
        async move {
            let origin = take_origin(&mut request)?;
            let sent = request.body().progress();
            loop {
                let (mut line, kept) = match self.0.take(&origin) {
                    Some(line) => (line, true),
                    // Apart, because most calls need none of its room.
                    None => (Box::pin(self.0.connect(&origin)).await?, false),
                };
                line.awaited.an_answer();
                match line.exchange(request).await {
                    // An upstream that answers before it has the whole body may take the rest
                    // of it for another request.
                    Ok(response) if !sent.has_ended() => {
                        line.part();
                        return Ok(answering(response, None));
                    }
                    Ok(response) => {
                        let back = Back {
                            line,
                            origin,
                            lines: Arc::clone(&self.0),
                        };
                        return Ok(answering(response, Some(back)));
                    }
                    Err(mut failure) => match failure.take_message() {
                        Some(unsent) if kept => request = unsent,
                        _ => return Err(failure.into_error().into()),
                    },
                }
            }
        }
    }
}

/// Splits the target: the origin is connected to, the rest goes onto the wire (RFC 9112,
/// section 3.2.1).
fn take_origin(request: &mut Request<Outgoing>) -> io::Result<Origin> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "the target is not absolute");
    let mut target = std::mem::take(request.uri_mut()).into_parts();
    let scheme = target.scheme.take().ok_or_else(invalid)?;
    let authority = target.authority.take().ok_or_else(invalid)?;
    let path = target.path_and_query.take();
    let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    if !request.headers().contains_key(header::HOST) {
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| invalid())?;
        request.headers_mut().insert(header::HOST, host);
    }
    Ok(Origin {
        runtime: Handle::current().id(),
        scheme,
        authority,
    })
}

impl Lines {
    /// The kept connection that was used last.
    fn take(&self, origin: &Origin) -> Option<Line> {
        let now = Instant::now();
        let mut idle = self.idle.lock();
        let kept = idle.get_mut(origin)?;
        while let Some(Kept { mut line, since }) = kept.pop() {
            if now.duration_since(since) >= LONGEST_IDLE {
                // Those before it have waited longer still.
                kept.clear();
            } else if line.is_ready() {
                return Some(line);
            }
        }
        None
    }

    fn put(&self, origin: Origin, line: Line) {
        let now = Instant::now();
        let mut idle = self.idle.lock();
        let kept = idle.entry(origin).or_default();
        let outlived = |kept: &Kept| now.duration_since(kept.since) >= LONGEST_IDLE;
        if kept.first().is_some_and(outlived) {
            kept.retain(|kept| !outlived(kept));
        }
        if kept.len() < self.most_idle {
            kept.push(Kept { line, since: now });
        }
    }

    async fn connect(self: &Arc<Self>, origin: &Origin) -> Result<Line, Unanswered> {
        let stream = self
            .connector
            .connect(&origin.scheme, &origin.authority)
            .await?;
        let awaited = stream.awaited();
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(BUFFER)
            .handshake(TokioIo::new(stream))
            .await?;
        self.sweep();
        Ok(Line {
            sender,
            awaited,
            driven: Driven::new(connection, &self.unattended),
        })
    }

    /// Has kept connections looked after, if nothing does.
    fn sweep(self: &Arc<Self>) {
        let mut sweeper = self.sweeper.lock();
        if sweeper.as_ref().is_none_or(JoinHandle::is_finished) {
            let (lines, unattended) = (Arc::downgrade(self), Arc::clone(&self.unattended));
            *sweeper = Some(tokio::spawn(sweep(lines, unattended)));
        }
    }
}

/// Closes kept connections that their upstreams have closed, or that nobody used for too long.
async fn sweep(lines: Weak<Lines>, unattended: Arc<Notify>) {
    loop {
        // Whichever comes first.
        let _ = time::timeout(SWEEP, unattended.notified()).await;
        let Some(lines) = lines.upgrade() else {
            return;
        };
        let now = Instant::now();
        lines.idle.lock().retain(|_, kept| {
            kept.retain_mut(|Kept { line, since }| {
                now.duration_since(*since) < LONGEST_IDLE && line.is_ready()
            });
            !kept.is_empty()
        });
    }
}

impl Line {
    /// Sends a request and waits for the head of its answer.
    async fn exchange(
        &mut self,
        request: Request<Outgoing>,
    ) -> Result<Response<Incoming>, hyper::client::conn::TrySendError<Request<Outgoing>>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let driven = &mut self.driven;
        future::poll_fn(|cx| driven.poll(cx, |cx| answer.as_mut().poll(cx))).await
    }

    /// Leaves the connection to itself, until what is on its way is over.
    fn part(mut self) {
        if let Some(connection) = self.driven.detach() {
            tokio::spawn(async move {
                if let Err(failure) = connection.await {
                    tracing::debug!(%failure, "a connection to an upstream ended early");
                }
            });
        }
    }
}

/// The way of a connection back to those that are kept.
struct Back {
    line: Line,
    origin: Origin,
    lines: Arc<Lines>,
}

impl Back {
    fn keep(self) {
        let Self {
            mut line,
            origin,
            lines,
        } = self;
        // The connection learns that its answer was taken. What is not ready then is to be closed.
        line.driven.keep();
        if line.sender.is_ready() {
            lines.put(origin, line);
        }
    }
}

/// The body of an upstream's answer. Its end gives the connection back; dropped before, it
/// takes the connection with it.
pub(crate) struct Answering {
    body: Incoming,
    back: Option<Back>,
    /// Why there is no more of it. Told one turn later than known: what came before goes out first,
    /// which an answer that breaks off would take with it.
    broken: Option<hyper::Error>,
}

fn answering(response: Response<Incoming>, back: Option<Back>) -> Response<Answering> {
    let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    response.map(|body| {
        let back = back.filter(|_| !switched);
        let mut answering = Answering {
            body,
            back,
            broken: None,
        };
        answering.look();
        answering
    })
}

impl Answering {
    /// Gives the connection back if this was all.
    fn look(&mut self) {
        if self.body.is_end_stream()
            && let Some(back) = self.back.take()
        {
            back.keep();
        }
    }
}

impl Body for Answering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(broken) = self.broken.take() {
            return Poll::Ready(Some(Err(broken)));
        }
        let Self { body, back, .. } = &mut *self;
        let mut body = Pin::new(body);
        let frame = match back {
            Some(back) => ready!(back.line.driven.poll(cx, |cx| body.as_mut().poll_frame(cx))),
            None => ready!(body.poll_frame(cx)),
        };
        match frame {
            Some(Ok(_)) => self.look(),
            Some(Err(broken)) => {
                self.back = None;
                self.broken = Some(broken);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            None => {
                if let Some(back) = self.back.take() {
                    back.keep();
                }
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.broken.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::body::Progress;

    fn sender() -> Sender {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let connector = Connector::new(Arc::new(tls), Duration::from_secs(5));
        Sender::new(connector, 8)
    }

    fn request(listener: &TcpListener) -> Request<Outgoing> {
        let address = listener.local_addr().unwrap();
        let mut request = Request::new(Outgoing::whole(Default::default(), Progress::default()));
        *request.uri_mut() = format!("http://{address}/a?b").parse().unwrap();
        request
    }

    async fn head(stream: &mut TcpStream) -> String {
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") {
            read.push(stream.read_u8().await.unwrap());
        }
        String::from_utf8(read).unwrap()
    }

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    async fn exchange(sender: &Sender, listener: &TcpListener, stream: &mut TcpStream) {
        let (answer, ()) = tokio::join!(sender.request(request(listener)), async {
            assert!(head(stream).await.starts_with("GET /a?b HTTP/1.1\r\n"));
            stream.write_all(ANSWER).await.unwrap();
        });
        let body = answer.unwrap().into_body().collect().await.unwrap();
        assert_eq!(body.to_bytes(), "ok");
    }

    #[tokio::test]
    async fn a_connection_is_used_again_after_its_answer_was_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sender = sender();
        let first = sender.request(request(&listener));
        let (answer, mut stream) = tokio::join!(first, async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = head(&mut stream).await;
            let host = format!("host: {}\r\n", listener.local_addr().unwrap());
            assert!(head.contains(&host), "{head}");
            stream.write_all(ANSWER).await.unwrap();
            stream
        });
        answer.unwrap().into_body().collect().await.unwrap();
        for _ in 0..3 {
            exchange(&sender, &listener, &mut stream).await;
        }
    }

    /// The second call must wait neither for the first answer nor behind it.
    #[tokio::test]
    async fn a_connection_whose_answer_is_not_read_is_nobody_elses() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sender = sender();
        let (first, mut one) = tokio::join!(sender.request(request(&listener)), async {
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await;
            let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no";
            stream.write_all(begun).await.unwrap();
            stream
        });
        let first = first.unwrap();
        let (second, _two) = tokio::join!(sender.request(request(&listener)), async {
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await;
            stream.write_all(ANSWER).await.unwrap();
            stream
        });
        second.unwrap().into_body().collect().await.unwrap();
        drop(first);
        // Given up, its connection goes.
        assert_eq!(one.read(&mut [0; 16]).await.unwrap_or(0), 0);
    }

    /// Shows that a call comes through though the upstream closed what was kept.
    #[tokio::test]
    async fn a_kept_connection_that_was_closed_is_replaced() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sender = sender();
        for _ in 0..3 {
            let (answer, stream) = tokio::join!(sender.request(request(&listener)), async {
                let (mut stream, _) = listener.accept().await.unwrap();
                head(&mut stream).await;
                stream.write_all(ANSWER).await.unwrap();
                stream
            });
            answer.unwrap().into_body().collect().await.unwrap();
            drop(stream);
            // Until the end of the stream has arrived here.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// An upstream that closes gets its connection back at once, without a call.
    #[tokio::test]
    async fn a_kept_connection_is_closed_when_its_upstream_closes() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sender = sender();
        let (answer, mut stream) = tokio::join!(sender.request(request(&listener)), async {
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await;
            stream.write_all(ANSWER).await.unwrap();
            stream
        });
        answer.unwrap().into_body().collect().await.unwrap();
        let kept = time::timeout(Duration::from_millis(100), stream.read_u8()).await;
        assert!(kept.is_err());
        stream.shutdown().await.unwrap();
        let closed = time::timeout(Duration::from_secs(2), stream.read(&mut [0])).await;
        assert_eq!(closed.unwrap().unwrap(), 0);
    }

    #[tokio::test]
    async fn without_a_connection_the_upstream_knows_of_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let request = request(&listener);
        drop(listener);
        let answer = sender().request(request).await.err().unwrap();
        assert!(matches!(answer, Unanswered::Unconnected(_)), "{answer}");
        let mut relative = Request::new(Outgoing::whole(Default::default(), Progress::default()));
        *relative.uri_mut() = "/a".parse().unwrap();
        let answer = sender().request(relative).await.err().unwrap();
        assert!(matches!(answer, Unanswered::Unconnected(_)), "{answer}");
    }
}
