use std::{borrow::Cow, cmp::Ordering};

use jsonpath_rust::parser::{
    model::{
        Comparable, Comparison, Filter, FilterAtom, JpQuery, Literal, Segment, Selector,
        SingularQuery, SingularQuerySegment, Test,
    },
    parse_json_path,
};

use super::{decimal::Decimal, node::Node};

/// A JSONPath (RFC 9535) that is ready to be asked.
///
/// `jsonpath-rust` reads the grammar. Its evaluator is not used: it compares numbers as
/// floats and writes down the path of every node it passes, which a hostile body turns into
/// gigabytes.
#[derive(Clone, Debug)]
pub(super) struct BodyPath(JpQuery);

/// A text cannot be the path of a fact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathProblem {
    /// More than 500 characters.
    #[error("it is longer than 500 characters")]
    TooLong,
    /// Not of RFC 9535's grammar.
    #[error("it is not a JSONPath of RFC 9535: {0}")]
    Grammar(String),
    /// A function extension.
    #[error("functions are not available here: filter by comparing members with literals")]
    Function,
}

/// How many nodes all paths of an operation may visit in one body: not more than a millisecond
/// of work, which `examples/facts_cost.rs` measures.
pub(super) const MOST_STEPS: u32 = 50_000;
/// So many bytes of two texts are compared in the time of a step.
const TEXT_A_STEP: usize = 64;

impl BodyPath {
    const MOST_CHARACTERS: usize = 500;

    pub(super) fn parse(text: &str) -> Result<Self, PathProblem> {
        if text.len() > Self::MOST_CHARACTERS {
            return Err(PathProblem::TooLong);
        }
        let query = parse_json_path(text).map_err(|problem| {
            let shown = problem.to_string();
            let last = shown.lines().last().unwrap_or_default();
            PathProblem::Grammar(last.trim_start_matches([' ', '=']).to_owned())
        })?;
        if query.segments.iter().any(segment_has_function) {
            return Err(PathProblem::Function);
        }
        Ok(Self(query))
    }

    /// The nodes it matches, in document order; `None` when `steps` are used up.
    pub(super) fn select<'n>(&self, root: &'n Node, steps: &mut u32) -> Option<Vec<&'n Node>> {
        let mut walk = Walk {
            root,
            steps,
            numbers: Vec::new(),
        };
        walk.query(&self.0.segments, root)
    }
}

struct Walk<'n, 's> {
    root: &'n Node,
    steps: &'s mut u32,
    /// The numbers that the path compares with, read once.
    numbers: Vec<(Spelled, Option<Decimal>)>,
}

/// A number as the grammar hands it over: whether it is a float, and its bits.
type Spelled = (bool, u64);

