use accounts::confidential::{Kind, Unfit};
use primitives::{Name, Secret};
use serde_json::json;
use store::{Confidential, EventAction, Expected, WriteSet};

use crate::{Authority, Unable, authority::Offered};

/// The word for what accounts entrust in the event log.
pub const CONFIDENTIAL_KIND: &str = "confidential";
/// How many things an account may entrust.
pub const MOST_CONFIDENTIAL: usize = 50;

/// Why nothing was entrusted, removed or shown.
#[derive(Debug, thiserror::Error)]
pub enum ConfidentialRefused {
    /// No such account.
    #[error("there is no account `{0}`")]
    AccountUnknown(Name),
    /// The account has no such thing.
    #[error("account `{account}` has entrusted nothing called `{name}`")]
    Unknown {
        /// The account.
        account: Name,
        /// What was asked for.
        name: Name,
    },
    /// It cannot be what it is said to be.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// There are too many.
    #[error("an account entrusts {MOST_CONFIDENTIAL} things at most; remove one first")]
    Full,
    /// It could not be done.
    #[error(transparent)]
    Unable(#[from] Unable),
}

impl From<store::StoreFailure> for ConfidentialRefused {
    fn from(failure: store::StoreFailure) -> Self {
        Self::Unable(failure.into())
    }
}

/// What is sealed opens under the name it was sealed for, of that account alone.
fn sealed_as(account: u128, name: &Name) -> String {
    format!("confidential {account:032x} {name}")
}

/// The account's id and version.
async fn account_of(at: &Authority, name: &Name) -> Result<(u128, Expected), ConfidentialRefused> {
    let found = at.store.resource(store::Kind::Account, name).await?;
    let found = found.ok_or_else(|| ConfidentialRefused::AccountUnknown(name.clone()))?;
    Ok((found.id, Expected::At(found.version)))
}

fn told(
    at: &Authority,
    actor: &str,
    (account, name): (&Name, &Name),
    (action, done): (EventAction, &str),
) -> Result<store::NewEvent, Unable> {
    let thing = (CONFIDENTIAL_KIND, account.as_str());
    at.event(actor, action, thing, &json!({ "name": name, "done": done }))
}

/// Keeps something that an account entrusts, sealed. What was called so before is gone.
///
/// # Errors
/// When there is no such account, it cannot be such a thing, or it could not be kept.
pub async fn entrust(
    at: &Authority,
    actor: &str,
    (account, name): (&Name, &Name),
    (kind, text): (Kind, &Secret),
) -> Result<Confidential, ConfidentialRefused> {
    let (kept, mask) = kind.read(text.expose())?;
    for _ in Authority::tries() {
        let base = at.store.revision().await?;
        let (id, version) = account_of(at, account).await?;
        let before = at.store.confidential_of(account).await?;
        let known = before.iter().any(|one| one.name == *name);
        if !known && before.len() >= MOST_CONFIDENTIAL {
            return Err(ConfidentialRefused::Full);
        }
        let sealed = at.sealer.seal(&sealed_as(id, name), &kept, &*at.entropy);
        let one = Confidential {
            account: account.clone(),
            name: name.clone(),
            kind: kind.as_str().to_owned(),
            mask: mask.clone(),
            sealed: sealed.map_err(|_| Unable::Unreadable(name.to_string()))?,
            updated_at: at.clock.now(),
        };
        let action = if known {
            EventAction::Updated
        } else {
            EventAction::Created
        };
        let changes = WriteSet {
            base: Some(base),
            expected: vec![(store::Kind::Account, account.clone(), version)],
            confidential: vec![one.clone()],
            events: vec![told(at, actor, (account, name), (action, "set"))?],
            at: at.clock.now(),
            ..WriteSet::default()
        };
        if let Offered::In(_) = at.offer(changes).await? {
            return Ok(one);
        }
    }
    Err(Unable::Crowded.into())
}

/// What an account entrusts, sealed as it is.
///
/// # Errors
/// When there is no such account, or the store fails.
pub async fn entrusted(
    at: &Authority,
    account: &Name,
) -> Result<Vec<Confidential>, ConfidentialRefused> {
    account_of(at, account).await?;
    Ok(at.store.confidential_of(account).await?)
}

async fn one_of(
    at: &Authority,
    (account, name): (&Name, &Name),
) -> Result<(u128, Confidential), ConfidentialRefused> {
    let (id, _) = account_of(at, account).await?;
    let all = at.store.confidential_of(account).await?;
    let found = all.into_iter().find(|one| one.name == *name);
    let found = found.ok_or_else(|| ConfidentialRefused::Unknown {
        account: account.clone(),
        name: name.clone(),
    })?;
    Ok((id, found))
}

/// Removes something that an account entrusts.
///
/// # Errors
/// When there is no such thing, or it could not be done.
pub async fn forget_entrusted(
    at: &Authority,
    actor: &str,
    (account, name): (&Name, &Name),
) -> Result<(), ConfidentialRefused> {
    for _ in Authority::tries() {
        let base = at.store.revision().await?;
        one_of(at, (account, name)).await?;
        let done = (EventAction::Deleted, "removed");
        let changes = WriteSet {
            base: Some(base),
            dropped_confidential: vec![(account.clone(), name.clone())],
            events: vec![told(at, actor, (account, name), done)?],
            at: at.clock.now(),
            ..WriteSet::default()
        };
        if let Offered::In(_) = at.offer(changes).await? {
            return Ok(());
        }
    }
    Err(Unable::Crowded.into())
}

/// Shows something that an account entrusts. The log has that it was shown before it is.
///
/// # Errors
/// When there is no such thing, it does not open, or the log cannot be written.
pub async fn reveal(
    at: &Authority,
    actor: &str,
    (account, name): (&Name, &Name),
) -> Result<(Confidential, Secret), ConfidentialRefused> {
    let (id, found) = one_of(at, (account, name)).await?;
    let opened = at.sealer.open(&sealed_as(id, name), &found.sealed);
    let opened = opened.map_err(|_| Unable::Unreadable(format!("{account} {name}")))?;
    let done = (EventAction::Updated, "shown");
    let changes = WriteSet {
        events: vec![told(at, actor, (account, name), done)?],
        at: at.clock.now(),
        ..WriteSet::default()
    };
    match at.offer(changes).await? {
        Offered::In(_) => Ok((found, opened)),
        Offered::Again => Err(Unable::Crowded.into()),
    }
}
