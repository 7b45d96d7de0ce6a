use std::collections::HashMap;

use crate::{
    PathTemplate,
    template::{PatternShape, Segment, Taken},
};

/// Path templates by method, each with a value.
///
/// The most specific template that fits a path decides: segment by segment from the left, a
/// literal before parameters with text around them (more text first) before a whole-segment
/// parameter. The method is looked at last, so that a method the most specific template does
/// not have is never answered by a wider one.
#[derive(Clone, Debug)]
pub struct Routes<T> {
    nodes: Vec<Node>,
    routes: Vec<Route<T>>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, usize>,
    /// In order of precedence; a whole-segment parameter is the last.
    patterns: Vec<(PatternShape, usize)>,
    /// (method, place in `routes`).
    methods: Vec<(Box<str>, usize)>,
}

#[derive(Clone, Debug)]
struct Route<T> {
    template: PathTemplate,
    value: T,
}

/// Two templates of one method match the same paths.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{method} {template}` matches the same paths as `{other}`: keep one of them")]
pub struct SameShape {
    /// The method of both.
    pub method: String,
    /// The template that came second.
    pub template: String,
    /// The template that was there.
    pub other: String,
}

/// What a method and a path lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<'r, 's, T> {
    /// A template with this method.
    Found(Found<'r, 's, T>),
    /// The path is known, the method is not; these are.
    MethodNotAllowed(Vec<&'r str>),
    /// No template fits the path.
    Unknown,
}

/// The value of the template that fits, and what its parameters took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<'r, 's, T> {
    /// The value given with the template.
    pub value: &'r T,
    /// The template.
    pub template: &'r PathTemplate,
    /// Names and decoded values in the order of the path. A parameter whose extent is not
    /// unique (`{a}.{b}` over `x.y.z`) stands here with both readings.
    pub params: Vec<(&'r str, &'s str)>,
}

/// A path parameter has two readings, or stands in the template twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path parameter can be read in more than one way")]
pub struct AmbiguousParameter;

impl<T> Found<'_, '_, T> {
    /// The one value of the parameter called `name`.
    ///
    /// # Errors
    /// When it has several.
    pub fn param(&self, name: &str) -> Result<Option<&str>, AmbiguousParameter> {
        let mut values = self.params.iter().filter(|(param, _)| *param == name);
        let first = values.next();
        match values.next() {
            None => Ok(first.map(|(_, value)| *value)),
            Some(_) => Err(AmbiguousParameter),
        }
    }

    /// The place of the segment that the parameter called `name` stands in, counted from 0,
    /// and that segment with `value` in the parameter's place: so an upstream gets its own id
    /// of an account where the caller gave ours.
    ///
    /// # Errors
    /// When a parameter of that segment has several values.
    pub fn replacing(
        &self,
        name: &str,
        value: &str,
    ) -> Result<Option<(usize, String)>, AmbiguousParameter> {
        let Some(at) = self.template.segment_of(name) else {
            return Ok(None);
        };
        let segment = self.template.expand_segment(at, |param| {
            if param == name {
                self.param(name).map(|_| value)
            } else {
                self.param(param).map(Option::unwrap_or_default)
            }
        })?;
        Ok(Some((at, segment)))
    }
}

impl<T> Default for Routes<T> {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
            routes: Vec::new(),
        }
    }
}

impl<T> Routes<T> {
    /// Adds a template.
    ///
    /// # Errors
    /// When one with the same method and shape is there.
    pub fn insert(
        &mut self,
        method: &str,
        template: &PathTemplate,
        value: T,
    ) -> Result<(), SameShape> {
        let end = template
            .segments()
            .iter()
            .fold(0, |node, segment| self.step(node, segment));
        let there = self.nodes.get(end).and_then(|node| {
            let (_, route) = node.methods.iter().find(|(known, _)| **known == *method)?;
            self.routes.get(*route)
        });
        if let Some(there) = there {
            return Err(SameShape {
                method: method.to_owned(),
                template: template.as_str().to_owned(),
                other: there.template.to_string(),
            });
        }
        let route = self.routes.len();
        self.routes.push(Route {
            template: template.clone(),
            value,
        });
        if let Some(node) = self.nodes.get_mut(end) {
            node.methods.push((method.into(), route));
        }
        Ok(())
    }

    /// The node that `segment` leads to, made if there is none.
    fn step(&mut self, at: usize, segment: &Segment) -> usize {
        let fresh = self.nodes.len();
        let Some(node) = self.nodes.get_mut(at) else {
            return at;
        };
        let next = match segment {
            Segment::Literal(text) => *node.literals.entry(text.as_str().into()).or_insert(fresh),
            Segment::Pattern(pattern) => {
                let place = node
                    .patterns
                    .binary_search_by(|(shape, _)| shape.rank().cmp(&pattern.shape.rank()));
                match place {
                    Ok(place) => node.patterns.get(place).map_or(fresh, |(_, next)| *next),
                    Err(place) => {
                        node.patterns.insert(place, (pattern.shape.clone(), fresh));
                        fresh
                    }
                }
            }
        };
        if next == fresh {
            self.nodes.push(Node::default());
        }
        next
    }

    /// What `method` and the decoded segments of a path lead to. `/` has no segments; a slash
    /// at the end of any other path is told apart, because templates tell it apart.
    ///
    /// Every node of the tree is visited at most once, so the work is bounded by the number of
    /// templates whatever the path.
    pub fn lookup<'r, 's, S: AsRef<str>>(
        &'r self,
        method: &str,
        segments: &'s [S],
        trailing_slash: bool,
    ) -> Lookup<'r, 's, T> {
        if segments.len() > PathTemplate::MOST_SEGMENTS {
            return Lookup::Unknown;
        }
        let mut taken = Vec::new();
        let Some(node) = self.walk(0, (segments, trailing_slash), &mut taken) else {
            return Lookup::Unknown;
        };
        let route = node
            .methods
            .iter()
            .find(|(known, _)| **known == *method)
            .and_then(|(_, route)| self.routes.get(*route));
        let Some(route) = route else {
            let mut known: Vec<&str> = node.methods.iter().map(|(method, _)| &**method).collect();
            known.sort_unstable();
            return Lookup::MethodNotAllowed(known);
        };
        let mut params = Vec::with_capacity(taken.len());
        for (name, (value, other)) in route.template.parameters().zip(taken) {
            params.push((name, value));
            params.extend(other.map(|other| (name, other)));
        }
        Lookup::Found(Found {
            value: &route.value,
            template: &route.template,
            params,
        })
    }

    fn walk<'s, S: AsRef<str>>(
        &self,
        at: usize,
        (segments, trailing_slash): (&'s [S], bool),
        taken: &mut Vec<Taken<'s>>,
    ) -> Option<&Node> {
        let node = self.nodes.get(at)?;
        let Some((segment, rest)) = segments.split_first() else {
            let end = if trailing_slash {
                self.nodes.get(*node.literals.get("")?)?
            } else {
                node
            };
            return (!end.methods.is_empty()).then_some(end);
        };
        let segment = segment.as_ref();
        let literal = node.literals.get(segment);
        if let Some(end) = literal.and_then(|&next| self.walk(next, (rest, trailing_slash), taken))
        {
            return Some(end);
        }
        let before = taken.len();
        for (shape, next) in &node.patterns {
            if shape.take(segment, taken) {
                if let Some(end) = self.walk(*next, (rest, trailing_slash), taken) {
                    return Some(end);
                }
                taken.truncate(before);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
