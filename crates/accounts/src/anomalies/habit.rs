use std::{
    cmp::Reverse,
    fmt::{self, Write as _},
};

use jiff::tz::Offset;
use primitives::{Country, Symbol, Timestamp};

use super::{Hit, Hits, Known, Rule, Seen, Signal, Test, Value, kilometres};

/// So many technologies and countries are told apart; of more the rarest are forgotten.
const MOST_VALUES: usize = 16;
/// After so many days all counts are halved.
const STRETCH_DAYS: i64 = 64;
/// Months are halved after so many such stretches, since they need years.
const LONG_STRETCH: i64 = 8;
/// No two places are further apart, in kilometres.
const FURTHEST: u64 = 20_040;
/// So many bytes of words most hits fit in.
const WORDS: usize = 64;
/// Places with so many of 1,000 calls are at home: between two of them is no journey.
const AT_HOME: u64 = 50;

/// How often a value was seen.
pub type Counted<T> = Vec<(T, u32)>;

/// What an app usually does, in one mode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Habit {
    /// The first call; none before it.
    pub since: Option<Timestamp>,
    /// The stretch of 64 days that counts were last halved for.
    pub stretch: i64,
    /// Calls by the hour of the day, in UTC.
    pub hours: [u32; 24],
    /// Calls by month.
    pub months: [u32; 12],
    /// Calls by technology.
    pub technologies: Counted<String>,
    /// Calls by country.
    pub countries: Counted<Country>,
    /// The newest hour with a call, as a number since 1970.
    pub hour: i64,
    /// Calls in it.
    pub in_hour: u32,
    /// Calls of the busiest hour before it.
    pub busiest: u32,
    /// Where the newest call with a known place came from, and when.
    pub last: Option<(Country, Timestamp)>,
}

/// The hour of a time, as a number since 1970.
pub(super) const fn hour_number(at: Timestamp) -> i64 {
    at.as_seconds().div_euclid(3_600)
}

fn hour_of_day(at: Timestamp) -> u8 {
    u8::try_from(hour_number(at).rem_euclid(24)).unwrap_or(0)
}

/// 1 to 12.
fn month(at: Timestamp) -> u8 {
    let known = jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or_default();
    u8::try_from(Offset::UTC.to_datetime(known).month()).unwrap_or(1)
}

impl Habit {
    /// Learns from a call. Only the call's own numbers count, never how it was judged.
    pub fn observe(&mut self, seen: &Seen<'_>) {
        self.age(seen.at);
        self.since = Some(self.since.map_or(seen.at, |since| since.min(seen.at)));
        add(self.hours.get_mut(usize::from(hour_of_day(seen.at))));
        add(self
            .months
            .get_mut(usize::from(month(seen.at)).saturating_sub(1)));
        count(
            &mut self.technologies,
            seen.technology,
            |name| name.as_str(),
            str::to_owned,
        );
        if let Some(country) = seen.country {
            count(&mut self.countries, &country, |known| known, |known| *known);
            if self
                .last
                .is_none_or(|(place, at)| (at, place) < (seen.at, country))
            {
                self.last = Some((country, seen.at));
            }
        }
        let hour = hour_number(seen.at);
        if self.in_hour == 0 || hour > self.hour {
            self.busiest = self.busiest.max(self.in_hour);
            (self.hour, self.in_hour) = (hour, 0);
        }
        if hour == self.hour {
            self.in_hour = self.in_hour.saturating_add(1);
        }
    }

    /// Halves what was counted, once for each stretch that has begun since.
    fn age(&mut self, at: Timestamp) {
        let stretch = hour_number(at).div_euclid(24 * STRETCH_DAYS);
        if self.since.is_none() {
            self.stretch = stretch;
        }
        if stretch <= self.stretch {
            return;
        }
        let long = stretch.div_euclid(LONG_STRETCH) - self.stretch.div_euclid(LONG_STRETCH);
        let times = |number: i64| u32::try_from(number).unwrap_or(u32::MAX).min(31);
        let (short, long) = (times(stretch.saturating_sub(self.stretch)), times(long));
        for count in &mut self.hours {
            *count >>= short;
        }
        for count in &mut self.months {
            *count >>= long;
        }
        halve(&mut self.technologies, short);
        halve(&mut self.countries, short);
        self.busiest >>= short;
        self.stretch = stretch;
    }

