//! The store as its callers see it, and what only this engine promises.

#![expect(clippy::unwrap_used, reason = "a test reports by panicking")]

mod contract;
mod engine;
mod room;
