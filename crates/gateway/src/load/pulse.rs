use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::time::Instant;

/// Passes through the run queue between a request handed over and its answer seen: the connection
/// writes it, the connection reads the answer, the call gets it. One is for what comes between.
const PASSES: u64 = 4;
/// Microseconds between two looks.
const EVERY: u64 = 10_000;

/// How long the gate itself keeps a call waiting, for want of its own processor. An upstream is
/// not to blame for that.
///
/// It is looked at while calls are answered, so that a gate without calls sleeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse(Arc<Looks>);

#[derive(Debug, Default)]
struct Looks {
    /// When the last look began, in microseconds.
    last: AtomicU64,
    /// How long one pass through the run queue took then, in microseconds.
    pass: AtomicU64,
}

impl Pulse {
    /// How many microseconds of a call the gate waits for itself, as was seen last.
    pub(crate) fn own(&self) -> u64 {
        self.0.pass.load(Ordering::Relaxed).saturating_mul(PASSES)
    }

    /// Looks anew on this thread, when it is time.
    pub(crate) fn look(&self, now: u64) {
        let last = self.0.last.load(Ordering::Relaxed);
        if now.saturating_sub(last) < EVERY {
            return;
        }
        let mine = self
            .0
            .last
            .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed);
        if mine.is_err() {
            return;
        }
        let looks = Arc::clone(&self.0);
        tokio::spawn(async move {
            let began = Instant::now();
            tokio::task::yield_now().await;
            let pass = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            looks.pass.store(pass, Ordering::Relaxed);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{EVERY, Pulse};

    /// Lets tasks run that wait for nothing.
    async fn others() {
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    #[expect(
        clippy::disallowed_methods,
        reason = "what keeps a thread busy is what is looked for"
    )]
    async fn a_gate_that_is_busy_itself_is_seen() {
        let pulse = Pulse::default();
        pulse.look(EVERY);
        let busy = tokio::spawn(async {
            tokio::task::yield_now().await;
            std::thread::sleep(Duration::from_millis(30));
        });
        busy.await.unwrap();
        others().await;
        assert!(pulse.own() >= 30_000, "{}", pulse.own());
        // Too soon for another look.
        pulse.look(EVERY + 1);
        others().await;
        assert!(pulse.own() >= 30_000);
        pulse.look(EVERY * 2);
        others().await;
        assert!(pulse.own() < 30_000, "{}", pulse.own());
    }
}
