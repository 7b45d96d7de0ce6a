use decision::{Answer, Gate, GateAnswer, LimitAnswer, Outcome, codes, spoken_level};
use primitives::{Mode, Name, RecordId, Symbol, Timestamp};
use serde_json::{Map, Value};

use crate::{
    RateLimit,
    explain::{first_refusal, remaining},
    limits::seconds_until,
};

/// A call that is not let through, told the way its caller may hear it.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The stable code.
    pub code: &'static str,
    /// What happened and what to do, for people.
    pub detail: String,
    /// The decision, for `explain`.
    pub decision: RecordId,
    /// The caller's mode; `None` when it was not identified.
    pub mode: Option<Mode>,
    /// What the problem body (RFC 9457) tells beyond that, cut by how far the caller is trusted:
    /// `decision_id`, and for an identified caller `gates`, `limits`, `capabilities`, `edits` and
    /// what exhausted limits offer in `offers`.
    pub more: Map<String, Value>,
    /// Where the counters of the call stand.
    pub limits: Vec<RateLimit>,
    /// The methods the path has, when the one asked for is not among them.
    pub allow: Vec<String>,
    /// After how many seconds another try can succeed, when that is known.
    pub retry_after: Option<u64>,
}

/// What a refusal is called.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    pub(crate) allow: Vec<String>,
}

impl Ground {
    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            allow: Vec::new(),
        }
    }

    /// The ground of an answer that refuses: its first closed gate.
    pub(crate) fn of(answer: &Answer) -> Self {
        match first_refusal(answer) {
            Some(gate) => Self::new(gate.code, said(gate)),
            // The counters refused what the gates had let pass.
            None => Self::new(codes::QUOTA_EXHAUSTED, "a counter is exhausted"),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        match self.code {
            "credential_missing"
            | "credential_malformed"
            | "credential_unknown"
            | "credential_expired"
            | "credential_revoked"
            | "credential_certificate"
            | codes::ACCOUNT_UNKNOWN => 401,
            "no_such_api" | "operation_unknown" => 404,
            "method_not_supported" => 405,
            "malformed_request" => 400,
            "body_too_large" => 413,
            codes::QUOTA_EXHAUSTED | "credential_tried_too_often" => 429,
            "overloaded" | "state_stale" => 503,
            "storage_full" => 507,
            _ => 403,
        }
    }
}

/// What the gate means, and what it found where it wanted what: `…; by `legs` it is `4`, and `3`
/// is allowed`.
fn said(gate: &GateAnswer) -> String {
    let meaning = meaning(gate.code);
    let spoken = |part: &Option<String>| match part.as_deref() {
        Some(part) if gate.gate == Gate::Level => spoken_level(part),
        part => part.unwrap_or_default().to_owned(),
    };
    let (rule, value, wanted) = (
        spoken(&gate.rule),
        spoken(&gate.value),
        spoken(&gate.threshold),
    );
    let is_ours = [codes::POLICY_REFUSED, codes::ANOMALY_REFUSED].contains(&gate.code);
    if is_ours || value.is_empty() || wanted.is_empty() {
        return meaning.to_owned();
    }
    let by = if rule.is_empty() || rule == wanted {
        String::new()
    } else {
        format!("by `{rule}` ")
    };
    match gate.code {
        // What is wanted and why not are words here, no values.
        codes::FACT_MISSING => format!("{meaning}: {by}{wanted} is wanted"),
        codes::FACT_UNUSABLE => format!("{meaning}: {by}{wanted} is wanted, and {value}"),
        codes::LIMIT_EXCEEDED | codes::QUOTA_EXHAUSTED => {
            format!("{meaning}; {by}it is `{value}`, and `{wanted}` is allowed")
        }
        _ => format!("{meaning}; {by}it is `{value}`, and `{wanted}` is wanted"),
    }
}

