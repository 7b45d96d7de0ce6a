use std::{fmt, hash::Hasher as _};

use decision::{Account, App, Profile};
use keys::{HashedSecret, HashingKey, IssuedFor, read_issued};
use primitives::{CredentialId, Mode, Secret, Timestamp};
use quick_cache::sync::Cache;
use siphasher::sip128::{Hasher128 as _, SipHasher24};
use snapshot::{Credential, CredentialKind, Snapshot};

use crate::{ClientCertificate, Presented};

mod tries;

use tries::Tries;

/// How many verified credentials are remembered.
const REMEMBERED: usize = 65_536;

/// Who calls, as the snapshot knows them.
#[derive(Clone, Copy, Debug)]
pub struct Identified<'s> {
    /// The key that was presented.
    pub credential: &'s Credential,
    /// The app it belongs to.
    pub app: &'s App,
    /// The app's developer.
    pub developer: &'s Account,
}

impl<'s> Identified<'s> {
    /// Whose key it is; `None` when the app or its developer is gone.
    pub(crate) fn of(snapshot: &'s Snapshot, credential: &'s Credential) -> Option<Self> {
        let app = snapshot.app(credential.app())?;
        Some(Self {
            credential,
            app,
            developer: snapshot.account(app.developer)?,
        })
    }

    /// The same, if the key is neither revoked nor expired.
    fn now(
        snapshot: &'s Snapshot,
        credential: &'s Credential,
        now: Timestamp,
    ) -> Result<Self, Unidentified> {
        if credential.is_revoked(now) {
            return Err(Unidentified::Revoked);
        }
        if credential.is_expired(now) {
            return Err(Unidentified::Expired);
        }
        Self::of(snapshot, credential).ok_or(Unidentified::Unknown)
    }

    /// Whether a key that was recognised in `before` is still that one, and still good, in
    /// `newest`.
    pub(crate) fn again(
        (before, newest): (&Snapshot, &Snapshot),
        id: CredentialId,
        now: Timestamp,
    ) -> Result<(), Unidentified> {
        let known = newest.credential(id).ok_or(Unidentified::Unknown)?;
        let recognised = before.credential(id);
        if !recognised.is_some_and(|before| known.is_shown_like(before)) {
            return Err(Unidentified::Unknown);
        }
        Identified::now(newest, known, now).map(drop)
    }

    /// The mode of everything the caller does.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.credential.mode()
    }

    /// The permission set of the key; everything if `None`.
    #[must_use]
    pub fn permissions(&self) -> Option<&'s Profile> {
        self.credential.permissions()
    }
}

/// Why a caller is not recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unidentified {
    /// Nothing was presented.
    #[error("the call carries no credential: send the app's key id and secret by HTTP Basic")]
    Missing,
    /// What was presented cannot be a credential.
    #[error("the credential cannot be read: send key id and secret by HTTP Basic, unchanged")]
    Malformed,
    /// No key has this id and secret. Which of the two is wrong is not told.
    #[error("no key has this id and secret")]
    Unknown,
    /// The key has ended.
    #[error("the key has expired: use the one that replaced it")]
    Expired,
    /// The key was revoked.
    #[error("the key was revoked: issue a new one")]
    Revoked,
    /// It is bound to a certificate that the connection does not show, or not any more.
    #[error(
        "the credential is bound to a client certificate: connect with that one, while it is valid"
    )]
    Certificate,
    /// Wrong secrets were tried too often.
    #[error("this key was tried with wrong secrets too often: wait a minute")]
    TriedTooOften,
}

impl Unidentified {
    /// The public code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "credential_missing",
            Self::Malformed => "credential_malformed",
            Self::Unknown => "credential_unknown",
            Self::Expired => "credential_expired",
            Self::Revoked => "credential_revoked",
            Self::Certificate => "credential_certificate",
            Self::TriedTooOften => "credential_tried_too_often",
        }
    }
}

/// Recognises callers, and remembers whom it has recognised.
///
/// What is remembered is that a secret fits a stored hash, never that its key is valid: expiry
/// and revocation are looked up in the snapshot for each call, and a key with another hash is
/// another entry.
pub(crate) struct Recogniser {
    hashing: HashingKey,
    fingerprints: SipHasher24,
    verified: Cache<u128, ()>,
    tries: Tries,
}

impl fmt::Debug for Recogniser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recogniser({} remembered)", self.verified.len())
    }
}

impl Recogniser {
    pub(crate) fn new(hashing: HashingKey) -> Self {
        let [key, _] = split(hashing.fingerprint(&[b"recogniser"]));
        Self {
            hashing,
            fingerprints: SipHasher24::new_with_key(&key),
            verified: Cache::new(REMEMBERED),
            tries: Tries::default(),
        }
    }

