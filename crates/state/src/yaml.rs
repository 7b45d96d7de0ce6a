//! YAML as a tree that knows where everything stands.
//!
//! Scalars stay the text they were written as: what they mean is said by the field they are
//! read into, so `NO` is a country where a country is wanted, and no amount ever passes
//! through a float.

use std::{borrow::Cow, collections::HashMap};

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, Span};

use crate::problem::Place;

/// Deeper documents are refused.
const DEPTH: usize = 48;
/// Longer documents are refused.
const NODES: usize = 4_000_000;
/// What anchors keep and aliases repeat, together: a short text may ask for a lot of it.
const COPIES: usize = 200_000;

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A text; plain when it was written without quotes.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A map, in the order written.
    Map(Vec<(Key, Node)>),
}

/// A key with its place.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) place: Place,
}

/// Why a text is no tree.
#[derive(Debug)]
pub(crate) struct NotYaml {
    pub(crate) place: Place,
    pub(crate) message: String,
    pub(crate) mend: &'static str,
}

/// What is mostly wrong where the reader of YAML does not understand a text.
const SYNTAX: &str = "compare the indentation and the brackets with the lines before; a text with \
                      `: ` or ` #` in it, or that begins with one of `{[&*!|>%@` and the backtick, \
                      needs quotes";

impl Node {
    /// Whether it is nothing: an empty scalar, `null` or `~`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "null" | "~"))
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// What it is, in words.
    pub(crate) const fn word(&self) -> &'static str {
        match &self.value {
            Value::Scalar { .. } => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Where a field stands, by a path such as `operations[2].uses[0]`; the nearest part of it
    /// that exists when the field itself does not.
    pub(crate) fn locate(&self, path: &str) -> Place {
        let steps = path.split(['.', '[']).filter(|step| !step.is_empty());
        self.follow(steps.map(|step| step.strip_suffix(']').unwrap_or(step).into()))
    }

    /// The same by a JSON Pointer.
    pub(crate) fn locate_pointer(&self, pointer: &str) -> Place {
        let steps = pointer.split('/').skip(1).filter(|step| !step.is_empty());
        self.follow(steps.map(|step| step.replace("~1", "/").replace("~0", "~").into()))
    }

    fn follow<'s>(&self, steps: impl Iterator<Item = Cow<'s, str>>) -> Place {
        let mut node = self;
        let mut place = self.place;
        for step in steps {
            let next = match &node.value {
                Value::List(items) => step
                    .parse()
                    .ok()
                    .and_then(|i: usize| items.get(i))
                    .map(|n| (n.place, n)),
                Value::Map(entries) => entries
                    .iter()
                    .find(|(key, _)| key.text == step)
                    .map(|(key, value)| (key.place, value)),
                Value::Scalar { .. } => None,
            };
            let Some((found, inner)) = next else { break };
            (place, node) = (found, inner);
        }
        place
    }

    /// How many nodes it is, and how many of them stand in one another.
    fn extent(&self) -> (usize, usize) {
        let over = |parts: &mut dyn Iterator<Item = &Self>| {
            parts.fold((1, 1), |(size, height), part| {
                let (inner, below) = part.extent();
                (size + inner, height.max(below + 1))
            })
        };
        match &self.value {
            Value::Scalar { .. } => (1, 1),
            Value::List(items) => over(&mut items.iter()),
            Value::Map(entries) => over(&mut entries.iter().map(|(_, value)| value)),
        }
    }
}

/// What an alias may repeat.
struct Anchored {
    node: Node,
    size: usize,
    height: usize,
}

fn place(span: &Span) -> Place {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Place {
        line: number(span.start.line()),
        column: number(span.start.col()).saturating_add(1),
    }
}

