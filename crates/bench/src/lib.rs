//! What a decision costs: a provider of any size in memory, and calls against it.
//!
//! What it never does: decide or count by itself. It calls the same functions as admission.
//!
//! To add a measurement: a function over [`Provider`], and a line of the report in `main.rs`.

mod door;
mod provider;
mod zipf;

pub use door::{Door, Waiting};
pub use provider::{Kind, Provider, Ready, Unmade};
pub use zipf::zipf;
