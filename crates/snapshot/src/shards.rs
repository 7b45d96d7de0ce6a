use std::{fmt, hash::BuildHasher, sync::Arc};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Shards of one branch, and branches of the root: 4,096 shards in all.
const FAN_OUT: usize = 64;

/// A thing that is found by a key of its own.
pub(crate) trait Keyed {
    /// What it is found by.
    type Key: ?Sized + Eq + std::hash::Hash;
    /// Its key.
    fn key(&self) -> &Self::Key;
}

type Shard<T> = HashTable<T>;
type Branch<T> = Arc<[Arc<Shard<T>>]>;

/// A map that is copied by sharing: changing one entry copies the shard it is in, its branch
/// and the root, that is two times 64 pointers and a few hundred entries of a million.
#[derive(Clone)]
pub(crate) struct Shards<T> {
    root: Arc<[Branch<T>]>,
    len: usize,
}

impl<T> fmt::Debug for Shards<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shards({})", self.len)
    }
}

impl<T> Default for Shards<T> {
    fn default() -> Self {
        let empty = Arc::new(Shard::new());
        let branch: Branch<T> = (0..FAN_OUT).map(|_| Arc::clone(&empty)).collect();
        Self {
            root: (0..FAN_OUT).map(|_| Arc::clone(&branch)).collect(),
            len: 0,
        }
    }
}

/// The same in every shard, so that a shard can be found and copied without rehashing by seed.
fn hash_of<K: ?Sized + std::hash::Hash>(key: &K) -> u64 {
    FixedState::default().hash_one(key)
}

/// The low bits choose the shard; the table inside uses the whole hash.
fn place(hash: u64) -> (usize, usize) {
    let low = usize::try_from(hash & 0xFFF).unwrap_or(0);
    (low / FAN_OUT, low % FAN_OUT)
}

impl<T: Keyed + Clone> Shards<T> {
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
            shard
                .find_entry(hash, |entry| entry.key() == key)
                .is_ok_and(|found| {
                    found.remove();
                    true
                })
        });
        self.len = self.len.saturating_sub(usize::from(removed));
    }

    /// Many shards are filled at once when a snapshot is built whole: room is made but once.
    pub(crate) fn shrink(&mut self) {
        for branch in Arc::make_mut(&mut self.root) {
            for shard in Arc::make_mut(branch) {
                if let Some(shard) = Arc::get_mut(shard) {
                    shard.shrink_to_fit(|entry| hash_of(entry.key()));
                }
            }
        }
    }

    fn with_shard<R: Default>(&mut self, hash: u64, change: impl FnOnce(&mut Shard<T>) -> R) -> R {
        let (branch, shard) = place(hash);
        Arc::make_mut(&mut self.root)
            .get_mut(branch)
            .and_then(|branch| Arc::make_mut(branch).get_mut(shard))
            .map(|shard| change(Arc::make_mut(shard)))
            .unwrap_or_default()
    }
}
