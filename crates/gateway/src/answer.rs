use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use admission::{RateLimit, rate_limit_fields};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use primitives::{RecordId, Timestamp};
use tokio::sync::OwnedSemaphorePermit;

use crate::{body::Idle, settle::Settle};

/// What goes back to a caller: an answer of ours, or the upstream's as it comes.
pub(crate) type AnswerBody = Either<Full<Bytes>, Passing>;

/// An upstream's answer on its way to the caller. Dropping it, wherever it is by then, settles
/// the call and gives its place free.
pub(crate) struct Passing {
    body: Incoming,
    idle: Idle,
    settle: Settle,
    _slot: OwnedSemaphorePermit,
}

/// An upstream's answer stopped before its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AnswerFailure {
    #[error("the upstream paused for too long within its answer")]
    Paused,
    #[error(transparent)]
    Upstream(#[from] hyper::Error),
}

impl Passing {
    pub(crate) fn new(
        body: Incoming,
        pause: Duration,
        settle: Settle,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            body,
            idle: Idle::new(pause),
            settle,
            _slot: slot,
        }
    }
}

impl Body for Passing {
    type Data = Bytes;
    type Error = AnswerFailure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerFailure>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            if self.idle.is_over(cx) {
                return Poll::Ready(Some(Err(AnswerFailure::Paused)));
            }
            return Poll::Pending;
        };
        self.idle.restart();
        match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    self.settle.bytes_out = self.settle.bytes_out.saturating_add(data.len() as u64);
                    Poll::Ready(Some(Ok(Frame::data(data))))
                }
                // Trailers end an answer; they are not passed on.
                Err(_) => Poll::Ready(None),
            },
            Some(Err(failure)) => Poll::Ready(Some(Err(failure.into()))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The headers that go back: without those of the connection, and without anything under our
/// name that is not from us. `None` when the upstream's `Connection` is no list of names.
pub(crate) fn headers(upstream: &HeaderMap) -> Option<HeaderMap> {
    let mut headers = request::end_to_end(upstream).ok()?;
    let ours: Vec<HeaderName> = headers
        .keys()
        .filter(|name| request::is_namespaced(name))
        .cloned()
        .collect();
    for name in ours {
        headers.remove(name);
    }
    Some(headers)
}

/// Names the decision.
pub(crate) fn name_decision(headers: &mut HeaderMap, decision: RecordId) {
    if let Ok(value) = HeaderValue::from_str(&decision.to_string()) {
        headers.insert("portreeve-decision", value);
    }
}

/// Tells where the counters of the call stand.
pub(crate) fn add_limits(headers: &mut HeaderMap, limits: &[RateLimit], now: Timestamp) {
    let Some((policy, state)) = rate_limit_fields(limits, now) else {
        return;
    };
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
