//! How the provider's credential is presented to an upstream.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio_rustls::TlsAcceptor;

use crate::{
    client::basic,
    upstream::{Received, Step, Upstream, answer, ok},
    world::{Setup, World},
};

#[tokio::test]
async fn a_header_is_added_and_an_apps_own_is_not_passed_on() {
    let upstream = Upstream::start(ok).await;
    let mut setup = Setup::to(upstream.url());
    setup.credential = "{ header: { name: x-api-key, secret: upstream-password } }";
    let world = World::start(setup).await;
    let headers = "x-api-key: mine\r\nX-API-Key: too\r\n";
    assert_eq!(world.call("GET /shop/items", headers, "").await.status, 200);
    let got = upstream.only();
    assert_eq!(got.header("x-api-key"), Some("the upstream's"));
    assert_eq!(got.head.to_lowercase().matches("x-api-key").count(), 1);
    assert_eq!(got.header("authorization"), None);
}

#[tokio::test]
async fn an_account_has_a_credential_of_its_own_and_never_that_of_the_other_mode() {
    for (of_account, header, expected) in [
        (
            "    upstream_credentials: { shop: { live: { basic: { user: AC-1, secret: of-acme } } } }\n",
            "authorization",
            Some(basic("AC-1", "acme's own")),
        ),
        (
            "    upstream_credentials: { shop: { live: { header: { name: x-token, secret: of-acme } } } }\n",
            "x-token",
            Some("x-token: acme's own\r\n".to_owned()),
        ),
        (
            "    upstream_credentials: { shop: { test: { basic: { user: AC-1, secret: of-acme } } } }\n",
            "x-api-key",
            Some("x-api-key: the upstream's\r\n".to_owned()),
        ),
    ] {
        let upstream = Upstream::start(ok).await;
        let mut setup = Setup::to(upstream.url());
        setup.credential = "{ header: { name: x-api-key, secret: upstream-password } }";
        setup.account = of_account;
        setup.secrets.push(("of-acme", "acme's own".to_owned()));
        let world = World::start(setup).await;
        let lie = "x-api-key: lie\r\nx-token: lie\r\n";
        let lie = if header == "x-token" {
            lie
        } else {
            "x-api-key: lie\r\n"
        };
        assert_eq!(world.call("GET /shop/items", lie, "").await.status, 200);
        let got = upstream.only();
        let got_line = got
            .header(header)
            .map(|value| format!("{header}: {value}\r\n"));
        assert_eq!(got_line, expected, "{of_account}");
        assert!(!got.head.contains("lie"), "{}", got.head);
        let theirs = got.head.contains("the upstream's");
        assert_eq!(theirs, header == "x-api-key", "{}", got.head);
    }
}

const CLIENT_CREDENTIALS: &str = "{ client_credentials: { token_url: \"${token}\", client: \"port reeve\", secret: upstream-password, scope: \"items:read items:write\" } }";

/// An upstream that is its own token endpoint; the n-th token is `token-n`.
async fn with_tokens(refused: &'static str) -> (Arc<AtomicUsize>, Upstream) {
    let issued = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&issued);
    let upstream = Upstream::start(move |got: &Received| {
        if got.line().starts_with("POST /token") {
            let n = count.fetch_add(1, Ordering::SeqCst) + 1;
            let body = format!(
                r#"{{"access_token":"token-{n}","token_type":"Bearer","expires_in":3600}}"#
            );
            let mut steps = vec![Step::Wait(100)];
            steps.extend(answer("200 OK", "", &body));
            return steps;
        }
        if !refused.is_empty() && got.header("authorization") == Some(refused) {
            let pause = if got.line().contains("slow") { 600 } else { 0 };
            let mut steps = vec![Step::Wait(pause)];
            steps.extend(answer("401 Unauthorized", "", ""));
            return steps;
        }
        answer("200 OK", "", "fine")
    })
    .await;
    (issued, upstream)
}

async fn token_world(upstream: &Upstream) -> World {
    let mut setup = Setup::to(upstream.url());
    let token_url = format!("http://{}/token", upstream.address);
    setup.credential = CLIENT_CREDENTIALS.replace("${token}", &token_url).leak();
    World::start(setup).await
}

