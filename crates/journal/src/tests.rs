use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use primitives::{
    Clock, Enforcement, ManualClock, Mode, Quantity, RecordId, Revision, SystemClock, Timestamp,
};
use proptest::prelude::*;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::{
    frame::MARK_FRAME,
    segment::{HEADER, SegmentId},
};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn call(id: RecordId, note: &str) -> Box<CallRecord> {
    Box::new(CallRecord {
        id,
        at: Timestamp::from_seconds(1),
        mode: Some(Mode::Live),
        api: "payments".to_owned(),
        operation: "Pay".to_owned(),
        method: "POST".to_owned(),
        path: "/payments/Pay".to_owned(),
        credential: None,
        app: None,
        developer: None,
        account: None,
        capabilities: vec!["SIMPLE_SEND_MONEY".to_owned()],
        facts: Vec::new(),
        facts_left_out: 0,
        enforcement: Enforcement::Enforce,
        status: 0,
        code: String::new(),
        answer: note.to_owned(),
        granted: None,
        counters: vec![CounterSpend {
            limit: u64::MAX,
            subject: 0x1f,
            fact: 0,
            begins_at: Timestamp::from_seconds(0),
            ends_at: Timestamp::from_micros(i64::MAX),
            cost: Quantity::whole(1).unwrap(),
            near: 1,
        }],
        revision: Revision(7),
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        manner: None,
    })
}

fn admitted(sequence: u64) -> Entry {
    let id = RecordId { epoch: 1, sequence };
    Entry::Admitted(call(id, &format!("entry {sequence}")))
}

fn settled(id: RecordId) -> Entry {
    Entry::Settled(Settlement {
        id,
        at: Timestamp::from_seconds(2),
        outcome: CallOutcome::NotSent,
        refunded: true,
    })
}

#[test]
fn a_record_from_before_facts_were_kept_is_still_read() {
    let Entry::Admitted(call) = admitted(1) else {
        panic!("it is admitted");
    };
    let written = serde_json::to_string(&call).unwrap();
    assert!(!written.contains("facts"), "{written}");
    assert!(written.contains(r#""subject":"1f""#), "{written}");
    assert_eq!(serde_json::from_str::<CallRecord>(&written).unwrap(), *call);
}

fn open(directory: &TempDir, segment_bytes: u64) -> Journal {
    let options = Options {
        segment_bytes,
        ..Options::default()
    };
    Journal::open(directory.path(), Arc::new(SystemClock), options).unwrap()
}

/// Appends `count` entries, each in a segment of its own when `segment_bytes` is small.
fn write(directory: &TempDir, segment_bytes: u64, range: std::ops::Range<u64>) {
    let journal = open(directory, segment_bytes);
    runtime().block_on(async {
        for sequence in range {
            let entry = admitted(sequence);
            journal.append(&entry, Durability::Strict).await.unwrap();
        }
    });
    journal.close().unwrap();
}

fn read(directory: &TempDir, from: Option<Cursor>) -> Result<Vec<Located>, ReadProblem> {
    let mut reader = Reader::new(directory.path(), from);
    let mut found = Vec::new();
    while let Some(located) = reader.next_entry()? {
        found.push(located);
    }
    Ok(found)
}

/// Without what later runs settled as unknown.
fn sequences(found: &[Located]) -> Vec<u64> {
    let sequence = |located: &Located| match &located.entry {
        Entry::Admitted(call) => Some(call.id.sequence),
        _ => None,
    };
    found.iter().filter_map(sequence).collect()
}

fn files(directory: &TempDir) -> Vec<PathBuf> {
    let all = SegmentId::list(directory.path()).unwrap();
    all.into_iter()
        .map(|id| id.path(directory.path()))
        .collect()
}

#[test]
fn entries_come_back_in_order_over_segments_and_runs() {
    let directory = TempDir::new().unwrap();
    write(&directory, 1, 0..3);
    write(&directory, u64::MAX, 3..6);
    assert_eq!(files(&directory).len(), 4);
    let found = read(&directory, None).unwrap();
    assert_eq!(sequences(&found), [0, 1, 2, 3, 4, 5]);
    for (at, located) in found.iter().enumerate() {
        assert_eq!(
            read_at(directory.path(), located.at).unwrap(),
            located.entry
        );
        let cursor: Cursor = located.next.to_string().parse().unwrap();
        assert_eq!(read(&directory, Some(cursor)).unwrap(), found[at + 1..]);
    }
}

#[test]
fn a_cursor_is_its_text_and_nothing_else_is() {
    for text in [
        "",
        "1.2",
        "1.2.3.4",
        "g.0.0",
        "1.0.36",
        "+0000000000000001.0.36",
    ] {
        assert!(text.parse::<Cursor>().is_err(), "{text}");
    }
    assert!("0000000000000001.0.36".parse::<Cursor>().is_ok());
}

#[test]
fn one_process_writes() {
    let directory = TempDir::new().unwrap();
    let first = open(&directory, 1_000);
    let options = Options::default();
    let second = Journal::open(directory.path(), Arc::new(SystemClock), options);
    assert!(matches!(second, Err(OpenProblem::InUse(_))));
    drop(first);
    drop(open(&directory, 1_000));
}

#[test]
fn an_epoch_is_never_used_twice_whatever_the_clock_says() {
    let directory = TempDir::new().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_000)));
    let epoch = || {
        let clock: Arc<dyn Clock> = clock.clone();
        let journal = Journal::open(directory.path(), clock, Options::default()).unwrap();
        journal.epoch()
    };
    let first = epoch();
    let same_moment = epoch();
    assert!(first < same_moment);
    for file in files(&directory) {
        fs::remove_file(file).unwrap();
    }
    clock.set(Timestamp::from_seconds(1));
    assert!(same_moment < epoch());
}

