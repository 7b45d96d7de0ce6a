use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

/// A name as a small dense number, valid within one [`Symbols`] table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub u32);

impl Symbol {
    /// The number as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// An append-only table of names: a symbol, once given, means the same name for ever,
/// so values compiled at different times can be mixed.
#[derive(Debug, Default)]
pub struct Symbols(RwLock<Table>);

#[derive(Debug, Default)]
struct Table {
    by_name: HashMap<Arc<str>, Symbol>,
    names: Vec<Arc<str>>,
}

impl Symbols {
    /// The symbol of `name`, made if there is none yet.
    pub fn intern(&self, name: &str) -> Symbol {
        if let Some(symbol) = self.get(name) {
            return symbol;
        }
        let mut table = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(&symbol) = table.by_name.get(name) {
            return symbol;
        }
        let symbol = Symbol(u32::try_from(table.names.len()).unwrap_or(u32::MAX));
        let name: Arc<str> = name.into();
        table.names.push(Arc::clone(&name));
        table.by_name.insert(name, symbol);
        symbol
    }

    /// The symbol of `name`, if there is one.
    pub fn get(&self, name: &str) -> Option<Symbol> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .by_name
            .get(name)
            .copied()
    }

    /// The name of `symbol`; `?` for one of another table.
    pub fn name(&self, symbol: Symbol) -> Arc<str> {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        table
            .names
            .get(symbol.index())
            .cloned()
            .unwrap_or_else(|| "?".into())
    }
}

/// A set of symbols of one table, as bits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SymbolSet(Vec<u64>);

impl SymbolSet {
    /// Whether `symbol` is in the set.
    #[must_use]
    pub fn contains(&self, symbol: Symbol) -> bool {
        self.0
            .get(symbol.index() / 64)
            .is_some_and(|word| word >> (symbol.0 % 64) & 1 == 1)
    }

    /// Adds `symbol`.
    pub fn insert(&mut self, symbol: Symbol) {
        let word = symbol.index() / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << (symbol.0 % 64);
        }
    }

    /// Takes `symbol` out.
    pub fn remove(&mut self, symbol: Symbol) {
        if let Some(word) = self.0.get_mut(symbol.index() / 64) {
            *word &= !(1 << (symbol.0 % 64));
        }
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    /// The members, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Symbol> + '_ {
        (0_u32..).zip(&self.0).flat_map(|(i, &word)| {
            (0..64)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| Symbol(i * 64 + bit))
        })
    }
}

impl FromIterator<Symbol> for SymbolSet {
    fn from_iter<I: IntoIterator<Item = Symbol>>(symbols: I) -> Self {
        let mut set = Self::default();
        symbols.into_iter().for_each(|symbol| set.insert(symbol));
        set
    }
}
