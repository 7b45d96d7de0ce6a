use primitives::{AccountId, AppId, Mode, Quantity, RecordId, Timestamp};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Row as _, postgres::PgRow};
use store::{
    CallIndexRow, CallPage, CallPlace, CallQuery, CallSlot, CallTally, CallsWanted, ChartWanted,
    CounterRow, Folded, FoldedCalls, QueryValue,
    rows::{CallColumns, CounterColumns, PlaceColumns, id_bytes, record_bytes},
};

use crate::{Failure, columns::column, resources::meanings};

/// Moves the cursor first: a fold that finds it elsewhere has nothing left to do.
pub(crate) async fn fold(pool: &PgPool, step: FoldedCalls) -> Result<Folded, Failure> {
    let mut unit = pool.begin().await?;
    if !advance(&mut unit, &step).await? {
        unit.rollback().await?;
        return Ok(Folded::NotAtCursor);
    }
    crate::anomalies::fold(&mut unit, &step).await?;
    put_calls(&mut unit, &step.calls).await?;
    add(&mut unit, &merged(step.counters)).await?;
    crate::commit::append_new(&mut unit, &step.events, step.at).await?;
    unit.commit().await?;
    Ok(Folded::Applied)
}

/// Each counter once, as one statement needs it, and all in one order: two gateways fold at
/// once, and neither may wait for the other.
fn merged(mut counters: Vec<CounterRow>) -> Vec<CounterRow> {
    counters.sort_by_key(place);
    counters.dedup_by(|later, kept| {
        let same = place(later) == place(kept);
        if same {
            let sum = kept.used.checked_add(later.used);
            kept.used = sum.unwrap_or(Quantity::from_millionths(i64::MAX));
        }
        same
    });
    counters
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

async fn advance(unit: &mut PgConnection, step: &FoldedCalls) -> Result<bool, Failure> {
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

/// One statement for all of a step: the server may be far away.
async fn put_calls(unit: &mut PgConnection, calls: &[CallIndexRow]) -> Result<(), Failure> {
    let id = |id: Option<u128>| id.map(|id| id_bytes(id).to_vec());
    let app = |call: &CallIndexRow| id(call.app.map(AppId::as_u128));
    let developer = |call: &CallIndexRow| id(call.developer.map(AccountId::as_u128));
    let account = |call: &CallIndexRow| id(call.account.map(AccountId::as_u128));
    sqlx::query_file!(
        "sql/calls_put.sql",
        &column(calls, |call| record_bytes(call.id).to_vec()),
        &column(calls, |call| call.at.as_micros()),
        &column(calls, |call| call.mode.map(|mode| mode.as_str().to_owned())) as _,
        &column(calls, |call| call.api.clone()),
        &column(calls, |call| call.operation.clone()),
        &column(calls, app) as _,
        &column(calls, developer) as _,
        &column(calls, account) as _,
        &column(calls, |call| call.capabilities.clone()),
        &column(calls, |call| call.outcome.clone()),
        &column(calls, |call| i64::from(call.status)),
        &column(calls, |call| call.code.clone()),
        &column(calls, |call| call.record.clone())
    )
    .execute(unit)
    .await?;
    Ok(())
}

async fn add(unit: &mut PgConnection, counters: &[CounterRow]) -> Result<(), Failure> {
    sqlx::query_file!(
        "sql/counters_add.sql",
        &column(counters, |counter| counter.limit.cast_signed()),
        &column(counters, |counter| counter.mode.as_str().to_owned()),
        &column(counters, |counter| id_bytes(counter.subject).to_vec()),
        &column(counters, |counter| id_bytes(counter.fact).to_vec()),
        &column(counters, |counter| counter.begins_at.as_micros()),
        &column(counters, |counter| counter.ends_at.as_micros()),
        &column(counters, |counter| counter.used.millionths())
    )
    .execute(unit)
    .await?;
    Ok(())
}

pub(crate) async fn cursor(pool: &PgPool, gateway: &str) -> Result<Option<String>, Failure> {
    let row = sqlx::query_file!("../store/sql/fold_cursor.sql", gateway)
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|row| row.cursor))
}

pub(crate) async fn counters(pool: &PgPool) -> Result<Vec<CounterRow>, Failure> {
    let rows = sqlx::query_file_as!(CounterColumns, "../store/sql/counters.sql")
        .fetch_all(pool)
        .await?;
    meanings(rows)
}

pub(crate) async fn drop_counters(pool: &PgPool, before: Timestamp) -> Result<u64, Failure> {
    let done = sqlx::query_file!("../store/sql/counters_drop.sql", before.as_micros())
        .execute(pool)
        .await?;
    Ok(done.rows_affected())
}

