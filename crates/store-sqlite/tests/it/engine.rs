use std::fs;

use primitives::{EventId, Name, RecordId, Revision, Timestamp};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection, migrate::Migrator};
use store::{EventAction, Kind, NewEvent, Resource, Store as _, WriteSet};
use store_sqlite::SqliteStore;
use tempfile::TempDir;

fn one_app() -> WriteSet {
    let name: Name = "shop".parse().unwrap();
    WriteSet {
        puts: vec![Resource {
            kind: Kind::App,
            name: name.clone(),
            id: 1,
            version: Revision::default(),
            body: "{}".to_owned(),
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }],
        events: vec![NewEvent {
            id: EventId::from_u128(1),
            actor: "operator".to_owned(),
            action: EventAction::Created,
            kind: Kind::App.as_str().to_owned(),
            name: name.into(),
            detail: "{}".to_owned(),
        }],
        ..WriteSet::default()
    }
}

async fn open(folder: &TempDir) -> SqliteStore {
    let file = folder.path().join("portreeve.db");
    SqliteStore::open(file, Timestamp::from_seconds(7))
        .await
        .unwrap()
}

/// Speaks to the file behind the store's back.
async fn meddle(folder: &TempDir, statement: &str) -> Result<(), sqlx::Error> {
    let file = folder.path().join("portreeve.db");
    let address = format!("sqlite://{}", file.display());
    let mut connection = SqliteConnection::connect(&address).await?;
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await?;
    connection.close().await
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    store.commit(one_app()).await.unwrap().unwrap();
    store.close().await;
    let file = folder.path().join("portreeve.db");
    let store = SqliteStore::open(file, Timestamp::from_seconds(900))
        .await
        .unwrap();
    assert_eq!(store.revision().await.unwrap(), Revision(1));
    let (_, resources, _) = store.everything().await.unwrap();
    assert_eq!(resources.len(), 1);
    let installation = store.installation().await.unwrap();
    assert_eq!(installation.created_at, Timestamp::from_seconds(7));
}

#[tokio::test]
async fn the_event_log_refuses_change_and_loss() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    store.commit(one_app()).await.unwrap().unwrap();
    for statement in ["DELETE FROM events", "UPDATE events SET actor = 'somebody'"] {
        let refused = meddle(&folder, statement).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    let size = primitives::PageSize::default();
    let events = store.events(Revision(0), size).await.unwrap();
    assert_eq!(events[0].actor, "operator");
}

#[tokio::test]
async fn a_corrupt_row_is_a_failure_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    store.commit(one_app()).await.unwrap().unwrap();
    let statement = "UPDATE resources SET kind = 'ap' WHERE name = 'shop'";
    meddle(&folder, statement).await.unwrap();
    let failure = store.everything().await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the store failed: row `ap shop` of table `resources` is corrupt in column `kind`; \
         restore the last backup"
    );
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    open(&folder).await.close().await;
    let statement = "INSERT INTO _sqlx_migrations \
        (version, description, success, checksum, execution_time) \
        VALUES (9999, 'later', 1, x'00', 0)";
    meddle(&folder, statement).await.unwrap();
    let file = folder.path().join("portreeve.db");
    let refused = SqliteStore::open(file, Timestamp::default())
        .await
        .unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("use the version that wrote it"), "{text}");
}

/// A file of before records were bytes: its calls are there afterwards, and say what they said.
#[tokio::test]
async fn calls_of_before_stay_readable() {
    let folder = tempfile::tempdir().unwrap();
    let before = include_str!("../../migrations/0001_everything.sql");
    let file = folder.path().join("portreeve.db");
    let first = Migrator::new(folder_with_only(before).path())
        .await
        .unwrap();
    let address = format!("sqlite://{}?mode=rwc", file.display());
    let mut connection = SqliteConnection::connect(&address).await.unwrap();
    first.run(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let id = "00000000000000010000000000000002";
    let call = format!(
        "INSERT INTO call_index VALUES (x'{id}', 86400000000, 1, 'live', 'pay', 'Pay', NULL, NULL, \
         x'{id}', ' PAY ', 'refused', 403, 'level_too_low', '{{\"é\":1}}')"
    );
    meddle(&folder, &call).await.unwrap();
    let lacking = SqliteStore::pending(&file).await.unwrap();
    assert_eq!(
        lacking,
        [
            "call records as bytes",
            "vettings",
            "event links",
            "persons",
            "mails",
            "anomalies",
            "credentials confidential profiles",
            "passkeys",
            "events by thing",
            "notices",
            "calls in order of time"
        ]
    );
    let store = open(&folder).await;
    let id = RecordId {
        epoch: 1,
        sequence: 2,
    };
    let kept = store.call(id).await.unwrap().unwrap();
    assert_eq!(kept.record, "{\"é\":1}".as_bytes());
    assert_eq!(
        (kept.at, kept.status),
        (Timestamp::from_seconds(86_400), 403)
    );
    assert_eq!(store.drop_call_days(1).await.unwrap(), 0);
    assert_eq!(store.drop_call_days(2).await.unwrap(), 1);
}

fn folder_with_only(migration: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("0001_everything.sql"), migration).unwrap();
    folder
}