impl<'n> Walk<'n, '_> {
    fn step(&mut self) -> Option<()> {
        self.pass(1)
    }

    /// Takes work off: `nodes` are looked at, or something that takes as long.
    fn pass(&mut self, nodes: usize) -> Option<()> {
        *self.steps = self.steps.checked_sub(u32::try_from(nodes).ok()?)?;
        Some(())
    }

    fn query(&mut self, segments: &[Segment], from: &'n Node) -> Option<Vec<&'n Node>> {
        let mut nodes = vec![from];
        for segment in segments {
            let mut next = Vec::new();
            for node in nodes {
                self.segment(segment, node, &mut next)?;
            }
            nodes = next;
        }
        Some(nodes)
    }

    fn segment(
        &mut self,
        segment: &Segment,
        node: &'n Node,
        found: &mut Vec<&'n Node>,
    ) -> Option<()> {
        self.step()?;
        match segment {
            Segment::Descendant(inner) => {
                self.segment(inner, node, found)?;
                for child in node.children() {
                    self.segment(segment, child, found)?;
                }
            }
            Segment::Selector(selector) => self.selector(selector, node, found)?,
            Segment::Selectors(selectors) => {
                for selector in selectors {
                    self.selector(selector, node, found)?;
                }
            }
        }
        Some(())
    }

    fn selector(
        &mut self,
        selector: &Selector,
        node: &'n Node,
        found: &mut Vec<&'n Node>,
    ) -> Option<()> {
        let before = found.len();
        match selector {
            Selector::Name(name) => {
                self.pass(passed_by_name(node))?;
                found.extend(node.members(name));
            }
            Selector::Wildcard => found.extend(node.children()),
            Selector::Index(index) => found.extend(node.element(*index)),
            Selector::Slice(start, end, step) => slice(node, (*start, *end, *step), found),
            Selector::Filter(filter) => {
                for child in node.children() {
                    self.step()?;
                    if self.filter(filter, child)? {
                        found.push(child);
                    }
                }
            }
        }
        self.pass(found.len() - before)
    }

    fn filter(&mut self, filter: &Filter, node: &'n Node) -> Option<bool> {
        match filter {
            Filter::Or(parts) => self.first(parts, node, true),
            Filter::And(parts) => self.first(parts, node, false),
            Filter::Atom(FilterAtom::Filter { expr, not }) => {
                self.filter(expr, node).map(|holds| holds != *not)
            }
            Filter::Atom(FilterAtom::Test { expr, not }) => {
                let found = match &**expr {
                    Test::RelQuery(segments) => self.query(segments, node)?,
                    Test::AbsQuery(query) => self.query(&query.segments, self.root)?,
                    Test::Function(_) => Vec::new(),
                };
                Some(found.is_empty() == *not)
            }
            Filter::Atom(FilterAtom::Comparison(comparison)) => self.compare(comparison, node),
        }
    }

    /// Whether one of `parts` answers `wanted`; else the opposite of `wanted`.
    fn first(&mut self, parts: &[Filter], node: &'n Node, wanted: bool) -> Option<bool> {
        for part in parts {
            if self.filter(part, node)? == wanted {
                return Some(wanted);
            }
        }
        Some(!wanted)
    }

    fn compare(&mut self, comparison: &Comparison, node: &'n Node) -> Option<bool> {
        // Each side is found, then both are compared.
        self.pass(3)?;
        let (left, right) = comparison.vals();
        let (left, right) = (self.operand(left, node)?, self.operand(right, node)?);
        self.pass(left.length().min(right.length()) / TEXT_A_STEP)?;
        let equal = left == right && !matches!(left, Operand::Other);
        let order = left.order(&right);
        Some(match comparison {
            Comparison::Eq(..) => equal,
            Comparison::Ne(..) => !equal,
            Comparison::Lt(..) => order == Some(Ordering::Less),
            Comparison::Gt(..) => order == Some(Ordering::Greater),
            Comparison::Lte(..) => equal || order == Some(Ordering::Less),
            Comparison::Gte(..) => equal || order == Some(Ordering::Greater),
        })
    }

    fn operand<'o>(&mut self, comparable: &'o Comparable, node: &'n Node) -> Option<Operand<'o>>
    where
        'n: 'o,
    {
        let (segments, from) = match comparable {
            Comparable::Literal(literal) => return Some(self.literal(literal)),
            Comparable::Function(_) => return Some(Operand::Other),
            Comparable::SingularQuery(SingularQuery::Current(segments)) => (segments, node),
            Comparable::SingularQuery(SingularQuery::Root(segments)) => (segments, self.root),
        };
        let mut found = from;
        for segment in segments {
            let next = match segment {
                SingularQuerySegment::Index(index) => found.element(*index),
                SingularQuerySegment::Name(name) => {
                    self.pass(passed_by_name(found))?;
                    found.members(name).next()
                }
            };
            let Some(next) = next else {
                return Some(Operand::Nothing);
            };
            found = next;
        }
        Some(Operand::node(found))
    }

    fn literal<'o>(&mut self, literal: &'o Literal) -> Operand<'o> {
        match literal {
            Literal::Int(value) => self.number((false, value.cast_unsigned()), value),
            Literal::Float(value) => self.number((true, value.to_bits()), value),
            Literal::String(text) => Operand::Text(text),
            Literal::Bool(value) => Operand::Boolean(*value),
            Literal::Null => Operand::Null,
        }
    }

    fn number(&mut self, spelled: Spelled, value: &dyn ToString) -> Operand<'static> {
        let known = self.numbers.iter().find(|(known, _)| *known == spelled);
        let number = if let Some((_, number)) = known {
            number.clone()
        } else {
            let number = Decimal::parse(&value.to_string());
            self.numbers.push((spelled, number.clone()));
            number
        };
        number.map_or(Operand::Other, |number| Operand::Number(Cow::Owned(number)))
    }
}

