//! The facts of a call as its record keeps them.

use catalog::{FactTable, FactType, FactValue, Facts};
use journal::{RecordedFact, RecordedType};

/// What was taken from the request, in the order of the annotation, and how many facts more than
/// a record holds. A fact that the request does not have, or whose body was not read, is left out.
pub(crate) fn recorded(table: &FactTable, facts: &Facts) -> (Vec<RecordedFact>, u16) {
    let mut kept = Vec::new();
    let mut left_out = 0_u16;
    for (definition, value) in table.0.iter().zip(&facts.0) {
        let (name, kind) = (definition.name.as_str(), kind(definition.kind));
        let fact = match value {
            FactValue::Unread | FactValue::Absent => continue,
            _ if kept.len() == RecordedFact::MOST => {
                left_out = left_out.saturating_add(1);
                continue;
            }
            FactValue::Unusable(why) => RecordedFact::unusable(name, kind, why),
            FactValue::Text(text) => RecordedFact::with_value(name, kind, text),
            FactValue::Quantity(quantity) => {
                RecordedFact::with_value(name, kind, &quantity.to_string())
            }
            FactValue::Country(country) => {
                RecordedFact::with_value(name, kind, &country.to_string())
            }
            FactValue::Boolean(true) => RecordedFact::with_value(name, kind, "true"),
            FactValue::Boolean(false) => RecordedFact::with_value(name, kind, "false"),
        };
        kept.push(fact);
    }
    (kept, left_out)
}

const fn kind(declared: FactType) -> RecordedType {
    match declared {
        FactType::Quantity => RecordedType::Quantity,
        FactType::Text => RecordedType::Text,
        FactType::Boolean => RecordedType::Boolean,
        FactType::Country => RecordedType::Country,
    }
}

#[cfg(test)]
mod tests {
    use catalog::{FactDefinition, FactSource, Fold};

    use super::*;

    #[test]
    fn a_record_holds_so_many_facts_and_says_how_many_it_left_out() {
        let definition = |at: usize| FactDefinition {
            name: format!("fact-{at}").parse().unwrap(),
            source: FactSource::Query(format!("q{at}")),
            kind: FactType::Text,
            fold: Fold::Single,
        };
        let table = FactTable((0..50).map(definition).collect());
        let mut facts = Facts(vec![FactValue::Text("x".into()); 50]);
        facts.0[0] = FactValue::Absent;
        facts.0[1] = FactValue::Unread;
        let (kept, left_out) = recorded(&table, &facts);
        assert_eq!((kept.len(), left_out), (RecordedFact::MOST, 16));
        assert_eq!(
            (kept[0].name.as_str(), kept[31].name.as_str()),
            ("fact-2", "fact-33")
        );
        facts.0.truncate(34);
        assert_eq!(recorded(&table, &facts).1, 0);
    }
}
