use std::{borrow::Cow, collections::HashSet, fmt};

use percent_encoding::percent_decode_str;

/// A path template as descriptions write it: `/Accounts/{AccountSid}/Calls/{Sid}.json`.
///
/// A segment is a literal, or parameters with literal text around and between them. A
/// parameter takes one or more characters of one segment, never a slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTemplate {
    text: String,
    segments: Vec<Segment>,
}

/// One segment of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Literal(String),
    Pattern(Pattern),
}

/// A segment with parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub(crate) shape: PatternShape,
    pub(crate) parameters: Vec<String>,
}

/// The literal text of a segment with parameters: before the first, between each two, after
/// the last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PatternShape {
    pub(crate) prefix: String,
    pub(crate) separators: Vec<String>,
    pub(crate) suffix: String,
}

/// A text cannot be a path template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateProblem {
    /// No slash at the beginning.
    #[error("`{0}` must begin with `/`")]
    NotRooted(String),
    /// A brace without its partner.
    #[error("`{0}` has a brace without its partner: write parameters as `{{name}}`")]
    Braces(String),
    /// `{}`.
    #[error("`{0}` has a parameter without a name")]
    Nameless(String),
    /// A name that stands twice: which of the two is meant, nobody could say.
    #[error("`{0}` has two parameters of one name: give each its own")]
    SameName(String),
    /// A query or a fragment.
    #[error("`{0}` has a `?` or `#`: describe query parameters under `parameters` instead")]
    Query(String),
    /// Literal text that is no UTF-8 once decoded.
    #[error("`{0}` has an escape that does not decode to UTF-8")]
    Escape(String),
    /// More than 64 segments or 2,000 characters.
    #[error("`{0}` is longer than 64 segments or 2000 characters")]
    TooLong(String),
}

impl PathTemplate {
    /// The most segments a template may have.
    pub const MOST_SEGMENTS: usize = 64;
    const MOST_CHARACTERS: usize = 2_000;

    /// Reads a template.
    ///
    /// # Errors
    /// When `text` cannot be one.
    pub fn parse(text: &str) -> Result<Self, TemplateProblem> {
        let shown = || text.chars().take(120).collect::<String>();
        let Some(rest) = text.strip_prefix('/') else {
            return Err(TemplateProblem::NotRooted(shown()));
        };
        if text.len() > Self::MOST_CHARACTERS {
            return Err(TemplateProblem::TooLong(shown()));
        }
        let segments = if rest.is_empty() {
            Vec::new()
        } else {
            rest.split('/')
                .map(|segment| Segment::parse(segment, text))
                .collect::<Result<Vec<_>, _>>()?
        };
        if segments.len() > Self::MOST_SEGMENTS {
            return Err(TemplateProblem::TooLong(shown()));
        }
        let template = Self {
            text: text.to_owned(),
            segments,
        };
        let mut seen = HashSet::new();
        if !template.parameters().all(|name| seen.insert(name)) {
            return Err(TemplateProblem::SameName(shown()));
        }
        Ok(template)
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its parameters, in order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.segments
            .iter()
            .flat_map(|segment| match segment {
                Segment::Literal(_) => [].iter(),
                Segment::Pattern(pattern) => pattern.parameters.iter(),
            })
            .map(String::as_str)
    }

    /// The template without its parameters' names: two templates of one shape match the same
    /// paths.
    #[must_use]
    pub fn shape(&self) -> String {
        self.expand(|_| "{}".to_owned())
    }

    /// The path that results when every parameter is replaced by what `value` says for its
    /// name. Nothing is escaped.
    pub fn expand(&self, mut value: impl FnMut(&str) -> String) -> String {
        let mut path = String::new();
        for segment in &self.segments {
            path.push('/');
            segment.expand(&mut path, &mut value);
        }
        if path.is_empty() {
            path.push('/');
        }
        path
    }

    /// The place of the first segment with the parameter called `name`.
    pub(crate) fn segment_of(&self, name: &str) -> Option<usize> {
        self.segments.iter().position(|segment| match segment {
            Segment::Literal(_) => false,
            Segment::Pattern(pattern) => pattern.parameters.iter().any(|param| param == name),
        })
    }

