use std::{
    collections::{BTreeMap, HashSet},
    hash::Hash,
    sync::Arc,
};

use catalog::AccountCredentials;
use decision::{Attributes, Developer, Overrides, Switches};
use primitives::{Name, SymbolSet};

/// Equal parts of accounts and apps, kept once. Thousands of apps have the same subscriptions
/// and the same (empty) limits; the few that differ pay for it.
#[derive(Debug, Default)]
pub struct Sharing {
    sets: HashSet<Arc<SymbolSet>>,
    overrides: HashSet<Arc<Overrides>>,
    switches: HashSet<Arc<Switches>>,
    attributes: HashSet<Arc<Attributes>>,
    external_ids: HashSet<Arc<BTreeMap<Name, String>>>,
    credentials: HashSet<Arc<BTreeMap<Name, AccountCredentials>>>,
    developers: HashSet<Arc<Developer>>,
    /// How many parts there were after the last sweep.
    swept: usize,
}

fn shared<T: Hash + Eq>(known: &mut HashSet<Arc<T>>, value: T) -> Arc<T> {
    if let Some(there) = known.get(&value) {
        return Arc::clone(there);
    }
    let value = Arc::new(value);
    known.insert(Arc::clone(&value));
    value
}

fn sweep<T: Hash + Eq>(known: &mut HashSet<Arc<T>>) -> usize {
    known.retain(|value| Arc::strong_count(value) > 1);
    known.shrink_to_fit();
    known.len()
}

impl Sharing {
    pub(super) fn set(&mut self, value: SymbolSet) -> Arc<SymbolSet> {
        shared(&mut self.sets, value)
    }

    pub(super) fn overrides(&mut self, value: Overrides) -> Arc<Overrides> {
        shared(&mut self.overrides, value)
    }

    pub(super) fn switches(&mut self, value: Switches) -> Arc<Switches> {
        shared(&mut self.switches, value)
    }

    pub(super) fn attributes(&mut self, value: Attributes) -> Arc<Attributes> {
        shared(&mut self.attributes, value)
    }

    pub(super) fn external_ids(
        &mut self,
        value: BTreeMap<Name, String>,
    ) -> Arc<BTreeMap<Name, String>> {
        shared(&mut self.external_ids, value)
    }

    pub(super) fn credentials(
        &mut self,
        value: BTreeMap<Name, AccountCredentials>,
    ) -> Arc<BTreeMap<Name, AccountCredentials>> {
        shared(&mut self.credentials, value)
    }

    pub(super) fn developer(&mut self, value: Developer) -> Arc<Developer> {
        shared(&mut self.developers, value)
    }

    /// Lets go of parts that no account or app has any more. Cheap to call after every change:
    /// it looks only when there are twice as many parts as after the last look.
    pub fn sweep(&mut self) {
        let parts = self.sets.len()
            + self.overrides.len()
            + self.switches.len()
            + self.attributes.len()
            + self.external_ids.len()
            + self.credentials.len()
            + self.developers.len();
        if parts <= self.swept.saturating_mul(2).max(1_024) {
            return;
        }
        self.swept = sweep(&mut self.developers)
            + sweep(&mut self.sets)
            + sweep(&mut self.overrides)
            + sweep(&mut self.switches)
            + sweep(&mut self.attributes)
            + sweep(&mut self.external_ids)
            + sweep(&mut self.credentials);
    }
}
