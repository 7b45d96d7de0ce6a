use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use primitives::Secret;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use crate::{Limits, connector::Connector, pool::Sender};

/// Sends requests to upstreams over kept connections. One set of connections an origin; those
/// with a client certificate are apart from all others.
pub(crate) struct Upstreams {
    roots: Arc<RootCertStore>,
    plain: Sender,
    /// By SHA-256 of certificate and key.
    identified: Mutex<HashMap<[u8; 32], Sender>>,
    limits: Limits,
}

/// So many client certificates keep their connections; more begin anew.
const MOST_IDENTITIES: usize = 64;

/// A client certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdentityProblem {
    #[error("the client certificate is not PEM: {0}")]
    Pem(#[from] rustls_pki_types::pem::Error),
    #[error("the client certificate cannot be used: {0}")]
    Tls(#[from] rustls::Error),
}

impl Upstreams {
    pub(crate) fn new(
        authorities: &[CertificateDer<'static>],
        limits: &Limits,
    ) -> Result<Self, rustls::Error> {
        let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
        for authority in authorities {
            roots.add(authority.clone())?;
        }
        let roots = Arc::new(roots);
        let tls = builder(&roots)?.with_no_client_auth();
        Ok(Self {
            plain: sender(tls, limits),
            roots,
            identified: Mutex::default(),
            limits: limits.clone(),
        })
    }

    /// Sends without a client certificate.
    pub(crate) fn plain(&self) -> Sender {
        self.plain.clone()
    }

    /// Sends with a client certificate, both parts in PEM.
    pub(crate) fn identified(
        &self,
        certificate: &Secret,
        key: &Secret,
    ) -> Result<Sender, IdentityProblem> {
        let fingerprint = keys::sha256(
            &[
                keys::sha256(certificate.expose().as_bytes()),
                keys::sha256(key.expose().as_bytes()),
            ]
            .concat(),
        );
        if let Some(sender) = self.identified.lock().get(&fingerprint) {
            return Ok(sender.clone());
        }
        let chain = CertificateDer::pem_slice_iter(certificate.expose().as_bytes())
            .collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())?;
        let tls = builder(&self.roots)?.with_client_auth_cert(chain, key)?;
        let sender = sender(tls, &self.limits);
        let mut identified = self.identified.lock();
        if identified.len() >= MOST_IDENTITIES {
            identified.clear();
        }
        identified.insert(fingerprint, sender.clone());
        Ok(sender)
    }
}

type RootedBuilder = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn builder(roots: &Arc<RootCertStore>) -> Result<RootedBuilder, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(Arc::clone(roots)))
}

fn sender(mut tls: ClientConfig, limits: &Limits) -> Sender {
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let connector = Connector::new(Arc::new(tls), limits.connect_timeout);
    Sender::new(connector, limits.idle_per_upstream)
}
