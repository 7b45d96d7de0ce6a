use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
    str::FromStr as _,
    sync::Arc,
};

use admission::Habits;
use journal::{
    CallOutcome, CallRecord, CounterSpend, Cursor, Entry, NotACursor, ReadProblem, Reader,
    Settlement, read_at,
};
use primitives::{Mode, Quantity, RecordId, Timestamp};
use quota::{CounterKey, Spend};
use store::{CallIndexRow, CounterRow, Folded, FoldedCalls, NewEvent, Store, StoreFailure};

mod alerts;
mod document;
mod job;
mod learning;

pub use alerts::{CountedLimit, FindLimit};
pub use document::{CallDocument, record_in_words};
pub use job::{FoldJob, Retention, fold_until};

/// The most entries of one step, and so of one commit.
const STEP: usize = 4_000;
const DAY_MICROS: i64 = 86_400_000_000;

/// Why settled calls cannot be folded.
#[derive(Debug, thiserror::Error)]
pub enum FoldProblem {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// The journal cannot be read on.
    #[error(transparent)]
    Journal(#[from] ReadProblem),
    /// What the store keeps is not a place in this journal.
    #[error("the fold's cursor cannot be read: {0}")]
    Cursor(#[from] NotACursor),
    /// An entry of the journal cannot have been written by a gateway.
    #[error("call `{0}` of the journal cannot be read; restore its segment from a backup")]
    Entry(RecordId),
    /// Another process folds the same journal.
    #[error("another process folds the journal of `{0}`")]
    NotAlone(String),
    /// A thread that read the journal ended before its time.
    #[error("reading the journal was broken off")]
    BrokenOff,
}

/// How far a journal has been folded: everything before `next`, but for the calls admitted at
/// `open`, whose settlement stands behind `next` or is yet to come.
///
/// INVARIANT: a call is folded when its settlement is passed, so a call that takes hours holds
/// nobody up, and after a crash only the calls in `open` are read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Progress {
    next: Option<Cursor>,
    open: BTreeSet<Cursor>,
}

impl Progress {
    /// From the text in the store: the cursors, the one of `next` first.
    fn read(text: Option<&str>) -> Result<Self, NotACursor> {
        let Some(text) = text else {
            return Ok(Self::default());
        };
        let mut cursors = text.split(' ').map(Cursor::from_str);
        Ok(Self {
            next: cursors.next().transpose()?,
            open: cursors.collect::<Result<_, _>>()?,
        })
    }

    fn text(&self) -> String {
        let cursors: Vec<_> = self.next.iter().chain(&self.open).collect();
        let texts: Vec<_> = cursors.iter().map(ToString::to_string).collect();
        texts.join(" ")
    }

    /// The oldest entry that is still needed.
    fn oldest(&self) -> Option<Cursor> {
        self.open.first().copied().or(self.next)
    }
}

/// The oldest entry of the journal that the fold still needs: where [`journal::Options`] lets a
/// new run look for unsettled calls, and before which segments may be dropped.
///
/// # Errors
/// When the store fails or keeps no place in a journal.
pub async fn oldest_needed(
    store: &dyn Store,
    gateway: &str,
) -> Result<Option<Cursor>, FoldProblem> {
    let text = store.fold_cursor(gateway).await?;
    Ok(Progress::read(text.as_deref())?.oldest())
}

/// An admitted call that waits for its settlement.
#[derive(Debug)]
struct Waiting {
    at: Cursor,
    call: Box<CallRecord>,
}

/// One gateway's journal on its way into the call index and the counters.
///
/// After any error it must be thrown away and resumed: the store alone knows how far it came.
#[derive(Debug)]
pub struct Fold {
    gateway: String,
    reader: Reader,
    progress: Progress,
    waiting: HashMap<RecordId, Waiting>,
    alerts: alerts::Alerts,
    learning: Option<learning::Learning>,
}

impl Fold {
    /// Goes on where the store says that the last fold of `gateway` came to.
    ///
    /// # Errors
    /// When the store fails, or the journal does not hold what the store refers to.
    pub async fn resume(
        store: &dyn Store,
        directory: &Path,
        gateway: &str,
    ) -> Result<Self, FoldProblem> {
        let text = store.fold_cursor(gateway).await?;
        let progress = Progress::read(text.as_deref())?;
        let (directory, gateway) = (directory.to_owned(), gateway.to_owned());
        blocking(move || {
            let waiting = reopen(&directory, &progress)?;
            Ok(Self {
                gateway,
                reader: Reader::new(&directory, progress.next),
                progress,
                waiting,
                alerts: alerts::Alerts::default(),
                learning: None,
            })
        })
        .await
    }

