//! Breaks a running installation on purpose, and holds what is left against what was said.
//!
//! A campaign starts the real binary as a [`Node`] in front of an [`Origin`] of its own, lets the
//! clients of a [`Driver`] write a [`History`] of everything they asked and were told, breaks
//! something, and lets the [`Checker`] compare that history with what the node and the origin
//! hold in the end: what was acknowledged is there exactly once, what was refused is not there,
//! and what nobody was told is there at most once.
//!
//! What it never does: reach beyond this machine, touch its clock, or leave a process behind. It
//! knows the product only from outside: processes, sockets, files.
//!
//! To add a fault: a file with one function that returns a [`Report`], an arm in `main.rs`, and a
//! short test of it in `crates/server/tests/it/`, because only there the binary is sure to be
//! built.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a campaign that cannot be set up is to fail loudly"
)]

/// F-38: dying between keeping a change and answering.
pub mod ambiguous;
/// F-31: a database that is away.
pub mod away;
/// S-19: requests that grow when they are read.
pub mod bombs;
mod checker;
mod client;
/// F-01: killing it at any moment.
pub mod crash;
/// F-17: storms of connections, and no descriptor left.
pub mod descriptors;
/// F-03 and F-04: a disk that fails, and one that is full.
pub mod disk;
/// F-24: one server takes over from another while calls go on.
pub mod drain;
mod driver;
mod history;
/// F-20: large bodies under a ceiling of memory.
pub mod memory;
/// F-39: an upstream that does everything wrong.
pub mod misbehaviour;
mod node;
mod open_loop;
mod origin;
/// F-22: more calls than an upstream can do.
pub mod overload;
mod process;
/// How far a long campaign is.
pub mod progress;
mod provider;
mod report;
/// F-29: certificates, signing secrets and keys that are replaced under load.
pub mod rotation;
mod secure;
/// F-18: callers that are slow at whatever one can be slow at.
pub mod slow;
/// F-28 and S-07: damaged states, and requests that others may read otherwise.
pub mod strangers;
/// The campaigns of F-17, F-18, F-20, F-22, F-24, F-29 and F-39 by name, in both tiers.
pub mod under_load;
mod workshop;

pub use checker::{Checker, Finding, Findings};
pub use client::{Answer, Client, Lost};
pub use driver::{Dice, Driver, Load};
pub use history::{History, Operation, Outcome};
pub use node::{Launch, Node};
pub use open_loop::{Offer, Tally, percentile};
pub use origin::{Origin, Served};
pub use process::Process;
pub use provider::{Provider, SCARCE};
pub use report::Report;
pub use secure::Authority;
pub use workshop::Workshop;

pub use testkit::missing;

use std::path::PathBuf;

/// Where a program stands on `PATH`.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path);
    folders.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file()))
}
