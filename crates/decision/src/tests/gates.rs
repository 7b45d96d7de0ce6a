//! Each gate: what opens it, what closes it, and what it says then.

use std::sync::Arc;

use catalog::{CapabilityUse, Condition, FactValue, Literal, UnusableFact};
use primitives::{AccountId, AppId, Mode, Quantity, Symbol, fingerprint};
use quota::Window;

use super::world::{
    DAY, Wants, World, at_most, counted, country, fact, name, numeric, profile, quantity, refusals,
    set,
};
use crate::{
    Admission, Edit, Gate, GeoRule, GeoSubject, LimitKind, LimitScope, LimitValue, ListEffect,
    ListSubject, Outcome, Overrides, Profile, Quick, Verdict, assess, codes, decide, evaluate,
    refuse_exhausted,
};

/// One capability of the lowest level, which every call uses.
fn open() -> (World, Symbol) {
    let mut world = World::new();
    let capability = world.capability("PAY", Some(0));
    assert_eq!(world.verdict(), Verdict::Granted);
    (world, capability)
}

fn refuses(world: &World, gate: Gate, code: &str) {
    assert_eq!(world.codes(), [(gate, code)]);
    let answer = world.answer();
    assert_eq!(answer.verdict, Verdict::Refused);
    assert!(answer.demands.is_empty());
    let refusal = refusals(&answer).next().unwrap();
    for words in [&refusal.rule, &refusal.value, &refusal.threshold] {
        assert!(
            words.as_ref().is_some_and(|words| !words.is_empty()),
            "{refusal:?}"
        );
    }
    assert!(codes::ALL.iter().any(|(known, _)| *known == code));
}

/// Shows: P-18, P-35.
#[test]
fn api_and_subscription() {
    let (mut world, _) = open();
    world.api.active = false;
    refuses(&world, Gate::Api, "api_inactive");
    assert_eq!(world.answer().edits, None);

    let (mut world, _) = open();
    world.mode = Mode::Test;
    world.api.test = None;
    refuses(&world, Gate::Api, "no_upstream_for_mode");

    let (mut world, _) = open();
    world.app.active = false;
    refuses(&world, Gate::Subscription, "app_inactive");
    assert_eq!(world.answer().edits, None);

    let (mut world, _) = open();
    world.app.subscriptions = Arc::default();
    refuses(&world, Gate::Subscription, "not_subscribed");
    let subscribe = Edit::Subscribe {
        app: world.app.id,
        api: world.api.symbol,
    };
    assert_eq!(world.answer().edits, Some(vec![subscribe]));
}

/// Shows: P-56, P-58.
#[test]
fn an_operation_without_a_capability_is_closed() {
    let mut world = World::new();
    refuses(&world, Gate::Operation, "operation_not_annotated");

    let pay = world.capability("PAY", Some(0));
    world.uses(pay, Some(Condition::Present(fact("agreement"))));
    refuses(&world, Gate::Operation, "no_capability_applies");
    world.has("agreement", FactValue::Text("a-1".into()));
    assert_eq!(world.verdict(), Verdict::Granted);
}

#[test]
fn a_condition_over_an_absent_or_unusable_fact_refuses() {
    let (mut world, pay) = open();
    let legs = Condition::AtLeast(fact("legs"), quantity("2"));
    world.uses(pay, Some(legs.clone()));
    refuses(&world, Gate::Operation, "fact_missing");
    assert_eq!(
        world.answer().capabilities[0].gates[0].outcome,
        Outcome::NotEvaluated
    );
    world.has("legs", FactValue::Unusable(UnusableFact::Ambiguous));
    refuses(&world, Gate::Operation, "fact_unusable");
    world.has("legs", FactValue::Text("two".into()));
    refuses(&world, Gate::Operation, "fact_unusable");

    let guarded = Condition::All(vec![Condition::Present(fact("legs")), legs]);
    world.uses(pay, Some(Condition::Not(Box::new(guarded))));
    world.has("legs", FactValue::Absent);
    assert_eq!(world.verdict(), Verdict::Granted);
}