#[test]
fn what_a_run_left_unsettled_is_settled_once_as_unknown() {
    let directory = TempDir::new().unwrap();
    let journal = open(&directory, 1_000);
    let ids = [journal.next_id(), journal.next_id(), journal.next_id()];
    assert_eq!(ids[0].sequence, 1);
    for id in ids {
        journal.append_now(&Entry::Admitted(call(id, ""))).unwrap();
    }
    journal.append_now(&settled(ids[1])).unwrap();
    drop(journal);
    let second = open(&directory, 1_000);
    assert_eq!(second.unsettled_before_open(), [ids[0], ids[2]]);
    drop(second);
    assert!(open(&directory, 1_000).unsettled_before_open().is_empty());
    let settlements: Vec<_> = read(&directory, None)
        .unwrap()
        .into_iter()
        .filter_map(|located| match located.entry {
            Entry::Settled(settlement) => Some((settlement.id, settlement.outcome)),
            _ => None,
        })
        .collect();
    assert_eq!(
        settlements,
        [
            (ids[1], CallOutcome::NotSent),
            (ids[0], CallOutcome::Unknown),
            (ids[2], CallOutcome::Unknown)
        ]
    );
}

/// Shows: F-01, F-02.
#[test]
fn a_disk_that_fails_refuses_and_loses_nothing_acknowledged() {
    let directory = TempDir::new().unwrap();
    let journal = open(&directory, 1);
    let epoch = journal.epoch();
    // The writer cannot make its third segment.
    let blocked = SegmentId { epoch, segment: 2 }.path(directory.path());
    fs::create_dir(&blocked).unwrap();
    let acknowledged = runtime().block_on(async {
        let mut acknowledged = Vec::new();
        for sequence in 0..5 {
            match journal
                .append(&admitted(sequence), Durability::Strict)
                .await
            {
                Ok(()) => acknowledged.push(sequence),
                Err(failure) => assert!(matches!(failure, JournalFailure::Disk(_))),
            }
        }
        let relaxed = journal.append(&admitted(9), Durability::Relaxed).await;
        assert!(matches!(relaxed, Err(JournalFailure::Disk(_))));
        acknowledged
    });
    assert!(journal.append_now(&admitted(9)).is_err());
    assert!(journal.failure().is_some());
    assert!(journal.close().is_err());
    drop(journal);
    fs::remove_dir(&blocked).unwrap();
    assert_eq!(acknowledged, [0, 1]);
    assert_eq!(sequences(&read(&directory, None).unwrap()), acknowledged);
    drop(open(&directory, 1));
}

#[test]
fn a_relaxed_entry_is_in_the_file_soon_and_without_being_asked_for() {
    let directory = TempDir::new().unwrap();
    let journal = open(&directory, 1_000_000);
    runtime().block_on(async {
        journal
            .append(&admitted(1), Durability::Relaxed)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    });
    assert_eq!(sequences(&read(&directory, None).unwrap()), [1]);
}

