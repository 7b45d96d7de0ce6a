use std::{
    hash::BuildHasher,
    sync::atomic::{AtomicI64, Ordering},
};

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use parking_lot::{Mutex, MutexGuard};
use primitives::{Mode, Quantity, Timestamp};
use smallvec::SmallVec;

use crate::{
    Calendar, CounterKey, Demand, Near, Standing,
    slot::{Slot, Span},
};

/// How many counters of one call are handled without allocating.
const INLINE: usize = 8;
const SHARDS: usize = 256;

/// All counters of a process, in memory, exact.
///
/// The counters of one call are taken together: every shard concerned is locked, in ascending
/// order, then all demands are checked, then all are taken, or none.
///
/// When the clock goes backwards, a counter stays in the newest window it has been in: time
/// never runs backwards for a counter, so no window is opened twice and no limit exceeded. A
/// clock that was wrongly ahead therefore keeps the counters used meanwhile in that later
/// window until it truly comes.
#[derive(Debug)]
pub struct Counters {
    hasher: RandomState,
    shards: Box<[Mutex<Shard>]>,
    /// Windows that ended before this have been forgotten and must not be opened again.
    swept: AtomicI64,
}

/// Whose counters: all of a key but the limit. The counters of one caller stand together, so
/// that a call that takes several waits for memory once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Owner {
    subject: u128,
    fact: u128,
    mode: Mode,
}

impl From<&CounterKey> for Owner {
    fn from(key: &CounterKey) -> Self {
        Self {
            subject: key.subject,
            fact: key.fact,
            mode: key.mode,
        }
    }
}

/// The counters of one owner, by limit. The first few stand beside the owner: one more pointer
/// to follow would be one more wait for memory.
type Counts = SmallVec<[(u64, Slot); 3]>;

/// An owner and its counters, at the beginning of a cache line, and three of them long: what a
/// call to a caller not met for a while costs is the lines it waits for.
#[derive(Debug)]
#[repr(align(64))]
struct Held {
    owner: Owner,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Shard(HashTable<Held>);

impl Shard {
    fn find(&self, hash: u64, key: &CounterKey) -> Option<&Slot> {
        let owner = Owner::from(key);
        let held = self.0.find(hash, |held| held.owner == owner)?;
        let (_, slot) = held.counts.iter().find(|(limit, _)| *limit == key.limit)?;
        Some(slot)
    }

    fn find_mut(&mut self, hash: u64, key: &CounterKey) -> Option<&mut Slot> {
        let owner = Owner::from(key);
        let held = self.0.find_mut(hash, |held| held.owner == owner)?;
        let (_, slot) = held
            .counts
            .iter_mut()
            .find(|(limit, _)| *limit == key.limit)?;
        Some(slot)
    }

    /// Adds to a counter, which is made if there is none.
    fn change(
        &mut self,
        (hash, hasher): (u64, &RandomState),
        spend: &Spend,
        add: fn(&mut Slot, &Spend),
    ) {
        let owner = Owner::from(&spend.key);
        let entry = self.0.entry(
            hash,
            |held| held.owner == owner,
            |held| hasher.hash_one(held.owner),
        );
        let new = || Held {
            owner,
            counts: Counts::new(),
        };
        let counts = &mut entry.or_insert_with(new).into_mut().counts;
        let mut known = counts.iter_mut();
        let known = known.find(|(limit, _)| *limit == spend.key.limit);
        if let Some((_, slot)) = known {
            add(slot, spend);
        } else {
            counts.push((spend.key.limit, Slot::of(spend)));
        }
    }
}

/// A demand that does not fit; nothing was taken of any counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("demand {at} exceeds its counter, which stands at {}", standing.used)]
pub struct Exhausted {
    /// The position of the demand in those of the call.
    pub at: usize,
    /// Where its counter stands.
    pub standing: Standing,
}

/// An amount counted in one window (or one bucket of a rolling window) of one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spend {
    /// The counter.
    pub key: CounterKey,
    /// When the window or bucket began; 0 for a lifetime.
    pub begins_at: Timestamp,
    /// When this amount stops counting: the end of a calendar window; for a bucket of a rolling
    /// window its end and the window's length; the end of time for a lifetime.
    pub ends_at: Timestamp,
    /// How much.
    pub cost: Quantity,
}

