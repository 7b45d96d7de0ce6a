use std::sync::Arc;

use catalog::ApiRoutes;
use decision::{Account, App, Catalogue, Profile, Vocabulary};
use parking_lot::Mutex;
use primitives::{AccountId, AppId, CredentialId, Revision, Symbol};
use state::{Members, Setup, Sharing, Source};
use store::CredentialKind;

use crate::{
    Credential, Mounted,
    mounts::Mounts,
    shards::{Keyed, Shards},
};

/// Everything a decision reads, at one revision. Immutable, and cheap to keep.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) revision: Revision,
    pub(crate) setup: Arc<Setup>,
    /// What the set-up was compiled from, so that a change of it needs only the change.
    pub(crate) source: Arc<Source>,
    pub(crate) mounts: Arc<Mounts>,
    pub(crate) accounts: Shards<Arc<Account>>,
    pub(crate) account_names: Shards<ByName<Account>>,
    pub(crate) apps: Shards<Arc<App>>,
    pub(crate) app_names: Shards<ByName<App>>,
    pub(crate) credentials: Shards<Arc<Credential>>,
    pub(crate) external_credentials: Shards<ExternalCredential>,
    pub(crate) certified_credentials: Shards<CertifiedCredential>,
    /// Equal parts of accounts and apps; locked only while a snapshot is built.
    pub(crate) sharing: Arc<Mutex<Sharing>>,
}

impl Members for Snapshot {
    fn account_id(&self, name: &str) -> Option<AccountId> {
        self.account_named(name).map(|account| account.id)
    }

    fn app_id(&self, name: &str) -> Option<AppId> {
        self.app_named(name).map(|app| app.id)
    }
}

impl Keyed for Arc<Account> {
    type Key = AccountId;
    fn key(&self) -> &AccountId {
        &self.id
    }
}

impl Keyed for Arc<App> {
    type Key = AppId;
    fn key(&self) -> &AppId {
        &self.id
    }
}

impl Keyed for Arc<Credential> {
    type Key = CredentialId;
    fn key(&self) -> &CredentialId {
        self.id_ref()
    }
}

/// The same thing, found by its name.
#[derive(Debug)]
pub(crate) struct ByName<T>(pub(crate) Arc<T>);

impl<T> Clone for ByName<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Keyed for ByName<Account> {
    type Key = str;
    fn key(&self) -> &str {
        self.0.name.as_str()
    }
}

impl Keyed for ByName<App> {
    type Key = str;
    fn key(&self) -> &str {
        self.0.name.as_str()
    }
}

/// A credential found by the id it had before the move here.
#[derive(Clone, Debug)]
pub(crate) struct ExternalCredential {
    pub(crate) external_id: Arc<str>,
    pub(crate) credential: Arc<Credential>,
}

impl Keyed for ExternalCredential {
    type Key = str;
    fn key(&self) -> &str {
        &self.external_id
    }
}

/// A credential found by its certificate alone.
#[derive(Clone, Debug)]
pub(crate) struct CertifiedCredential {
    pub(crate) certificate: [u8; 32],
    pub(crate) credential: Arc<Credential>,
}

impl Keyed for CertifiedCredential {
    type Key = [u8; 32];
    fn key(&self) -> &[u8; 32] {
        &self.certificate
    }
}

impl CertifiedCredential {
    /// Where a certificate alone opens it.
    pub(crate) fn of(credential: &Arc<Credential>) -> Option<Self> {
        let alone = credential.kind() == CredentialKind::Certificate;
        let certificate = *credential.certificate().filter(|_| alone)?;
        Some(Self {
            certificate,
            credential: Arc::clone(credential),
        })
    }

    /// Whether it stays when `other` has the same certificate: one that was revoked gives way.
    pub(crate) fn stays(&self, other: &Credential) -> bool {
        let (mine, others) = (&self.credential, other);
        let order = |one: &Credential| (one.revoked_at().is_none(), one.id());
        mine.id() != others.id() && order(mine) > order(others)
    }
}

