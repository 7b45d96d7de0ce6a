use std::{fs, io, path::Path, time::Duration};

use primitives::Timestamp;
use sqlx::{
    Connection as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use store::StoreFailure;

use crate::SqliteStore;

/// The oldest SQLite whose write-ahead log we trust: 3.51.3.
const OLDEST: (u32, u32, u32) = (3, 51, 3);
const READERS: u32 = 4;
/// KiB, negated: what one step of settlement changes stays in memory until it is written once.
const WRITER_CACHE: &str = "-8192";
/// 16 MiB of log: a page that step after step changes goes to its place once for many of them.
const CHECKPOINT_PAGES: &str = "4096";
/// What the name of the thread begins with that writes, in the 15 bytes that a system keeps.
pub const WRITER: &str = "sqlx-sqlite-wr-";
const BUSY: Duration = Duration::from_secs(10);

/// Why a database file was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenProblem {
    /// The file or its folder cannot be made or read.
    #[error("cannot open the database file `{file}`: {cause}; check the folder and its owner")]
    File {
        /// The file.
        file: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The engine refuses.
    #[error("the database does not open: {0}")]
    Engine(#[from] sqlx::Error),
    /// A migration does not fit what is in the file.
    #[error(
        "the database cannot be migrated: {0}; use the version that wrote it, or restore a backup"
    )]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A setting that we rest on did not take.
    #[error("the database keeps `{setting}` at {found} instead of {wanted}; use a local disk")]
    Setting {
        /// The PRAGMA.
        setting: &'static str,
        /// What we need.
        wanted: &'static str,
        /// What it says.
        found: String,
    },
    /// The library is too old.
    #[error("the SQLite library is {found}; 3.51.3 or newer is needed")]
    Library {
        /// Its version.
        found: String,
    },
}

impl SqliteStore {
    /// Opens the database file, making and migrating it as needed. `now` is kept as the moment
    /// of set-up when the file is new. Only its owner may read a file made here.
    ///
    /// # Errors
    /// When the file, the library or a setting is not what the guarantees rest on.
    pub async fn open(file: impl AsRef<Path>, now: Timestamp) -> Result<Self, OpenProblem> {
        let file = file.as_ref();
        make_private(file).map_err(|cause| OpenProblem::File {
            file: file.display().to_string(),
            cause,
        })?;
        let options = options(file);
        let writer = pool(1)
            // A disk without room makes SQLite roll back by itself, which the driver does not
            // notice: it would count the transaction as open, and never begin another one.
            .before_acquire(|connection, _| {
                let is_free = !connection.is_in_transaction();
                Box::pin(async move { Ok(is_free) })
            })
            .connect_with(
                options
                    .clone()
                    .pragma("cache_size", WRITER_CACHE)
                    .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
                    .thread_name(|number| format!("{WRITER}{number}"))
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full),
            )
            .await?;
        let mut connection = writer.acquire().await?;
        verify_library(&mut connection).await?;
        verify(&mut connection, &SAFE).await?;
        verify(&mut connection, &DURABLE).await?;
        drop(connection);
        sqlx::migrate!().run(&writer).await?;
        sqlx::query_file!("../store/sql/installation_create.sql", now.as_micros())
            .execute(&writer)
            .await?;
        let readers = open_readers(options).await?;
        Ok(Self { writer, readers })
    }

    /// Gives every idempotency key free that is held without an answer. For the one process that
    /// serves, when it starts: whoever held them has died and done nothing, because an effect is
    /// kept together with its answer. Were a holder alive after all, its effect would be refused.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn release_held_keys(&self) -> Result<u64, StoreFailure> {
        Ok(crate::idempotency::release_held(&self.writer).await?)
    }

    /// Closes every connection after what is under way; the file is then free for a successor.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

async fn open_readers(options: SqliteConnectOptions) -> Result<SqlitePool, OpenProblem> {
    let readers = pool(READERS).connect_with(options.read_only(true)).await?;
    let mut connection = readers.acquire().await?;
    verify(&mut connection, &SAFE).await?;
    drop(connection);
    Ok(readers)
}

/// Connections of this process to its own file do not go away, so none is asked whether it is
/// there before it is used: that is a message to its thread and back each time.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
}

pub(crate) fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
}