/// What one demand took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How much, and where.
    pub spend: Spend,
    /// Where the counter stood right after.
    pub used: Quantity,
    /// How near to its limit that was, if near.
    pub near: Option<Near>,
}

impl Taken {
    /// Where the counter stood right after.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            used: self.used,
            resets_at: (self.spend.ends_at < Span::END_OF_TIME).then_some(self.spend.ends_at),
        }
    }
}

/// Counters taken for one call, in the order of its demands. Giving it back consumes it.
#[derive(Debug, Default, PartialEq, Eq)]
#[must_use = "a reservation is either kept for the call's record or refunded"]
pub struct Reservation(SmallVec<[Taken; INLINE]>);

impl Reservation {
    /// What was taken, in the order of the demands.
    #[must_use]
    pub fn taken(&self) -> &[Taken] {
        &self.0
    }
}

/// A demand with its hash and the position of its shard's lock.
struct Placed {
    hash: u64,
    lock: usize,
}

type Locks<'a> = SmallVec<[(usize, MutexGuard<'a, Shard>); INLINE]>;

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

impl Counters {
    /// Counters that all stand at zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            hasher: RandomState::default(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            swept: AtomicI64::new(i64::MIN),
        }
    }

    /// Takes every demand, or none.
    ///
    /// # Errors
    /// The first demand that does not fit: over its limit, negative, or beyond what can be
    /// counted at all.
    pub fn reserve(
        &self,
        demands: &[Demand],
        now: Timestamp,
        calendar: &Calendar,
    ) -> Result<Reservation, Exhausted> {
        let (placed, mut locks) = self.lock(demands);
        let now = self.not_before_swept(now);
        // Looked up one right after the other, so that the processor waits for memory once and
        // not four times.
        let slots: SmallVec<[Option<&Slot>; INLINE]> = demands
            .iter()
            .zip(&placed)
            .map(|(demand, place)| {
                let (_, shard) = locks.get(place.lock)?;
                shard.find(place.hash, &demand.key)
            })
            .collect();
        let mut taken = SmallVec::<[Taken; INLINE]>::new();
        for (at, (demand, slot)) in demands.iter().zip(slots).enumerate() {
            match fit(demand, slot, &taken, (now, calendar)) {
                Ok(fits) => taken.push(fits),
                Err(standing) => return Err(Exhausted { at, standing }),
            }
        }
        for (taken, place) in taken.iter().zip(&placed) {
            if let Some((_, shard)) = locks.get_mut(place.lock) {
                shard.change((place.hash, &self.hasher), &taken.spend, Slot::add);
            }
        }
        Ok(Reservation(taken))
    }

    /// Gives a reservation back, to the windows it was taken from.
    pub fn refund(&self, reservation: Reservation) {
        for taken in reservation.0 {
            let hash = self.hash(&taken.spend.key);
            if let Some(shard) = self.shards.get(shard_of(hash))
                && let Some(slot) = shard.lock().find_mut(hash, &taken.spend.key)
            {
                slot.subtract(&taken.spend);
            }
        }
    }

    /// Where the counter of a demand stands.
    #[must_use]
    pub fn standing(&self, demand: &Demand, now: Timestamp, calendar: &Calendar) -> Standing {
        let hash = self.hash(&demand.key);
        let Some(shard) = self.shards.get(shard_of(hash)) else {
            return Standing {
                used: Quantity::ZERO,
                resets_at: None,
            };
        };
        let shard = shard.lock();
        let now = self.not_before_swept(now);
        stand(demand, shard.find(hash, &demand.key), now, calendar)
    }

    /// Adds what was counted before this process began.
    pub fn load(&self, spends: impl IntoIterator<Item = Spend>) {
        for spend in spends {
            let hash = self.hash(&spend.key);
            if let Some(shard) = self.shards.get(shard_of(hash)) {
                shard
                    .lock()
                    .change((hash, &self.hasher), &spend, Slot::load);
            }
        }
    }

    /// Forgets windows that ended at or before `now`, and counters at zero. From then on no call
    /// counts in a window before `now`, whatever the clock says.
    pub fn sweep(&self, now: Timestamp) {
        self.swept.fetch_max(now.as_micros(), Ordering::AcqRel);
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.0.retain(|held| {
                held.counts.retain(|(_, slot)| slot.sweep(now));
                !held.counts.is_empty()
            });
            let live = shard.0.len();
            if shard.0.capacity() > 4 * live + 64 {
                shard
                    .0
                    .shrink_to(2 * live, |held| self.hasher.hash_one(held.owner));
            }
        }
    }

    /// How many counters are held.
    #[must_use]
    pub fn len(&self) -> usize {
        let of_shard = |shard: &Mutex<Shard>| -> usize {
            let shard = shard.lock();
            shard.0.iter().map(|held| held.counts.len()).sum()
        };
        self.shards.iter().map(of_shard).sum()
    }

    /// Whether no counter is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn hash(&self, key: &CounterKey) -> u64 {
        self.hasher.hash_one(Owner::from(key))
    }

    /// Locks the shards of all demands. INVARIANT: always in ascending order, each once, so that
    /// two calls never wait for each other in a circle.
    fn lock(&self, demands: &[Demand]) -> (SmallVec<[Placed; INLINE]>, Locks<'_>) {
        let mut placed: SmallVec<[Placed; INLINE]> = demands
            .iter()
            .map(|demand| Placed {
                hash: self.hash(&demand.key),
                lock: 0,
            })
            .collect();
        let mut wanted: SmallVec<[usize; INLINE]> =
            placed.iter().map(|place| shard_of(place.hash)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let locks: Locks<'_> = wanted
            .iter()
            .filter_map(|&index| Some((index, self.shards.get(index)?.lock())))
            .collect();
        for place in &mut placed {
            let shard = shard_of(place.hash);
            place.lock = wanted
                .iter()
                .position(|&index| index == shard)
                .unwrap_or_default();
        }
        (placed, locks)
    }

    /// Must be called with the lock held: a sweep raises the mark before it takes a lock.
    fn not_before_swept(&self, now: Timestamp) -> Timestamp {
        now.max(Timestamp::from_micros(self.swept.load(Ordering::Acquire)))
    }
}