    /// Tells in the event log of counters that come near their limits, which `find` knows.
    #[must_use]
    pub fn telling(mut self, find: FindLimit) -> Self {
        self.alerts = alerts::Alerts::of(find);
        self
    }

    /// Learns what apps usually do, beginning with what the store has, and publishes it in
    /// `habits`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn learning(
        mut self,
        store: &dyn Store,
        habits: Arc<Habits>,
    ) -> Result<Self, FoldProblem> {
        crate::anomalies::load_habits(store, &self.gateway, &habits).await?;
        self.learning = Some(learning::Learning::of(habits));
        Ok(self)
    }

    fn learn(&mut self, call: &CallRecord, events: &mut Vec<NewEvent>) {
        if let Some(learning) = &mut self.learning {
            learning.of_call(call, events);
        }
    }

    /// Folds the next entries, at most 4,000, and tells how many there were.
    ///
    /// # Errors
    /// When the store fails, the journal cannot be read, or somebody else folds it.
    pub async fn step(mut self, store: &dyn Store) -> Result<(Self, usize), FoldProblem> {
        let (mut fold, step, count) = blocking(move || {
            let (step, count) = self.gather(STEP)?.unzip();
            Ok((self, step, count.unwrap_or(0)))
        })
        .await?;
        if let Some(step) = step
            && store.fold_calls(step).await? == Folded::NotAtCursor
        {
            return Err(FoldProblem::NotAlone(fold.gateway));
        }
        if let Some(learning) = &mut fold.learning {
            learning.publish();
        }
        Ok((fold, count))
    }

    /// Reads on and makes one step of it; `None` when there is nothing new.
    fn gather(&mut self, most: usize) -> Result<Option<(FoldedCalls, usize)>, FoldProblem> {
        let from_cursor = self.progress.next.map(|_| self.progress.text());
        let mut calls = Vec::new();
        let mut counters = Sum::default();
        let (mut events, mut newest) = (Vec::new(), Timestamp::default());
        let mut count = 0;
        while count < most
            && let Some(located) = self.reader.next_entry()?
        {
            count += 1;
            self.progress.next = Some(located.next);
            match located.entry {
                Entry::Refused(call) => {
                    newest = newest.max(call.at);
                    self.learn(&call, &mut events);
                    calls.push(index_row(*call, None));
                }
                Entry::Admitted(call) => {
                    let at = located.at;
                    self.progress.open.insert(at);
                    self.waiting.insert(call.id, Waiting { at, call });
                }
                Entry::Settled(settlement) => {
                    let Some(waited) = self.waiting.remove(&settlement.id) else {
                        tracing::warn!(call = %settlement.id, "settled twice or never admitted");
                        continue;
                    };
                    let Waiting {
                        at: admitted_at,
                        call,
                    } = waited;
                    self.progress.open.remove(&admitted_at);
                    if !settlement.refunded {
                        counters.add(&call)?;
                        self.alerts.of_call(&call, &mut events);
                    }
                    self.learn(&call, &mut events);
                    newest = newest.max(settlement.at);
                    calls.push(index_row(*call, Some(&settlement)));
                }
            }
        }
        if count == 0 {
            return Ok(None);
        }
        let mut step = FoldedCalls {
            gateway: self.gateway.clone(),
            from_cursor,
            to_cursor: self.progress.text(),
            calls,
            counters: counters.rows(),
            events,
            at: newest,
            ..FoldedCalls::default()
        };
        if let Some(learning) = &mut self.learning {
            learning.hand_over(&mut step);
        }
        Ok(Some((step, count)))
    }
}

/// Reads again what was admitted and not settled when the last fold stopped.
fn reopen(
    directory: &Path,
    progress: &Progress,
) -> Result<HashMap<RecordId, Waiting>, FoldProblem> {
    let mut waiting = HashMap::new();
    for &at in &progress.open {
        match read_at(directory, at) {
            Ok(Entry::Admitted(call)) => {
                waiting.insert(call.id, Waiting { at, call });
            }
            Ok(_) => return Err(NotACursor(at.to_string()).into()),
            // A loss of power took what was admitted without waiting for the disk; its
            // settlement cannot have stayed. Damage elsewhere is found by reading on.
            Err(ReadProblem::Damaged { .. }) => {
                tracing::warn!(%at, "a call was lost with the power");
            }
            Err(problem) => return Err(problem.into()),
        }
    }
    Ok(waiting)
}

