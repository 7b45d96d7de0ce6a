use std::{io, net::SocketAddr, pin::pin, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

/// The deadlines and bounds of a listener.
#[derive(Clone)]
pub struct ServeOptions {
    /// TLS, if it is spoken here.
    pub tls: Option<TlsAcceptor>,
    /// From the first byte of a connection (or the end of the request before) to the end of a
    /// request's head.
    pub header_timeout: Duration,
    /// How long requests in flight may take after the shutdown began.
    pub drain: Duration,
    /// How many connections may be open; more wait in the system's backlog.
    pub most_connections: usize,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            tls: None,
            header_timeout: Duration::from_secs(15),
            drain: Duration::from_secs(10),
            most_connections: 1_024,
        }
    }
}

/// Serves `router` until `shutdown` is cancelled, then lets requests in flight end.
///
/// Unlike `axum::serve` a head must arrive in time, so that idle connections cannot hold a
/// listener. Handlers find the peer as `ConnectInfo<SocketAddr>`.
///
/// # Errors
/// When the listener itself is gone.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let tracker = TaskTracker::new();
    let permits = std::sync::Arc::new(tokio::sync::Semaphore::new(options.most_connections));
    loop {
        let free = std::sync::Arc::clone(&permits).acquire_owned();
        let permit = tokio::select! {
            () = shutdown.cancelled() => break,
            permit = free => permit.map_err(io::Error::other)?,
        };
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (router, options) = (router.clone(), options.clone());
                let shutdown = shutdown.clone();
                tracker.spawn(async move {
                    let _permit = permit;
                    greet(stream, peer, router, &options, shutdown).await;
                });
            }
            Err(failure) if is_of_the_connection(&failure) => {}
            Err(failure) => {
                // Out of descriptors, mostly: waiting is all that helps.
                tracing::warn!(%failure, "cannot accept connections");
                time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    tracker.close();
    if time::timeout(options.drain, tracker.wait()).await.is_err() {
        tracing::warn!(
            open = tracker.len(),
            "connections were cut off at the end of the drain"
        );
    }
    Ok(())
}

fn is_of_the_connection(failure: &io::Error) -> bool {
    matches!(
        failure.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

async fn greet(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    options: &ServeOptions,
    shutdown: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let Some(acceptor) = &options.tls else {
        return converse(stream, peer, router, options, shutdown).await;
    };
    let handshake = time::timeout(options.header_timeout, acceptor.accept(stream));
    match handshake.await {
        Ok(Ok(stream)) => converse(stream, peer, router, options, shutdown).await,
        Ok(Err(failure)) => tracing::debug!(%failure, %peer, "TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
    }
}

async fn converse<I>(
    stream: I,
    peer: SocketAddr,
    router: Router,
    options: &ServeOptions,
    shutdown: CancellationToken,
) where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(axum::body::Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(failure) = ended {
        tracing::debug!(%failure, %peer, "connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn start() -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let slow = async || {
            time::sleep(Duration::from_millis(300)).await;
            "done"
        };
        let options = ServeOptions {
            header_timeout: Duration::from_millis(200),
            ..ServeOptions::default()
        };
        let shutdown = CancellationToken::new();
        let router = Router::new().route("/slow", get(slow));
        let serving = serve(listener, router, options, shutdown.clone());
        let task = tokio::spawn(async move { serving.await.unwrap() });
        (address, shutdown, task)
    }

    #[tokio::test]
    async fn a_head_that_never_ends_is_cut_off() {
        let (address, _shutdown, _task) = start().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /slow HTTP/1.1\r\n").await.unwrap();
        let mut rest = Vec::new();
        let ended = time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "the connection stayed open");
    }

    /// A body of which a little comes at a time holds a connection no longer than one that does
    /// not come.
    ///
    /// Shows: S-85.
    #[tokio::test]
    async fn a_body_that_drips_is_cut_off() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let read = async |body: String| body;
        let edge = crate::Edge {
            surface: crate::Surface::Api,
            tls: false,
            body_limit: 1_000,
            hosts: None,
            proxies: std::sync::Arc::default(),
            body_time: Duration::from_millis(300),
            entropy: std::sync::Arc::new(primitives::SeededEntropy::new(1)),
        };
        let router = crate::dress(Router::new().route("/", axum::routing::post(read)), edge);
        let options = ServeOptions::default();
        let serving = serve(listener, router, options, CancellationToken::new());
        tokio::spawn(async move { serving.await.unwrap() });
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut from, mut to) = stream.into_split();
        let head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n";
        to.write_all(head).await.unwrap();
        let drip = tokio::spawn(async move {
            while to.write_all(b"x").await.is_ok() {
                time::sleep(Duration::from_millis(20)).await;
            }
        });
        let mut answer = Vec::new();
        let ended = time::timeout(Duration::from_secs(5), from.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "the connection stayed open");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        drip.abort();
    }

    #[tokio::test]
    async fn a_request_in_flight_is_answered_after_the_shutdown_began() {
        let (address, shutdown, task) = start().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n";
        stream.write_all(request).await.unwrap();
        time::sleep(Duration::from_millis(100)).await;
        shutdown.cancel();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
        task.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
