use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use catalog::{Api, Operation};
use primitives::{
    AccountId, AppId, Country, CredentialId, Mode, Name, Quantity, Symbol, SymbolSet, Symbols,
};
use quota::Window;

/// The symbol tables, one a kind. Shared by every snapshot of a process.
#[derive(Debug, Default)]
pub struct Vocabulary {
    /// APIs.
    pub apis: Symbols,
    /// Capabilities, aliases included (an alias has the symbol of its capability's name only).
    pub capabilities: Symbols,
    /// Ladders of levels.
    pub ladders: Symbols,
    /// Levels, as `ladder/level`.
    pub levels: Symbols,
    /// Policies.
    pub policies: Symbols,
    /// Limits.
    pub limits: Symbols,
    /// Regions.
    pub regions: Symbols,
    /// Allow and deny lists.
    pub lists: Symbols,
    /// Account plans.
    pub plans: Symbols,
    /// Permission profiles.
    pub profiles: Symbols,
}

/// Values by symbol, dense.
#[derive(Clone, Debug)]
pub struct SymbolMap<T>(Vec<Option<T>>);

impl<T> Default for SymbolMap<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> SymbolMap<T> {
    /// The value of `symbol`.
    #[must_use]
    pub fn get(&self, symbol: Symbol) -> Option<&T> {
        self.0.get(symbol.index())?.as_ref()
    }

    /// Sets the value of `symbol`.
    pub fn insert(&mut self, symbol: Symbol, value: T) {
        if self.0.len() <= symbol.index() {
            self.0.resize_with(symbol.index() + 1, || None);
        }
        if let Some(slot) = self.0.get_mut(symbol.index()) {
            *slot = Some(value);
        }
    }

    /// All values with their symbols, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (Symbol, &T)> {
        (0_u32..)
            .zip(&self.0)
            .filter_map(|(i, value)| Some((Symbol(i), value.as_ref()?)))
    }
}

/// Everything of the provider's set-up that a decision reads. Immutable once built.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// Names.
    pub vocabulary: Arc<Vocabulary>,
    /// APIs with their operations.
    pub apis: SymbolMap<Api>,
    /// Capabilities.
    pub capabilities: SymbolMap<Capability>,
    /// Ladders.
    pub ladders: SymbolMap<Ladder>,
    /// Limits.
    pub limits: SymbolMap<Limit>,
    /// Regions.
    pub regions: SymbolMap<Region>,
    /// Lists.
    pub lists: SymbolMap<List>,
    /// Account plans.
    pub plans: SymbolMap<Plan>,
    /// Derived: what a capability must look at, so that a call does not search.
    pub index: CatalogueIndex,
}

/// Derived from a catalogue when it is built.
#[derive(Debug, Default)]
pub struct CatalogueIndex {
    /// The limits of each capability; the API-wide ones stand in [`Self::api_limits`].
    pub capability_limits: SymbolMap<Vec<Symbol>>,
    /// The limits that hold for every call of an API.
    pub api_limits: SymbolMap<Vec<Symbol>>,
    /// The lists that concern each capability.
    pub capability_lists: SymbolMap<Vec<Symbol>>,
    /// The lists that concern every call of an API.
    pub api_lists: SymbolMap<Vec<Symbol>>,
}

/// A ladder of levels, the lowest first.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    /// In ascending rank.
    pub levels: Vec<Level>,
}

impl Ladder {
    /// The rank of a level, 0 the lowest; `None` when the ladder does not have it.
    #[must_use]
    pub fn rank(&self, level: Symbol) -> Option<usize> {
        self.levels.iter().position(|step| step.symbol == level)
    }

    /// Whether standing on one rank means belonging to the level of another: that or higher,
    /// or exactly that when it is marked so.
    #[must_use]
    pub fn belongs(&self, stand: usize, wanted: usize) -> bool {
        match self.levels.get(wanted) {
            None => false,
            Some(level) if level.exact => stand == wanted,
            Some(_) => stand >= wanted,
        }
    }

    /// Every level that a developer with this assigned level (the lowest, if none) belongs to.
    pub fn held(&self, assigned: Option<Symbol>) -> impl Iterator<Item = &Level> {
        let stand = assigned.map_or(Some(0), |level| self.rank(level));
        let ranked = self.levels.iter().enumerate();
        ranked.filter_map(move |(wanted, level)| self.belongs(stand?, wanted).then_some(level))
    }
}

/// An access level.
#[derive(Clone, Debug)]
pub struct Level {
    /// `ladder/level`.
    pub symbol: Symbol,
    /// Its name within the ladder.
    pub name: Name,
    /// "Belongs to it" means exactly it, not it or higher.
    pub exact: bool,
}

