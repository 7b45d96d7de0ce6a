//! What a provider's API consists of: descriptions, routes, operations, and what an operation
//! is annotated with (capabilities, conditions, facts, the parameter that names an account).
//!
//! What it never does: read a file, call a network, know an account or decide a call.
//!
//! To add a way to take a fact from a request: a variant of [`FactSource`], its reading in
//! `facts`, its row in the state document.

mod annotation;
mod api;
mod fact;

pub use annotation::{
    AccountParameter, CapabilityUse, Condition, FactDefinition, FactIndex, FactSource, FactTable,
    FactType, Fold, Literal,
};
pub use api::{Api, Cors, Mount, Operation, Upstream, UpstreamCredential, UpstreamIdentity};
pub use fact::{FactValue, Facts, UnusableFact};
