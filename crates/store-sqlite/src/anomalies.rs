use primitives::{AnomalyId, PageSize, Timestamp};
use sqlx::{SqliteConnection, SqlitePool};
use store::{
    Anomaly, AnomalyFilter, AnomalyMark, AnomalyPlace, FoldedCalls, HabitRow,
    rows::{AnomalyBounds, AnomalyColumns, HabitColumns, id_bytes, record_bytes},
};

use crate::{
    Failure,
    commit::{hex, rows},
    resources::meanings,
};

/// What a step of the fold learned and found.
pub(crate) async fn fold(unit: &mut SqliteConnection, step: &FoldedCalls) -> Result<(), Failure> {
    if !step.habits.is_empty() {
        let habits = rows(&step.habits, |one| {
            (hex(one.app.as_u128()), one.mode.as_str(), one.body.as_str())
        })?;
        sqlx::query_file!("sql/habits_put.sql", step.gateway.as_str(), habits)
            .execute(&mut *unit)
            .await?;
    }
    if !step.anomalies.is_empty() {
        let found = rows(&step.anomalies, |one| {
            (
                hex(one.id.as_u128()),
                hex(one.app.as_u128()),
                one.app_name.as_str(),
                one.mode.as_str(),
                one.rule.as_str(),
                one.signal.as_str(),
                one.value.as_str(),
                one.action.as_str(),
                one.levels,
                one.found.as_str(),
                one.wanted.as_str(),
                hex(u128::from_be_bytes(record_bytes(one.decision))),
                one.calls,
                one.first_at.as_micros(),
                one.last_at.as_micros(),
                one.until.map(Timestamp::as_micros),
            )
        })?;
        sqlx::query_file!("sql/anomalies_put.sql", found)
            .execute(&mut *unit)
            .await?;
    }
    Ok(())
}

pub(crate) async fn mark(unit: &mut SqliteConnection, mark: &AnomalyMark) -> Result<(), Failure> {
    let id = id_bytes(mark.id.as_u128());
    sqlx::query_file!(
        "../store/sql/anomaly_mark.sql",
        &id[..],
        mark.state,
        mark.by.as_str(),
        mark.note.as_str(),
        mark.at.map(Timestamp::as_micros)
    )
    .execute(unit)
    .await?;
    Ok(())
}

pub(crate) async fn habits(pool: &SqlitePool, gateway: &str) -> Result<Vec<HabitRow>, Failure> {
    let rows = sqlx::query_file_as!(HabitColumns, "../store/sql/habits.sql", gateway)
        .fetch_all(pool)
        .await?;
    meanings(rows)
}

pub(crate) async fn anomaly(pool: &SqlitePool, id: AnomalyId) -> Result<Option<Anomaly>, Failure> {
    let id = id_bytes(id.as_u128());
    let row = sqlx::query_file_as!(AnomalyColumns, "../store/sql/anomaly.sql", &id[..])
        .fetch_optional(pool)
        .await?;
    Ok(row.map(Anomaly::try_from).transpose()?)
}

pub(crate) async fn list(
    pool: &SqlitePool,
    filter: &AnomalyFilter,
    after: Option<AnomalyPlace>,
    size: PageSize,
) -> Result<Vec<Anomaly>, Failure> {
    let bounds = AnomalyBounds::of(filter.app, after);
    let rows = sqlx::query_file_as!(
        AnomalyColumns,
        "../store/sql/anomalies.sql",
        &bounds.from[..],
        &bounds.to[..],
        filter.rule.as_deref().unwrap_or_default(),
        filter.state.as_deref().unwrap_or_default(),
        bounds.first_at,
        &bounds.id[..],
        i64::from(size.get())
    )
    .fetch_all(pool)
    .await?;
    meanings(rows)
}

pub(crate) async fn in_force(pool: &SqlitePool) -> Result<Vec<Anomaly>, Failure> {
    let rows = sqlx::query_file_as!(AnomalyColumns, "../store/sql/anomalies_in_force.sql")
        .fetch_all(pool)
        .await?;
    meanings(rows)
}

pub(crate) async fn count(pool: &SqlitePool, state: &str, most: u32) -> Result<u32, Failure> {
    let counted =
        sqlx::query_file_scalar!("../store/sql/anomalies_count.sql", state, i64::from(most))
            .fetch_one(pool)
            .await?;
    Ok(u32::try_from(counted).unwrap_or(most))
}

/// Drops what is known of apps that are gone.
pub(crate) async fn drop_orphans(writer: &SqlitePool) -> Result<u64, Failure> {
    let habits = sqlx::query_file!("../store/sql/habits_drop.sql")
        .execute(writer)
        .await?;
    let anomalies = sqlx::query_file!("../store/sql/anomalies_drop.sql")
        .execute(writer)
        .await?;
    Ok(habits
        .rows_affected()
        .saturating_add(anomalies.rows_affected()))
}
