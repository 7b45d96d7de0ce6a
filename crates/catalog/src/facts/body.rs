use jiter::{Jiter, JiterError, Peek};
use percent_encoding::percent_decode_str;
use smol_str::SmolStr;

use super::{decimal::Decimal, node::Node, parts::Parts, path::BodyPath};
use crate::{BodyKind, ReadableBodies, UnusableFact};

/// A body that has been read.
#[derive(Clone, Debug)]
pub struct Body {
    root: Option<Node>,
    form: bool,
}

/// A top-level field of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyField<'b> {
    /// The body does not have it.
    Absent,
    /// Its text.
    Text(&'b str),
    /// It is there, but cannot be used.
    Unusable(UnusableFact),
}

/// A body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyProblem {
    /// No content type, or one that facts are not read from.
    #[error(
        "facts are read from `application/json` and `application/x-www-form-urlencoded` bodies, not from `{0}`"
    )]
    ContentType(String),
    /// A content type that the description does not list for the operation.
    #[error("the operation takes no `{0}` body: its description does not list that")]
    NotListed(String),
    /// Not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// No JSON, or more than one value.
    #[error("the body is not JSON: {what} at line {line} column {column}")]
    NotJson {
        /// What stands there instead.
        what: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// A key twice in an object: parsers disagree on which one counts.
    #[error("the body has the key `{0}` twice in one object")]
    RepeatedKey(String),
    /// Nested more than 64 deep.
    #[error("the body is nested more than 64 deep")]
    TooDeep,
    /// More than 100,000 values.
    #[error("the body has more than 100000 values")]
    TooMany,
    /// A number of more than 400 characters, or with an exponent beyond ±9999.
    #[error("the body has a number that is too long")]
    Number,
    /// An escape in a form body that is no escape, or does not decode to UTF-8.
    #[error("the form body has an escape that does not decode to UTF-8: `{0}`")]
    Escape(String),
    /// The facts' paths would visit too much of it.
    #[error("the facts of this operation take too long to find in this body")]
    TooCostly,
}

impl BodyProblem {
    /// Whether the body contradicts its own content type, or has two readings. The others are
    /// bodies that an API may take, and that facts are not read from.
    #[must_use]
    pub const fn is_malformed(&self) -> bool {
        match self {
            Self::NotUtf8 | Self::NotJson { .. } | Self::RepeatedKey(_) => true,
            Self::ContentType(_)
            | Self::NotListed(_)
            | Self::TooDeep
            | Self::TooMany
            | Self::Number
            | Self::Escape(_)
            | Self::TooCostly => false,
        }
    }
}

/// A value that a fact can be made of. `Loose` texts come from places that know only text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'a> {
    Number(&'a Decimal),
    Text(&'a str),
    Loose(&'a str),
    Boolean(bool),
    Other,
}

const MOST_DEPTH: usize = 64;
const MOST_NODES: usize = 100_000;
const MANY_MEMBERS: usize = 1_000;

impl Body {
    /// Reads a body by its content type, as [`Body::read`] does, when it is one of `listed`.
    ///
    /// # Errors
    /// As [`Body::read`], and when it is none of `listed`.
    pub fn read_listed(
        listed: ReadableBodies,
        content_type: Option<&str>,
        bytes: &[u8],
    ) -> Result<Self, BodyProblem> {
        let kind = content_type.map_or(BodyKind::Other, BodyKind::of);
        let read = Self::read(content_type, bytes)?;
        if bytes.is_empty() || listed.takes(kind) {
            return Ok(read);
        }
        let shown = content_type.unwrap_or_default().chars().take(100);
        Err(BodyProblem::NotListed(shown.collect()))
    }

    /// Reads a body by its content type. No bytes are no body, whatever the content type.
    ///
    /// # Errors
    /// When the body is not what its content type says, or is refused as ambiguous or too large.
    pub fn read(content_type: Option<&str>, bytes: &[u8]) -> Result<Self, BodyProblem> {
        let media_type = content_type.unwrap_or("no content type");
        let kind = content_type.map_or(BodyKind::Other, BodyKind::of);
        let form = kind == BodyKind::Form;
        if bytes.is_empty() {
            return Ok(Self { root: None, form });
        }
        if kind == BodyKind::Other || !utf8_charset(media_type) {
            let shown = media_type.chars().take(100).collect();
            return Err(BodyProblem::ContentType(shown));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| BodyProblem::NotUtf8)?;
        let root = if form {
            read_form(text)?
        } else {
            read_json(text)?
        };
        Ok(Self {
            root: Some(root),
            form,
        })
    }

    /// The text of a top-level field.
    #[must_use]
    pub fn field(&self, name: &str) -> BodyField<'_> {
        let mut found = self.root.iter().flat_map(|root| root.members(name));
        match (found.next(), found.next()) {
            (None, _) => BodyField::Absent,
            (Some(Node::Text(text)), None) => BodyField::Text(text),
            (Some(_), None) => BodyField::Unusable(UnusableFact::WrongType("text")),
            (Some(_), Some(_)) => BodyField::Unusable(UnusableFact::Ambiguous),
        }
    }

    /// What `path` matches; takes the work off `steps`.
    pub(super) fn select<'b>(
        &'b self,
        path: &BodyPath,
        steps: &mut u32,
    ) -> Result<Vec<Scalar<'b>>, BodyProblem> {
        let Some(root) = &self.root else {
            return Ok(Vec::new());
        };
        let nodes = path.select(root, steps).ok_or(BodyProblem::TooCostly)?;
        let scalar = |node: &'b Node| match node {
            Node::Number(number) => Scalar::Number(number),
            Node::Text(text) if self.form => Scalar::Loose(text),
            Node::Text(text) => Scalar::Text(text),
            Node::Boolean(value) => Scalar::Boolean(*value),
            Node::Null | Node::List(_) | Node::Object(_) => Scalar::Other,
        };
        Ok(nodes.into_iter().map(scalar).collect())
    }
}

