use primitives::{Country, Quantity};

use crate::FactIndex;

/// What is known of one fact of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactValue {
    /// It stands in the body, and the body has not been read.
    Unread,
    /// The request does not have it.
    Absent,
    /// It is there, but cannot be used: wrong type, several where one is wanted, too fine,
    /// too large. Refuses whatever asks for it.
    Unusable(UnusableFact),
    /// An exact decimal.
    Quantity(Quantity),
    /// Text.
    Text(Box<str>),
    /// True or false.
    Boolean(bool),
    /// A country.
    Country(Country),
}

/// Why a fact cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusableFact {
    /// Several matches where exactly one is wanted.
    #[error("it stands there more than once")]
    Ambiguous,
    /// Not of the declared type.
    #[error("it is not a {0}")]
    WrongType(&'static str),
    /// Does not fit without rounding.
    #[error("it does not fit without rounding")]
    OutOfRange,
    /// Below zero where only an amount makes sense.
    #[error("it is below zero")]
    Negative,
    /// An item of a sum is below zero: it would hide another one from a limit on the sum.
    #[error("an item of the sum is below zero")]
    BelowZero,
}

/// The facts of one request, by place in the operation's fact table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(pub Vec<FactValue>);

impl Facts {
    /// The value at `index`; absent when the table has no such place.
    #[must_use]
    pub fn get(&self, index: FactIndex) -> &FactValue {
        self.0
            .get(usize::from(index.0))
            .unwrap_or(&FactValue::Absent)
    }

    /// Whether any fact still stands in an unread body.
    #[must_use]
    pub fn any_unread(&self) -> bool {
        self.0.contains(&FactValue::Unread)
    }
}