/// SQLite gives its companion files the mode of the main file, so making that one is enough.
fn make_private(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

/// A statement that asks for a setting, the setting, and what it must say.
type Setting = (&'static str, &'static str, &'static str);

const SAFE: [Setting; 4] = [
    ("PRAGMA foreign_keys", "foreign_keys", "1"),
    ("PRAGMA trusted_schema", "trusted_schema", "0"),
    ("PRAGMA cell_size_check", "cell_size_check", "1"),
    ("PRAGMA busy_timeout", "busy_timeout", "10000"),
];
const DURABLE: [Setting; 2] = [
    ("PRAGMA journal_mode", "journal_mode", "wal"),
    ("PRAGMA synchronous", "synchronous", "2"),
];

async fn verify(
    connection: &mut SqliteConnection,
    settings: &[Setting],
) -> Result<(), OpenProblem> {
    for &(question, setting, wanted) in settings {
        let found = setting_of(connection, question).await?;
        if found != wanted {
            return Err(OpenProblem::Setting {
                setting,
                wanted,
                found,
            });
        }
    }
    Ok(())
}

/// `PRAGMA` answers with a text or a number, by setting.
async fn setting_of(
    connection: &mut SqliteConnection,
    question: &'static str,
) -> Result<String, sqlx::Error> {
    use sqlx::Row as _;
    let row = sqlx::query(question).fetch_one(connection).await?;
    let number = row.try_get_unchecked::<i64, _>(0).map(|n| n.to_string());
    match row.try_get::<String, _>(0) {
        Ok(text) => Ok(text),
        Err(_) => number,
    }
}

async fn verify_library(connection: &mut SqliteConnection) -> Result<(), OpenProblem> {
    let found = setting_of(connection, "SELECT sqlite_version()").await?;
    let mut parts = found.split('.').map(|part| part.parse().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    if (part(), part(), part()) < OLDEST {
        return Err(OpenProblem::Library { found });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings that the guarantees rest on are asked for, not assumed.
    #[tokio::test]
    async fn a_connection_without_our_settings_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let lax = SqliteConnectOptions::new()
            .filename(folder.path().join("lax.db"))
            .create_if_missing(true)
            .synchronous(SqliteSynchronous::Normal);
        let pool = SqlitePoolOptions::new().connect_with(lax).await.unwrap();
        let mut connection = pool.acquire().await.unwrap();
        assert!(verify(&mut connection, &SAFE).await.is_err());
        let refused = verify(&mut connection, &DURABLE).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the database keeps `journal_mode` at delete instead of wal; use a local disk"
        );
        verify_library(&mut connection).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.txt");
        fs::write(&file, "not a database, but somebody's notes".repeat(100)).unwrap();
        assert!(
            SqliteStore::open(&file, Timestamp::default())
                .await
                .is_err()
        );
        assert!(
            fs::read_to_string(&file)
                .unwrap()
                .starts_with("not a database")
        );
    }

    /// Shows: F-04.
    #[tokio::test]
    async fn a_file_without_room_is_told_and_used_again_once_there_is_some() {
        use store::{FailureKind, NewEvent, Store as _, WriteSet};
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.db");
        let store = SqliteStore::open(&file, Timestamp::default())
            .await
            .unwrap();
        let event = |number: u128, length: usize| NewEvent {
            id: primitives::EventId::from_u128(number),
            actor: "a".to_owned(),
            action: store::EventAction::Created,
            kind: "thing".to_owned(),
            name: "n".to_owned(),
            detail: format!("\"{}\"", "x".repeat(length)),
        };
        let of = |event| WriteSet {
            events: vec![event],
            ..WriteSet::default()
        };
        let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
            .fetch_one(&store.writer)
            .await
            .unwrap();
        let most = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {}", pages + 8));
        sqlx::query(most).execute(&store.writer).await.unwrap();
        for number in 0..3 {
            let refused = store.commit(of(event(number, 1_000_000))).await;
            assert_eq!(refused.unwrap_err().kind, FailureKind::Full);
            store
                .commit(of(event(10 + number, 1)))
                .await
                .unwrap()
                .unwrap();
        }
        assert_eq!(store.revision().await.unwrap().0, 3);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_may_read_the_files() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path().join("p.db"), Timestamp::default())
            .await
            .unwrap();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            let mode = entry.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}", entry.path().display());
        }
        store.close().await;
    }
}
