use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::{body::Incoming, client::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use primitives::{Clock as _, SystemClock};
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, timeout},
};
use tokio_rustls::TlsConnector;
use verifier::{RequestLine, Verifier};

use crate::{Authority, Launch, Node, Provider, Report, progress};

/// How everything that is believed is replaced under load.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The binary.
    pub binary: PathBuf,
    /// Calls that are wanted.
    pub calls: usize,
    /// Replacements that are wanted besides.
    pub rotations: usize,
    /// From one replacement to the next.
    pub every: Duration,
    /// When it ends, whatever is still wanted.
    pub within: Duration,
}

/// Callers at a time.
const CALLERS: usize = 32;
/// Calls on one connection, so that certificates are looked at often.
const CALLS_EACH: usize = 20;
/// How long the one before of an app's keys goes on working, in seconds.
const OVERLAP: u32 = 5;
/// How long a replacement is waited for.
const PATIENCE: Duration = Duration::from_mins(1);
/// The years of a certificate: good, good, no longer, good, not yet.
const YEARS: [(i32, i32); 5] = [
    (2020, 2100),
    (2020, 2100),
    (2010, 2020),
    (2020, 2100),
    (2090, 2100),
];

/// What all callers and the origin know and note.
#[derive(Default)]
struct Seen {
    calls: AtomicUsize,
    verified: AtomicUsize,
    certificates: Mutex<BTreeSet<Vec<u8>>>,
    handshakes: AtomicUsize,
    /// What was not believed, at most ten of it.
    failed: Mutex<Vec<String>>,
    failures: AtomicUsize,
}

impl Seen {
    fn fail(&self, what: String) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let mut failed = self.failed.lock();
        if failed.len() < 10 {
            failed.push(what);
        }
    }
}

/// F-29: the certificate of the listener, the secret that signs contexts and the key of the app
/// are replaced again and again, also by certificates that are not valid now, while callers and
/// the origin look at each of them.
///
/// # Panics
/// When the node does not start, or something cannot be replaced.
pub async fn rotation(wanted: &Rotation) -> Report {
    let mut report = Report::new("rotation", &["F-29"], (0, 0));
    let seen = Arc::<Seen>::default();
    let (believed, believing) = watch::channel(vec![secret(0)]);
    let (url, origin) = verifying(Arc::clone(&seen), believing).await;
    let provider = Provider::new().await;
    provider.edit("identity: ed25519", "identity: { shared: context }");
    let authority = Authority::new();
    let files = authority.issue(provider.folder(), YEARS[0]);
    let launch = Launch::dev(&wanted.binary).secured(files);
    let launch = provider.launch_before(launch, &url);
    let started = Node::start(&launch, provider.folder()).await;
    let mut node = started.expect("the node starts");
    set(&node, &secret(0)).await;
    let (key, keys) = watch::channel(node.key("front"));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (seen, keys) = (Arc::clone(&seen), keys.clone());
        callers.spawn(call(node.public(), authority.caller(), keys, seen));
    }
    let (began, mut rotated) = (Instant::now(), 0);
    let calls = || seen.calls.load(Ordering::Relaxed);
    while began.elapsed() < wanted.within && (rotated < wanted.rotations || calls() < wanted.calls)
    {
        sleep(wanted.every).await;
        rotated += 1;
        authority.issue(provider.folder(), YEARS[rotated % YEARS.len()]);
        // Who verifies knows a key before it is used, and the one before as long as it may be.
        believed.send_replace(vec![secret(rotated - 1), secret(rotated)]);
        set(&node, &secret(rotated)).await;
        let next = rotate(&node, &key.borrow().0).await;
        key.send_replace(next);
        progress::note(format!("{rotated} rotations, {} calls", calls()));
    }
    callers.shutdown().await;
    origin.abort();
    report.count("rotations", rotated);
    report.count("seconds", began.elapsed().as_secs());
    report.count("calls", calls());
    report.count("verified_contexts", seen.verified.load(Ordering::Relaxed));
    report.count("handshakes", seen.handshakes.load(Ordering::Relaxed));
    report.count("failed", seen.failures.load(Ordering::Relaxed));
    let certificates = seen.certificates.lock().len();
    report.count("certificates_seen", certificates);
    report.demand(certificates > 1, || {
        "no other certificate was ever used".to_owned()
    });
    report.demand(
        calls() >= wanted.calls && rotated >= wanted.rotations,
        || format!("only {} calls and {rotated} rotations", calls()),
    );
    for failed in seen.failed.lock().drain(..) {
        report.demand(false, || failed);
    }
    report.demand(node.is_running(), || "the node is gone".to_owned());
    report
}

/// The secret of a number, long enough to sign with.
fn secret(number: usize) -> String {
    format!("the secret number {number} that signs what was decided")
}

