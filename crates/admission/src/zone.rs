use std::sync::Arc;

use arc_swap::ArcSwap;
use quota::Calendar;
use snapshot::Snapshot;

/// The calendar of the provider's time zone, made anew only when the settings name another.
#[derive(Debug)]
pub(crate) struct Zone(ArcSwap<(String, Arc<Calendar>)>);

impl Zone {
    pub(crate) fn new() -> Self {
        let utc = ("UTC".to_owned(), Arc::new(Calendar::utc()));
        Self(ArcSwap::from_pointee(utc))
    }

    /// The calendar that the settings of `snapshot` ask for. A snapshot is not built with a zone
    /// that does not exist; were there one all the same, the calendar in use stays.
    pub(crate) fn calendar(&self, snapshot: &Snapshot) -> Arc<Calendar> {
        let wanted = &snapshot.setup().settings.time_zone;
        let current = self.0.load();
        if current.0 == *wanted {
            return Arc::clone(&current.1);
        }
        match Calendar::new(wanted) {
            Ok(calendar) => {
                let calendar = Arc::new(calendar);
                let named = (wanted.clone(), Arc::clone(&calendar));
                self.0.store(Arc::new(named));
                calendar
            }
            Err(problem) => {
                tracing::error!(%problem, "the time zone of the settings cannot be used");
                Arc::clone(&current.1)
            }
        }
    }
}
