//! The provider's set-up, as a decision reads it.

use std::sync::Arc;

use catalog::Api;
use primitives::{AccountId, AppId, Country, Name, Symbol};

use crate::{Limit, Overrides, Profile, SymbolMap, Vocabulary};

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

impl Catalogue {
    /// How surely a call that uses these capabilities is written down first: strictly if one of
    /// them says so, and as `otherwise` says where they say nothing.
    #[must_use]
    pub fn admission(
        &self,
        used: impl IntoIterator<Item = Symbol>,
        otherwise: Admission,
    ) -> Admission {
        let said = |symbol| self.capabilities.get(symbol)?.admission;
        let wanted = used.into_iter();
        wanted
            .map(|symbol| said(symbol).unwrap_or(otherwise))
            .max()
            .unwrap_or(otherwise)
    }
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
    /// How surely a call that uses it is written down first; `None` leaves it to the
    /// installation.
    pub admission: Option<Admission>,
}

/// How surely a call is written down before it is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Admission {
    /// The operating system has it, the disk soon after.
    Relaxed,
    /// The disk has it.
    Strict,
}

/// A location rule: the place named must be known and in one of the regions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

/// A named profile with limits that the operator assigns to accounts.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name.
    pub name: Name,
    /// What people call it.
    pub title: Option<String>,
    /// What it opens; everything if `None`.
    pub profile: Option<Arc<Profile>>,
    /// Its limits; the smallest wins.
    pub limits: Arc<Overrides>,
}
