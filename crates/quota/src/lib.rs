//! Windows and counters: several counters of one call are taken together or not at all.
//!
//! What it never does: read a clock, touch a disk, know what a limit is for.

mod demand;

pub use demand::{CalendarUnit, CounterKey, Demand, Standing, Window};