    /// How far it is known.
    #[must_use]
    pub fn known(&self, now: Timestamp) -> Known {
        let days = self
            .since
            .map_or(0, |since| now.micros_since(since) / 86_400_000_000);
        Known {
            calls: sum(self.hours.iter()),
            days: u32::try_from(days).unwrap_or(0),
        }
    }

    /// Holds a call of `api` against `rules`. What was marked as `fine` is no hit.
    #[must_use]
    pub fn judge<'r>(
        &self,
        rules: &'r [Rule],
        (api, seen): (Symbol, &Seen<'_>),
        fine: &[Value],
    ) -> Hits<'r> {
        let mut hits = Hits::new();
        let known = self.known(seen.at);
        for rule in rules.iter().filter(|rule| rule.concerns(api)) {
            if !rule.judges(known) {
                continue;
            }
            let Some((value, way)) = self.unusual(rule.test, seen) else {
                continue;
            };
            if !fine.iter().any(|mark| mark.covers(&value)) {
                hits.push(self.hit(rule, (value, way), seen));
            }
        }
        hits
    }

    /// What a test finds unusual about a call, and the kilometres of a journey. Allocates only
    /// then.
    fn unusual(&self, test: Test, seen: &Seen<'_>) -> Option<(Value, u64)> {
        let value = match test {
            Test::Technology { below } => {
                let (calls, of) = share(&self.technologies, |name| name == seen.technology);
                is_below(calls, of, below).then(|| Value::Technology(seen.technology.to_owned()))
            }
            Test::Location { below } => {
                let country = seen.country?;
                let (calls, of) = share(&self.countries, |known| *known == country);
                is_below(calls, of, below).then_some(Value::Location(country))
            }
            Test::Hour { below } => {
                let hour = hour_of_day(seen.at);
                let (calls, of) = around(&self.hours, usize::from(hour));
                is_below(calls, of, below).then_some(Value::Hour(hour))
            }
            Test::Season { below } => {
                let month = month(seen.at);
                let (calls, of) = around(&self.months, usize::from(month).saturating_sub(1));
                is_below(calls, of, below).then_some(Value::Season(month))
            }
            Test::Calls { percent, at_least } => {
                let most = u64::from(self.busiest()).saturating_mul(u64::from(percent)) / 100;
                let is_more = u64::from(seen.in_hour) > most.max(u64::from(at_least));
                is_more.then(|| Value::Calls(power(seen.in_hour)))
            }
            Test::Travel { faster_than } => return self.travelled(faster_than, seen),
        };
        Some((value?, 0))
    }

    /// Calls of the busiest hour. The running one counts only as far as it is the only one.
    #[must_use]
    pub const fn busiest(&self) -> u32 {
        if self.busiest == 0 {
            self.in_hour
        } else {
            self.busiest
        }
    }

    fn travelled(&self, faster_than: u32, seen: &Seen<'_>) -> Option<(Value, u64)> {
        let (to, (from, left)) = (seen.country?, self.last?);
        if to == from {
            return None;
        }
        // A clock that was set back has nobody travel.
        let seconds = u64::try_from(seen.at.micros_since(left)).ok()? / 1_000_000;
        let possible = u64::from(faster_than).saturating_mul(seconds) / 3_600;
        // First what is cheap: most calls come long enough after the one before.
        if possible >= FURTHEST || (self.is_home(from) && self.is_home(to)) {
            return None;
        }
        let way = u64::from(kilometres(from, to)?);
        (way > possible).then(|| (Value::between(from, to), way))
    }

    fn is_home(&self, country: Country) -> bool {
        let (calls, of) = share(&self.countries, |known| *known == country);
        calls.saturating_mul(1_000) >= of.saturating_mul(AT_HOME)
    }

    /// Puts a hit into words, with what is usual. Each text is written into its place at once: this
    /// is on the way of every unusual call.
    fn hit<'r>(&self, rule: &'r Rule, (value, way): (Value, u64), seen: &Seen<'_>) -> Hit<'r> {
        let mut found = String::with_capacity(WORDS);
        let mut wanted = String::with_capacity(WORDS);
        // INVARIANT: writing to a string does not fail.
        let _ = self.tell(rule.test, (&value, way, seen), (&mut found, &mut wanted));
        Hit {
            rule,
            value,
            found,
            wanted,
        }
    }

    fn tell(
        &self,
        test: Test,
        (value, way, seen): (&Value, u64, &Seen<'_>),
        (found, wanted): (&mut String, &mut String),
    ) -> fmt::Result {
        match (test, value) {
            (Test::Technology { below }, Value::Technology(name)) => {
                let share = share(&self.technologies, |known| known == name);
                found.push_str(name);
                seldom((found, wanted), share, below)?;
                list(wanted, most_seen(self.technologies()))
            }
            (Test::Location { below }, Value::Location(country)) => {
                let share = share(&self.countries, |known| known == country);
                write!(found, "{country}")?;
                seldom((found, wanted), share, below)?;
                list(wanted, most_seen(self.countries()))
            }
            (Test::Hour { below }, Value::Hour(hour)) => {
                let share = around(&self.hours, usize::from(*hour));
                write!(
                    found,
                    "{hour:02}:00 to {hour:02}:59 UTC, an hour more or less"
                )?;
                seldom((found, wanted), share, below)?;
                list(wanted, most_seen(numbered(&self.hours, 0)))
            }
            (Test::Season { below }, Value::Season(month)) => {
                let share = around(&self.months, usize::from(*month).saturating_sub(1));
                write!(found, "month {month}, a month more or less")?;
                seldom((found, wanted), share, below)?;
                list(wanted, most_seen(numbered(&self.months, 1)))
            }
            (Test::Calls { percent, at_least }, _) => {
                write!(found, "{} calls within an hour", seen.in_hour)?;
                write!(
                    wanted,
                    "at most {percent} of 100 of the busiest hour, which had {}, or {at_least}",
                    self.busiest()
                )
            }
            (Test::Travel { faster_than }, _) => {
                write!(wanted, "{faster_than} km in an hour at most")?;
                self.journey(found, (way, seen))
            }
            // INVARIANT: a value is of the signal of its test.
            (_, value) => write!(found, "{value}"),
        }
    }

    fn journey(&self, found: &mut String, (way, seen): (u64, &Seen<'_>)) -> fmt::Result {
        let (Some(to), Some((from, left))) = (seen.country, self.last) else {
            return Ok(());
        };
        let minutes = seen.at.micros_since(left) / 60_000_000;
        write!(
            found,
            "{from} to {to}, at least {way} km in {minutes} minutes"
        )
    }

    fn technologies(&self) -> impl Iterator<Item = (&String, u32)> {
        self.technologies.iter().map(|(name, calls)| (name, *calls))
    }

    fn countries(&self) -> impl Iterator<Item = (Country, u32)> {
        self.countries.iter().copied()
    }

    /// The values of a signal that are seen most, those of most calls first.
    #[must_use]
    pub fn usual(&self, signal: Signal) -> Vec<String> {
        match signal {
            Signal::Technology => texts(most_seen(self.technologies())),
            Signal::Location | Signal::Travel => texts(most_seen(self.countries())),
            Signal::Hour => texts(most_seen(numbered(&self.hours, 0))),
            Signal::Season => texts(most_seen(numbered(&self.months, 1))),
            Signal::Calls => vec![self.busiest().to_string()],
        }
    }
}

fn add(count: Option<&mut u32>) {
    if let Some(count) = count {
        *count = count.saturating_add(1);
    }
}

/// Counts a value. When there are too many, the one of fewest calls gives way; of equals the last.
fn count<T, K: ?Sized + PartialEq>(
    all: &mut Counted<T>,
    value: &K,
    key: impl Fn(&T) -> &K,
    owned: impl Fn(&K) -> T,
) {
    if let Some((_, count)) = all.iter_mut().find(|(known, _)| key(known) == value) {
        *count = count.saturating_add(1);
        return;
    }
    if all.len() >= MOST_VALUES {
        let rarest = all
            .iter()
            .enumerate()
            .min_by_key(|(at, (_, count))| (*count, usize::MAX - at));
        if let Some((at, _)) = rarest {
            all.swap_remove(at);
        }
    }
    all.push((owned(value), 1));
}

fn halve<T>(all: &mut Counted<T>, times: u32) {
    for (_, count) in all.iter_mut() {
        *count >>= times;
    }
    all.retain(|(_, count)| *count > 0);
}

fn sum<'c>(counts: impl Iterator<Item = &'c u32>) -> u64 {
    counts.fold(0, |sum, count| sum.saturating_add(u64::from(*count)))
}

