use primitives::Country;

use crate::{Condition, FactIndex, FactTable, FactType, FactValue, Facts, Fold, Literal};

/// Whether a condition holds.
///
/// | of the parts | `All` is | `Any` is |
/// |---|---|---|
/// | one `No` (`All`), one `Yes` (`Any`) | `No` | `Yes` |
/// | else one `Unread` | `Unread` | `Unread` |
/// | else one `Missing` or `Unusable` | the first of them | the first of them |
/// | else | `Yes` | `No` |
///
/// `Not` turns `Yes` and `No` round and leaves the rest. So whatever is not `Unread` stays as
/// it is when the body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// That depends on the body, which has not been read.
    Unread,
    /// It compares a fact that the request does not have: the call must be refused.
    Missing(FactIndex),
    /// It asks about a fact that cannot be used: the call must be refused.
    Unusable(FactIndex),
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// A condition cannot be asked of an operation's facts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConditionProblem {
    /// No such fact in the table.
    #[error("it asks about a fact that the operation does not have")]
    NoSuchFact(FactIndex),
    /// Values of another type than the fact's.
    #[error("the fact `{0}` is not of the type of the value it is compared with")]
    WrongType(primitives::Name),
    /// A count is 0 when nothing matches, never absent.
    #[error("the fact `{0}` is a count, which is always present: compare it with a number")]
    CountIsPresent(primitives::Name),
    /// Nested more than [`Condition::MOST_NESTED`] deep.
    #[error("it is nested more than 32 deep")]
    TooDeep,
}

impl Condition {
    /// How deep conditions may be nested.
    pub const MOST_NESTED: usize = 32;

    /// Whether it holds of `facts`.
    #[must_use]
    pub fn holds(&self, facts: &Facts) -> Truth {
        match self {
            Self::Present(index) => match facts.get(*index) {
                FactValue::Unread => Truth::Unread,
                FactValue::Absent => Truth::No,
                FactValue::Unusable(_) => Truth::Unusable(*index),
                _ => Truth::Yes,
            },
            Self::OneOf(index, literals) => compare(facts, *index, |value| {
                let answers = literals.iter().map(|literal| equals(value, literal));
                answers
                    .reduce(|some, other| Some(some? || other?))
                    .unwrap_or(Some(false))
            }),
            Self::Less(index, than) => quantity(facts, *index, |value| value < *than),
            Self::AtMost(index, than) => quantity(facts, *index, |value| value <= *than),
            Self::Greater(index, than) => quantity(facts, *index, |value| value > *than),
            Self::AtLeast(index, than) => quantity(facts, *index, |value| value >= *than),
            Self::All(parts) => combine(parts, facts, Truth::No, Truth::Yes),
            Self::Any(parts) => combine(parts, facts, Truth::Yes, Truth::No),
            Self::Not(part) => match part.holds(facts) {
                Truth::Yes => Truth::No,
                Truth::No => Truth::Yes,
                other => other,
            },
        }
    }

    /// Refuses a condition that could never be answered.
    ///
    /// # Errors
    /// When it asks about a fact that `table` lacks, or compares it with a value of another type.
    pub fn check(&self, table: &FactTable) -> Result<(), ConditionProblem> {
        self.check_nested(table, 0)
    }

    fn check_nested(&self, table: &FactTable, depth: usize) -> Result<(), ConditionProblem> {
        if depth > Self::MOST_NESTED {
            return Err(ConditionProblem::TooDeep);
        }
        let fact = |index: &FactIndex| {
            table
                .get(*index)
                .ok_or(ConditionProblem::NoSuchFact(*index))
        };
        match self {
            Self::Present(index) => match fact(index)? {
                fact if fact.fold == Fold::Count => {
                    Err(ConditionProblem::CountIsPresent(fact.name.clone()))
                }
                _ => Ok(()),
            },
            Self::OneOf(index, literals) => {
                let fact = fact(index)?;
                let fits = literals.iter().all(|literal| literal.fits(fact.kind));
                fits.then_some(())
                    .ok_or_else(|| ConditionProblem::WrongType(fact.name.clone()))
            }
            Self::Less(index, _)
            | Self::AtMost(index, _)
            | Self::Greater(index, _)
            | Self::AtLeast(index, _) => match fact(index)? {
                fact if fact.kind == FactType::Quantity => Ok(()),
                fact => Err(ConditionProblem::WrongType(fact.name.clone())),
            },
            Self::All(parts) | Self::Any(parts) => parts
                .iter()
                .try_for_each(|part| part.check_nested(table, depth + 1)),
            Self::Not(part) => part.check_nested(table, depth + 1),
        }
    }

    /// Calls `each` with every fact the condition asks about, repeated ones repeatedly.
    pub fn each_fact(&self, each: &mut dyn FnMut(FactIndex)) {
        match self {
            Self::Present(index)
            | Self::OneOf(index, _)
            | Self::Less(index, _)
            | Self::AtMost(index, _)
            | Self::Greater(index, _)
            | Self::AtLeast(index, _) => each(*index),
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.each_fact(each);
                }
            }
            Self::Not(part) => part.each_fact(each),
        }
    }
}

impl Literal {
    fn fits(&self, kind: FactType) -> bool {
        match self {
            Self::Quantity(_) => kind == FactType::Quantity,
            Self::Boolean(_) => kind == FactType::Boolean,
            Self::Text(text) => match kind {
                FactType::Text => true,
                FactType::Country => text.parse::<Country>().is_ok(),
                FactType::Quantity | FactType::Boolean => false,
            },
        }
    }
}

/// `None` when the two cannot be compared.
fn equals(value: &FactValue, literal: &Literal) -> Option<bool> {
    match (value, literal) {
        (FactValue::Quantity(value), Literal::Quantity(literal)) => Some(value == literal),
        (FactValue::Boolean(value), Literal::Boolean(literal)) => Some(value == literal),
        (FactValue::Text(value), Literal::Text(literal)) => Some(**value == **literal),
        (FactValue::Country(value), Literal::Text(literal)) => literal
            .parse::<Country>()
            .ok()
            .map(|literal| *value == literal),
        _ => None,
    }
}

fn compare(
    facts: &Facts,
    index: FactIndex,
    answer: impl FnOnce(&FactValue) -> Option<bool>,
) -> Truth {
    match facts.get(index) {
        FactValue::Unread => Truth::Unread,
        FactValue::Absent => Truth::Missing(index),
        FactValue::Unusable(_) => Truth::Unusable(index),
        value => answer(value).map_or(Truth::Unusable(index), Truth::from),
    }
}

fn quantity(
    facts: &Facts,
    index: FactIndex,
    answer: impl FnOnce(primitives::Quantity) -> bool,
) -> Truth {
    compare(facts, index, |value| match value {
        FactValue::Quantity(value) => Some(answer(*value)),
        _ => None,
    })
}

fn combine(parts: &[Condition], facts: &Facts, decides: Truth, otherwise: Truth) -> Truth {
    let mut result = otherwise;
    for part in parts {
        let truth = part.holds(facts);
        if truth == decides {
            return decides;
        }
        let open = matches!(truth, Truth::Unread) || (truth != otherwise && result == otherwise);
        if open {
            result = truth;
        }
    }
    result
}

#[cfg(test)]
mod tests;
