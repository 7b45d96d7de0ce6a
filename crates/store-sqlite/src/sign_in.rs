use primitives::Timestamp;
use sqlx::SqlitePool;
use store::{
    SealedSecret, SignIn, SignInLink,
    rows::{SecretColumns, SignInColumns, SignInLinkColumns, id_bytes},
};

use crate::Failure;

pub(crate) async fn secrets(pool: &SqlitePool) -> Result<Vec<SealedSecret>, Failure> {
    let rows = sqlx::query_file_as!(SecretColumns, "../store/sql/secrets.sql")
        .fetch_all(pool)
        .await?;
    Ok(rows.into_iter().map(SealedSecret::from).collect())
}

pub(crate) async fn put_link(writer: &SqlitePool, link: SignInLink) -> Result<(), Failure> {
    let operator = id_bytes(link.operator.as_u128());
    sqlx::query_file!(
        "../store/sql/sign_in_link_put.sql",
        &link.hash[..],
        &operator[..],
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
    now: Timestamp,
) -> Result<Option<SignInLink>, Failure> {
    let row = sqlx::query_file_as!(
        SignInLinkColumns,
        "../store/sql/sign_in_link_take.sql",
        &hash[..],
        now.as_micros()
    )
    .fetch_optional(writer)
    .await?;
    Ok(row.map(SignInLink::try_from).transpose()?)
}

pub(crate) async fn put(writer: &SqlitePool, sign_in: SignIn) -> Result<(), Failure> {
    let id = id_bytes(sign_in.id.as_u128());
    let operator = id_bytes(sign_in.operator.as_u128());
    sqlx::query_file!(
        "../store/sql/sign_in_put.sql",
        &id[..],
        &sign_in.hash[..],
        &operator[..],
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
    Ok(links.rows_affected() + sign_ins.rows_affected())
}
