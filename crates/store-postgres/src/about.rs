use primitives::{DeveloperRecordId, Name, PageSize, Revision};
use sqlx::{PgConnection, PgPool};
use store::{
    Confidential, DeveloperRecord, Kind, ProfileLine, WriteSet,
    rows::{
        ConfidentialColumns, DeveloperRecordColumns, ProfileLineColumns, id_bytes, revision_value,
    },
};

use crate::{Failure, resources::meanings};

/// Forgets all that is kept about the accounts among `gone`.
pub(crate) async fn forget(unit: &mut PgConnection, gone: &[(Kind, Name)]) -> Result<(), Failure> {
    let accounts: Vec<&Name> = gone
        .iter()
        .filter_map(|(kind, name)| (*kind == Kind::Account).then_some(name))
        .collect();
    if accounts.is_empty() {
        return Ok(());
    }
    let accounts: Vec<String> = accounts.into_iter().map(Name::to_string).collect();
    sqlx::query_file!("sql/confidential_forget.sql", &accounts)
        .execute(&mut *unit)
        .await?;
    sqlx::query_file!("sql/developer_records_forget.sql", &accounts)
        .execute(&mut *unit)
        .await?;
    sqlx::query_file!("sql/profile_lines_forget.sql", &accounts)
        .execute(&mut *unit)
        .await?;
    Ok(())
}

pub(crate) async fn write(
    unit: &mut PgConnection,
    changes: &WriteSet,
    revision: Revision,
) -> Result<(), Failure> {
    for (account, name) in &changes.dropped_confidential {
        let (account, name) = (account.as_str(), name.as_str());
        sqlx::query_file!("../store/sql/confidential_delete.sql", account, name)
            .execute(&mut *unit)
            .await?;
    }
    for one in &changes.confidential {
        put_confidential(unit, one).await?;
    }
    for one in &changes.developer_records {
        put_record(unit, one).await?;
    }
    for line in &changes.profile_lines {
        put_line(unit, line, revision).await?;
    }
    Ok(())
}

async fn put_confidential(unit: &mut PgConnection, one: &Confidential) -> Result<(), Failure> {
    sqlx::query_file!(
        "../store/sql/confidential_put.sql",
        one.account.as_str(),
        one.name.as_str(),
        one.kind.as_str(),
        one.mask.as_str(),
        one.sealed.as_slice(),
        one.updated_at.as_micros()
    )
    .execute(unit)
    .await?;
    Ok(())
}

async fn put_record(unit: &mut PgConnection, one: &DeveloperRecord) -> Result<(), Failure> {
    let id = id_bytes(one.id.as_u128());
    sqlx::query_file!(
        "../store/sql/developer_record_put.sql",
        &id[..],
        one.account.as_str(),
        one.source.as_str(),
        one.kind.as_str(),
        one.reference.as_str(),
        one.at.as_micros(),
        one.received_at.as_micros(),
        one.facts.as_str()
    )
    .execute(unit)
    .await?;
    Ok(())
}

async fn put_line(
    unit: &mut PgConnection,
    line: &ProfileLine,
    revision: Revision,
) -> Result<(), Failure> {
    sqlx::query_file!(
        "../store/sql/profile_line_put.sql",
        line.account.as_str(),
        line.source.as_str(),
        line.kind.as_str(),
        line.fact.as_str(),
        line.count,
        line.sum,
        line.least,
        line.most,
        line.last_at.as_micros(),
        revision_value(revision)
    )
    .execute(unit)
    .await?;
    Ok(())
}

pub(crate) async fn confidential_of(
    pool: &PgPool,
    account: &Name,
) -> Result<Vec<Confidential>, Failure> {
    let rows = sqlx::query_file_as!(
        ConfidentialColumns,
        "../store/sql/confidential_of.sql",
        account.as_str()
    )
    .fetch_all(pool)
    .await?;
    meanings(rows)
}

pub(crate) async fn records(
    pool: &PgPool,
    account: &Name,
    before: Option<DeveloperRecordId>,
    size: PageSize,
) -> Result<Vec<DeveloperRecord>, Failure> {
    let before = id_bytes(before.map_or(u128::MAX, DeveloperRecordId::as_u128));
    let rows = sqlx::query_file_as!(
        DeveloperRecordColumns,
        "../store/sql/developer_records.sql",
        account.as_str(),
        &before[..],
        i64::from(size.get())
    )
    .fetch_all(pool)
    .await?;
    meanings(rows)
}

pub(crate) async fn has_record(
    pool: &PgPool,
    account: &Name,
    source: &Name,
    reference: &str,
) -> Result<bool, Failure> {
    let (account, source) = (account.as_str(), source.as_str());
    let found = sqlx::query_file!(
        "../store/sql/developer_record_known.sql",
        account,
        source,
        reference
    )
    .fetch_optional(pool)
    .await?;
    Ok(found.is_some())
}

pub(crate) async fn profile_of(pool: &PgPool, account: &Name) -> Result<Vec<ProfileLine>, Failure> {
    let account = account.as_str();
    let rows = sqlx::query_file_as!(ProfileLineColumns, "../store/sql/profile_of.sql", account)
        .fetch_all(pool)
        .await?;
    meanings(rows)
}
