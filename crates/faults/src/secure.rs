use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{ClientConfig, RootCertStore, client::Resumption, crypto::aws_lc_rs};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// Issues the certificates of a node, and makes the callers that trust them.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    caller: Arc<ClientConfig>,
}

impl Authority {
    /// An authority that nobody else knows.
    #[must_use]
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut wanted = CertificateParams::default();
        wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = wanted.self_signed(&key).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(own.der().clone()).expect("it is a certificate");
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut caller = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        // A session taken up again would show no certificate.
        caller.resumption = Resumption::disabled();
        Self {
            issuer: Issuer::new(wanted, key),
            caller: Arc::new(caller),
        }
    }

    /// Who trusts this authority and nobody else.
    #[must_use]
    pub fn caller(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.caller)
    }

    /// Puts a certificate for `localhost` and its key into a folder, in place of those before,
    /// valid from the beginning of one year until that of another.
    #[expect(
        clippy::must_use_candidate,
        reason = "where the next one stands is known from the one before"
    )]
    pub fn issue(&self, folder: &Path, (from, until): (i32, i32)) -> [PathBuf; 2] {
        let names = vec!["localhost".to_owned()];
        let mut wanted = CertificateParams::new(names).expect("a name");
        wanted.not_before = date_time_ymd(from, 1, 1);
        wanted.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let made = wanted.signed_by(&key, &self.issuer);
        let made = made.expect("a certificate").pem();
        let files = ["certificate.pem", "key.pem"].map(|name| folder.join(name));
        for (file, text) in files.iter().zip([made, key.serialize_pem()]) {
            let new = file.with_extension("new");
            fs::write(&new, text).expect("a file can be written");
            fs::rename(&new, file).expect("it takes the place of the one before");
        }
        files
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// What callers write to and read from.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// Connects, with TLS when it is known whom to trust.
pub(crate) async fn connect(
    address: SocketAddr,
    trust: Option<&Arc<ClientConfig>>,
) -> Result<Box<dyn Wire>, &'static str> {
    let stream = TcpStream::connect(address).await;
    let stream = stream.map_err(|_| "connection refused")?;
    // Without it calls only take longer.
    let _ = stream.set_nodelay(true);
    let Some(trust) = trust else {
        return Ok(Box::new(stream));
    };
    let name = ServerName::try_from("localhost").expect("a name");
    let secured = TlsConnector::from(Arc::clone(trust)).connect(name, stream);
    match secured.await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(_) => Err("no TLS"),
    }
}
