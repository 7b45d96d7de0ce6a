use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use parking_lot::RwLock;
use primitives::Mode;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

/// What the gateway counts.
#[derive(Clone)]
pub(crate) struct Metrics {
    calls: Family<CallLabels, Counter>,
    seconds: Family<ApiLabel, Histogram>,
    failures: Family<UpstreamLabels, Gauge>,
    violations: Family<ClassLabel, Counter>,
    usual: Arc<RwLock<HashMap<String, Arc<Usual>>>>,
}

/// Of one API: the time of every call, and the calls that its upstream answered.
struct Usual {
    seconds: Histogram,
    live: OnceLock<Counter>,
    test: OnceLock<Counter>,
}

/// Labels from the fixed list of what is refused on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabel {
    class: &'static str,
}

/// Labels are names of the snapshot and codes of ours: nothing a caller makes up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    api: String,
    mode: &'static str,
    code: &'static str,
    answered: &'static str,
}

/// What a call came to, for counting.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// `test`, `live`, or empty for a caller that was not identified.
    pub(crate) mode: &'static str,
    /// The code of the refusal; for a call of an API that observes, of what would have refused.
    pub(crate) code: &'static str,
    /// Whether the answer is the upstream's.
    pub(crate) answered: bool,
    /// Whether a page only asked whether it may call.
    pub(crate) preflight: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ApiLabel {
    api: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamLabels {
    api: String,
    mode: &'static str,
}

/// Seconds, from below the cost of the gateway to the patience of a caller.
const BUCKETS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

impl Metrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            calls: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            failures: Family::default(),
            violations: Family::default(),
            usual: Arc::default(),
        };
        registry.register(
            "gateway_calls",
            "Calls by API, mode, code of the refusal, and who answered; a code with an answer of \
             the upstream is one that was only observed",
            metrics.calls.clone(),
        );
        registry.register(
            "gateway_call_seconds",
            "Time from the head of a request to the head of its answer",
            metrics.seconds.clone(),
        );
        registry.register(
            "gateway_upstream_failures",
            "Calls in a row that the upstream of an API and mode did not answer",
            metrics.failures.clone(),
        );
        registry.register(
            "gateway_violations",
            "Connections ended because their bytes were not taken as a request, by class",
            metrics.violations.clone(),
        );
        metrics
    }

    /// Counts an answered call.
    pub(crate) fn call(&self, api: &str, told: Told, micros: i64) {
        let micros = u32::try_from(micros.max(0)).unwrap_or(u32::MAX);
        let seconds = f64::from(micros) / 1e6;
        let usual = self.usual(api);
        usual.seconds.observe(seconds);
        let of_mode = match told.mode {
            "live" => &usual.live,
            "test" => &usual.test,
            _ => {
                self.counter(api, told).inc();
                return;
            }
        };
        if told.code.is_empty() && told.answered {
            of_mode.get_or_init(|| self.counter(api, told)).inc();
        } else {
            self.counter(api, told).inc();
        }
    }

    /// What most calls of an API are counted by, without a look at labels.
    fn usual(&self, api: &str) -> Arc<Usual> {
        if let Some(usual) = self.usual.read().get(api) {
            return Arc::clone(usual);
        }
        let labels = ApiLabel {
            api: api.to_owned(),
        };
        let seconds = self.seconds.get_or_create(&labels).clone();
        let mut usual = self.usual.write();
        let usual = usual.entry(labels.api).or_insert_with(|| {
            Arc::new(Usual {
                seconds,
                live: OnceLock::new(),
                test: OnceLock::new(),
            })
        });
        Arc::clone(usual)
    }

    fn counter(&self, api: &str, told: Told) -> Counter {
        let api = api.to_owned();
        let labels = CallLabels {
            api,
            mode: told.mode,
            code: told.code,
            answered: match told {
                Told {
                    preflight: true, ..
                } => "preflight",
                Told { answered: true, .. } => "upstream",
                Told { .. } => "gateway",
            },
        };
        self.calls.get_or_create(&labels).clone()
    }

    /// Counts bytes that are not taken as a request.
    pub(crate) fn violation(&self, class: &'static str) {
        self.violations.get_or_create(&ClassLabel { class }).inc();
    }

    /// Shows how many calls in a row an upstream did not answer.
    pub(crate) fn upstream(&self, api: &str, mode: Mode, failures: u32) {
        let labels = UpstreamLabels {
            api: api.to_owned(),
            mode: mode.as_str(),
        };
        self.failures
            .get_or_create(&labels)
            .set(i64::from(failures));
    }
}