/// Bits that neither select a bucket of the table (the lowest) nor tag it (the highest seven).
fn shard_of(hash: u64) -> usize {
    usize::try_from(hash >> 40).unwrap_or_default() % SHARDS
}

fn stand(demand: &Demand, slot: Option<&Slot>, now: Timestamp, calendar: &Calendar) -> Standing {
    let now = slot.map_or(now, |slot| slot.not_before(now));
    let span = Span::of(demand.window, now, calendar);
    let used = match (slot, span) {
        (Some(slot), Some(span)) => slot
            .used(demand.window, span, now)
            .unwrap_or(Quantity::from_millionths(i64::MAX)),
        (None, _) | (_, None) => Quantity::ZERO,
    };
    let resets_at = span.and_then(|span| match slot {
        Some(slot) => slot.resets_at(demand, span, now, used),
        None => (span.ends_at < Span::END_OF_TIME).then_some(span.ends_at),
    });
    Standing { used, resets_at }
}

/// Whether a demand fits beside the `earlier` ones of the same call.
fn fit(
    demand: &Demand,
    slot: Option<&Slot>,
    earlier: &[Taken],
    (now, calendar): (Timestamp, &Calendar),
) -> Result<Taken, Standing> {
    let held = slot.map_or(now, |slot| slot.not_before(now));
    let taken = Span::of(demand.window, held, calendar).and_then(|span| {
        let before = match slot {
            Some(slot) => slot.used(demand.window, span, held)?,
            None => Quantity::ZERO,
        };
        let with_earlier = earlier
            .iter()
            .filter(|taken| taken.spend.key == demand.key)
            .try_fold(before, |sum, taken| sum.checked_add(taken.spend.cost))?;
        let used = with_earlier.checked_add(demand.cost)?;
        let fits = demand.cost >= Quantity::ZERO && demand.most.is_none_or(|most| used <= most);
        fits.then_some(Taken {
            spend: Spend {
                key: demand.key,
                begins_at: span.begins_at,
                ends_at: span.ends_at,
                cost: demand.cost,
            },
            used,
            near: demand.most.and_then(|most| Near::of(used, most)),
        })
    });
    taken.ok_or_else(|| stand(demand, slot, now, calendar))
}

#[cfg(test)]
mod races;
#[cfg(test)]
mod tests;
