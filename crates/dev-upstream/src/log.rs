use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};

/// A call as it reached the upstream.
#[derive(Clone, Debug)]
pub struct Received {
    /// The prefix of the API.
    pub prefix: String,
    /// `METHOD /template` of the operation; `None` when no operation fits.
    pub operation: Option<String>,
    /// The method.
    pub method: Method,
    /// Path and query as they stood on the wire.
    pub target: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The upstream's own id of the account, from the signed context.
    pub account: Option<String>,
    /// The id of the decision, from the signed context.
    pub decision: Option<String>,
    /// What was answered; `None` when the connection was closed instead.
    pub status: Option<StatusCode>,
}

impl Received {
    /// The one value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// As JSON, secrets masked.
    pub(crate) fn shown(&self) -> Value {
        json!({
            "api": self.prefix,
            "operation": self.operation,
            "method": self.method.as_str(),
            "target": self.target,
            "headers": shown_headers(&self.headers),
            "body": String::from_utf8_lossy(&self.body),
            "account": self.account,
            "decision": self.decision,
            "status": self.status.map(|status| status.as_u16()),
        })
    }
}

/// Headers as JSON; credentials and the signed context only by their length.
pub(crate) fn shown_headers(headers: &HeaderMap) -> Value {
    let secret = ["authorization", "x-api-key", keys::CONTEXT_HEADER];
    let shown = headers.iter().map(|(name, value)| {
        let text = String::from_utf8_lossy(value.as_bytes());
        let text = if secret.contains(&name.as_str()) {
            format!("({} characters)", text.len())
        } else {
            text.into_owned()
        };
        (name.as_str().to_owned(), Value::String(text))
    });
    Value::Object(shown.collect())
}

/// The last calls.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<VecDeque<Received>>);

impl Log {
    const MOST: usize = 1_000;

    pub(crate) fn add(&self, received: Received) {
        let mut log = self.0.lock();
        if log.len() >= Self::MOST {
            log.pop_front();
        }
        log.push_back(received);
    }

    pub(crate) fn all(&self) -> Vec<Received> {
        self.0.lock().iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}
