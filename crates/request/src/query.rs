use std::{borrow::Cow, fmt};

use percent_encoding::utf8_percent_encode;

use crate::{RequestProblem, percent, problem::Place};

/// The most parameters of a query.
pub const MOST_PAIRS: usize = 256;

/// The parameters of a query (or of a form body), decoded, in order.
///
/// `+` is read as a space, and a space is written `%20`, a plus `%2B`: forms that every decoder
/// reads alike. A name without `=` stays one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Query(Vec<(Box<str>, Option<Box<str>>)>);

impl Query {
    /// Reads a query (without `?`) of at most [`MOST_PAIRS`] parameters.
    ///
    /// # Errors
    /// When an escape is broken, a text is not UTF-8, or there are too many.
    pub fn parse(text: &str) -> Result<Self, RequestProblem> {
        Self::parse_up_to(text, MOST_PAIRS)
    }

    /// Reads a query or a form body of at most `most` parameters.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_up_to(text: &str, most: usize) -> Result<Self, RequestProblem> {
        let mut pairs = Vec::new();
        for (at, piece) in (1..).zip(text.split('&').filter(|piece| !piece.is_empty())) {
            if at > most {
                return Err(RequestProblem::TooManyParameters(most));
            }
            let (name, value) = match piece.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (piece, None),
            };
            let name = decoded(name, at)?;
            let value = value.map(|value| decoded(value, at)).transpose()?;
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    /// Every name with its value; empty when it has none.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (&**name, value.as_deref().unwrap_or("")))
    }

    /// Every value of `name`, in order.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.pairs()
            .filter(move |(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    /// The one value of `name`.
    ///
    /// # Errors
    /// When it stands there more than once.
    pub fn single(&self, name: &str) -> Result<Option<&str>, RequestProblem> {
        let mut values = self.all(name);
        let value = values.next();
        if values.next().is_some() {
            return Err(RequestProblem::ParameterTwice(name.to_owned()));
        }
        Ok(value)
    }

    /// Puts `value` in the place of every value of `name`; whether there was one.
    pub fn replace(&mut self, name: &str, value: &str) -> bool {
        let mut found = false;
        for (_, slot) in self.0.iter_mut().filter(|(other, _)| **other == *name) {
            *slot = Some(value.into());
            found = true;
        }
        found
    }

    /// Whether there are no parameters.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many parameters there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }
}

fn decoded(raw: &str, at: usize) -> Result<Box<str>, RequestProblem> {
    let place = Place::Parameter(at);
    for character in raw.chars() {
        match character {
            '#' => return Err(RequestProblem::Fragment),
            c if c.is_control() => return Err(RequestProblem::ControlCharacter(place)),
            c if c.is_ascii_graphic() => {}
            character => return Err(RequestProblem::RawCharacter { place, character }),
        }
    }
    let spaced = if raw.contains('+') {
        Cow::Owned(raw.replace('+', " "))
    } else {
        Cow::Borrowed(raw)
    };
    let decoded = percent::decode(&spaced, place)?;
    if decoded.contains('\0') {
        return Err(RequestProblem::ControlCharacter(place));
    }
    Ok(decoded.into())
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, value) in &self.0 {
            write!(
                f,
                "{separator}{}",
                utf8_percent_encode(name, percent::QUERY)
            )?;
            if let Some(value) = value {
                write!(f, "={}", utf8_percent_encode(value, percent::QUERY))?;
            }
            separator = "&";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keeps_order_and_tells_duplicates() {
        let query = Query::parse("a=1&b&a=%32+x&&c=").unwrap();
        let pairs: Vec<_> = query.pairs().collect();
        assert_eq!(pairs, [("a", "1"), ("b", ""), ("a", "2 x"), ("c", "")]);
        assert_eq!(query.to_string(), "a=1&b&a=2%20x&c=");
        assert_eq!(query.single("b"), Ok(Some("")));
        assert_eq!(query.single("z"), Ok(None));
        assert_eq!(
            query.single("a"),
            Err(RequestProblem::ParameterTwice("a".to_owned()))
        );
    }

    #[test]
    fn a_replacement_reaches_every_occurrence() {
        let mut query = Query::parse("acct=x&n=1&acct=y").unwrap();
        assert!(query.replace("acct", "AC&1"));
        assert!(!query.replace("other", "1"));
        assert_eq!(query.to_string(), "acct=AC%261&n=1&acct=AC%261");
    }

    #[test]
    fn the_number_of_parameters_is_bounded() {
        let many = |n: usize| vec!["a=1"; n].join("&");
        assert_eq!(Query::parse(&many(256)).unwrap().len(), 256);
        assert_eq!(
            Query::parse(&many(257)),
            Err(RequestProblem::TooManyParameters(256))
        );
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_stable(text in "([a-z%+;=&\\[\\]0-9A-F]|%[0-9a-fA-F]{2}){0,24}") {
            if let Ok(first) = Query::parse(&text) {
                prop_assert_eq!(Query::parse(&first.to_string()), Ok(first));
            }
        }

        #[test]
        fn every_text_survives(name in "[^\\pC]{1,8}", value in "[^\0]{0,16}") {
            let pairs = Query(vec![(name.as_str().into(), Some(value.as_str().into()))]);
            prop_assert_eq!(Query::parse(&pairs.to_string()), Ok(pairs));
        }
    }
}
