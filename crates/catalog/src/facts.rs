//! Reading facts from requests: the head first, the body only when somebody still asks.

mod body;
mod decimal;
mod node;
mod parts;
mod path;
mod replace;

use primitives::{Country, Name, Quantity};

use self::{body::Scalar, path::BodyPath};
use crate::{FactSource, FactTable, FactType, FactValue, Facts, Fold, UnusableFact};

pub use self::{
    body::{Body, BodyField, BodyProblem},
    path::PathProblem,
    replace::replace_text_field,
};

/// What the head of a request says. Values are decoded; header names are in lower case.
pub trait RequestHead {
    /// Calls `each` with every value of the path parameter called `name`.
    fn path(&self, name: &str, each: &mut dyn FnMut(&str));
    /// Calls `each` with every value of the query parameter called `name`.
    fn query(&self, name: &str, each: &mut dyn FnMut(&str));
    /// Calls `each` with every line of the header called `name`.
    fn header(&self, name: &str, each: &mut dyn FnMut(&[u8]));
}

/// A fact table made ready: every JSONPath is parsed once.
#[derive(Clone, Debug, Default)]
pub struct CompiledFacts {
    rules: Box<[Rule]>,
    wants_body: bool,
}

#[derive(Clone, Debug)]
struct Rule {
    source: Source,
    kind: FactType,
    fold: Fold,
}

#[derive(Clone, Debug)]
enum Source {
    Path(Box<str>),
    Query(Box<str>),
    Header(Box<str>),
    Body(BodyPath),
}

/// A fact table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactTableProblem {
    /// Two facts of one name.
    #[error("the fact `{0}` is defined twice: rename one of them")]
    Repeated(Name),
    /// More than [`CompiledFacts::MOST`].
    #[error("an operation may have at most 200 facts")]
    TooMany,
    /// A fold that gives numbers, over something else.
    #[error("the fact `{0}` is folded to a number: declare its type as quantity")]
    FoldNeedsQuantity(Name),
    /// A JSONPath that cannot be used.
    #[error("the path of the fact `{name}` cannot be used: {problem}")]
    Path {
        /// The fact.
        name: Name,
        /// What is wrong with its path.
        problem: PathProblem,
    },
}

impl CompiledFacts {
    /// The most facts an operation may have.
    pub const MOST: usize = 200;

    /// Makes `table` ready.
    ///
    /// # Errors
    /// When a name is repeated, a fold does not fit its type, or a JSONPath cannot be used.
    pub fn compile(table: &FactTable) -> Result<Self, FactTableProblem> {
        if table.0.len() > Self::MOST {
            return Err(FactTableProblem::TooMany);
        }
        let mut rules = Vec::with_capacity(table.0.len());
        for (at, fact) in table.0.iter().enumerate() {
            let repeated = table.0.iter().take(at).any(|other| other.name == fact.name);
            if repeated {
                return Err(FactTableProblem::Repeated(fact.name.clone()));
            }
            if fact.fold != Fold::Single && fact.kind != FactType::Quantity {
                return Err(FactTableProblem::FoldNeedsQuantity(fact.name.clone()));
            }
            let source = match &fact.source {
                FactSource::Path(name) => Source::Path(name.as_str().into()),
                FactSource::Query(name) => Source::Query(name.as_str().into()),
                FactSource::Header(name) => Source::Header(name.to_ascii_lowercase().into()),
                FactSource::Body(path) => {
                    BodyPath::parse(path).map(Source::Body).map_err(|problem| {
                        FactTableProblem::Path {
                            name: fact.name.clone(),
                            problem,
                        }
                    })?
                }
            };
            rules.push(Rule {
                source,
                kind: fact.kind,
                fold: fact.fold,
            });
        }
        Ok(Self {
            wants_body: rules
                .iter()
                .any(|rule| matches!(rule.source, Source::Body(_))),
            rules: rules.into(),
        })
    }

    /// Whether any fact stands in the body.
    #[must_use]
    pub fn wants_body(&self) -> bool {
        self.wants_body
    }

    /// The facts of a request whose body has not been read.
    #[must_use]
    pub fn read_head(&self, head: &dyn RequestHead) -> Facts {
        Facts(self.rules.iter().map(|rule| rule.of_head(head)).collect())
    }

    /// Reads the facts that stand in the body; without an error none is unread afterwards.
    ///
    /// A body of no bytes is no body: its facts are absent. A body that no fact asks for is
    /// not looked at.
    ///
    /// # Errors
    /// When the body cannot be read; the facts are then as before.
    pub fn read_body(
        &self,
        facts: &mut Facts,
        content_type: Option<&str>,
        bytes: &[u8],
    ) -> Result<(), BodyProblem> {
        if !self.wants_body {
            return Ok(());
        }
        let body = Body::read(content_type, bytes)?;
        self.read_parsed(facts, &body)
    }

