//! Names as symbols, and values by symbol.

use primitives::{Symbol, Symbols};

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
