use catalog::{
    Condition, FactDefinition, FactIndex, FactSource, FactTable, FactType, Fold, Literal,
};

/// A condition in words, names between backticks; empty when it always holds.
pub(crate) fn condition_words(condition: &Condition, facts: &FactTable) -> String {
    let name = |index: &FactIndex| match facts.get(*index) {
        Some(fact) => format!("`{}`", fact.name),
        None => "a fact".to_owned(),
    };
    let compared = |fact: &FactIndex, how: &str, with: &dyn ToString| {
        format!("{} is {how} `{}`", name(fact), with.to_string())
    };
    match condition {
        Condition::Present(fact) => format!("{} is present", name(fact)),
        Condition::OneOf(fact, values) => match values.as_slice() {
            [one] => format!("{} is `{}`", name(fact), literal(one)),
            many => {
                let all: Vec<_> = many
                    .iter()
                    .map(|one| format!("`{}`", literal(one)))
                    .collect();
                format!("{} is one of {}", name(fact), all.join(", "))
            }
        },
        Condition::Less(fact, value) => compared(fact, "less than", value),
        Condition::AtMost(fact, value) => compared(fact, "at most", value),
        Condition::Greater(fact, value) => compared(fact, "greater than", value),
        Condition::AtLeast(fact, value) => compared(fact, "at least", value),
        Condition::All(parts) => joined(parts, " and ", facts),
        Condition::Any(parts) => joined(parts, " or ", facts),
        Condition::Not(inner) => match inner.as_ref() {
            Condition::Present(fact) => format!("{} is absent", name(fact)),
            other => format!("not ({})", condition_words(other, facts)),
        },
    }
}

fn joined(parts: &[Condition], word: &str, facts: &FactTable) -> String {
    let several = parts.len() > 1;
    let words = parts.iter().map(|part| match part {
        Condition::All(_) | Condition::Any(_) if several => {
            format!("({})", condition_words(part, facts))
        }
        _ => condition_words(part, facts),
    });
    words.collect::<Vec<_>>().join(word)
}

fn literal(value: &Literal) -> String {
    match value {
        Literal::Quantity(quantity) => quantity.to_string(),
        Literal::Text(text) => text.clone(),
        Literal::Boolean(value) => value.to_string(),
    }
}

/// Where a fact comes from, in words.
pub(crate) fn fact_words(fact: &FactDefinition) -> String {
    let fold = match fact.fold {
        Fold::Single => "",
        Fold::Count => "number of ",
        Fold::Sum => "sum of ",
        Fold::Min => "smallest of ",
        Fold::Max => "largest of ",
    };
    let place = match &fact.source {
        FactSource::Path(name) => format!("`{name}` in the path"),
        FactSource::Query(name) => format!("`{name}` in the query"),
        FactSource::Header(name) => format!("the header `{name}`"),
        FactSource::Body(path) => format!("`{path}` in the body"),
    };
    let kind = match fact.kind {
        FactType::Quantity => "quantity",
        FactType::Text => "text",
        FactType::Boolean => "true or false",
        FactType::Country => "country",
    };
    format!("{fold}{place}, {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_read_as_sentences() {
        let fact = |name: &str| FactDefinition {
            name: name.parse().unwrap(),
            source: FactSource::Body("$.x".to_owned()),
            kind: FactType::Quantity,
            fold: Fold::Count,
        };
        let facts = FactTable(vec![fact("legs"), fact("chained")]);
        let (legs, chained) = (FactIndex(0), FactIndex(1));
        let condition = Condition::All(vec![
            Condition::AtLeast(legs, "2".parse().unwrap()),
            Condition::Not(Box::new(Condition::Present(chained))),
            Condition::Any(vec![
                Condition::Present(legs),
                Condition::OneOf(chained, vec![Literal::Boolean(true)]),
            ]),
        ]);
        assert_eq!(
            condition_words(&condition, &facts),
            "`legs` is at least `2` and `chained` is absent and (`legs` is present or `chained` is `true`)"
        );
        assert_eq!(
            fact_words(&facts.0[0]),
            "number of `$.x` in the body, quantity"
        );
        assert_eq!(condition_words(&Condition::All(Vec::new()), &facts), "");
    }
}
