use primitives::{AccountId, PageSize, PersonId, Revision, Timestamp};
use sqlx::{PgConnection, PgPool};
use store::{
    Notice, NoticeFilter, NoticePlace, NoticeReader, NoticeStep, Person,
    rows::{NoticeColumns, NoticeReaderColumns, PersonColumns, id_bytes, revision_value},
};

use crate::{Failure, mails, resources::meanings};

/// Moves the cursor first: whoever moves it is the only one until the end.
pub(crate) async fn keep(pool: &PgPool, step: &NoticeStep) -> Result<bool, Failure> {
    let mut unit = pool.begin().await?;
    let to = revision_value(step.to);
    let moved = match step.from {
        None => sqlx::query_file!("../store/sql/notice_cursor_begin.sql", to)
            .execute(&mut *unit)
            .await?
            .rows_affected(),
        Some(from) => {
            let from = revision_value(from);
            sqlx::query_file!("../store/sql/notice_cursor_move.sql", from, to)
                .execute(&mut *unit)
                .await?
                .rows_affected()
        }
    };
    if moved == 0 {
        unit.rollback().await?;
        return Ok(false);
    }
    for notice in &step.notices {
        put(&mut unit, notice).await?;
    }
    mails::put(&mut unit, &step.mails).await?;
    unit.commit().await?;
    Ok(true)
}

async fn put(unit: &mut PgConnection, notice: &Notice) -> Result<(), Failure> {
    let account = id_bytes(notice.account.map_or(0, AccountId::as_u128));
    sqlx::query_file!(
        "../store/sql/notice_put.sql",
        &account[..],
        notice.place.number(),
        notice.at.as_micros(),
        notice.kind.as_str(),
        notice.app.as_str(),
        notice.apis.as_str(),
        notice.says.as_str()
    )
    .execute(unit)
    .await?;
    Ok(())
}

pub(crate) async fn list(
    pool: &PgPool,
    account: AccountId,
    filter: &NoticeFilter,
    size: PageSize,
) -> Result<Vec<Notice>, Failure> {
    let (own, all) = (id_bytes(account.as_u128()), id_bytes(0));
    let before = filter.before.map_or(i64::MAX, NoticePlace::number);
    let rows = sqlx::query_file_as!(
        NoticeColumns,
        "../store/sql/notices.sql",
        &own[..],
        &all[..],
        filter.after.number(),
        before,
        filter.kind.as_deref().unwrap_or_default(),
        filter.app.as_deref().unwrap_or_default(),
        i64::from(size.get())
    )
    .fetch_all(pool)
    .await?;
    meanings(rows)
}

pub(crate) async fn cursor(pool: &PgPool) -> Result<Option<Revision>, Failure> {
    let row = sqlx::query_file_scalar!("../store/sql/notice_cursor.sql")
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|revision| Revision(revision.cast_unsigned())))
}

pub(crate) async fn reader(
    pool: &PgPool,
    person: PersonId,
) -> Result<Option<NoticeReader>, Failure> {
    let id = id_bytes(person.as_u128());
    let row = sqlx::query_file_as!(
        NoticeReaderColumns,
        "../store/sql/notice_reader.sql",
        &id[..]
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(NoticeReader::try_from).transpose()?)
}

pub(crate) async fn put_reader(pool: &PgPool, reader: &NoticeReader) -> Result<(), Failure> {
    let id = id_bytes(reader.person.as_u128());
    sqlx::query_file!(
        "../store/sql/notice_reader_put.sql",
        &id[..],
        reader.read_to.number(),
        reader.no_mail.as_str()
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub(crate) async fn of_developer(
    pool: &PgPool,
    account: AccountId,
) -> Result<Vec<Person>, Failure> {
    let rows = sqlx::query_file_as!(
        PersonColumns,
        "sql/persons_of_developer.sql",
        account.to_string()
    )
    .fetch_all(pool)
    .await?;
    meanings(rows)
}

pub(crate) async fn drop_old(pool: &PgPool, before: Timestamp) -> Result<u64, Failure> {
    sqlx::query_file!("../store/sql/notice_readers_drop.sql")
        .execute(pool)
        .await?;
    let gone = sqlx::query_file!("../store/sql/notices_drop.sql", before.as_micros())
        .execute(pool)
        .await?;
    Ok(gone.rows_affected())
}
