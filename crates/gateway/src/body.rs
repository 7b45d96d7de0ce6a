use std::{
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::{sync::Notify, time::Instant};

use crate::{
    load::Place,
    timer::Timer,
    trailers::{self, Trailers},
};

/// A request's body cannot be taken to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFailure {
    #[error("the body is longer than {0} bytes")]
    TooLong(u64),
    #[error("the body paused for too long, or took too long as a whole")]
    Paused,
    #[error("the body ended before it was complete, or is not framed as HTTP has it")]
    Broken,
}

/// The patience for pauses, which starts again with every sign of life. Costs nothing where
/// nobody waits.
pub(crate) struct Idle {
    longest: Duration,
    /// The end of patience for the whole.
    ends: Option<Instant>,
    paused: Option<Instant>,
    timer: Timer,
}

impl Idle {
    pub(crate) fn new(longest: Duration) -> Self {
        Self {
            longest,
            ends: None,
            paused: None,
            timer: Timer::default(),
        }
    }

    /// The same, with `total` for everything from now on. Beyond the clock's range means none.
    pub(crate) fn within(longest: Duration, total: Duration) -> Self {
        Self {
            ends: Instant::now().checked_add(total),
            ..Self::new(longest)
        }
    }

    pub(crate) fn restart(&mut self) {
        self.paused = None;
    }

    pub(crate) fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let paused = *self.paused.get_or_insert_with(Instant::now);
        let pause = paused.checked_add(self.longest);
        match pause.into_iter().chain(self.ends).min() {
            Some(deadline) => self.timer.poll(deadline, cx).is_ready(),
            None => false,
        }
    }

    fn is_past_its_end(&self) -> bool {
        self.ends.is_some_and(|ends| Instant::now() >= ends)
    }
}

/// What reading a body came to.
pub(crate) enum Read {
    /// It is there as a whole, with what followed it.
    Whole(Bytes, Trailers),
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
        let (mut read, mut trailers) = (BytesMut::new(), None);
        loop {
            let frame = tokio::time::timeout(pause, body.frame())
                .await
                .map_err(|_| BodyFailure::Paused)?;
            let Some(frame) = frame else {
                return Ok(Read::Whole(read.freeze(), trailers));
            };
            let frame = frame.map_err(|_| BodyFailure::Broken)?;
            if let Some(data) = frame.data_ref() {
                read.extend_from_slice(data);
                if read.len() as u64 > most {
                    return Ok(Read::More(read.freeze()));
                }
            } else if let Ok(sent) = frame.into_trailers() {
                trailers = trailers::kept(&sent);
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
pub(crate) struct Progress(Arc<Sent>);

/// How far a body has gone out.
#[derive(Default)]
struct Sent {
    failure: AtomicU8,
    bytes: AtomicU64,
    /// The body has gone out, or is given up.
    ended: AtomicBool,
    end: Notify,
}

impl Progress {
    /// How many bytes have gone out.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Whether the body has gone out, or is given up.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.ended.load(Ordering::Acquire)
    }

    /// Waits for that.
    pub(crate) async fn ended(&self) {
        let mut end = pin!(self.0.end.notified());
        // From here on no end is missed.
        end.as_mut().enable();
        if !self.has_ended() {
            end.await;
        }
    }

    fn end(&self) {
        if !self.0.ended.swap(true, Ordering::AcqRel) {
            self.0.end.notify_waiters();
        }
    }

    /// Why the body could not be sent to its end.
    pub(crate) fn failure(&self, most: u64) -> Option<BodyFailure> {
        match self.0.failure.load(Ordering::Relaxed) {
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
        self.0.failure.store(code, Ordering::Relaxed);
    }
}

/// The body of a request to an upstream.
pub(crate) struct Outgoing {
    source: Source,
    progress: Progress,
    /// Whose work begins when the body has gone out.
    place: Option<Arc<Place>>,
}

enum Source {
    Whole(Full<Bytes>, Trailers),
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
    /// A body that is there as a whole, with what follows it.
    pub(crate) fn whole((bytes, trailers): (Bytes, Trailers), progress: Progress) -> Self {
        if bytes.is_empty() && trailers.is_none() {
            progress.end();
        }
        Self {
            source: Source::Whole(Full::new(bytes), trailers),
            progress,
            place: None,
        }
    }

    /// A body that is passed on as it comes, after what was read of it before.
    pub(crate) fn streamed(
        (begun, body): (Bytes, Incoming),
        most: u64,
        (pause, total): (Duration, Duration),
        progress: Progress,
    ) -> Self {
        Self {
            source: Source::Streamed {
                begun,
                body,
                left: most,
                most,
                idle: Idle::within(pause, total),
            },
            progress,
            place: None,
        }
    }

    /// Tells `place` when the upstream has the whole body.
    pub(crate) fn then_begins(mut self, place: &Arc<Place>) -> Self {
        if self.progress.has_ended() {
            place.begin();
        } else {
            self.place = Some(Arc::clone(place));
        }
        self
    }

    fn end(&self) {
        self.progress.end();
        if let Some(place) = &self.place {
            place.begin();
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<PassedFrame>> {
        match &mut self.source {
            Source::Whole(full, trailers) => {
                let frame = ready!(Pin::new(full).poll_frame(cx)).and_then(Result::ok);
                let last = || trailers.take().map(|trailers| Frame::trailers(*trailers));
                Poll::Ready(frame.or_else(last).map(Ok))
            }
            Source::Streamed {
                begun,
                body,
                left,
                most,
                idle,
            } => {
                let frame = if begun.is_empty() {
                    ready!(poll_passed(body, idle, cx))
                } else {
                    Some(Ok(Frame::data(std::mem::take(begun))))
                };
                Poll::Ready(frame.map(|frame| {
                    let frame = frame?;
                    let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                    *left = left
                        .checked_sub(length)
                        .ok_or(BodyFailure::TooLong(*most))?;
                    Ok(frame)
                }))
            }
        }
    }
}

/// A piece of a request's body, or its trailers, as they are passed on.
type PassedFrame = Result<Frame<Bytes>, BodyFailure>;

/// The next piece of a body, if it comes in time.
fn poll_passed(
    body: &mut Incoming,
    idle: &mut Idle,
    cx: &mut Context<'_>,
) -> Poll<Option<PassedFrame>> {
    let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(cx) else {
        if idle.is_over(cx) {
            return Poll::Ready(Some(Err(BodyFailure::Paused)));
        }
        return Poll::Pending;
    };
    idle.restart();
    Poll::Ready(frame.map(|frame| {
        if idle.is_past_its_end() {
            return Err(BodyFailure::Paused);
        }
        let frame = frame.map_err(|_| BodyFailure::Broken)?;
        Ok(match frame.into_data() {
            Ok(data) => Frame::data(data),
            Err(frame) => {
                let sent = frame.into_trailers().unwrap_or_default();
                Frame::trailers(trailers::passed(&sent))
            }
        })
    }))
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BodyFailure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailure>>> {
        match ready!(self.poll_source(cx)) {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.progress.0.bytes.fetch_add(length, Ordering::Relaxed);
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(failure)) => {
                self.progress.fail(failure);
                Poll::Ready(Some(Err(failure)))
            }
            None => {
                self.end();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Whole(full, trailers) => full.is_end_stream() && trailers.is_none(),
            Source::Streamed { begun, body, .. } => begun.is_empty() && body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(full, None) => full.size_hint(),
            // Only a body without a length can have trailers.
            Source::Whole(..) => SizeHint::new(),
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
        self.end();
    }
}
