//! The complete list of an app's capabilities, before there is a call.

use std::sync::Arc;

use catalog::Condition;

use super::world::{DAY, Wants, World, at_most, counted, fact, name, numeric, quantity, set};
use crate::{
    CapabilityAnswer, Gate, GeoRule, GeoSubject, LimitKind, LimitScope, LimitValue, ListEffect,
    ListSubject, Outcome, capabilities_of,
};

fn list(world: &World) -> Vec<CapabilityAnswer> {
    capabilities_of(&world.catalogue, &world.api, world.caller(), &world.witness)
}

fn outcome(answer: &CapabilityAnswer, gate: Gate) -> Outcome {
    answer
        .gates
        .iter()
        .find(|answer| answer.gate == gate)
        .unwrap()
        .outcome
}

/// Shows: P-54, P-57.
#[test]
fn every_capability_is_granted_or_rejected_with_its_reason() {
    let mut world = World::new();
    world.capability("NEAR", Some(0));
    let off = world.capability("OFF", Some(0));
    world.capability("FAR", Some(3));
    let unit = world.capability("UNIT", None);
    world.edit(unit, |capability| {
        capability.business_unit = Some(name("fees"));
    });
    world.edit_developer(|developer| {
        Arc::make_mut(&mut developer.switches).off = set(&[off]);
    });
    let said: Vec<_> = list(&world)
        .iter()
        .map(|answer| {
            let refused = answer
                .gates
                .iter()
                .find(|gate| gate.outcome == Outcome::Refused);
            (answer.granted, refused.map_or("", |gate| gate.code))
        })
        .collect();
    assert_eq!(
        said,
        [
            (true, ""),
            (false, "switched_off"),
            (false, "level_too_low"),
            (false, "business_unit_not_granted"),
        ]
    );
}

/// Shows: P-54.
#[test]
fn limits_come_with_what_remains() {
    let mut world = World::new();
    let pay = world.capability("PAY", Some(0));
    let limit = world.limit(
        "per-day",
        Some(pay),
        counted(DAY, LimitScope::App),
        at_most("5"),
    );
    world.limit("legs", Some(pay), numeric("legs", None), at_most("3"));
    world.witness.used.insert(limit, quantity("4"));
    let answer = &list(&world)[0];
    assert!(answer.granted);
    let said: Vec<_> = answer
        .limits
        .iter()
        .map(|limit| (limit.most, limit.used))
        .collect();
    assert_eq!(
        said,
        [
            (Some(quantity("3")), None),
            (Some(quantity("5")), Some(quantity("4"))),
        ]
    );
    world.witness.used.insert(limit, quantity("5"));
    assert!(!list(&world)[0].granted);
}

#[test]
fn a_limit_by_currency_is_told_in_each() {
    let mut world = World::new();
    let pay = world.capability("PAY", Some(0));
    let values = [("USD", "2000"), ("EUR", "1800")];
    let values = values.map(|(currency, most)| (currency.to_owned(), quantity(most)));
    let kind = numeric("amount", Some("currency"));
    world.limit(
        "amount",
        Some(pay),
        kind,
        LimitValue::ByCurrency(values.into()),
    );
    let answer = &list(&world)[0];
    let said: Vec<_> = answer
        .limits
        .iter()
        .map(|limit| limit.currency.clone().unwrap())
        .collect();
    assert_eq!(said, ["USD", "EUR"]);
}

#[test]
fn what_depends_on_the_request_is_not_evaluated() {
    let mut world = World::new();
    let pay = world.capability("PAY", Some(0));
    world.uses(pay, Some(Condition::Present(fact("legs"))));
    world.policy(pay, "small", Wants::AmountOf50);
    let regions = vec![world.region("us", &["US"])];
    world.edit(pay, |capability| {
        capability.geography = vec![GeoRule {
            subject: GeoSubject::CallerNow,
            regions,
        }];
    });
    world.list(
        "office",
        Some(pay),
        ListEffect::Allow,
        ListSubject::networks(vec![]),
    );
    let keyed = LimitKind::Counted {
        window: DAY,
        scope: LimitScope::App,
        key: Some(name("agreement")),
        cost: None,
    };
    world.limit("keyed", Some(pay), keyed, at_most("5"));
    world.limit("legs", Some(pay), numeric("legs", None), at_most("3"));
    let answer = &list(&world)[0];
    assert!(answer.granted);
    for gate in [
        Gate::List,
        Gate::Policy,
        Gate::Geography,
        Gate::NumericLimit,
        Gate::RateLimit,
    ] {
        assert_eq!(outcome(answer, gate), Outcome::NotEvaluated, "{gate}");
    }
    assert_eq!(answer.limits.len(), 2);
    world.edit(pay, |capability| {
        capability.geography[0].subject = GeoSubject::CallerHome;
    });
    world.developer.home = Some("JP".parse().unwrap());
    assert_eq!(outcome(&list(&world)[0], Gate::Geography), Outcome::Refused);
}
