use primitives::{Name, PageSize, Revision, Timestamp};
use sqlx::{SqliteConnection, SqlitePool};
use store::{
    Kind, Vetting, VettingPlace,
    rows::{VettingColumns, revision_value},
};

use crate::{Failure, commit::rows, resources::meanings};

pub(crate) async fn put(
    unit: &mut SqliteConnection,
    puts: &[Vetting],
    revision: Revision,
) -> Result<(), Failure> {
    let puts = rows(puts, |one| {
        (
            one.account.as_str(),
            one.ladder.as_str(),
            one.state.as_str(),
            one.body.as_str(),
            one.since.as_micros(),
            one.due_at.map(Timestamp::as_micros),
        )
    })?;
    sqlx::query_file!("sql/vettings_put.sql", revision_value(revision), puts)
        .execute(unit)
        .await?;
    Ok(())
}

/// Deletes the vettings of the accounts among `gone`.
pub(crate) async fn delete(
    unit: &mut SqliteConnection,
    gone: &[(Kind, Name)],
) -> Result<(), Failure> {
    let accounts: Vec<&Name> = accounts(gone).collect();
    if accounts.is_empty() {
        return Ok(());
    }
    let accounts = rows(&accounts, |name| name.as_str())?;
    sqlx::query_file!("sql/vettings_delete.sql", accounts)
        .execute(unit)
        .await?;
    Ok(())
}

fn accounts(gone: &[(Kind, Name)]) -> impl Iterator<Item = &Name> {
    gone.iter()
        .filter_map(|(kind, name)| (*kind == Kind::Account).then_some(name))
}

pub(crate) async fn vetting(
    pool: &SqlitePool,
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

pub(crate) async fn of_account(pool: &SqlitePool, account: &Name) -> Result<Vec<Vetting>, Failure> {
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
    pool: &SqlitePool,
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
    pool: &SqlitePool,
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
    pool: &SqlitePool,
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

pub(crate) async fn count(pool: &SqlitePool, state: &str, most: u32) -> Result<u32, Failure> {
    let counted =
        sqlx::query_file_scalar!("../store/sql/vettings_count.sql", state, i64::from(most))
            .fetch_one(pool)
            .await?;
    Ok(u32::try_from(counted).unwrap_or(most))
}
