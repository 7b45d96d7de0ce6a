use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use admission::Admission;
use keys::{SharedSigners, SigningKey};
use primitives::{Clock, Entropy, Name, PooledEntropy, Secret};
use prometheus_client::registry::Registry;
use rustls_pki_types::CertificateDer;
use snapshot::SnapshotHandle;
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{
    Limits, UpstreamHealth, addresses::Addresses, base::Bases, connection, health::Health,
    load::Load, metrics::Metrics, tokens::Tokens, upstreams::Upstreams, workers::Workers,
};

/// Where the secrets that upstreams want come from. Asked at every call, so that a changed
/// secret is used at once; must answer from memory.
pub trait UpstreamSecrets: Send + Sync + 'static {
    /// The secret called `name`, when it is set.
    fn secret(&self, name: &Name) -> Option<Secret>;
}

/// What a gateway works with.
pub struct GatewayParts {
    /// The hot use-case.
    pub admission: Admission,
    /// The newest snapshot, for what an API says to browsers.
    pub snapshots: Arc<SnapshotHandle>,
    /// The secrets that upstreams want.
    pub secrets: Arc<dyn UpstreamSecrets>,
    /// The installation's key: signs contexts for upstreams that verify with a public key.
    pub signing: SigningKey,
    /// Who issues contexts: the installation's URL.
    pub issuer: String,
    /// The origin of the site, where every problem's code is explained.
    pub site: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for trace ids.
    pub entropy: Arc<dyn Entropy>,
    /// Bounds.
    pub limits: Limits,
    /// Certificate authorities of upstreams, beside the public ones.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// A gateway cannot be made of its parts.
#[derive(Debug, thiserror::Error)]
pub enum GatewayProblem {
    /// A certificate authority, or TLS itself, cannot be used.
    #[error("TLS towards upstreams cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// The proxy. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Door>);

/// What every call shares.
pub(crate) struct Door {
    pub(crate) admission: Admission,
    pub(crate) snapshots: Arc<SnapshotHandle>,
    pub(crate) secrets: Arc<dyn UpstreamSecrets>,
    pub(crate) signing: SigningKey,
    pub(crate) issuer: String,
    pub(crate) site: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: PooledEntropy<Arc<dyn Entropy>>,
    /// The keys of secrets that sign contexts.
    pub(crate) signers: SharedSigners,
    pub(crate) limits: Limits,
    pub(crate) upstreams: Upstreams,
    pub(crate) bases: Bases,
    pub(crate) tokens: Tokens,
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) calls: Arc<Semaphore>,
    pub(crate) load: Load,
    /// Whether another process is about to take the listener over.
    pub(crate) leaving: AtomicBool,
}

impl Gateway {
    /// A gateway that counts into `registry`.
    ///
    /// # Errors
    /// When TLS towards upstreams cannot be set up.
    pub fn new(parts: GatewayParts, registry: &mut Registry) -> Result<Self, GatewayProblem> {
        let upstreams = Upstreams::new(&parts.authorities, &parts.limits)?;
        Ok(Self(Arc::new(Door {
            admission: parts.admission,
            snapshots: parts.snapshots,
            secrets: parts.secrets,
            signing: parts.signing,
            issuer: parts.issuer,
            site: parts.site,
            clock: parts.clock,
            entropy: PooledEntropy::new(parts.entropy),
            signers: SharedSigners::default(),
            upstreams,
            bases: Bases::default(),
            tokens: Tokens::default(),
            health: Health::default(),
            metrics: Metrics::register(registry),
            connections: Arc::new(Semaphore::new(parts.limits.connections)),
            addresses: Arc::new(Addresses::new(&parts.limits)),
            calls: Arc::new(Semaphore::new(parts.limits.calls)),
            leaving: AtomicBool::new(false),
            load: Load::new(&parts.limits),
            limits: parts.limits,
        })))
    }

    /// Serves `listener` until `shutdown` is cancelled, then lets calls in progress end.
    ///
    /// # Errors
    /// When the listener itself is gone.
    pub async fn serve(
        &self,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        shutdown: CancellationToken,
    ) -> io::Result<()> {
        connection::serve(Arc::clone(&self.0), None, listener, tls, shutdown).await
    }

    /// The same, with the connections on threads of their own, which end with it.
    ///
    /// # Errors
    /// When the listener itself is gone.
    pub async fn serve_by(
        &self,
        workers: Workers,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        shutdown: CancellationToken,
    ) -> io::Result<()> {
        let door = Arc::clone(&self.0);
        let served = connection::serve(door, Some(&workers), listener, tls, shutdown).await;
        workers.end().await;
        served
    }

    /// Ends each connection with its next answer, so that callers come on new ones, which another
    /// process may accept.
    pub fn leave(&self) {
        self.0.leaving.store(true, Ordering::Relaxed);
    }

    pub(crate) const fn door(&self) -> &Arc<Door> {
        &self.0
    }

    /// How every upstream that was called lately fares. Seen, not acted upon.
    #[must_use]
    pub fn upstreams(&self) -> Vec<UpstreamHealth> {
        self.0.health.all()
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gateway")
    }
}
