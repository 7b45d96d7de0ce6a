use std::{
    fmt,
    hash::{BuildHasher, Hash},
    sync::Arc,
};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Shards of one branch, and branches of the root: 4,096 shards in all.
const FAN_OUT: usize = 64;

/// A thing that is found by a key of its own.
pub(crate) trait Keyed {
    /// What it is found by.
    type Key: ?Sized + Eq + Hash;
    /// Its key.
    fn key(&self) -> &Self::Key;
}

type Branch<T> = Arc<[Arc<HashTable<T>>]>;

/// A map that is copied by sharing: changing one entry copies the shard it is in, its branch
/// and the root, that is two times 64 pointers and, of a million entries, about 250.
pub(crate) struct Shards<T> {
    root: Arc<[Branch<T>]>,
    len: usize,
}

impl<T> Clone for Shards<T> {
    fn clone(&self) -> Self {
        Self {
            root: Arc::clone(&self.root),
            len: self.len,
        }
    }
}

impl<T> fmt::Debug for Shards<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shards({})", self.len)
    }
}

impl<T> Default for Shards<T> {
    fn default() -> Self {
        let empty = Arc::new(HashTable::new());
        let branch: Branch<T> = (0..FAN_OUT).map(|_| Arc::clone(&empty)).collect();
        Self {
            root: (0..FAN_OUT).map(|_| Arc::clone(&branch)).collect(),
            len: 0,
        }
    }
}

fn hash_of<K: ?Sized + Hash>(key: &K) -> u64 {
    FixedState::default().hash_one(key)
}

/// Branch and shard of a hash. They are taken from its middle: a table inside uses the low bits
/// for the place and the high ones for the tag, and entries of one shard must differ in those.
fn place(hash: u64) -> (usize, usize) {
    let bits = usize::try_from((hash >> 32) & 0xFFF).unwrap_or(0);
    (bits / FAN_OUT, bits % FAN_OUT)
}

impl<T: Keyed> Shards<T> {
    /// How many entries there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The entry of `key`.
    pub(crate) fn get(&self, key: &T::Key) -> Option<&T> {
        let hash = hash_of(key);
        let (branch, shard) = place(hash);
        self.root
            .get(branch)?
            .get(shard)?
            .find(hash, |entry| entry.key() == key)
    }

    /// All entries, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.root
            .iter()
            .flat_map(|branch| branch.iter())
            .flat_map(|shard| shard.iter())
    }
}

impl<T: Keyed + Clone> Shards<T> {
    /// Puts an entry in, in place of one with the same key.
    pub(crate) fn insert(&mut self, entry: T) {
        let hash = hash_of(entry.key());
        let added = self.with_shard(hash, |shard| {
            if let Some(old) = shard.find_mut(hash, |old| old.key() == entry.key()) {
                *old = entry;
                return false;
            }
            shard.insert_unique(hash, entry, |other| hash_of(other.key()));
            true
        });
        self.len += usize::from(added);
    }

    /// Takes the entry of `key` out.
    pub(crate) fn remove(&mut self, key: &T::Key) {
        if self.get(key).is_none() {
            return;
        }
        let hash = hash_of(key);
        let removed = self.with_shard(hash, |shard| {
            let found = shard.find_entry(hash, |entry| entry.key() == key);
            found.is_ok_and(|found| {
                found.remove();
                true
            })
        });
        self.len = self.len.saturating_sub(usize::from(removed));
    }

    fn with_shard(&mut self, hash: u64, change: impl FnOnce(&mut HashTable<T>) -> bool) -> bool {
        let (branch, shard) = place(hash);
        Arc::make_mut(&mut self.root)
            .get_mut(branch)
            .and_then(|branch| Arc::make_mut(branch).get_mut(shard))
            .is_some_and(|shard| change(Arc::make_mut(shard)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Pair(u16, u8);

    impl Keyed for Pair {
        type Key = u16;
        fn key(&self) -> &u16 {
            &self.0
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u16, u8),
        Remove(u16),
        Keep,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_u16..60, any::<u8>()).prop_map(|(k, v)| Step::Insert(k, v)),
            (0_u16..60).prop_map(Step::Remove),
            Just(Step::Keep),
        ]
    }

    #[track_caller]
    fn assert_same(shards: &Shards<Pair>, plain: &BTreeMap<u16, u8>) {
        assert_eq!(shards.len(), plain.len());
        for key in 0..60 {
            assert_eq!(shards.get(&key).map(|pair| &pair.1), plain.get(&key));
        }
        let all: BTreeMap<u16, u8> = shards.iter().map(|pair| (pair.0, pair.1)).collect();
        assert_eq!(&all, plain);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        /// It is a map, and what was kept earlier is not changed by later steps.
        #[test]
        fn it_is_a_map_and_old_copies_stay(steps in proptest::collection::vec(step(), 0..120)) {
            let mut shards = Shards::<Pair>::default();
            let mut plain = BTreeMap::new();
            let mut kept = Vec::new();
            for step in steps {
                match step {
                    Step::Insert(key, value) => {
                        shards.insert(Pair(key, value));
                        plain.insert(key, value);
                    }
                    Step::Remove(key) => {
                        shards.remove(&key);
                        plain.remove(&key);
                    }
                    Step::Keep => kept.push((shards.clone(), plain.clone())),
                }
            }
            kept.push((shards, plain));
            for (shards, plain) in &kept {
                assert_same(shards, plain);
            }
        }
    }

    #[test]
    fn one_change_copies_one_shard() {
        let mut shards = Shards::<Pair>::default();
        (0..20_000).for_each(|key| shards.insert(Pair(key, 0)));
        let before = shards.clone();
        shards.insert(Pair(7, 1));
        let pairs = before.root.iter().zip(shards.root.iter());
        let copied = pairs.flat_map(|(old, new)| old.iter().zip(new.iter()));
        assert_eq!(
            copied.filter(|(old, new)| !Arc::ptr_eq(old, new)).count(),
            1
        );
        let largest = shards.root.iter().flat_map(|branch| branch.iter());
        assert!(
            largest.map(|shard| shard.len()).max() < Some(30),
            "shards are uneven"
        );
    }
}
