use std::{fs, os::unix::fs::DirBuilderExt as _, path::Path, sync::Arc};

use config::Loaded;
use primitives::{Clock as _, SystemClock};
use store::Store;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;

use crate::{
    failure::{Failure, why},
    set_up,
};

/// The database that the configuration names.
#[derive(Clone)]
pub(crate) enum Backend {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl Backend {
    /// Opens the database, making and migrating it as needed.
    ///
    /// # Errors
    /// When it does not open.
    pub(crate) async fn open(loaded: &Loaded) -> Result<Self, Failure> {
        let now = SystemClock.now();
        if let Some(address) = &loaded.settings.store.postgres_url {
            let store = PostgresStore::connect(&address.0, now)
                .await
                .map_err(why("PostgreSQL"))?;
            return Ok(Self::Postgres(store));
        }
        let file = set_up::sqlite_file(loaded);
        if let Some(folder) = file.parent() {
            private_folder(folder)?;
        }
        let store = SqliteStore::open(&file, now).await.map_err(why("SQLite"))?;
        Ok(Self::Sqlite(store))
    }

    /// What every other part sees of it.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::new(store.clone()),
            Self::Postgres(store) => Arc::new(store.clone()),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }

    /// What to call it before a person; never with its password.
    pub(crate) fn shown(loaded: &Loaded) -> String {
        if loaded.settings.store.postgres_url.is_some() {
            "PostgreSQL".to_owned()
        } else {
            format!("SQLite, {}", set_up::sqlite_file(loaded).display())
        }
    }
}

/// Makes a folder that only its owner can open; an existing one stays as it is.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn private_folder(folder: &Path) -> Result<(), Failure> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(why(format!("making `{}`", folder.display())))
}