async fn set(node: &Node, secret: &str) {
    let body = Bytes::from(json!({ "value": secret }).to_string());
    let mut operator = node.operator().patience(PATIENCE);
    let answer = operator.send(Method::PUT, "/v1/secrets/context", &[], body);
    let answer = answer.await.expect("an answer");
    assert_eq!(answer.status, 204, "{answer:?}");
}

/// The key that comes after the one of this id.
async fn rotate(node: &Node, id: &str) -> (String, String) {
    let path = format!("/v1/apps/front/keys/{id}/rotate");
    let body = json!({ "overlap_seconds": OVERLAP });
    let mut operator = node.operator().patience(PATIENCE);
    let answer = operator.post(&path, &[], &body).await;
    let answer = answer.expect("an answer");
    let issued = answer.json();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    text(&issued["key"]["id"])
        .zip(text(&issued["secret"]))
        .expect("a key and its secret")
}

/// Calls again and again, by the newest key, over connections that are soon new ones.
async fn call(
    address: SocketAddr,
    trust: Arc<ClientConfig>,
    keys: watch::Receiver<(String, String)>,
    seen: Arc<Seen>,
) {
    loop {
        match timeout(
            Duration::from_secs(20),
            calls(address, &trust, &keys, &seen),
        )
        .await
        {
            Ok(Ok(())) => {}
            Ok(Err(why)) => seen.fail(why),
            Err(_) => seen.fail("no answer in time".to_owned()),
        }
    }
}

async fn calls(
    address: SocketAddr,
    trust: &Arc<ClientConfig>,
    keys: &watch::Receiver<(String, String)>,
    seen: &Seen,
) -> Result<(), String> {
    let stream = TcpStream::connect(address).await;
    let stream = stream.map_err(|problem| format!("no connection: {problem}"))?;
    // Without it calls only take longer.
    let _ = stream.set_nodelay(true);
    let name = ServerName::try_from("localhost").expect("a name");
    let secured = TlsConnector::from(Arc::clone(trust)).connect(name, stream);
    let stream = secured.await.map_err(|problem| format!("TLS: {problem}"))?;
    seen.handshakes.fetch_add(1, Ordering::Relaxed);
    if let Some([certificate, ..]) = stream.get_ref().1.peer_certificates() {
        seen.certificates.lock().insert(certificate.to_vec());
    }
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|problem| problem.to_string())?;
    let connection = tokio::spawn(connection);
    for _ in 0..CALLS_EACH {
        let (id, secret) = keys.borrow().clone();
        let pair = STANDARD.encode(format!("{id}:{secret}"));
        let request = Request::get("/gate/free/1")
            .header("host", address.to_string())
            .header("authorization", format!("Basic {pair}"))
            .body(Empty::<Bytes>::new())
            .expect("a request");
        sender
            .ready()
            .await
            .map_err(|problem| problem.to_string())?;
        let answer = sender.send_request(request).await;
        let answer = answer.map_err(|problem| format!("no answer: {problem}"))?;
        let status = answer.status();
        let body = answer.into_body().collect().await;
        let body = body.map_err(|problem| format!("no whole answer: {problem}"))?;
        if status != 200 {
            let body = body.to_bytes();
            return Err(format!("{status}: {}", String::from_utf8_lossy(&body)));
        }
        seen.calls.fetch_add(1, Ordering::Relaxed);
    }
    drop(sender);
    connection.abort();
    Ok(())
}

/// An origin that believes contexts which are signed by one of `secrets`, and answers no others.
async fn verifying(
    seen: Arc<Seen>,
    secrets: watch::Receiver<Vec<String>>,
) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await;
    let listener = listener.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let audience = format!("{url}/gate");
    let task = tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                sleep(Duration::from_millis(20)).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            let (seen, secrets, audience) = (Arc::clone(&seen), secrets.clone(), audience.clone());
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    let found = verified(&request, &secrets.borrow(), &audience);
                    let status = if found.is_ok() { 200 } else { 500 };
                    match found {
                        Ok(()) => {
                            seen.verified.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(why) => seen.fail(format!("the context: {why}")),
                    }
                    let answer = Response::builder().status(status);
                    let answer = answer.body(Full::new(Bytes::from_static(b"{}")));
                    async move { answer }
                });
                // Whoever is ended closes without a word.
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    (url, task)
}

fn verified(request: &Request<Incoming>, secrets: &[String], audience: &str) -> Result<(), String> {
    let shown = |problem: &dyn std::error::Error| problem.to_string();
    let token = verifier::token(request.headers()).map_err(|problem| shown(&problem))?;
    let line = RequestLine::of(request).map_err(|problem| shown(&problem))?;
    let verifier = Verifier::shared_while_changing(secrets.iter().map(String::as_bytes));
    let verifier = verifier.map_err(|problem| shown(&problem))?;
    let context = verifier
        .audience(audience)
        .verify(token, &line, SystemClock.now())
        .map_err(|problem| shown(&problem))?;
    context.require("FREE").map_err(|problem| shown(&problem))?;
    Ok(())
}
