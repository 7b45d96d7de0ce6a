//! What apps usually do, in memory: read for each call, replaced by the fold.

use std::{
    collections::HashMap,
    hash::BuildHasher as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use accounts::anomalies::{Action, Habit, Hits, Rule, Seen, Value};
use arc_swap::{ArcSwap, ArcSwapOption};
use foldhash::fast::FixedState;
use primitives::{AnomalyId, AppId, Country, Mode, Symbol, Timestamp, fingerprint};

/// A new app copies its shard, which is a 1,024th of all.
const SHARDS: usize = 1_024;

/// Whose habit: test and live share nothing.
pub type Whose = (AppId, Mode);

type Shard = ArcSwap<HashMap<Whose, Arc<Watched>, FixedState>>;

/// What every app usually does, what was marked as fine, and who stands lower.
///
/// Reading takes no lock. What is learned comes from the fold, a moment after the call; only the
/// calls of the running hour and new step-downs are counted here at once.
#[derive(Debug)]
pub struct Habits {
    shards: Box<[Shard]>,
}

/// One app in one mode.
#[derive(Debug, Default)]
struct Watched {
    habit: ArcSwap<Habit>,
    fine: ArcSwap<Vec<Value>>,
    lower: ArcSwapOption<Lower>,
    running: Running,
}

/// An app that stands lower for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lower {
    /// What for.
    pub anomaly: AnomalyId,
    /// So many levels.
    pub levels: u32,
    /// Until when.
    pub until: Timestamp,
}

/// Calls of the running hour: its number in the upper half, the calls in the lower.
#[derive(Debug, Default)]
struct Running(AtomicU64);

impl Running {
    /// Counts a call, and tells how many there are in its hour. A call of an hour before counts
    /// for the running one.
    fn count(&self, at: Timestamp) -> u32 {
        let hour = u32::try_from(at.as_seconds().div_euclid(3_600)).unwrap_or(0);
        let next = |now: u64| {
            let (known, calls) = halves(now);
            if hour > known {
                Some((u64::from(hour) << 32) | 1)
            } else {
                Some((u64::from(known) << 32) | u64::from(calls.saturating_add(1)))
            }
        };
        let before = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        let before = before.unwrap_or_default();
        halves(next(before).unwrap_or_default()).1
    }

    /// Takes over what was learned before this process began.
    fn begin(&self, habit: &Habit) {
        let hour = u32::try_from(habit.hour).unwrap_or(0);
        let known = (u64::from(hour) << 32) | u64::from(habit.in_hour);
        self.0.fetch_max(known, Ordering::Relaxed);
    }
}

fn halves(number: u64) -> (u32, u32) {
    let lower = number & u64::from(u32::MAX);
    (
        u32::try_from(number >> 32).unwrap_or(0),
        u32::try_from(lower).unwrap_or(0),
    )
}

/// A call as it came, for judging.
#[derive(Clone, Copy, Debug)]
pub struct Coming<'a> {
    /// Whose call.
    pub whose: Whose,
    /// Of which API.
    pub api: Symbol,
    /// When.
    pub at: Timestamp,
    /// What it is made with.
    pub technology: &'a str,
    /// Where it comes from, if that is known.
    pub country: Option<Country>,
}

/// What judging a call comes to.
#[derive(Debug)]
pub struct Judged<'r> {
    /// What is unusual about it.
    pub hits: Hits<'r>,
    /// The app stands lower, by this call or by one before.
    pub lower: Option<Lower>,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
        }
    }
}

/// The id of an anomaly: whoever finds the same finds it under the same id.
#[must_use]
pub fn anomaly_id((app, mode): Whose, rule: &str, value: &str) -> AnomalyId {
    let mut told = b"an anomaly".to_vec();
    told.extend(app.as_u128().to_be_bytes());
    told.push(u8::from(mode == Mode::Live));
    told.extend(u64::try_from(rule.len()).unwrap_or(0).to_be_bytes());
    told.extend(rule.as_bytes());
    told.extend(value.as_bytes());
    AnomalyId::from_u128(fingerprint(&told))
}

impl Habits {
    fn shard(&self, whose: &Whose) -> Option<&Shard> {
        let hash = FixedState::default().hash_one(whose);
        let at = usize::try_from(hash >> 32).unwrap_or(0) % SHARDS;
        self.shards.get(at)
    }

    fn find(&self, whose: &Whose) -> Option<Arc<Watched>> {
        self.shard(whose)?.load().get(whose).map(Arc::clone)
    }

    fn find_or_add(&self, whose: Whose) -> Option<Arc<Watched>> {
        if let Some(known) = self.find(&whose) {
            return Some(known);
        }
        let shard = self.shard(&whose)?;
        let new = Arc::new(Watched::default());
        shard.rcu(|before| {
            let mut all = HashMap::clone(before);
            all.entry(whose).or_insert_with(|| Arc::clone(&new));
            all
        });
        self.find(&whose)
    }

