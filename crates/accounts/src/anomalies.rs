//! What an app usually does, and what departs from it (P-33, P-34).
//!
//! A [`Habit`] is learned call by call: whole numbers that are halved every 64 days, so that what
//! is no longer done is forgotten. [`Habit::judge`] holds a call against rules; what it finds is a
//! [`Hit`] with everything that explains it. A value that a person marked as fine is no hit.

use primitives::{Country, Name, Symbol, Timestamp};
use smallvec::SmallVec;

mod habit;
mod places;
#[cfg(test)]
mod tests;

pub use habit::{Counted, Habit};
pub use places::kilometres;

/// A rule over how an app calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: Name,
    /// The APIs whose calls it judges; all when empty.
    pub apis: Vec<Symbol>,
    /// What it looks at.
    pub test: Test,
    /// It judges nobody of whom fewer calls are known.
    pub after_calls: u32,
    /// It judges nobody who has been known for less.
    pub after_days: u32,
    /// What follows.
    pub action: Action,
}

/// What a rule looks at, and from where on it is a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// A technology of fewer than so many of 1,000 calls.
    Technology {
        /// Of 1,000.
        below: u32,
    },
    /// A country of fewer than so many of 1,000 calls.
    Location {
        /// Of 1,000.
        below: u32,
    },
    /// An hour of the day, in UTC, that with the one before and the one after has fewer than so
    /// many of 1,000 calls.
    Hour {
        /// Of 1,000.
        below: u32,
    },
    /// A month that with the one before and the one after has fewer than so many of 1,000 calls.
    Season {
        /// Of 1,000.
        below: u32,
    },
    /// More calls within an hour than this percentage of the busiest hour.
    Calls {
        /// Of 100.
        percent: u32,
        /// Fewer calls than this are never too many.
        at_least: u32,
    },
    /// A journey from the place of the call before that was faster than this.
    Travel {
        /// Kilometres in an hour.
        faster_than: u32,
    },
}

/// What a rule looks at, without its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// What the call is made with.
    Technology,
    /// The country it comes from.
    Location,
    /// The hour of the day.
    Hour,
    /// The time of the year.
    Season,
    /// How many calls there are.
    Calls,
    /// The way from the place of the call before.
    Travel,
}

/// What follows a hit, the mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// It is written down.
    Note,
    /// The event log tells of it.
    Alert,
    /// The app stands so many levels lower for a time.
    StepDown {
        /// How many.
        levels: u32,
        /// For how long.
        seconds: u32,
    },
    /// The call is refused.
    Refuse,
}

/// A call as rules look at it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// When.
    pub at: Timestamp,
    /// What it is made with.
    pub technology: &'a str,
    /// Where it comes from, if that is known.
    pub country: Option<Country>,
    /// How many calls there were in its hour, this one included.
    pub in_hour: u32,
}

/// What was found unusual: what a mark as fine makes usual.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// A technology.
    Technology(String),
    /// A country.
    Location(Country),
    /// An hour of the day, 0 to 23.
    Hour(u8),
    /// A month, 1 to 12.
    Season(u8),
    /// So many calls within an hour or fewer: a power of two.
    Calls(u32),
    /// Between two countries, in either direction; the smaller code first.
    Travel(Country, Country),
}

/// A departure from what is usual.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// What is unusual.
    pub value: Value,
    /// What was found: the value, and how often it was seen.
    pub found: String,
    /// What the rule wants, and what is usual.
    pub wanted: String,
}

/// The hits of a call. Mostly there are none.
pub type Hits<'r> = SmallVec<[Hit<'r>; 2]>;

/// How far a habit is known, for whoever asks why nothing is judged yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Calls that count now.
    pub calls: u64,
    /// Whole days since the first.
    pub days: u32,
}

impl Rule {
    /// Whether it judges calls of an API.
    #[must_use]
    pub fn concerns(&self, api: Symbol) -> bool {
        self.apis.is_empty() || self.apis.contains(&api)
    }

