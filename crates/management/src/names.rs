//! Names and ids in paths: an account or app is called by either.

use http_kit::{Problem, codes};
use primitives::{AccountId, AppId, CredentialId, Name, RecordId};

use crate::Management;

/// There is no such thing.
pub(crate) fn unknown(what: &str, given: &str) -> Problem {
    let given: String = given.chars().take(100).collect();
    Problem::of(&codes::RESOURCE_UNKNOWN).because(format!("there is no {what} `{given}`"))
}

pub(crate) fn malformed(why: &impl ToString) -> Problem {
    Problem::of(&codes::PATH_INVALID).because(why.to_string())
}

/// A name as the path has it.
pub(crate) fn name(given: &str) -> Result<Name, Problem> {
    given.parse().map_err(|why| malformed(&why))
}

/// The name of the account called `given`, by name or id.
pub(crate) fn account_name(desk: &Management, given: &str) -> Result<Name, Problem> {
    let snapshot = desk.snapshots().load();
    match given.parse::<AccountId>() {
        Ok(id) => snapshot.account(id).map(|account| account.name.clone()),
        Err(_) => Some(name(given)?),
    }
    .ok_or_else(|| unknown("account", given))
}

/// The same, of an account that is there.
pub(crate) fn known_account(desk: &Management, given: &str) -> Result<Name, Problem> {
    let name = account_name(desk, given)?;
    let snapshot = desk.snapshots().load();
    let found = snapshot.account_named(name.as_str());
    found.ok_or_else(|| unknown("account", given))?;
    Ok(name)
}

/// The name of the app called `given`, by name or id.
pub(crate) fn app_name(desk: &Management, given: &str) -> Result<Name, Problem> {
    let snapshot = desk.snapshots().load();
    match given.parse::<AppId>() {
        Ok(id) => snapshot.app(id).map(|app| app.name.clone()),
        Err(_) => Some(name(given)?),
    }
    .ok_or_else(|| unknown("app", given))
}

/// The same, of an app that is there.
pub(crate) fn known_app(desk: &Management, given: &str) -> Result<Name, Problem> {
    let name = app_name(desk, given)?;
    let snapshot = desk.snapshots().load();
    let found = snapshot.app_named(name.as_str());
    found.ok_or_else(|| unknown("app", given))?;
    Ok(name)
}

/// The id of the account called `given`, by name or id.
pub(crate) fn account_id(desk: &Management, given: &str) -> Result<AccountId, Problem> {
    let snapshot = desk.snapshots().load();
    match given.parse::<AccountId>() {
        Ok(id) => Some(id),
        Err(_) => snapshot.account_named(given).map(|account| account.id),
    }
    .ok_or_else(|| unknown("account", given))
}

/// The id of the app called `given`, by name or id.
pub(crate) fn app_id(desk: &Management, given: &str) -> Result<AppId, Problem> {
    let snapshot = desk.snapshots().load();
    match given.parse::<AppId>() {
        Ok(id) => Some(id),
        Err(_) => snapshot.app_named(given).map(|app| app.id),
    }
    .ok_or_else(|| unknown("app", given))
}

/// A key's id as the path has it.
pub(crate) fn key_id(given: &str) -> Result<CredentialId, Problem> {
    given.parse().map_err(|why| malformed(&why))
}

/// A decision's id as the path has it.
pub(crate) fn record_id(given: &str) -> Result<RecordId, Problem> {
    given.parse().map_err(|why| malformed(&why))
}
