//! The tables of the requirements, each cell tried.

use std::sync::Arc;

use catalog::{CapabilityUse, Condition, FactValue, Operation};
use primitives::Symbol;
use quota::{CalendarUnit, Window};

use super::world::{World, at_most, counted, country, fact, name, numeric, quantity, set};
use crate::{GeoRule, GeoSubject, LimitKind, LimitScope, LimitValue, Verdict};

/// Makes the world's operation the call of that name, using these capabilities.
fn call(world: &mut World, id: &str, uses: Vec<CapabilityUse>) {
    let operation: &mut Operation = Arc::make_mut(&mut world.api.operations[0]);
    operation.id = name(id);
    operation.uses = uses;
}

fn always(capability: Symbol) -> CapabilityUse {
    CapabilityUse {
        capability,
        when: None,
    }
}

fn number(text: &str) -> FactValue {
    FactValue::Quantity(quantity(text))
}

fn is_granted(world: &World) -> bool {
    world.verdict() == Verdict::Granted
}

const T1: [(&str, &str); 3] = [
    ("AdaptivePayment.Pay", "MAKE_PARALLEL_PAYMENT"),
    ("AdaptiveAccount.CreateAccount", "CREATE_PERSONAL_ACCOUNT"),
    ("AdaptiveDispute.CreateDispute", "CAN_CREATE_US_ACCOUNT"),
];

/// Shows: P-14, P-56, P-67.
#[test]
fn t1_each_call_uses_its_capability_and_no_other() {
    for (operation, uses) in T1 {
        let mut world = World::new();
        let capabilities = T1.map(|(_, capability)| world.capability(capability, Some(0)));
        for (capability, (_, text)) in capabilities.into_iter().zip(T1) {
            let used = world.catalogue.vocabulary.capabilities.get(uses).unwrap();
            call(&mut world, operation, vec![always(used)]);
            world.edit_developer(|developer| {
                Arc::make_mut(&mut developer.switches).off = set(&[capability]);
            });
            assert_eq!(
                is_granted(&world),
                text != uses,
                "{operation} with {text} off"
            );
        }
    }
}

const STANDARD: usize = 0;
const ADVANCED: usize = 2;

/// Rows: level, call, capability, and whether the request carries a preapproval.
const T2: [(usize, &str, &str, bool); 4] = [
    (STANDARD, "AdaptivePayments.Pay", "SIMPLE_SEND_MONEY", false),
    (
        STANDARD,
        "AdaptiveTransaction.GetTransactionDetails",
        "GET_TRANSACTION_DETAILS",
        false,
    ),
    (
        ADVANCED,
        "AdaptivePayments.Pay",
        "MAKE_PREAPPROVED_PAYMENT",
        true,
    ),
    (
        ADVANCED,
        "AdaptiveAccounts.CreateAccount",
        "CREATE_ACCOUNT",
        false,
    ),
];

/// Shows: P-10, P-68.
#[test]
fn t2_the_same_call_uses_capabilities_of_two_levels_by_what_it_asks_for() {
    for stands in [STANDARD, ADVANCED] {
        for (level, operation, uses, preapproved) in T2 {
            let mut world = World::new();
            world.stand_on(stands);
            let rows: Vec<_> = T2
                .iter()
                .filter(|(_, of, _, _)| *of == operation)
                .map(|&(level, _, capability, preapproved)| {
                    let capability = world.capability(capability, Some(level));
                    let present = Condition::Present(fact("agreement"));
                    let when = if preapproved {
                        present
                    } else {
                        Condition::Not(Box::new(present))
                    };
                    CapabilityUse {
                        capability,
                        when: Some(when),
                    }
                })
                .collect();
            call(&mut world, operation, rows);
            if preapproved {
                world.has("agreement", FactValue::Text("PA-1".into()));
            }
            let answer = world.answer();
            assert_eq!(answer.capabilities.len(), 1);
            let used = world
                .catalogue
                .vocabulary
                .capabilities
                .name(answer.capabilities[0].capability);
            assert_eq!(&*used, uses);
            assert_eq!(is_granted(&world), stands >= level, "{operation} {uses}");
        }
    }
}

const PREAPPROVALS: [&str; 3] = [
    "PREAPPROVALS",
    "PREAPPROVALS_WITH_PIN",
    "PREAPPROVAL_SUBSCRIPTION",
];

