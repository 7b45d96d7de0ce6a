//! The profile of a developer: what the records about it come to, in whole numbers.

use std::collections::BTreeMap;

use primitives::{Name, Timestamp};

/// The most lines of one profile.
pub const MOST_LINES: usize = 1_000;
/// The most facts of one record.
pub const MOST_FACTS: usize = 20;

/// A fact of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A number, or an amount in the smallest unit.
    Integer(i64),
    /// Yes or no; adds up as 1 or 0.
    Boolean(bool),
    /// A text; only counted.
    Text(String),
}

/// A record about a developer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose system it is from.
    pub source: Name,
    /// What kind of thing it tells.
    pub kind: Name,
    /// When it happened.
    pub at: Timestamp,
    /// What it says.
    pub facts: BTreeMap<Name, Fact>,
}

/// What a line of a profile is about; without a fact, the records themselves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct About {
    /// Whose system the records are from.
    pub source: Name,
    /// Their kind.
    pub kind: Name,
    /// The fact.
    pub fact: Option<Name>,
}

/// What the records of a line come to. Numbers that would not fit stop at the largest that does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// How many there are.
    pub count: i64,
    /// Their sum.
    pub sum: i64,
    /// The least.
    pub least: i64,
    /// The most.
    pub most: i64,
    /// The time of the latest.
    pub last_at: Timestamp,
}

/// What is asked of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// How many records.
    Count,
    /// The sum of a fact.
    Sum,
    /// The least of a fact.
    Least,
    /// The most of a fact.
    Most,
}

/// The profile has no room for what is new in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a profile has room for {MOST_LINES} kinds of facts; send fewer kinds")]
pub struct Full;

/// What all records about a developer come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile(BTreeMap<About, Line>);

impl FromIterator<(About, Line)> for Profile {
    fn from_iter<T: IntoIterator<Item = (About, Line)>>(lines: T) -> Self {
        Self(lines.into_iter().collect())
    }
}

impl Profile {
    /// Its lines, in order.
    pub fn lines(&self) -> impl Iterator<Item = (&About, &Line)> {
        self.0.iter()
    }

    /// Adds a record; tells which lines it changed.
    ///
    /// # Errors
    /// When there is no room for it; nothing was added.
    pub fn add(&mut self, record: &Record) -> Result<Vec<About>, Full> {
        let about = |fact: Option<&Name>| About {
            source: record.source.clone(),
            kind: record.kind.clone(),
            fact: fact.cloned(),
        };
        let itself = (about(None), 0);
        let facts = record.facts.iter().map(|(name, fact)| {
            let value = match fact {
                Fact::Integer(value) => *value,
                Fact::Boolean(value) => i64::from(*value),
                Fact::Text(_) => 0,
            };
            (about(Some(name)), value)
        });
        let changes: Vec<(About, i64)> = std::iter::once(itself).chain(facts).collect();
        let fresh = changes.iter().filter(|(at, _)| !self.0.contains_key(at));
        if self.0.len().saturating_add(fresh.count()) > MOST_LINES {
            return Err(Full);
        }
        for (at, value) in &changes {
            let line = self.0.get(at).copied();
            self.0
                .insert(at.clone(), Line::with(line, *value, record.at));
        }
        Ok(changes.into_iter().map(|(at, _)| at).collect())
    }

    /// The line about this.
    #[must_use]
    pub fn line(&self, about: &About) -> Option<&Line> {
        self.0.get(about)
    }

    /// What the records of a kind come to, from one source or from all. Of no records there are 0
    /// and their sum is 0; there is no least or most of them.
    #[must_use]
    pub fn measure(
        &self,
        (source, kind, fact): (Option<&Name>, &Name, Option<&Name>),
        measure: Measure,
    ) -> Option<i64> {
        let found = self.0.iter().filter(|(about, _)| {
            about.kind == *kind
                && about.fact.as_ref() == fact
                && source.is_none_or(|source| about.source == *source)
        });
        let lines = found.map(|(_, line)| line);
        match measure {
            Measure::Count => Some(lines.fold(0, |all, one| all.saturating_add(one.count))),
            Measure::Sum => Some(lines.fold(0, |all, one| all.saturating_add(one.sum))),
            Measure::Least => lines.map(|one| one.least).min(),
            Measure::Most => lines.map(|one| one.most).max(),
        }
    }
}