/// Looking for a name passes every member; two of them take as long as a step.
fn passed_by_name(node: &Node) -> usize {
    node.member_count() / 2
}

/// One side of a comparison. Lists and objects equal nothing.
#[derive(PartialEq)]
enum Operand<'o> {
    Nothing,
    Null,
    Boolean(bool),
    Number(Cow<'o, Decimal>),
    Text(&'o str),
    Other,
}

impl<'o> Operand<'o> {
    fn node(node: &'o Node) -> Self {
        match node {
            Node::Null => Self::Null,
            Node::Boolean(value) => Self::Boolean(*value),
            Node::Number(number) => Self::Number(Cow::Borrowed(number)),
            Node::Text(text) => Self::Text(text),
            Node::List(_) | Node::Object(_) => Self::Other,
        }
    }

    /// The bytes that comparing it may look at.
    const fn length(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            _ => 0,
        }
    }

    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// RFC 9535, section 2.3.4.2.
fn slice<'n>(
    node: &'n Node,
    (start, end, step): (Option<i64>, Option<i64>, Option<i64>),
    found: &mut Vec<&'n Node>,
) {
    let Node::List(list) = node else { return };
    let length = i64::try_from(list.len()).unwrap_or(i64::MAX);
    let step = step.unwrap_or(1);
    let place = |index: i64| {
        if index < 0 {
            length.saturating_add(index)
        } else {
            index
        }
    };
    let element = |at: i64| usize::try_from(at).ok().and_then(|at| list.get(at));
    if step > 0 {
        let mut at = place(start.unwrap_or(0)).clamp(0, length);
        let end = place(end.unwrap_or(length)).clamp(0, length);
        while at < end {
            found.extend(element(at));
            at = at.saturating_add(step);
        }
    } else if step < 0 {
        let mut at = place(start.unwrap_or(length - 1)).clamp(-1, length - 1);
        let end = end.map_or(-1, |end| place(end).clamp(-1, length - 1));
        while at > end {
            found.extend(element(at));
            at = at.saturating_add(step);
        }
    }
}

fn segment_has_function(segment: &Segment) -> bool {
    let selector = |selector: &Selector| match selector {
        Selector::Filter(filter) => filter_has_function(filter),
        _ => false,
    };
    match segment {
        Segment::Descendant(inner) => segment_has_function(inner),
        Segment::Selector(one) => selector(one),
        Segment::Selectors(several) => several.iter().any(selector),
    }
}

fn filter_has_function(filter: &Filter) -> bool {
    let function = |side: &Comparable| matches!(side, Comparable::Function(_));
    match filter {
        Filter::Or(parts) | Filter::And(parts) => parts.iter().any(filter_has_function),
        Filter::Atom(FilterAtom::Filter { expr, .. }) => filter_has_function(expr),
        Filter::Atom(FilterAtom::Comparison(comparison)) => {
            let (left, right) = comparison.vals();
            function(left) || function(right)
        }
        Filter::Atom(FilterAtom::Test { expr, .. }) => match &**expr {
            Test::Function(_) => true,
            Test::RelQuery(segments) => segments.iter().any(segment_has_function),
            Test::AbsQuery(query) => query.segments.iter().any(segment_has_function),
        },
    }
}
