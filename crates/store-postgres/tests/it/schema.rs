use std::collections::BTreeSet;

use primitives::Timestamp;
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use store_sqlite::SqliteStore;

/// Table, column, type in the words of SQLite, whether it may be absent.
type Column = (String, String, String, bool);

const OF_POSTGRES: &str = "
    SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'YES'
    FROM information_schema.columns WHERE table_schema = 'public'";

const OF_SQLITE: &str = r#"
    SELECT tables.name, columns.name, columns.type, columns."notnull" = 0
    FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
    WHERE tables.type = 'table'"#;

fn ours(columns: Vec<Column>) -> BTreeSet<Column> {
    columns
        .into_iter()
        .filter(|(table, ..)| table != "_sqlx_migrations")
        .map(|(table, column, kind, optional)| {
            let kind = match kind.as_str() {
                "bigint" => "INTEGER".to_owned(),
                "bytea" => "BLOB".to_owned(),
                "text" => "TEXT".to_owned(),
                _ => kind,
            };
            (table, column, kind, optional)
        })
        .collect()
}

#[tokio::test]
async fn both_engines_keep_the_same_tables_and_columns() {
    let Some((_store, database)) = crate::store().await else {
        return;
    };
    let mut connection = PgConnection::connect(database.address().expose())
        .await
        .unwrap();
    let postgres: Vec<Column> = sqlx::query_as(OF_POSTGRES)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portreeve.db");
    let store = SqliteStore::open(&file, Timestamp::default())
        .await
        .unwrap();
    store.close().await;
    let address = format!("sqlite://{}", file.display());
    let mut connection = SqliteConnection::connect(&address).await.unwrap();
    let sqlite: Vec<Column> = sqlx::query_as(OF_SQLITE)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let (postgres, sqlite) = (ours(postgres), ours(sqlite));
    assert!(postgres.len() > 50, "{postgres:?}");
    let differing: Vec<_> = postgres.symmetric_difference(&sqlite).collect();
    assert!(differing.is_empty(), "{differing:#?}");
}