/// Whether the media type names no charset, or UTF-8.
fn utf8_charset(media_type: &str) -> bool {
    media_type.split(';').skip(1).all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        !name.trim().eq_ignore_ascii_case("charset") || value.eq_ignore_ascii_case("utf-8")
    })
}

/// Decodes one name or value of a form body; refuses a `%` that begins no escape.
pub(super) fn decode_form(raw: &str) -> Result<String, BodyProblem> {
    let problem = || BodyProblem::Escape(raw.chars().take(60).collect());
    let escaped = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !raw.split('%').skip(1).all(escaped) {
        return Err(problem());
    }
    let spaced = raw.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(text) => Ok(text.into_owned()),
        Err(_) => Err(problem()),
    }
}

fn read_form(text: &str) -> Result<Node, BodyProblem> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let mut members = Parts::new();
    for pair in pairs {
        if members.len() >= MOST_NODES {
            return Err(BodyProblem::TooMany);
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = Node::Text(decode_form(value)?.into());
        members.push((decode_form(name)?.into(), value));
    }
    Ok(Node::Object(members))
}

fn read_json(text: &str) -> Result<Node, BodyProblem> {
    let mut reader = Reader {
        jiter: Jiter::new(text.as_bytes()),
        left: MOST_NODES,
    };
    let first = reader.jiter.peek();
    let first = reader.checked(first)?;
    let root = reader.value(first, MOST_DEPTH)?;
    let end = reader.jiter.finish();
    reader.checked(end)?;
    Ok(root)
}

struct Reader<'j> {
    jiter: Jiter<'j>,
    left: usize,
}

impl Reader<'_> {
    fn checked<T>(&self, result: Result<T, JiterError>) -> Result<T, BodyProblem> {
        result.map_err(|problem| {
            let position = self.jiter.error_position(problem.index);
            BodyProblem::NotJson {
                what: problem.error_type.to_string(),
                line: position.line,
                column: position.column,
            }
        })
    }

    fn value(&mut self, peek: Peek, depth: usize) -> Result<Node, BodyProblem> {
        self.left = self.left.checked_sub(1).ok_or(BodyProblem::TooMany)?;
        match peek {
            Peek::Null => {
                let null = self.jiter.known_null();
                self.checked(null).map(|()| Node::Null)
            }
            Peek::True | Peek::False => {
                let value = self.jiter.known_bool(peek);
                self.checked(value).map(Node::Boolean)
            }
            Peek::String => {
                let text = self.jiter.known_str().map(SmolStr::from);
                self.checked(text).map(Node::Text)
            }
            Peek::Array => self.list(depth),
            Peek::Object => self.object(depth),
            _ => {
                let number = self.jiter.known_number_bytes(peek).map(<[u8]>::to_vec);
                let number = self.checked(number)?;
                std::str::from_utf8(&number)
                    .ok()
                    .and_then(Decimal::parse)
                    .map(Node::Number)
                    .ok_or(BodyProblem::Number)
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Node, BodyProblem> {
        let depth = depth.checked_sub(1).ok_or(BodyProblem::TooDeep)?;
        let mut list = Parts::new();
        let first = self.jiter.known_array();
        let mut next = self.checked(first)?;
        while let Some(peek) = next {
            list.push(self.value(peek, depth)?);
            let step = self.jiter.array_step();
            next = self.checked(step)?;
        }
        Ok(Node::List(list))
    }

    fn object(&mut self, depth: usize) -> Result<Node, BodyProblem> {
        let depth = depth.checked_sub(1).ok_or(BodyProblem::TooDeep)?;
        let mut members: Parts<(SmolStr, Node)> = Parts::new();
        // A long object is looked through on the way: what is refused in the end takes little.
        let mut many = MANY_MEMBERS;
        let first = self.jiter.known_object().map(|key| key.map(SmolStr::from));
        let mut next = self.checked(first)?;
        while let Some(key) = next {
            let peek = self.jiter.peek();
            let peek = self.checked(peek)?;
            members.push((key, self.value(peek, depth)?));
            if members.len() >= many {
                refuse_repeated(&members)?;
                many = many.saturating_mul(4);
            }
            let step = self.jiter.next_key().map(|key| key.map(SmolStr::from));
            next = self.checked(step)?;
        }
        refuse_repeated(&members)?;
        Ok(Node::Object(members))
    }
}

fn refuse_repeated(members: &Parts<(SmolStr, Node)>) -> Result<(), BodyProblem> {
    let mut keys: Vec<&SmolStr> = members.iter().map(|(key, _)| key).collect();
    keys.sort_unstable();
    let repeated = keys.iter().zip(keys.iter().skip(1)).find(|(a, b)| a == b);
    repeated.map_or(Ok(()), |(key, _)| {
        Err(BodyProblem::RepeatedKey(key.chars().take(60).collect()))
    })
}
