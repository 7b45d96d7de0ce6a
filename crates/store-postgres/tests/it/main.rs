//! The store as its callers see it, what only this engine promises, and that both engines keep
//! the same things.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod contract;
mod engine;
mod schema;

use primitives::Timestamp;
use store_postgres::PostgresStore;
use testkit::{Database, Postgres};

/// A store of its own; `None` when PostgreSQL is not installed.
async fn store() -> Option<(PostgresStore, Database)> {
    let database = Postgres::launch().await?.database().await;
    let store = PostgresStore::connect(&database.address(), Timestamp::from_seconds(7))
        .await
        .unwrap();
    Some((store, database))
}
