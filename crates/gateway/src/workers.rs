use std::{
    io,
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use tokio::runtime::{self, Handle};
use tokio_util::sync::CancellationToken;

/// Threads that serve connections, each with a runtime of its own. A connection stays on one of
/// them, with the connections to upstreams that its calls use, so that no call waits for another
/// thread to wake up.
#[derive(Debug)]
pub struct Workers {
    handles: Vec<Handle>,
    threads: Vec<thread::JoinHandle<()>>,
    next: AtomicUsize,
    stop: CancellationToken,
}

impl Workers {
    /// Begins so many.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub fn begin(count: NonZeroUsize) -> io::Result<Self> {
        let mut workers = Self {
            handles: Vec::new(),
            threads: Vec::new(),
            next: AtomicUsize::new(0),
            stop: CancellationToken::new(),
        };
        for number in 0..count.get() {
            let runtime = runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let (handle, stop) = (runtime.handle().clone(), workers.stop.clone());
            let thread = thread::Builder::new()
                .name(format!("gate-{number}"))
                .spawn(move || runtime.block_on(stop.cancelled()))?;
            workers.handles.push(handle);
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    /// The one whose turn it is, unless there is none.
    pub(crate) fn next(&self) -> Option<&Handle> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.handles.get(turn.checked_rem(self.handles.len())?)
    }

    /// Ends the threads; what they still did is over.
    pub(crate) async fn end(mut self) {
        self.stop.cancel();
        let threads = std::mem::take(&mut self.threads);
        let ended = tokio::task::spawn_blocking(move || {
            threads.into_iter().all(|thread| thread.join().is_ok())
        });
        if !matches!(ended.await, Ok(true)) {
            tracing::error!("a thread that served connections broke off");
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
