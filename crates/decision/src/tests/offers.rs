//! What an exhausted limit offers, and to whom.

use catalog::FactValue;
use primitives::Symbol;

use super::world::{DAY, World, at_most, counted, numeric, quantity};
use crate::{LimitScope, LimitValue, Offer, Verdict, spoken_level};

/// An account on a plan that holds a limit of calls to 5, all of them used; a better plan is
/// offered.
fn held() -> (World, Symbol, Symbol) {
    let mut world = World::new();
    let pay = world.capability("PAY", Some(0));
    let kind = counted(DAY, LimitScope::App);
    let limit = world.limit("per-day", Some(pay), kind, at_most("100"));
    let small = world.other_plan("small", &[(limit, at_most("5"))]);
    let large = world.other_plan("large", &[(limit, at_most("50"))]);
    world.put_on(small);
    world.offers(limit, large);
    world.witness.used.insert(limit, quantity("5"));
    (world, limit, large)
}

fn offer(world: &World) -> Option<(Option<&'static str>, bool)> {
    let offers = world.answer().offers;
    assert!(offers.len() <= 1);
    let Offer::Plan {
        offered, admits, ..
    } = offers.into_iter().next()?;
    Some((
        offered.map(|most| String::leak(most.to_string()) as _),
        admits,
    ))
}

/// Shows: J-5, P-50.
#[test]
fn an_exhausted_limit_refuses_and_offers_the_plan_that_raises_it() {
    let (mut world, limit, large) = held();
    let answer = world.answer();
    assert_eq!(answer.verdict, Verdict::Refused);
    assert_eq!(
        answer.offers,
        [Offer::Plan {
            limit,
            currency: None,
            plan: large,
            current: quantity("5"),
            offered: Some(quantity("50")),
            admits: true,
        }]
    );
    world.witness.used.insert(limit, quantity("4"));
    assert_eq!(world.answer().verdict, Verdict::Granted);
    assert!(world.answer().offers.is_empty(), "nothing is exhausted");
}

#[test]
fn an_offer_says_honestly_whether_it_would_admit_this_call() {
    let (mut world, limit, _) = held();
    world.witness.used.insert(limit, quantity("50"));
    assert_eq!(
        offer(&world),
        Some((Some("50"), false)),
        "too much was used"
    );
    world.witness.used.insert(limit, quantity("5"));
    world.app.active = false;
    assert_eq!(offer(&world), Some((Some("50"), false)), "another gate");
    let (mut world, limit, large) = held();
    let mut other = world.catalogue.plans.get(large).unwrap().clone();
    other.limits = std::sync::Arc::default();
    world.catalogue.plans.insert(large, other);
    assert_eq!(
        offer(&world),
        Some((Some("100"), true)),
        "the limit's own value"
    );
    let mut edited = world.catalogue.limits.get(limit).unwrap().clone();
    edited.default = LimitValue::Unlimited;
    world.catalogue.limits.insert(limit, edited);
    assert_eq!(offer(&world), Some((None, true)));
}

#[test]
fn nobody_is_offered_what_does_not_help_him() {
    let (mut world, limit, large) = held();
    world.put_on(large);
    world.witness.used.insert(limit, quantity("50"));
    assert_eq!(world.answer().verdict, Verdict::Refused);
    assert_eq!(offer(&world), None, "it has the plan");
    let (mut world, limit, _) = held();
    world.app.limits = std::sync::Arc::default();
    std::sync::Arc::make_mut(&mut world.app.limits).set(limit, at_most("5"));
    assert_eq!(offer(&world), None, "the app's own limit holds it");
    let (mut world, ..) = held();
    world.account.as_mut().unwrap().plan = None;
    world.app.limits = std::sync::Arc::default();
    std::sync::Arc::make_mut(&mut world.app.limits).set(limit, at_most("5"));
    assert_eq!(offer(&world), None, "no plan holds it");
    let (mut world, ..) = held();
    world.account = None;
    world.app.limits = std::sync::Arc::default();
    std::sync::Arc::make_mut(&mut world.app.limits).set(limit, at_most("5"));
    assert_eq!(offer(&world), None, "nobody could take it");
}

#[test]
fn a_value_that_exceeds_a_limit_is_offered_for_in_its_own_currency() {
    let mut world = World::new();
    let pay = world.capability("PAY", Some(0));
    let by_currency = |euro: &str| LimitValue::ByCurrency(vec![("EUR".to_owned(), quantity(euro))]);
    let kind = numeric("amount", Some("currency"));
    let limit = world.limit("amount", Some(pay), kind, LimitValue::Unlimited);
    let small = world.other_plan("small", &[(limit, by_currency("10"))]);
    let large = world.other_plan("large", &[(limit, by_currency("20"))]);
    world.put_on(small);
    world.offers(limit, large);
    world.has("currency", FactValue::Text("EUR".into()));
    world.has("amount", FactValue::Quantity(quantity("15")));
    let offers = world.answer().offers;
    let [Offer::Plan { currency, .. }] = offers.as_slice() else {
        panic!("{offers:?}");
    };
    assert_eq!(currency.as_deref(), Some("EUR"));
    assert_eq!(offer(&world), Some((Some("20"), true)));
    world.has("amount", FactValue::Quantity(quantity("25")));
    assert_eq!(offer(&world), Some((Some("20"), false)));
}

#[test]
fn a_value_is_above_another_when_it_covers_something_more() {
    let euro = |most: &str| LimitValue::ByCurrency(vec![("EUR".to_owned(), quantity(most))]);
    let dollar = LimitValue::ByCurrency(vec![("USD".to_owned(), quantity("1"))]);
    for (value, other, above) in [
        (LimitValue::Unlimited, at_most("9"), true),
        (LimitValue::Unlimited, LimitValue::Unlimited, false),
        (at_most("9"), LimitValue::Unlimited, false),
        (at_most("9"), at_most("9"), false),
        (at_most("9"), at_most("8"), true),
        (euro("9"), euro("8"), true),
        (euro("8"), euro("8"), false),
        (euro("8"), dollar, true),
        (euro("9"), at_most("8"), true),
        (euro("8"), at_most("8"), false),
        (at_most("1"), euro("8"), true),
    ] {
        assert_eq!(value.is_above(&other), above, "{value:?} {other:?}");
    }
}

#[test]
fn levels_of_the_default_ladder_are_spoken_of_without_it() {
    for (written, spoken) in [
        ("default/entry", "entry"),
        ("exactly default/entry", "exactly entry"),
        ("default/entry (gone)", "entry (gone)"),
        ("wholesale/entry", "wholesale/entry"),
        ("my-default/entry", "my-default/entry"),
        ("none", "none"),
    ] {
        assert_eq!(spoken_level(written), spoken);
    }
}
