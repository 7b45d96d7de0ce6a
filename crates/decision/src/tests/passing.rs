//! A refusal tells of its open gates too what they had and what they wanted.

use std::sync::Arc;

use catalog::FactValue;

use super::world::{
    DAY, Wants, World, at_most, counted, country, gates, numeric, profile, quantity, set,
};
use crate::{
    Answer, Gate, GeoRule, GeoSubject, LimitScope, ListEffect, ListSubject, Outcome, Verdict,
};

fn told(answer: &Answer, of: Gate) -> [String; 3] {
    let gate = gates(answer).find(|gate| gate.gate == of).unwrap();
    assert_eq!(gate.outcome, Outcome::Passed, "{gate:?}");
    let parts = [&gate.rule, &gate.value, &gate.threshold];
    parts.map(|part| part.clone().unwrap_or_default())
}

/// Shows: J-2.
#[test]
fn every_open_gate_of_a_refusal_has_its_value_and_threshold() {
    let mut world = World::new();
    let pay = world.capability("PAY", Some(0));
    world.stand_on(1);
    world.edit_developer(|developer| developer.profile = profile(&[pay]));
    world.app.profile = profile(&[pay]);
    world.plan("free", profile(&[pay]));
    let denied = ListSubject::Developers(Vec::new());
    world.list("bad", Some(pay), ListEffect::Deny, denied);
    world.policy(pay, "approved", Wants::Nothing);
    let regions = vec![world.region("eu", &["DE", "FR"])];
    world.edit(pay, |capability| {
        let subject = GeoSubject::CallerHome;
        capability.geography = [GeoRule { subject, regions }].into();
    });
    world.developer.home = Some(country("DE"));
    world.limit("amount", Some(pay), numeric("amount", None), at_most("100"));
    world.has("amount", FactValue::Quantity(quantity("12.5")));
    let per_day = counted(DAY, LimitScope::App);
    world.limit("per-day", Some(pay), per_day, at_most("5"));
    assert_eq!(world.verdict(), Verdict::Granted);
    world.app.off = Arc::new(set(&[pay]));

    let answer = world.answer();
    assert_eq!(answer.verdict, Verdict::Refused);
    for gate in gates(&answer).filter(|gate| gate.outcome == Outcome::Passed) {
        for part in [&gate.value, &gate.threshold] {
            let part = part.as_deref().unwrap_or_default();
            assert!(!part.is_empty(), "{gate:?}");
        }
        assert_eq!(gate.code, "");
    }
    let levels = told(&answer, Gate::Level);
    assert!(levels[1] != levels[2], "{levels:?}");
    assert_eq!(told(&answer, Gate::NumericLimit), ["amount", "12.5", "100"]);
    assert_eq!(told(&answer, Gate::RateLimit), ["per-day", "0 used", "5"]);
    assert_eq!(told(&answer, Gate::Geography), ["caller_home", "DE", "eu"]);
    assert_eq!(told(&answer, Gate::Plan), ["free", "inside", "inside"]);
    let listed = told(&answer, Gate::List);
    assert_eq!(listed, ["", "not listed", "not listed"], "no list is named");
    assert_eq!(told(&answer, Gate::Policy)[0], "approved");
    let subscribed = told(&answer, Gate::Subscription);
    assert_eq!(subscribed[1..], ["subscribed", "subscribed"]);
}
