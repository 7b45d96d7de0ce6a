use std::fmt::Write as _;

use keys::{IssuedFor, hint, issue};
use primitives::{AppId, CredentialId, Mode, Name, Revision, Secret, Timestamp};
use serde_json::json;
use store::{Credential, CredentialKind, EventAction, Expected, Kind, WriteSet};

use crate::{Authority, KeptAnswer, Unable, authority::Offered};

/// The word for keys in the event log, whatever they are keys of.
pub const CREDENTIAL_KIND: &str = "credential";
/// The longest time in which a replaced key may go on working: 30 days.
pub const LONGEST_OVERLAP_SECONDS: i64 = 30 * 24 * 3_600;

/// The most keys of an app that work at the same time.
pub(crate) const MOST_KEYS: usize = 100;
/// The most keys of an app, with those that have ended.
const MOST_KEYS_EVER: usize = 10_000;

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
    /// How it is to be shown.
    pub kind: CredentialKind,
    /// SHA-256 of the certificate that is to be shown with it, or instead of it.
    pub certificate: Option<[u8; 32]>,
}

/// A key that has just been issued. Its secrets are nowhere else.
#[derive(Debug)]
pub struct IssuedKey {
    /// What is kept.
    pub credential: Credential,
    /// The secret or password, to be shown once; a certificate has none.
    pub secret: Option<Secret>,
    /// The third token, to be shown once.
    pub signature: Option<Secret>,
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
    /// A certificate is the credential, and none is named.
    #[error("a credential of kind `certificate` needs the certificate's SHA-256")]
    CertificateMissing,
    /// The certificate is another credential's already.
    #[error("the certificate is credential `{0}` already; revoke that one first")]
    CertificateTaken(CredentialId),
    /// There is no secret to replace.
    #[error("`{0}` is a certificate: issue a credential for the new certificate instead")]
    NothingToReplace(CredentialId),
    /// It has enough.
    #[error("an app has {MOST_KEYS} keys at most that work; revoke one first")]
    TooMany,
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
    if wanted.kind == CredentialKind::Certificate && wanted.certificate.is_none() {
        return Err(KeyRefused::CertificateMissing);
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
        if let Some(taken) = taken(at, wanted).await? {
            return Err(KeyRefused::CertificateTaken(taken));
        }
        has_room(at, &wanted.app).await?;
        let mut issued = make(at, app.0, wanted)?;
        issued.revision = Revision(base.0.saturating_add(1));
        let changes = WriteSet {
            base: Some(base),
            expected,
            credentials: vec![issued.credential.clone()],
            events: vec![told(at, actor, EventAction::Created, &issued.credential)?],
            at: now,
            answers: Vec::from_iter(keep(&issued)?),
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
        if old.kind == CredentialKind::Certificate {
            return Err(KeyRefused::NothingToReplace(old.id));
        }
        has_room(at, which.0).await?;
        let end = now.plus_seconds(overlap_seconds);
        let wanted = KeyWanted {
            app: which.0.clone(),
            mode: old.mode,
            permissions: old.permissions.clone(),
            expires_at: None,
            kind: old.kind,
            certificate: old.certificate,
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
            answers: Vec::from_iter(keep(&issued)?),
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

/// An app has as many keys as its list can show, so that nobody fills the memory of every call
/// with keys of theirs.
async fn has_room(at: &Authority, app: &Name) -> Result<(), KeyRefused> {
    let (keys, now) = (at.store.credentials_of(app).await?, at.clock.now());
    let works =
        |key: &&Credential| key.revoked_at.is_none() && key.expires_at.is_none_or(|end| end > now);
    let working = keys.iter().filter(works).count();
    if working >= MOST_KEYS || keys.len() >= MOST_KEYS_EVER {
        return Err(KeyRefused::TooMany);
    }
    Ok(())
}

/// What stands where a hash would: a certificate is found by it, and no secret fits it.
fn certificate_mark(certificate: &[u8; 32]) -> String {
    let mut mark = "certificate:".to_owned();
    for byte in certificate {
        // Writing to a text does not fail.
        let _ = write!(mark, "{byte:02x}");
    }
    mark
}

/// The credential that the wanted certificate is already.
async fn taken(at: &Authority, wanted: &KeyWanted) -> Result<Option<CredentialId>, Unable> {
    let alone = wanted.kind == CredentialKind::Certificate;
    let Some(certificate) = wanted.certificate.filter(|_| alone) else {
        return Ok(None);
    };
    let mark = certificate_mark(&certificate);
    let known = at.store.credentials_hashed(&mark).await?;
    let mut known = known.iter().filter(|one| one.revoked_at.is_none());
    Ok(known.next().map(|one| one.id))
}

/// What is kept of a credential's secrets, and the secrets.
struct Made {
    hash: String,
    hint: String,
    signature_hash: Option<String>,
    secret: Option<Secret>,
    signature: Option<Secret>,
}

fn secrets(at: &Authority, wanted: &KeyWanted) -> Result<Made, Unable> {
    let hashed = |secret: &Secret| at.hashing.hash(secret).to_string();
    if let (CredentialKind::Certificate, Some(certificate)) = (wanted.kind, wanted.certificate) {
        let hash = certificate_mark(&certificate);
        return Ok(Made {
            hint: hint(&Secret::new(hash.clone())),
            hash,
            signature_hash: None,
            secret: None,
            signature: None,
        });
    }
    let secret = issue(IssuedFor::App(wanted.mode), &*at.entropy)?;
    let signature = match wanted.kind {
        CredentialKind::ThreeToken => Some(issue(IssuedFor::App(wanted.mode), &*at.entropy)?),
        CredentialKind::Key | CredentialKind::Certificate => None,
    };
    Ok(Made {
        hash: hashed(&secret),
        hint: hint(&secret),
        signature_hash: signature.as_ref().map(hashed),
        secret: Some(secret),
        signature,
    })
}

fn make(at: &Authority, app: AppId, wanted: &KeyWanted) -> Result<IssuedKey, Unable> {
    let made = secrets(at, wanted)?;
    let credential = Credential {
        id: CredentialId::new(&*at.clock, &*at.entropy)?,
        external_id: None,
        app,
        app_name: wanted.app.clone(),
        mode: wanted.mode,
        hash: made.hash,
        hint: made.hint,
        permissions: wanted.permissions.clone(),
        created_at: at.clock.now(),
        expires_at: wanted.expires_at,
        revoked_at: None,
        kind: wanted.kind,
        signature: made.signature_hash,
        certificate: wanted.certificate,
    };
    Ok(IssuedKey {
        credential,
        secret: made.secret,
        signature: made.signature,
        revision: Revision(0),
    })
}

/// What the event log learns of a key: whose it is and until when it works, never its hash.
pub(crate) fn told(
    at: &Authority,
    actor: &str,
    action: EventAction,
    key: &Credential,
) -> Result<store::NewEvent, Unable> {
    let detail = json!({
        "app": key.app_name,
        "mode": key.mode,
        "credential": key.kind.as_str(),
        "permissions": key.permissions,
        "expires_at": key.expires_at.map(|end| end.to_string()),
        "revoked_at": key.revoked_at.map(|end| end.to_string()),
    });
    let id = key.id.to_string();
    at.event(actor, action, (CREDENTIAL_KIND, &id), &detail)
}
