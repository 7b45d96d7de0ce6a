use decision::Answer;
use primitives::RecordId;
use serde_json::Value;

use crate::RateLimit;

/// A call that is not let through, told the way its caller may hear it.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: &'static str,
    /// The decision, for `explain`.
    pub decision: RecordId,
    /// The answer with every gate; `None` when the call did not get as far as a decision.
    pub answer: Option<Answer>,
    /// The problem body (RFC 9457), cut by how far the caller is trusted.
    pub problem: Value,
    /// Where the counters of the call stand.
    pub limits: Vec<RateLimit>,
    /// The methods the path has, when the one asked for is not among them.
    pub allow: Vec<String>,
    /// After how many seconds another try can succeed, when that is known.
    pub retry_after: Option<u64>,
}