#[test]
fn conditions_compare_what_is_there() {
    let legs = |text: &str| FactValue::Quantity(quantity(text));
    let two = quantity("2");
    let index = fact("legs");
    let table: [(Condition, [bool; 3]); 6] = [
        (Condition::Less(index, two), [true, false, false]),
        (Condition::AtMost(index, two), [true, true, false]),
        (Condition::Greater(index, two), [false, false, true]),
        (Condition::AtLeast(index, two), [false, true, true]),
        (
            Condition::OneOf(index, vec![Literal::Quantity(two)]),
            [false, true, false],
        ),
        (
            Condition::Any(vec![
                Condition::Less(index, two),
                Condition::Greater(index, two),
            ]),
            [true, false, true],
        ),
    ];
    for (condition, expected) in table {
        for (value, expected) in ["1", "2", "3"].into_iter().zip(expected) {
            let (mut world, pay) = open();
            world.uses(pay, Some(condition.clone()));
            world.has("legs", legs(value));
            let granted = world.verdict() == Verdict::Granted;
            assert_eq!(granted, expected, "{condition:?} {value}");
        }
    }
}

#[test]
fn texts_booleans_and_countries_are_compared_with_their_kind() {
    let cases = [
        (
            "currency",
            FactValue::Text("USD".into()),
            Literal::Text("USD".to_owned()),
        ),
        ("fast", FactValue::Boolean(true), Literal::Boolean(true)),
        (
            "target",
            FactValue::Country(country("DE")),
            Literal::Text("DE".to_owned()),
        ),
    ];
    for (text, value, literal) in cases {
        let (mut world, pay) = open();
        world.uses(pay, Some(Condition::OneOf(fact(text), vec![literal])));
        world.has(text, value);
        assert_eq!(world.verdict(), Verdict::Granted, "{text}");
        world.has(text, FactValue::Quantity(Quantity::ZERO));
        refuses(&world, Gate::Operation, "fact_unusable");
    }
}

#[test]
fn a_capability_under_two_conditions_is_used_once() {
    let (mut world, pay) = open();
    let operation = Arc::make_mut(&mut world.api.operations[0]);
    operation.uses = ["agreement", "currency"]
        .map(|text| CapabilityUse {
            capability: pay,
            when: Some(Condition::Present(fact(text))),
        })
        .into();
    world.has("currency", FactValue::Text("USD".into()));
    assert_eq!(world.answer().capabilities.len(), 1);
    assert_eq!(world.verdict(), Verdict::Granted);
}

/// Shows: P-06, P-36, P-37, P-45.
#[test]
fn a_level_opens_its_capabilities_and_those_below() {
    for (has, wants, open) in [
        (0, 0, true),
        (1, 0, true),
        (1, 1, true),
        (0, 1, false),
        (2, 3, false),
    ] {
        let mut world = World::new();
        world.capability("PAY", Some(wants));
        world.stand_on(has);
        assert_eq!(world.verdict() == Verdict::Granted, open, "{has} {wants}");
        if !open {
            refuses(&world, Gate::Level, "level_too_low");
        }
    }
}

#[test]
fn an_exact_level_opens_nothing_to_those_above() {
    let mut world = World::new();
    world.capability("PAY", Some(0));
    world.edit_ladder(|ladder| ladder.levels[0].exact = true);
    refuses(&world, Gate::Level, "level_not_exact");
    world.stand_on(0);
    assert_eq!(world.verdict(), Verdict::Granted);
}

#[test]
fn without_a_level_a_verified_developer_stands_on_the_lowest() {
    let mut world = World::new();
    world.capability("PAY", Some(0));
    world.edit_developer(|developer| developer.levels.clear());
    assert_eq!(world.verdict(), Verdict::Granted);
    world.edit_ladder(|ladder| {
        ladder.levels.remove(0);
    });
    refuses(&world, Gate::Level, "level_too_low");
}

#[test]
fn a_level_that_the_ladder_no_longer_has_opens_nothing() {
    let (mut world, _) = open();
    world.edit_ladder(|ladder| {
        ladder.levels.remove(1);
    });
    refuses(&world, Gate::Level, "level_too_low");
}

/// Shows: P-29.
#[test]
fn an_unverified_developer_has_nothing_whatever_was_granted() {
    let (mut world, pay) = open();
    world.edit(pay, |capability| {
        capability.business_unit = Some(name("fees"));
    });
    world.edit_developer(|developer| {
        Arc::make_mut(&mut developer.switches)
            .business_unit
            .insert(pay);
    });
    world.developer.verified = false;
    refuses(&world, Gate::Level, "developer_unverified");
    assert_eq!(world.answer().edits, None);
}

