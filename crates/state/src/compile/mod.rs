//! Compiles bodies into the values that decisions read, checking every reference.

mod api;
mod condition;
mod entries;
mod members;
mod names;
mod policies;
mod setup;
mod sharing;

pub use members::{account, app, check_account, check_app, permissions};
pub use names::Members;
pub use setup::{CompiledSettings, Setup, Source, Sourced, description, setup};
pub use sharing::Sharing;
