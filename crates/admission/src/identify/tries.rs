use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use primitives::{CredentialId, Timestamp};
use quick_cache::sync::Cache;

/// Wrong secrets at once.
const AT_ONCE: i64 = 10;
/// Then one for each while of this length.
const EVERY_MICROS: i64 = 6_000_000;
/// How many credentials' tries are remembered.
const REMEMBERED: usize = 65_536;

/// How often secrets that somebody else chose may be tried, for each credential: whatever its id
/// is written like, and wherever the tries come from (S-72).
pub(super) struct Tries(Cache<CredentialId, Arc<AtomicI64>>);

impl Default for Tries {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Tries {
    /// Takes a try; false when there is none left for now. Those at once count one by one.
    pub(super) fn take(&self, credential: CredentialId, now: Timestamp) -> bool {
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::default());
        let Ok(spent) = self.0.get_or_insert_with(&credential, fresh);
        let now = now.as_micros();
        let latest = now.saturating_add(EVERY_MICROS.saturating_mul(AT_ONCE.saturating_sub(1)));
        let next = |spent: i64| {
            let from = spent.max(now);
            (from <= latest).then(|| from.saturating_add(EVERY_MICROS))
        };
        let order = Ordering::Relaxed;
        spent.fetch_update(order, order, next).is_ok()
    }

    /// Forgets the tries of a credential whose secret was shown.
    pub(super) fn forget(&self, credential: CredentialId) {
        self.0.remove(&credential);
    }
}