    /// As [`CompiledFacts::read_body`], with a body that was parsed before.
    ///
    /// # Errors
    /// When a path would visit too much of the body; the facts are then as before.
    pub fn read_parsed(&self, facts: &mut Facts, body: &Body) -> Result<(), BodyProblem> {
        let mut steps = path::MOST_STEPS;
        let mut read = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            if let Source::Body(path) = &rule.source {
                let matches = body.select(path, &mut steps)?;
                read.push((at, rule.fold(matches.into_iter())));
            }
        }
        facts.0.resize(self.rules.len(), FactValue::Absent);
        for (at, value) in read {
            if let Some(slot) = facts.0.get_mut(at) {
                *slot = value;
            }
        }
        Ok(())
    }
}

impl Rule {
    fn of_head(&self, head: &dyn RequestHead) -> FactValue {
        let mut values = Vec::new();
        let mut text = |value: &str| values.push(Some(Box::from(value)));
        match &self.source {
            Source::Body(_) => return FactValue::Unread,
            Source::Path(name) => head.path(name, &mut text),
            Source::Query(name) => head.query(name, &mut text),
            Source::Header(name) => head.header(name, &mut |value| {
                values.push(std::str::from_utf8(value).ok().map(Box::from));
            }),
        }
        self.fold(
            values.iter().map(|value: &Option<Box<str>>| {
                value.as_deref().map_or(Scalar::Other, Scalar::Loose)
            }),
        )
    }

    fn fold<'a>(&self, mut matches: impl ExactSizeIterator<Item = Scalar<'a>>) -> FactValue {
        if self.fold == Fold::Count {
            let count = i64::try_from(matches.len()).ok();
            return count.and_then(Quantity::whole).map_or(
                FactValue::Unusable(UnusableFact::OutOfRange),
                FactValue::Quantity,
            );
        }
        let Some(first) = matches.next() else {
            return FactValue::Absent;
        };
        if self.fold == Fold::Single {
            return match matches.next() {
                Some(_) => FactValue::Unusable(UnusableFact::Ambiguous),
                None => convert(first, self.kind).unwrap_or_else(FactValue::Unusable),
            };
        }
        self.number(first)
            .and_then(|first| {
                matches.try_fold(first, |so_far, next| self.join(so_far, self.number(next)?))
            })
            .map_or_else(FactValue::Unusable, FactValue::Quantity)
    }

    fn number(&self, value: Scalar<'_>) -> Result<Quantity, UnusableFact> {
        match convert(value, self.kind)? {
            FactValue::Quantity(quantity)
                if self.fold == Fold::Sum && quantity < Quantity::ZERO =>
            {
                Err(UnusableFact::BelowZero)
            }
            FactValue::Quantity(quantity) => Ok(quantity),
            _ => Err(UnusableFact::WrongType("quantity")),
        }
    }

    fn join(&self, so_far: Quantity, next: Quantity) -> Result<Quantity, UnusableFact> {
        match self.fold {
            Fold::Min => Ok(so_far.min(next)),
            Fold::Max => Ok(so_far.max(next)),
            Fold::Single | Fold::Count | Fold::Sum => {
                so_far.checked_add(next).ok_or(UnusableFact::OutOfRange)
            }
        }
    }
}

fn convert(value: Scalar<'_>, kind: FactType) -> Result<FactValue, UnusableFact> {
    use primitives::QuantityProblem as P;
    match (kind, value) {
        (FactType::Quantity, Scalar::Number(number)) => number
            .to_quantity()
            .map(FactValue::Quantity)
            .ok_or(UnusableFact::OutOfRange),
        (FactType::Quantity, Scalar::Text(text) | Scalar::Loose(text)) => text
            .parse()
            .map(FactValue::Quantity)
            .map_err(|problem| match problem {
                P::NotDecimal(_) => UnusableFact::WrongType("quantity"),
                P::TooFine(_) | P::TooLarge(_) => UnusableFact::OutOfRange,
            }),
        (FactType::Text, Scalar::Text(text) | Scalar::Loose(text)) => {
            Ok(FactValue::Text(text.into()))
        }
        (FactType::Boolean, Scalar::Boolean(value)) => Ok(FactValue::Boolean(value)),
        (FactType::Boolean, Scalar::Loose("true")) => Ok(FactValue::Boolean(true)),
        (FactType::Boolean, Scalar::Loose("false")) => Ok(FactValue::Boolean(false)),
        (FactType::Country, Scalar::Text(text) | Scalar::Loose(text)) => text
            .parse::<Country>()
            .map(FactValue::Country)
            .map_err(|_| UnusableFact::WrongType("country")),
        (kind, _) => Err(UnusableFact::WrongType(match kind {
            FactType::Quantity => "quantity",
            FactType::Text => "text",
            FactType::Boolean => "boolean",
            FactType::Country => "country",
        })),
    }
}

#[cfg(test)]
mod tests;
