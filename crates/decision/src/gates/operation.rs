//! Which capabilities does the operation use, as far as the request tells (P-56, P-58)?

use catalog::{
    Condition, FactIndex, FactTable, FactValue, Facts, Literal, Operation, UnusableFact,
};
use primitives::{Name, Quantity, Symbol};

use crate::{
    Gate,
    finding::{Finding, Listener, Refusal},
    scene::{Obstacle, Request, usable},
};

pub(super) fn operation<'a>(request: Request<'a>, listener: &mut impl Listener<'a>) {
    let operation = request.call.operation;
    if operation.uses.is_empty() {
        return listener.hear(Gate::Operation, Finding::Refused(Refusal::NotAnnotated));
    }
    let (mut applies, mut unread, mut refused) = (false, false, false);
    for usage in &operation.uses {
        match holds(operation, usage.when.as_ref(), request.facts) {
            Ok(holds) => applies |= holds,
            Err(Obstacle::Unread) => unread = true,
            Err(obstacle) => {
                refused = true;
                listener.hear(Gate::Operation, obstacle.into());
            }
        }
    }
    if unread {
        listener.hear(Gate::Operation, Finding::Unread);
    } else if !refused {
        let finding = Finding::or_refused(applies, Refusal::NoCapabilityApplies);
        listener.hear(Gate::Operation, finding);
    }
}

/// Each capability of the operation once, and whether the request uses it.
pub(crate) fn capabilities(
    request: Request<'_>,
) -> impl Iterator<Item = (Symbol, Result<bool, Obstacle<'_>>)> {
    let operation = request.call.operation;
    let annotated = operation.uses.iter().enumerate();
    annotated.filter_map(move |(position, usage)| {
        let mut earlier = operation.uses.iter().take(position);
        if earlier.any(|earlier| earlier.capability == usage.capability) {
            return None;
        }
        let used = is_used(operation, usage.capability, request.facts);
        Some((usage.capability, used))
    })
}

/// A capability named under several conditions is used when one of them holds.
fn is_used<'a>(
    operation: &'a Operation,
    capability: Symbol,
    facts: &'a Facts,
) -> Result<bool, Obstacle<'a>> {
    let mut used = Ok(false);
    for usage in &operation.uses {
        if usage.capability == capability {
            match holds(operation, usage.when.as_ref(), facts) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(obstacle) => used = Err(obstacle),
            }
        }
    }
    used
}

fn holds<'a>(
    operation: &'a Operation,
    condition: Option<&'a Condition>,
    facts: &'a Facts,
) -> Result<bool, Obstacle<'a>> {
    let reading = Reading { operation, facts };
    condition.map_or(Ok(true), |condition| reading.holds(condition))
}

struct Reading<'a> {
    operation: &'a Operation,
    facts: &'a Facts,
}

impl<'a> Reading<'a> {
    /// From left to right, and no further than needed: `{present: x}` before `{fact: x, …}`
    /// guards it.
    fn holds(&self, condition: &'a Condition) -> Result<bool, Obstacle<'a>> {
        match condition {
            Condition::Present(fact) => match self.value(*fact) {
                Ok(_) => Ok(true),
                Err(Obstacle::Missing(_)) => Ok(false),
                Err(obstacle) => Err(obstacle),
            },
            Condition::OneOf(fact, literals) => self.is_one_of(*fact, literals),
            Condition::Less(fact, than) => Ok(self.quantity(*fact)? < *than),
            Condition::AtMost(fact, most) => Ok(self.quantity(*fact)? <= *most),
            Condition::Greater(fact, than) => Ok(self.quantity(*fact)? > *than),
            Condition::AtLeast(fact, least) => Ok(self.quantity(*fact)? >= *least),
            Condition::All(conditions) => {
                for condition in conditions {
                    if !self.holds(condition)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Condition::Any(conditions) => {
                for condition in conditions {
                    if self.holds(condition)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Condition::Not(condition) => Ok(!self.holds(condition)?),
        }
    }

    fn is_one_of(&self, fact: FactIndex, literals: &[Literal]) -> Result<bool, Obstacle<'a>> {
        let value = self.value(fact)?;
        for literal in literals {
            let equal = match (value, literal) {
                (FactValue::Quantity(value), Literal::Quantity(literal)) => value == literal,
                (FactValue::Text(value), Literal::Text(literal)) => **value == **literal,
                (FactValue::Boolean(value), Literal::Boolean(literal)) => value == literal,
                (FactValue::Country(value), Literal::Text(literal)) => literal
                    .parse()
                    .is_ok_and(|country: primitives::Country| country == *value),
                (_, literal) => {
                    let wanted = UnusableFact::WrongType(kind(literal));
                    return Err(Obstacle::Unusable(self.name(fact), wanted));
                }
            };
            if equal {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn quantity(&self, fact: FactIndex) -> Result<Quantity, Obstacle<'a>> {
        if let FactValue::Quantity(quantity) = self.value(fact)? {
            return Ok(*quantity);
        }
        let wanted = UnusableFact::WrongType("quantity");
        Err(Obstacle::Unusable(self.name(fact), wanted))
    }

    fn value(&self, fact: FactIndex) -> Result<&'a FactValue, Obstacle<'a>> {
        usable(self.name(fact), self.facts.get(fact))
    }

    fn name(&self, fact: FactIndex) -> &'a Name {
        let table: &'a FactTable = &self.operation.facts;
        table
            .get(fact)
            .map_or(&self.operation.id, |fact| &fact.name)
    }
}

fn kind(literal: &Literal) -> &'static str {
    match literal {
        Literal::Quantity(_) => "quantity",
        Literal::Text(_) => "text",
        Literal::Boolean(_) => "boolean",
    }
}
