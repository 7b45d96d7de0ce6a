use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicI64, AtomicU32, Ordering},
};

use parking_lot::RwLock;
use primitives::{Name, Timestamp};

/// How an upstream fares. Seen in readiness and metrics; no call is refused for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamHealth {
    /// The API.
    pub api: Name,
    /// The upstream's URL.
    pub url: String,
    /// Calls in a row that it did not answer; 0 is healthy.
    pub failures: u32,
    /// When it last did not answer.
    pub last_failure: Option<Timestamp>,
    /// When it last answered.
    pub last_answer: Option<Timestamp>,
}

/// The health of every upstream that was called, by API and URL.
#[derive(Default)]
pub(crate) struct Health(RwLock<BTreeMap<Name, BTreeMap<String, Standing>>>);

/// Upstreams of one API that a state file no longer names are forgotten when there are more.
const MOST: usize = 64;
/// No moment.
const NEVER: i64 = i64::MIN;

/// Noted by every call, so nothing in it waits.
struct Standing {
    failures: AtomicU32,
    last_failure: AtomicI64,
    last_answer: AtomicI64,
}

impl Standing {
    const fn new() -> Self {
        Self {
            failures: AtomicU32::new(0),
            last_failure: AtomicI64::new(NEVER),
            last_answer: AtomicI64::new(NEVER),
        }
    }

    fn note(&self, answered: bool, now: Timestamp) -> Option<u32> {
        if answered {
            self.last_answer.store(now.as_micros(), Ordering::Relaxed);
            // Mostly there is nothing to write.
            let failed = self.failures.load(Ordering::Relaxed) > 0;
            failed.then(|| {
                self.failures.store(0, Ordering::Relaxed);
                0
            })
        } else {
            self.last_failure.store(now.as_micros(), Ordering::Relaxed);
            let before = self.failures.fetch_add(1, Ordering::Relaxed);
            Some(before.saturating_add(1))
        }
    }
}

impl Health {
    /// Notes whether a call was answered. When that is news: how many in a row were not.
    pub(crate) fn note(
        &self,
        api: &Name,
        url: &str,
        answered: bool,
        now: Timestamp,
    ) -> Option<u32> {
        if let Some(standing) = self.0.read().get(api).and_then(|urls| urls.get(url)) {
            return standing.note(answered, now);
        }
        let mut all = self.0.write();
        let urls = all.entry(api.clone()).or_default();
        if urls.len() >= MOST {
            urls.clear();
        }
        let standing = urls.entry(url.to_owned()).or_insert_with(Standing::new);
        Some(standing.note(answered, now).unwrap_or(0))
    }

    pub(crate) fn all(&self) -> Vec<UpstreamHealth> {
        let moment = |at: &AtomicI64| {
            let micros = at.load(Ordering::Relaxed);
            (micros != NEVER).then(|| Timestamp::from_micros(micros))
        };
        let all = self.0.read();
        let each = all.iter().flat_map(|(api, urls)| {
            urls.iter().map(|(url, standing)| UpstreamHealth {
                api: api.clone(),
                url: url.clone(),
                failures: standing.failures.load(Ordering::Relaxed),
                last_failure: moment(&standing.last_failure),
                last_answer: moment(&standing.last_answer),
            })
        });
        each.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_news_are_told_and_all_is_seen() {
        let health = Health::default();
        let api: Name = "pay".parse().unwrap();
        let at = Timestamp::from_seconds;
        let note = |answered, seconds| health.note(&api, "http://a", answered, at(seconds));
        assert_eq!(note(true, 1), Some(0));
        assert_eq!(note(true, 2), None);
        assert_eq!(note(false, 3), Some(1));
        assert_eq!(note(false, 4), Some(2));
        let seen = health.all();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].failures, 2);
        assert_eq!(seen[0].last_failure, Some(at(4)));
        assert_eq!(seen[0].last_answer, Some(at(2)));
        assert_eq!(note(true, 5), Some(0));
        assert_eq!(health.all()[0].failures, 0);
    }
}