/// The calls of a value, and of all.
fn share<T>(all: &Counted<T>, is_it: impl Fn(&T) -> bool) -> (u64, u64) {
    let found = all.iter().find(|(value, _)| is_it(value));
    let of = sum(all.iter().map(|(_, count)| count));
    (found.map_or(0, |(_, count)| u64::from(*count)), of)
}

/// The calls of a place in a circle and of those beside it, and of all.
fn around(circle: &[u32], at: usize) -> (u64, u64) {
    let size = circle.len().max(1);
    let beside = [at.saturating_add(size - 1), at, at.saturating_add(1)];
    let beside = beside.iter().filter_map(|at| circle.get(at % size));
    (sum(beside), sum(circle.iter()))
}

/// Of nothing at all nothing is seldom.
const fn is_below(calls: u64, of: u64, below: u32) -> bool {
    of > 0 && calls.saturating_mul(1_000) < of.saturating_mul(below as u64)
}

/// The power of two that is so much or more.
const fn power(calls: u32) -> u32 {
    match calls.checked_next_power_of_two() {
        Some(power) => power,
        None => u32::MAX,
    }
}

/// The counts of a circle with their numbers, without those of nothing.
fn numbered(counts: &[u32], first: u32) -> impl Iterator<Item = (u32, u32)> {
    let counts = counts.iter().zip(first..);
    counts
        .filter(|(calls, _)| **calls > 0)
        .map(|(calls, at)| (at, *calls))
}

