//! Limits and their values.

use primitives::{Name, Quantity, Symbol};
use quota::Window;

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
    /// What it means that the limit does not cover a call.
    pub exhausted: Exhausted,
}

/// What it means that a limit does not cover a call (J-5).
///
/// So far every meaning refuses the call and differs in what the caller is told besides: such a
/// one is a variant here and one of [`crate::Offer`]. A meaning that lets the call pass on other
/// terms is a variant here too, answered where the gate holds the call against the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Exhausted {
    /// The call is refused, and that is all.
    #[default]
    Refuse,
    /// The account acted for is offered this plan, under which the limit is higher.
    OfferPlan(Symbol),
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
    /// The capability: everybody's calls of it together.
    Capability,
}

impl LimitScope {
    /// The word of state files for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Developer => "developer",
            Self::App => "app",
            Self::Account => "account",
            Self::Credential => "key",
            Self::Capability => "capability",
        }
    }
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

impl LimitValue {
    /// Whether it covers something that `other` does not, in one currency at least.
    #[must_use]
    pub fn is_above(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Unlimited) => false,
            // A value for every currency covers the currencies that are not listed, too.
            (Self::Unlimited, _) | (Self::AtMost(_), Self::ByCurrency(_)) => true,
            (Self::AtMost(most), Self::AtMost(other)) => most > other,
            (Self::ByCurrency(values), Self::AtMost(other)) => {
                values.iter().any(|(_, most)| most > other)
            }
            (Self::ByCurrency(values), Self::ByCurrency(others)) => {
                values.iter().any(|(currency, most)| {
                    let other = others.iter().find(|(listed, _)| listed == currency);
                    other.is_none_or(|(_, other)| most > other)
                })
            }
        }
    }
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
