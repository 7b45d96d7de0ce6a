use keys::{HashedSecret, OneTimeCode};
use primitives::{CredentialId, Secret};
use serde_json::json;
use store::{Credential, EventAction, SignIn, TryRate, WriteSet};

use crate::{Authority, SIGN_IN_KIND, Unable, authority::Offered, keys::told};

/// How many secrets one report names at most.
pub const MOST_LEAKED: usize = 100;
/// Reports of one address by whoever it is: sixty, then one each second.
const REPORTS: TryRate = TryRate {
    at_once: 60,
    every_micros: 1_000_000,
};
/// The word for the operator token in the event log.
const OPERATOR_TOKEN: &str = "operator_token";

/// A secret that was found where it should not be.
#[derive(Debug)]
pub struct Leaked {
    /// The secret.
    pub secret: Secret,
    /// The credential it was found with. Needed only for one that was imported with a salt.
    pub credential: Option<CredentialId>,
}

/// Counts a report; false when there were too many from this address.
///
/// # Errors
/// When the store fails.
pub async fn may_report_leaks(at: &Authority, address: &str) -> Result<bool, Unable> {
    let principal = at
        .hashing
        .fingerprint(&[b"leak reports", address.as_bytes()]);
    let now = at.clock.now();
    Ok(at.store.take_try(&principal, REPORTS, now).await?)
}

/// What the leaked secrets are of.
#[derive(Default)]
struct Hit {
    credentials: Vec<Credential>,
    sign_ins: Vec<SignIn>,
    is_operators: bool,
}

/// Revokes at once whatever the leaked secrets open: credentials of apps, access tokens of
/// persons. The operator token cannot be revoked while it is configured, so the log tells of it.
/// The same is looked for whatever a secret looks like, and the one who reports learns nothing.
///
/// # Errors
/// When the store fails or others keep changing the state.
pub async fn revoke_leaked(
    at: &Authority,
    (actor, operator): (&str, &HashedSecret),
    leaked: &[Leaked],
) -> Result<(), Unable> {
    let mut ended: Vec<SignIn> = Vec::new();
    for _ in Authority::tries() {
        let base = at.store.revision().await?;
        let now = at.clock.now();
        let hit = find(at, operator, leaked).await?;
        // Before the log tells of it: what is told to have ended never works again.
        for one in hit.sign_ins {
            at.store.end_sign_in(&one.hash).await?;
            ended.push(one);
        }
        let mut changes = WriteSet {
            base: Some(base),
            at: now,
            ..WriteSet::default()
        };
        for mut one in hit.credentials {
            one.revoked_at = Some(now);
            let event = told(at, actor, EventAction::Updated, &one)?;
            changes.events.push(event);
            changes.credentials.push(one);
        }
        for one in &ended {
            let (id, why) = (one.id.to_string(), json!({ "leaked": true }));
            let event = at.event(actor, EventAction::Deleted, (SIGN_IN_KIND, &id), &why)?;
            changes.events.push(event);
        }
        if hit.is_operators {
            let (thing, why) = ((OPERATOR_TOKEN, "operator"), json!({ "leaked": true }));
            let event = at.event(actor, EventAction::Updated, thing, &why)?;
            changes.events.push(event);
            tracing::error!("the operator token was reported as leaked: set another one");
        }
        if changes.events.is_empty() {
            return Ok(());
        }
        if let Offered::In(_) = at.offer(changes).await? {
            return Ok(());
        }
    }
    Err(Unable::Crowded)
}

async fn find(at: &Authority, operator: &HashedSecret, leaked: &[Leaked]) -> Result<Hit, Unable> {
    let mut hit = Hit::default();
    for one in leaked {
        let text = one.secret.expose();
        let issued = at.hashing.hash(&one.secret);
        let imported = HashedSecret::Plain(keys::sha256(text.as_bytes()));
        let mut found = at.store.credentials_hashed(&issued.to_string()).await?;
        found.extend(at.store.credentials_hashed(&imported.to_string()).await?);
        if let Some(id) = one.credential {
            let named = at.store.credential(id).await?;
            found.extend(named.filter(|key| fits(at, key, text)));
        }
        for key in found {
            let known = hit.credentials.iter().any(|one| one.id == key.id);
            if !known && key.revoked_at.is_none() {
                hit.credentials.push(key);
            }
        }
        let hash = OneTimeCode::hash_of(text);
        let sign_in = at.store.sign_in(&hash, at.clock.now()).await?;
        hit.sign_ins.extend(sign_in);
        hit.is_operators |= operator.matches(text, &at.hashing);
    }
    hit.sign_ins.sort_by_key(|one| one.id);
    hit.sign_ins.dedup_by_key(|one| one.id);
    Ok(hit)
}

fn fits(at: &Authority, key: &Credential, secret: &str) -> bool {
    [Some(&key.hash), key.signature.as_ref()]
        .into_iter()
        .flatten()
        .filter_map(|hash| hash.parse::<HashedSecret>().ok())
        .any(|hash| hash.matches(secret, &at.hashing))
}