pub(crate) async fn calls(pool: &PgPool, wanted: &CallsWanted) -> Result<CallPage, Failure> {
    let after = match wanted.before {
        Some(before) => match call(pool, before).await? {
            Some(call) => Some(CallPlace {
                at: call.at,
                id: call.id,
            }),
            // Dropped since, with all that is older.
            None => return Ok(CallPage::default()),
        },
        None => None,
    };
    let search = wanted.search(after);
    let horizon = match search.horizon() {
        Some(statement) => {
            let places: Vec<CallPlace> = meanings(listed(pool, statement, standing).await?)?;
            places.first().copied()
        }
        None => None,
    };
    let found = listed(pool, search.calls(horizon), columns).await?;
    let horizon = horizon.map(|place| place.id);
    Ok(CallPage::of(meanings(found)?, wanted.size, horizon))
}

/// The rows of a statement whose text is not known before it is asked for, read by hand.
async fn listed<T>(
    pool: &PgPool,
    statement: CallQuery,
    read: impl Fn(&PgRow) -> Result<T, sqlx::Error>,
) -> Result<Vec<T>, sqlx::Error> {
    let mut query = sqlx::query(AssertSqlSafe(statement.text));
    for value in statement.values {
        query = match value {
            QueryValue::Text(text) => query.bind(text),
            QueryValue::Bytes(bytes) => query.bind(bytes.to_vec()),
            QueryValue::Integer(number) => query.bind(number),
        };
    }
    let rows = query.fetch_all(pool).await?;
    rows.iter().map(read).collect()
}

fn standing(row: &PgRow) -> Result<PlaceColumns, sqlx::Error> {
    Ok(PlaceColumns {
        id: row.try_get("id")?,
        at: row.try_get("at")?,
    })
}

fn columns(row: &PgRow) -> Result<CallColumns, sqlx::Error> {
    Ok(CallColumns {
        id: row.try_get("id")?,
        at: row.try_get("at")?,
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
    pool: &PgPool,
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
fn tallied(row: &PgRow) -> Result<CallTally, sqlx::Error> {
    let calls: i64 = row.try_get("calls")?;
    Ok(CallTally {
        outcome: row.try_get("outcome")?,
        code: row.try_get("code")?,
        calls: u64::try_from(calls).unwrap_or_default(),
        newest: Timestamp::from_micros(row.try_get("newest")?),
    })
}

pub(crate) async fn chart(pool: &PgPool, wanted: ChartWanted) -> Result<Vec<CallSlot>, Failure> {
    let slot = i64::from(wanted.slot_seconds.max(1)).saturating_mul(1_000_000);
    let statement = match wanted.app {
        None => sqlx::query(include_str!("../../store/sql/calls_chart.sql")),
        Some(_) => sqlx::query(include_str!("../../store/sql/calls_chart_of_app.sql")),
    };
    let statement = statement
        .bind(wanted.since.as_micros())
        .bind(i64::from(wanted.most))
        .bind(slot);
    let statement = match wanted.app {
        None => statement,
        Some(app) => statement.bind(id_bytes(app.as_u128()).to_vec()),
    };
    let rows = statement.fetch_all(pool).await?;
    let slots = rows.iter().map(|row| charted(row, slot));
    Ok(slots.collect::<Result<Vec<CallSlot>, sqlx::Error>>()?)
}

fn charted(row: &PgRow, slot: i64) -> Result<CallSlot, sqlx::Error> {
    let (at, calls): (i64, i64) = (row.try_get("slot")?, row.try_get("calls")?);
    Ok(CallSlot {
        begins_at: Timestamp::from_micros(at.saturating_mul(slot)),
        outcome: row.try_get("outcome")?,
        code: row.try_get("code")?,
        calls: u64::try_from(calls).unwrap_or_default(),
    })
}

pub(crate) async fn call(pool: &PgPool, id: RecordId) -> Result<Option<CallIndexRow>, Failure> {
    let id = record_bytes(id);
    let row = sqlx::query_file_as!(CallColumns, "../store/sql/call.sql", &id[..])
        .fetch_optional(pool)
        .await?;
    Ok(row.map(CallIndexRow::try_from).transpose()?)
}

pub(crate) async fn drop_days(pool: &PgPool, before_day: i64) -> Result<u64, Failure> {
    let before = store::rows::day_begins(before_day);
    let done = sqlx::query_file!("../store/sql/call_days_drop.sql", before)
        .execute(pool)
        .await?;
    Ok(done.rows_affected())
}
