use std::{
    convert::Infallible,
    io,
    net::{self, IpAddr, SocketAddr},
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use http::{HeaderValue, header};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use primitives::Entropy;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    runtime::Handle,
    time::{self, Instant},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Limits,
    arrival::{self, Peer},
    exchange,
    gateway::Door,
    refusal,
    tls::client_certificate,
    wire::{Guard, Link, Patience, Refusals, Served, Violation},
    workers::Workers,
};

/// For so long a connection that was accepted just before the end may have its first request on
/// its way: closing it would lose that request.
const FIRST_WORD: Duration = Duration::from_millis(500);

/// Heads that began together end so far apart at most, so that ending thousands of slow ones does
/// not stand before the calls of others.
const SPREAD: Duration = Duration::from_millis(750);

/// So many bytes of an answer wait in the system for being sent, at most: without a bound the system
/// keeps megabytes for each caller who reads nothing, out of memory that all connections share.
#[cfg(target_os = "linux")]
const MOST_UNSENT: u32 = 64 * 1024;

/// Accepts until `shutdown`, then drains; what is left at the end of the drain is cut off.
pub(crate) async fn serve(
    door: Arc<Door>,
    workers: Option<&Workers>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let here = Handle::current();
    let tracker = TaskTracker::new();
    let cut = CancellationToken::new();
    loop {
        let free = Arc::clone(&door.connections).acquire_owned();
        let slot = tokio::select! {
            () = shutdown.cancelled() => break,
            slot = free => slot.map_err(io::Error::other)?,
        };
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(place) = door.addresses.enter(peer.ip()) else {
                    door.metrics.violation("connections_per_address");
                    continue;
                };
                // A failure is of this connection alone, and closes it.
                let Ok(stream) = stream.into_std() else {
                    continue;
                };
                let (door, tls) = (Arc::clone(&door), tls.clone());
                let (shutdown, cut) = (shutdown.clone(), cut.clone());
                let task = async move {
                    let _held = (slot, place);
                    // Made where it stays: a future that is moved takes its room twice.
                    let greeting = pin!(greet(door, stream, peer, tls, shutdown));
                    tokio::select! {
                        () = greeting => {}
                        () = cut.cancelled() => {}
                    }
                };
                let worker = workers.and_then(Workers::next).unwrap_or(&here);
                tracker.spawn_on(task, worker);
            }
            Err(failure) if is_of_the_connection(&failure) => {}
            Err(failure) => {
                // Out of descriptors, mostly: waiting is all that helps.
                tracing::warn!(%failure, "cannot accept connections");
                time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    door.leaving.store(true, Ordering::Relaxed);
    tracker.close();
    if time::timeout(door.limits.drain, tracker.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            open = tracker.len(),
            "connections cut off at the end of the drain"
        );
        cut.cancel();
        tracker.wait().await;
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
    door: Arc<Door>,
    stream: net::TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    shutdown: CancellationToken,
) {
    let Ok(stream) = TcpStream::from_std(stream) else {
        return;
    };
    prepare(&stream);
    let address = peer.ip();
    // An address is always text that a header may have.
    let Ok(mut peer) = Peer::new(address, tls.is_some()) else {
        return;
    };
    let Some(acceptor) = tls else {
        return converse(door, stream, peer, shutdown).await;
    };
    let handshake = Box::pin(acceptor.accept(stream));
    match time::timeout(door.limits.head_timeout, handshake).await {
        // Apart, so that a connection without TLS takes no room for one with it.
        Ok(Ok(stream)) => {
            match client_certificate(stream.get_ref().1) {
                Ok(shown) => peer.certificate = shown,
                Err(problem) => {
                    tracing::debug!(%problem, %address, "the client's certificate is not readable");
                    return;
                }
            }
            Box::pin(converse(door, stream, peer, shutdown)).await;
        }
        Ok(Err(failure)) => tracing::debug!(%failure, %address, "TLS handshake failed"),
        Err(_) => tracing::debug!(%address, "TLS handshake took too long"),
    }
}

/// What a connection to a caller is set to. A failure means that small answers may wait and that a
/// caller who reads slowly holds more of the system's memory; nothing else.
fn prepare(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(stream).set_tcp_notsent_lowat(MOST_UNSENT);
}

pub(crate) async fn converse<I>(door: Arc<Door>, stream: I, peer: Peer, shutdown: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let opened = Instant::now();
    let limits = &door.limits;
    let patience = patience(limits, &door.entropy);
    // The guard has read a head before hyper does, so nothing here refuses one of its own.
    let mut server = http1::Builder::new();
    server
        .max_header_size(limits.head_bytes.saturating_add(1))
        .max_buf_size(limits.head_bytes.max(16 * 1024));
    let link = Arc::new(Link::default());
    let refusals = AtDoor {
        door: Arc::clone(&door),
        address: peer.address,
    };
    let guard = Guard::new(
        stream,
        refusals,
        Arc::clone(&link),
        limits.head_bytes,
        patience,
    );
    let service = service_fn(|request| {
        let (door, link, peer) = (Arc::clone(&door), Arc::clone(&link), peer.clone());
        let call = link.begin();
        // Apart, so that a connection without a call takes no room for one.
        Box::pin(async move {
            let mut response = exchange::answer(&door, peer, request).await;
            let aged = patience.ends.is_some_and(|ends| Instant::now() >= ends);
            if link.is_closing() || aged || door.leaving.load(Ordering::Relaxed) {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            Ok::<_, Infallible>(response.map(|body| Served::new(body, call)))
        })
    });
    let mut connection = pin!(server.serve_connection(TokioIo::new(guard), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            let first = time::timeout_at(opened + FIRST_WORD, connection.as_mut()).await;
            if let Ok(ended) = first {
                ended
            } else {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    if let Err(failure) = ended {
        let address: IpAddr = peer.address;
        tracing::debug!(%failure, %address, "connection ended early");
    }
}

fn patience(limits: &Limits, entropy: &dyn Entropy) -> Patience {
    let total = limits.connection_total;
    let mut random = [0];
    // A time of its own for each is a courtesy: without randomness they end together.
    let [random] = entropy.fill(&mut random).map_or([0], |()| random);
    let spread = (limits.head_timeout / 4).min(SPREAD) * u32::from(random) / u32::from(u8::MAX);
    Patience {
        head: limits.head_timeout.saturating_add(spread),
        idle: limits.keep_alive,
        write: limits.answer_idle,
        ends: total.and_then(|total| Instant::now().checked_add(total)),
    }
}

/// Counts and answers what the guard of a connection refuses.
struct AtDoor {
    door: Arc<Door>,
    address: IpAddr,
}

impl Refusals for AtDoor {
    fn note(&self, violation: Violation) {
        let (class, address) = (violation.class(), self.address);
        tracing::debug!(class, %address, "not taken from the wire");
        self.door.metrics.violation(class);
    }

    fn answer(&self, violation: Violation) -> Vec<u8> {
        self.note(violation);
        let (trace, _) = arrival::trace(&http::HeaderMap::new(), &self.door.entropy);
        refusal::on_the_wire(
            violation.code(),
            &violation.to_string(),
            &self.door.site,
            &trace.trace_id(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows: F-18.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn little_of_an_answer_that_nobody_reads_waits_in_the_system() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let caller = TcpStream::connect(listener.local_addr().unwrap()).await;
        let caller = caller.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        SockRef::from(&caller).set_recv_buffer_size(4096).unwrap();
        prepare(&stream);
        assert!(stream.nodelay().unwrap());
        let (piece, mut taken) = ([0; 16 * 1024], 0);
        while let Ok(wrote) = stream.try_write(&piece) {
            taken += wrote;
        }
        let most = MOST_UNSENT as usize + 256 * 1024;
        assert!(taken <= most, "{taken} bytes");
    }
}