/// The columns of the preapproval table: what is limited, and its bound.
fn t3_columns() -> [(&'static str, LimitKind, &'static str); 4] {
    let keyed = LimitKind::Counted {
        window: Window::Lifetime,
        scope: LimitScope::Account,
        key: Some(name("agreement")),
        cost: None,
    };
    [
        ("max-amount", numeric("amount", None), "2000"),
        (
            "max-agreements",
            counted(Window::Lifetime, LimitScope::Account),
            "10",
        ),
        ("max-transactions-per-agreement", keyed, "12"),
        ("max-duration", numeric("years", None), "3"),
    ]
}

/// Shows: P-46, P-49, P-69.
#[test]
fn t3_each_cell_bounds_a_preapproval_and_unlimited_does_not() {
    for row in PREAPPROVALS {
        for (column, kind, bound) in t3_columns() {
            for (value, unlimited) in [(at_most(bound), false), (LimitValue::Unlimited, true)] {
                let mut world = World::new();
                let capability = world.capability(row, Some(0));
                let limit = world.limit(column, Some(capability), kind.clone(), value);
                world.has("agreement", FactValue::Text("PA-1".into()));
                let reach = |world: &mut World, more: &str| {
                    let reached = quantity(bound).checked_add(quantity(more)).unwrap();
                    world.has("amount", FactValue::Quantity(reached));
                    world.has("years", FactValue::Quantity(reached));
                    // The call itself is the last one that the counter covers.
                    let used = reached.checked_sub(quantity("1")).unwrap();
                    world.witness.used.insert(limit, used);
                    is_granted(world)
                };
                assert!(reach(&mut world, "0"), "{row} {column} at its bound");
                assert_eq!(
                    reach(&mut world, "1"),
                    unlimited,
                    "{row} {column} beyond it"
                );
            }
        }
    }
}

/// Account type and channel are told apart by capability.
const ACCOUNT_ROWS: [&str; 4] = [
    "CREATE_CONSUMER_ACCOUNT_WEB",
    "CREATE_CONSUMER_ACCOUNT_MOBILE",
    "CREATE_BUSINESS_ACCOUNT_WEB",
    "CREATE_BUSINESS_ACCOUNT_MOBILE",
];

const T4_COLUMNS: [(&str, CalendarUnit, &str); 3] = [
    ("per-day", CalendarUnit::Day, "100"),
    ("per-month", CalendarUnit::Month, "2000"),
    ("per-week", CalendarUnit::Week, "500"),
];

/// Shows: P-51, P-70.
#[test]
fn t4_each_cell_counts_its_row_in_its_window() {
    for row in ACCOUNT_ROWS {
        for (column, unit, bound) in T4_COLUMNS {
            let mut world = World::new();
            let rows = ACCOUNT_ROWS.map(|row| world.capability(row, Some(0)));
            let mut limits = Vec::new();
            for (capability, row) in rows.into_iter().zip(ACCOUNT_ROWS) {
                for (column, unit, bound) in T4_COLUMNS {
                    let kind = counted(Window::Calendar(unit), LimitScope::Developer);
                    let text = format!("{row}-{column}");
                    let limit = world.limit(&text, Some(capability), kind, at_most(bound));
                    limits.push((text, limit));
                }
            }
            let used = world.catalogue.vocabulary.capabilities.get(row).unwrap();
            call(
                &mut world,
                "AdaptiveAccounts.CreateAccount",
                vec![always(used)],
            );
            let cell = format!("{row}-{column}");
            let (_, limit) = limits.iter().find(|(text, _)| *text == cell).unwrap();
            let almost = quantity(bound).checked_sub(quantity("1")).unwrap();
            world.witness.used.insert(*limit, almost);
            let answer = world.answer();
            assert_eq!(
                (answer.verdict, answer.demands.len()),
                (Verdict::Granted, 3)
            );
            let demand = answer
                .demands
                .iter()
                .find(|demand| demand.limit == *limit)
                .unwrap();
            assert_eq!(demand.window, Window::Calendar(unit));
            world.witness.used.insert(*limit, quantity(bound));
            assert!(!is_granted(&world), "{row} {column}");
            for (text, other) in &limits {
                let elsewhere = !text.starts_with(&format!("{row}-"));
                if elsewhere {
                    world.witness.used.insert(*other, quantity("1000000"));
                }
            }
            world.witness.used.insert(*limit, almost);
            assert!(is_granted(&world), "{row} does not count other rows");
        }
    }
}

