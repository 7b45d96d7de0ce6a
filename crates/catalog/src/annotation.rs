use primitives::{Name, Quantity, Symbol};

/// A fact's place in its operation's [`FactTable`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FactIndex(pub u16);

/// Where in a request a fact stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FactSource {
    /// A parameter of the path template.
    Path(String),
    /// A query parameter.
    Query(String),
    /// A header, in lower case.
    Header(String),
    /// An RFC 9535 JSONPath over a JSON body, or over a form body read as an object of texts.
    Body(String),
}

/// What a fact's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactType {
    /// An exact decimal.
    Quantity,
    /// Text.
    Text,
    /// True or false.
    Boolean,
    /// An ISO 3166-1 alpha-2 country.
    Country,
}

/// How several matches become one fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Exactly one match; several are refused as ambiguous.
    Single,
    /// The number of matches (0 when there is none).
    Count,
    /// The sum.
    Sum,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

/// A named value that an operation takes from its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactDefinition {
    /// The name that conditions, limits and policies use.
    pub name: Name,
    /// Where it stands.
    pub source: FactSource,
    /// What it is.
    pub kind: FactType,
    /// How several matches become one.
    pub fold: Fold,
}

/// The facts of one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactTable(pub Vec<FactDefinition>);

impl FactTable {
    /// The place of the fact called `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<FactIndex> {
        let at = self.0.iter().position(|fact| fact.name.as_str() == name)?;
        u16::try_from(at).ok().map(FactIndex)
    }

    /// The definition at `index`.
    #[must_use]
    pub fn get(&self, index: FactIndex) -> Option<&FactDefinition> {
        self.0.get(usize::from(index.0))
    }
}

/// A value written in a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// An exact decimal.
    Quantity(Quantity),
    /// Text; also a country.
    Text(String),
    /// True or false.
    Boolean(bool),
}

/// When an operation uses a capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The fact is in the request. The only question an absent fact answers.
    Present(FactIndex),
    /// The fact equals one of the values.
    OneOf(FactIndex, Vec<Literal>),
    /// The fact is less than the value.
    Less(FactIndex, Quantity),
    /// The fact is the value or less.
    AtMost(FactIndex, Quantity),
    /// The fact is greater than the value.
    Greater(FactIndex, Quantity),
    /// The fact is the value or greater.
    AtLeast(FactIndex, Quantity),
    /// Every one holds.
    All(Vec<Condition>),
    /// At least one holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}

/// A capability that an operation uses, perhaps only under a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityUse {
    /// The capability.
    pub capability: Symbol,
    /// When it is used; always if `None`.
    pub when: Option<Condition>,
}

/// The parameter that names the account a call acts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountParameter {
    /// A parameter of the path template.
    Path(String),
    /// A query parameter.
    Query(String),
    /// A header, in lower case.
    Header(String),
    /// A top-level field of the body.
    Body(String),
}