/// Shows: P-40, P-41, P-42.
#[test]
fn a_business_unit_opens_what_the_level_does_not() {
    let mut world = World::new();
    let pay = world.capability("PAY", None);
    world.edit(pay, |capability| {
        capability.business_unit = Some(name("fees"));
    });
    refuses(&world, Gate::BusinessUnit, "business_unit_not_granted");
    world.edit_developer(|developer| {
        Arc::make_mut(&mut developer.switches)
            .business_unit
            .insert(pay);
    });
    assert_eq!(world.verdict(), Verdict::Granted);
    world.edit(pay, |capability| capability.business_unit = None);
    refuses(&world, Gate::Level, "capability_closed");
}

/// Shows: P-64.
#[test]
fn a_non_risk_capability_is_off_until_it_is_switched_on() {
    let mut world = World::new();
    let pay = world.capability("PAY", None);
    world.edit(pay, |capability| capability.non_risk = true);
    refuses(&world, Gate::Switch, "switch_off_by_default");
    world.edit_developer(|developer| {
        Arc::make_mut(&mut developer.switches).on.insert(pay);
    });
    assert_eq!(world.verdict(), Verdict::Granted);
}

#[test]
fn one_way_in_is_enough_and_the_others_then_say_nothing() {
    let (mut world, pay) = open();
    world.edit(pay, |capability| {
        capability.business_unit = Some(name("fees"));
        capability.non_risk = true;
    });
    let answer = world.answer();
    let outcomes: Vec<_> = answer.capabilities[0]
        .gates
        .iter()
        .map(|gate| gate.outcome)
        .collect();
    assert_eq!(
        outcomes[..3],
        [
            Outcome::Passed,
            Outcome::NotApplicable,
            Outcome::NotApplicable
        ]
    );
}

/// Shows: P-38, P-39.
#[test]
fn a_capability_switched_off_is_refused_at_every_level() {
    for rank in 0..4 {
        let (mut world, pay) = open();
        world.stand_on(rank);
        world.edit_developer(|developer| {
            Arc::make_mut(&mut developer.switches).off.insert(pay);
        });
        refuses(&world, Gate::OffList, "switched_off");
    }
    let (mut world, pay) = open();
    world.app.off = Arc::new(set(&[pay]));
    refuses(&world, Gate::OffList, "switched_off_for_app");
}

#[test]
fn each_profile_confines() {
    type Narrow = fn(&mut World);
    let narrow: [(Narrow, Gate, &str); 4] = [
        (
            |world| world.edit_developer(|developer| developer.profile = profile(&[])),
            Gate::DeveloperProfile,
            "outside_developer_profile",
        ),
        (
            |world| world.app.profile = profile(&[]),
            Gate::AppProfile,
            "outside_app_profile",
        ),
        (
            |world| world.permissions = Some(Profile::default()),
            Gate::KeyPermissions,
            "outside_key_permissions",
        ),
        (
            |world| {
                world.plan("free", profile(&[]));
            },
            Gate::Plan,
            "outside_plan",
        ),
    ];
    for (narrow, gate, code) in narrow {
        let (mut world, _) = open();
        narrow(&mut world);
        refuses(&world, gate, code);
    }
}

#[test]
fn profiles_that_have_the_capability_pass() {
    let (mut world, pay) = open();
    world.edit_developer(|developer| developer.profile = profile(&[pay]));
    world.app.profile = profile(&[pay]);
    world.permissions = Some(Profile {
        name: None,
        capabilities: set(&[pay]),
    });
    world.plan("free", profile(&[pay]));
    assert_eq!(world.verdict(), Verdict::Granted);
}

#[test]
fn a_plan_without_profile_or_no_account_is_open_and_a_missing_plan_is_not() {
    let (mut world, _) = open();
    let plan = world.plan("free", None);
    assert_eq!(world.verdict(), Verdict::Granted);
    world.account.as_mut().unwrap().plan = Some(Symbol(plan.0 + 1));
    refuses(&world, Gate::Plan, "outside_plan");
    assert_eq!(world.answer().edits, None);
    world.account = None;
    assert_eq!(world.verdict(), Verdict::Granted);
}

