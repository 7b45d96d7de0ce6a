use primitives::{Mode, Quantity, Symbol, Timestamp};
use std::time::Duration;

/// How long a counter counts before it starts anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// A day, week (from Monday) or month of the provider's time zone.
    Calendar(CalendarUnit),
    /// The last so-many seconds, in conservative buckets: never lets more through than the
    /// limit in any window of that length, may let a little less.
    Rolling(Duration),
    /// Never starts anew.
    Lifetime,
}

/// A unit of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CalendarUnit {
    /// Midnight to midnight.
    Day,
    /// Monday to Monday.
    Week,
    /// First to first.
    Month,
}

/// Which counter: exact fields, never a joined string. The same after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterKey {
    /// The limit, as the first 8 bytes of SHA-256 of its name.
    pub limit: u64,
    /// Test and live count apart.
    pub mode: Mode,
    /// Whose counter: the number of an account, an app or a credential.
    pub subject: u128,
    /// The first 16 bytes of SHA-256 of the fact that keys the counter; 0 without one.
    pub fact: u128,
}

/// What one call wants of one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The limit, for explanations.
    pub limit: Symbol,
    /// The counter.
    pub key: CounterKey,
    /// How long it counts.
    pub window: Window,
    /// The most it may reach; `None` counts without a bound.
    pub most: Option<Quantity>,
    /// What this call takes, never negative.
    pub cost: Quantity,
}

/// Where a counter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Taken so far in the current window, reservations included.
    pub used: Quantity,
    /// When it starts anew; `None` for a lifetime.
    pub resets_at: Option<Timestamp>,
}
