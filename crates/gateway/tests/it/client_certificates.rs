//! Certificates of callers, over real TLS.

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use gateway::{Callers, TlsCertificate, TlsProblem};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd, generate_simple_self_signed,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs::sign::any_supported_type,
    sign::{CertifiedKey, SingleCertAndKey},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use store::CredentialKind;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::{
    client::{Answer, request},
    upstream::{Upstream, ok},
    world::{Setup, World},
};

/// A certificate and its key, as a caller has them.
type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut wanted = CertificateParams::new(Vec::new()).unwrap();
    wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(wanted, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for callers, but for what `change` does to it.
fn caller(
    by: &CertifiedIssuer<'static, KeyPair>,
    change: impl FnOnce(&mut CertificateParams),
) -> Identity {
    let mut wanted = CertificateParams::new(vec!["till.example".to_owned()]).unwrap();
    wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    change(&mut wanted);
    let key = KeyPair::generate().unwrap();
    let made = wanted.signed_by(&key, by).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    (made.der().clone(), key)
}

/// A house whose gateway asks for certificates, and what its own is.
struct House {
    trusted: CertificateDer<'static>,
    authority: CertifiedIssuer<'static, KeyPair>,
    self_signed: bool,
    directory: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let made = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let write = |name: &str, text: String| fs::write(directory.path().join(name), text);
        write("cert.pem", made.cert.pem()).unwrap();
        write("key.pem", made.signing_key.serialize_pem()).unwrap();
        let authority = authority();
        write("callers.pem", authority.pem()).unwrap();
        Self {
            trusted: made.cert.der().clone(),
            authority,
            self_signed: false,
            directory,
        }
    }

    fn files(&self) -> TlsCertificate {
        let of = |name: &str| self.directory.path().join(name);
        TlsCertificate::load(&of("cert.pem"), &of("key.pem")).unwrap()
    }

    /// A gateway whose only credential is of this kind, bound to a certificate.
    async fn open(
        &self,
        upstream: &Upstream,
        kind: CredentialKind,
        bound: Option<&Identity>,
    ) -> World {
        let mut setup = Setup::to(upstream.url());
        let authorities = self.directory.path().join("callers.pem");
        let callers = Callers {
            authorities: Some(&authorities),
            self_signed: self.self_signed,
        };
        setup.tls = Some(self.files().acceptor_asking(callers).unwrap());
        let bound = bound.map(|(certificate, _)| keys::sha256(certificate));
        setup.credential_is = Some(Box::new(move |credential, _| {
            (credential.kind, credential.certificate) = (kind, bound);
            if kind == CredentialKind::Certificate {
                credential.hash = "certificate:".to_owned();
            }
        }));
        World::start(setup).await
    }

    async fn call(&self, at: SocketAddr, shown: Option<&Identity>, bytes: &str) -> Option<Answer> {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusted.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match shown {
            None => config.with_no_client_auth(),
            // Whether the two belong together is for the gateway to find out.
            Some((certificate, key)) => {
                let key = any_supported_type(key).unwrap();
                let pair = CertifiedKey::new(vec![certificate.clone()], key);
                config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(pair)))
            }
        };
        let stream = TcpStream::connect(at).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, stream).await.ok()?;
        // A refused certificate shows when the first answer is read.
        stream.write_all(bytes.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        (!answer.is_empty()).then(|| Answer::parse(&String::from_utf8_lossy(&answer)))
    }
}

const BARE: &str = "GET /shop/items HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// A call without a credential, with a header that claims to carry a certificate.
fn claiming(name: &str, value: &str) -> String {
    BARE.replace("connection:", &format!("{name}: {value}\r\nconnection:"))
}

fn code(answer: Option<Answer>) -> (u16, String) {
    let answer = answer.unwrap();
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let code = body["code"].as_str().unwrap_or_default().to_owned();
    (answer.status, code)
}

