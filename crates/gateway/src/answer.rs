use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use admission::{RateLimit, rate_limit_fields};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Either, Full};
use primitives::{RecordId, Timestamp};
use tokio::sync::OwnedSemaphorePermit;

use crate::{body::Idle, pool::Answering, settle::Settle, trailers};

/// What goes back to a caller: an answer of ours, or the upstream's as it comes.
pub(crate) type AnswerBody = Either<Full<Bytes>, Passing>;

/// An upstream's answer on its way to the caller. Dropping it, wherever it is by then, settles
/// the call and gives its place free.
pub(crate) struct Passing {
    body: Answering,
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
        body: Answering,
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
                Err(frame) => Poll::Ready(frame.into_trailers().ok().map(|sent| {
                    let passed = trailers::passed(&sent);
                    Ok(Frame::trailers(passed))
                })),
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
/// name that is not from us.
///
/// # Errors
/// Says what is wrong with an answer whose end is in doubt, or whose `Connection` is no list of
/// names: nothing of it may be passed on.
pub(crate) fn headers(upstream: HeaderMap) -> Result<HeaderMap, &'static str> {
    if let Some(doubt) = doubt(&upstream) {
        return Err(doubt);
    }
    let announced = trailers::announced(&upstream);
    let mut headers =
        request::end_to_end(upstream).map_err(|_| "its `Connection` is not a list of names")?;
    if let Some(announced) = announced {
        headers.insert(header::TRAILER, announced);
    }
    let ours: Vec<HeaderName> = headers
        .keys()
        .filter(|name| request::is_namespaced(name))
        .cloned()
        .collect();
    for name in ours {
        headers.remove(name);
    }
    Ok(headers)
}

/// Why two readers could find the end of an answer in two places.
fn doubt(upstream: &HeaderMap) -> Option<&'static str> {
    let mut lengths = upstream.get_all(header::CONTENT_LENGTH).iter();
    let length = lengths.next();
    let plain = |value: &HeaderValue| value.as_bytes().iter().all(u8::is_ascii_digit);
    if lengths.next().is_some() || length.is_some_and(|length| !plain(length)) {
        return Some("its `Content-Length` is not one number");
    }
    let mut codings = upstream.get_all(header::TRANSFER_ENCODING).iter();
    let coding = codings.next()?;
    let chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    if codings.next().is_some() || !chunked {
        return Some("its `Transfer-Encoding` is not exactly `chunked`");
    }
    length.map(|_| "it has both `Content-Length` and `Transfer-Encoding`")
}

/// The header that names the decision.
pub(crate) const DECISION: HeaderName = HeaderName::from_static("portreeve-decision");

/// Names the decision.
pub(crate) fn name_decision(headers: &mut HeaderMap, decision: RecordId) {
    if let Ok(value) = HeaderValue::try_from(decision.to_string()) {
        headers.insert(DECISION, value);
    }
}

/// Tells where the counters of the call stand.
pub(crate) fn add_limits(headers: &mut HeaderMap, limits: &[RateLimit], now: Timestamp) {
    let Some((policy, state)) = rate_limit_fields(limits, now) else {
        return;
    };
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}