    /// Holds a call against what its app usually does. Counts it, and has the app stand lower at
    /// once where a rule says so.
    #[must_use]
    pub fn judge<'r>(&self, rules: &'r [Rule], coming: Coming<'_>) -> Judged<'r> {
        let Some(watched) = self.find_or_add(coming.whose) else {
            return Judged {
                hits: Hits::new(),
                lower: None,
            };
        };
        let seen = Seen {
            at: coming.at,
            technology: coming.technology,
            country: coming.country,
            in_hour: watched.running.count(coming.at),
        };
        let habit = watched.habit.load();
        let hits = habit.judge(rules, (coming.api, &seen), &watched.fine.load());
        for hit in &hits {
            if let Action::StepDown { levels, seconds } = hit.rule.action {
                let value = hit.value.to_string();
                watched.lower(
                    Lower {
                        anomaly: anomaly_id(coming.whose, hit.rule.name.as_str(), &value),
                        levels,
                        until: coming.at.plus_seconds(i64::from(seconds)),
                    },
                    coming.at,
                );
            }
        }
        Judged {
            hits,
            lower: watched.stands_lower(coming.at),
        }
    }

    /// How an app stands lower now.
    #[must_use]
    pub fn lower(&self, whose: Whose, now: Timestamp) -> Option<Lower> {
        self.find(&whose)?.stands_lower(now)
    }

    /// What an app usually does, as last published.
    #[must_use]
    pub fn habit(&self, whose: Whose) -> Option<Arc<Habit>> {
        Some(self.find(&whose)?.habit.load_full())
    }

    /// What was marked as fine for an app.
    #[must_use]
    pub fn fine(&self, whose: Whose) -> Vec<Value> {
        let watched = self.find(&whose);
        watched.map_or_else(Vec::new, |watched| Vec::clone(&watched.fine.load()))
    }

    /// Takes over what was kept of all apps, at the start.
    pub fn load(&self, kept: impl IntoIterator<Item = (Whose, Habit)>) {
        let mut shards: HashMap<usize, Vec<(Whose, Habit)>> = HashMap::new();
        for (whose, habit) in kept {
            let hash = FixedState::default().hash_one(whose);
            let at = usize::try_from(hash >> 32).unwrap_or(0) % SHARDS;
            shards.entry(at).or_default().push((whose, habit));
        }
        for (at, kept) in shards {
            let Some(shard) = self.shards.get(at) else {
                continue;
            };
            let mut all = HashMap::clone(&shard.load());
            for (whose, habit) in kept {
                let watched: &Watched = all.entry(whose).or_default();
                watched.running.begin(&habit);
                watched.habit.store(Arc::new(habit));
            }
            shard.store(Arc::new(all));
        }
    }

    /// Publishes what the fold learned of an app.
    pub fn publish(&self, whose: Whose, habit: Habit) {
        if let Some(watched) = self.find_or_add(whose) {
            watched.habit.store(Arc::new(habit));
        }
    }

    /// A value is fine from now on; what the app stood lower for because of it is over.
    pub fn mark_fine(&self, whose: Whose, anomaly: AnomalyId, value: &Value) {
        let Some(watched) = self.find_or_add(whose) else {
            return;
        };
        watched.fine.rcu(|before| {
            let mut all = Vec::clone(before);
            if !all.iter().any(|known| known.covers(value)) {
                all.retain(|known| !value.covers(known));
                all.push(value.clone());
            }
            all
        });
        let lower = watched.lower.load();
        if lower.as_ref().is_some_and(|lower| lower.anomaly == anomaly) {
            watched.lower.compare_and_swap(&*lower, None);
        }
    }

    /// An app stands lower, as another process found.
    pub fn stand_lower(&self, whose: Whose, lower: Lower, now: Timestamp) {
        if let Some(watched) = self.find_or_add(whose) {
            watched.lower(lower, now);
        }
    }
}

impl Watched {
    fn stands_lower(&self, now: Timestamp) -> Option<Lower> {
        let lower = self.lower.load();
        lower.as_deref().copied().filter(|lower| now < lower.until)
    }

    /// Of two the lower counts. One that lasts is not made longer by each further call.
    fn lower(&self, new: Lower, now: Timestamp) {
        self.lower.rcu(|before| match before {
            Some(known) if now < known.until && known.levels >= new.levels => {
                Some(Arc::clone(known))
            }
            _ if now < new.until => Some(Arc::new(new)),
            before => before.clone(),
        });
    }
}

#[cfg(test)]
mod tests;