/// The three of most calls, those of most first.
fn most_seen<T: Ord>(all: impl Iterator<Item = (T, u32)>) -> [Option<T>; 3] {
    let mut most: [Option<(T, u32)>; 3] = [None, None, None];
    for mut one in all {
        for place in &mut most {
            match place {
                None => {
                    *place = Some(one);
                    break;
                }
                Some(kept) if (kept.1, Reverse(&kept.0)) < (one.1, Reverse(&one.0)) => {
                    std::mem::swap(kept, &mut one);
                }
                Some(_) => {}
            }
        }
    }
    most.map(|place| place.map(|(value, _)| value))
}

fn texts<T: ToString>(values: [Option<T>; 3]) -> Vec<String> {
    let values = values.into_iter().flatten();
    values.map(|value| value.to_string()).collect()
}

/// How seldom a value was seen, and how often it should have been.
fn seldom(
    (found, wanted): (&mut String, &mut String),
    (calls, of): (u64, u64),
    below: u32,
) -> fmt::Result {
    write!(found, ", in {calls} of {of} calls")?;
    write!(wanted, "in {below} of 1000 calls or more")
}

fn list<T: fmt::Display>(to: &mut String, values: [Option<T>; 3]) -> fmt::Result {
    let mut between = "; usual: ";
    for value in values.into_iter().flatten() {
        write!(to, "{between}{value}")?;
        between = ", ";
    }
    Ok(())
}