/// Shows: P-31, P-32.
#[tokio::test]
async fn a_certificate_alone_is_a_credential_and_no_other_certificate_is() {
    let house = House::new();
    let upstream = Upstream::start(ok).await;
    let mine = caller(&house.authority, |_| {});
    let world = house
        .open(&upstream, CredentialKind::Certificate, Some(&mine))
        .await;
    let at = world.address;
    let answer = house.call(at, Some(&mine), BARE).await;
    assert_eq!(answer.unwrap().status, 200);
    assert_eq!(upstream.received().len(), 1);

    // Another one of the same authority, and the same name.
    let other = caller(&house.authority, |_| {});
    let unknown = (401, "credential_unknown".to_owned());
    assert_eq!(code(house.call(at, Some(&other), BARE).await), unknown);
    let missing = (401, "credential_missing".to_owned());
    assert_eq!(code(house.call(at, None, BARE).await), missing);
    // A certificate is no password: its credential's id opens nothing.
    let with_key = request("GET /shop/items", &world.key(), "connection: close\r\n");
    assert_eq!(code(house.call(at, None, &with_key).await), unknown);
    assert_eq!(code(house.call(at, Some(&mine), &with_key).await), unknown);
    assert_eq!(upstream.received().len(), 1, "nothing of it was forwarded");
}

/// Shows: P-31, P-32.
#[tokio::test]
async fn a_certificate_that_is_not_good_gets_no_connection() {
    let house = House::new();
    let upstream = Upstream::start(ok).await;
    let strangers = authority();
    let year = |from: i32, until: i32| {
        move |wanted: &mut CertificateParams| {
            wanted.not_before = date_time_ymd(from, 1, 1);
            wanted.not_after = date_time_ymd(until, 1, 1);
        }
    };
    let own = generate_simple_self_signed(vec!["till.example".to_owned()]).unwrap();
    let own_key = own.signing_key.serialize_pem();
    let own_key = PrivateKeyDer::from_pem_slice(own_key.as_bytes()).unwrap();
    let for_servers = |wanted: &mut CertificateParams| {
        wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    for (what, shown) in [
        ("expired", caller(&house.authority, year(2001, 2002))),
        ("not yet valid", caller(&house.authority, year(2101, 2102))),
        ("for servers", caller(&house.authority, for_servers)),
        ("of strangers", caller(&strangers, |_| {})),
        ("its own", (own.cert.der().clone(), own_key)),
    ] {
        // Bound to this very certificate: only the handshake can refuse it.
        let world = house
            .open(&upstream, CredentialKind::Certificate, Some(&shown))
            .await;
        let answer = house.call(world.address, Some(&shown), BARE).await;
        assert!(answer.is_none(), "{what}: {answer:?}");
    }
    // The right certificate with the key of another one proves nothing.
    let (mine, _) = caller(&house.authority, |_| {});
    let (_, key) = caller(&house.authority, |_| {});
    let stolen = (mine, key);
    let world = house
        .open(&upstream, CredentialKind::Certificate, Some(&stolen))
        .await;
    let answer = house.call(world.address, Some(&stolen), BARE).await;
    assert!(answer.is_none(), "{answer:?}");
    assert!(upstream.received().is_empty());
}

/// A certificate that nobody else has signed.
fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let mut wanted = CertificateParams::new(vec!["till.example".to_owned()]).unwrap();
    change(&mut wanted);
    let key = KeyPair::generate().unwrap();
    let made = wanted.self_signed(&key).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    (made.der().clone(), key)
}

