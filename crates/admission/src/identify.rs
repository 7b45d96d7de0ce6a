use std::{fmt, hash::Hasher as _};

use decision::{Account, App, Profile};
use keys::{HashedSecret, HashingKey, IssuedFor, read_issued};
use primitives::{CredentialId, Mode, Secret, Timestamp};
use quick_cache::sync::Cache;
use siphasher::sip128::{Hasher128 as _, SipHasher24};
use snapshot::{Credential, Snapshot};

use crate::Presented;

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
        let recognised = before.credential(id).and_then(Credential::hash);
        if known.hash() != recognised {
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
        }
    }

    pub(crate) fn identify<'s>(
        &self,
        snapshot: &'s Snapshot,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<Identified<'s>, Unidentified> {
        let (user, password) = match presented {
            Presented::Basic { user, password } => (user, password),
            Presented::Nothing => return Err(Unidentified::Missing),
            Presented::Malformed => return Err(Unidentified::Malformed),
        };
        // The check sum first: a mistyped secret costs no look-up and no hash.
        let issued_for = read_issued(password.expose()).map_err(|_| Unidentified::Malformed)?;
        let credential = user
            .parse::<CredentialId>()
            .ok()
            .and_then(|id| snapshot.credential(id))
            .or_else(|| snapshot.credential_by_external_id(user))
            .ok_or(Unidentified::Unknown)?;
        let right_kind = issued_for.is_none_or(|whom| whom == IssuedFor::App(credential.mode()));
        if !right_kind || !self.fits(credential, password) {
            return Err(Unidentified::Unknown);
        }
        Identified::now(snapshot, credential, now)
    }

    /// Whether the secret fits the stored hash, compared in constant time by `keys` or known
    /// from an earlier call.
    fn fits(&self, credential: &Credential, password: &Secret) -> bool {
        let Some(stored) = credential.hash() else {
            return false;
        };
        let fingerprint = self.fingerprint(credential, stored, password);
        if self.verified.get(&fingerprint).is_some() {
            return true;
        }
        let fits = stored.matches(password.expose(), &self.hashing);
        if fits {
            self.verified.insert(fingerprint, ());
        }
        fits
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
