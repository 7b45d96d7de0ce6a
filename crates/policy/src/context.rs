//! What a policy reads of a call, in Cedar's form; nothing else is converted.

use catalog::{FactValue, Facts};
use cedar_policy::{Context, RestrictedExpression};
use decision::{Call, PolicyVerdict};

use crate::compile::Policy;

/// The context of a call.
///
/// # Errors
/// The verdict, when a fact that the policy reads cannot be had.
pub(crate) fn context(
    policy: &Policy,
    call: &Call<'_>,
    facts: &Facts,
) -> Result<Context, PolicyVerdict> {
    let mut known = Vec::with_capacity(policy.facts.len());
    for name in &policy.facts {
        let Some(index) = call.operation.facts.find(name.as_str()) else {
            continue;
        };
        let value = match facts.get(index) {
            FactValue::Absent => continue,
            FactValue::Unread => return Err(PolicyVerdict::Unread),
            FactValue::Unusable(why) => {
                let said = format!("the fact `{name}` cannot be used: {why}");
                return Err(PolicyVerdict::Refuse(vec![said]));
            }
            FactValue::Quantity(quantity) => RestrictedExpression::new_long(quantity.millionths()),
            FactValue::Text(text) => text_value(text),
            FactValue::Boolean(value) => RestrictedExpression::new_bool(*value),
            FactValue::Country(country) => text_value(&country.to_string()),
        };
        known.push((name.to_string(), value));
    }
    let unsound =
        |problem: &dyn std::fmt::Display| PolicyVerdict::Refuse(vec![problem.to_string()]);
    let facts = RestrictedExpression::new_record(known).map_err(|problem| unsound(&problem))?;
    let mut pairs = vec![
        ("api".to_owned(), text_value(call.api.name.as_str())),
        (
            "operation".to_owned(),
            text_value(call.operation.id.as_str()),
        ),
        ("mode".to_owned(), text_value(call.caller.mode.as_str())),
        ("facts".to_owned(), facts),
    ];
    if let Some(country) = call.places.now {
        pairs.push(("country".to_owned(), text_value(&country.to_string())));
    }
    Context::from_pairs(pairs).map_err(|problem| unsound(&problem))
}

fn text_value(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}