/// Where such certificates are let in, each opens what names it, and those of authorities are
/// looked at as before.
///
/// Shows: P-31, P-32.
#[tokio::test]
async fn a_certificate_that_its_owner_made_opens_only_what_names_it() {
    let mut house = House::new();
    house.self_signed = true;
    let upstream = Upstream::start(ok).await;
    let year = |from: i32, until: i32| {
        move |wanted: &mut CertificateParams| {
            wanted.not_before = date_time_ymd(from, 1, 1);
            wanted.not_after = date_time_ymd(until, 1, 1);
        }
    };
    let own = self_signed(|_| {});
    let as_authority = self_signed(|wanted| {
        wanted.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let signed = caller(&house.authority, |_| {});
    for shown in [&own, &as_authority, &signed] {
        let world = house
            .open(&upstream, CredentialKind::Certificate, Some(shown))
            .await;
        let answer = house.call(world.address, Some(shown), BARE).await;
        assert_eq!(code(answer).0, 200);
        let other = self_signed(|_| {});
        let answer = house.call(world.address, Some(&other), BARE).await;
        assert_eq!(code(answer), (401, "credential_unknown".to_owned()));
        let answer = house.call(world.address, None, BARE).await;
        assert_eq!(code(answer), (401, "credential_missing".to_owned()));
    }
    let passed = upstream.received().len();
    assert_eq!(passed, 3);
    let strangers = authority();
    // A certificate of its own, and the key of another: whoever has only seen it.
    let seen = (own.0.clone(), self_signed(|_| {}).1);
    for (what, shown) in [
        ("expired", self_signed(year(2001, 2002))),
        ("not yet valid", self_signed(year(2101, 2102))),
        ("of strangers", caller(&strangers, |_| {})),
        (
            "expired, signed",
            caller(&house.authority, year(2001, 2002)),
        ),
        ("the key of another", seen),
    ] {
        let world = house
            .open(&upstream, CredentialKind::Certificate, Some(&shown))
            .await;
        let answer = house.call(world.address, Some(&shown), BARE).await;
        assert!(answer.is_none(), "{what}: {answer:?}");
    }
    assert_eq!(upstream.received().len(), passed);
}

/// Shows: P-31, P-32.
#[tokio::test]
async fn a_bound_key_needs_its_certificate_and_a_free_one_does_not() {
    let house = House::new();
    let upstream = Upstream::start(ok).await;
    let (mine, other) = (
        caller(&house.authority, |_| {}),
        caller(&house.authority, |_| {}),
    );
    let world = house
        .open(&upstream, CredentialKind::Key, Some(&mine))
        .await;
    let at = world.address;
    let with_key = request("GET /shop/items", &world.key(), "connection: close\r\n");
    let needed = (401, "credential_certificate".to_owned());
    assert_eq!(code(house.call(at, None, &with_key).await), needed);
    assert_eq!(code(house.call(at, Some(&other), &with_key).await), needed);
    assert_eq!(code(house.call(at, Some(&mine), BARE).await).0, 401);
    let answer = house.call(at, Some(&mine), &with_key).await;
    assert_eq!(answer.unwrap().status, 200);

    let free = house.open(&upstream, CredentialKind::Key, None).await;
    let with_key = request("GET /shop/items", &free.key(), "connection: close\r\n");
    for shown in [None, Some(&other)] {
        let answer = house.call(free.address, shown, &with_key).await;
        assert_eq!(answer.unwrap().status, 200);
    }
}

/// Shows: P-31, S-16.
#[tokio::test]
async fn a_header_that_claims_a_certificate_is_nobodys() {
    let house = House::new();
    let upstream = Upstream::start(ok).await;
    let mine = caller(&house.authority, |_| {});
    let world = house
        .open(&upstream, CredentialKind::Certificate, Some(&mine))
        .await;
    let hex = primitives::hex(&keys::sha256(&mine.0));
    for (name, value) in [
        ("x-forwarded-client-cert", format!("Hash={hex}")),
        ("x-client-cert", hex.clone()),
        ("x-ssl-client-fingerprint", hex.clone()),
        ("client-cert", format!(":{hex}:")),
        ("portreeve-certificate", hex.clone()),
    ] {
        let answer = house
            .call(world.address, None, &claiming(name, &value))
            .await;
        assert_eq!(
            code(answer),
            (401, "credential_missing".to_owned()),
            "{name}"
        );
    }
    assert!(upstream.received().is_empty());
}

#[test]
fn authorities_that_are_none_are_refused() {
    let house = House::new();
    let path = |name: &str| house.directory.path().join(name);
    let asking = |path: &Path| {
        let callers = Callers {
            authorities: Some(path),
            self_signed: true,
        };
        house.files().acceptor_asking(callers).err()
    };
    assert!(matches!(
        asking(&path("none.pem")),
        Some(TlsProblem::File { .. })
    ));
    fs::write(path("empty.pem"), "").unwrap();
    let none = asking(&path("empty.pem"));
    assert!(
        matches!(none, Some(TlsProblem::NoCertificate(_))),
        "{none:?}"
    );
}
