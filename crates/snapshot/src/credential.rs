use std::sync::Arc;

use decision::Profile;
use keys::HashedSecret;
use primitives::{AppId, CredentialId, Mode, Timestamp};
use store::CredentialKind;

/// A key of an app, as authentication needs it.
#[derive(Debug)]
pub struct Credential {
    id: CredentialId,
    app: AppId,
    /// `None` when what is stored is no hash: then no secret matches.
    hash: Option<HashedSecret>,
    permissions: Option<Arc<Profile>>,
    /// The end of time when it never expires: half the size of an `Option`.
    expires_at: Timestamp,
    /// The end of time when it is not revoked.
    revoked_at: Timestamp,
    mode: Mode,
    /// What a plain key does not have.
    more: Option<Box<More>>,
}

/// What else than a key's secret is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct More {
    kind: CredentialKind,
    signature: Option<HashedSecret>,
    certificate: Option<[u8; 32]>,
}

const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

impl Credential {
    /// From what the store keeps; `permissions` is the compiled profile it is bound to.
    #[must_use]
    pub fn new(stored: &store::Credential, permissions: Option<Arc<Profile>>) -> Self {
        Self {
            id: stored.id,
            app: stored.app,
            hash: stored.hash.parse().ok(),
            permissions,
            expires_at: stored.expires_at.unwrap_or(NEVER),
            revoked_at: stored.revoked_at.unwrap_or(NEVER),
            mode: stored.mode,
            more: More::of(stored),
        }
    }

    /// The same, bound to another version of its profile.
    pub(crate) fn with_permissions(&self, permissions: Option<Arc<Profile>>) -> Self {
        Self {
            hash: self.hash.clone(),
            more: self.more.clone(),
            permissions,
            ..*self
        }
    }

    /// Its public id.
    #[must_use]
    pub const fn id(&self) -> CredentialId {
        self.id
    }

    pub(crate) const fn id_ref(&self) -> &CredentialId {
        &self.id
    }

    /// The app it belongs to.
    #[must_use]
    pub const fn app(&self) -> AppId {
        self.app
    }

    /// Test or live.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The hash of the secret; without one no secret matches.
    #[must_use]
    pub const fn hash(&self) -> Option<&HashedSecret> {
        self.hash.as_ref()
    }

    /// How it is shown.
    #[must_use]
    pub fn kind(&self) -> CredentialKind {
        let more = self.more.as_ref();
        more.map_or(CredentialKind::Key, |more| more.kind)
    }

    /// The hash of the third token.
    #[must_use]
    pub fn signature(&self) -> Option<&HashedSecret> {
        self.more.as_ref()?.signature.as_ref()
    }

    /// SHA-256 of the certificate that is shown with it, or instead of it.
    #[must_use]
    pub fn certificate(&self) -> Option<&[u8; 32]> {
        self.more.as_ref()?.certificate.as_ref()
    }

    /// Whether the same must be shown for both.
    #[must_use]
    pub fn is_shown_like(&self, other: &Self) -> bool {
        self.hash == other.hash && self.more == other.more
    }

    /// The permission set it is bound to (C-46c); everything if `None`.
    #[must_use]
    pub fn permissions(&self) -> Option<&Profile> {
        self.permissions.as_deref()
    }

    pub(crate) const fn shared_permissions(&self) -> Option<&Arc<Profile>> {
        self.permissions.as_ref()
    }

    /// When it stops working.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        (self.expires_at != NEVER).then_some(self.expires_at)
    }

    /// When it was revoked.
    #[must_use]
    pub fn revoked_at(&self) -> Option<Timestamp> {
        (self.revoked_at != NEVER).then_some(self.revoked_at)
    }

    /// Whether it had stopped working by `now`.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// Whether it had been revoked by `now`.
    #[must_use]
    pub fn is_revoked(&self, now: Timestamp) -> bool {
        self.revoked_at <= now
    }
}

impl More {
    fn of(stored: &store::Credential) -> Option<Box<Self>> {
        let plain = stored.kind == CredentialKind::Key && stored.certificate.is_none();
        (!plain).then(|| {
            Box::new(Self {
                kind: stored.kind,
                signature: stored.signature.as_ref().and_then(|hash| hash.parse().ok()),
                certificate: stored.certificate,
            })
        })
    }
}