/// Reads one document; `None` when the text holds none.
pub(crate) fn read(text: &str) -> Result<Option<Node>, NotYaml> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        nodes: 0,
        copies: 0,
    };
    let mut document = None;
    loop {
        let (event, at) = reader.next()?;
        match event {
            Event::StreamEnd => return Ok(document),
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            _ if document.is_some() => {
                return Err(NotYaml {
                    place: at,
                    message: "a second document begins here".into(),
                    mend: "put it in a file of its own",
                });
            }
            event => document = Some(reader.node(&event, at, 0)?),
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, serde_saphyr::granit_parser::StrInput<'t>>,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
    copies: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Place), NotYaml> {
        loop {
            return match self.parser.next_event() {
                Some(Ok((event, span))) => {
                    if let Event::Comment(..) = event {
                        continue;
                    }
                    Ok((event, place(&span)))
                }
                Some(Err(problem)) => Err(NotYaml {
                    place: place(&Span::empty(*problem.marker())),
                    message: problem.info(),
                    mend: SYNTAX,
                }),
                None => Ok((Event::StreamEnd, Place::default())),
            };
        }
    }

    fn node(&mut self, event: &Event<'t>, at: Place, depth: usize) -> Result<Node, NotYaml> {
        let refuse = |message: &str| {
            Err(NotYaml {
                place: at,
                message: message.to_owned(),
                mend: "",
            })
        };
        self.nodes += 1;
        if depth > DEPTH {
            return refuse("this is nested too deeply");
        }
        if self.nodes > NODES {
            return refuse("the document is too long");
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = *style == ScalarStyle::Plain && tag.is_none();
                (scalar(text, plain), *anchor)
            }
            Event::SequenceStart(_, anchor, _) => (Value::List(self.list(depth)?), *anchor),
            Event::MappingStart(_, anchor, _) => (Value::Map(self.map(depth)?), *anchor),
            Event::Alias(anchor) => {
                let Some(Anchored { node, size, height }) = self.anchors.get(anchor) else {
                    return refuse("the alias names nothing that stands before it");
                };
                // Otherwise aliases of aliases nest without end, and whoever walks the tree
                // runs out of stack.
                if depth + height > DEPTH + 1 {
                    return refuse("this is nested too deeply when its alias is written out");
                }
                self.copies += size;
                if self.copies > COPIES {
                    return refuse("the document is too long when its aliases are written out");
                }
                (node.value.clone(), 0)
            }
            _ => return refuse("a value is missing here"),
        };
        let node = Node { place: at, value };
        if anchor != 0 {
            let (size, height) = node.extent();
            self.copies += size;
            if self.copies > COPIES {
                return refuse("the document is too long for what its anchors hold");
            }
            let node = node.clone();
            let anchored = Anchored { node, size, height };
            self.anchors.insert(anchor, anchored);
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, NotYaml> {
        let mut items = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(items);
            }
            items.push(self.node(&event, at, depth + 1)?);
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Key, Node)>, NotYaml> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(entries);
            }
            let Value::Scalar { text, .. } = self.node(&event, at, depth + 1)?.value else {
                return Err(NotYaml {
                    place: at,
                    message: "a key must be a single value".into(),
                    mend: "write `key: value`; a value that begins with `{` or `[` needs quotes",
                });
            };
            if !seen.insert(text.clone()) {
                return Err(NotYaml {
                    place: at,
                    message: format!("the key `{text}` stands here twice"),
                    mend: "keep one",
                });
            }
            let (event, value_at) = self.next()?;
            let value = self.node(&event, value_at, depth + 1)?;
            entries.push((Key { text, place: at }, value));
        }
    }
}

fn scalar(text: &str, plain: bool) -> Value {
    Value::Scalar {
        text: text.to_owned(),
        plain,
    }
}

/// A variable that no value was given for.
#[derive(Debug)]
pub(crate) struct UnknownVariable {
    pub(crate) place: Place,
    pub(crate) name: String,
}

/// Replaces `${name}` in every scalar; `$${` stands for a literal `${`.
pub(crate) fn substitute(
    node: &mut Node,
    variables: &std::collections::BTreeMap<String, String>,
    unknown: &mut Vec<UnknownVariable>,
) {
    match &mut node.value {
        Value::Scalar { text, .. } => {
            if text.contains("${") {
                *text = replaced(text, variables, node.place, unknown);
            }
        }
        Value::List(items) => {
            for item in items {
                substitute(item, variables, unknown);
            }
        }
        Value::Map(entries) => {
            for (_, value) in entries {
                substitute(value, variables, unknown);
            }
        }
    }
}

fn replaced(
    text: &str,
    variables: &std::collections::BTreeMap<String, String>,
    place: Place,
    unknown: &mut Vec<UnknownVariable>,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(literal) = before.strip_suffix('$') {
            out.push_str(literal);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            out.push_str("${");
            rest = after;
            continue;
        };
        match variables.get(name) {
            Some(value) => out.push_str(value),
            None => unknown.push(UnknownVariable {
                place,
                name: name.to_owned(),
            }),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}
