use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use axum::http::{HeaderName, HeaderValue, Request, header};
use bytes::Bytes;
use flows::{GateAnswer, GateCall, NoAnswer};
use gateway::{Gateway, NotAsked};
use http_body_util::Full;
use http_kit::{Basic, TraceContext};
use primitives::{AccountId, Entropy};
use tokio::{sync::Semaphore, time::timeout};

/// How long a call may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// How much of an answer's body is shown.
const MOST_SHOWN: usize = 64 * 1024;
/// How many calls are tried at once, by everybody and by one developer.
const AT_ONCE: usize = 16;
const AT_ONCE_BY_ONE: usize = 2;

/// The way from the developers' site to the gate: a connection within the process. There is no
/// address in it, so there is none that somebody could put in its place.
pub(super) struct WithinProcess {
    gateway: Gateway,
    /// What callers write in `Host` for APIs that go by their path.
    host: String,
    tls: bool,
    entropy: Arc<dyn Entropy>,
    room: Semaphore,
    by: Mutex<HashMap<AccountId, usize>>,
}

impl WithinProcess {
    /// `public` is where the public listener is reached.
    pub(super) fn new(gateway: Gateway, public: &str, entropy: Arc<dyn Entropy>) -> Self {
        let (scheme, host) = public.split_once("://").unwrap_or(("http", public));
        Self {
            gateway,
            host: host.trim_end_matches('/').to_owned(),
            tls: scheme == "https",
            entropy,
            room: Semaphore::new(AT_ONCE),
            by: Mutex::default(),
        }
    }

    fn enter(&self, developer: AccountId) -> Option<Turn<'_>> {
        let mut by = self.by.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by.entry(developer).or_default();
        if *count >= AT_ONCE_BY_ONE {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Turn {
            by: &self.by,
            developer,
        })
    }

    fn request(
        &self,
        call: &GateCall,
        trace: &TraceContext,
    ) -> Result<Request<Full<Bytes>>, NoAnswer> {
        let broken = |why: &dyn std::fmt::Display| NoAnswer::Broken(why.to_string());
        let (id, secret) = &call.key;
        let host = call.filled.host.as_deref().unwrap_or(&self.host);
        let credential = Basic::written(&id.to_string(), secret);
        let credential = credential.ok_or(NoAnswer::Broken("its key is none".to_owned()))?;
        let mut request = Request::builder()
            .method(call.filled.method.as_str())
            .uri(call.filled.target.as_str())
            .header(header::HOST, host)
            .header(header::USER_AGENT, "Portreeve-try-it")
            .header(header::ACCEPT, "*/*")
            .header(HeaderName::from_static("traceparent"), trace.written())
            .header(header::AUTHORIZATION, credential);
        for (name, value) in &call.filled.headers {
            request = request.header(name.as_str(), value.as_str());
        }
        let body = match &call.filled.body {
            None => Bytes::new(),
            Some((media_type, text)) => {
                request = request.header(header::CONTENT_TYPE, media_type.as_str());
                Bytes::copy_from_slice(text.as_bytes())
            }
        };
        request.body(Full::new(body)).map_err(|why| broken(&why))
    }
}

/// A call under way of a developer; gives its room back when it ends.
struct Turn<'a> {
    by: &'a Mutex<HashMap<AccountId, usize>>,
    developer: AccountId,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut by = self.by.lock().unwrap_or_else(PoisonError::into_inner);
        let left = by
            .get(&self.developer)
            .map_or(0, |count| count.saturating_sub(1));
        if left == 0 {
            by.remove(&self.developer);
        } else {
            by.insert(self.developer, left);
        }
    }
}

#[async_trait]
impl flows::Gate for WithinProcess {
    async fn call(&self, call: GateCall) -> Result<GateAnswer, NoAnswer> {
        let _turn = self.enter(call.developer).ok_or(NoAnswer::Busy)?;
        let _room = self.room.try_acquire().map_err(|_| NoAnswer::Busy)?;
        let trace = TraceContext::new(&*self.entropy);
        let request = self.request(&call, &trace)?;
        let asked = self.gateway.ask((call.from, self.tls), request, MOST_SHOWN);
        let asked = match timeout(DEADLINE, asked).await {
            Err(_) => return Err(NoAnswer::TooLong),
            Ok(Err(NotAsked::Full)) => return Err(NoAnswer::Busy),
            Ok(Err(why)) => return Err(NoAnswer::Broken(why.to_string())),
            Ok(Ok(asked)) => asked,
        };
        let (parts, body) = asked.response.into_parts();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let decision = parts.headers.get("portreeve-decision").map(text);
        let headers = parts.headers.iter();
        Ok(GateAnswer {
            status: parts.status.as_u16(),
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value)))
                .collect(),
            body: body.to_vec(),
            cut: asked.cut,
            decision: decision.and_then(|id| id.parse().ok()),
            trace: trace.trace_id(),
        })
    }
}