    /// Whether so much is known that it judges.
    #[must_use]
    pub fn judges(&self, known: Known) -> bool {
        known.calls >= u64::from(self.after_calls) && known.days >= self.after_days
    }
}

impl Test {
    /// What it looks at.
    #[must_use]
    pub const fn signal(self) -> Signal {
        match self {
            Self::Technology { .. } => Signal::Technology,
            Self::Location { .. } => Signal::Location,
            Self::Hour { .. } => Signal::Hour,
            Self::Season { .. } => Signal::Season,
            Self::Calls { .. } => Signal::Calls,
            Self::Travel { .. } => Signal::Travel,
        }
    }
}

impl Signal {
    /// Every signal.
    pub const ALL: [Self; 6] = [
        Self::Technology,
        Self::Location,
        Self::Hour,
        Self::Season,
        Self::Calls,
        Self::Travel,
    ];

    /// The word in documents and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Technology => "technology",
            Self::Location => "location",
            Self::Hour => "hour",
            Self::Season => "season",
            Self::Calls => "calls",
            Self::Travel => "travel",
        }
    }

    /// The signal of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

impl Action {
    /// The word in documents and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Alert => "alert",
            Self::StepDown { .. } => "step_down",
            Self::Refuse => "refuse",
        }
    }

    /// Whether a call with such a hit is learned from: what a person has to look at is not.
    #[must_use]
    pub const fn teaches(self) -> bool {
        matches!(self, Self::Note)
    }
}

impl Value {
    /// What is looked at.
    #[must_use]
    pub const fn signal(&self) -> Signal {
        match self {
            Self::Technology(_) => Signal::Technology,
            Self::Location(_) => Signal::Location,
            Self::Hour(_) => Signal::Hour,
            Self::Season(_) => Signal::Season,
            Self::Calls(_) => Signal::Calls,
            Self::Travel(..) => Signal::Travel,
        }
    }

    /// Reads what [`Display`](std::fmt::Display) wrote.
    #[must_use]
    pub fn read(signal: Signal, text: &str) -> Option<Self> {
        Some(match signal {
            Signal::Technology => Self::Technology(text.to_owned()),
            Signal::Location => Self::Location(text.parse().ok()?),
            Signal::Hour => Self::Hour(text.parse().ok().filter(|hour| *hour < 24)?),
            Signal::Season => Self::Season(text.parse().ok().filter(|one| (1..=12).contains(one))?),
            Signal::Calls => Self::Calls(text.parse().ok()?),
            Signal::Travel => {
                let (one, other) = text.split_once('-')?;
                Self::between(one.parse().ok()?, other.parse().ok()?)
            }
        })
    }

    /// A journey, in either direction.
    #[must_use]
    pub fn between(one: Country, other: Country) -> Self {
        Self::Travel(one.min(other), one.max(other))
    }

    /// Whether a mark of `self` as fine covers `other`: itself, and fewer calls.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Calls(most), Self::Calls(calls)) => calls <= most,
            (this, other) => this == other,
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Technology(name) => f.write_str(name),
            Self::Location(country) => write!(f, "{country}"),
            Self::Hour(number) | Self::Season(number) => write!(f, "{number}"),
            Self::Calls(most) => write!(f, "{most}"),
            Self::Travel(one, other) => write!(f, "{one}-{other}"),
        }
    }
}

/// What a call is made with, from its `User-Agent`: the name of the first product, in lower case,
/// without its version. `none` of a call without one, and `other` of one that has no such name.
#[must_use]
pub fn technology(user_agent: Option<&str>) -> String {
    /// Longer names of products are no names.
    const LONGEST: usize = 32;
    let Some(text) = user_agent.map(str::trim).filter(|text| !text.is_empty()) else {
        return "none".to_owned();
    };
    let of_name = |letter: &char| letter.is_ascii_alphanumeric() || "-_.".contains(*letter);
    let name: String = text.chars().take_while(of_name).take(LONGEST + 1).collect();
    if name.is_empty() || name.len() > LONGEST {
        return "other".to_owned();
    }
    name.to_ascii_lowercase()
}
