use catalog::{Condition, FactIndex, FactTable, FactType, Fold, Literal};
use primitives::{Name, Quantity};

use crate::{
    document::{self, Scalar},
    problem::suggestion,
};

/// Compiles a condition over an operation's facts; otherwise says where it is wrong (a path
/// below the condition), what, and what would mend it.
pub(super) fn condition(
    given: &document::Condition,
    table: &FactTable,
) -> Result<Condition, (String, String, String)> {
    let nested = |field: &str, given: &document::Condition| {
        condition(given, table)
            .map_err(|(below, message, mend)| (format!("{field}.{below}"), message, mend))
    };
    let each = |field: &str, parts: &[document::Condition]| {
        if parts.is_empty() {
            return wrong(
                field,
                format!("`{field}` is empty"),
                "write a condition into it",
            );
        }
        let parts = parts.iter().enumerate();
        parts
            .map(|(index, part)| nested(&format!("{field}[{index}]"), part))
            .collect()
    };
    match given {
        document::Condition {
            present: Some(fact),
            all: None,
            any: None,
            not: None,
            fact: None,
            ..
        } if comparisons(given) == 0 => index("present", fact, table).map(Condition::Present),
        document::Condition {
            present: None,
            all: Some(parts),
            any: None,
            not: None,
            fact: None,
            ..
        } if comparisons(given) == 0 => each("all", parts).map(Condition::All),
        document::Condition {
            present: None,
            all: None,
            any: Some(parts),
            not: None,
            fact: None,
            ..
        } if comparisons(given) == 0 => each("any", parts).map(Condition::Any),
        document::Condition {
            present: None,
            all: None,
            any: None,
            not: Some(part),
            fact: None,
            ..
        } if comparisons(given) == 0 => Ok(Condition::Not(Box::new(nested("not", part)?))),
        document::Condition {
            present: None,
            all: None,
            any: None,
            not: None,
            fact: Some(fact),
            ..
        } if comparisons(given) == 1 => comparison(given, fact, table),
        _ => wrong(
            "",
            "a condition is exactly one question".to_owned(),
            "write `present`, `all`, `any`, `not`, or `fact` with one of `equals`, `one_of`, \
             `less`, `at_most`, `greater`, `at_least`",
        ),
    }
}

fn wrong<T>(field: &str, message: String, mend: &str) -> Result<T, (String, String, String)> {
    Err((field.to_owned(), message, mend.to_owned()))
}

fn comparisons(given: &document::Condition) -> usize {
    [
        given.equals.is_some(),
        given.one_of.is_some(),
        given.less.is_some(),
        given.at_most.is_some(),
        given.greater.is_some(),
        given.at_least.is_some(),
    ]
    .into_iter()
    .filter(|there| *there)
    .count()
}

fn index(
    field: &str,
    fact: &Name,
    table: &FactTable,
) -> Result<FactIndex, (String, String, String)> {
    table.find(fact.as_str()).ok_or_else(|| {
        let known = table.0.iter().map(|fact| fact.name.as_str());
        let message = format!("the operation takes no fact `{fact}`");
        (field.to_owned(), message, suggestion(fact.as_str(), known))
    })
}

fn comparison(
    given: &document::Condition,
    fact: &Name,
    table: &FactTable,
) -> Result<Condition, (String, String, String)> {
    let at = index("fact", fact, table)?;
    if let Some(number) = given.less {
        return Ok(Condition::Less(at, number.0));
    }
    if let Some(number) = given.at_most {
        return Ok(Condition::AtMost(at, number.0));
    }
    if let Some(number) = given.greater {
        return Ok(Condition::Greater(at, number.0));
    }
    if let Some(number) = given.at_least {
        return Ok(Condition::AtLeast(at, number.0));
    }
    let (field, values) = match (&given.equals, &given.one_of) {
        (Some(value), _) => ("equals", std::slice::from_ref(value)),
        (None, values) => ("one_of", values.as_deref().unwrap_or_default()),
    };
    let definition = table.get(at);
    let is_number = definition.is_some_and(|definition| {
        definition.fold == Fold::Count || definition.kind == FactType::Quantity
    });
    let literals = values
        .iter()
        .map(|value| {
            literal(value, is_number).map_err(|message| {
                (
                    field.to_owned(),
                    message,
                    format!("write a number to compare `{fact}` with"),
                )
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Condition::OneOf(at, literals))
}

fn literal(value: &Scalar, is_number: bool) -> Result<Literal, String> {
    match value {
        Scalar::Boolean(value) => Ok(Literal::Boolean(*value)),
        Scalar::Text(text) if is_number => text
            .parse::<Quantity>()
            .map(Literal::Quantity)
            .map_err(|problem| problem.to_string()),
        Scalar::Text(text) => Ok(Literal::Text(text.clone())),
    }
}
