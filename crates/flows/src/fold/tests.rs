use std::sync::Arc;

use journal::{Durability, Journal, Options, RecordedFact, RecordedType};
use primitives::{
    AccountId, AppId, Enforcement, Entropy as _, ManualClock, PageSize, Revision, SeededEntropy,
};
use quota::Counters;
use store::{CallFilter, CallsWanted};
use store_sqlite::SqliteStore;
use tempfile::TempDir;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(20 * 86_400);

/// A store and a journal that outlive the processes that use them.
struct Place {
    folder: TempDir,
    store: SqliteStore,
    clock: Arc<ManualClock>,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("portreeve.db");
        Self {
            store: SqliteStore::open(file, NOW).await.unwrap(),
            folder,
            clock: Arc::new(ManualClock::at(NOW)),
        }
    }

    /// A new run of the gateway.
    async fn journal(&self) -> Journal {
        let options = Options {
            unsettled_from: oldest_needed(&self.store, "one").await.unwrap(),
            segment_bytes: 4_096,
        };
        let directory = self.folder.path().join("journal");
        Journal::open(&directory, self.clock.clone(), options).unwrap()
    }

    async fn resume(&self) -> Fold {
        let directory = self.folder.path().join("journal");
        Fold::resume(&self.store, &directory, "one").await.unwrap()
    }

    async fn fold_all(&self) {
        let (mut fold, mut count) = (self.resume().await, STEP);
        while count > 0 {
            (fold, count) = fold.step(&self.store).await.unwrap();
        }
    }

    async fn rows(&self) -> Vec<CallIndexRow> {
        let all = PageSize::clamped(PageSize::MOST);
        let all = CallsWanted::new(CallFilter::default(), None, all);
        self.store.calls(&all).await.unwrap().calls
    }

    async fn counted(&self) -> i64 {
        let counters = self.store.counters().await.unwrap();
        counters.iter().map(|row| row.used.millionths()).sum()
    }

    async fn counted_at_start(&self) -> i64 {
        let directory = self.folder.path().join("journal");
        let spends = start_counters(&self.store, &directory, "one").await;
        let spends = spends.unwrap();
        spends.iter().map(|spend| spend.cost.millionths()).sum()
    }

    fn job(&self, journal: Journal) -> FoldJob {
        FoldJob {
            store: Arc::new(self.store.clone()),
            journal: Arc::new(journal),
            gateway: "one".to_owned(),
            clock: self.clock.clone(),
            counters: Arc::new(Counters::new()),
            habits: Arc::default(),
            keep_days: Arc::new(|| 7),
            limits: Arc::new(|_| None),
            trusts_time: Arc::new(|| true),
        }
    }
}

fn amount(cost: i64) -> RecordedFact {
    let text = Quantity::from_millionths(cost).to_string();
    RecordedFact::with_value("amount", RecordedType::Quantity, &text)
}

fn call(id: RecordId, cost: i64) -> Box<CallRecord> {
    let account = AccountId::from_u128(2);
    Box::new(CallRecord {
        id,
        at: NOW,
        mode: Some(Mode::Live),
        api: "payments".to_owned(),
        operation: "Pay".to_owned(),
        method: "POST".to_owned(),
        path: "/AdaptivePayments/Pay".to_owned(),
        credential: None,
        app: Some((AppId::from_u128(1), "shop".to_owned())),
        developer: Some((account, "acme".to_owned())),
        account: Some((account, "acme".to_owned())),
        capabilities: vec!["SIMPLE_SEND_MONEY".to_owned(), "PREAPPROVALS".to_owned()],
        facts: vec![amount(cost)],
        facts_left_out: 0,
        enforcement: Enforcement::Enforce,
        status: 0,
        code: String::new(),
        answer: "{\"gates\":[]}".to_owned(),
        granted: None,
        counters: vec![CounterSpend {
            limit: u64::MAX,
            subject: u128::MAX,
            fact: 0,
            begins_at: Timestamp::default(),
            ends_at: NOW.plus_seconds(86_400),
            cost: Quantity::from_millionths(cost),
            near: 0,
        }],
        revision: Revision(1),
        trace_id: String::new(),
        manner: None,
    })
}

fn settled(id: RecordId, outcome: CallOutcome, refunded: bool) -> Entry {
    Entry::Settled(Settlement {
        id,
        at: NOW,
        outcome,
        refunded,
    })
}

const SERVED: CallOutcome = CallOutcome::Served {
    status: 201,
    bytes_in: 1,
    bytes_out: 2,
    micros: 3,
};