    pub(crate) fn identify<'s>(
        &self,
        snapshot: &'s Snapshot,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<Identified<'s>, Unidentified> {
        let (user, parts, certificate) = match presented {
            Presented::Basic {
                user,
                password,
                certificate,
            } => (user, Parts::Key(password), certificate.as_ref()),
            Presented::ThreeTokens {
                user,
                password,
                signature,
                certificate,
            } => (
                user,
                Parts::Three(password, signature),
                certificate.as_ref(),
            ),
            Presented::Certificate(shown) => return certified(snapshot, shown, now),
            Presented::Nothing => return Err(Unidentified::Missing),
            Presented::Malformed => return Err(Unidentified::Malformed),
        };
        let issued_for = parts.issued_for()?;
        let credential = user
            .parse::<CredentialId>()
            .ok()
            .and_then(|id| snapshot.credential(id))
            .or_else(|| snapshot.credential_by_external_id(user))
            .ok_or(Unidentified::Unknown)?;
        let right_kind = credential.kind() == parts.kind()
            && issued_for
                .into_iter()
                .flatten()
                .all(|whom| whom == IssuedFor::App(credential.mode()));
        if !right_kind || !self.fits(credential, &parts, now)? {
            return Err(Unidentified::Unknown);
        }
        let identified = Identified::now(snapshot, credential, now)?;
        match credential.certificate() {
            None => Ok(identified),
            Some(bound) => certificate
                .filter(|shown| shown.fingerprint == *bound && shown.is_valid(now))
                .map(|_| identified)
                .ok_or(Unidentified::Certificate),
        }
    }

    /// Whether every part fits its stored hash.
    fn fits(
        &self,
        credential: &Credential,
        parts: &Parts<'_>,
        now: Timestamp,
    ) -> Result<bool, Unidentified> {
        match parts {
            Parts::Key(password) => self.fits_one(credential, (credential.hash(), password), now),
            Parts::Three(password, signature) => {
                // Both, always: how long it takes does not tell which of them is wrong.
                let password = self.fits_one(credential, (credential.hash(), password), now)?;
                let stored = credential.signature();
                let signature = self.fits_one(credential, (stored, signature), now)?;
                Ok(password & signature)
            }
        }
    }

    /// Whether a secret fits a stored hash, compared in constant time by `keys` or known from an
    /// earlier call.
    fn fits_one(
        &self,
        credential: &Credential,
        (stored, secret): (Option<&HashedSecret>, &Secret),
        now: Timestamp,
    ) -> Result<bool, Unidentified> {
        let Some(stored) = stored else {
            return Ok(false);
        };
        let fingerprint = self.fingerprint(credential, stored, secret);
        if self.verified.get(&fingerprint).is_some() {
            return Ok(true);
        }
        // Nobody guesses 256 random bits, and nobody may shut their owner out by trying.
        let guessable = !stored.is_issued_here();
        if guessable && !self.tries.take(credential.id(), now) {
            return Err(Unidentified::TriedTooOften);
        }
        let fits = stored.matches(secret.expose(), &self.hashing);
        if fits {
            self.verified.insert(fingerprint, ());
            if guessable {
                self.tries.forget(credential.id());
            }
        }
        Ok(fits)
    }

    /// SipHash-2-4 with 128 bits over id, scheme, salt, stored hash and secret, under a key that
    /// nobody outside knows. All but salt and secret are of one length; the salt's stands before
    /// it. It stands for a comparison that was made before, so it is keyed and wide; a slower
    /// hash would be paid for at every call.
    fn fingerprint(
        &self,
        credential: &Credential,
        stored: &HashedSecret,
        password: &Secret,
    ) -> u128 {
        let (scheme, salt, hash): (u8, &[u8], &[u8; 32]) = match stored {
            HashedSecret::Keyed(hash) => (0, &[], hash),
            HashedSecret::Plain(hash) => (1, &[], hash),
            HashedSecret::Salted(salt, hash) => (2, salt, hash),
        };
        let mut hasher = self.fingerprints;
        hasher.write(&credential.id().as_u128().to_le_bytes());
        hasher.write(hash);
        hasher.write(&[scheme]);
        hasher.write(&(salt.len() as u64).to_le_bytes());
        hasher.write(salt);
        hasher.write(password.expose().as_bytes());
        hasher.finish128().as_u128()
    }
}

/// The secrets that a request carries.
enum Parts<'a> {
    Key(&'a Secret),
    Three(&'a Secret, &'a Secret),
}

impl Parts<'_> {
    const fn kind(&self) -> CredentialKind {
        match self {
            Self::Key(_) => CredentialKind::Key,
            Self::Three(..) => CredentialKind::ThreeToken,
        }
    }

    /// Whom they claim to have been issued for. The check sum comes first: a mistyped secret
    /// costs no look-up and no hash.
    fn issued_for(&self) -> Result<[Option<IssuedFor>; 2], Unidentified> {
        let read =
            |secret: &Secret| read_issued(secret.expose()).map_err(|_| Unidentified::Malformed);
        Ok(match self {
            Self::Key(secret) => [read(secret)?, None],
            Self::Three(password, signature) => [read(password)?, read(signature)?],
        })
    }
}

/// Whom a certificate opens alone.
fn certified<'s>(
    snapshot: &'s Snapshot,
    shown: &ClientCertificate,
    now: Timestamp,
) -> Result<Identified<'s>, Unidentified> {
    let credential = snapshot.credential_by_certificate(&shown.fingerprint);
    let credential = credential.ok_or(Unidentified::Unknown)?;
    if !shown.is_valid(now) {
        return Err(Unidentified::Certificate);
    }
    Identified::now(snapshot, credential, now)
}

/// The two halves of a hash.
fn split(hash: [u8; 32]) -> [[u8; 16]; 2] {
    let mut halves = [[0; 16]; 2];
    for (to, from) in halves.as_flattened_mut().iter_mut().zip(hash) {
        *to = from;
    }
    halves
}

#[cfg(test)]
mod tests;
