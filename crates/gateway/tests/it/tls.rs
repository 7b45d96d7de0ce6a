//! TLS towards callers.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::Duration,
};

use gateway::{TlsCertificate, TlsProblem};
use primitives::{Clock as _, SystemClock};
use rcgen::{CertificateParams, KeyPair, date_time_ymd, generate_simple_self_signed};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::spawn_blocking,
    time::sleep,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Answer, request},
    upstream::{Upstream, ok},
    world::{Setup, World},
};

fn write(directory: &Path) -> CertificateDer<'static> {
    let made = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(directory.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(directory.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).unwrap()
}

/// A certificate that is valid from the beginning of a year until that of another.
fn write_valid(directory: &Path, from: i32, until: i32) {
    let mut wanted = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    wanted.not_before = date_time_ymd(from, 1, 1);
    wanted.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    let made = wanted.self_signed(&key).unwrap();
    fs::write(directory.join("cert.pem"), made.pem()).unwrap();
    fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
}

async fn call(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
    bytes: &str,
) -> Option<Answer> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .ok()?;
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    Some(Answer::parse(&String::from_utf8_lossy(&answer)))
}

/// Shows: F-29.
#[tokio::test]
async fn a_changed_certificate_is_used_without_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let first = write(directory.path());
    let (certificate, key) = (
        directory.path().join("cert.pem"),
        directory.path().join("key.pem"),
    );
    let files = TlsCertificate::load(&certificate, &key).unwrap();
    let upstream = Upstream::start(ok).await;
    let mut setup = Setup::to(upstream.url());
    setup.tls = Some(files.acceptor().unwrap());
    let world = World::start(setup).await;
    let stop = CancellationToken::new();
    let pause = Duration::from_millis(50);
    tokio::spawn(
        files
            .clone()
            .watch(pause, Arc::new(SystemClock), stop.clone()),
    );
    let bytes = request("GET /shop/items", &world.key(), "");
    assert_eq!(
        call(world.address, &first, &bytes).await.unwrap().status,
        200
    );
    assert_eq!(
        upstream.received()[0].header("x-forwarded-proto"),
        Some("https")
    );

    // A file that is no certificate changes nothing.
    fs::write(&certificate, "rubbish").unwrap();
    let reload = || files.reload(SystemClock.now());
    assert!(matches!(reload(), Err(TlsProblem::NoCertificate(_))));
    sleep(Duration::from_millis(200)).await;
    assert_eq!(
        call(world.address, &first, &bytes).await.unwrap().status,
        200
    );

    let second = write(directory.path());
    sleep(Duration::from_millis(500)).await;
    assert_eq!(
        call(world.address, &second, &bytes).await.unwrap().status,
        200
    );
    assert!(call(world.address, &first, &bytes).await.is_none());
    // A key of another certificate does not replace the pair in use.
    let other = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(&key, other.signing_key.serialize_pem()).unwrap();
    assert!(matches!(reload(), Err(TlsProblem::Unusable { .. })));
    // Nor does one whose time is over or has not come.
    for (from, until) in [(2001, 2002), (2101, 2102)] {
        write_valid(directory.path(), from, until);
        assert!(matches!(reload(), Err(TlsProblem::OutOfTime { .. })));
        sleep(Duration::from_millis(200)).await;
        assert_eq!(
            call(world.address, &second, &bytes).await.unwrap().status,
            200
        );
    }
    stop.cancel();
}

#[tokio::test]
async fn plain_text_where_tls_is_spoken_is_not_answered() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path());
    let files = TlsCertificate::load(
        &directory.path().join("cert.pem"),
        &directory.path().join("key.pem"),
    );
    let upstream = Upstream::start(ok).await;
    let mut setup = Setup::to(upstream.url());
    setup.tls = Some(files.unwrap().acceptor().unwrap());
    let world = World::start(setup).await;
    let answer =
        crate::client::send(world.address, request("GET /shop/items", &world.key(), "")).await;
    assert_ne!(answer.status, 200);
    assert!(upstream.received().is_empty());
}

/// Shows the certificate's host a request, and ends. Whether the second of two such connections
/// took up the first one's session, and whether it was offered to send before the handshake.
fn resumed_and_early(
    address: SocketAddr,
    trusted: CertificateDer<'static>,
    bytes: &str,
) -> (bool, bool) {
    let mut roots = RootCertStore::empty();
    roots.add(trusted).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.enable_early_data = true;
    let config = Arc::new(config);
    let mut told = (false, false);
    for _ in 0..2 {
        let name = ServerName::try_from("localhost").unwrap();
        let mut client = ClientConnection::new(Arc::clone(&config), name).unwrap();
        let early = client.early_data().is_some();
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        let mut stream = rustls::Stream::new(&mut client, &mut socket);
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut read = Vec::new();
        let _ = stream.read_to_end(&mut read);
        assert!(
            read.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&read)
        );
        told = (
            client.handshake_kind() == Some(HandshakeKind::Resumed),
            early,
        );
    }
    told
}

/// What is sent before the handshake could be sent again by anyone who heard it.
///
/// Shows: S-21.
#[tokio::test]
async fn nobody_is_offered_to_send_before_the_handshake() {
    let directory = tempfile::tempdir().unwrap();
    let trusted = write(directory.path());
    let files = TlsCertificate::load(
        &directory.path().join("cert.pem"),
        &directory.path().join("key.pem"),
    );
    let ours = files.unwrap().acceptor().unwrap();
    assert_eq!(ours.config().max_early_data_size, 0);
    let mut careless = rustls::ServerConfig::clone(ours.config());
    careless.max_early_data_size = 16_384;
    let careless = TlsAcceptor::from(Arc::new(careless));
    let upstream = Upstream::start(ok).await;
    // The second is what the caller would see if we did.
    for (acceptor, offered) in [(ours, false), (careless, true)] {
        let mut setup = Setup::to(upstream.url());
        setup.tls = Some(acceptor);
        let world = World::start(setup).await;
        let bytes = request("GET /shop/items", &world.key(), "");
        let (address, trusted) = (world.address, trusted.clone());
        let seen = spawn_blocking(move || resumed_and_early(address, trusted, &bytes)).await;
        assert_eq!(seen.unwrap(), (true, offered));
    }
}
