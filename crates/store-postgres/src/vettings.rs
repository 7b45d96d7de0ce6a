use primitives::{Name, PageSize, Revision, Timestamp};
use sqlx::{PgConnection, PgPool};
use store::{
    Kind, Vetting, VettingPlace,
    rows::{VettingColumns, revision_value},
};

use crate::{Failure, columns::column, resources::meanings};

pub(crate) async fn put(
    unit: &mut PgConnection,
    puts: &[&Vetting],
    revision: Revision,
) -> Result<(), Failure> {
    sqlx::query_file!(
        "sql/vettings_put.sql",
        &column(puts, |one| one.account.to_string()),
        &column(puts, |one| one.ladder.to_string()),
        &column(puts, |one| one.state.clone()),
        &column(puts, |one| one.body.clone()),
        &column(puts, |one| one.since.as_micros()),
        &column(puts, |one| one.due_at.map(Timestamp::as_micros)) as _,
        &column(puts, |_| revision_value(revision))
    )
    .execute(unit)
    .await?;
    Ok(())
}

/// Deletes the vettings of the accounts among `gone`.
pub(crate) async fn delete(unit: &mut PgConnection, gone: &[(Kind, Name)]) -> Result<(), Failure> {
    let accounts: Vec<String> = accounts(gone).map(Name::to_string).collect();
    if accounts.is_empty() {
        return Ok(());
    }
    sqlx::query_file!("sql/vettings_delete.sql", &accounts)
        .execute(unit)
        .await?;
    Ok(())
}

fn accounts(gone: &[(Kind, Name)]) -> impl Iterator<Item = &Name> {
    gone.iter()
        .filter_map(|(kind, name)| (*kind == Kind::Account).then_some(name))
}

pub(crate) async fn vetting(
    pool: &PgPool,
    account: &Name,
    ladder: &Name,
) -> Result<Option<Vetting>, Failure> {
    let row = sqlx::query_file_as!(
        VettingColumns,
        "../store/sql/vetting.sql",
        account.as_str(),
        ladder.as_str()
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Vetting::try_from).transpose()?)
}

pub(crate) async fn of_account(pool: &PgPool, account: &Name) -> Result<Vec<Vetting>, Failure> {
    let account = account.as_str();
    let rows = sqlx::query_file_as!(VettingColumns, "../store/sql/vettings_of.sql", account)
        .fetch_all(pool)
        .await?;
    meanings(rows)
}

/// The columns to go on after; of no place, what comes before every row.
fn place(after: Option<&VettingPlace>) -> (i64, &str, &str) {
    after.map_or((i64::MIN, "", ""), |after| {
        let names = (after.account.as_str(), after.ladder.as_str());
        (after.since.as_micros(), names.0, names.1)
    })
}

/// Two statements, because each has an index in whose order it reads.
pub(crate) async fn list(
    pool: &PgPool,
    state: Option<&str>,
    after: Option<&VettingPlace>,
    size: PageSize,
) -> Result<Vec<Vetting>, Failure> {
    let (since, account, ladder) = place(after);
    let size = i64::from(size.get());
    let rows = match state {
        None => {
            sqlx::query_file_as!(
                VettingColumns,
                "../store/sql/vettings.sql",
                since,
                account,
                ladder,
                size
            )
            .fetch_all(pool)
            .await?
        }
        Some(state) => {
            sqlx::query_file_as!(
                VettingColumns,
                "../store/sql/vettings_in.sql",
                state,
                since,
                account,
                ladder,
                size
            )
            .fetch_all(pool)
            .await?
        }
    };
    meanings(rows)
}

pub(crate) async fn overtaken(
    pool: &PgPool,
    state: &str,
    after: Option<&VettingPlace>,
    size: PageSize,
) -> Result<Vec<Vetting>, Failure> {
    let (_, account, ladder) = place(after);
    let rows = sqlx::query_file_as!(
        VettingColumns,
        "../store/sql/vettings_overtaken.sql",
        state,
        account,
        ladder,
        i64::from(size.get())
    )
    .fetch_all(pool)
    .await?;
    meanings(rows)
}

pub(crate) async fn due(
    pool: &PgPool,
    before: Timestamp,
    size: PageSize,
) -> Result<Vec<Vetting>, Failure> {
    let rows = sqlx::query_file_as!(
        VettingColumns,
        "../store/sql/vettings_due.sql",
        before.as_micros(),
        i64::from(size.get())
    )
    .fetch_all(pool)
    .await?;
    meanings(rows)
}

pub(crate) async fn count(pool: &PgPool, state: &str, most: u32) -> Result<u32, Failure> {
    let counted =
        sqlx::query_file_scalar!("../store/sql/vettings_count.sql", state, i64::from(most))
            .fetch_one(pool)
            .await?;
    Ok(u32::try_from(counted).unwrap_or(most))
}
