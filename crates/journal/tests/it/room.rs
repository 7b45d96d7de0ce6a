//! A disk that is full: what was admitted can be settled all the same.

use std::{path::Path, sync::Arc};

use journal::{
    CallOutcome, CallRecord, Durability, Entry, Journal, JournalFailure, Options, Reader,
    Settlement,
};
use primitives::{Enforcement, RecordId, Revision, SystemClock, Timestamp};
use testkit::SmallDisk;

fn admitted(id: RecordId) -> Entry {
    Entry::Admitted(Box::new(CallRecord {
        id,
        at: Timestamp::from_seconds(1),
        mode: None,
        api: "payments".to_owned(),
        operation: "Pay".to_owned(),
        method: "POST".to_owned(),
        path: format!("/payments/Pay/{}", "x".repeat(300)),
        credential: None,
        app: None,
        developer: None,
        account: None,
        capabilities: Vec::new(),
        facts: Vec::new(),
        facts_left_out: 0,
        enforcement: Enforcement::Enforce,
        status: 0,
        code: String::new(),
        answer: String::new(),
        granted: None,
        counters: Vec::new(),
        revision: Revision(7),
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        manner: None,
    }))
}

/// The longest there is.
fn settled(id: RecordId) -> Entry {
    Entry::Settled(Settlement {
        id,
        at: Timestamp::from_micros(i64::MAX),
        outcome: CallOutcome::Served {
            status: u16::MAX,
            bytes_in: u64::MAX,
            bytes_out: u64::MAX,
            micros: u64::MAX,
        },
        refunded: true,
    })
}

fn open(folder: &Path) -> Journal {
    let options = Options {
        // A new segment is due while there is no room for one.
        segment_bytes: 512 * 1024,
        ..Options::default()
    };
    Journal::open(&folder.join("journal"), Arc::new(SystemClock), options).unwrap()
}

/// Admits calls until none is taken any more.
fn admit_until_full(journal: &Journal) -> Vec<RecordId> {
    let mut taken = Vec::new();
    loop {
        let id = journal.next_id();
        match journal.append_now(&admitted(id)) {
            Ok(()) => taken.push(id),
            Err(JournalFailure::Full) => return taken,
            Err(other) => panic!("{other}"),
        }
    }
}

/// Shows: F-04.
#[tokio::test]
async fn on_a_full_disk_nothing_is_admitted_and_all_that_was_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path(), 4) else {
        return;
    };
    let journal = open(folder.path());
    disk.fill();
    let mut all = Vec::new();
    // What a settlement does not need of the room kept for it is used for more calls.
    for least in [500, 1] {
        let taken = admit_until_full(&journal);
        assert!(taken.len() >= least, "only {} were admitted", taken.len());
        assert_eq!(journal.failure(), None, "a full disk is no failed one");
        // Each waits for the disk, so that between two of them stands what the disk has.
        for &id in &taken {
            let written = journal.append(&settled(id), Durability::Strict).await;
            assert_eq!(written, Ok(()), "no room for the end of {id}");
        }
        all.extend(taken);
    }

    disk.free();
    let after = journal.next_id();
    journal
        .append(&admitted(after), Durability::Strict)
        .await
        .unwrap();
    journal.append_now(&settled(after)).unwrap();
    journal.close().unwrap();
    drop(journal);

    let again = open(folder.path());
    assert_eq!(again.unsettled_before_open(), []);
    let mut reader = Reader::new(again.directory(), None);
    let (mut begun, mut ended) = (Vec::new(), Vec::new());
    while let Some(located) = reader.next_entry().unwrap() {
        match located.entry {
            Entry::Admitted(call) => begun.push(call.id),
            Entry::Settled(settlement) => ended.push(settlement.id),
            Entry::Refused(_) => panic!("nobody was refused"),
        }
    }
    all.push(after);
    assert_eq!(begun, all);
    assert_eq!(ended, all);
    drop(again);
}
