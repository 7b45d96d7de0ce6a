use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

use super::{Framing, Link, Stop, Violation};
use crate::timer::Timer;

/// How a refusal is counted and answered.
pub(crate) trait Refusals {
    /// Counts a violation that something else answers, or nothing.
    fn note(&self, violation: Violation);

    /// Counts a violation and writes the answer to it: a whole message.
    fn answer(&self, violation: Violation) -> Vec<u8>;
}

/// How long a connection waits for its caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For the rest of a head that has begun, and for the first one of a connection.
    pub(crate) head: Duration,
    /// For the next request.
    pub(crate) idle: Duration,
    /// For the caller to take more of an answer.
    pub(crate) write: Duration,
    /// When the connection takes no further request.
    pub(crate) ends: Option<Instant>,
}

/// The stream that hyper reads a connection from: of the caller's bytes, those that are of the
/// strict grammar, and the next request only after the answer to the one before.
///
/// Bytes are read straight into hyper's buffer; only what may not be passed on yet (part of a
/// head, or a request before its turn) is kept here.
#[derive(Debug)]
pub(crate) struct Guard<S, R> {
    io: S,
    refusals: R,
    link: Arc<Link>,
    framing: Framing,
    /// Arrived, and not passed on.
    held: Vec<u8>,
    /// So much of it may be.
    ready: usize,
    /// Whether some of `held` was not looked at.
    unseen: bool,
    most_held: usize,
    stage: Stage,
    patience: Patience,
    waits: Option<(Wait, Instant)>,
    stalled: Option<Instant>,
    timer: Timer,
    /// Bytes after the last request, thrown away.
    excess: usize,
}

#[derive(Debug)]
enum Stage {
    Open,
    /// The caller has sent everything it will send.
    Ended,
    /// A body broke the grammar after its head was passed on.
    Broken,
    /// The answer to a violation, and how much of it is written.
    Refused(Vec<u8>, usize),
    /// Takes what the caller still sends, until then and so many bytes: a connection closed
    /// with bytes on their way is reset, and the answer may be lost with it (RFC 9112,
    /// section 9.6).
    Lingering(Instant, usize),
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    First,
    Next,
    Head,
}

const LINGER: Duration = Duration::from_secs(2);
const MOST_LINGERED: usize = 1024 * 1024;
const MOST_EXCESS: usize = 64 * 1024;

impl<S, R: Refusals> Guard<S, R> {
    pub(crate) fn new(
        io: S,
        refusals: R,
        link: Arc<Link>,
        most: usize,
        patience: Patience,
    ) -> Self {
        Self {
            io,
            refusals,
            link,
            framing: Framing::new(most),
            held: Vec::new(),
            ready: 0,
            unseen: false,
            most_held: most.saturating_add(1),
            stage: Stage::Open,
            patience,
            waits: None,
            stalled: None,
            timer: Timer::default(),
            excess: 0,
        }
    }

    /// Whether a request was passed on whose answer is not at its end.
    fn is_busy(&self) -> bool {
        self.framing.heads() != self.link.ended()
    }

    /// Whether the next request has to wait for its turn.
    fn is_turn_of_another(&self) -> bool {
        self.framing.is_at_boundary() && self.is_busy()
    }

