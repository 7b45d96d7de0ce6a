//! Points of an account, and which levels they allow.

use decision::{Attribute, Attributes};
use primitives::{Country, Name};

use crate::profile::{Measure, Profile};

#[cfg(test)]
mod tests;

/// How the risk of developers is judged on one ladder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// Points that every account begins with.
    pub base: i64,
    /// What adds points, or takes some away.
    pub signals: Vec<Signal>,
    /// An account's points and the risk of a capability together may be so high.
    pub tolerance: i64,
    /// The levels of the ladder, the lowest first.
    pub steps: Vec<Step>,
    /// How many of the lowest levels are given without a person.
    pub automatic: usize,
    /// More points than this are refused without a person.
    pub refuse_above: Option<i64>,
    /// After so many days a level is looked at again.
    pub again_after_days: Option<u32>,
    /// Whether a risk service is asked besides; its line has this name.
    pub service: Option<Name>,
}

/// Something about an account that says how risky it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Its name.
    pub name: Name,
    /// What is asked.
    pub question: Question,
    /// Points when the answer is yes; fewer than none for what speaks for the account.
    pub points: i64,
    /// Points when there is no answer. Without them a person has to look.
    pub missing: Option<i64>,
}

/// A question about an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether a declared property is so.
    Property {
        /// Its name.
        name: Name,
        /// What it is held against.
        test: Test,
    },
    /// Whether the registered country is one of these, sorted.
    Country(Vec<Country>),
    /// Whether what the records about it come to is so.
    Records {
        /// From this source; from all if `None`.
        source: Option<Name>,
        /// Their kind.
        kind: Name,
        /// The fact; the records themselves if `None`.
        fact: Option<Name>,
        /// What is asked of them.
        measure: Measure,
        /// What it is held against.
        test: Test,
    },
}

/// What a property is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// It is one of these; of a set of texts, one of its members is.
    OneOf(Vec<Attribute>),
    /// It is a number, and this or more.
    AtLeast(i64),
    /// It is a number, and this or less.
    AtMost(i64),
}

/// A level, with the riskiest of the capabilities that it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The level.
    pub level: Name,
    /// Whether what it opens is open on it alone, and not above.
    pub exact: bool,
    /// The capability, and its own risk.
    pub riskiest: Option<(Name, i64)>,
}

/// What is known of an account.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Registered country.
    pub country: Option<Country>,
    /// Declared properties.
    pub properties: &'a Attributes,
    /// What the records about it come to.
    pub profile: &'a Profile,
    /// The points that the risk service gave; none when it was not asked or did not answer.
    pub service: Option<i64>,
}

/// An account held against a model: the points with where they come from, and what they allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The sum, 0 or more.
    pub points: i64,
    /// What each signal did.
    pub lines: Vec<Line>,
    /// What each level asks, the lowest first.
    pub rooms: Vec<Room>,
    /// How many of the lowest levels the points allow.
    pub fits: usize,
}

/// What a signal did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The signal.
    pub signal: Name,
    /// What it found.
    pub found: Found,
    /// The points that it gave.
    pub points: i64,
}

/// What a signal found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Yes.
    Yes,
    /// No.
    No,
    /// The account does not say; the model has points for that.
    Missing,
    /// The account does not say, and the model has no points for that: a person has to look.
    Unknown,
}

/// What a level asks of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// The level.
    pub level: Name,
    /// The riskiest capability that it opens.
    pub riskiest: Option<Name>,
    /// The account's points and the capability's risk together.
    pub sum: i64,
    /// Whether that is tolerated.
    pub tolerated: bool,
}

impl Model {
    /// Holds an account against the model.
    #[must_use]
    pub fn assess(&self, known: Known<'_>) -> Assessment {
        let asked = self.signals.iter().map(|one| one.ask(known));
        let lines: Vec<Line> = asked.chain(self.serviced(known)).collect();
        let sum = lines
            .iter()
            .fold(self.base, |sum, line| sum.saturating_add(line.points));
        let points = sum.max(0);
        let rooms: Vec<Room> = self
            .steps
            .iter()
            .map(|step| self.room(step, points))
            .collect();
        Assessment {
            fits: self.fitting(&rooms),
            points,
            lines,
            rooms,
        }
    }

