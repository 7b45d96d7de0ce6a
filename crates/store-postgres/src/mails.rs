use primitives::{MailId, PageSize, Timestamp};
use sqlx::{PgConnection, PgPool};
use store::{
    Mail, Registration, WriteSet,
    rows::{MailColumns, RegistrationColumns, id_bytes},
};

use crate::{Failure, resources::meanings};

/// What a write set has of mails and registrations.
pub(crate) async fn write(unit: &mut PgConnection, changes: &WriteSet) -> Result<(), Failure> {
    for hash in &changes.dropped_registrations {
        sqlx::query_file!("../store/sql/registration_delete.sql", &hash[..])
            .execute(&mut *unit)
            .await?;
    }
    for one in &changes.registrations {
        sqlx::query_file!(
            "../store/sql/registration_put.sql",
            &one.hash[..],
            one.sealed.as_slice(),
            one.expires_at.as_micros()
        )
        .execute(&mut *unit)
        .await?;
    }
    put(unit, &changes.mails).await
}

/// Writes mails.
pub(crate) async fn put(unit: &mut PgConnection, mails: &[Mail]) -> Result<(), Failure> {
    for mail in mails {
        let id = id_bytes(mail.id.as_u128());
        sqlx::query_file!(
            "../store/sql/mail_put.sql",
            &id[..],
            mail.sealed.as_slice(),
            mail.created_at.as_micros(),
            mail.next_at.as_micros(),
            mail.expires_at.as_micros(),
            i64::from(mail.tries),
            mail.problem.as_str()
        )
        .execute(&mut *unit)
        .await?;
    }
    Ok(())
}

pub(crate) async fn list(
    pool: &PgPool,
    before: Option<MailId>,
    now: Timestamp,
    size: PageSize,
) -> Result<Vec<Mail>, Failure> {
    // Ids begin with their time, which leaves the last one free.
    let before = id_bytes(before.map_or(u128::MAX, MailId::as_u128));
    let rows = sqlx::query_file_as!(
        MailColumns,
        "../store/sql/mails.sql",
        &before[..],
        now.as_micros(),
        i64::from(size.get())
    )
    .fetch_all(pool)
    .await?;
    meanings(rows)
}

/// One statement, so that of many takers each gets another.
pub(crate) async fn take(
    pool: &PgPool,
    now: Timestamp,
    next: Timestamp,
) -> Result<Option<Mail>, Failure> {
    let row = sqlx::query_file_as!(
        MailColumns,
        "sql/mail_take.sql",
        now.as_micros(),
        next.as_micros()
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Mail::try_from).transpose()?)
}

pub(crate) async fn put_off(
    pool: &PgPool,
    id: MailId,
    next: Timestamp,
    problem: &str,
) -> Result<(), Failure> {
    let id = id_bytes(id.as_u128());
    sqlx::query_file!(
        "../store/sql/mail_put_off.sql",
        &id[..],
        next.as_micros(),
        problem
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub(crate) async fn delete(pool: &PgPool, id: MailId) -> Result<(), Failure> {
    let id = id_bytes(id.as_u128());
    sqlx::query_file!("../store/sql/mail_delete.sql", &id[..])
        .execute(pool)
        .await?;
    Ok(())
}

pub(crate) async fn registration(
    pool: &PgPool,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Registration>, Failure> {
    let row = sqlx::query_file_as!(
        RegistrationColumns,
        "../store/sql/registration.sql",
        &hash[..],
        now.as_micros()
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Registration::try_from).transpose()?)
}

pub(crate) async fn drop_expired(pool: &PgPool, before: Timestamp) -> Result<u64, Failure> {
    let mails = sqlx::query_file!("../store/sql/mails_drop.sql", before.as_micros())
        .execute(pool)
        .await?;
    let registrations =
        sqlx::query_file!("../store/sql/registrations_drop.sql", before.as_micros())
            .execute(pool)
            .await?;
    Ok(mails.rows_affected() + registrations.rows_affected())
}