#[tokio::test]
async fn a_call_is_indexed_when_it_is_settled_with_all_that_is_known_of_it() {
    let place = Place::new().await;
    let journal = place.journal().await;
    let (served, refused, slow) = (journal.next_id(), journal.next_id(), journal.next_id());
    journal
        .append_now(&Entry::Admitted(call(slow, 40)))
        .unwrap();
    journal
        .append_now(&Entry::Admitted(call(served, 2)))
        .unwrap();
    let mut no = call(refused, 0);
    (no.status, no.mode) = (403, None);
    no.code.push_str("level_too_low");
    no.counters.clear();
    journal.append_now(&Entry::Refused(no)).unwrap();
    journal.append_now(&settled(served, SERVED, false)).unwrap();
    journal.close().unwrap();
    place.fold_all().await;

    let rows = place.rows().await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.id, row.outcome.as_str(), row.status, row.code.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (refused, "refused", 403, "level_too_low"),
            (served, "served", 201, ""),
        ]
    );
    assert_eq!((rows[0].mode, rows[1].mode), (None, Some(Mode::Live)));
    assert_eq!(rows[1].capabilities, " SIMPLE_SEND_MONEY PREAPPROVALS ");
    let document: CallDocument = CallDocument::read(&rows[1].record).unwrap();
    assert_eq!(document.call, *call(served, 2));
    assert_eq!(document.settled.unwrap().outcome, SERVED);
    assert_eq!(place.counted().await, 2);
    assert_eq!(place.counted_at_start().await, 42);
}

#[tokio::test]
async fn a_refunded_call_is_listed_and_not_counted() {
    let place = Place::new().await;
    let journal = place.journal().await;
    for (outcome, refunded) in [
        (CallOutcome::NotSent, true),
        (CallOutcome::NotSent, false),
        (CallOutcome::Unknown, false),
        (SERVED, true),
    ] {
        let id = journal.next_id();
        journal.append_now(&Entry::Admitted(call(id, 1))).unwrap();
        journal.append_now(&settled(id, outcome, refunded)).unwrap();
    }
    journal.close().unwrap();
    assert_eq!(place.counted_at_start().await, 2);
    place.fold_all().await;
    let outcomes: Vec<_> = place.rows().await.into_iter().map(|r| r.outcome).collect();
    assert_eq!(outcomes, ["served", "unknown", "not_sent", "not_sent"]);
    assert_eq!(place.counted().await, 2);
    assert_eq!(place.counted_at_start().await, 2);
}

/// What a random history of a gateway should come to.
#[derive(Default)]
struct Expected {
    open: Vec<(RecordId, i64)>,
    indexed: usize,
    counted: i64,
}

impl Expected {
    /// Lets one more thing happen to the gateway.
    fn happen(&mut self, journal: &Journal, dice: u64) {
        let cost = i64::try_from(dice % 7).unwrap();
        let index = usize::try_from(dice / 8).unwrap() % self.open.len().max(1);
        match dice % 8 {
            0..=2 => {
                let id = journal.next_id();
                journal
                    .append_now(&Entry::Admitted(call(id, cost)))
                    .unwrap();
                self.open.push((id, cost));
            }
            3 => {
                let id = journal.next_id();
                journal
                    .append_now(&Entry::Refused(call(id, 1_000)))
                    .unwrap();
                self.indexed += 1;
            }
            kind if index < self.open.len() => {
                let (id, cost) = self.open.remove(index);
                let refunded = kind == 4;
                journal.append_now(&settled(id, SERVED, refunded)).unwrap();
                self.indexed += 1;
                self.counted += if refunded { 0 } else { cost };
            }
            _ => {}
        }
    }

    /// The next run settles as unknown what this one left open.
    fn crash(&mut self) {
        self.indexed += self.open.len();
        self.counted += self.open.iter().map(|(_, cost)| cost).sum::<i64>();
        self.open.clear();
    }

    fn at_start(&self) -> i64 {
        self.counted + self.open.iter().map(|(_, cost)| cost).sum::<i64>()
    }
}

