use primitives::{PageSize, PersonId, Revision, Timestamp};
use sqlx::{SqliteConnection, SqlitePool};
use store::{
    Person, TryRate,
    rows::{PersonColumns, id_bytes, revision_value},
};

use crate::{Failure, resources::meanings};

pub(crate) async fn put(
    unit: &mut SqliteConnection,
    person: &Person,
    revision: Revision,
) -> Result<(), Failure> {
    let id = id_bytes(person.id.as_u128());
    sqlx::query_file!(
        "../store/sql/person_put.sql",
        &id[..],
        person.email.as_str(),
        person.name.as_str(),
        person.body.as_str(),
        person.password.as_deref(),
        person.code_seed.as_deref(),
        person.sign_ins_from.as_micros(),
        person.created_at.as_micros(),
        revision_value(revision)
    )
    .execute(unit)
    .await?;
    Ok(())
}

/// Deletes a person, and what signs the person in.
pub(crate) async fn delete(unit: &mut SqliteConnection, person: PersonId) -> Result<(), Failure> {
    let id = id_bytes(person.as_u128());
    sqlx::query_file!("../store/sql/person_links_delete.sql", &id[..])
        .execute(&mut *unit)
        .await?;
    sqlx::query_file!("../store/sql/person_sign_ins_delete.sql", &id[..])
        .execute(&mut *unit)
        .await?;
    crate::passkeys::delete_of(&mut *unit, &id).await?;
    sqlx::query_file!("../store/sql/person_delete.sql", &id[..])
        .execute(unit)
        .await?;
    Ok(())
}

pub(crate) async fn person(pool: &SqlitePool, id: PersonId) -> Result<Option<Person>, Failure> {
    let id = id_bytes(id.as_u128());
    let row = sqlx::query_file_as!(PersonColumns, "../store/sql/person.sql", &id[..])
        .fetch_optional(pool)
        .await?;
    Ok(row.map(Person::try_from).transpose()?)
}

pub(crate) async fn by_email(pool: &SqlitePool, email: &str) -> Result<Option<Person>, Failure> {
    let row = sqlx::query_file_as!(PersonColumns, "../store/sql/person_by_email.sql", email)
        .fetch_optional(pool)
        .await?;
    Ok(row.map(Person::try_from).transpose()?)
}

pub(crate) async fn list(
    pool: &SqlitePool,
    after: Option<&str>,
    size: PageSize,
) -> Result<Vec<Person>, Failure> {
    let (after, size) = (after.unwrap_or_default(), i64::from(size.get()));
    let rows = sqlx::query_file_as!(PersonColumns, "../store/sql/persons.sql", after, size)
        .fetch_all(pool)
        .await?;
    meanings(rows)
}

/// One statement, so that of many takers one gets the step.
pub(crate) async fn take_code_step(
    writer: &SqlitePool,
    person: PersonId,
    step: i64,
) -> Result<bool, Failure> {
    let id = id_bytes(person.as_u128());
    let taken = sqlx::query_file!("../store/sql/code_step_take.sql", &id[..], step)
        .execute(writer)
        .await?;
    Ok(taken.rows_affected() > 0)
}

/// One statement, so that tries at once are counted one by one.
pub(crate) async fn take_try(
    writer: &SqlitePool,
    principal: &[u8; 32],
    rate: TryRate,
    now: Timestamp,
) -> Result<bool, Failure> {
    let taken = sqlx::query_file!(
        "../store/sql/try_take.sql",
        &principal[..],
        rate.first(now),
        now.as_micros(),
        rate.every_micros,
        rate.latest(now)
    )
    .execute(writer)
    .await?;
    Ok(taken.rows_affected() > 0)
}

pub(crate) async fn forget_tries(writer: &SqlitePool, principal: &[u8; 32]) -> Result<(), Failure> {
    sqlx::query_file!("../store/sql/tries_forget.sql", &principal[..])
        .execute(writer)
        .await?;
    Ok(())
}
