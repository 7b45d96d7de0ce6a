//! Is the place one where the capability may be used (P-48, P-52)? No rule means everywhere.

use catalog::{FactValue, UnusableFact};
use primitives::{Country, Name};

use crate::{
    Capability, Gate, GeoRule, GeoSubject,
    finding::{Finding, Listener, Refusal},
    scene::{Obstacle, Scene},
};

/// The fact that rules about the target of a call look at.
pub(crate) const TARGET: &str = "target";

pub(super) fn geography<'a>(
    scene: &Scene<'a>,
    capability: &'a Capability,
    listener: &mut impl Listener<'a>,
) {
    let (mut refused, mut unread) = (false, false);
    let mut asked = false;
    for rule in rules(scene, capability) {
        asked = true;
        match check(scene, rule) {
            Finding::Passed | Finding::NotApplicable => {}
            Finding::Unread => unread = true,
            finding @ Finding::Refused(_) => {
                refused = true;
                listener.hear(Gate::Geography, finding);
            }
        }
    }
    if !asked {
        listener.hear(Gate::Geography, Finding::NotApplicable);
    } else if unread {
        listener.hear(Gate::Geography, Finding::Unread);
    } else if !refused {
        listener.hear(Gate::Geography, Finding::Passed);
    }
}

/// The rules of a capability: those for everybody, then those for this developer alone.
pub(crate) fn rules<'a>(
    scene: &Scene<'a>,
    capability: &'a Capability,
) -> impl Iterator<Item = &'a GeoRule> {
    let developer = scene.caller.developer.developer.as_deref();
    let own = developer.map(|developer| developer.geography_of(capability.symbol));
    capability.geography.iter().chain(own.unwrap_or_default())
}

/// The place that a rule looks at, if it is known.
pub(crate) fn place<'a>(
    scene: &Scene<'a>,
    rule: &'a GeoRule,
) -> Result<Option<Country>, Finding<'a>> {
    match rule.subject {
        GeoSubject::CallerHome => Ok(scene.caller.developer.home),
        GeoSubject::UserHome => Ok(scene.caller.account.and_then(|account| account.home)),
        GeoSubject::CallerNow => match scene.request {
            None => Err(Finding::Unread),
            Some(request) => Ok(request.call.places.now),
        },
        GeoSubject::Target => target(scene),
    }
}

fn check<'a>(scene: &Scene<'a>, rule: &'a GeoRule) -> Finding<'a> {
    let place = match place(scene, rule) {
        Ok(Some(place)) => place,
        Ok(None) => return Finding::Refused(Refusal::PlaceUnknown(rule)),
        Err(finding) => return finding,
    };
    let allowed = rule
        .regions
        .iter()
        .any(|&region| scene.region_has(region, place));
    Finding::or_refused(allowed, Refusal::Place(rule, place))
}

/// The country that the request names as its target.
fn target<'a>(scene: &Scene<'a>) -> Result<Option<Country>, Finding<'a>> {
    let Some(request) = scene.request else {
        return Err(Finding::Unread);
    };
    let table = &request.call.operation.facts;
    let Some((index, definition)) = table
        .find(TARGET)
        .and_then(|index| Some((index, table.get(index)?)))
    else {
        return Ok(None);
    };
    match request.facts.get(index) {
        FactValue::Country(country) => Ok(Some(*country)),
        FactValue::Absent => Ok(None),
        FactValue::Unread => Err(Finding::Unread),
        FactValue::Unusable(why) => Err(unusable(&definition.name, why.clone())),
        _ => Err(unusable(
            &definition.name,
            UnusableFact::WrongType("country"),
        )),
    }
}

fn unusable(name: &Name, why: UnusableFact) -> Finding<'_> {
    Finding::from(Obstacle::Unusable(name, why))
}
