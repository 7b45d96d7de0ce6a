use primitives::{AnomalyId, PageSize, Timestamp};
use sqlx::{PgConnection, PgPool};
use store::{
    Anomaly, AnomalyFilter, AnomalyMark, AnomalyPlace, FoldedCalls, HabitRow,
    rows::{AnomalyBounds, AnomalyColumns, HabitColumns, id_bytes, record_bytes},
};

use crate::{Failure, columns::column, resources::meanings};

/// What a step of the fold learned and found.
pub(crate) async fn fold(unit: &mut PgConnection, step: &FoldedCalls) -> Result<(), Failure> {
    if !step.habits.is_empty() {
        let habits = &step.habits;
        sqlx::query_file!(
            "sql/habits_put.sql",
            &column(habits, |_| step.gateway.clone()),
            &column(habits, |one| id_bytes(one.app.as_u128()).to_vec()),
            &column(habits, |one| one.mode.as_str().to_owned()),
            &column(habits, |one| one.body.clone())
        )
        .execute(&mut *unit)
        .await?;
    }
    if !step.anomalies.is_empty() {
        let found = &step.anomalies;
        sqlx::query_file!(
            "sql/anomalies_put.sql",
            &column(found, |one| id_bytes(one.id.as_u128()).to_vec()),
            &column(found, |one| id_bytes(one.app.as_u128()).to_vec()),
            &column(found, |one| one.app_name.clone()),
            &column(found, |one| one.mode.as_str().to_owned()),
            &column(found, |one| one.rule.clone()),
            &column(found, |one| one.signal.clone()),
            &column(found, |one| one.value.clone()),
            &column(found, |one| one.action.clone()),
            &column(found, |one| i64::from(one.levels)),
            &column(found, |one| one.found.clone()),
            &column(found, |one| one.wanted.clone()),
            &column(found, |one| record_bytes(one.decision).to_vec()),
            &column(found, |one| i64::try_from(one.calls).unwrap_or(i64::MAX)),
            &column(found, |one| one.first_at.as_micros()),
            &column(found, |one| one.last_at.as_micros()),
            &column(found, |one| one.until.map(Timestamp::as_micros)) as _
        )
        .execute(&mut *unit)
        .await?;
    }
    Ok(())
}

pub(crate) async fn mark(unit: &mut PgConnection, mark: &AnomalyMark) -> Result<(), Failure> {
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

pub(crate) async fn habits(pool: &PgPool, gateway: &str) -> Result<Vec<HabitRow>, Failure> {
    let rows = sqlx::query_file_as!(HabitColumns, "../store/sql/habits.sql", gateway)
        .fetch_all(pool)
        .await?;
    meanings(rows)
}

pub(crate) async fn anomaly(pool: &PgPool, id: AnomalyId) -> Result<Option<Anomaly>, Failure> {
    let id = id_bytes(id.as_u128());
    let row = sqlx::query_file_as!(AnomalyColumns, "../store/sql/anomaly.sql", &id[..])
        .fetch_optional(pool)
        .await?;
    Ok(row.map(Anomaly::try_from).transpose()?)
}

pub(crate) async fn list(
    pool: &PgPool,
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

pub(crate) async fn in_force(pool: &PgPool) -> Result<Vec<Anomaly>, Failure> {
    let rows = sqlx::query_file_as!(AnomalyColumns, "../store/sql/anomalies_in_force.sql")
        .fetch_all(pool)
        .await?;
    meanings(rows)
}

pub(crate) async fn count(pool: &PgPool, state: &str, most: u32) -> Result<u32, Failure> {
    let counted =
        sqlx::query_file_scalar!("../store/sql/anomalies_count.sql", state, i64::from(most))
            .fetch_one(pool)
            .await?;
    Ok(u32::try_from(counted).unwrap_or(most))
}

/// Drops what is known of apps that are gone.
pub(crate) async fn drop_orphans(pool: &PgPool) -> Result<u64, Failure> {
    let habits = sqlx::query_file!("../store/sql/habits_drop.sql")
        .execute(pool)
        .await?;
    let anomalies = sqlx::query_file!("../store/sql/anomalies_drop.sql")
        .execute(pool)
        .await?;
    Ok(habits
        .rows_affected()
        .saturating_add(anomalies.rows_affected()))
}
