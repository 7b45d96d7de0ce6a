use std::{net::SocketAddr, time::Duration};

use config::{Listener, Settings};
use gateway::TlsCertificate;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, why};

/// How often the files of a certificate are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// A bound listener.
pub(crate) struct Bound {
    pub(crate) socket: TcpListener,
    pub(crate) tls: Option<TlsAcceptor>,
    /// Scheme and authority, as a browser on this machine would write them.
    pub(crate) url: String,
}

/// Every listener, bound before anything else is made, so that a port in use is told at once.
pub(crate) struct Listening {
    pub(crate) public: Bound,
    pub(crate) site: Bound,
    pub(crate) management: Bound,
    pub(crate) ops: Bound,
}

impl Listening {
    /// Binds all of them.
    ///
    /// # Errors
    /// When an address is in use or a certificate cannot be used.
    pub(crate) async fn bind(
        settings: &Settings,
        shutdown: &CancellationToken,
    ) -> Result<Self, Failure> {
        let all = &settings.listeners;
        Ok(Self {
            public: bind("public", &all.public, shutdown).await?,
            site: bind("site", &all.site, shutdown).await?,
            management: bind("management", &all.management, shutdown).await?,
            ops: bind("ops", &all.ops, shutdown).await?,
        })
    }
}

async fn bind(
    name: &str,
    listener: &Listener,
    shutdown: &CancellationToken,
) -> Result<Bound, Failure> {
    let wanted = listener.address;
    let socket = TcpListener::bind(wanted.0).await.map_err(|problem| {
        Failure::new(format!(
            "the {name} listener cannot use {wanted}: {problem}; stop what listens there, or \
             choose another address with --{name} (port 0 lets the system choose)"
        ))
    })?;
    let address = socket.local_addr().map_err(why(name))?;
    let tls = acceptor(listener, shutdown)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    Ok(Bound {
        url: format!("{scheme}://{}", authority(address)),
        socket,
        tls,
    })
}

/// Passkeys and cookies want a name, not an address.
fn authority(address: SocketAddr) -> String {
    if address.ip().is_loopback() || address.ip().is_unspecified() {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

fn acceptor(
    listener: &Listener,
    shutdown: &CancellationToken,
) -> Result<Option<TlsAcceptor>, Failure> {
    let (Some(certificate), Some(key)) = (&listener.tls_certificate, &listener.tls_key) else {
        return Ok(None);
    };
    let certificate = TlsCertificate::load(certificate, key).map_err(why("TLS"))?;
    let acceptor = certificate.acceptor().map_err(why("TLS"))?;
    tokio::spawn(certificate.watch(LOOK_EVERY, shutdown.clone()));
    Ok(Some(acceptor))
}