    /// Passes on what may be of `held`.
    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let given = self.ready.min(buffer.remaining());
        if let Some(bytes) = self.held.get(..given) {
            buffer.put_slice(bytes);
        }
        self.held.drain(..given);
        self.ready = self.ready.saturating_sub(given);
        if self.held.is_empty() {
            // An idle connection keeps no buffer.
            self.held = Vec::new();
        }
    }

    /// Looks at what arrived in `buffer` after its first `before` bytes; leaves there what may
    /// be passed on, and keeps the rest.
    fn take(&mut self, buffer: &mut ReadBuf<'_>, before: usize) -> Result<(), Stop> {
        let arrived = buffer.filled().get(before..).unwrap_or_default();
        if self.framing.is_over() {
            self.excess = self.excess.saturating_add(arrived.len());
            buffer.set_filled(before);
            return Ok(());
        }
        if !self.held.is_empty() || self.is_turn_of_another() {
            self.held.extend_from_slice(arrived);
            self.unseen = true;
            buffer.set_filled(before);
            return Ok(());
        }
        let passed = match self.framing.advance(arrived) {
            Ok(passed) => passed,
            Err(stop) => {
                buffer.set_filled(before);
                return Err(stop);
            }
        };
        if passed > 0 {
            self.waits = None;
        }
        let rest = arrived.get(passed..).unwrap_or_default();
        if !rest.is_empty() {
            self.held.extend_from_slice(rest);
            self.unseen = true;
            buffer.set_filled(before.saturating_add(passed));
        }
        Ok(())
    }

    /// Looks at what is held, when it is its turn.
    fn look(&mut self) -> Result<(), Stop> {
        self.unseen = false;
        if self.framing.is_over() {
            self.excess = self.excess.saturating_add(self.held.len());
            self.held = Vec::new();
            return Ok(());
        }
        self.ready = self.framing.advance(&self.held)?;
        if self.ready > 0 {
            self.waits = None;
        }
        self.unseen = self.ready > 0 && self.ready < self.held.len();
        Ok(())
    }

    /// Ends the connection. hyper is between two requests when nothing of this one has begun,
    /// and closes at the end of the stream it is shown.
    fn stop(&mut self, stop: Stop) -> Poll<io::Result<()>> {
        self.held = Vec::new();
        self.ready = 0;
        if stop.begun {
            self.refusals.note(stop.violation);
            self.link.close();
            self.stage = Stage::Broken;
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        self.stage = Stage::Refused(self.refusals.answer(stop.violation), 0);
        Poll::Ready(Ok(()))
    }

    /// Waits for the caller, as long as there is patience.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.stalled.is_some() {
            ready!(self.check_stall(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let wait = if self.framing.is_in_head() {
            Wait::Head
        } else if self.framing.is_at_boundary() && !self.is_busy() {
            if self.framing.heads() == 0 {
                Wait::First
            } else {
                Wait::Next
            }
        } else {
            // A call in progress has times of its own.
            self.waits = None;
            return Poll::Pending;
        };
        let deadline = match self.waits {
            Some((same, deadline)) if same == wait => deadline,
            _ => self.begin_wait(wait),
        };
        ready!(self.timer.poll(deadline, cx));
        if wait == Wait::Head {
            let violation = Violation::HeadTooSlow;
            return self.stop(Stop {
                violation,
                begun: false,
            });
        }
        self.stage = Stage::Ended;
        Poll::Ready(Ok(()))
    }

    fn begin_wait(&mut self, wait: Wait) -> Instant {
        let now = Instant::now();
        let patience = match wait {
            Wait::First | Wait::Head => self.patience.head,
            Wait::Next => self.patience.idle,
        };
        let mut deadline = now.checked_add(patience).unwrap_or(now);
        if let (Some(ends), Wait::Next) = (self.patience.ends, wait) {
            deadline = deadline.min(ends);
        }
        self.waits = Some((wait, deadline));
        deadline
    }

    /// Ready when the caller has taken nothing of its answer for too long.
    fn check_stall(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = *self.stalled.get_or_insert_with(Instant::now);
        let deadline = since.checked_add(self.patience.write).unwrap_or(since);
        ready!(self.timer.poll(deadline, cx));
        self.refusals.note(Violation::SlowReader);
        Poll::Ready(())
    }

    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        ready!(self.check_stall(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin, R: Refusals + Unpin> AsyncRead for Guard<S, R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            match this.stage {
                Stage::Open => {}
                Stage::Broken => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
                _ => return Poll::Ready(Ok(())),
            }
            if this.ready > 0 {
                this.give(buffer);
                return Poll::Ready(Ok(()));
            }
            let waits_its_turn = this.is_turn_of_another();
            if this.unseen && !waits_its_turn {
                match this.look() {
                    Ok(()) => continue,
                    Err(stop) => return this.stop(stop),
                }
            }
            if waits_its_turn {
                this.link.wait(cx);
            }
            if this.held.len() >= this.most_held || this.excess > MOST_EXCESS {
                return this.wait(cx);
            }
            let before = buffer.filled().len();
            if buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            if Pin::new(&mut this.io).poll_read(cx, buffer)?.is_pending() {
                return this.wait(cx);
            }
            if buffer.filled().len() == before {
                this.stage = Stage::Ended;
                return Poll::Ready(Ok(()));
            }
            if let Err(stop) = this.take(buffer, before) {
                return this.stop(stop);
            }
            if buffer.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Refusals + Unpin> AsyncWrite for Guard<S, R> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.written(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, parts);
        this.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        this.written(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Stage::Refused(answer, written) = &mut this.stage {
            while let Some(rest @ [_, ..]) = answer.get(*written..) {
                let most = this.patience.write;
                let wrote = Pin::new(&mut this.io).poll_write(cx, rest);
                let Poll::Ready(wrote) = wrote else {
                    let since = *this.stalled.get_or_insert_with(Instant::now);
                    let deadline = since.checked_add(most).unwrap_or(since);
                    ready!(this.timer.poll(deadline, cx));
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                };
                *written = written.saturating_add(wrote?.max(1));
            }
        }
        if !matches!(this.stage, Stage::Lingering(..)) {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            let unread = matches!(this.stage, Stage::Refused(..) | Stage::Broken)
                || this.framing.is_in_body()
                || this.excess > 0;
            let ended = matches!(this.stage, Stage::Ended);
            if !unread || ended {
                return Poll::Ready(Ok(()));
            }
            let now = Instant::now();
            let until = now.checked_add(LINGER).unwrap_or(now);
            this.stage = Stage::Lingering(until, MOST_LINGERED);
        }
        this.linger(cx)
    }
}

impl<S: AsyncRead + Unpin, R> Guard<S, R> {
    /// Ready when the caller has closed its side, or has had its time.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Stage::Lingering(until, left) = &mut self.stage else {
            return Poll::Ready(Ok(()));
        };
        let mut space = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut space);
            match Pin::new(&mut self.io).poll_read(cx, &mut buffer) {
                Poll::Pending => {
                    ready!(self.timer.poll(*until, cx));
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    match left.checked_sub(buffer.filled().len()) {
                        Some(rest) => *left = rest,
                        None => return Poll::Ready(Ok(())),
                    }
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
            }
        }
    }
}
