//! Was the capability switched off after vetting, for the developer or for the app (P-38)?

use crate::{
    Capability, Gate,
    finding::{Finding, Listener, Refusal},
    scene::Scene,
};

pub(super) fn off_list<'a>(
    scene: &Scene<'a>,
    capability: &Capability,
    listener: &mut impl Listener<'a>,
) {
    let symbol = capability.symbol;
    let developer = scene.developer();
    let off_for_developer =
        developer.is_some_and(|developer| developer.switches.off.contains(symbol));
    let off_for_app = scene.caller.app.off.contains(symbol);
    if off_for_developer {
        listener.hear(Gate::OffList, Finding::Refused(Refusal::OffForDeveloper));
    }
    if off_for_app {
        listener.hear(Gate::OffList, Finding::Refused(Refusal::OffForApp));
    }
    if !off_for_developer && !off_for_app {
        listener.hear(Gate::OffList, Finding::Passed);
    }
}
