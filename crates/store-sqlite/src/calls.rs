use primitives::{AccountId, AppId, Mode, PageSize, RecordId, Timestamp};
use sqlx::{AssertSqlSafe, Row as _, SqliteConnection, SqlitePool, sqlite::SqliteRow};
use store::{
    CallFilter, CallIndexRow, CallQuery, CallTally, CounterRow, Folded, FoldedCalls, QueryValue,
    rows::{CallColumns, CounterColumns, record_bytes},
};

use crate::{
    Failure,
    commit::{hex, rows},
    resources::meanings,
};

/// Moves the cursor first: a fold that finds it elsewhere has nothing left to do.
pub(crate) async fn fold(writer: &SqlitePool, mut step: FoldedCalls) -> Result<Folded, Failure> {
    let mut unit = writer.begin_with("BEGIN IMMEDIATE").await?;
    if !advance(&mut unit, &step).await? {
        unit.rollback().await?;
        return Ok(Folded::NotAtCursor);
    }
    // Two gateways fold at once: rows are taken in one order, so that neither waits for the other.
    step.counters.sort_by_key(place);
    put_calls(&mut unit, &step.calls).await?;
    add(&mut unit, &step.counters).await?;
    crate::commit::append_new(&mut unit, &step.events, step.at).await?;
    unit.commit().await?;
    Ok(Folded::Applied)
}

/// Where a counter stands in the order of all counters.
fn place(counter: &CounterRow) -> (u64, Mode, u128, u128, Timestamp, Timestamp) {
    let window = (counter.begins_at, counter.ends_at);
    let (limit, subject) = (counter.limit, counter.subject);
    (
        limit,
        counter.mode,
        subject,
        counter.fact,
        window.0,
        window.1,
    )
}

async fn advance(unit: &mut SqliteConnection, step: &FoldedCalls) -> Result<bool, Failure> {
    let gateway = step.gateway.as_str();
    let to = step.to_cursor.as_str();
    let moved = match step.from_cursor.as_deref() {
        None => sqlx::query_file!("../store/sql/fold_begin.sql", gateway, to)
            .execute(unit)
            .await?
            .rows_affected(),
        Some(from) => sqlx::query_file!("../store/sql/fold_advance.sql", gateway, to, from)
            .execute(unit)
            .await?
            .rows_affected(),
    };
    Ok(moved == 1)
}

/// All calls in one statement: each statement is a message to the writing thread.
async fn put_calls(unit: &mut SqliteConnection, calls: &[CallIndexRow]) -> Result<(), Failure> {
    let id = |id: Option<u128>| id.map(hex);
    let rows = rows(calls, |call| {
        (
            hex(u128::from_be_bytes(record_bytes(call.id))),
            call.at.as_micros(),
            call.day,
            call.mode.map(Mode::as_str),
            call.api.as_str(),
            call.operation.as_str(),
            id(call.app.map(AppId::as_u128)),
            id(call.developer.map(AccountId::as_u128)),
            id(call.account.map(AccountId::as_u128)),
            call.capabilities.as_str(),
            call.outcome.as_str(),
            call.status,
            call.code.as_str(),
            call.record.as_str(),
        )
    })?;
    sqlx::query_file!("sql/calls_put.sql", rows)
        .execute(unit)
        .await?;
    Ok(())
}

async fn add(unit: &mut SqliteConnection, counters: &[CounterRow]) -> Result<(), Failure> {
    let rows = rows(counters, |counter| {
        (
            counter.limit.cast_signed(),
            counter.mode.as_str(),
            hex(counter.subject),
            hex(counter.fact),
            counter.begins_at.as_micros(),
            counter.ends_at.as_micros(),
            counter.used.millionths(),
        )
    })?;
    sqlx::query_file!("sql/counters_add.sql", rows)
        .execute(unit)
        .await?;
    Ok(())
}

