//! Every interleaving of the counters' protocol, by loom: two shards, each a lock around the
//! real slot, taken with the real steps (`fit`, `Slot::add`, `Slot::subtract`) in the real order:
//! all locks ascending, all checks, then all spends; the sweep's mark raised before any lock.
//!
//! What is modelled is the protocol, not the locks: loom's stand where `parking_lot`'s do, and
//! two shards where there are many.

use loom::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    thread,
};
use primitives::Symbol;

use super::{Taken, fit};
use crate::{
    Calendar, CounterKey, Demand, Spend, Window,
    slot::{Slot, Span},
};
use primitives::{Mode, Quantity, Timestamp};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

struct Modelled {
    shards: [Mutex<Option<Slot>>; 2],
    swept: AtomicI64,
    calendar: Calendar,
}

/// One of `most` from the counter of shard `shard`.
fn one_of(shard: usize, most: i64) -> Demand {
    Demand {
        limit: Symbol(0),
        key: CounterKey {
            limit: shard as u64,
            mode: Mode::Live,
            subject: 1,
            fact: 0,
        },
        window: Window::Lifetime,
        most: Quantity::whole(most),
        cost: Quantity::whole(1).unwrap(),
    }
}

fn shard_of(demand: &Demand) -> usize {
    usize::try_from(demand.key.limit).unwrap()
}

impl Modelled {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            shards: [Mutex::new(None), Mutex::new(None)],
            swept: AtomicI64::new(i64::MIN),
            calendar: Calendar::utc(),
        })
    }

    /// As [`super::Counters::reserve`].
    fn reserve(&self, demands: &[Demand]) -> Option<Vec<Spend>> {
        let mut wanted: Vec<usize> = demands.iter().map(shard_of).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut locks: Vec<_> = wanted
            .iter()
            .map(|&shard| (shard, self.shards[shard].lock().unwrap()))
            .collect();
        let now = NOW.max(Timestamp::from_micros(self.swept.load(Ordering::Acquire)));
        let mut taken: Vec<Taken> = Vec::new();
        for demand in demands {
            let (_, slot) = locks
                .iter()
                .find(|(shard, _)| *shard == shard_of(demand))
                .unwrap();
            taken.push(fit(demand, slot.as_ref(), &taken, (now, &self.calendar)).ok()?);
        }
        for (demand, taken) in demands.iter().zip(&taken) {
            let (_, slot) = locks
                .iter_mut()
                .find(|(shard, _)| *shard == shard_of(demand))
                .unwrap();
            match &mut **slot {
                Some(slot) => slot.add(&taken.spend),
                none => *none = Some(Slot::of(&taken.spend)),
            }
        }
        Some(taken.into_iter().map(|taken| taken.spend).collect())
    }

    /// As [`super::Counters::refund`]: one lock after the other.
    fn refund(&self, spends: &[Spend]) {
        for spend in spends {
            let shard = usize::try_from(spend.key.limit).unwrap();
            if let Some(slot) = &mut *self.shards[shard].lock().unwrap() {
                slot.subtract(spend);
            }
        }
    }

    /// As [`super::Counters::sweep`].
    fn sweep(&self, now: Timestamp) {
        self.swept.fetch_max(now.as_micros(), Ordering::AcqRel);
        for shard in &self.shards {
            let mut slot = shard.lock().unwrap();
            if slot.as_mut().is_some_and(|slot| !slot.sweep(now)) {
                *slot = None;
            }
        }
    }

    fn used(&self, shard: usize) -> Quantity {
        let slot = self.shards[shard].lock().unwrap();
        let window = Window::Lifetime;
        let span = Span::of(window, NOW, &self.calendar).unwrap();
        slot.as_ref()
            .map_or(Quantity::ZERO, |slot| slot.used(window, span, NOW).unwrap())
    }
}

fn every_interleaving(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Two calls that take the same two counters, named in opposite order, of which one has room for
/// one: exactly one call is admitted, the other leaves nothing behind, and nobody waits for ever.
///
/// Shows: F-43.
#[test]
fn counters_are_taken_together_or_not_at_all() {
    every_interleaving(|| {
        let counters = Modelled::new();
        let other = Arc::clone(&counters);
        let thread = thread::spawn(move || other.reserve(&[one_of(1, 1), one_of(0, 5)]).is_some());
        let here = counters.reserve(&[one_of(0, 5), one_of(1, 1)]).is_some();
        let there = thread.join().unwrap();
        assert!(here ^ there, "one of two: {here} {there}");
        let one = Quantity::whole(1).unwrap();
        assert_eq!((counters.used(0), counters.used(1)), (one, one));
    });
}

/// A refund beside a call: the limit is never passed, and what was given back can be taken.
///
/// Shows: F-43.
#[test]
fn what_is_given_back_is_taken_at_most_once_more() {
    every_interleaving(|| {
        let counters = Modelled::new();
        let demands = [one_of(0, 1), one_of(1, 1)];
        let held = counters.reserve(&demands).unwrap();
        let other = Arc::clone(&counters);
        let thread = thread::spawn(move || other.reserve(&[one_of(1, 1), one_of(0, 1)]).is_some());
        counters.refund(&held);
        let admitted = thread.join().unwrap();
        let expected = if admitted {
            Quantity::whole(1).unwrap()
        } else {
            Quantity::ZERO
        };
        assert_eq!((counters.used(0), counters.used(1)), (expected, expected));
        assert!(
            admitted || counters.reserve(&demands).is_some(),
            "what was given back is lost"
        );
    });
}

/// A sweep beside a call forgets no count that still counts.
///
/// Shows: F-43.
#[test]
fn a_sweep_forgets_nothing_that_counts() {
    every_interleaving(|| {
        let counters = Modelled::new();
        let other = Arc::clone(&counters);
        let thread = thread::spawn(move || other.sweep(NOW));
        let first = counters.reserve(&[one_of(0, 1)]).is_some();
        let second = counters.reserve(&[one_of(0, 1)]).is_some();
        thread.join().unwrap();
        assert!(first && !second, "a limit of one: {first} {second}");
    });
}
