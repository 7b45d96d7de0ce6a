//! The gateway's append-only segment files: every call is admitted before its first upstream
//! byte and settled once.
//!
//! What it never does: decide, count, or know SQL.

mod durability;
mod record;

pub use durability::Durability;
pub use record::{CallOutcome, CallRecord, CounterSpend, Entry, Settlement};
