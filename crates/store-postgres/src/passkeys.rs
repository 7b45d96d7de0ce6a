use primitives::{PasskeyId, PersonId};
use sqlx::{PgConnection, PgPool};
use store::{
    Passkey, PasskeyUse, WriteSet,
    rows::{PasskeyColumns, id_bytes},
};

use crate::{Failure, resources::meanings};

/// What a write set has of passkeys and recovery codes.
pub(crate) async fn write(unit: &mut PgConnection, changes: &WriteSet) -> Result<(), Failure> {
    for person in &changes.dropped_passkeys_of {
        let person = id_bytes(person.as_u128());
        sqlx::query_file!("../store/sql/person_passkeys_delete.sql", &person[..])
            .execute(&mut *unit)
            .await?;
    }
    for id in &changes.dropped_passkeys {
        let id = id_bytes(id.as_u128());
        sqlx::query_file!("../store/sql/passkey_delete.sql", &id[..])
            .execute(&mut *unit)
            .await?;
    }
    for passkey in &changes.passkeys {
        put(unit, passkey).await?;
    }
    for codes in &changes.recovery_codes {
        let person = id_bytes(codes.person.as_u128());
        sqlx::query_file!("../store/sql/person_recovery_codes_delete.sql", &person[..])
            .execute(&mut *unit)
            .await?;
        for hash in &codes.hashes {
            sqlx::query_file!("../store/sql/recovery_code_put.sql", &person[..], &hash[..])
                .execute(&mut *unit)
                .await?;
        }
    }
    Ok(())
}

async fn put(unit: &mut PgConnection, passkey: &Passkey) -> Result<(), Failure> {
    let id = id_bytes(passkey.id.as_u128());
    let person = id_bytes(passkey.person.as_u128());
    sqlx::query_file!(
        "../store/sql/passkey_put.sql",
        &id[..],
        &person[..],
        &passkey.hash[..],
        passkey.credential.as_slice(),
        passkey.name.as_str(),
        passkey.body.as_str(),
        i64::from(passkey.counter),
        i64::from(passkey.backed_up),
        passkey.created_at.as_micros(),
        passkey.used_at.map(primitives::Timestamp::as_micros)
    )
    .execute(unit)
    .await?;
    Ok(())
}

/// Deletes what a person could sign in with.
pub(crate) async fn delete_of(unit: &mut PgConnection, person: &[u8; 16]) -> Result<(), Failure> {
    sqlx::query_file!("../store/sql/person_passkeys_delete.sql", &person[..])
        .execute(&mut *unit)
        .await?;
    sqlx::query_file!("../store/sql/person_recovery_codes_delete.sql", &person[..])
        .execute(unit)
        .await?;
    Ok(())
}

pub(crate) async fn of_person(pool: &PgPool, person: PersonId) -> Result<Vec<Passkey>, Failure> {
    let person = id_bytes(person.as_u128());
    let rows = sqlx::query_file_as!(PasskeyColumns, "../store/sql/passkeys_of.sql", &person[..])
        .fetch_all(pool)
        .await?;
    meanings(rows)
}

pub(crate) async fn find(pool: &PgPool, hash: &[u8; 32]) -> Result<Option<Passkey>, Failure> {
    let row = sqlx::query_file_as!(
        PasskeyColumns,
        "../store/sql/passkey_by_hash.sql",
        &hash[..]
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Passkey::try_from).transpose()?)
}

/// One statement, so that of many who say the same number one is noted.
pub(crate) async fn note_use(
    pool: &PgPool,
    id: PasskeyId,
    shown: PasskeyUse,
) -> Result<bool, Failure> {
    let id = id_bytes(id.as_u128());
    let noted = sqlx::query_file!(
        "../store/sql/passkey_use.sql",
        &id[..],
        i64::from(shown.counter),
        i64::from(shown.backed_up),
        shown.at.as_micros()
    )
    .execute(pool)
    .await?;
    Ok(noted.rows_affected() > 0)
}

/// One statement, so that of many takers one gets the code.
pub(crate) async fn take_code(
    pool: &PgPool,
    person: PersonId,
    hash: &[u8; 32],
) -> Result<bool, Failure> {
    let person = id_bytes(person.as_u128());
    let taken = sqlx::query_file!(
        "../store/sql/recovery_code_take.sql",
        &person[..],
        &hash[..]
    )
    .execute(pool)
    .await?;
    Ok(taken.rows_affected() > 0)
}

pub(crate) async fn count_codes(pool: &PgPool, person: PersonId) -> Result<u32, Failure> {
    let person = id_bytes(person.as_u128());
    let counted = sqlx::query_file_scalar!("../store/sql/recovery_codes_count.sql", &person[..])
        .fetch_one(pool)
        .await?;
    Ok(u32::try_from(counted).unwrap_or(u32::MAX))
}
