use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::sync::CancellationToken;

/// A request's body cannot be taken to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFailure {
    #[error("the body is longer than {0} bytes")]
    TooLong(u64),
    #[error("the body paused for too long")]
    Paused,
    #[error("the body ended before it was complete, or is not framed as HTTP has it")]
    Broken,
}

/// A timer that starts again with every sign of life.
pub(crate) struct Idle {
    longest: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Idle {
    pub(crate) fn new(longest: Duration) -> Self {
        Self {
            longest,
            sleep: Box::pin(sleep(longest)),
        }
    }

    pub(crate) fn restart(&mut self) {
        // A deadline beyond the clock's range means none.
        if let Some(deadline) = Instant::now().checked_add(self.longest) {
            self.sleep.as_mut().reset(deadline);
        }
    }

    pub(crate) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.sleep.as_mut().poll(cx).is_ready()
    }
}

/// What reading a body came to.
pub(crate) enum Read {
    /// It is there as a whole.
    Whole(Bytes),
    /// It is longer than asked for; what was read of it.
    More(Bytes),
}

/// Reads a body, and stops when it turns out to be longer than `most` bytes.
pub(crate) async fn read(
    body: &mut Incoming,
    most: u64,
    (pause, total): (Duration, Duration),
) -> Result<Read, BodyFailure> {
    if body.size_hint().lower() > most {
        return Ok(Read::More(Bytes::new()));
    }
    let read = async {
        let mut read = BytesMut::new();
        loop {
            let frame = tokio::time::timeout(pause, body.frame())
                .await
                .map_err(|_| BodyFailure::Paused)?;
            let Some(frame) = frame else {
                return Ok(Read::Whole(read.freeze()));
            };
            let frame = frame.map_err(|_| BodyFailure::Broken)?;
            if let Some(data) = frame.data_ref() {
                read.extend_from_slice(data);
                if read.len() as u64 > most {
                    return Ok(Read::More(read.freeze()));
                }
            }
        }
    };
    tokio::time::timeout(total, read)
        .await
        .unwrap_or(Err(BodyFailure::Paused))
}

/// For so long a body is taken that nobody wants.
const LINGER: Duration = Duration::from_secs(5);

/// Takes the rest of a body that nobody wants and throws it away, up to a bound. A connection
/// closed with bytes of the caller on their way is reset, and the answer may be lost with it
/// (RFC 9112, section 9.6).
pub(crate) async fn discard(mut body: Incoming, most: u64) {
    let taken = async {
        let mut left = most;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len) as u64;
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // What is not over by then is cut off.
    let _ = tokio::time::timeout(LINGER, taken).await;
}

/// What the sender of a body tells those who wait for its end.
#[derive(Clone, Default)]
pub(crate) struct Progress {
    failure: Arc<AtomicU8>,
    /// Cancelled when the body has gone out, or is given up.
    pub(crate) ended: CancellationToken,
}

impl Progress {
    /// Why the body could not be sent to its end.
    pub(crate) fn failure(&self, most: u64) -> Option<BodyFailure> {
        match self.failure.load(Ordering::Relaxed) {
            1 => Some(BodyFailure::TooLong(most)),
            2 => Some(BodyFailure::Paused),
            3 => Some(BodyFailure::Broken),
            _ => None,
        }
    }

    fn fail(&self, failure: BodyFailure) {
        let code = match failure {
            BodyFailure::TooLong(_) => 1,
            BodyFailure::Paused => 2,
            BodyFailure::Broken => 3,
        };
        self.failure.store(code, Ordering::Relaxed);
    }
}

/// The body of a request to an upstream.
pub(crate) struct Outgoing {
    source: Source,
    progress: Progress,
    sent: Arc<AtomicU64>,
}

enum Source {
    Whole(Full<Bytes>),
    Streamed {
        /// What was read of it before, which goes first.
        begun: Bytes,
        body: Incoming,
        left: u64,
        most: u64,
        idle: Idle,
    },
}

impl Outgoing {
    /// A body that is there as a whole.
    pub(crate) fn whole(bytes: Bytes, sent: Arc<AtomicU64>) -> Self {
        Self {
            source: Source::Whole(Full::new(bytes)),
            progress: Progress::default(),
            sent,
        }
    }

    /// A body that is passed on as it comes, after what was read of it before.
    pub(crate) fn streamed(
        (begun, body): (Bytes, Incoming),
        most: u64,
        pause: Duration,
        sent: Arc<AtomicU64>,
    ) -> Self {
        Self {
            source: Source::Streamed {
                begun,
                body,
                left: most,
                most,
                idle: Idle::new(pause),
            },
            progress: Progress::default(),
            sent,
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyFailure>>> {
        match &mut self.source {
            Source::Whole(full) => {
                let frame = ready!(Pin::new(full).poll_frame(cx));
                let bytes = frame.and_then(Result::ok).and_then(|f| f.into_data().ok());
                Poll::Ready(bytes.map(Ok))
            }
            Source::Streamed {
                begun,
                body,
                left,
                most,
                idle,
            } => {
                let data = if begun.is_empty() {
                    ready!(poll_data(body, idle, cx))
                } else {
                    Some(Ok(std::mem::take(begun)))
                };
                Poll::Ready(data.map(|data| {
                    let data = data?;
                    *left = left
                        .checked_sub(data.len() as u64)
                        .ok_or(BodyFailure::TooLong(*most))?;
                    Ok(data)
                }))
            }
        }
    }
}

/// The next piece of a body, if it comes in time.
fn poll_data(
    body: &mut Incoming,
    idle: &mut Idle,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, BodyFailure>>> {
    loop {
        let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) else {
            if idle.is_over(cx) {
                return Poll::Ready(Some(Err(BodyFailure::Paused)));
            }
            return Poll::Pending;
        };
        idle.restart();
        let Some(frame) = frame else {
            return Poll::Ready(None);
        };
        let Ok(frame) = frame else {
            return Poll::Ready(Some(Err(BodyFailure::Broken)));
        };
        // Trailers of a request are not forwarded: nobody decided about them.
        if let Ok(data) = frame.into_data() {
            return Poll::Ready(Some(Ok(data)));
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        match ready!(self.poll_source(cx)) {
            Some(Ok(data)) => {
                self.sent.fetch_add(data.len() as u64, Ordering::Relaxed);
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Some(Err(failure)) => {
                self.progress.fail(failure);
                Poll::Ready(Some(Err(failure)))
            }
            None => {
                self.progress.ended.cancel();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Whole(full) => full.is_end_stream(),
            Source::Streamed { begun, body, .. } => begun.is_empty() && body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(full) => full.size_hint(),
            Source::Streamed { begun, body, .. } => {
                let (begun, rest) = (begun.len() as u64, body.size_hint());
                let mut whole = SizeHint::new();
                whole.set_lower(rest.lower().saturating_add(begun));
                if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(begun)) {
                    whole.set_upper(upper);
                }
                whole
            }
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.progress.ended.cancel();
    }
}