/// The columns beside "app caller home", each with a country in it.
const T5_COLUMNS: [(&str, &[&str], &str); 4] = [
    ("eu", &["DE", "FR", "IE"], "FR"),
    ("us", &["US"], "US"),
    ("au", &["AU"], "AU"),
    ("ca", &["CA"], "CA"),
];

/// Shows: P-48, P-52, P-65, P-71.
#[test]
fn t5_each_switch_confines_its_row_to_its_place() {
    for row in ACCOUNT_ROWS {
        for switched_on in 0..1 << T5_COLUMNS.len() {
            let mut world = World::new();
            let capability = world.capability(row, Some(0));
            let regions: Vec<_> = T5_COLUMNS
                .iter()
                .enumerate()
                .map(|(at, (region, countries, _))| (at, world.region(region, countries)))
                .filter(|(at, _)| switched_on >> at & 1 == 1)
                .map(|(_, region)| region)
                .collect();
            // Everywhere by default: with no switch on, there is no rule.
            if !regions.is_empty() {
                let subject = GeoSubject::Target;
                world.edit(capability, |capability| {
                    capability.geography = vec![GeoRule { subject, regions }];
                });
            }
            for (at, (column, _, place)) in T5_COLUMNS.iter().enumerate() {
                world.has("target", FactValue::Country(country(place)));
                let open = switched_on == 0 || switched_on >> at & 1 == 1;
                assert_eq!(is_granted(&world), open, "{row} {column} {switched_on:b}");
            }
            world.has("target", FactValue::Country(country("JP")));
            assert_eq!(is_granted(&world), switched_on == 0);
        }
    }
}

/// Shows: P-52, P-71.
#[test]
fn t5_the_home_of_the_caller_is_a_switch_of_its_own() {
    for row in ACCOUNT_ROWS {
        let mut world = World::new();
        let capability = world.capability(row, Some(0));
        let regions = vec![world.region("us", &["US"])];
        world.developer.home = Some(country("JP"));
        assert!(is_granted(&world), "{row} switched off");
        world.edit(capability, |capability| {
            capability.geography = vec![GeoRule {
                subject: GeoSubject::CallerHome,
                regions,
            }];
        });
        assert!(!is_granted(&world), "{row} switched on");
        world.developer.home = Some(country("US"));
        assert!(is_granted(&world), "{row} at home");
    }
}

/// The panel: capability, and whether it carries the field "transactions per split".
const T7: [(&str, bool); 8] = [
    ("CHAINED_PAYMENTS", true),
    ("PARALLEL_PAYMENTS", true),
    ("IMPLICIT_SEND_MONEY", false),
    ("SIMPLE_SEND_MONEY", false),
    ("GET_PAYMENT_DETAILS", false),
    ("INITIATE_REFUNDS", false),
    ("CONVERT_CURRENCY", false),
    ("GET_BILLING_ADDRESS", false),
];

/// Shows: P-38, P-63, P-73.
#[test]
fn t7_each_toggle_rejects_its_own_row_and_its_limit_goes_with_it() {
    for (row, limited) in T7 {
        for (toggled, _) in T7 {
            let mut world = World::new();
            for (text, limited) in T7 {
                let capability = world.capability(text, Some(0));
                if limited {
                    let limit = format!("{text}-per-split");
                    world.limit(
                        &limit,
                        Some(capability),
                        numeric("legs", None),
                        at_most("3"),
                    );
                }
            }
            let symbol = |text| world.catalogue.vocabulary.capabilities.get(text).unwrap();
            let (used, off) = (symbol(row), symbol(toggled));
            call(&mut world, "AdaptivePayments.Pay", vec![always(used)]);
            for (legs, within) in [("3", true), ("4", false)] {
                world.has("legs", number(legs));
                assert_eq!(is_granted(&world), within || !limited, "{row} with {legs}");
            }
            world.has("legs", number("3"));
            world.edit_developer(|developer| {
                Arc::make_mut(&mut developer.switches).off = set(&[off]);
            });
            assert_eq!(
                is_granted(&world),
                row != toggled,
                "{row} with {toggled} off"
            );
        }
    }
}