/// Shows: G-04.
#[test]
fn what_a_killed_process_wrote_is_all_there() {
    let directory = TempDir::new().unwrap();
    let journal = open(&directory, 1_000_000);
    for sequence in 0..2_000 {
        let receipt = journal.push(
            &Framed::of(&admitted(sequence)).unwrap(),
            Durability::Relaxed,
        );
        drop(receipt.unwrap());
    }
    // As it stands at this moment, without waiting for anything, as kill -9 leaves it.
    let copy = TempDir::new().unwrap();
    for file in files(&directory) {
        fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
    }
    let found = read(&copy, None).unwrap();
    assert_eq!(sequences(&found), (0..2_000).collect::<Vec<_>>());
    let settled = open(&copy, 1_000_000);
    assert_eq!(settled.unsettled_before_open().len(), 2_000);
}

/// Shows: F-02.
#[test]
fn pages_that_a_loss_of_power_kept_behind_lost_ones_are_no_damage() {
    let directory = TempDir::new().unwrap();
    let journal = open(&directory, 1_000_000);
    runtime()
        .block_on(journal.append(&admitted(1), Durability::Strict))
        .unwrap();
    for sequence in 2..40 {
        drop(journal.push(
            &Framed::of(&admitted(sequence)).unwrap(),
            Durability::Relaxed,
        ));
    }
    let copy = TempDir::new().unwrap();
    let file = files(&directory).remove(0);
    let found = read(&directory, None).unwrap();
    let [lost, kept] = [&found[5], &found[9]].map(|one| usize::try_from(one.at.offset).unwrap());
    let mut bytes = fs::read(&file).unwrap();
    bytes[lost..kept].fill(0);
    fs::write(copy.path().join(file.file_name().unwrap()), &bytes).unwrap();
    assert_eq!(sequences(&read(&copy, None).unwrap()), [1, 2, 3, 4, 5]);
    drop(open(&copy, 1_000_000));
    // What was acknowledged as strict is another matter.
    let strict = usize::try_from(found[0].at.offset).unwrap();
    bytes[strict + 20] ^= 1;
    fs::write(copy.path().join(file.file_name().unwrap()), &bytes).unwrap();
    let problem = read(&copy, None).unwrap_err();
    assert!(matches!(problem, ReadProblem::Damaged { .. }), "{problem}");
}

#[test]
fn a_reader_follows_a_writer_over_segments() {
    let directory = TempDir::new().unwrap();
    let journal = open(&directory, 2_000);
    let path = directory.path().to_owned();
    let follower = std::thread::spawn(move || {
        let mut reader = Reader::new(&path, None);
        let mut found = Vec::new();
        while found.len() < 500 {
            found.extend(reader.next_entry().unwrap());
        }
        sequences(&found)
    });
    runtime().block_on(async {
        for sequence in 0..500 {
            let durability = if sequence % 50 == 0 {
                Durability::Strict
            } else {
                Durability::Relaxed
            };
            journal
                .append(&admitted(sequence), durability)
                .await
                .unwrap();
        }
    });
    assert_eq!(follower.join().unwrap(), (0..500).collect::<Vec<_>>());
    assert!(files(&directory).len() > 3);
}

#[test]
fn a_day_begins_a_segment_and_is_dropped_whole_once_folded() {
    let directory = TempDir::new().unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(86_400 * 10 + 5)));
    let by: Arc<dyn Clock> = clock.clone();
    let journal = Journal::open(directory.path(), by, Options::default()).unwrap();
    runtime().block_on(async {
        for day in 0..3 {
            clock.set(Timestamp::from_seconds(86_400 * (10 + day) + 5));
            for _ in 0..2 {
                let Entry::Admitted(mut call) = admitted(day.unsigned_abs()) else {
                    panic!("it is admitted");
                };
                call.at = clock.now();
                let entry = Entry::Admitted(call);
                journal.append(&entry, Durability::Strict).await.unwrap();
            }
        }
    });
    assert_eq!(files(&directory).len(), 3);
    let found = read(&directory, None).unwrap();
    let after = |at: usize| found[at].next;
    assert_eq!(journal.drop_days(12, after(1)).unwrap(), 0, "not folded");
    assert_eq!(journal.drop_days(10, after(5)).unwrap(), 0, "not old");
    assert_eq!(
        journal.drop_days(12, after(3)).unwrap(),
        1,
        "folded and old"
    );
    assert_eq!(
        journal.drop_days(99, after(5)).unwrap(),
        1,
        "never the last"
    );
    assert_eq!(read(&directory, Some(after(4))).unwrap(), found[5..]);
    assert!(matches!(
        read(&directory, Some(after(0))),
        Err(ReadProblem::Missing { .. })
    ));
}

