use std::{str::FromStr as _, time::Duration};

use primitives::{Secret, Timestamp};
use sqlx::{
    PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::PostgresStore;

const CONNECTIONS: u32 = 16;
const PATIENCE: Duration = Duration::from_secs(10);
/// The oldest server the suite runs against.
const OLDEST: i32 = 150_000;

/// Why a database was not connected to.
#[derive(Debug, thiserror::Error)]
pub enum ConnectProblem {
    /// The address cannot be read. It is not repeated, because it may hold a password.
    #[error("the database address is not of the form `postgres://user:password@host/database`")]
    Address,
    /// The engine refuses.
    #[error("the database cannot be reached: {0}")]
    Engine(#[from] sqlx::Error),
    /// A migration does not fit what is in the database.
    #[error(
        "the database cannot be migrated: {0}; use the version that wrote it, or restore a backup"
    )]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A setting that we rest on is off.
    #[error("the server runs with `{setting} = {found}`; set it to `{wanted}`")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// What we need.
        wanted: &'static str,
        /// What it says.
        found: String,
    },
    /// The server is too old.
    #[error("the server is version {found}; PostgreSQL 15 or newer is needed")]
    Server {
        /// Its version.
        found: String,
    },
}

/// What is unwise, but no reason to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// Damage on disk would go unnoticed.
    #[error(
        "data checksums are off: damage on disk goes unnoticed; stop the server and run \
         `pg_checksums --enable`"
    )]
    NoChecksums,
}

impl PostgresStore {
    /// Connects and migrates. `now` is kept as the moment of set-up when the database is new.
    ///
    /// # Errors
    /// When the server or a setting is not what the guarantees rest on.
    pub async fn connect(address: &Secret, now: Timestamp) -> Result<Self, ConnectProblem> {
        let options = options(address.expose())
            .ok_or(ConnectProblem::Address)?
            .application_name("portreeve")
            .options([
                ("lock_timeout", "10s"),
                ("idle_in_transaction_session_timeout", "30s"),
                ("synchronous_commit", "on"),
            ]);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await?;
        let mut connection = pool.acquire().await?;
        let warnings = verify(&mut connection).await?;
        drop(connection);
        sqlx::migrate!().run(&pool).await?;
        sqlx::query_file!("../store/sql/installation_create.sql", now.as_micros())
            .execute(&pool)
            .await?;
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        Ok(Self { pool, warnings })
    }

    /// What is unwise about this server, each with its mend.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Closes every connection after what is under way.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// The driver reads any scheme; we take only what names this engine.
pub(crate) fn options(address: &str) -> Option<PgConnectOptions> {
    let (scheme, _) = address.split_once("://")?;
    ["postgres", "postgresql"]
        .contains(&scheme)
        .then(|| PgConnectOptions::from_str(address).ok())?
}

/// A setting and what it must say.
const WANTED: [(&str, &str); 4] = [
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    ("data_sync_retry", "off"),
];

async fn verify(connection: &mut PgConnection) -> Result<Vec<Warning>, ConnectProblem> {
    let version = setting_of(connection, "server_version_num").await?;
    if version.parse::<i32>().unwrap_or(0) < OLDEST {
        let found = setting_of(connection, "server_version").await?;
        return Err(ConnectProblem::Server { found });
    }
    for (setting, wanted) in WANTED {
        let found = setting_of(connection, setting).await?;
        if found != wanted {
            return Err(ConnectProblem::Setting {
                setting,
                wanted,
                found,
            });
        }
    }
    let checksums = setting_of(connection, "data_checksums").await? == "on";
    Ok(if checksums {
        Vec::new()
    } else {
        vec![Warning::NoChecksums]
    })
}

async fn setting_of(connection: &mut PgConnection, setting: &str) -> Result<String, sqlx::Error> {
    sqlx::query_scalar("SELECT current_setting($1)")
        .bind(setting)
        .fetch_one(connection)
        .await
}
