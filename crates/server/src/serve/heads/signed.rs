use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use primitives::{Clock, Revision, Timestamp};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::gauge::ConstGauge,
    registry::Registry,
};

/// How far the event log is signed, for metrics: whoever watches them learns that signing stands
/// still, or that the log runs away from its heads.
#[derive(Clone)]
pub(crate) struct Signed {
    clock: Arc<dyn Clock>,
    known: Arc<Mutex<Known>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// Of the newest head, with when it was signed.
    head: Option<(Revision, Timestamp)>,
    /// Of the newest event.
    log: Option<Revision>,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signed")
    }
}

impl Signed {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            known: Arc::default(),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(self.clone()));
    }

    /// The newest head.
    pub(super) fn head(&self, revision: Revision, at: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.head = Some((revision, at));
    }

    /// The newest event.
    pub(super) fn log(&self, revision: Revision) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.log = Some(revision);
    }

    fn known(&self) -> Known {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Signed {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge is a float, and nothing is decided by it"
    )]
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Known { head, log } = self.known();
        let mut tell = |name: &str, says: &str, value: f64| {
            let gauge = ConstGauge::new(value);
            let told = encoder.encode_descriptor(name, says, None, gauge.metric_type())?;
            gauge.encode(told)
        };
        if let Some((revision, at)) = head {
            let age = self.clock.now().micros_since(at).max(0) as f64 / 1e6;
            tell(
                "audit_head_revision",
                "Revision of the newest signed head of the event log",
                revision.0 as f64,
            )?;
            tell(
                "audit_head_age_seconds",
                "Time since the newest head of the event log was signed",
                age,
            )?;
        }
        if let Some(revision) = log {
            tell(
                "audit_log_revision",
                "Revision of the newest event; larger than that of the head for longer than a second when signing stands still",
                revision.0 as f64,
            )?;
        }
        Ok(())
    }
}
