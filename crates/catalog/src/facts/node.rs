use super::decimal::Decimal;

/// A JSON value that keeps its numbers exact. A form body is an object whose members may be
/// repeated.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Null,
    Boolean(bool),
    Number(Decimal),
    Text(Box<str>),
    List(Vec<Node>),
    Object(Vec<(Box<str>, Node)>),
}

impl Node {
    /// Every member called `name`.
    pub(crate) fn members<'n>(&'n self, name: &str) -> impl Iterator<Item = &'n Node> {
        let members: &[(Box<str>, Node)] = match self {
            Self::Object(members) => members,
            _ => &[],
        };
        members
            .iter()
            .filter(move |(key, _)| **key == *name)
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
        let (list, object): (&[Node], &[(Box<str>, Node)]) = match self {
            Self::List(list) => (list, &[]),
            Self::Object(object) => (&[], object),
            _ => (&[], &[]),
        };
        list.iter().chain(object.iter().map(|(_, value)| value))
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
