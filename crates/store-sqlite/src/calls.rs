use std::sync::LazyLock;

use primitives::{AccountId, AppId, Mode, RecordId, Timestamp};
use sqlx::{
    Arguments as _, AssertSqlSafe, Row as _, SqliteConnection, SqlitePool,
    error::BoxDynError,
    sqlite::{SqliteArguments, SqliteRow},
};
use store::{
    CallIndexRow, CallPage, CallPlace, CallQuery, CallSlot, CallTally, CallsWanted, ChartWanted,
    CounterRow, Folded, FoldedCalls, QueryValue,
    rows::{CallColumns, CounterColumns, PlaceColumns, id_bytes, record_bytes},
};

use crate::{Failure, resources::meanings};

/// Moves the cursor first: a fold that finds it elsewhere has nothing left to do.
pub(crate) async fn fold(writer: &SqlitePool, mut step: FoldedCalls) -> Result<Folded, Failure> {
    let mut unit = writer.begin_with("BEGIN IMMEDIATE").await?;
    if !advance(&mut unit, &step).await? {
        unit.rollback().await?;
        return Ok(Folded::NotAtCursor);
    }
    crate::anomalies::fold(&mut unit, &step).await?;
    // Two gateways fold at once: rows are taken in one order, so that neither waits for the other.
    step.counters.sort_by_key(place);
    put(&mut unit, &PUT_CALLS, step.calls, call_values).await?;
    put(&mut unit, &ADD_COUNTERS, step.counters, counter_values).await?;
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

/// Statements for so many rows each, the most first: each statement is a message to the writing
/// thread, and a text that it knows already costs it nothing.
type Batches = LazyLock<[(usize, String); 3]>;

static PUT_CALLS: Batches =
    LazyLock::new(|| batches("call_index", CallColumns::NAMES, "(id) DO NOTHING"));

static ADD_COUNTERS: Batches = LazyLock::new(|| {
    batches(
        "counters",
        "limit_key, mode, subject, fact, begins_at, ends_at, used",
        "(limit_key, mode, subject, fact, begins_at, ends_at) DO UPDATE SET used = CASE \
           WHEN counters.used > 9223372036854775807 - excluded.used THEN 9223372036854775807 \
           ELSE counters.used + excluded.used \
         END",
    )
});

fn batches(table: &str, columns: &str, on_conflict: &str) -> [(usize, String); 3] {
    let row = format!("({})", vec!["?"; columns.split(',').count()].join(", "));
    [64, 8, 1].map(|rows| {
        let values = vec![row.as_str(); rows].join(", ");
        let put = format!("INSERT INTO {table} ({columns}) VALUES {values}");
        (rows, format!("{put} ON CONFLICT {on_conflict}"))
    })
}

/// Puts rows, as many at a time as a statement takes.
async fn put<T>(
    unit: &mut SqliteConnection,
    batches: &'static Batches,
    rows: Vec<T>,
    values: impl Fn(T, &mut SqliteArguments) -> Result<(), BoxDynError>,
) -> Result<(), Failure> {
    let mut rows = rows.into_iter();
    for (most, statement) in &**batches {
        while rows.len() >= *most {
            let mut all = SqliteArguments::default();
            all.reserve(most.saturating_mul(16), 0);
            for row in rows.by_ref().take(*most) {
                values(row, &mut all).map_err(sqlx::Error::Encode)?;
            }
            sqlx::query_with(statement.as_str(), all)
                .execute(&mut *unit)
                .await?;
        }
    }
    Ok(())
}

/// The values of a call, in the order of [`CallColumns::NAMES`].
fn call_values(call: CallIndexRow, to: &mut SqliteArguments) -> Result<(), BoxDynError> {
    let id = |id: Option<u128>| id.map(|id| id_bytes(id).to_vec());
    to.add(record_bytes(call.id).to_vec())?;
    to.add(call.at.as_micros())?;
    to.add(call.mode.map(Mode::as_str))?;
    to.add(call.api)?;
    to.add(call.operation)?;
    to.add(id(call.app.map(AppId::as_u128)))?;
    to.add(id(call.developer.map(AccountId::as_u128)))?;
    to.add(id(call.account.map(AccountId::as_u128)))?;
    to.add(call.capabilities)?;
    to.add(call.outcome)?;
    to.add(i64::from(call.status))?;
    to.add(call.code)?;
    to.add(call.record)
}

/// The values of a counter, in the order of its columns.
#[expect(
    clippy::needless_pass_by_value,
    reason = "rows are taken by value, because those of calls are given away"
)]
fn counter_values(counter: CounterRow, to: &mut SqliteArguments) -> Result<(), BoxDynError> {
    to.add(counter.limit.cast_signed())?;
    to.add(counter.mode.as_str())?;
    to.add(id_bytes(counter.subject).to_vec())?;
    to.add(id_bytes(counter.fact).to_vec())?;
    to.add(counter.begins_at.as_micros())?;
    to.add(counter.ends_at.as_micros())?;
    to.add(counter.used.millionths())
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

pub(crate) async fn calls(pool: &SqlitePool, wanted: &CallsWanted) -> Result<CallPage, Failure> {
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
    pool: &SqlitePool,
    statement: CallQuery,
    read: impl Fn(&SqliteRow) -> Result<T, sqlx::Error>,
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

fn standing(row: &SqliteRow) -> Result<PlaceColumns, sqlx::Error> {
    Ok(PlaceColumns {
        id: row.try_get("id")?,
        at: row.try_get("at")?,
    })
}

fn columns(row: &SqliteRow) -> Result<CallColumns, sqlx::Error> {
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

pub(crate) async fn chart(
    pool: &SqlitePool,
    wanted: ChartWanted,
) -> Result<Vec<CallSlot>, Failure> {
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

fn charted(row: &SqliteRow, slot: i64) -> Result<CallSlot, sqlx::Error> {
    let (at, calls): (i64, i64) = (row.try_get("slot")?, row.try_get("calls")?);
    Ok(CallSlot {
        begins_at: Timestamp::from_micros(at.saturating_mul(slot)),
        outcome: row.try_get("outcome")?,
        code: row.try_get("code")?,
        calls: u64::try_from(calls).unwrap_or_default(),
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
    let before = store::rows::day_begins(before_day);
    let done = sqlx::query_file!("../store/sql/call_days_drop.sql", before)
        .execute(writer)
        .await?;
    Ok(done.rows_affected())
}
