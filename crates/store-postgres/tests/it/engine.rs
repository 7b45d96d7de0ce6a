use primitives::{EventId, Name, PageSize, Revision, Secret, Timestamp};
use sqlx::{Connection as _, PgConnection};
use store::{EventAction, Kind, NewEvent, Resource, Store as _, WriteSet};
use store_postgres::{ConnectProblem, PostgresStore, Warning};
use testkit::{Database, Postgres};

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

/// Speaks to the database behind the store's back.
async fn meddle(database: &Database, statement: &'static str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(database.address().expose()).await?;
    sqlx::raw_sql(statement).execute(&mut connection).await?;
    connection.close().await
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let Some((store, database)) = crate::store().await else {
        return;
    };
    store.commit(one_app()).await.unwrap().unwrap();
    store.close().await;
    let later = Timestamp::from_seconds(900);
    let store = PostgresStore::connect(&database.address(), later)
        .await
        .unwrap();
    assert_eq!(store.warnings(), []);
    assert_eq!(store.revision().await.unwrap(), Revision(1));
    let (_, resources, _) = store.everything().await.unwrap();
    assert_eq!(resources.len(), 1);
    let installation = store.installation().await.unwrap();
    assert_eq!(installation.created_at, Timestamp::from_seconds(7));
}

#[tokio::test]
async fn the_event_log_refuses_change_and_loss() {
    let Some((store, database)) = crate::store().await else {
        return;
    };
    store.commit(one_app()).await.unwrap().unwrap();
    for statement in [
        "DELETE FROM events",
        "UPDATE events SET actor = 'somebody'",
        "TRUNCATE events",
    ] {
        let refused = meddle(&database, statement).await.unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    let events = store
        .events(Revision(0), PageSize::default())
        .await
        .unwrap();
    assert_eq!(events[0].actor, "operator");
}

#[tokio::test]
async fn a_corrupt_row_is_a_failure_that_names_it() {
    let Some((store, database)) = crate::store().await else {
        return;
    };
    store.commit(one_app()).await.unwrap().unwrap();
    let statement = "UPDATE resources SET kind = 'ap' WHERE name = 'shop'";
    meddle(&database, statement).await.unwrap();
    let failure = store.everything().await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the store failed: row `ap shop` of table `resources` is corrupt in column `kind`; \
         restore the last backup"
    );
}

#[tokio::test]
async fn a_server_that_forgets_is_refused() {
    let Some(server) = Postgres::launch_alone(&[], &["fsync=off"]).await else {
        return;
    };
    let address = server.database().await.address();
    let refused = PostgresStore::connect(&address, Timestamp::default()).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the server runs with `fsync = off`; set it to `on`"
    );
}

#[tokio::test]
async fn missing_checksums_are_a_warning_with_its_mend() {
    let Some(server) = Postgres::launch_alone(&[], &[]).await else {
        return;
    };
    let address = server.database().await.address();
    let store = PostgresStore::connect(&address, Timestamp::default())
        .await
        .unwrap();
    assert_eq!(store.warnings(), [Warning::NoChecksums]);
    assert!(
        store.warnings()[0]
            .to_string()
            .contains("pg_checksums --enable")
    );
}

#[tokio::test]
async fn an_unreadable_address_is_not_repeated() {
    let address = Secret::new("mysql://root:hunter2@db".to_owned());
    let refused = PostgresStore::connect(&address, Timestamp::default()).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, ConnectProblem::Address), "{refused}");
    assert!(!refused.to_string().contains("hunter2"));
}

#[tokio::test]
async fn what_is_pending_is_told_without_a_change() {
    let Some(server) = testkit::Postgres::launch().await else {
        return;
    };
    let address = server.database().await.address();
    let lacking = PostgresStore::pending(&address).await.unwrap();
    assert!(!lacking.is_empty());
    assert_eq!(PostgresStore::pending(&address).await.unwrap(), lacking);
    let store = PostgresStore::connect(&address, primitives::Timestamp::from_seconds(1))
        .await
        .unwrap();
    store.close().await;
    let pending = PostgresStore::pending(&address).await.unwrap();
    assert_eq!(pending, Vec::<String>::new());
}
