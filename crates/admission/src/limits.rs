use decision::{Limit, LimitKind};
use primitives::{Name, Quantity, Symbol, Timestamp};
use quota::{Calendar, CalendarUnit, Demand, Taken, Window};

use crate::explain::remaining;

/// A counter of a call, for the `RateLimit` fields of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// The limit's name.
    pub name: Name,
    /// The most it may reach.
    pub most: Quantity,
    /// What is left of it.
    pub remaining: Quantity,
    /// The length of its window in seconds; `None` for a lifetime.
    pub window: Option<u64>,
    /// When it starts anew; `None` for a lifetime.
    pub resets_at: Option<Timestamp>,
}

/// The values of `RateLimit-Policy` and `RateLimit`, or `None` when nothing is counted.
/// Amounts are rounded down to whole numbers, waiting times up.
#[must_use]
pub fn rate_limit_fields(limits: &[RateLimit], now: Timestamp) -> Option<(String, String)> {
    if limits.is_empty() {
        return None;
    }
    let room = || String::with_capacity(64 * limits.len());
    let (mut policy, mut state) = (room(), room());
    for limit in limits {
        let whole = |quantity: Quantity| quantity.millionths().max(0) / 1_000_000;
        begin(&mut policy, &limit.name);
        number(&mut policy, ";q=", whole(limit.most));
        begin(&mut state, &limit.name);
        number(&mut state, ";r=", whole(limit.remaining));
        if let Some(window) = limit.window {
            number(&mut policy, ";w=", window);
        }
        if let Some(resets_at) = limit.resets_at {
            number(&mut state, ";t=", seconds_until(resets_at, now));
        }
    }
    Some((policy, state))
}

/// Begins the entry of a limit.
fn begin(field: &mut String, name: &Name) {
    field.push_str(if field.is_empty() { "\"" } else { ", \"" });
    field.push_str(name.as_str());
    field.push('"');
}

fn number(field: &mut String, parameter: &str, number: impl itoa::Integer) {
    field.push_str(parameter);
    field.push_str(itoa::Buffer::new().format(number));
}

/// Whole seconds until `then`, rounded up.
pub(crate) fn seconds_until(then: Timestamp, now: Timestamp) -> u64 {
    let micros = then.micros_since(now).max(0);
    u64::try_from(micros).unwrap_or(0).div_ceil(1_000_000)
}

/// The length in seconds of the window that a limit counts in now; `None` when it never ends, or
/// the limit does not count.
pub(crate) fn window_of(limit: &Limit, now: Timestamp, calendar: &Calendar) -> Option<u64> {
    let LimitKind::Counted { window, .. } = &limit.kind else {
        return None;
    };
    seconds_of(*window, |unit| calendar.bounds(unit, now))
}

/// The length of a window in seconds, rounded up; `bounds` tells those of one of the calendar.
fn seconds_of(
    window: Window,
    bounds: impl FnOnce(CalendarUnit) -> Option<(Timestamp, Timestamp)>,
) -> Option<u64> {
    let micros = match window {
        Window::Lifetime => return None,
        Window::Rolling(length) => length.as_micros(),
        Window::Calendar(unit) => {
            let (begins_at, ends_at) = bounds(unit)?;
            ends_at.micros_since(begins_at).unsigned_abs().into()
        }
    };
    u64::try_from(micros.div_ceil(1_000_000)).ok()
}

/// Where bounded counters stand after a reservation.
pub(crate) fn after(
    demands: &[Demand],
    taken: &[Taken],
    name: impl Fn(Symbol) -> Option<Name>,
) -> Vec<RateLimit> {
    let bounded = |(demand, taken): (&Demand, &Taken)| {
        let most = demand.most?;
        let standing = taken.standing();
        let counted = (taken.spend.begins_at, taken.spend.ends_at);
        Some(RateLimit {
            name: name(demand.limit)?,
            most,
            remaining: remaining(most, standing.used),
            window: seconds_of(demand.window, |_| Some(counted)),
            resets_at: standing.resets_at,
        })
    };
    demands.iter().zip(taken).filter_map(bounded).collect()
}
