use keys::{IssuedFor, hint, issue};
use primitives::{AppId, CredentialId, Mode, Name, Revision, Secret, Timestamp};
use serde_json::json;
use store::{Credential, EventAction, Expected, Kind, WriteSet};

use crate::{Authority, KeptAnswer, Unable, authority::Offered};

/// The word for keys in the event log, whatever they are keys of.
pub const CREDENTIAL_KIND: &str = "credential";
/// The longest time in which a replaced key may go on working: 30 days.
pub const LONGEST_OVERLAP_SECONDS: i64 = 30 * 24 * 3_600;

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct KeyWanted {
    /// The app.
    pub app: Name,
    /// Test or live.
    pub mode: Mode,
    /// The permission profile it is bound to; everything if `None`.
    pub permissions: Option<Name>,
    /// When it is to stop working.
    pub expires_at: Option<Timestamp>,
}

/// A key that has just been issued. Its secret is nowhere else.
#[derive(Debug)]
pub struct IssuedKey {
    /// What is kept.
    pub credential: Credential,
    /// The secret, to be shown once.
    pub secret: Secret,
    /// The revision that knows it.
    pub revision: Revision,
}

/// Why a key was not issued, replaced or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeyRefused {
    /// No such app.
    #[error("there is no app `{0}`")]
    AppUnknown(Name),
    /// The app has no such key.
    #[error("app `{app}` has no key `{id}`")]
    KeyUnknown {
        /// The app.
        app: Name,
        /// The key asked for.
        id: CredentialId,
    },
    /// No such profile.
    #[error(
        "there is no profile `{0}` to bind the key to; leave it out, or make the profile first"
    )]
    ProfileUnknown(Name),
    /// It has ended already.
    #[error("key `{0}` is revoked or has expired; issue a new one")]
    Ended(CredentialId),
    /// The overlap is out of range.
    #[error("an overlap of {0} seconds is not possible; choose 0 to {LONGEST_OVERLAP_SECONDS}")]
    Overlap(i64),
    /// It would end before it begins.
    #[error("the key would have expired already; choose a later time, or none")]
    ExpiresInThePast,
    /// It could not be done.
    #[error(transparent)]
    Unable(#[from] Unable),
}

impl From<store::StoreFailure> for KeyRefused {
    fn from(failure: store::StoreFailure) -> Self {
        Self::Unable(failure.into())
    }
}

/// Makes the answer that an idempotency key keeps, when a request came with one.
pub type Keep<'a, T> = &'a (dyn Fn(&T) -> Result<Option<KeptAnswer>, Unable> + Send + Sync);

/// Issues a key of an app. Its secret is in the answer and nowhere else.
///
/// # Errors
/// When app or profile do not exist, or it could not be done.
pub async fn issue_key(
    at: &Authority,
    actor: &str,
    wanted: &KeyWanted,
    keep: Keep<'_, IssuedKey>,
) -> Result<IssuedKey, KeyRefused> {
    let now = at.clock.now();
    if wanted.expires_at.is_some_and(|end| end <= now) {
        return Err(KeyRefused::ExpiresInThePast);
    }
    for _ in Authority::tries() {
        let base = at.store.revision().await?;
        let mut expected = Vec::new();
        let app = app_of(at, &wanted.app).await?;
        expected.push((Kind::App, wanted.app.clone(), Expected::At(app.1)));
        if let Some(profile) = &wanted.permissions {
            let found = at.store.resource(Kind::Profile, profile).await?;
            let found = found.ok_or_else(|| KeyRefused::ProfileUnknown(profile.clone()))?;
            expected.push((Kind::Profile, profile.clone(), Expected::At(found.version)));
        }
        let mut issued = make(at, app.0, wanted)?;
        issued.revision = Revision(base.0.saturating_add(1));
        let changes = WriteSet {
            base: Some(base),
            expected,
            credentials: vec![issued.credential.clone()],
            events: vec![told(at, actor, EventAction::Created, &issued.credential)?],
            at: now,
            answer: keep(&issued)?,
            ..WriteSet::default()
        };
        if let Offered::In(_) = at.offer(changes).await? {
            return Ok(issued);
        }
    }
    Err(Unable::Crowded.into())
}

