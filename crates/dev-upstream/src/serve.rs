use std::{future::Future, net::SocketAddr, pin::pin, sync::Arc};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use crate::{Received, answer, builder::Shared};

/// A running upstream. Dropping it does not stop it.
pub struct Handle {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handle({})", self.address)
    }
}

impl Handle {
    pub(crate) fn new(address: SocketAddr, shared: Arc<Shared>, task: JoinHandle<()>) -> Self {
        Self {
            address,
            shared,
            task,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The last calls, at most 1,000, the oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.log.all()
    }

    /// Forgets the calls received so far.
    pub fn forget(&self) {
        self.shared.log.clear();
    }

    /// Waits until it has shut down.
    pub async fn finished(self) {
        if let Err(problem) = self.task.await {
            tracing::error!(%problem, "the upstream for development ended badly");
        }
    }
}

pub(crate) async fn run(
    listener: TcpListener,
    shared: Arc<Shared>,
    shutdown: impl Future<Output = ()>,
) {
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let shared = Arc::clone(&shared);
                    connections.spawn(connection(stream, shared, stopping.clone()));
                }
                Err(problem) => {
                    // Too many open files: waiting is all that helps.
                    tracing::warn!(%problem, "no connection could be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(stop);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, mut stopping: watch::Receiver<()>) {
    let service = service_fn(|request| answer::answer(Arc::clone(&shared), request));
    let mut connection =
        pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(problem) = ended {
        tracing::debug!(%problem, "a connection to the upstream for development was closed");
    }
}