    /// The segment at `at` with every parameter replaced by what `value` says for its name.
    pub(crate) fn expand_segment<'v, E>(
        &self,
        at: usize,
        mut value: impl FnMut(&str) -> Result<&'v str, E>,
    ) -> Result<String, E> {
        let mut text = String::new();
        let mut problem = None;
        if let Some(segment) = self.segments.get(at) {
            segment.expand(&mut text, &mut |name| match value(name) {
                Ok(value) => value.to_owned(),
                Err(found) => {
                    problem = Some(found);
                    String::new()
                }
            });
        }
        problem.map_or(Ok(text), Err)
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Segment {
    fn parse(segment: &str, template: &str) -> Result<Self, TemplateProblem> {
        let shown = || template.chars().take(120).collect::<String>();
        let mut literals = Vec::new();
        let mut parameters = Vec::new();
        let mut rest = segment;
        while let Some((literal, after)) = rest.split_once('{') {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| TemplateProblem::Braces(shown()))?;
            if name.is_empty() {
                return Err(TemplateProblem::Nameless(shown()));
            }
            if name.contains('{') {
                return Err(TemplateProblem::Braces(shown()));
            }
            literals.push(literal_text(literal, template)?);
            parameters.push(name.to_owned());
            rest = after;
        }
        let suffix = literal_text(rest, template)?;
        let mut literals = literals.into_iter();
        let Some(prefix) = literals.next() else {
            return Ok(Self::Literal(suffix));
        };
        let shape = PatternShape {
            prefix,
            separators: literals.collect(),
            suffix,
        };
        Ok(Self::Pattern(Pattern { shape, parameters }))
    }

    fn expand(&self, path: &mut String, value: &mut impl FnMut(&str) -> String) {
        match self {
            Self::Literal(text) => path.push_str(text),
            Self::Pattern(Pattern { shape, parameters }) => {
                path.push_str(&shape.prefix);
                let mut separators = shape.separators.iter();
                for name in parameters {
                    path.push_str(&value(name));
                    path.push_str(separators.next().unwrap_or(&shape.suffix));
                }
            }
        }
    }
}

fn literal_text(literal: &str, template: &str) -> Result<String, TemplateProblem> {
    let shown = || template.chars().take(120).collect::<String>();
    if literal.contains('}') {
        return Err(TemplateProblem::Braces(shown()));
    }
    if literal.contains(['?', '#']) {
        return Err(TemplateProblem::Query(shown()));
    }
    percent_decode_str(literal)
        .decode_utf8()
        .map(Cow::into_owned)
        .map_err(|_| TemplateProblem::Escape(shown()))
}

/// What a parameter took of a segment: where the text around it fits in two places, both the
/// shortest and the longest reading, so that nothing can be built on the wrong one.
pub(crate) type Taken<'s> = (&'s str, Option<&'s str>);

impl PatternShape {
    /// More literal text is more specific, then fewer parameters; the text settles the rest.
    pub(crate) fn rank(&self) -> (std::cmp::Reverse<usize>, usize, &Self) {
        let between: usize = self.separators.iter().map(String::len).sum();
        let literal = self.prefix.len() + self.suffix.len() + between;
        (std::cmp::Reverse(literal), self.separators.len(), self)
    }

    /// Appends what each parameter takes of `segment`; false, with nothing appended, when the
    /// segment does not fit.
    pub(crate) fn take<'s>(&self, segment: &'s str, taken: &mut Vec<Taken<'s>>) -> bool {
        let Some(middle) = segment
            .strip_prefix(self.prefix.as_str())
            .and_then(|rest| rest.strip_suffix(self.suffix.as_str()))
            .filter(|middle| !middle.is_empty())
        else {
            return false;
        };
        if self.separators.is_empty() {
            taken.push((middle, None));
            return true;
        }
        let Some(shortest) = self.shortest_first(middle) else {
            return false;
        };
        let longest = self
            .longest_first(middle)
            .unwrap_or_else(|| shortest.clone());
        taken.extend(
            shortest
                .into_iter()
                .zip(longest)
                .map(|(short, long)| (short, (short != long).then_some(long))),
        );
        true
    }

    /// Every parameter but the last as short as can be.
    fn shortest_first<'s>(&self, middle: &'s str) -> Option<Vec<&'s str>> {
        let mut parts = Vec::with_capacity(self.separators.len() + 1);
        let mut rest = middle;
        for separator in &self.separators {
            let first = rest.chars().next()?.len_utf8();
            let at = first + rest.get(first..)?.find(separator.as_str())?;
            parts.push(rest.get(..at)?);
            rest = rest.get(at + separator.len()..)?;
        }
        (!rest.is_empty()).then(|| parts.push(rest))?;
        Some(parts)
    }

    /// Every parameter but the first as short as can be.
    fn longest_first<'s>(&self, middle: &'s str) -> Option<Vec<&'s str>> {
        let mut parts = Vec::with_capacity(self.separators.len() + 1);
        let mut rest = middle;
        for separator in self.separators.iter().rev() {
            let end = rest
                .len()
                .checked_sub(rest.chars().next_back()?.len_utf8())?;
            let at = rest.get(..end)?.rfind(separator.as_str())?;
            parts.push(rest.get(at + separator.len()..)?);
            rest = rest.get(..at)?;
        }
        (!rest.is_empty()).then(|| parts.push(rest))?;
        parts.reverse();
        Some(parts)
    }
}

#[cfg(test)]
mod tests;
