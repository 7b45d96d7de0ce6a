use accounts::anomalies::Habit;
use primitives::{Country, Timestamp};
use serde::{Deserialize, Serialize};

/// What an app usually does, as it is kept. Fields are only added, with a default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HabitDocument {
    since: Option<Timestamp>,
    stretch: i64,
    hours: [u32; 24],
    months: [u32; 12],
    technologies: Vec<(String, u32)>,
    countries: Vec<(Country, u32)>,
    hour: i64,
    in_hour: u32,
    busiest: u32,
    last: Option<(Country, Timestamp)>,
}

impl From<HabitDocument> for Habit {
    fn from(kept: HabitDocument) -> Self {
        Self {
            since: kept.since,
            stretch: kept.stretch,
            hours: kept.hours,
            months: kept.months,
            technologies: kept.technologies,
            countries: kept.countries,
            hour: kept.hour,
            in_hour: kept.in_hour,
            busiest: kept.busiest,
            last: kept.last,
        }
    }
}

impl From<&Habit> for HabitDocument {
    fn from(habit: &Habit) -> Self {
        Self {
            since: habit.since,
            stretch: habit.stretch,
            hours: habit.hours,
            months: habit.months,
            technologies: habit.technologies.clone(),
            countries: habit.countries.clone(),
            hour: habit.hour,
            in_hour: habit.in_hour,
            busiest: habit.busiest,
            last: habit.last,
        }
    }
}