#[test]
fn a_deny_list_refuses_members_and_an_allow_list_all_others() {
    let (world, _) = open();
    let (developer, app) = (world.developer.id, world.app.id);
    let user = world.account.as_ref().unwrap().id;
    let here = u128::from_be_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 7]);
    let with_and_without = [
        (
            ListSubject::Developers(vec![developer]),
            ListSubject::Developers(vec![user]),
        ),
        (ListSubject::Apps(vec![app]), ListSubject::Apps(vec![])),
        (
            ListSubject::Accounts(vec![user]),
            ListSubject::Accounts(vec![developer]),
        ),
        (
            ListSubject::networks(vec![(here - 7, here + 248)]),
            ListSubject::networks(vec![(here + 1, here + 9)]),
        ),
    ];
    for (with, without) in with_and_without {
        for of_api in [false, true] {
            let listed = |effect, subject: &ListSubject| {
                let (mut world, pay) = open();
                world.list("list", (!of_api).then_some(pay), effect, subject.clone());
                world
            };
            refuses(&listed(ListEffect::Deny, &with), Gate::List, "on_deny_list");
            refuses(
                &listed(ListEffect::Allow, &without),
                Gate::List,
                "not_on_allow_list",
            );
            assert_eq!(
                listed(ListEffect::Deny, &without).verdict(),
                Verdict::Granted
            );
            assert_eq!(listed(ListEffect::Allow, &with).verdict(), Verdict::Granted);
        }
    }
}

#[test]
fn one_allow_list_of_several_is_enough_and_an_unknown_address_is_on_none() {
    let (mut world, pay) = open();
    let developers = ListSubject::Developers(vec![world.developer.id]);
    world.list(
        "networks",
        Some(pay),
        ListEffect::Allow,
        ListSubject::networks(vec![(0, u128::MAX)]),
    );
    assert_eq!(world.verdict(), Verdict::Granted);
    world.places.address = None;
    refuses(&world, Gate::List, "not_on_allow_list");
    world.list("partners", Some(pay), ListEffect::Allow, developers);
    assert_eq!(world.verdict(), Verdict::Granted);
}

#[test]
fn being_on_no_deny_list_is_not_being_on_an_allow_list() {
    let (mut world, pay) = open();
    let nobody = || ListSubject::Developers(vec![]);
    world.list("partners", Some(pay), ListEffect::Allow, nobody());
    world.list("blocked", Some(pay), ListEffect::Deny, nobody());
    refuses(&world, Gate::List, "not_on_allow_list");
}

#[test]
fn overlapping_networks_are_all_heeded() {
    let ListSubject::Networks(ranges) =
        ListSubject::networks(vec![(50, 60), (0, 100), (101, 110), (u128::MAX, u128::MAX)])
    else {
        panic!("not networks");
    };
    assert_eq!(ranges, [(0, 110), (u128::MAX, u128::MAX)]);
}

/// Shows: P-60.
#[test]
fn a_policy_refuses_with_its_condition_and_promises_nothing() {
    let (mut world, pay) = open();
    world.policy(pay, "business", Wants::TheImpossible);
    refuses(&world, Gate::Policy, "policy_refused");
    let answer = world.answer();
    let refusal = refusals(&answer).next().unwrap();
    assert_eq!(refusal.rule.as_deref(), Some("business"));
    assert_eq!(refusal.threshold.as_deref(), Some("TheImpossible"));
    assert_eq!(answer.edits, None);
}

#[test]
fn a_policy_that_reads_the_level_is_asked_again_with_the_level_tried() {
    let (mut world, pay) = open();
    world.policy(pay, "partners", Wants::Rank(3));
    refuses(&world, Gate::Policy, "policy_refused");
    let edits = world.answer().edits.unwrap();
    let [Edit::AssignLevel { level, .. }] = &edits[..] else {
        panic!("{edits:?}");
    };
    assert_eq!(
        &*world.catalogue.vocabulary.levels.name(*level),
        "default/partner"
    );
}

/// Shows: P-65.
#[test]
fn a_developer_is_confined_beside_where_anybody_is() {
    let (mut world, pay) = open();
    let (eu, us) = (
        world.region("eu", &["DE", "FR"]),
        world.region("us", &["US"]),
    );
    let rule = |region| GeoRule {
        subject: GeoSubject::CallerNow,
        regions: vec![region],
    };
    world.places.now = Some(country("DE"));
    world.edit_developer(|developer| developer.geography = vec![(pay, vec![rule(us)])]);
    refuses(&world, Gate::Geography, "place_not_allowed");
    // It narrows: what is open to everybody only does not open it.
    world.edit(pay, |capability| capability.geography = vec![rule(eu)]);
    refuses(&world, Gate::Geography, "place_not_allowed");
    world.edit_developer(|developer| developer.geography = vec![(pay, vec![rule(eu)])]);
    assert_eq!(world.verdict(), Verdict::Granted);
    world.edit(pay, |capability| capability.geography = vec![rule(us)]);
    refuses(&world, Gate::Geography, "place_not_allowed");
}

