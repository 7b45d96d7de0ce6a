//! The state document: everything a provider says about APIs, capabilities, levels, policies,
//! limits, accounts and apps, as YAML that people write and as JSON that the store keeps.
//!
//! [`parse()`] reads files into entries with their places, [`setup()`], [`account()`] and [`app()`]
//! compile entries into the values that decisions read, [`render()`] writes entries as YAML again,
//! [`schema()`] publishes what may be written.
//!
//! What it never does: open a file, touch a store, decide a call. A state with anything wrong
//! in it becomes a list of [`Problem`]s, and nothing else.
//!
//! To add a field: the field with its comment under `document`, its compilation under
//! `compile`, and `cargo xtask generate` for the schema. To add a kind: `store::Kind`, its type
//! under `document`, its list in [`parse()`].

mod compile;
pub mod document;
mod documents;
mod parse;
mod problem;
mod reading;
mod render;
mod schema;
mod yaml;

pub use compile::{
    CompiledSettings, Members, Setup, Sharing, Source, Sourced, account, app, check_account,
    check_app, description, permissions, setup,
};
pub use document::Document;
pub use documents::{Documents, Entry, KeyEntry, SourceFile, Sources};
pub use parse::{canonical, described, parse};
pub use problem::Problem;
pub use render::{Rendered, render};
pub use schema::schema;

#[cfg(test)]
mod tests;
