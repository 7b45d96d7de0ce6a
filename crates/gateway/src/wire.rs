//! The strict reading of HTTP/1.1 that stands between a caller's socket and hyper: hyper and
//! admission see only bytes with one reading.
//!
//! [`Framing`] is the grammar and the bookkeeping of where a message ends, without any I/O;
//! [`Violation`] is what it refuses. The guard (`guard.rs`) is the stream that hyper reads from.
//! Nothing is repaired, and nothing of a message is passed on before its whole head is read.

mod chunks;
mod framing;
mod grammar;
mod guard;
mod head;
mod link;
mod violation;

#[cfg(test)]
mod tests;

pub use framing::{Framing, Stop};
pub(crate) use guard::{Guard, Patience, Refusals};
pub(crate) use link::{Link, Served};
pub use violation::Violation;
