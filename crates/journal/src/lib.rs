//! The gateway's append-only segment files: every call is admitted before its first upstream
//! byte and settled once.
//!
//! [`Journal`] is one run's writer: an entry is put into a part of a segment that is mapped into
//! memory, so that the kernel has it at once; a thread waits for the disk, for all at a time. A
//! [`Reader`] follows the entries of all runs from a [`Cursor`] on. A segment is a file
//! `{epoch}-{segment}.seg`: a header, then frames of length, check sum and payload (CBOR), then
//! zeros as far as room was made ahead. Marks between the entries say what the disk has: what is
//! broken before a mark is damage, what is broken behind all marks a loss of power tore off.
//!
//! What it never does: decide, count, know SQL, or acknowledge what it may lose. It passes over
//! nothing but what a loss of power tore off the end of a run.
//!
//! To add something to a call's record: a field of [`CallRecord`] with `#[serde(default)]`, and
//! at the end of its array in `wire.rs`, so that what is there stays readable.

mod durability;
mod fact;
mod frame;
mod journal;
mod reader;
mod record;
mod segment;
mod wire;
mod writer;

pub use durability::Durability;
pub use fact::{RecordedFact, RecordedType};
pub use frame::Framed;
pub use journal::{Journal, JournalFailure, OpenProblem, Options, Receipt};
pub use reader::{Located, ReadProblem, Reader, read_at};
pub use record::{
    CallOutcome, CallRecord, CounterSpend, Entry, GateMarks, Granted, LimitStand, Manner,
    RecordedAnomaly, Settlement,
};
pub use segment::{Cursor, NotACursor};
pub use wire::{pack, unpack};

#[cfg(test)]
mod tests;