    /// The rank of a level, 0 the lowest.
    #[must_use]
    pub fn rank(&self, level: &Name) -> Option<usize> {
        self.steps.iter().position(|step| step.level == *level)
    }

    /// The level of a rank.
    #[must_use]
    pub fn level(&self, rank: usize) -> Option<&Name> {
        self.steps.get(rank).map(|step| &step.level)
    }

    /// The line of the risk service. Without an answer a person has to look.
    fn serviced(&self, known: Known<'_>) -> Option<Line> {
        let signal = self.service.clone()?;
        Some(Line {
            signal,
            found: known.service.map_or(Found::Unknown, |_| Found::Yes),
            points: known.service.unwrap_or(0),
        })
    }

    fn room(&self, step: &Step, points: i64) -> Room {
        let risk = step.riskiest.as_ref().map_or(0, |(_, risk)| *risk);
        let sum = points.saturating_add(risk);
        Room {
            level: step.level.clone(),
            riskiest: step.riskiest.as_ref().map(|(name, _)| name.clone()),
            sum,
            tolerated: sum <= self.tolerance,
        }
    }

    /// The highest level that is tolerated together with all that it opens of those below it,
    /// as a number of levels.
    fn fitting(&self, rooms: &[Room]) -> usize {
        let mut fits = 0_usize;
        for (rank, (step, room)) in self.steps.iter().zip(rooms).enumerate() {
            if room.tolerated {
                fits = rank.saturating_add(1);
            } else if !step.exact {
                // Every level above opens this as well.
                break;
            }
        }
        fits
    }
}

impl Assessment {
    /// Whether the points allow the level of this rank.
    #[must_use]
    pub fn allows(&self, rank: usize) -> bool {
        // Below the highest that fits there may be an exact level that does not.
        rank < self.fits && self.rooms.get(rank).is_some_and(|room| room.tolerated)
    }

    /// The rank of the highest level that the points allow.
    #[must_use]
    pub const fn highest(&self) -> Option<usize> {
        self.fits.checked_sub(1)
    }

    /// The signals that a person has to look at.
    pub fn unknown(&self) -> impl Iterator<Item = &Name> {
        let unknown = self
            .lines
            .iter()
            .filter(|line| line.found == Found::Unknown);
        unknown.map(|line| &line.signal)
    }
}

impl Signal {
    fn ask(&self, known: Known<'_>) -> Line {
        let (found, points) = match (self.question.ask(known), self.missing) {
            (Some(true), _) => (Found::Yes, self.points),
            (Some(false), _) => (Found::No, 0),
            (None, Some(points)) => (Found::Missing, points),
            (None, None) => (Found::Unknown, 0),
        };
        Line {
            signal: self.name.clone(),
            found,
            points,
        }
    }
}

impl Question {
    /// The answer; none when the account does not say.
    fn ask(&self, known: Known<'_>) -> Option<bool> {
        match self {
            Self::Country(countries) => Some(countries.contains(&known.country?)),
            Self::Property { name, test } => test.holds(known.properties.get(name)?),
            Self::Records {
                source,
                kind,
                fact,
                measure,
                test,
            } => {
                let which = (source.as_ref(), kind, fact.as_ref());
                let found = known.profile.measure(which, *measure)?;
                test.holds(&Attribute::Integer(found))
            }
        }
    }
}

impl Test {
    /// Whether it holds; none when the value is of another type.
    fn holds(&self, value: &Attribute) -> Option<bool> {
        match (self, value) {
            (Self::OneOf(wanted), Attribute::Texts(texts)) => {
                let is_member =
                    |one: &Attribute| matches!(one, Attribute::Text(text) if texts.contains(text));
                Some(wanted.iter().any(is_member))
            }
            (Self::OneOf(wanted), value) => Some(wanted.contains(value)),
            (Self::AtLeast(least), Attribute::Integer(value)) => Some(value >= least),
            (Self::AtMost(most), Attribute::Integer(value)) => Some(value <= most),
            (Self::AtLeast(_) | Self::AtMost(_), _) => None,
        }
    }
}
