//! The three ways in: the level has the capability, a business unit granted it, or it is a
//! non-risk one and switched on. One open way is enough (P-36, P-40, P-44, P-64).

use primitives::Symbol;

use crate::{
    Capability, Developer, Gate,
    finding::{Finding, Listener, Refusal},
    scene::{Scene, Stand},
};

pub(super) fn entitlement<'a>(
    scene: &Scene<'a>,
    capability: &'a Capability,
    listener: &mut impl Listener<'a>,
) {
    let findings = match scene.developer() {
        Some(developer) if scene.caller.developer.verified => ways_in(scene, developer, capability),
        // An account that is not verified has nothing, whatever was granted to it before.
        _ => [
            Finding::Refused(Refusal::Unverified),
            Finding::NotApplicable,
            Finding::NotApplicable,
        ],
    };
    for (gate, finding) in [Gate::Level, Gate::BusinessUnit, Gate::Switch]
        .into_iter()
        .zip(findings)
    {
        listener.hear(gate, finding);
    }
}

fn ways_in<'a>(
    scene: &Scene<'a>,
    developer: &'a Developer,
    capability: &'a Capability,
) -> [Finding<'a>; 3] {
    let ways = [
        level(scene, capability),
        business_unit(developer, capability),
        switch(developer, capability),
    ];
    if ways.iter().any(|way| matches!(way, Finding::Passed)) {
        return ways.map(|way| match way {
            Finding::Refused(_) => Finding::NotApplicable,
            way => way,
        });
    }
    if ways.iter().all(|way| matches!(way, Finding::NotApplicable)) {
        let [_, business_unit, switch] = ways;
        return [Finding::Refused(Refusal::NoWayIn), business_unit, switch];
    }
    ways
}

fn level<'a>(scene: &Scene<'a>, capability: &'a Capability) -> Finding<'a> {
    let ladder_of_api = scene.api.ladder;
    let placed = capability
        .levels
        .iter()
        .find(|(ladder, _)| *ladder == ladder_of_api);
    let Some((_, wants)) = placed else {
        return Finding::NotApplicable;
    };
    let (open, exact) = reaches(scene, *wants);
    let refusal = Refusal::Level {
        stand: scene.stand,
        wants: *wants,
        exact,
    };
    Finding::or_refused(open, refusal)
}

/// Whether the developer belongs to the level, and whether that means exactly it.
fn reaches(scene: &Scene<'_>, level: Symbol) -> (bool, bool) {
    let Some((ladder, wanted)) = scene.ladder.and_then(|on| Some((on, on.rank(level)?))) else {
        return (false, false);
    };
    let exact = ladder.levels.get(wanted).is_some_and(|level| level.exact);
    let open = match scene.stand {
        Stand::Nowhere(_) => false,
        Stand::Rank(stand) => ladder.belongs(stand, wanted),
    };
    (open, exact)
}

fn business_unit<'a>(developer: &Developer, capability: &'a Capability) -> Finding<'a> {
    let Some(unit) = &capability.business_unit else {
        return Finding::NotApplicable;
    };
    let granted = developer.switches.business_unit.contains(capability.symbol);
    Finding::or_refused(granted, Refusal::NoBusinessUnitGrant(unit))
}

fn switch<'a>(developer: &Developer, capability: &Capability) -> Finding<'a> {
    if !capability.non_risk {
        return Finding::NotApplicable;
    }
    let on = developer.switches.on.contains(capability.symbol);
    Finding::or_refused(on, Refusal::NotSwitchedOn)
}