impl Snapshot {
    /// A snapshot of nothing, at revision 0.
    #[must_use]
    pub fn empty(vocabulary: Arc<Vocabulary>) -> Self {
        Self {
            revision: Revision(0),
            setup: Arc::new(Setup {
                catalogue: Arc::new(Catalogue {
                    vocabulary,
                    ..Catalogue::default()
                }),
                ..Setup::default()
            }),
            source: Arc::default(),
            mounts: Arc::default(),
            accounts: Shards::default(),
            account_names: Shards::default(),
            apps: Shards::default(),
            app_names: Shards::default(),
            credentials: Shards::default(),
            external_credentials: Shards::default(),
            certified_credentials: Shards::default(),
            sharing: Arc::default(),
        }
    }

    /// The revision it shows.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.revision
    }

    /// What decisions read of the provider's set-up.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.setup.catalogue
    }

    /// The provider's set-up: the catalogue, and what stands around it (settings, declared
    /// properties, profiles by symbol, spellings of capabilities).
    #[must_use]
    pub const fn setup(&self) -> &Arc<Setup> {
        &self.setup
    }

    /// How calls of an API are found and read.
    #[must_use]
    pub fn routes(&self, api: Symbol) -> Option<&ApiRoutes> {
        self.setup.routes.get(api).map(|routes| &**routes)
    }

    /// The permission profile with this name.
    #[must_use]
    pub fn profile_named(&self, name: &str) -> Option<&Arc<Profile>> {
        let symbol = self.vocabulary().profiles.get(name)?;
        self.setup.profiles.get(symbol)
    }

    /// The names behind the symbols, shared by all snapshots of the process.
    #[must_use]
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.setup.catalogue.vocabulary
    }

    /// The app with this id.
    #[must_use]
    pub fn app(&self, id: AppId) -> Option<&App> {
        self.apps.get(&id).map(|app| &**app)
    }

    /// The app with this name.
    #[must_use]
    pub fn app_named(&self, name: &str) -> Option<&App> {
        self.app_names.get(name).map(|found| &*found.0)
    }

    /// All apps, in no order.
    pub fn apps(&self) -> impl Iterator<Item = &App> {
        self.apps.iter().map(|app| &**app)
    }

    /// How many apps there are.
    #[must_use]
    pub fn app_count(&self) -> usize {
        self.apps.len()
    }

    /// The account with this id.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id).map(|account| &**account)
    }

    /// The account with this name.
    #[must_use]
    pub fn account_named(&self, name: &str) -> Option<&Account> {
        self.account_names.get(name).map(|found| &*found.0)
    }

    /// All accounts, in no order.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter().map(|account| &**account)
    }

    /// The credential with this id, revoked or not.
    #[must_use]
    pub fn credential(&self, id: CredentialId) -> Option<&Credential> {
        self.credentials.get(&id).map(|credential| &**credential)
    }

    /// All credentials, revoked or not, in no order.
    pub fn credentials(&self) -> impl Iterator<Item = &Credential> {
        self.credentials.iter().map(|credential| &**credential)
    }

    /// How many credentials there are.
    #[must_use]
    pub fn credential_count(&self) -> usize {
        self.credentials.len()
    }

    /// The credential that had this id before the move here.
    #[must_use]
    pub fn credential_by_external_id(&self, external_id: &str) -> Option<&Credential> {
        self.external_credentials
            .get(external_id)
            .map(|found| &*found.credential)
    }

    /// The credential that a certificate with this SHA-256 opens alone.
    #[must_use]
    pub fn credential_by_certificate(&self, certificate: &[u8; 32]) -> Option<&Credential> {
        let found = self.certified_credentials.get(certificate)?;
        Some(&*found.credential)
    }

    /// The API reached by a host name (lower case, without port) or by the beginning of a
    /// canonical path. A host name wins over a path, a longer path over a shorter one.
    #[must_use]
    pub fn mounted(&self, host: Option<&str>, path: &str) -> Option<Mounted<'_>> {
        let (symbol, prefix) = self.mounts.find(host, path)?;
        let api = self.setup.catalogue.apis.get(symbol)?;
        Some(Mounted { api, prefix })
    }
}