/// Replaces a key: issues one like it, and lets the old one work for `overlap_seconds` more.
///
/// # Errors
/// When there is no such key, it has ended, the overlap is out of range, or it could not be done.
pub async fn rotate_key(
    at: &Authority,
    actor: &str,
    which: (&Name, CredentialId),
    overlap_seconds: i64,
    keep: Keep<'_, IssuedKey>,
) -> Result<IssuedKey, KeyRefused> {
    if !(0..=LONGEST_OVERLAP_SECONDS).contains(&overlap_seconds) {
        return Err(KeyRefused::Overlap(overlap_seconds));
    }
    for _ in Authority::tries() {
        // The revision before anything is read: a change in between makes the commit stale.
        let base = at.store.revision().await?;
        let now = at.clock.now();
        let mut old = key_of(at, which).await?;
        if old.revoked_at.is_some() || old.expires_at.is_some_and(|end| end <= now) {
            return Err(KeyRefused::Ended(old.id));
        }
        let end = now.plus_seconds(overlap_seconds);
        let wanted = KeyWanted {
            app: which.0.clone(),
            mode: old.mode,
            permissions: old.permissions.clone(),
            expires_at: None,
        };
        old.expires_at = Some(old.expires_at.map_or(end, |before| before.min(end)));
        let mut issued = make(at, old.app, &wanted)?;
        issued.revision = Revision(base.0.saturating_add(1));
        let changes = WriteSet {
            base: Some(base),
            events: vec![
                told(at, actor, EventAction::Updated, &old)?,
                told(at, actor, EventAction::Created, &issued.credential)?,
            ],
            credentials: vec![old, issued.credential.clone()],
            at: now,
            answer: keep(&issued)?,
            ..WriteSet::default()
        };
        if let Offered::In(_) = at.offer(changes).await? {
            return Ok(issued);
        }
    }
    Err(Unable::Crowded.into())
}

/// Revokes a key at once. A key that was revoked before stays revoked since then.
///
/// # Errors
/// When there is no such key, or it could not be done.
pub async fn revoke_key(
    at: &Authority,
    actor: &str,
    which: (&Name, CredentialId),
) -> Result<(Credential, Revision), KeyRefused> {
    for _ in Authority::tries() {
        let base = at.store.revision().await?;
        let mut key = key_of(at, which).await?;
        if key.revoked_at.is_some() {
            return Ok((key, base));
        }
        key.revoked_at = Some(at.clock.now());
        let changes = WriteSet {
            base: Some(base),
            events: vec![told(at, actor, EventAction::Updated, &key)?],
            credentials: vec![key.clone()],
            at: at.clock.now(),
            ..WriteSet::default()
        };
        if let Offered::In(committed) = at.offer(changes).await? {
            return Ok((key, committed.revision));
        }
    }
    Err(Unable::Crowded.into())
}

async fn app_of(at: &Authority, name: &Name) -> Result<(AppId, Revision), KeyRefused> {
    let app = at.store.resource(Kind::App, name).await?;
    let app = app.ok_or_else(|| KeyRefused::AppUnknown(name.clone()))?;
    Ok((AppId::from_u128(app.id), app.version))
}

async fn key_of(
    at: &Authority,
    (app, id): (&Name, CredentialId),
) -> Result<Credential, KeyRefused> {
    let owner = app_of(at, app).await?.0;
    let key = at.store.credential(id).await?;
    key.filter(|key| key.app == owner)
        .ok_or_else(|| KeyRefused::KeyUnknown {
            app: app.clone(),
            id,
        })
}

fn make(at: &Authority, app: AppId, wanted: &KeyWanted) -> Result<IssuedKey, Unable> {
    let secret = issue(IssuedFor::App(wanted.mode), &*at.entropy)?;
    let credential = Credential {
        id: CredentialId::new(&*at.clock, &*at.entropy)?,
        external_id: None,
        app,
        app_name: wanted.app.clone(),
        mode: wanted.mode,
        hash: at.hashing.hash(&secret).to_string(),
        hint: hint(&secret),
        permissions: wanted.permissions.clone(),
        created_at: at.clock.now(),
        expires_at: wanted.expires_at,
        revoked_at: None,
    };
    Ok(IssuedKey {
        credential,
        secret,
        revision: Revision(0),
    })
}

/// What the event log learns of a key: whose it is and until when it works, never its hash.
fn told(
    at: &Authority,
    actor: &str,
    action: EventAction,
    key: &Credential,
) -> Result<store::NewEvent, Unable> {
    let detail = json!({
        "app": key.app_name,
        "mode": key.mode,
        "permissions": key.permissions,
        "expires_at": key.expires_at.map(|end| end.to_string()),
        "revoked_at": key.revoked_at.map(|end| end.to_string()),
    });
    let id = key.id.to_string();
    at.event(actor, action, (CREDENTIAL_KIND, &id), &detail)
}
