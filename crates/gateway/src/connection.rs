use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{arrival::Peer, exchange, gateway::Door};

/// Accepts until `shutdown`, then drains; what is left at the end of the drain is cut off.
pub(crate) async fn serve(
    door: Arc<Door>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shutdown: CancellationToken,
) -> io::Result<()> {
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
                let greeting = greet(
                    Arc::clone(&door),
                    stream,
                    peer,
                    tls.clone(),
                    shutdown.clone(),
                );
                let cut = cut.clone();
                tracker.spawn(async move {
                    let _slot = slot;
                    tokio::select! {
                        () = greeting => {}
                        () = cut.cancelled() => {}
                    }
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
    drop(listener);
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
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    shutdown: CancellationToken,
) {
    // A failure means that small answers may wait; nothing else.
    let _ = stream.set_nodelay(true);
    let address = peer.ip();
    let Some(acceptor) = tls else {
        return converse(
            door,
            stream,
            Peer {
                address,
                tls: false,
            },
            shutdown,
        )
        .await;
    };
    let peer = Peer { address, tls: true };
    match time::timeout(door.limits.head_timeout, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => converse(door, stream, peer, shutdown).await,
        Ok(Err(failure)) => tracing::debug!(%failure, %address, "TLS handshake failed"),
        Err(_) => tracing::debug!(%address, "TLS handshake took too long"),
    }
}

async fn converse<I>(door: Arc<Door>, stream: I, peer: Peer, shutdown: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &door.limits;
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_header_size(limits.head_bytes)
        .max_buf_size(limits.head_bytes.max(16 * 1024));
    let service = service_fn(|request| {
        let door = Arc::clone(&door);
        async move { Ok::<_, Infallible>(exchange::answer(&door, peer, request).await) }
    });
    let connection = server.serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(failure) = ended {
        let address: IpAddr = peer.address;
        tracing::debug!(%failure, %address, "connection ended early");
    }
}
