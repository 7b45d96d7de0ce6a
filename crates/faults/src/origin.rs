use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, body::Incoming, header::CONTENT_TYPE, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::{net::TcpListener, task::JoinHandle};

/// The provider's API behind the node: it lives outside of the node's process, so that what it
/// was sent is the truth about what was forwarded.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    served: Mutex<Vec<Served>>,
    delay_micros: AtomicU64,
}

/// A call that reached the origin whole.
#[derive(Clone, Debug)]
pub struct Served {
    /// The last part of its path: the operation's id in the history.
    pub id: String,
    /// The part before that: what was called.
    pub what: String,
    /// The decision that let it pass.
    pub decision: String,
}

impl Origin {
    /// An origin on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::<Shared>::default();
        let of_task = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                };
                let _ = stream.set_nodelay(true);
                let shared = Arc::clone(&of_task);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&shared), request));
                    // Whoever is killed closes without a word.
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            address,
            shared,
            task,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every call it was sent, in the order they came.
    #[must_use]
    pub fn served(&self) -> Vec<Served> {
        self.shared.served.lock().clone()
    }

    /// How many calls it was sent.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.served.lock().len()
    }

    /// How long it takes for each answer, from now on.
    pub fn take(&self, delay: Duration) {
        let micros = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        self.shared.delay_micros.store(micros, Ordering::Relaxed);
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (parts, body) = request.into_parts();
    body.collect().await?;
    let mut path = parts.uri.path().rsplit('/');
    let mut part = || path.next().unwrap_or_default().to_owned();
    let (id, what) = (part(), part());
    let decision = parts.headers.get("portreeve-decision");
    let decision = decision.and_then(|value| value.to_str().ok());
    let text = format!("{{\"id\":\"{id}\"}}");
    shared.served.lock().push(Served {
        id,
        what,
        decision: decision.unwrap_or_default().to_owned(),
    });
    let micros = shared.delay_micros.load(Ordering::Relaxed);
    if micros > 0 {
        tokio::time::sleep(Duration::from_micros(micros)).await;
    }
    let answer = Response::builder().header(CONTENT_TYPE, "application/json");
    Ok(answer
        .body(Full::new(Bytes::from(text)))
        .expect("an answer"))
}
