use std::fmt;

use serde::{Deserialize, Serialize};

/// A fact as it was taken from a request: what limits and prices were, or will be, read from.
///
/// It may be personal data, so its value is in no `Debug` output, and thereby in no log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedFact {
    /// Its name.
    pub name: String,
    /// What it is declared to be.
    #[serde(rename = "type")]
    pub kind: RecordedType,
    /// Its value as text, at most [`Self::LONGEST`] bytes; `None` when it could not be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Whether the value went on beyond that.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cut: bool,
    /// Why it could not be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
}

/// What a recorded fact is declared to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedType {
    /// An exact decimal.
    Quantity,
    /// Text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// An ISO 3166-1 alpha-2 country.
    Country,
}

impl RecordedFact {
    /// The most facts that a record holds.
    pub const MOST: usize = 32;

    /// The most bytes that a record holds of a value.
    pub const LONGEST: usize = 256;

    /// A fact with a value, of which a long one is cut between two characters.
    #[must_use]
    pub fn with_value(name: &str, kind: RecordedType, value: &str) -> Self {
        let end = value.floor_char_boundary(Self::LONGEST);
        let kept = value.get(..end).unwrap_or_default();
        Self {
            name: name.to_owned(),
            kind,
            value: Some(kept.to_owned()),
            cut: kept.len() < value.len(),
            unusable: None,
        }
    }

    /// A fact that is there, and cannot be used.
    #[must_use]
    pub fn unusable(name: &str, kind: RecordedType, why: impl fmt::Display) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            value: None,
            cut: false,
            unusable: Some(why.to_string()),
        }
    }
}

impl fmt::Debug for RecordedFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordedFact({}: {:?})", self.name, self.kind)
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_value_is_kept_whole_or_marked_as_cut(
            text in prop_oneof![".{0,400}", "[aä€𝄞]{0,400}", "a{250,260}"],
        ) {
            let fact = RecordedFact::with_value("note", RecordedType::Text, &text);
            let shown = format!("{fact:?}");
            prop_assert_eq!(shown, "RecordedFact(note: Text)", "a value is never shown");
            let value = fact.value.clone().unwrap();
            prop_assert!(text.starts_with(&value) && value.len() <= RecordedFact::LONGEST);
            prop_assert_eq!(fact.cut, value != text);
            prop_assert!(!fact.cut || value.len() + 4 > RecordedFact::LONGEST, "cut too early");
            let json = serde_json::to_string(&fact).unwrap();
            prop_assert_eq!(serde_json::from_str::<RecordedFact>(&json).unwrap(), fact);
        }
    }
}
