use catalog::{Api, UpstreamCredential, UpstreamIdentity};
use decision::Account;
use primitives::{Name, Secret};
use serde_json::json;
use snapshot::{Loader, Snapshot};
use store::{EventAction, Kind, SealedSecret, WriteSet};

use crate::{Authority, Unable, authority::Offered};

mod book;

pub use book::SecretBook;

/// The word for secrets in the event log.
pub const SECRET_KIND: &str = "secret";

/// Sets the secret called `name`, sealed. The event log learns in the same commit that it was
/// set, not what it is.
///
/// # Errors
/// When the secret cannot be sealed or kept.
pub async fn set_secret(
    at: &Authority,
    actor: &str,
    name: &Name,
    secret: &Secret,
) -> Result<(), Unable> {
    let sealed = at.sealer.seal(name.as_str(), secret, &*at.entropy);
    let sealed = SealedSecret {
        name: name.to_string(),
        sealed: sealed.map_err(|_| Unable::Unreadable(name.to_string()))?,
        updated_at: at.clock.now(),
    };
    let known = is_set(at, name).await?;
    let action = if known {
        EventAction::Updated
    } else {
        EventAction::Created
    };
    let thing = (SECRET_KIND, name.as_str());
    let changes = WriteSet {
        secrets: vec![sealed],
        events: vec![at.event(actor, action, thing, &json!({}))?],
        at: at.clock.now(),
        ..WriteSet::default()
    };
    match at.offer(changes).await? {
        Offered::In(_) => Ok(()),
        Offered::Again => Err(Unable::Crowded),
    }
}

async fn is_set(at: &Authority, name: &Name) -> Result<bool, Unable> {
    let kept = at.store.secrets().await?;
    Ok(kept.iter().any(|secret| secret.name == name.as_str()))
}

/// Why a secret was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveRefused {
    /// There is none of this name.
    #[error("there is no secret `{0}`")]
    Unknown(Name),
    /// Calls would lack it.
    #[error("the secret `{secret}` is named by {}; take it out of there first", told(.by))]
    InUse {
        /// The secret.
        secret: Name,
        /// What names it, in order.
        by: Vec<(Kind, Name)>,
    },
    /// It could not be done.
    #[error(transparent)]
    Unable(#[from] Unable),
}

/// So many of those who name a secret are told.
const MOST_TOLD: usize = 5;

fn told(by: &[(Kind, Name)]) -> String {
    let first = by.iter().take(MOST_TOLD);
    let named: Vec<String> = first
        .map(|(kind, name)| format!("{kind} `{name}`"))
        .collect();
    match by.len().saturating_sub(MOST_TOLD) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// Removes the secret called `name`, unless an API, an account or a risk model in force names it, active or
/// not.
///
/// # Errors
/// When there is none, something names it, or it could not be done.
pub async fn remove_secret(
    at: &Authority,
    loader: &Loader,
    actor: &str,
    name: &Name,
) -> Result<(), RemoveRefused> {
    let _alone = loader.lane().await;
    for _ in Authority::tries() {
        loader.refresh().await.map_err(Unable::from)?;
        let snapshot = loader.handle().load_full();
        if !is_set(at, name).await? {
            return Err(RemoveRefused::Unknown(name.clone()));
        }
        let by = naming(&snapshot, name);
        if !by.is_empty() {
            let secret = name.clone();
            return Err(RemoveRefused::InUse { secret, by });
        }
        let thing = (SECRET_KIND, name.as_str());
        let changes = WriteSet {
            // Whatever came to name it meanwhile is looked at first.
            base: Some(snapshot.revision()),
            dropped_secrets: vec![name.to_string()],
            events: vec![at.event(actor, EventAction::Deleted, thing, &json!({}))?],
            at: at.clock.now(),
            ..WriteSet::default()
        };
        if let Offered::In(_) = at.offer(changes).await? {
            return Ok(());
        }
    }
    Err(Unable::Crowded.into())
}

/// What names a secret, in order.
fn naming(snapshot: &Snapshot, secret: &Name) -> Vec<(Kind, Name)> {
    let apis = snapshot.catalogue().apis.iter().map(|(_, api)| api);
    let apis = apis
        .filter(|api| secrets_of_api(api).any(|named| named == secret))
        .map(|api| (Kind::Api, api.name.clone()));
    let accounts = snapshot
        .accounts()
        .filter(|account| secrets_of_account(account).any(|named| named == secret))
        .map(|account| (Kind::Account, account.name.clone()));
    let services = &snapshot.setup().risk_services;
    let models = services
        .iter()
        .filter(|(_, service)| service.secret == *secret)
        .map(|(ladder, _)| (Kind::RiskModel, ladder.clone()));
    let mut naming: Vec<_> = apis.chain(accounts).chain(models).collect();
    naming.sort();
    naming
}

/// The secrets that calls of an API need.
fn secrets_of_api(api: &Api) -> impl Iterator<Item = &Name> {
    let upstreams = api.live.iter().chain(&api.test);
    upstreams.flat_map(|upstream| {
        let identity = match &upstream.identity {
            UpstreamIdentity::Shared(secret) => Some(secret),
            UpstreamIdentity::Ed25519 | UpstreamIdentity::None => None,
        };
        secrets_of(&upstream.credential).chain(identity)
    })
}

/// The secrets that calls for an account need besides those of the API.
fn secrets_of_account(account: &Account) -> impl Iterator<Item = &Name> {
    let credentials = account.upstream_credentials.values();
    let credentials = credentials.flat_map(|of| of.live.iter().chain(&of.test));
    credentials.flat_map(secrets_of)
}

fn secrets_of(credential: &UpstreamCredential) -> impl Iterator<Item = &Name> {
    let (first, second) = match credential {
        UpstreamCredential::None => (None, None),
        UpstreamCredential::Header { secret, .. }
        | UpstreamCredential::Basic { secret, .. }
        | UpstreamCredential::ClientCredentials { secret, .. } => (Some(secret), None),
        UpstreamCredential::Mtls { certificate, key } => (Some(certificate), Some(key)),
    };
    first.into_iter().chain(second)
}

/// The names of all secrets that are set, in order.
///
/// # Errors
/// When the store fails.
pub async fn secret_names(at: &Authority) -> Result<Vec<String>, Unable> {
    let kept = at.store.secrets().await?;
    let mut names: Vec<String> = kept.into_iter().map(|secret| secret.name).collect();
    names.sort();
    Ok(names)
}
