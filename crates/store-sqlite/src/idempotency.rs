use primitives::Timestamp;
use sqlx::{SqliteConnection, SqlitePool};
use store::{IdempotencyRow, Idempotent, rows::IdempotencyColumns};

use crate::Failure;

pub(crate) async fn begin(writer: &SqlitePool, row: IdempotencyRow) -> Result<Idempotent, Failure> {
    let abandoned = row.at.plus_micros(-IdempotencyRow::HELD_MICROS);
    let taken = sqlx::query_file!(
        "../store/sql/idempotency_begin.sql",
        row.scope.as_str(),
        row.key.as_str(),
        &row.fingerprint[..],
        row.at.as_micros(),
        abandoned.as_micros()
    )
    .execute(writer)
    .await?
    .rows_affected();
    if taken == 1 {
        return Ok(Idempotent::Fresh);
    }
    let held = sqlx::query_file_as!(
        IdempotencyColumns,
        "../store/sql/idempotency_held.sql",
        row.scope.as_str(),
        row.key.as_str()
    )
    .fetch_optional(writer)
    .await?;
    match held {
        Some(held) => Ok(held.meaning(&row)?),
        // Given free between the two statements; the caller may come again.
        None => Ok(Idempotent::InProgress),
    }
}

/// A key takes one answer: an effect whose answer comes second must not be committed.
pub(crate) async fn answer(
    unit: &mut SqliteConnection,
    scope: &str,
    key: &str,
    status: u16,
    body: &[u8],
) -> Result<(), Failure> {
    let answered = sqlx::query_file!(
        "../store/sql/idempotency_answer.sql",
        scope,
        key,
        i64::from(status),
        body
    )
    .execute(unit)
    .await?
    .rows_affected();
    if answered == 1 {
        return Ok(());
    }
    Err(Failure::KeyNotHeld {
        scope: scope.to_owned(),
        key: key.to_owned(),
    })
}

pub(crate) async fn finish(
    writer: &SqlitePool,
    scope: &str,
    key: &str,
    kept: Option<(u16, Vec<u8>)>,
) -> Result<(), Failure> {
    let mut connection = writer.acquire().await?;
    if let Some((status, body)) = kept {
        return answer(&mut connection, scope, key, status, &body).await;
    }
    sqlx::query_file!("../store/sql/idempotency_release.sql", scope, key)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

pub(crate) async fn drop_before(writer: &SqlitePool, before: Timestamp) -> Result<u64, Failure> {
    let before = before.as_micros();
    let done = sqlx::query_file!("../store/sql/idempotency_drop.sql", before)
        .execute(writer)
        .await?;
    Ok(done.rows_affected())
}

pub(crate) async fn release_held(writer: &SqlitePool) -> Result<u64, Failure> {
    let done = sqlx::query("DELETE FROM idempotency_keys WHERE status IS NULL")
        .execute(writer)
        .await?;
    Ok(done.rows_affected())
}
