//! Watches the machine's clock, and raises the alarm when it jumps.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use primitives::{Clock, PageSize, SteadyClock};
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};
use store::{CallFilter, CallsWanted, Store, StoreFailure};
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(1);

/// A start this many seconds after the newest call gives reason to doubt the time.
const FAR: u64 = 7 * 86_400;

/// The time of this process, and what is told about the machine's.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    steady: Arc<SteadyClock>,
    jumps: Counter,
    held: Gauge<f64, AtomicU64>,
}

impl Watch {
    /// Begins with the time that the machine shows.
    pub(crate) fn begin() -> Self {
        Self {
            steady: Arc::new(SteadyClock::of_machine()),
            jumps: Counter::default(),
            held: Gauge::default(),
        }
    }

    /// The time for everything in this process.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.steady) as Arc<dyn Clock>
    }

    /// Whether the time may be trusted with dropping what cannot be brought back.
    pub(crate) fn trust(&self) -> impl Fn() -> bool + Send + Sync + use<> {
        let steady = Arc::clone(&self.steady);
        move || steady.is_trusted()
    }

    /// Doubts the time when it is far from that of the newest call: the machine's clock may have
    /// jumped between two runs.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn compare(&self, store: &dyn Store) -> Result<(), StoreFailure> {
        let all = CallsWanted::new(CallFilter::default(), None, PageSize::clamped(1));
        let newest = store.calls(&all).await?.calls;
        let newest = newest.first().map(|call| call.at);
        let now = self.steady.now();
        if let Some(newest) = newest
            && now.micros_since(newest).unsigned_abs() / 1_000_000 > FAR
        {
            tracing::warn!(%now, %newest, "the newest call is far from now: for a day nothing old is dropped, in case the clock is wrong");
            self.steady.doubt();
        }
        Ok(())
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "clock_jumps",
            "How often the machine's clock was found to have jumped",
            self.jumps.clone(),
        );
        registry.register(
            "clock_ahead_seconds",
            "By how much the time of this process is ahead of the machine's clock, which was put back",
            self.held.clone(),
        );
    }

    /// Looks every second, until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => self.look(),
            }
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge is a float, and no time is decided by it"
    )]
    fn look(&self) {
        let look = self.steady.look();
        self.held.set(look.held as f64 / 1e6);
        if !look.is_jump() {
            return;
        }
        self.jumps.inc();
        let seconds = look.moved / 1_000_000;
        if look.moved > 0 {
            tracing::error!(
                seconds,
                "the machine's clock was put forward: windows begin and keys expire by it; if it is wrong, set it right and restart"
            );
        } else {
            tracing::error!(
                seconds,
                held_seconds = look.held / 1_000_000,
                "the machine's clock was put back: this process goes on by its own time; if the machine's is right now, restart"
            );
        }
    }
}