/// Shows: P-48, P-52.
#[test]
fn every_location_rule_must_hold_and_an_unknown_place_is_refused() {
    let (mut world, pay) = open();
    let regions = vec![
        world.region("eu", &["DE", "FR"]),
        world.region("us", &["US"]),
    ];
    let subjects = [
        GeoSubject::CallerHome,
        GeoSubject::CallerNow,
        GeoSubject::UserHome,
        GeoSubject::Target,
    ];
    let place = |world: &mut World, subject, place: Option<&str>| {
        let place = place.map(country);
        match subject {
            GeoSubject::CallerHome => world.developer.home = place,
            GeoSubject::CallerNow => world.places.now = place,
            GeoSubject::UserHome => world.account.as_mut().unwrap().home = place,
            GeoSubject::Target => {
                world.has(
                    "target",
                    place.map_or(FactValue::Absent, FactValue::Country),
                );
            }
        }
    };
    world.edit(pay, |capability| {
        capability.geography = subjects
            .map(|subject| GeoRule {
                subject,
                regions: regions.clone(),
            })
            .into();
    });
    for subject in subjects {
        place(&mut world, subject, Some("DE"));
    }
    assert_eq!(world.verdict(), Verdict::Granted);
    for subject in subjects {
        place(&mut world, subject, Some("JP"));
        refuses(&world, Gate::Geography, "place_not_allowed");
        place(&mut world, subject, None);
        refuses(&world, Gate::Geography, "place_unknown");
        assert_eq!(world.answer().edits, None);
        place(&mut world, subject, Some("US"));
    }
    world.has("target", FactValue::Text("DE".into()));
    refuses(&world, Gate::Geography, "fact_unusable");
    world.has("target", FactValue::Unread);
    assert_eq!(world.verdict(), Verdict::NeedsBody);
}

/// Shows: P-43, P-46.
#[test]
fn a_numeric_limit_lets_through_up_to_its_value() {
    let (mut world, pay) = open();
    world.limit(
        "amount",
        Some(pay),
        numeric("amount", None),
        at_most("2000"),
    );
    for (amount, open) in [("0", true), ("2000", true), ("2000.000001", false)] {
        world.has("amount", FactValue::Quantity(quantity(amount)));
        assert_eq!(world.verdict() == Verdict::Granted, open, "{amount}");
    }
    refuses(&world, Gate::NumericLimit, "limit_exceeded");
    world.has("amount", FactValue::Absent);
    refuses(&world, Gate::NumericLimit, "fact_missing");
    world.has("amount", FactValue::Unusable(UnusableFact::OutOfRange));
    refuses(&world, Gate::NumericLimit, "fact_unusable");
    world.has("amount", FactValue::Quantity(quantity("-0.000001")));
    refuses(&world, Gate::NumericLimit, "fact_unusable");
    world.has("amount", FactValue::Unread);
    assert_eq!(world.verdict(), Verdict::NeedsBody);
}

#[test]
fn an_amount_is_held_against_the_limit_in_its_own_currency() {
    let (mut world, pay) = open();
    let values = [("USD", "2000"), ("EUR", "1800")];
    let values = values.map(|(currency, most)| (currency.to_owned(), quantity(most)));
    let kind = numeric("amount", Some("currency"));
    world.limit(
        "amount",
        Some(pay),
        kind,
        LimitValue::ByCurrency(values.into()),
    );
    world.has("amount", FactValue::Quantity(quantity("1900")));
    refuses(&world, Gate::NumericLimit, "fact_missing");
    world.has("currency", FactValue::Text("USD".into()));
    assert_eq!(world.verdict(), Verdict::Granted);
    world.has("currency", FactValue::Text("EUR".into()));
    refuses(&world, Gate::NumericLimit, "limit_exceeded");
    world.has("currency", FactValue::Text("JPY".into()));
    refuses(&world, Gate::NumericLimit, "currency_not_listed");
}

