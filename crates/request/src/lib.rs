//! The canonical request: parsed once, ambiguity refused, re-serialised from the parsed form,
//! so that the object that is decided about is the object that is forwarded.
//!
//! What it never does: guess. A target that two servers could read in two ways (dot segments,
//! encoded slashes, doubled escapes, two hosts) is refused with the place named; nothing is
//! repaired. It knows no API, no caller and no rule.
//!
//! To add a refusal: a variant of [`RequestProblem`] with its message and [`RequestProblem::code`],
//! and a row in the table of hostile cases (`hostile.rs`).

mod canonical;
mod headers;
mod host;
mod path;
mod percent;
mod problem;
mod query;

#[cfg(test)]
mod hostile;

pub use canonical::{CanonicalRequest, METHODS};
pub use headers::{
    HOP_BY_HOP, NAMESPACE, end_to_end, is_hop_by_hop, is_namespaced, is_plainly_spelled, nominated,
    spelled_alike,
};
pub use host::Host;
pub use path::{CanonicalPath, LONGEST_TARGET, MOST_SEGMENTS};
pub use problem::RequestProblem;
pub use query::{MOST_PAIRS, Query};
