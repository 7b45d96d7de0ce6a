use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// A stable name: what state files, commands and explanations call a thing.
///
/// 1 to 100 characters of `A-Z a-z 0-9 . _ - @`, beginning with a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

/// The text cannot be a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be a name: use 1 to 100 of the characters A-Z a-z 0-9 . _ - @, beginning with a letter or digit"
)]
pub struct NameProblem(pub String);

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameProblem;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let first_fits = text
            .bytes()
            .next()
            .is_some_and(|c| c.is_ascii_alphanumeric());
        let all_fit = text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || b"._-@".contains(&c));
        if first_fits && all_fit && text.len() <= 100 {
            Ok(Self(text.into()))
        } else {
            Err(NameProblem(text.chars().take(120).collect()))
        }
    }
}

impl TryFrom<String> for Name {
    type Error = NameProblem;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}