#[test]
fn a_gap_and_a_torn_segment_in_the_middle_are_errors_that_name_the_file() {
    let directory = TempDir::new().unwrap();
    write(&directory, 1, 0..4);
    let files = files(&directory);
    let whole = fs::read(&files[1]).unwrap();
    fs::write(&files[1], &whole[..whole.len() - MARK_FRAME - 1]).unwrap();
    let problem = read(&directory, None).unwrap_err();
    let name = files[1].file_name().unwrap().to_str().unwrap();
    assert!(
        matches!(&problem, ReadProblem::Damaged { file, offset }
        if file.ends_with(name) && *offset == HEADER as u64),
        "{problem}"
    );
    fs::remove_file(&files[1]).unwrap();
    let problem = read(&directory, None).unwrap_err();
    assert!(matches!(&problem, ReadProblem::Missing { file } if file.ends_with(name)));
    assert!(matches!(
        Journal::open(directory.path(), Arc::new(SystemClock), Options::default()),
        Err(OpenProblem::Earlier(ReadProblem::Missing { .. }))
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Shows: F-02.
    #[test]
    fn a_torn_tail_loses_only_what_was_torn(cut in 0_usize..4_000, entries in 1_u64..6) {
        let directory = TempDir::new().unwrap();
        write(&directory, u64::MAX, 0..entries);
        let found = read(&directory, None).unwrap();
        let file = files(&directory).remove(0);
        let whole = fs::read(&file).unwrap();
        let cut = whole.len().saturating_sub(cut);
        fs::write(&file, &whole[..cut]).unwrap();
        let kept = found.iter().filter(|located| located.next.offset <= cut as u64);
        let mut expected = sequences(&kept.cloned().collect::<Vec<_>>());
        prop_assert_eq!(sequences(&read(&directory, None).unwrap()), expected.clone());
        // A new run goes on after it, and a reader that stood anywhere before finds both.
        write(&directory, u64::MAX, 100..102);
        expected.extend([100, 101]);
        prop_assert_eq!(sequences(&read(&directory, None).unwrap()), expected.clone());
        let from_last = found.last().map(|located| located.next);
        prop_assert_eq!(sequences(&read(&directory, from_last).unwrap()), vec![100, 101]);
    }

    #[test]
    fn changed_bytes_never_panic_nor_change_an_entry(
        changes in prop::collection::vec((0_usize..4_000, 1_u8..), 1..4),
        last in any::<bool>(),
    ) {
        let directory = TempDir::new().unwrap();
        write(&directory, u64::MAX, 0..6);
        if !last {
            write(&directory, u64::MAX, 6..7);
        }
        let before = read(&directory, None).unwrap();
        let file = files(&directory).remove(0);
        let mut bytes = fs::read(&file).unwrap();
        let original = bytes.clone();
        for (at, change) in changes {
            let at = at % bytes.len();
            bytes[at] ^= change;
        }
        fs::write(&file, &bytes).unwrap();
        let mut reader = Reader::new(directory.path(), None);
        let mut found = Vec::new();
        let ended = loop {
            match reader.next_entry() {
                Ok(Some(located)) => found.push(located),
                Ok(None) => break Ok(()),
                Err(problem) => break Err(problem),
            }
        };
        for located in &found {
            prop_assert!(before.contains(located));
        }
        // The mark at the end says that all before it was on the disk: what is broken is damage.
        let closing = bytes.len() - MARK_FRAME;
        let intact = bytes[..closing] == original[..closing];
        let marked = bytes[closing..] == original[closing..];
        let header_intact = bytes[..HEADER] == original[..HEADER];
        if !header_intact || (marked && !intact) {
            prop_assert!(ended.is_err(), "damage was passed over");
        }
        if intact {
            prop_assert!(ended.is_ok(), "{:?}", ended);
            prop_assert_eq!(found.len(), before.len());
        }
        let kept = found.iter().filter(|located| located.at.epoch == before[0].at.epoch);
        let kept = kept.count();
        prop_assert_eq!(&found[..kept], &before[..kept], "not a beginning of what was written");
    }
}