pub(crate) async fn cursor(pool: &SqlitePool, gateway: &str) -> Result<Option<String>, Failure> {
    let row = sqlx::query_file!("../store/sql/fold_cursor.sql", gateway)
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|row| row.cursor))
}

pub(crate) async fn counters(pool: &SqlitePool) -> Result<Vec<CounterRow>, Failure> {
    let rows = sqlx::query_file_as!(CounterColumns, "../store/sql/counters.sql")
        .fetch_all(pool)
        .await?;
    meanings(rows)
}

pub(crate) async fn drop_counters(writer: &SqlitePool, before: Timestamp) -> Result<u64, Failure> {
    let done = sqlx::query_file!("../store/sql/counters_drop.sql", before.as_micros())
        .execute(writer)
        .await?;
    Ok(done.rows_affected())
}

pub(crate) async fn calls(
    pool: &SqlitePool,
    filter: &CallFilter,
    before: Option<RecordId>,
    size: PageSize,
) -> Result<Vec<CallIndexRow>, Failure> {
    let asked = CallQuery::new(filter, before, size);
    let mut query = sqlx::query(AssertSqlSafe(asked.text));
    for value in asked.values {
        query = match value {
            QueryValue::Text(text) => query.bind(text),
            QueryValue::Bytes(bytes) => query.bind(bytes.to_vec()),
            QueryValue::Integer(number) => query.bind(number),
        };
    }
    let rows = query.fetch_all(pool).await?;
    let columns: Result<Vec<CallColumns>, sqlx::Error> = rows.iter().map(columns).collect();
    meanings(columns?)
}

/// The one statement whose text is not known before it is asked for is read by hand.
fn columns(row: &SqliteRow) -> Result<CallColumns, sqlx::Error> {
    Ok(CallColumns {
        id: row.try_get("id")?,
        at: row.try_get("at")?,
        day: row.try_get("day")?,
        mode: row.try_get("mode")?,
        api: row.try_get("api")?,
        operation: row.try_get("operation")?,
        app: row.try_get("app")?,
        developer: row.try_get("developer")?,
        account: row.try_get("account")?,
        capabilities: row.try_get("capabilities")?,
        outcome: row.try_get("outcome")?,
        status: row.try_get("status")?,
        code: row.try_get("code")?,
        record: row.try_get("record")?,
    })
}

pub(crate) async fn tally(
    pool: &SqlitePool,
    since: Timestamp,
    most: u32,
) -> Result<Vec<CallTally>, Failure> {
    let rows = sqlx::query(include_str!("../../store/sql/calls_tally.sql"))
        .bind(since.as_micros())
        .bind(i64::from(most))
        .fetch_all(pool)
        .await?;
    let tallies: Result<Vec<CallTally>, sqlx::Error> = rows.iter().map(tallied).collect();
    Ok(tallies?)
}

/// Read by hand, because the engines do not agree on whether a sum can be null.
fn tallied(row: &SqliteRow) -> Result<CallTally, sqlx::Error> {
    let calls: i64 = row.try_get("calls")?;
    Ok(CallTally {
        outcome: row.try_get("outcome")?,
        code: row.try_get("code")?,
        calls: u64::try_from(calls).unwrap_or_default(),
        newest: Timestamp::from_micros(row.try_get("newest")?),
    })
}

pub(crate) async fn call(pool: &SqlitePool, id: RecordId) -> Result<Option<CallIndexRow>, Failure> {
    let id = record_bytes(id);
    let row = sqlx::query_file_as!(CallColumns, "../store/sql/call.sql", &id[..])
        .fetch_optional(pool)
        .await?;
    Ok(row.map(CallIndexRow::try_from).transpose()?)
}

pub(crate) async fn drop_days(writer: &SqlitePool, before_day: i64) -> Result<u64, Failure> {
    let done = sqlx::query_file!("../store/sql/call_days_drop.sql", before_day)
        .execute(writer)
        .await?;
    Ok(done.rows_affected())
}
