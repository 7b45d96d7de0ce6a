use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use admission::ClientCertificate;
use arc_swap::ArcSwap;
use primitives::{Clock, Timestamp};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::time;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use x509_parser::parse_x509_certificate;

use callers::SelfSigned;

mod callers;

/// A server's certificate chain and key, read again when the files change. A pair that cannot be
/// used never replaces one that can.
#[derive(Clone, Debug)]
pub struct TlsCertificate(Arc<Files>);

#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<CertifiedKey>,
}

/// Which certificates callers are asked for; none by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Callers<'a> {
    /// Those of these authorities, in PEM.
    pub authorities: Option<&'a Path>,
    /// Those that nobody else has signed.
    pub self_signed: bool,
}

/// A certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsProblem {
    /// A file is not there, or not PEM.
    #[error("`{path}` cannot be read as PEM: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: rustls_pki_types::pem::Error,
    },
    /// The certificate file holds no certificate.
    #[error("`{0}` holds no certificate")]
    NoCertificate(PathBuf),
    /// The certificate is not valid yet, or no longer.
    #[error("the certificate `{path}` is valid from {from} until {until}, which is not now")]
    OutOfTime {
        /// The certificate's file.
        path: PathBuf,
        /// From when on.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// The authorities of callers cannot be trusted.
    #[error("the authorities `{path}` cannot be used: {problem}")]
    Authorities {
        /// Their file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// Key and certificate do not fit, or TLS cannot be set up.
    #[error("the certificate `{path}` cannot be used with its key: {problem}")]
    Unusable {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        problem: rustls::Error,
    },
}

/// The certificate that a caller has proved to hold the key of; none if it showed none.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn client_certificate(
    connection: &ServerConnection,
) -> Result<Option<ClientCertificate>, rustls::Error> {
    let Some(first) = connection.peer_certificates().and_then(<[_]>::first) else {
        return Ok(None);
    };
    let (valid_from, valid_until) = validity(first)?;
    Ok(Some(ClientCertificate {
        fingerprint: keys::sha256(first),
        valid_from,
        valid_until,
    }))
}

/// From when until when a certificate is valid.
fn validity(certificate: &[u8]) -> Result<(Timestamp, Timestamp), rustls::Error> {
    let broken = rustls::Error::InvalidCertificate(rustls::CertificateError::BadEncoding);
    let (_, read) = parse_x509_certificate(certificate).map_err(|_| broken)?;
    let valid = read.validity();
    Ok((
        Timestamp::from_seconds(valid.not_before.timestamp()),
        Timestamp::from_seconds(valid.not_after.timestamp()),
    ))
}

/// Reads certificate authorities, in PEM.
///
/// # Errors
/// When the file cannot be read, or holds none.
pub fn read_authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsProblem> {
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = all.map_err(|problem| TlsProblem::File {
        path: path.to_owned(),
        problem,
    })?;
    if all.is_empty() {
        return Err(TlsProblem::NoCertificate(path.to_owned()));
    }
    Ok(all)
}

/// Who looks at certificates of these authorities, in PEM.
fn verifier_of(authorities: &Path) -> Result<Arc<dyn ClientCertVerifier>, TlsProblem> {
    let unusable = |problem| TlsProblem::Authorities {
        path: authorities.to_owned(),
        problem,
    };
    let mut roots = RootCertStore::empty();
    for authority in read_authorities(authorities)? {
        roots
            .add(authority)
            .map_err(|problem| unusable(problem.to_string()))?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = verifier.allow_unauthenticated().build();
    verifier.map_err(|problem| unusable(problem.to_string()))
}

impl TlsCertificate {
    /// Reads a chain and its key, both in PEM.
    ///
    /// # Errors
    /// When a file cannot be read or the two do not fit.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsProblem> {
        let current = read(certificate, key)?;
        Ok(Self(Arc::new(Files {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: ArcSwap::from_pointee(current),
        })))
    }

    /// What a listener speaks TLS 1.2 and 1.3 with; always with the newest certificate.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn acceptor(&self) -> Result<TlsAcceptor, TlsProblem> {
        self.accepting(WebPkiClientVerifier::no_client_auth())
    }

    /// The same, and asks callers for a certificate. One who shows none is let in without; one whose
    /// certificate is of another authority, not valid now or not for clients is not (RFC 5280,
    /// section 6.1).
    ///
    /// # Errors
    /// When the file cannot be used, or TLS cannot be set up.
    pub fn acceptor_asking(&self, callers: Callers<'_>) -> Result<TlsAcceptor, TlsProblem> {
        let authorities = callers.authorities.map(verifier_of).transpose()?;
        if !callers.self_signed {
            let verifier = authorities.unwrap_or_else(WebPkiClientVerifier::no_client_auth);
            return self.accepting(verifier);
        }
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        self.accepting(Arc::new(SelfSigned {
            authorities,
            algorithms,
        }))
    }

    fn accepting(&self, verifier: Arc<dyn ClientCertVerifier>) -> Result<TlsAcceptor, TlsProblem> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|problem| self.0.unusable(problem))?;
        let mut config = config
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(Newest(Arc::clone(&self.0))));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// When they cannot be used, or not now; the certificate in use stays.
    pub fn reload(&self, now: Timestamp) -> Result<(), TlsProblem> {
        let fresh = read(&self.0.certificate, &self.0.key)?;
        self.0.refuse_out_of_time(&fresh, now)?;
        self.0.current.store(Arc::new(fresh));
        Ok(())
    }

    /// Looks every `pause` whether the files changed, until `shutdown`.
    pub async fn watch(self, pause: Duration, clock: Arc<dyn Clock>, shutdown: CancellationToken) {
        let mut seen = self.0.changed_at();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = time::sleep(pause) => {}
            }
            let now = self.0.changed_at();
            if now == seen {
                continue;
            }
            match self.reload(clock.now()) {
                Ok(()) => {
                    seen = now;
                    tracing::info!(path = %self.0.certificate.display(), "certificate reloaded");
                }
                // Looked at again: the other of the two files may be written in a moment.
                Err(problem) => tracing::warn!(%problem, "the certificate in use stays"),
            }
        }
    }
}

impl Files {
    fn changed_at(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key]
            .map(|path| fs::metadata(path).and_then(|file| file.modified()).ok())
    }

    /// At the start a certificate that has run out is better than none; it must only never
    /// replace another one.
    fn refuse_out_of_time(&self, fresh: &CertifiedKey, now: Timestamp) -> Result<(), TlsProblem> {
        let Some(first) = fresh.cert.first() else {
            return Err(TlsProblem::NoCertificate(self.certificate.clone()));
        };
        let (from, until) = validity(first).map_err(|problem| self.unusable(problem))?;
        if (from..=until).contains(&now) {
            return Ok(());
        }
        let path = self.certificate.clone();
        Err(TlsProblem::OutOfTime { path, from, until })
    }

    fn unusable(&self, problem: rustls::Error) -> TlsProblem {
        TlsProblem::Unusable {
            path: self.certificate.clone(),
            problem,
        }
    }
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsProblem> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |problem| TlsProblem::File { path, problem }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(certificate))?;
    if chain.is_empty() {
        return Err(TlsProblem::NoCertificate(certificate.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|problem| {
        TlsProblem::Unusable {
            path: certificate.to_owned(),
            problem,
        }
    })
}

#[derive(Debug)]
struct Newest(Arc<Files>);

impl ResolvesServerCert for Newest {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current.load_full())
    }
}