/// A functional capability. It is open to a developer when one of its ways in is (level,
/// business-unit grant, switch); one without any way in is open to nobody.
#[derive(Clone, Debug)]
pub struct Capability {
    /// Its symbol.
    pub symbol: Symbol,
    /// Its name.
    pub name: Name,
    /// The levels it belongs to, one a ladder: (ladder, level).
    pub levels: Vec<(Symbol, Symbol)>,
    /// The business unit that may grant it without vetting.
    pub business_unit: Option<Name>,
    /// Tied to no level, off by default, may be switched on (P-64).
    pub non_risk: bool,
    /// The policy that must permit; none means true.
    pub policy: Option<Symbol>,
    /// Where it may be used; all rules must hold.
    pub geography: Vec<GeoRule>,
}

/// A location rule: the place named must be known and in one of the regions.
#[derive(Clone, Debug)]
pub struct GeoRule {
    /// Whose place.
    pub subject: GeoSubject,
    /// The regions switched on.
    pub regions: Vec<Symbol>,
}

/// Whose place a location rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GeoSubject {
    /// The developer's registered country.
    CallerHome,
    /// Where the call's address is.
    CallerNow,
    /// The registered country of the account acted for.
    UserHome,
    /// The fact called `target`.
    Target,
}

/// A set of countries the provider defines.
#[derive(Clone, Debug, Default)]
pub struct Region {
    /// Its members, sorted.
    pub countries: Vec<Country>,
}

/// An allow or deny list.
#[derive(Clone, Debug)]
pub struct List {
    /// What being on it means. With an allow list, being on none that concerns the call refuses.
    pub effect: ListEffect,
    /// Who is on it.
    pub subject: ListSubject,
}

/// What being on a list means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListEffect {
    /// Members pass, all others are refused.
    Allow,
    /// Members are refused.
    Deny,
}

/// The members of a list.
#[derive(Clone, Debug)]
pub enum ListSubject {
    /// Developer accounts, sorted.
    Developers(Vec<AccountId>),
    /// Apps, sorted.
    Apps(Vec<AppId>),
    /// Accounts acted for, sorted.
    Accounts(Vec<AccountId>),
    /// Address ranges of callers: (first, last) as IPv6-mapped numbers, sorted, none touching
    /// another; [`Self::networks`] makes them so.
    Networks(Vec<(u128, u128)>),
}

impl ListSubject {
    /// Address ranges in any order, overlapping or not.
    #[must_use]
    pub fn networks(mut ranges: Vec<(u128, u128)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        Self::Networks(merged)
    }
}

/// A limit (P-46): refines capabilities, or a whole API.
#[derive(Clone, Debug)]
pub struct Limit {
    /// Its symbol.
    pub symbol: Symbol,
    /// Its name.
    pub name: Name,
    /// First 8 bytes of SHA-256 of the name: the counter's stable identity.
    pub stable: u64,
    /// What is limited.
    pub kind: LimitKind,
    /// The value where nothing else is set.
    pub default: LimitValue,
    /// Values by level (symbols of `ladder/level`). A level without one has that of the
    /// nearest level below that has one; the value of an `exact` level is its own only.
    pub by_level: Vec<(Symbol, LimitValue)>,
}

/// What a limit bounds.
#[derive(Clone, Debug)]
pub enum LimitKind {
    /// A fact of the call must not exceed the value. An absent fact refuses.
    Numeric {
        /// The fact's name.
        fact: Name,
        /// The fact that names the currency; the value must then be one of that currency.
        currency: Option<Name>,
    },
    /// A counter must not exceed the value within a window.
    Counted {
        /// How long it counts.
        window: Window,
        /// Who counts.
        scope: LimitScope,
        /// A fact that keys the counter, such as an agreement's id.
        key: Option<Name>,
        /// A fact that is the cost; 1 without one.
        cost: Option<Name>,
    },
}

/// Whose counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitScope {
    /// The developer account.
    Developer,
    /// The app.
    App,
    /// The account acted for.
    Account,
    /// The credential.
    Credential,
}

/// The value of a limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LimitValue {
    /// No bound.
    Unlimited,
    /// At most this, in whatever currency.
    AtMost(Quantity),
    /// At most this, by ISO 4217 currency; a currency not listed is refused.
    ByCurrency(Vec<(String, Quantity)>),
}

/// A named profile with limits that the operator assigns to accounts.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name.
    pub name: Name,
    /// What it opens; everything if `None`.
    pub profile: Option<Arc<Profile>>,
    /// Its limits; the smallest wins.
    pub limits: Arc<Overrides>,
}

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

/// Edited limits, sorted by symbol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Overrides(pub Vec<(Symbol, LimitValue)>);

impl Overrides {
    /// The edited value of `limit`.
    #[must_use]
    pub fn get(&self, limit: Symbol) -> Option<&LimitValue> {
        let at = self
            .0
            .binary_search_by_key(&limit, |(symbol, _)| *symbol)
            .ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// Sets the edited value of `limit`, keeping the order.
    pub fn set(&mut self, limit: Symbol, value: LimitValue) {
        let at = self.0.partition_point(|(symbol, _)| *symbol < limit);
        match self.0.get_mut(at) {
            Some((symbol, edited)) if *symbol == limit => *edited = value,
            _ => self.0.insert(at, (limit, value)),
        }
    }
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
