//! Windows and counters: several counters of one call are taken together or not at all.
//!
//! [`Counters::reserve`] takes what a call demands, [`Counters::refund`] gives it back to the
//! windows it came from, [`Calendar`] knows where days, weeks and months begin.
//!
//! What it never does: read a clock, touch a disk, know what a limit is for, or count more than
//! a limit allows, whatever the clock does.
//!
//! To add a kind of window: a variant of [`Window`], its bounds and what counts in them in
//! `slot.rs`, and a line in the reference model of the tests.

mod calendar;
mod counters;
mod demand;
mod near;
mod slot;

pub use calendar::{Calendar, UnknownTimeZone};
pub use counters::{Counters, Exhausted, Reservation, Spend, Taken};
pub use demand::{CalendarUnit, CounterKey, Demand, Standing, Window};
pub use near::Near;
