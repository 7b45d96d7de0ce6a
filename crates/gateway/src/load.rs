//! How much is taken on at once: calls towards an upstream, and bytes of bodies.
//!
//! A call is refused before anything is decided, counted or written down, so that refusing is
//! cheap and takes no quota.

mod pulse;
mod rule;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering},
    },
};

use admission::Presented;
use parking_lot::{Mutex, RwLock};
use primitives::Mode;
use snapshot::Snapshot;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use self::{
    pulse::Pulse,
    rule::{Rule, Sample},
};
use crate::Limits;

/// A piece of a body's bytes that is counted as a whole.
const PIECE: u64 = 1024;

/// What is in progress, by API and mode: each is an upstream of its own.
pub(crate) struct Load {
    began: Instant,
    least: u32,
    most: u32,
    pulse: Pulse,
    upstreams: RwLock<HashMap<String, [Arc<Towards>; 2]>>,
    bytes: Arc<Semaphore>,
}

/// What is in progress towards one upstream.
struct Towards {
    mode: Mode,
    pulse: Pulse,
    in_progress: AtomicU32,
    limit: AtomicU32,
    rule: Mutex<Rule>,
}

/// The place of a call among those in progress. It is held while the upstream works: not while
/// a caller sends a body slowly, nor while it reads the answer slowly.
pub(crate) struct Place {
    began: Instant,
    /// Microseconds after `began` at which the call was counted.
    from: AtomicU64,
    state: AtomicU8,
    towards: Arc<Towards>,
}

const WAITING: u8 = 0;
const COUNTED: u8 = 1;
const OVER: u8 = 2;

/// What an admitted call holds.
pub(crate) struct Slot {
    pub(crate) permit: OwnedSemaphorePermit,
    pub(crate) place: Arc<Place>,
}

impl Load {
    pub(crate) fn new(limits: &Limits) -> Self {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let bytes = usize::try_from(limits.body_memory / PIECE).unwrap_or(usize::MAX);
        Self {
            began: Instant::now(),
            least: count(limits.least_calls),
            most: count(limits.calls),
            pulse: Pulse::default(),
            upstreams: RwLock::default(),
            bytes: Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// A place towards the upstream of `api`, unless it is overloaded. The provider's own calls
    /// find one when others no longer do.
    pub(crate) fn enter(
        &self,
        api: &str,
        presented: &Presented,
        snapshot: &Snapshot,
    ) -> Option<Arc<Place>> {
        let towards = self.towards(api, mode(presented));
        let in_progress = towards.in_progress.load(Ordering::Relaxed);
        let limit = towards.limit.load(Ordering::Relaxed);
        if in_progress >= limit {
            // A limit that has just shrunk must not shut them out either.
            let reserved = limit.saturating_mul(4);
            if in_progress >= reserved || !is_provider(presented, snapshot) {
                return None;
            }
        }
        Some(Arc::new(Place {
            began: self.began,
            from: AtomicU64::new(0),
            state: AtomicU8::new(WAITING),
            towards,
        }))
    }

    /// Room for a body in memory; given back when the permit is dropped.
    pub(crate) fn hold(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let pieces = u32::try_from(bytes.div_ceil(PIECE)).ok()?;
        Arc::clone(&self.bytes).try_acquire_many_owned(pieces).ok()
    }

    fn towards(&self, api: &str, mode: Mode) -> Arc<Towards> {
        let of_mode = |both: &[Arc<Towards>; 2]| {
            let [live, test] = both;
            Arc::clone(if mode == Mode::Test { test } else { live })
        };
        if let Some(both) = self.upstreams.read().get(api) {
            return of_mode(both);
        }
        let mut upstreams = self.upstreams.write();
        let both = upstreams.entry(api.to_owned()).or_insert_with(|| {
            [Mode::Live, Mode::Test].map(|mode| {
                let rule = Rule::new(self.least, self.most);
                Arc::new(Towards {
                    mode,
                    pulse: self.pulse.clone(),
                    in_progress: AtomicU32::new(0),
                    limit: AtomicU32::new(rule.limit()),
                    rule: Mutex::new(rule),
                })
            })
        });
        of_mode(both)
    }
}

impl Place {
    /// The upstream has the call whole, or nothing of it is missing here any more.
    pub(crate) fn begin(&self) {
        let began =
            self.state
                .compare_exchange(WAITING, COUNTED, Ordering::Relaxed, Ordering::Relaxed);
        if began.is_ok() {
            self.from.store(self.now(), Ordering::Relaxed);
            self.towards.in_progress.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The upstream for `mode` has answered, well or not: how long it took says how it fares.
    pub(crate) fn answered(&self, mode: Mode, well: bool) {
        let Some(in_progress) = self.leave() else {
            return;
        };
        if !well || mode != self.towards.mode {
            return;
        }
        let now = self.now();
        let pulse = &self.towards.pulse;
        pulse.look(now);
        // Samples that would have to wait for each other are not worth it.
        if let Some(mut rule) = self.towards.rule.try_lock() {
            rule.learn(Sample {
                at: now,
                took: now.saturating_sub(self.from.load(Ordering::Relaxed)),
                own: pulse.own(),
                in_progress,
            });
            self.towards.limit.store(rule.limit(), Ordering::Relaxed);
        }
    }

    /// How many were in progress, this call included, if it was counted.
    fn leave(&self) -> Option<u32> {
        let before = self.state.swap(OVER, Ordering::Relaxed);
        (before == COUNTED).then(|| self.towards.in_progress.fetch_sub(1, Ordering::Relaxed))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The mode that the form of a secret tells. One that does not tell it counts as live, and what
/// is learned from it is dropped when that turns out wrong.
fn mode(presented: &Presented) -> Mode {
    match presented {
        Presented::Basic { password, .. } | Presented::ThreeTokens { password, .. }
            if password.expose().starts_with("ptr_test_") =>
        {
            Mode::Test
        }
        _ => Mode::Live,
    }
}

/// Whether the key is one of the provider's own apps. Its secret is not looked at: whoever makes
/// a name up is refused by the decision right after.
fn is_provider(presented: &Presented, snapshot: &Snapshot) -> bool {
    let credential = match presented {
        Presented::Basic { user, .. } | Presented::ThreeTokens { user, .. } => match user.parse() {
            Ok(id) => snapshot.credential(id),
            Err(_) => snapshot.credential_by_external_id(user),
        },
        Presented::Certificate(shown) => snapshot.credential_by_certificate(&shown.fingerprint),
        Presented::Nothing | Presented::Malformed => None,
    };
    let app = credential.and_then(|credential| snapshot.app(credential.app()));
    app.is_some_and(|app| app.provider)
}