impl Line {
    /// A line with one more value.
    fn with(line: Option<Self>, value: i64, at: Timestamp) -> Self {
        line.map_or(
            Self {
                count: 1,
                sum: value,
                least: value,
                most: value,
                last_at: at,
            },
            |line| Self {
                count: line.count.saturating_add(1),
                sum: line.sum.saturating_add(value),
                least: line.least.min(value),
                most: line.most.max(value),
                last_at: line.last_at.max(at),
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn record(source: &str, value: i64, seconds: i64) -> Record {
        Record {
            source: name(source),
            kind: name("payment"),
            at: Timestamp::from_seconds(seconds),
            facts: BTreeMap::from([
                (name("amount"), Fact::Integer(value)),
                (name("disputed"), Fact::Boolean(value > 5)),
                (name("region"), Fact::Text("EU".to_owned())),
            ]),
        }
    }

    proptest! {
        /// Shows: P-22, P-24.
        #[test]
        fn a_profile_is_what_its_records_come_to_in_any_order(
            values in prop::collection::vec((0_usize..2, -9_i64..10, 0_i64..99), 0..30),
        ) {
            let sources = ["ledger", "bureau"];
            let records: Vec<Record> = values
                .iter()
                .map(|(source, value, at)| record(sources[*source], *value, *at))
                .collect();
            let mut profile = Profile::default();
            let mut backwards = Profile::default();
            for (one, other) in records.iter().zip(records.iter().rev()) {
                prop_assert_eq!(profile.add(one).unwrap().len(), 4);
                backwards.add(other).unwrap();
            }
            prop_assert_eq!(&profile, &backwards);
            for source in [None, Some(0), Some(1)] {
                let mine = || values.iter().filter(|(of, _, _)| source.is_none_or(|s| s == *of));
                let named = source.map(|source| name(sources[source]));
                let ask = |fact: Option<&str>, measure| {
                    let fact = fact.map(name);
                    profile.measure((named.as_ref(), &name("payment"), fact.as_ref()), measure)
                };
                let count = i64::try_from(mine().count()).unwrap();
                prop_assert_eq!(ask(None, Measure::Count), Some(count));
                prop_assert_eq!(ask(Some("region"), Measure::Count), Some(count));
                let sum = mine().map(|(_, value, _)| value).sum();
                prop_assert_eq!(ask(Some("amount"), Measure::Sum), Some(sum));
                let disputed = mine().filter(|(_, value, _)| *value > 5).count();
                let disputed = i64::try_from(disputed).unwrap();
                prop_assert_eq!(ask(Some("disputed"), Measure::Sum), Some(disputed));
                let least = mine().map(|(_, value, _)| *value).min();
                prop_assert_eq!(ask(Some("amount"), Measure::Least), least);
                let most = mine().map(|(_, value, _)| *value).max();
                prop_assert_eq!(ask(Some("amount"), Measure::Most), most);
            }
        }
    }

    #[test]
    fn numbers_stop_at_their_ends_and_lines_at_their_most() {
        let mut profile = Profile::default();
        for _ in 0..2 {
            profile.add(&record("ledger", i64::MAX, 1)).unwrap();
        }
        let amount = name("amount");
        let asked = (None, &name("payment"), Some(&amount));
        assert_eq!(profile.measure(asked, Measure::Sum), Some(i64::MAX));
        for source in 0..MOST_LINES {
            let added = profile.add(&record(&format!("s{source}"), 1, 1));
            assert_eq!(added.is_ok(), source < MOST_LINES / 4 - 1, "{source}");
        }
        assert_eq!(profile.lines().count(), MOST_LINES);
        assert!(profile.add(&record("ledger", 1, 2)).is_ok());
    }
}
