use catalog::Facts;
use decision::{Call, Caller, PolicyVerdict};
use primitives::Symbol;

/// What the policies of a snapshot say: the policy half of `decision::Evidence`.
pub trait PolicyEvidence {
    /// Whether `policy` permits `call` for `capability`. A policy over account properties alone
    /// was settled before; one that depends on the request is evaluated now.
    fn permits(
        &self,
        policy: Symbol,
        capability: Symbol,
        call: &Call<'_>,
        facts: &Facts,
    ) -> PolicyVerdict;

    /// The same before there is a call; unread when the policy looks at one.
    fn permits_settled(
        &self,
        policy: Symbol,
        capability: Symbol,
        caller: &Caller<'_>,
    ) -> PolicyVerdict;
}

impl PolicyEvidence for crate::Snapshot {
    fn permits(
        &self,
        policy: Symbol,
        _capability: Symbol,
        _call: &Call<'_>,
        _facts: &Facts,
    ) -> PolicyVerdict {
        let name = self.catalogue().vocabulary.policies.name(policy);
        PolicyVerdict::Refuse(vec![format!("policy `{name}` is not in force")])
    }
    fn permits_settled(
        &self,
        policy: Symbol,
        _capability: Symbol,
        _caller: &Caller<'_>,
    ) -> PolicyVerdict {
        let name = self.catalogue().vocabulary.policies.name(policy);
        PolicyVerdict::Refuse(vec![format!("policy `{name}` is not in force")])
    }
}
