use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use primitives::Timestamp;
use state::Problem;

use crate::Snapshot;

/// How the mark that a snapshot is stale is cleared: whoever sees it cleared sees the snapshot
/// that was put in force before.
pub(crate) const CLEARED: Ordering = Ordering::Release;
/// How the mark is looked at.
pub(crate) const LOOKED: Ordering = Ordering::Acquire;

/// Where the newest good snapshot stands. Loading it costs a few nanoseconds and no lock.
#[derive(Debug)]
pub struct SnapshotHandle {
    current: ArcSwap<Snapshot>,
    last_problem: ArcSwapOption<String>,
    confirmed_at: AtomicI64,
    is_stale: AtomicBool,
}

impl SnapshotHandle {
    /// A handle on `snapshot`.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            current: ArcSwap::from_pointee(snapshot),
            last_problem: ArcSwapOption::empty(),
            confirmed_at: AtomicI64::new(0),
            is_stale: AtomicBool::new(false),
        }
    }

    /// The snapshot in force, for the length of one call.
    #[must_use]
    pub fn load(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }

    /// The snapshot in force, to keep.
    #[must_use]
    pub fn load_full(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Puts a snapshot in force when it was built; keeps the one in force, and why, when not.
    pub fn offer(&self, built: Result<Snapshot, Vec<Problem>>) {
        match built {
            Ok(snapshot) => self.store(snapshot),
            Err(problems) => {
                let lines: Vec<String> = problems.iter().take(20).map(Problem::to_string).collect();
                self.refuse(lines.join("\n"));
            }
        }
    }

    /// Puts a snapshot that was built in force.
    pub fn store(&self, snapshot: Snapshot) {
        self.current.store(Arc::new(snapshot));
        self.last_problem.store(None);
    }

    /// Why the newest revision is not in force, for readiness; `None` when it is.
    #[must_use]
    pub fn last_problem(&self) -> Option<String> {
        self.last_problem.load().as_deref().cloned()
    }

    /// Keeps why a newer snapshot could not be built; the one in force stays.
    pub fn refuse(&self, problem: String) {
        self.last_problem.store(Some(Arc::new(problem)));
    }

    /// When the store was last seen to hold nothing newer; the beginning of time before that.
    #[must_use]
    pub fn confirmed_at(&self) -> Timestamp {
        Timestamp::from_micros(self.confirmed_at.load(Ordering::Relaxed))
    }

    /// Whether the store has not been heard of for so long that something may have been revoked
    /// elsewhere, so that nobody may be let through by this snapshot. To be asked before the
    /// snapshot is loaded: one that was stale may be replaced, and the mark cleared, in between.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.is_stale.load(LOOKED)
    }

    /// The store has been read to its end, and what it said is in force.
    pub(crate) fn reopen(&self) {
        self.is_stale.store(false, CLEARED);
    }

    /// Nobody is let through until the store is heard of.
    pub(crate) fn close(&self) {
        self.is_stale.store(true, Ordering::Relaxed);
    }

    pub(crate) fn confirm(&self, at: Timestamp) {
        self.confirmed_at
            .fetch_max(at.as_micros(), Ordering::Relaxed);
    }
}
