use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::http::Uri;
use config::{Listener, Settings};
use gateway::TlsCertificate;
use http_kit::Hosts;
use primitives::SystemClock;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{
    failure::{Failure, why},
    serve::hand_over::Sockets,
    set_up,
};

/// How often the files of a certificate are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A bound listener.
pub(crate) struct Bound {
    pub(crate) socket: TcpListener,
    pub(crate) tls: Option<TlsAcceptor>,
    /// The names it answers to; any, if `None`.
    pub(crate) hosts: Option<Hosts>,
    /// Whether a proxy stands in front.
    pub(crate) behind: bool,
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
    /// Takes what `given` has for a listener, and binds the others.
    ///
    /// # Errors
    /// When an address is in use or a certificate cannot be used.
    pub(crate) async fn open(
        settings: &Settings,
        given: &mut Sockets,
        shutdown: &CancellationToken,
    ) -> Result<Self, Failure> {
        let all = &settings.listeners;
        let (mut management, mut ops) = (
            open("management", &all.management, given, shutdown).await?,
            open("ops", &all.ops, given, shutdown).await?,
        );
        let console = settings.installation.console.as_deref();
        management.hosts = hosts(&management, &all.management, console)?;
        ops.hosts = hosts(&ops, &all.ops, None)?;
        Ok(Self {
            public: open("public", &all.public, given, shutdown).await?,
            site: open("site", &all.site, given, shutdown).await?,
            management,
            ops,
        })
    }

    /// Copies of the sockets, for a successor.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub(crate) fn sockets(&self) -> Result<Sockets, Failure> {
        let mut sockets = Sockets::default();
        let all = [
            ("public", &self.public),
            ("site", &self.site),
            ("management", &self.management),
            ("ops", &self.ops),
        ];
        for (name, bound) in all {
            sockets.add(name, &bound.socket).map_err(why(name))?;
        }
        Ok(sockets)
    }
}

async fn open(
    name: &str,
    listener: &Listener,
    given: &mut Sockets,
    shutdown: &CancellationToken,
) -> Result<Bound, Failure> {
    let socket = match given.take(name, listener.address.0) {
        Some(socket) => {
            socket.set_nonblocking(true).map_err(why(name))?;
            TcpListener::from_std(socket).map_err(why(name))?
        }
        None => bind(name, listener.address.0).await?,
    };
    let address = socket.local_addr().map_err(why(name))?;
    let tls = acceptor(listener, shutdown)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    Ok(Bound {
        url: format!("{scheme}://{}", authority(address)),
        socket,
        tls,
        hosts: None,
        behind: listener.behind_tls_proxy,
    })
}

/// The names that a listener for operators answers to: on this machine, where the page of any
/// site that somebody looks at can reach it, none but those of its list.
fn hosts(
    bound: &Bound,
    listener: &Listener,
    console: Option<&str>,
) -> Result<Option<Hosts>, Failure> {
    let address = bound.socket.local_addr().map_err(why("listeners"))?.ip();
    if !address.is_loopback() && listener.hosts.is_empty() {
        return Ok(None);
    }
    let console = console.and_then(|url| url.parse::<Uri>().ok());
    let console = console.and_then(|url| url.host().map(str::to_owned));
    let more: Vec<String> = listener.hosts.iter().cloned().chain(console).collect();
    Ok(Some(Hosts::of_this_machine(address, &more)))
}

async fn bind(name: &str, wanted: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(wanted).await.map_err(|problem| {
        Failure::new(format!(
            "the {name} listener cannot use {wanted}: {problem}; stop what listens there, or \
             choose another address with --{name} (port 0 lets the system choose)"
        ))
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
    let acceptor = certificate.acceptor_asking(set_up::callers(listener));
    let acceptor = acceptor.map_err(why("TLS"))?;
    tokio::spawn(certificate.watch(LOOK_EVERY, Arc::new(SystemClock), shutdown.clone()));
    Ok(Some(acceptor))
}
