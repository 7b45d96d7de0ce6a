//! Does the capability's policy permit (P-60)? No policy means yes.

use crate::{
    Capability, Evidence, Gate, PolicyVerdict,
    finding::{Finding, Listener, Refusal},
    scene::Scene,
};

pub(super) fn policy<'a>(
    scene: &Scene<'a>,
    evidence: &impl Evidence,
    capability: &Capability,
    listener: &mut impl Listener<'a>,
) {
    let Some(policy) = capability.policy else {
        return listener.hear(Gate::Policy, Finding::NotApplicable);
    };
    let verdict = match scene.request {
        Some(request) => evidence.permits(policy, capability.symbol, request.call, request.facts),
        None => evidence.permits_settled(policy, capability.symbol, scene.api, &scene.caller),
    };
    let finding = match verdict {
        PolicyVerdict::Permit => Finding::Passed,
        PolicyVerdict::Unread => Finding::Unread,
        PolicyVerdict::Refuse(conditions) => {
            Finding::Refused(Refusal::Policy { policy, conditions })
        }
    };
    listener.hear(Gate::Policy, finding);
}
