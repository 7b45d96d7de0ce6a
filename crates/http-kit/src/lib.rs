//! What every HTTP door of ours has in common: problem bodies with stable codes, request ids,
//! security headers, extractors whose failures name the place, authenticated cursors, entity
//! tags, idempotency keys, trace contexts and a server loop with deadlines.
//!
//! What it never does: know a resource, a flow or a decision, or read a clock.
//!
//! To add a public code: one entry in `codes.rs`; the page `docs/problems` follows from it.
//! To add an extractor: one file whose rejection is a [`Problem`].

mod basic;
mod body;
pub mod codes;
mod conditional;
mod edge;
mod hosts;
mod idempotency_key;
mod json;
mod listing;
mod network;
mod problem;
mod request_id;
mod security;
mod serve;
mod status;
mod three_tokens;
mod trace;
mod twice;
mod words;

#[cfg(test)]
mod tests;

pub use basic::Basic;
pub use body::bounded;
pub use codes::{Code, code_table_markdown};
pub use conditional::{EntityTag, Precondition, Tags};
pub use edge::{Edge, dress};
pub use hosts::Hosts;
pub use idempotency_key::IdempotencyKey;
pub use json::{Json, Path, Query, read_body, read_json};
pub use listing::{Listing, Page, PageParameters};
pub use network::{Network, Proxies, caller_address};
pub use problem::{FieldProblem, Problem, ProblemDocument, Problems};
pub use request_id::RequestId;
pub use security::{RENEWING_POLICY, Surface};
pub use serve::{ServeOptions, serve};
pub use status::ErrorStatus;
pub use three_tokens::{THREE_TOKENS, ThreeTokens};
pub use trace::TraceContext;
