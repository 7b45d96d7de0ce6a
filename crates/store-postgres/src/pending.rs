use std::collections::BTreeSet;

use primitives::Secret;
use sqlx::{Connection as _, PgConnection, migrate::Migrator};

use crate::{ConnectProblem, PostgresStore, connect::options};

static MIGRATIONS: Migrator = sqlx::migrate!();

impl PostgresStore {
    /// The migrations that a database lacks, by name. Changes nothing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn pending(address: &Secret) -> Result<Vec<String>, ConnectProblem> {
        let options = options(address.expose()).ok_or(ConnectProblem::Address)?;
        let mut connection = PgConnection::connect_with(&options).await?;
        let applied: BTreeSet<i64> = versions(&mut connection).await?.into_iter().collect();
        connection.close().await?;
        Ok(MIGRATIONS
            .iter()
            .filter(|migration| !applied.contains(&migration.version))
            .map(|migration| migration.description.to_string())
            .collect())
    }
}

async fn versions(connection: &mut PgConnection) -> Result<Vec<i64>, sqlx::Error> {
    let kept: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !kept {
        return Ok(Vec::new());
    }
    sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success")
        .fetch_all(connection)
        .await
}