#[tokio::test]
async fn many_calls_share_one_token() {
    let (issued, upstream) = with_tokens("").await;
    let world = token_world(&upstream).await;
    let call = || world.call("GET /shop/items", "", "");
    let (a, b, c, d) = tokio::join!(call(), call(), call(), call());
    for answered in [a, b, c, d, call().await] {
        assert_eq!(answered.status, 200, "{answered:?}");
    }
    assert_eq!(issued.load(Ordering::SeqCst), 1);
    for got in upstream.received() {
        if got.line().starts_with("POST") {
            let body = String::from_utf8(got.body.clone()).unwrap();
            assert_eq!(
                body,
                "grant_type=client_credentials&scope=items%3Aread+items%3Awrite"
            );
            // RFC 6749, section 2.3.1: encoded before they are joined.
            let expected = basic("port+reeve", "the+upstream%27s");
            assert!(
                expected.contains(got.header("authorization").unwrap()),
                "{}",
                got.head
            );
        } else {
            assert_eq!(got.header("authorization"), Some("Bearer token-1"));
        }
    }
    // A changed secret fetches anew.
    world
        .secrets
        .0
        .lock()
        .insert("upstream-password".to_owned(), "changed".to_owned());
    assert_eq!(call().await.status, 200);
    assert_eq!(issued.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_token_that_is_refused_is_not_used_again() {
    let (issued, upstream) = with_tokens("Bearer token-1").await;
    let world = token_world(&upstream).await;
    // The refusal is passed on: a call is sent once.
    assert_eq!(world.call("GET /shop/items", "", "").await.status, 401);
    assert_eq!(world.call("GET /shop/items", "", "").await.status, 200);
    assert_eq!(issued.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_late_refusal_of_an_old_token_does_not_cost_the_new_one() {
    let (issued, upstream) = with_tokens("Bearer token-1").await;
    let world = token_world(&upstream).await;
    let late = world.call("GET /shop/items?slow", "", "");
    let meanwhile = async {
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        let first = world.call("GET /shop/items", "", "").await.status;
        (first, world.call("GET /shop/items", "", "").await.status)
    };
    let (late, meanwhile) = tokio::join!(late, meanwhile);
    assert_eq!((late.status, meanwhile), (401, (401, 200)));
    assert_eq!(world.call("GET /shop/items", "", "").await.status, 200);
    assert_eq!(issued.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn without_a_token_the_call_is_not_made() {
    let upstream = Upstream::start(|got: &Received| {
        if got.line().starts_with("POST") {
            answer("500 Internal Server Error", "", "no")
        } else {
            answer("200 OK", "", "fine")
        }
    })
    .await;
    let world = token_world(&upstream).await;
    for _ in 0..3 {
        let answered = world.call("GET /shop/items", "", "").await;
        assert_eq!(
            (answered.status, answered.code().as_str()),
            (502, "upstream_unreachable")
        );
    }
    assert_eq!(upstream.received().len(), 1, "every call asks again");
    for outcome in world.outcomes(3).await {
        assert_eq!(outcome, (journal::CallOutcome::NotSent, true));
    }
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Certificate and key in PEM.
    fn certify(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }

    fn acceptor(&self, name: &str, wants_client: bool) -> TlsAcceptor {
        let (certificate, key) = self.certify(name);
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if wants_client {
            let roots = Arc::new(self.roots());
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()))
    }
}

async fn tls_upstream(authority: &Authority, name: &str, wants_client: bool) -> Upstream {
    let acceptor = authority.acceptor(name, wants_client);
    Upstream::start_with(Arc::new(ok), Some(acceptor), std::time::Duration::ZERO).await
}

fn https(upstream: &Upstream) -> Setup {
    Setup::to(format!(
        "https://localhost:{}/base",
        upstream.address.port()
    ))
}

#[tokio::test]
async fn an_upstream_is_known_by_its_certificate() {
    let authority = Authority::new();
    let upstream = tls_upstream(&authority, "localhost", false).await;
    let mut setup = https(&upstream);
    setup.authorities = vec![authority.0.der().clone()];
    let world = World::start(setup).await;
    assert_eq!(world.call("GET /shop/items", "", "").await.status, 200);
    // An authority nobody named, and a certificate for another name.
    let stranger = World::start(https(&upstream)).await;
    let other = tls_upstream(&authority, "other.test", false).await;
    let mut setup = https(&other);
    setup.authorities = vec![authority.0.der().clone()];
    let wrong_name = World::start(setup).await;
    for world in [stranger, wrong_name] {
        assert_eq!(world.call("GET /shop/items", "", "").await.status, 502);
        assert_eq!(
            world.outcomes(1).await,
            [(journal::CallOutcome::NotSent, true)]
        );
    }
    assert_eq!(upstream.received().len(), 1);
    assert!(other.received().is_empty());
}

#[tokio::test]
async fn a_client_certificate_is_presented_and_changed_at_once() {
    let authority = Authority::new();
    let upstream = tls_upstream(&authority, "localhost", true).await;
    let (certificate, key) = authority.certify("portreeve");
    let mut setup = https(&upstream);
    setup.credential = "{ mtls: { certificate: our-certificate, key: our-key } }";
    setup.authorities = vec![authority.0.der().clone()];
    setup
        .secrets
        .extend([("our-certificate", certificate), ("our-key", key)]);
    let world = World::start(setup).await;
    assert_eq!(world.call("GET /shop/items", "", "").await.status, 200);
    assert_eq!(upstream.only().header("authorization"), None);
    let (certificate, key) = Authority::new().certify("portreeve");
    {
        let mut secrets = world.secrets.0.lock();
        secrets.insert("our-certificate".to_owned(), certificate);
        secrets.insert("our-key".to_owned(), key);
    }
    assert_eq!(world.call("GET /shop/items", "", "").await.status, 502);
    assert_eq!(upstream.received().len(), 1);
}
