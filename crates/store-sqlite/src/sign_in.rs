use primitives::{PersonId, SignInId, Timestamp};
use sqlx::SqlitePool;
use store::{
    LinkPurpose, SealedSecret, SignIn, SignInLink,
    rows::{SecretColumns, SignInColumns, SignInLinkColumns, id_bytes},
};

use crate::{Failure, resources::meanings};

pub(crate) async fn secrets(pool: &SqlitePool) -> Result<Vec<SealedSecret>, Failure> {
    let rows = sqlx::query_file_as!(SecretColumns, "../store/sql/secrets.sql")
        .fetch_all(pool)
        .await?;
    Ok(rows.into_iter().map(SealedSecret::from).collect())
}

pub(crate) async fn put_link(writer: &SqlitePool, link: SignInLink) -> Result<(), Failure> {
    let person = link.person.map(|person| id_bytes(person.as_u128()));
    sqlx::query_file!(
        "../store/sql/sign_in_link_put.sql",
        &link.hash[..],
        link.purpose.as_str(),
        person.as_ref().map(|id| &id[..]),
        link.expires_at.as_micros()
    )
    .execute(writer)
    .await?;
    Ok(())
}

/// One statement, so that of many takers one gets the row.
pub(crate) async fn take_link(
    writer: &SqlitePool,
    hash: &[u8; 32],
    purpose: LinkPurpose,
    now: Timestamp,
) -> Result<Option<SignInLink>, Failure> {
    let row = sqlx::query_file_as!(
        SignInLinkColumns,
        "../store/sql/sign_in_link_take.sql",
        &hash[..],
        purpose.as_str(),
        now.as_micros()
    )
    .fetch_optional(writer)
    .await?;
    Ok(row.map(SignInLink::try_from).transpose()?)
}

pub(crate) async fn put(writer: &SqlitePool, sign_in: SignIn) -> Result<(), Failure> {
    let id = id_bytes(sign_in.id.as_u128());
    let person = sign_in.person.map(|person| id_bytes(person.as_u128()));
    sqlx::query_file!(
        "../store/sql/sign_in_put.sql",
        &id[..],
        &sign_in.hash[..],
        sign_in.kind.as_str(),
        person.as_ref().map(|id| &id[..]),
        sign_in.label.as_str(),
        sign_in.created_at.as_micros(),
        sign_in.expires_at.as_micros()
    )
    .execute(writer)
    .await?;
    Ok(())
}

pub(crate) async fn find(
    pool: &SqlitePool,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<SignIn>, Failure> {
    let row = sqlx::query_file_as!(
        SignInColumns,
        "../store/sql/sign_in.sql",
        &hash[..],
        now.as_micros()
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(SignIn::try_from).transpose()?)
}

pub(crate) async fn end(writer: &SqlitePool, hash: &[u8; 32]) -> Result<(), Failure> {
    sqlx::query_file!("../store/sql/sign_in_end.sql", &hash[..])
        .execute(writer)
        .await?;
    Ok(())
}

pub(crate) async fn drop_expired(writer: &SqlitePool, before: Timestamp) -> Result<u64, Failure> {
    let links = sqlx::query_file!("../store/sql/sign_in_links_drop.sql", before.as_micros())
        .execute(writer)
        .await?;
    let sign_ins = sqlx::query_file!("../store/sql/sign_ins_drop.sql", before.as_micros())
        .execute(writer)
        .await?;
    let tries = sqlx::query_file!("../store/sql/tries_drop.sql", before.as_micros())
        .execute(writer)
        .await?;
    Ok(links.rows_affected() + sign_ins.rows_affected() + tries.rows_affected())
}

pub(crate) async fn of_person(
    pool: &SqlitePool,
    person: PersonId,
    now: Timestamp,
) -> Result<Vec<SignIn>, Failure> {
    let person = id_bytes(person.as_u128());
    let rows = sqlx::query_file_as!(
        SignInColumns,
        "../store/sql/sign_ins_of.sql",
        &person[..],
        now.as_micros()
    )
    .fetch_all(pool)
    .await?;
    meanings(rows)
}

pub(crate) async fn end_of(
    writer: &SqlitePool,
    person: PersonId,
    id: SignInId,
) -> Result<bool, Failure> {
    let (person, id) = (id_bytes(person.as_u128()), id_bytes(id.as_u128()));
    let ended = sqlx::query_file!("../store/sql/sign_in_end_of.sql", &id[..], &person[..])
        .execute(writer)
        .await?;
    Ok(ended.rows_affected() > 0)
}
