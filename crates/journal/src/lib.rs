//! The gateway's append-only segment files: every call is admitted before its first upstream
//! byte and settled once.
//!
//! [`Journal`] is one run's writer: entries that come together share one wait for the disk. A
//! [`Reader`] follows the entries of all runs from a [`Cursor`] on. A segment is a file
//! `{epoch}-{segment}.seg`: a header, then frames of length, check sum and JSON.
//!
//! What it never does: decide, count, know SQL, or acknowledge what it may lose. It passes over
//! nothing but what a loss of power tore off the end of a run.
//!
//! To add something to a call's record: a field of [`CallRecord`] with `#[serde(default)]`, so
//! that older segments stay readable.

mod durability;
mod fact;
mod frame;
mod journal;
mod reader;
mod record;
mod segment;
mod writer;

pub use durability::Durability;
pub use fact::{RecordedFact, RecordedType};
pub use journal::{Journal, JournalFailure, OpenProblem, Options, Receipt, Room};
pub use reader::{Located, ReadProblem, Reader, read_at};
pub use record::{CallOutcome, CallRecord, CounterSpend, Entry, Settlement};
pub use segment::{Cursor, NotACursor};

#[cfg(test)]
mod tests;
