//! Who calls, for whom, from where, and what they hold.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use catalog::{AccountCredentials, Api, Operation};
use primitives::{AccountId, AppId, Country, CredentialId, Mode, Name, Symbol, SymbolSet};

use crate::{GeoRule, Overrides};

/// A permission profile: what may be used at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Profile {
    /// Its name, when it is a named one.
    pub name: Option<Name>,
    /// The capabilities it opens.
    pub capabilities: SymbolSet,
}

/// The toggles of a developer (or, narrowing only, of an app).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Switches {
    /// Switched off at every level (P-38).
    pub off: SymbolSet,
    /// Granted by a business unit (P-40).
    pub business_unit: SymbolSet,
    /// Non-risk capabilities switched on (P-64).
    pub on: SymbolSet,
}

/// A declared property of an account, for policies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// A set of texts.
    Texts(Vec<String>),
}

/// The declared properties of an account. Shared by all accounts that have the same.
pub type Attributes = BTreeMap<Name, Attribute>;

/// An account as a decision sees it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name in state files.
    pub name: Name,
    /// Whether it is verified; an unverified one has nothing.
    pub verified: bool,
    /// Registered country.
    pub home: Option<Country>,
    /// Its plan.
    pub plan: Option<Symbol>,
    /// Its properties.
    pub attributes: Arc<Attributes>,
    /// The upstream's own ids, by API name (`telephony` → `AC…`).
    pub external_ids: Arc<BTreeMap<Name, String>>,
    /// What upstreams want for this account, by API name.
    pub upstream_credentials: Arc<BTreeMap<Name, AccountCredentials>>,
    /// Set when it is a developer account.
    pub developer: Option<Arc<Developer>>,
}

/// What makes an account a developer's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Developer {
    /// Assigned levels: (ladder, level). Without one, the lowest level of the ladder.
    pub levels: Vec<(Symbol, Symbol)>,
    /// Toggles.
    pub switches: Arc<Switches>,
    /// Developer profile (C-76); everything if `None`.
    pub profile: Option<Arc<Profile>>,
    /// Edited limits.
    pub limits: Arc<Overrides>,
    /// Where it may use a capability, beside where anybody may (P-65). By ascending capability.
    pub geography: Vec<(Symbol, Vec<GeoRule>)>,
}

impl Developer {
    /// The location rules of its own for a capability.
    #[must_use]
    pub fn geography_of(&self, capability: Symbol) -> &[GeoRule] {
        let at = self
            .geography
            .binary_search_by_key(&capability, |(of, _)| *of);
        at.ok()
            .and_then(|at| self.geography.get(at))
            .map(|(_, rules)| rules.as_slice())
            .unwrap_or_default()
    }
}

/// An app as a decision sees it.
#[derive(Clone, Debug)]
pub struct App {
    /// Internal identifier (P-17).
    pub id: AppId,
    /// External identifier: its name.
    pub name: Name,
    /// Whose it is.
    pub developer: AccountId,
    /// The account it acts for when a call names none.
    pub account: Option<AccountId>,
    /// Whether it may call at all.
    pub active: bool,
    /// The provider's own traffic: identified, metered, passes every gate.
    pub provider: bool,
    /// The APIs it is subscribed to.
    pub subscriptions: Arc<SymbolSet>,
    /// Capabilities switched off for this app; it can only narrow.
    pub off: Arc<SymbolSet>,
    /// App profile; everything if `None`.
    pub profile: Option<Arc<Profile>>,
    /// Edited limits; they can only narrow.
    pub limits: Arc<Overrides>,
}

/// Who calls.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The credential presented.
    pub credential: CredentialId,
    /// Its permission set (C-46c); everything if `None`.
    pub permissions: Option<&'a Profile>,
    /// Its mode.
    pub mode: Mode,
    /// The app.
    pub app: &'a App,
    /// The developer's account; its `developer` part is set.
    pub developer: &'a Account,
    /// The account acted for.
    pub account: Option<&'a Account>,
}

/// Where a call comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Places {
    /// The caller's address.
    pub address: Option<IpAddr>,
    /// The country of that address, when known.
    pub now: Option<Country>,
}

/// One call to be decided.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The API.
    pub api: &'a Api,
    /// The operation.
    pub operation: &'a Operation,
    /// Who calls.
    pub caller: Caller<'a>,
    /// From where.
    pub places: Places,
}
