use catalog::Facts;
use decision::{Call, Caller, PolicyVerdict};
use primitives::Symbol;

use crate::Snapshot;

/// What the policies of a snapshot say: the policy half of `decision::Evidence`.
pub trait PolicyEvidence {
    /// Whether `policy` permits `call` for `capability`. A policy that looks at accounts alone
    /// is settled once for all that are alike; one that looks at the request is asked now.
    fn permits(
        &self,
        policy: Symbol,
        capability: Symbol,
        call: &Call<'_>,
        facts: &Facts,
    ) -> PolicyVerdict;

    /// What `policy` says of a caller before there is a call: [`PolicyVerdict::Unread`] when it
    /// looks at the request.
    fn permits_settled(
        &self,
        policy: Symbol,
        capability: Symbol,
        caller: &Caller<'_>,
    ) -> PolicyVerdict;
}

impl PolicyEvidence for Snapshot {
    fn permits(
        &self,
        policy: Symbol,
        capability: Symbol,
        call: &Call<'_>,
        facts: &Facts,
    ) -> PolicyVerdict {
        match &self.setup.policies {
            Some(policies) => policies.permits(policy, capability, call, facts),
            None => none_in_force(),
        }
    }

    fn permits_settled(
        &self,
        policy: Symbol,
        capability: Symbol,
        caller: &Caller<'_>,
    ) -> PolicyVerdict {
        match &self.setup.policies {
            Some(policies) => policies.permits_settled(policy, capability, caller),
            None => none_in_force(),
        }
    }
}

/// Only the empty snapshot has no policies; it opens nothing.
fn none_in_force() -> PolicyVerdict {
    PolicyVerdict::Refuse(vec!["no policy is in force".to_owned()])
}
