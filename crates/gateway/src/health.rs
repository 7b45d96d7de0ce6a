use std::collections::BTreeMap;

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

/// The health of every upstream that was called.
#[derive(Default)]
pub(crate) struct Health(RwLock<BTreeMap<(Name, String), UpstreamHealth>>);

/// Upstreams that a state file no longer names are forgotten when there are more.
const MOST: usize = 1024;

impl Health {
    /// Notes whether a call was answered; how many in a row were not.
    pub(crate) fn note(&self, api: &Name, url: &str, answered: bool, now: Timestamp) -> u32 {
        let mut all = self.0.write();
        if all.len() >= MOST {
            all.clear();
        }
        let upstream = all
            .entry((api.clone(), url.to_owned()))
            .or_insert_with(|| UpstreamHealth {
                api: api.clone(),
                url: url.to_owned(),
                failures: 0,
                last_failure: None,
                last_answer: None,
            });
        if answered {
            upstream.failures = 0;
            upstream.last_answer = Some(now);
        } else {
            upstream.failures = upstream.failures.saturating_add(1);
            upstream.last_failure = Some(now);
        }
        upstream.failures
    }

    pub(crate) fn all(&self) -> Vec<UpstreamHealth> {
        self.0.read().values().cloned().collect()
    }
}
