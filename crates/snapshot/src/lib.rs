//! The compiled, sharded, immutable inputs of a decision.
//!
//! A [`Snapshot`] holds everything a decision reads, at one revision: the provider's catalogue,
//! policies, routes, and the accounts, apps and credentials in shards that successive snapshots
//! share. Changing one app copies one shard, whatever the number of apps. The newest snapshot
//! stands in a [`SnapshotHandle`]; a [`Loader`] follows the event log and replaces it.
//!
//! What it never does: decide a call, count, or let a snapshot that does not build replace one
//! that does. Reading a snapshot takes no lock and does no I/O.
//!
//! To add something decisions read of every app or account: a field of `decision::App` or
//! `decision::Account`, its compilation in `state::compile`. To add a kind of catalogue
//! resource: `store::Kind`, its document and compilation in `state`; it is picked up here.

mod against;
mod build;
mod credential;
mod evidence;
mod geo;
mod handle;
mod loader;
mod mounts;
mod shards;
mod view;

pub use build::Changes;
pub use credential::Credential;
pub use evidence::PolicyEvidence;
pub use geo::{GeoDatabase, GeoHandle, GeoProblem};
pub use handle::SnapshotHandle;
pub use loader::Loader;
pub use mounts::Mounted;
pub use store::CredentialKind;
pub use view::Snapshot;

#[cfg(test)]
mod races;
#[cfg(test)]
mod tests;
