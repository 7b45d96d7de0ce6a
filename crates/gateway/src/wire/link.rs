use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;

/// What the guard of a connection and its calls tell each other.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// Calls that have come to their end.
    ended: AtomicUsize,
    /// Set when no call may follow the one in progress.
    closing: AtomicBool,
    /// The connection, when it waits for a call to end.
    waiting: Mutex<Option<Waker>>,
}

impl Link {
    /// A call begins; it ends when what this gives is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Call {
        Call(Arc::clone(self))
    }

    /// Lets no further call follow.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Whether the answer in progress is to be the last.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    pub(super) fn ended(&self) -> usize {
        self.ended.load(Ordering::Acquire)
    }

    /// Wakes the connection at the end of the next call.
    pub(super) fn wait(&self, cx: &Context<'_>) {
        let mut waiting = self.waiting.lock();
        if !waiting
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()))
        {
            *waiting = Some(cx.waker().clone());
        }
    }
}

/// A call in progress, from its head to the end of its answer.
#[derive(Debug)]
pub(crate) struct Call(Arc<Link>);

impl Drop for Call {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Release);
        if let Some(waker) = self.0.waiting.lock().take() {
            waker.wake();
        }
    }
}

/// The body of an answer, which ends its call with it.
#[derive(Debug)]
pub(crate) struct Served<B> {
    body: B,
    _call: Call,
}

impl<B> Served<B> {
    pub(crate) const fn new(body: B, call: Call) -> Self {
        Self { body, _call: call }
    }
}

impl<B: Body + Unpin> Body for Served<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
