//! The store as its callers see it, and what only this engine promises.

mod contract;
mod engine;