/// Shows: P-11, P-47.
#[test]
fn the_smallest_of_developer_app_and_plan_wins_and_an_app_only_narrows() {
    let overridden = |value: &str, limit| {
        let mut overrides = Overrides::default();
        overrides.set(limit, at_most(value));
        Arc::new(overrides)
    };
    let legs = |world: &mut World, text: &str| {
        world.has("legs", FactValue::Quantity(quantity(text)));
        world.verdict() == Verdict::Granted
    };
    let (mut world, pay) = open();
    let limit = world.limit("legs", Some(pay), numeric("legs", None), at_most("4"));
    world.by_level(
        limit,
        &[(0, at_most("2")), (1, at_most("6")), (2, at_most("9"))],
    );
    assert!(legs(&mut world, "6") && !legs(&mut world, "7"));
    world.stand_on(3);
    assert!(
        legs(&mut world, "9") && !legs(&mut world, "10"),
        "the nearest level below"
    );
    world.app.limits = overridden("20", limit);
    assert!(!legs(&mut world, "10"), "an app never widens");
    world.app.limits = overridden("8", limit);
    assert!(legs(&mut world, "8") && !legs(&mut world, "9"));
    world.edit_developer(|developer| developer.limits = overridden("30", limit));
    world.app.limits = Arc::default();
    assert!(
        legs(&mut world, "30") && !legs(&mut world, "31"),
        "the developer's own"
    );
    let plan = world.plan("free", None);
    let mut free = world.catalogue.plans.get(plan).unwrap().clone();
    free.limits = overridden("3", limit);
    world.catalogue.plans.insert(plan, free);
    assert!(legs(&mut world, "3") && !legs(&mut world, "4"));
}

/// Shows: P-51.
#[test]
fn a_rate_limit_covers_up_to_its_value_and_says_what_is_left() {
    let (mut world, pay) = open();
    let limit = world.limit(
        "per-day",
        Some(pay),
        counted(DAY, LimitScope::App),
        at_most("100"),
    );
    world.witness.used.insert(limit, quantity("99"));
    let answer = world.answer();
    assert_eq!(answer.verdict, Verdict::Granted);
    assert_eq!(answer.demands.len(), 1);
    assert_eq!(answer.demands[0].key.subject, world.app.id.as_u128());
    assert_eq!(answer.capabilities[0].limits[0].used, Some(quantity("99")));
    assert_eq!(answer.capabilities[0].limits[0].most, Some(quantity("100")));
    world.witness.used.insert(limit, quantity("100"));
    refuses(&world, Gate::RateLimit, "quota_exhausted");
}

#[test]
fn a_counter_belongs_to_its_scope_and_to_the_fact_that_keys_it() {
    let (mut world, pay) = open();
    let kind = LimitKind::Counted {
        window: Window::Lifetime,
        scope: LimitScope::Account,
        key: Some(name("agreement")),
        cost: Some(name("amount")),
    };
    world.limit("per-agreement", Some(pay), kind, at_most("10"));
    refuses(&world, Gate::RateLimit, "fact_missing");
    world.has("agreement", FactValue::Text("a-1".into()));
    world.has("amount", FactValue::Quantity(quantity("2.5")));
    let demand = world.answer().demands[0];
    assert_eq!(demand.key.fact, fingerprint(b"a-1"));
    assert_eq!(
        demand.key.subject,
        world.account.as_ref().unwrap().id.as_u128()
    );
    assert_eq!(
        (demand.key.mode, demand.cost),
        (Mode::Live, quantity("2.5"))
    );
    world.has("amount", FactValue::Quantity(quantity("-1")));
    refuses(&world, Gate::RateLimit, "fact_unusable");
    world.has("amount", FactValue::Quantity(quantity("1")));
    world.account = None;
    refuses(&world, Gate::RateLimit, "account_unknown");
}

#[test]
fn a_limit_shared_by_two_capabilities_counts_the_call_once() {
    let (mut world, pay) = open();
    let refund = world.capability("REFUND", Some(0));
    let limit = world.limit(
        "shared",
        Some(pay),
        counted(DAY, LimitScope::App),
        at_most("5"),
    );
    world
        .catalogue
        .index
        .capability_limits
        .insert(refund, vec![limit]);
    assert_eq!(world.answer().demands.len(), 1);
    assert_eq!(world.answer().capabilities.len(), 2);
}

/// Shows: P-51.
#[test]
fn the_counter_of_a_capability_is_everybodys_and_of_each_capability_one() {
    let (mut world, pay) = open();
    let refund = world.capability("REFUND", Some(0));
    let limit = world.limit(
        "of-all",
        Some(pay),
        counted(DAY, LimitScope::Capability),
        at_most("5"),
    );
    let index = &mut world.catalogue.index.capability_limits;
    index.insert(refund, vec![limit]);
    let subjects = |world: &World| -> Vec<u128> {
        let demands = world.answer().demands;
        demands.iter().map(|demand| demand.key.subject).collect()
    };
    let wanted = [fingerprint(b"PAY"), fingerprint(b"REFUND")];
    assert_eq!(subjects(&world), wanted);
    world.app.id = AppId::from_u128(77);
    world.developer.id = AccountId::from_u128(78);
    world.account = None;
    assert_eq!(subjects(&world), wanted);
    world.witness.used.insert(limit, quantity("5"));
    let exhausted = (Gate::RateLimit, codes::QUOTA_EXHAUSTED);
    assert_eq!(world.codes(), [exhausted, exhausted]);
}

