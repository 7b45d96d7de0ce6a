//! The intersection of profiles: developer, app, key, and the plan of the account acted for.

use primitives::{Name, Symbol};

use crate::{
    Capability, Gate, Profile,
    finding::{Finding, Listener, Refusal},
    scene::Scene,
};

pub(super) fn profiles<'a>(
    scene: &Scene<'a>,
    capability: &Capability,
    listener: &mut impl Listener<'a>,
) {
    let symbol = capability.symbol;
    let of_developer = scene
        .developer()
        .and_then(|developer| developer.profile.as_deref());
    let of_app = scene.caller.app.profile.as_deref();
    let of_key = scene.caller.permissions;
    listener.hear(
        Gate::DeveloperProfile,
        within(of_developer, symbol, Refusal::DeveloperProfile),
    );
    listener.hear(
        Gate::AppProfile,
        within(of_app, symbol, Refusal::AppProfile),
    );
    listener.hear(
        Gate::KeyPermissions,
        within(of_key, symbol, Refusal::KeyPermissions),
    );
    listener.hear(Gate::Plan, plan(scene, symbol));
}

fn within<'a>(
    profile: Option<&'a Profile>,
    capability: Symbol,
    refusal: fn(Option<&'a Name>) -> Refusal<'a>,
) -> Finding<'a> {
    match profile {
        None => Finding::NotApplicable,
        Some(profile) => Finding::or_refused(
            profile.capabilities.contains(capability),
            refusal(profile.name.as_ref()),
        ),
    }
}

fn plan<'a>(scene: &Scene<'a>, capability: Symbol) -> Finding<'a> {
    match scene.plan() {
        None => Finding::NotApplicable,
        // A plan that is gone opens nothing: missing is not the same as unlimited.
        Some((plan, None)) => Finding::Refused(Refusal::Plan(plan)),
        Some((symbol, Some(plan))) => match &plan.profile {
            None => Finding::NotApplicable,
            Some(profile) => Finding::or_refused(
                profile.capabilities.contains(capability)
                    || scene
                        .changes
                        .plan_capabilities
                        .contains(&(symbol, capability)),
                Refusal::Plan(symbol),
            ),
        },
    }
}