/// The fold dies before a commit, after it, between two steps, or with the whole gateway; every
/// call is indexed once and counted once.
///
/// Shows: J-4.
#[tokio::test]
async fn whenever_it_dies_every_call_is_counted_exactly_once() {
    for seed in 0..12 {
        let place = Place::new().await;
        let random = SeededEntropy::new(seed);
        let dice = || {
            let mut bytes = [0; 8];
            random.fill(&mut bytes).unwrap();
            u64::from_le_bytes(bytes)
        };
        let mut expected = Expected::default();
        let mut journal = place.journal().await;
        let mut fold = place.resume().await;
        for _ in 0..60 {
            for _ in 0..dice() % 12 {
                expected.happen(&journal, dice());
            }
            let most = usize::try_from(dice() % 9 + 1).unwrap();
            let step = fold.gather(most).unwrap().map(|(step, _)| step);
            match (dice() % 6, step) {
                // Before the commit.
                (0, _) => fold = place.resume().await,
                // After the commit, before anything else knows of it.
                (1, Some(step)) => {
                    let folded = place.store.fold_calls(step.clone()).await.unwrap();
                    assert_eq!(folded, Folded::Applied);
                    let again = place.store.fold_calls(step).await.unwrap();
                    assert_eq!(again, Folded::NotAtCursor);
                    fold = place.resume().await;
                }
                // The whole process.
                (2, _) => {
                    drop(journal);
                    expected.crash();
                    journal = place.journal().await;
                    fold = place.resume().await;
                }
                (_, Some(step)) => {
                    let folded = place.store.fold_calls(step).await.unwrap();
                    assert_eq!(folded, Folded::Applied);
                }
                (_, None) => {}
            }
        }
        journal.close().unwrap();
        assert_eq!(place.counted_at_start().await, expected.at_start());
        place.fold_all().await;
        assert_eq!(place.rows().await.len(), expected.indexed, "seed {seed}");
        assert_eq!(place.counted().await, expected.counted, "seed {seed}");
        assert_eq!(place.counted_at_start().await, expected.at_start());
    }
}

#[tokio::test]
async fn two_folds_of_one_journal_do_not_count_twice() {
    let place = Place::new().await;
    let journal = place.journal().await;
    let id = journal.next_id();
    journal.append_now(&Entry::Admitted(call(id, 5))).unwrap();
    journal.append_now(&settled(id, SERVED, false)).unwrap();
    journal.close().unwrap();
    let (first, second) = (place.resume().await, place.resume().await);
    first.step(&place.store).await.unwrap();
    let refused = second.step(&place.store).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "another process folds the journal of `one`"
    );
    assert_eq!(place.counted().await, 5);
}

#[tokio::test]
async fn old_days_go_whole_and_what_is_still_needed_stays() {
    let place = Place::new().await;
    let journal = place.journal().await;
    let slow = journal.next_id();
    let quick = async |journal: &Journal| {
        let id = journal.next_id();
        journal.append_now(&Entry::Admitted(call(id, 1))).unwrap();
        // Written each on its own, so that there are several segments.
        let entry = settled(id, SERVED, false);
        journal.append(&entry, Durability::Strict).await.unwrap();
    };
    for _ in 0..20 {
        quick(&journal).await;
    }
    journal.append_now(&Entry::Admitted(call(slow, 1))).unwrap();
    for _ in 0..20 {
        quick(&journal).await;
    }
    drop(journal);
    place.fold_all().await;
    place.clock.advance_seconds(7 * 86_400);
    let job = place.job(place.journal().await);
    let doubting = FoldJob {
        trusts_time: Arc::new(|| false),
        ..job.clone()
    };
    assert_eq!(doubting.clean().await.unwrap(), Retention::default());
    let cleaned = job.clean().await.unwrap();
    assert_eq!((cleaned.calls, cleaned.counters), (0, 1));
    place.clock.advance_seconds(86_400);
    let cleaned = job.clean().await.unwrap();
    assert_eq!((cleaned.calls, cleaned.counters), (40, 0));
    assert!(cleaned.segments > 0);
    // The call that was never settled is still to be read, and is settled as unknown.
    job.journal.close().unwrap();
    place.fold_all().await;
    let rows = place.rows().await;
    assert_eq!((rows.len(), rows[0].id), (1, slow));
    assert_eq!(rows[0].outcome, "unknown");
    assert!(job.clean().await.unwrap().segments > 0);
}

#[tokio::test]
async fn the_job_follows_the_gateway_until_it_is_told_to_stop() {
    let place = Place::new().await;
    let job = place.job(place.journal().await);
    let stop = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(fold_until(job.clone(), stop.clone()));
    for n in 1..4 {
        let id = job.journal.next_id();
        job.journal
            .append_now(&Entry::Admitted(call(id, 1)))
            .unwrap();
        job.journal.append_now(&settled(id, SERVED, false)).unwrap();
        while place.counted().await < n {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    stop.cancel();
    running.await.unwrap();
    assert_eq!(place.rows().await.len(), 3);
}

#[test]
fn progress_reads_back_what_it_wrote() {
    let cursor = |offset| Cursor {
        epoch: u64::MAX,
        segment: 3,
        offset,
    };
    for (next, open) in [(9, vec![]), (9, vec![1, 5]), (0, vec![7])] {
        let progress = Progress {
            next: Some(cursor(next)),
            open: open.into_iter().map(cursor).collect(),
        };
        let text = progress.text();
        assert_eq!(Progress::read(Some(&text)), Ok(progress));
    }
    assert_eq!(Progress::read(None), Ok(Progress::default()));
    assert!(Progress::read(Some("somewhere")).is_err());
    assert!(Progress::read(Some("")).is_err());
}