/// Shows: G-04.
#[test]
fn a_call_is_written_down_strictly_when_one_of_its_capabilities_wants_it() {
    use Admission::{Relaxed, Strict};
    let (mut world, pay) = open();
    let refund = world.capability("REFUND", Some(0));
    let mut with = |of_pay, of_refund| {
        for (symbol, admission) in [(pay, of_pay), (refund, of_refund)] {
            let capabilities = &mut world.catalogue.capabilities;
            let mut capability = capabilities.get(symbol).unwrap().clone();
            capability.admission = admission;
            capabilities.insert(symbol, capability);
        }
        [Relaxed, Strict].map(|otherwise| world.catalogue.admission([pay, refund], otherwise))
    };
    for (of_pay, of_refund, wanted) in [
        (None, None, [Relaxed, Strict]),
        (Some(Strict), None, [Strict, Strict]),
        (Some(Relaxed), None, [Relaxed, Strict]),
        (Some(Relaxed), Some(Relaxed), [Relaxed, Relaxed]),
        (Some(Relaxed), Some(Strict), [Strict, Strict]),
    ] {
        assert_eq!(with(of_pay, of_refund), wanted, "{of_pay:?} {of_refund:?}");
        assert_eq!(with(of_refund, of_pay), wanted, "{of_refund:?} {of_pay:?}");
    }
    assert_eq!(world.catalogue.admission([], Strict), Strict);
}

#[test]
fn limits_of_the_whole_api_are_held_beside_those_of_capabilities() {
    let (mut world, _) = open();
    let limit = world.limit(
        "calls",
        None,
        counted(DAY, LimitScope::Developer),
        at_most("5"),
    );
    let answer = world.answer();
    assert_eq!((answer.demands.len(), answer.limits.len()), (1, 1));
    world.witness.used.insert(limit, quantity("5"));
    refuses(&world, Gate::RateLimit, "quota_exhausted");
    world.facts = catalog::Facts::default();
    world.limit("legs", None, numeric("legs", None), at_most("5"));
    assert_eq!(
        world.codes(),
        [
            (Gate::NumericLimit, "fact_missing"),
            (Gate::RateLimit, "quota_exhausted"),
        ]
    );
}

/// Shows: P-44, P-55, P-53.
#[test]
fn every_capability_used_must_be_granted_and_every_gate_answers() {
    let (mut world, pay) = open();
    let far = world.capability("FAR", Some(3));
    world.edit_developer(|developer| {
        Arc::make_mut(&mut developer.switches).off = set(&[pay, far]);
    });
    world.app.subscriptions = Arc::default();
    world.places.address = None;
    assert_eq!(
        world.codes(),
        [
            (Gate::Subscription, "not_subscribed"),
            (Gate::OffList, "switched_off"),
            (Gate::Level, "level_too_low"),
            (Gate::OffList, "switched_off"),
        ]
    );
    assert_eq!(world.answer().edits.unwrap().len(), 4);
}

#[test]
fn a_refused_caller_needs_no_body_and_the_gates_that_would_say_so() {
    let (mut world, pay) = open();
    world.limit("amount", Some(pay), numeric("amount", None), at_most("5"));
    world.has("amount", FactValue::Unread);
    let before = world.answer();
    assert_eq!(before.verdict, Verdict::NeedsBody);
    assert_eq!(before.edits, Some(vec![]));
    world.app.subscriptions = Arc::default();
    let answer = world.answer();
    assert_eq!(answer.verdict, Verdict::Refused);
    let numeric = |gate: &&crate::GateAnswer| gate.gate == Gate::NumericLimit;
    let gate = answer.capabilities[0].gates.iter().find(numeric).unwrap();
    assert_eq!(gate.outcome, Outcome::NotEvaluated);
    assert_eq!(answer.edits.unwrap().len(), 1);
}

