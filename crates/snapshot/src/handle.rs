use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption, Guard};

use crate::Snapshot;

/// Where the newest good snapshot stands. Loading it costs a few nanoseconds and no lock.
#[derive(Debug)]
pub struct SnapshotHandle {
    current: ArcSwap<Snapshot>,
    last_problem: ArcSwapOption<String>,
}

impl SnapshotHandle {
    /// A handle on `snapshot`.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self {
            current: ArcSwap::from_pointee(snapshot),
            last_problem: ArcSwapOption::empty(),
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

    /// Puts a snapshot that was built in force.
    pub fn store(&self, snapshot: Snapshot) {
        self.current.store(Arc::new(snapshot));
        self.last_problem.store(None);
    }

    /// Why the newest revision is not in force, for readiness; `None` when it is.
    #[must_use]
    pub fn last_problem(&self) -> Option<String> {
        self.last_problem
            .load()
            .as_ref()
            .map(|problem| problem.as_ref().clone())
    }

    /// Keeps why a newer snapshot could not be built; the one in force stays.
    pub fn refuse(&self, problem: String) {
        self.last_problem.store(Some(Arc::new(problem)));
    }
}
