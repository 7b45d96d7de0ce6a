//! A disk without room.

use primitives::{EventId, Timestamp};
use store::{EventAction, FailureKind, NewEvent, Store as _, WriteSet};
use store_sqlite::SqliteStore;
use testkit::SmallDisk;

fn changes(number: u128, length: usize) -> WriteSet {
    WriteSet {
        events: vec![NewEvent {
            id: EventId::from_u128(number),
            actor: "a".to_owned(),
            action: EventAction::Created,
            kind: "thing".to_owned(),
            name: "n".to_owned(),
            detail: format!("\"{}\"", "x".repeat(length)),
        }],
        ..WriteSet::default()
    }
}

/// Of a disk without room SQLite gives a whole transaction up by itself, which a limit on the
/// pages of a file does not show.
///
/// Shows: F-04.
#[tokio::test]
async fn on_a_full_disk_changes_are_refused_and_taken_again_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path(), 16) else {
        return;
    };
    let file = folder.path().join("p.db");
    let store = SqliteStore::open(&file, Timestamp::default())
        .await
        .unwrap();
    for round in 0..2 {
        disk.fill();
        for number in 0..2 {
            // More than the cache of a connection holds, so that it is written before its end.
            let refused = store.commit(changes(number, 10_000_000)).await;
            assert_eq!(refused.unwrap_err().kind, FailureKind::Full);
        }
        assert_eq!(store.revision().await.unwrap().0, round);
        disk.free();
        let taken = store.commit(changes(100 + u128::from(round), 10)).await;
        taken.unwrap().unwrap();
    }
    assert_eq!(store.revision().await.unwrap().0, 2);
    store.close().await;
}
