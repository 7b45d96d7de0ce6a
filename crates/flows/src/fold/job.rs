use std::{path::PathBuf, sync::Arc, time::Duration};

use admission::Habits;
use journal::Journal;
use primitives::{Clock, Timestamp};
use quota::Counters;
use store::Store;
use tokio_util::sync::CancellationToken;

use super::{FindLimit, Fold, FoldProblem, STEP, day_of, oldest_needed};

/// How long new entries may wait to be seen in the call list.
const PAUSE: Duration = Duration::from_millis(250);
/// The same when there are many: fewer and larger steps write each page of the database less often.
const PAUSE_OF_MANY: Duration = Duration::from_millis(500);
/// So many entries of one step are many.
const MANY: usize = 500;
/// How long to wait after a failure.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);
const BETWEEN_CLEANINGS_SECONDS: i64 = 60;
/// Ended windows are kept this long, in case the clock is set back.
const COUNTER_GRACE_SECONDS: i64 = 86_400;

/// What the fold of one gateway works with.
#[derive(Clone)]
pub struct FoldJob {
    /// Where to.
    pub store: Arc<dyn Store>,
    /// Where from.
    pub journal: Arc<Journal>,
    /// Whose journal it is.
    pub gateway: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The gateway's counters, to forget windows that are over.
    pub counters: Arc<Counters>,
    /// What apps usually do, which the fold learns.
    pub habits: Arc<Habits>,
    /// For how many days call records are kept, as settings say now.
    pub keep_days: Arc<dyn Fn() -> u32 + Send + Sync>,
    /// The counted limits, as settings say now.
    pub limits: FindLimit,
    /// Whether the time may decide over what cannot be brought back: while it may not, nothing is
    /// dropped.
    pub trusts_time: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl std::fmt::Debug for FoldJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("FoldJob").field(&self.gateway).finish()
    }
}

/// What one cleaning dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Rows of the call index.
    pub calls: u64,
    /// Counters whose window is long over.
    pub counters: u64,
    /// Segments of the journal.
    pub segments: usize,
}

impl FoldJob {
    /// Drops call records of days before the last `keep_days`, and counters that are over; nothing
    /// while the time is doubted.
    ///
    /// # Errors
    /// When the store fails or a segment cannot be removed.
    pub async fn clean(&self) -> Result<Retention, FoldProblem> {
        let now = self.clock.now();
        let before_day = day_of(now).saturating_sub(i64::from((self.keep_days)()));
        self.counters.sweep(now);
        if !(self.trusts_time)() {
            tracing::warn!(%now, "the time is doubted: nothing that ended by it is dropped");
            return Ok(Retention::default());
        }
        let calls = self.store.drop_call_days(before_day).await?;
        let over = now.plus_seconds(-COUNTER_GRACE_SECONDS);
        let counters = self.store.drop_counters(over).await?;
        let segments = match oldest_needed(&*self.store, &self.gateway).await? {
            None => 0,
            Some(folded) => {
                let journal = Arc::clone(&self.journal);
                super::blocking(move || Ok(journal.drop_days(before_day, folded)?)).await?
            }
        };
        Ok(Retention {
            calls,
            counters,
            segments,
        })
    }
}

/// Folds and cleans until told to stop. What fails is logged and done again: nothing is lost
/// meanwhile, because the journal keeps it.
pub async fn fold_until(job: FoldJob, stop: CancellationToken) {
    let mut cleaned_at = None;
    while !stop.is_cancelled() {
        let pause = match fold_on(&job, &stop, &mut cleaned_at).await {
            Ok(()) => PAUSE,
            Err(problem) => {
                tracing::error!(gateway = job.gateway, %problem, "calls wait to be folded");
                PAUSE_AFTER_FAILURE
            }
        };
        let _ = tokio::time::timeout(pause, stop.cancelled()).await;
    }
}

/// Folds with one reader for as long as nothing fails.
async fn fold_on(
    job: &FoldJob,
    stop: &CancellationToken,
    cleaned_at: &mut Option<Timestamp>,
) -> Result<(), FoldProblem> {
    let directory: PathBuf = job.journal.directory().to_owned();
    let fold = Fold::resume(&*job.store, &directory, &job.gateway).await?;
    let fold = fold.telling(Arc::clone(&job.limits));
    let mut fold = fold.learning(&*job.store, Arc::clone(&job.habits)).await?;
    while !stop.is_cancelled() {
        let count;
        (fold, count) = fold.step(&*job.store).await?;
        let now = job.clock.now();
        let due = cleaned_at
            .is_none_or(|at| now >= at.plus_seconds(BETWEEN_CLEANINGS_SECONDS) || now < at);
        if due {
            // What cannot be dropped now can be later; folding must not wait for it.
            if let Err(problem) = job.clean().await {
                tracing::error!(gateway = job.gateway, %problem, "old call records stay");
            }
            *cleaned_at = Some(now);
        }
        if count < STEP {
            let pause = if count < MANY { PAUSE } else { PAUSE_OF_MANY };
            let _ = tokio::time::timeout(pause, stop.cancelled()).await;
        }
    }
    Ok(())
}
