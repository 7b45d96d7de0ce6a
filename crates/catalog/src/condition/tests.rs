use proptest::prelude::*;

use super::*;
use crate::{FactDefinition, FactSource, UnusableFact};

fn quantity(value: i64) -> primitives::Quantity {
    primitives::Quantity::whole(value).unwrap()
}

fn facts(values: &[FactValue]) -> Facts {
    Facts(values.to_vec())
}

const A: FactIndex = FactIndex(0);
const B: FactIndex = FactIndex(1);

#[test]
fn only_presence_may_be_asked_of_an_absent_fact() {
    let absent = facts(&[FactValue::Absent]);
    assert_eq!(Condition::Present(A).holds(&absent), Truth::No);
    for comparison in [
        Condition::OneOf(A, vec![]),
        Condition::Less(A, quantity(1)),
        Condition::AtMost(A, quantity(1)),
        Condition::Greater(A, quantity(1)),
        Condition::AtLeast(A, quantity(1)),
    ] {
        assert_eq!(comparison.holds(&absent), Truth::Missing(A));
        let not = Condition::Not(Box::new(comparison));
        assert_eq!(not.holds(&absent), Truth::Missing(A));
    }
}

#[test]
fn whatever_asks_for_an_unusable_fact_is_refused() {
    let unusable = facts(&[FactValue::Unusable(UnusableFact::Ambiguous)]);
    let wrong_type = facts(&[FactValue::Text("9".into())]);
    assert_eq!(Condition::Present(A).holds(&unusable), Truth::Unusable(A));
    assert_eq!(
        Condition::Less(A, quantity(1)).holds(&unusable),
        Truth::Unusable(A)
    );
    assert_eq!(
        Condition::Less(A, quantity(1)).holds(&wrong_type),
        Truth::Unusable(A)
    );
}

#[test]
fn comparisons_are_exact_at_their_bounds() {
    let five = facts(&[FactValue::Quantity(quantity(5))]);
    for (condition, expected) in [
        (Condition::Less(A, quantity(5)), Truth::No),
        (Condition::AtMost(A, quantity(5)), Truth::Yes),
        (Condition::Greater(A, quantity(5)), Truth::No),
        (Condition::AtLeast(A, quantity(5)), Truth::Yes),
        (
            Condition::OneOf(A, vec![Literal::Quantity(quantity(4))]),
            Truth::No,
        ),
        (
            Condition::OneOf(A, vec![Literal::Quantity(quantity(5))]),
            Truth::Yes,
        ),
    ] {
        assert_eq!(condition.holds(&five), expected, "{condition:?}");
    }
    let germany = facts(&[FactValue::Country("DE".parse().unwrap())]);
    let one_of = |text: &str| Condition::OneOf(A, vec![Literal::Text(text.to_owned())]);
    assert_eq!(one_of("de").holds(&germany), Truth::Yes);
    assert_eq!(one_of("FR").holds(&germany), Truth::No);
}

#[test]
fn the_first_problem_counts_unless_something_decides_or_is_open() {
    let values = facts(&[
        FactValue::Absent,
        FactValue::Unread,
        FactValue::Boolean(true),
    ]);
    let missing = Condition::Less(A, quantity(1));
    let unread = Condition::Present(B);
    let yes = Condition::Present(FactIndex(2));
    let no = Condition::Present(A);
    let all = |parts: &[&Condition]| {
        Condition::All(parts.iter().map(|&part| part.clone()).collect()).holds(&values)
    };
    let any = |parts: &[&Condition]| {
        Condition::Any(parts.iter().map(|&part| part.clone()).collect()).holds(&values)
    };
    assert_eq!(all(&[]), Truth::Yes);
    assert_eq!(any(&[]), Truth::No);
    assert_eq!(all(&[&yes, &missing]), Truth::Missing(A));
    assert_eq!(all(&[&missing, &unread]), Truth::Unread);
    assert_eq!(all(&[&unread, &missing, &no]), Truth::No);
    assert_eq!(any(&[&no, &missing]), Truth::Missing(A));
    assert_eq!(any(&[&missing, &unread]), Truth::Unread);
    assert_eq!(any(&[&unread, &missing, &yes]), Truth::Yes);
}

#[test]
fn a_condition_that_could_never_be_answered_is_found_when_it_is_written() {
    let fact = |name: &str, kind, fold| FactDefinition {
        name: name.parse().unwrap(),
        source: FactSource::Query(name.to_owned()),
        kind,
        fold,
    };
    let table = FactTable(vec![
        fact("country", FactType::Country, Fold::Single),
        fact("legs", FactType::Quantity, Fold::Count),
    ]);
    let text = |text: &str| vec![Literal::Text(text.to_owned())];
    let mut deep = Condition::AtLeast(B, quantity(1));
    assert_eq!(deep.check(&table), Ok(()));
    assert_eq!(Condition::OneOf(A, text("de")).check(&table), Ok(()));
    for _ in 0..40 {
        deep = Condition::Not(Box::new(deep));
    }
    for (condition, message) in [
        (
            Condition::Present(FactIndex(9)),
            "it asks about a fact that the operation does not have",
        ),
        (
            Condition::OneOf(A, text("Germany")),
            "the fact `country` is not of the type of the value it is compared with",
        ),
        (
            Condition::Less(A, quantity(1)),
            "the fact `country` is not of the type of the value it is compared with",
        ),
        (
            Condition::Present(B),
            "the fact `legs` is a count, which is always present: compare it with a number",
        ),
        (deep, "it is nested more than 32 deep"),
    ] {
        assert_eq!(condition.check(&table).unwrap_err().to_string(), message);
    }
}

const FACTS: u16 = 4;

fn value() -> impl Strategy<Value = FactValue> {
    prop_oneof![
        Just(FactValue::Absent),
        Just(FactValue::Unusable(UnusableFact::Ambiguous)),
        (0_i64..4).prop_map(|value| FactValue::Quantity(quantity(value))),
        any::<bool>().prop_map(FactValue::Boolean),
        "[ab]".prop_map(|text| FactValue::Text(text.into())),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let index = (0..FACTS).prop_map(FactIndex);
    let leaf = prop_oneof![
        index.clone().prop_map(Condition::Present),
        (index.clone(), 0_i64..4).prop_map(|(i, value)| Condition::Less(i, quantity(value))),
        (index.clone(), 0_i64..4).prop_map(|(i, value)| Condition::AtLeast(i, quantity(value))),
        (index, "[ab]").prop_map(|(i, text)| Condition::OneOf(i, vec![Literal::Text(text)])),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let parts = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            parts.clone().prop_map(Condition::All),
            parts.prop_map(Condition::Any),
            inner.prop_map(|part| Condition::Not(Box::new(part))),
        ]
    })
}

proptest! {
    #[test]
    fn reading_the_body_never_changes_what_was_decided(
        condition in condition(),
        values in prop::collection::vec(value(), usize::from(FACTS)),
        in_body in prop::collection::vec(any::<bool>(), usize::from(FACTS)),
    ) {
        let head = values.iter().zip(in_body).map(|(value, unread)| {
            if unread { FactValue::Unread } else { value.clone() }
        });
        let before = condition.holds(&Facts(head.collect()));
        let after = condition.holds(&Facts(values));
        prop_assert_ne!(after, Truth::Unread);
        if before != Truth::Unread {
            prop_assert_eq!(before, after);
        }
    }
}