/// What every counter stands at for a gateway that starts: what has been folded, and what the
/// journal holds beyond. A call without a settlement consumes.
///
/// # Errors
/// When the store fails or the journal cannot be read.
pub async fn start_counters(
    store: &dyn Store,
    directory: &Path,
    gateway: &str,
) -> Result<Vec<Spend>, FoldProblem> {
    let mut fold = Fold::resume(store, directory, gateway).await?;
    let folded = store.counters().await?;
    blocking(move || {
        let mut sum = Sum::default();
        sum.add_rows(&folded);
        while let Some((step, _)) = fold.gather(STEP)? {
            sum.add_rows(&step.counters);
        }
        for waiting in fold.waiting.into_values() {
            sum.add(&waiting.call)?;
        }
        Ok(sum.spends().collect())
    })
    .await
}

/// What calls took, by counter and window.
#[derive(Default)]
struct Sum(BTreeMap<(CounterKey, Timestamp, Timestamp), Quantity>);

impl Sum {
    fn add(&mut self, call: &CallRecord) -> Result<(), FoldProblem> {
        for spend in &call.counters {
            let mode = call.mode.ok_or(FoldProblem::Entry(call.id))?;
            let key = counter_key(spend, mode);
            self.add_spend((key, spend.begins_at, spend.ends_at), spend.cost);
        }
        Ok(())
    }

    fn add_rows(&mut self, rows: &[CounterRow]) {
        for row in rows {
            let key = CounterKey {
                limit: row.limit,
                mode: row.mode,
                subject: row.subject,
                fact: row.fact,
            };
            self.add_spend((key, row.begins_at, row.ends_at), row.used);
        }
    }

    /// Beyond what can be counted a counter stays full.
    fn add_spend(&mut self, place: (CounterKey, Timestamp, Timestamp), cost: Quantity) {
        let used = self.0.entry(place).or_default();
        *used = used
            .checked_add(cost)
            .unwrap_or(Quantity::from_millionths(i64::MAX));
    }

    fn spends(self) -> impl Iterator<Item = Spend> {
        let sums = self.0.into_iter();
        sums.map(|((key, begins_at, ends_at), cost)| Spend {
            key,
            begins_at,
            ends_at,
            cost,
        })
    }

    fn rows(self) -> Vec<CounterRow> {
        let row = |spend: Spend| CounterRow {
            limit: spend.key.limit,
            mode: spend.key.mode,
            subject: spend.key.subject,
            fact: spend.key.fact,
            begins_at: spend.begins_at,
            ends_at: spend.ends_at,
            used: spend.cost,
        };
        self.spends().map(row).collect()
    }
}

fn counter_key(spend: &CounterSpend, mode: Mode) -> CounterKey {
    CounterKey {
        limit: spend.limit,
        mode,
        subject: spend.subject,
        fact: spend.fact,
    }
}

fn index_row(call: CallRecord, settled: Option<&Settlement>) -> CallIndexRow {
    let (outcome, status) = match settled.map(|settled| settled.outcome) {
        None => ("refused", call.status),
        Some(CallOutcome::Served { status, .. }) => ("served", status),
        Some(CallOutcome::NotSent) => ("not_sent", 0),
        Some(CallOutcome::Unknown) => ("unknown", 0),
    };
    CallIndexRow {
        record: journal::pack(&call, settled),
        id: call.id,
        at: call.at,
        mode: call.mode,
        api: call.api,
        operation: call.operation,
        app: call.app.map(|(id, _)| id),
        developer: call.developer.map(|(id, _)| id),
        account: call.account.map(|(id, _)| id),
        capabilities: surrounded(&call.capabilities),
        outcome: outcome.to_owned(),
        status,
        code: call.code,
    }
}

/// UTC day number since the epoch.
fn day_of(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(DAY_MICROS)
}

fn surrounded(names: &[String]) -> String {
    if names.is_empty() {
        String::new()
    } else {
        format!(" {} ", names.join(" "))
    }
}

/// Reading the journal blocks a thread; it must not be one that serves calls.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FoldProblem> + Send + 'static,
) -> Result<T, FoldProblem> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(FoldProblem::BrokenOff))
}

#[cfg(test)]
mod tests;
