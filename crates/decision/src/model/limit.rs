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
