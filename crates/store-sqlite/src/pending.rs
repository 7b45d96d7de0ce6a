use std::{collections::BTreeSet, path::Path};

use sqlx::{Connection as _, SqliteConnection, migrate::Migrator};

use crate::{OpenProblem, SqliteStore, open::options};

static MIGRATIONS: Migrator = sqlx::migrate!();

impl SqliteStore {
    /// The migrations that a database file lacks, by name. Changes nothing; a file that does
    /// not exist lacks all of them.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub async fn pending(file: impl AsRef<Path>) -> Result<Vec<String>, OpenProblem> {
        let file = file.as_ref();
        let mut applied = BTreeSet::new();
        if file.exists() {
            let options = options(file).read_only(true);
            let mut connection = SqliteConnection::connect_with(&options).await?;
            applied.extend(versions(&mut connection).await?);
            connection.close().await?;
        }
        Ok(MIGRATIONS
            .iter()
            .filter(|migration| !applied.contains(&migration.version))
            .map(|migration| migration.description.to_string())
            .collect())
    }

    /// What SQLite finds wrong with the pages of a database file, at most ten findings; nothing
    /// for a file that is sound or not there. Reads all of it.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub async fn damage(file: impl AsRef<Path>) -> Result<Vec<String>, OpenProblem> {
        let file = file.as_ref();
        if !file.exists() {
            return Ok(Vec::new());
        }
        let options = options(file).read_only(true);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        let mut found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(10)")
            .fetch_all(&mut connection)
            .await?;
        connection.close().await?;
        found.retain(|line| line != "ok");
        Ok(found)
    }
}

async fn versions(connection: &mut SqliteConnection) -> Result<Vec<i64>, sqlx::Error> {
    let kept = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    let tables: i64 = sqlx::query_scalar(kept).fetch_one(&mut *connection).await?;
    if tables == 0 {
        return Ok(Vec::new());
    }
    sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success")
        .fetch_all(connection)
        .await
}

#[cfg(test)]
mod tests {
    use primitives::Timestamp;

    use super::*;

    #[tokio::test]
    async fn a_damaged_file_is_found_and_a_sound_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("db");
        let now = Timestamp::from_seconds(1);
        let store = SqliteStore::open(&file, now).await.unwrap();
        store.close().await;
        assert!(SqliteStore::damage(&file).await.unwrap().is_empty());
        let mut bytes = std::fs::read(&file).unwrap();
        let at = bytes.len() / 2;
        bytes[at..].fill(0x5a);
        std::fs::write(&file, bytes).unwrap();
        let found = SqliteStore::damage(&file).await;
        assert!(found.is_err() || !found.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_file_lacks_all_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("db");
        assert_eq!(
            SqliteStore::pending(&file).await.unwrap().len(),
            MIGRATIONS.iter().count()
        );
        assert!(!file.exists());
        let store = SqliteStore::open(&file, Timestamp::from_seconds(1))
            .await
            .unwrap();
        store.close().await;
        assert_eq!(
            SqliteStore::pending(&file).await.unwrap(),
            Vec::<String>::new()
        );
    }
}
