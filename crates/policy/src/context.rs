//! What a policy reads of a call, in Cedar's form; nothing else is converted.

use catalog::{FactValue, Facts};
use cedar_policy::{Context, RestrictedExpression};
use decision::{Call, PolicyVerdict};

use crate::{bounds::LONGEST_TEXT, compile::Policy};

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
            FactValue::Text(text) if text.len() > LONGEST_TEXT => {
                let said = format!(
                    "the fact `{name}` has {} bytes, and a policy looks at no more than {LONGEST_TEXT}",
                    text.len()
                );
                return Err(PolicyVerdict::Refuse(vec![said]));
            }
            FactValue::Text(text) => text_value(text),
            FactValue::Boolean(value) => RestrictedExpression::new_bool(*value),
            FactValue::Country(country) => text_value(&country.to_string()),
        };
        known.push((name.to_string(), value));
    }
    let place = call.places.now.map(|country| country.to_string());
    let told = [
        ("api", Some(call.api.name.as_str())),
        ("operation", Some(call.operation.id.as_str())),
        ("mode", Some(call.caller.mode.as_str())),
        ("country", place.as_deref()),
    ];
    let mut pairs: Vec<_> = told
        .into_iter()
        .filter(|(attribute, _)| policy.reads.context(attribute))
        .filter_map(|(attribute, text)| Some((attribute.to_owned(), text_value(text?))))
        .collect();
    if policy.reads.context("facts") {
        let facts = RestrictedExpression::new_record(known).map_err(|problem| unsound(&problem))?;
        pairs.push(("facts".to_owned(), facts));
    }
    Context::from_pairs(pairs).map_err(|problem| unsound(&problem))
}

fn unsound(problem: &dyn std::fmt::Display) -> PolicyVerdict {
    PolicyVerdict::Refuse(vec![problem.to_string()])
}

fn text_value(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}