#[test]
fn the_providers_own_traffic_passes_but_goes_nowhere_without_an_upstream() {
    let (mut world, pay) = open();
    world.edit_developer(|developer| {
        Arc::make_mut(&mut developer.switches).off = set(&[pay]);
    });
    world.app.subscriptions = Arc::default();
    world.app.provider = true;
    let answer = world.answer();
    assert_eq!(answer.verdict, Verdict::Granted);
    assert!(answer.capabilities[0].granted);
    let gates = &answer.capabilities[0].gates;
    assert!(
        gates
            .iter()
            .all(|gate| gate.outcome == Outcome::NotApplicable)
    );
    world.api.live = None;
    refuses(&world, Gate::Api, "no_upstream_for_mode");
}

#[test]
fn the_providers_own_app_can_be_switched_off() {
    let (mut world, _) = open();
    world.app.provider = true;
    world.app.active = false;
    refuses(&world, Gate::Subscription, "app_inactive");
    assert_eq!(world.answer().edits, None);
}

#[test]
fn a_lost_race_becomes_a_refusal_that_names_the_quota() {
    let (mut world, pay) = open();
    let limit = world.limit(
        "per-day",
        Some(pay),
        counted(DAY, LimitScope::App),
        at_most("5"),
    );
    let mut demands = Vec::new();
    let (call, facts) = (world.call(), &world.facts);
    let quick = decide(&world.catalogue, &call, facts, &world.witness, &mut demands);
    assert_eq!(quick, Quick::Granted);
    let full = quota::Standing {
        used: quantity("5"),
        resets_at: None,
    };
    let lost = [(demands[0], full)];
    let answer = refuse_exhausted(&world.catalogue, &call, facts, &world.witness, &lost);
    assert_eq!(answer.verdict, Verdict::Refused);
    assert_eq!(
        answer.edits,
        Some(vec![Edit::RaiseDeveloperLimit {
            developer: world.developer.id,
            limit,
            to: quantity("6"),
            currency: None,
        }])
    );
}

#[test]
fn the_quick_look_asks_no_counter() {
    let (mut world, pay) = open();
    world.limit(
        "per-day",
        Some(pay),
        counted(DAY, LimitScope::App),
        at_most("5"),
    );
    let mut demands = Vec::new();
    let quick = decide(
        &world.catalogue,
        &world.call(),
        &world.facts,
        &world.witness,
        &mut demands,
    );
    assert_eq!((quick, demands.len()), (Quick::Granted, 1));
    assert_eq!(*world.witness.asked.borrow(), 0);
}

#[test]
fn edits_prefer_a_switch_to_a_business_unit_to_a_level() {
    let (mut world, _) = open();
    let far = world.capability("FAR", Some(3));
    let first = |world: &World| world.answer().edits.unwrap();
    assert!(matches!(first(&world)[..], [Edit::AssignLevel { .. }]));
    world.edit(far, |capability| {
        capability.business_unit = Some(name("fees"));
    });
    assert!(matches!(
        first(&world)[..],
        [Edit::GrantBusinessUnit { .. }]
    ));
    let by = first(&world)[0].by(&world.catalogue);
    assert_eq!(by, crate::By::BusinessUnit("fees".to_owned()));
    world.edit(far, |capability| capability.non_risk = true);
    assert!(matches!(first(&world)[..], [Edit::SwitchOn { .. }]));
}

#[test]
fn one_level_that_opens_everything_leaves_no_other_edit_behind() {
    let mut world = World::new();
    let near = world.capability("NEAR", Some(2));
    world.capability("FAR", Some(3));
    world.edit(near, |capability| capability.non_risk = true);
    let limit = world.limit("legs", Some(near), numeric("legs", None), at_most("2"));
    world.by_level(limit, &[(3, LimitValue::Unlimited)]);
    world.has("legs", FactValue::Quantity(quantity("5")));
    let edits = world.answer().edits.unwrap();
    assert!(matches!(edits[..], [Edit::AssignLevel { .. }]), "{edits:?}");
}

#[test]
fn assessing_is_evaluating_without_edits_and_what_open_gates_had() {
    let (mut world, _) = open();
    world.app.subscriptions = Arc::default();
    let (call, facts) = (world.call(), &world.facts);
    let mut full = evaluate(&world.catalogue, &call, facts, &world.witness);
    assert!(full.edits.take().is_some());
    let of_capabilities = full.capabilities.iter_mut().flat_map(|one| &mut one.gates);
    for gate in full.gates.iter_mut().chain(of_capabilities) {
        if gate.outcome == Outcome::Passed {
            (gate.rule, gate.value, gate.threshold) = (None, None, None);
        }
    }
    assert_eq!(full, assess(&world.catalogue, &call, facts, &world.witness));
}