fn meaning(code: &str) -> &'static str {
    codes::ALL
        .iter()
        .find(|(known, _)| *known == code)
        .map_or("the call is refused", |(_, meaning)| meaning)
}

/// After how many seconds the exhausted counters will have room; `None` when another gate is
/// closed too, or a counter never starts anew.
pub(crate) fn retry_after(answer: &Answer, now: Timestamp) -> Option<u64> {
    let of_capabilities = answer.capabilities.iter().flat_map(|one| &one.gates);
    let mut refused = answer
        .gates
        .iter()
        .chain(of_capabilities)
        .filter(|gate| gate.outcome == Outcome::Refused);
    if refused.any(|gate| gate.code != codes::QUOTA_EXHAUSTED) {
        return None;
    }
    // A call that costs more than one can be refused by a counter that is not full: then all
    // that it would have taken of are waited for.
    let full = |limit: &&LimitAnswer| limit.used >= limit.most;
    let any_full = counted(answer).any(|limit| full(&limit));
    let mut latest = None;
    for limit in counted(answer).filter(|limit| !any_full || full(limit)) {
        latest = latest.max(Some(limit.resets_at?));
    }
    latest.map(|resets_at| seconds_until(resets_at, now))
}

/// The limits of an answer that count.
fn counted(answer: &Answer) -> impl Iterator<Item = &LimitAnswer> {
    let of_capabilities = answer.capabilities.iter().flat_map(|one| &one.limits);
    let all = answer.limits.iter().chain(of_capabilities);
    all.filter(|limit| limit.used.is_some() && limit.most.is_some())
}

/// Where the counters of an answer stand, each once; `known` tells the name and the window of a
/// limit.
pub(crate) fn standings(
    answer: &Answer,
    known: impl Fn(Symbol) -> Option<(Name, Option<u64>)>,
) -> Vec<RateLimit> {
    let mut limits: Vec<(Symbol, RateLimit)> = Vec::new();
    for limit in counted(answer) {
        let (Some(most), Some(used)) = (limit.most, limit.used) else {
            continue;
        };
        if limits.iter().any(|(told, _)| *told == limit.limit) {
            continue;
        }
        let Some((name, window)) = known(limit.limit) else {
            continue;
        };
        let standing = RateLimit {
            name,
            most,
            remaining: remaining(most, used),
            window,
            resets_at: limit.resets_at,
        };
        limits.push((limit.limit, standing));
    }
    limits.into_iter().map(|(_, standing)| standing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(gate: Gate, code: &'static str, parts: [&str; 3]) -> GateAnswer {
        let [rule, value, threshold] = parts.map(|part| Some(part.to_owned()));
        GateAnswer {
            gate,
            outcome: Outcome::Refused,
            code,
            rule,
            value,
            threshold,
        }
    }

    #[test]
    fn a_refusal_reads_as_a_sentence() {
        for (answer, end) in [
            (
                gate(
                    Gate::Level,
                    codes::LEVEL_TOO_LOW,
                    ["default/gold", "default/standard", "default/gold"],
                ),
                "; it is `standard`, and `gold` is wanted",
            ),
            (
                gate(
                    Gate::NumericLimit,
                    codes::LIMIT_EXCEEDED,
                    ["legs", "4", "3"],
                ),
                "; by `legs` it is `4`, and `3` is allowed",
            ),
            (
                gate(
                    Gate::NumericLimit,
                    codes::FACT_UNUSABLE,
                    ["legs", "it is not a quantity", "a usable `legs`"],
                ),
                ": by `legs` a usable `legs` is wanted, and it is not a quantity",
            ),
            (
                gate(
                    Gate::NumericLimit,
                    codes::FACT_MISSING,
                    ["legs", "absent", "the fact `legs`"],
                ),
                ": by `legs` the fact `legs` is wanted",
            ),
        ] {
            let said = said(&answer);
            assert!(said.ends_with(end), "{said}");
            assert!(said.starts_with(meaning(answer.code)), "{said}");
        }
    }
}
