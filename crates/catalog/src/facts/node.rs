use smol_str::SmolStr;

use super::{decimal::Decimal, parts::Parts};

/// A JSON value that keeps its numbers exact. A form body is an object whose members may be
/// repeated. Short texts stand in it, not beside it: a body of many small values is kept small.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Null,
    Boolean(bool),
    Number(Decimal),
    Text(SmolStr),
    List(Parts<Node>),
    Object(Parts<(SmolStr, Node)>),
}

impl Node {
    /// Every member called `name`.
    pub(crate) fn members<'n>(&'n self, name: &str) -> impl Iterator<Item = &'n Node> {
        let members = match self {
            Self::Object(members) => Some(members),
            _ => None,
        };
        members
            .into_iter()
            .flat_map(Parts::iter)
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// How many members there are to be looked through.
    pub(crate) fn member_count(&self) -> usize {
        match self {
            Self::Object(members) => members.len(),
            _ => 0,
        }
    }

    /// Elements of a list or members of an object, in order.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Node> {
        let (list, object) = match self {
            Self::List(list) => (Some(list), None),
            Self::Object(object) => (None, Some(object)),
            _ => (None, None),
        };
        let members = object.into_iter().flat_map(Parts::iter);
        let elements = list.into_iter().flat_map(Parts::iter);
        elements.chain(members.map(|(_, value)| value))
    }

    /// The element at `index`, from the end when negative.
    pub(crate) fn element(&self, index: i64) -> Option<&Node> {
        let Self::List(list) = self else {
            return None;
        };
        let at = if index < 0 {
            list.len()
                .checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
        } else {
            usize::try_from(index).ok()?
        };
        list.get(at)
    }
}
