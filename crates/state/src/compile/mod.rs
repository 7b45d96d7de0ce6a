//! Compiles bodies into the values that decisions read, checking every reference.

mod annotations;
mod anomalies;
mod api;
mod check;
mod condition;
mod credential;
mod entries;
mod limits;
mod lists;
mod members;
mod names;
mod policies;
mod risk;
mod setup;
mod sharing;

pub use check::{check_account, check_app};
pub use members::{account, app, permissions};
pub use names::Members;
pub use setup::{CompiledSettings, Setup, Source, Sourced, description, setup};
pub use sharing::Sharing;
