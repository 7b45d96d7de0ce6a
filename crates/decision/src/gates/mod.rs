//! The gates, in their order. Every gate is asked, whatever the others say (J-2).

mod api;
mod entitlement;
pub(crate) mod geography;
pub(crate) mod limits;
pub(crate) mod lists;
mod numeric_limit;
mod off_list;
pub(crate) mod operation;
mod policy;
mod profiles;
mod rate_limit;

use primitives::Symbol;

use crate::{
    Capability, Evidence, Gate, Likeness,
    finding::{Finding, Listener, Refusal},
    scene::{Request, Scene},
};

/// Asks every gate about a call.
pub(crate) fn ask<'a>(
    scene: &Scene<'a>,
    evidence: &impl Evidence,
    listener: &mut impl Listener<'a>,
) {
    let Some(request) = scene.request else {
        return;
    };
    if scene.caller.app.provider {
        return pass_provider(scene, request, listener);
    }
    anomaly(evidence, listener);
    api::api(scene, listener);
    api::subscription(scene, listener);
    operation::operation(request, listener);
    api_wide(scene, listener);
    for (capability, used) in operation::capabilities(request) {
        if listener.is_done() {
            return;
        }
        match used {
            Ok(true) => ask_capability(scene, evidence, capability, listener),
            Ok(false) => {}
            Err(_) => listener.skip(capability),
        }
    }
}

/// Silent where no rule judges the call.
fn anomaly<'a>(evidence: &impl Evidence, listener: &mut impl Listener<'a>) {
    let finding = match evidence.likeness() {
        Likeness::NotJudged => return,
        Likeness::Usual => Finding::Passed,
        Likeness::Refused(why) => Finding::Refused(Refusal::Unusual(Box::new(why.clone()))),
    };
    listener.hear(Gate::Anomaly, finding);
}

/// Asks every gate about one capability.
pub(crate) fn ask_capability<'a>(
    scene: &Scene<'a>,
    evidence: &impl Evidence,
    symbol: Symbol,
    listener: &mut impl Listener<'a>,
) {
    listener.enter(symbol);
    let Some(capability) = scene.catalogue.capabilities.get(symbol) else {
        return closed(listener);
    };
    if scene.caller.app.provider {
        return pass_capability(listener);
    }
    entitlement::entitlement(scene, capability, listener);
    off_list::off_list(scene, capability, listener);
    profiles::profiles(scene, capability, listener);
    narrow(scene, evidence, capability, listener);
}

/// The gates that look beyond toggles.
fn narrow<'a>(
    scene: &Scene<'a>,
    evidence: &impl Evidence,
    capability: &'a Capability,
    listener: &mut impl Listener<'a>,
) {
    let index = &scene.catalogue.index;
    lists::lists(
        scene,
        concerning(index.capability_lists.get(capability.symbol)),
        listener,
    );
    policy::policy(scene, evidence, capability, listener);
    geography::geography(scene, capability, listener);
    let limits = concerning(index.capability_limits.get(capability.symbol));
    numeric_limit::numeric_limits(scene, limits, listener);
    rate_limit::rate_limits(scene, Some(capability), limits, listener);
}

/// Lists and limits that hold for every call of the API; silent where there is none.
fn api_wide<'a>(scene: &Scene<'a>, listener: &mut impl Listener<'a>) {
    let index = &scene.catalogue.index;
    let lists = concerning(index.api_lists.get(scene.api.symbol));
    if !lists.is_empty() {
        lists::lists(scene, lists, listener);
    }
    let limits = concerning(index.api_limits.get(scene.api.symbol));
    if !limits.is_empty() {
        numeric_limit::numeric_limits(scene, limits, listener);
        rate_limit::rate_limits(scene, None, limits, listener);
    }
}

fn concerning(symbols: Option<&Vec<Symbol>>) -> &[Symbol] {
    symbols.map_or(&[], Vec::as_slice)
}

/// The provider's own traffic passes every gate that asks for a right, as long as its app is
/// active. It still goes nowhere without an upstream of its mode: test never reaches live.
fn pass_provider<'a>(scene: &Scene<'a>, request: Request<'a>, listener: &mut impl Listener<'a>) {
    api::upstream(scene, listener);
    api::subscription_of_provider(scene, listener);
    listener.hear(Gate::Operation, Finding::NotApplicable);
    for (capability, used) in operation::capabilities(request) {
        if used == Ok(true) {
            listener.enter(capability);
            pass_capability(listener);
        }
    }
}

/// A capability that the set-up no longer has is closed to everybody.
fn closed<'a>(listener: &mut impl Listener<'a>) {
    for gate in Gate::OF_CAPABILITY {
        listener.hear(
            gate,
            match gate {
                Gate::Level => Finding::Refused(Refusal::NoWayIn),
                _ => Finding::NotApplicable,
            },
        );
    }
}

fn pass_capability<'a>(listener: &mut impl Listener<'a>) {
    for gate in Gate::OF_CAPABILITY {
        listener.hear(gate, Finding::NotApplicable);
    }
}
