use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{
    ToSpan,
    civil::Date,
    tz::{TimeZone, TimeZoneDatabase},
};
use primitives::Timestamp;

use crate::CalendarUnit;

/// The text is not the name of a time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone: write a name of the IANA database, such as `Europe/Berlin`")]
pub struct UnknownTimeZone(pub String);

/// Where the days, weeks and months of a time zone begin and end, in UTC.
///
/// The windows of a unit follow one another without gap or overlap, also where clocks are put
/// forward or back, or a whole day is skipped.
#[derive(Debug)]
pub struct Calendar {
    zone: TimeZone,
    recent: [Recent; 3],
}

/// The bounds that a unit had last, in one number, so that a reader never sees half a change:
/// 42 bits of the first second, 22 bits of the length (a month has under 2^22 seconds).
#[derive(Debug, Default)]
struct Recent(AtomicU64);

const LENGTH_BITS: u32 = 22;

impl Recent {
    fn get(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let packed = self.0.load(Ordering::Relaxed);
        let length = packed & ((1 << LENGTH_BITS) - 1);
        let begins = i64::try_from(packed >> LENGTH_BITS).ok()?;
        let bounds = (
            Timestamp::from_seconds(begins),
            Timestamp::from_seconds(begins.checked_add(i64::try_from(length).ok()?)?),
        );
        (bounds.0 <= now && now < bounds.1).then_some(bounds)
    }

    fn set(&self, (begins, ends): (Timestamp, Timestamp)) {
        let Ok(first) = u64::try_from(begins.as_seconds()) else {
            return;
        };
        let Ok(length) = u64::try_from(ends.as_seconds() - begins.as_seconds()) else {
            return;
        };
        if first >> (64 - LENGTH_BITS) == 0 && length >> LENGTH_BITS == 0 {
            self.0
                .store(first << LENGTH_BITS | length, Ordering::Relaxed);
        }
    }
}

impl Calendar {
    /// The calendar of the time zone called `name`, from the bundled database.
    ///
    /// # Errors
    /// When the database has no such zone.
    pub fn new(name: &str) -> Result<Self, UnknownTimeZone> {
        match TimeZoneDatabase::bundled().get(name) {
            Ok(zone) => Ok(Self::of(zone)),
            Err(_) => Err(UnknownTimeZone(name.chars().take(80).collect())),
        }
    }

    /// The calendar of UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self::of(TimeZone::UTC)
    }

    fn of(zone: TimeZone) -> Self {
        Self {
            zone,
            recent: <[Recent; 3]>::default(),
        }
    }

    /// The first moment of the window that `now` is in, and of the one after it; `None` beyond
    /// the years that a calendar covers (−9998 to 9998).
    #[must_use]
    pub fn bounds(&self, unit: CalendarUnit, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let recent = match unit {
            CalendarUnit::Day => &self.recent[0],
            CalendarUnit::Week => &self.recent[1],
            CalendarUnit::Month => &self.recent[2],
        };
        if let Some(bounds) = recent.get(now) {
            return Some(bounds);
        }
        let bounds = self.compute(unit, now)?;
        recent.set(bounds);
        Some(bounds)
    }

    fn compute(&self, unit: CalendarUnit, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let at = jiff::Timestamp::from_microsecond(now.as_micros()).ok()?;
        let today = self.zone.to_datetime(at).date();
        let mut first = match unit {
            CalendarUnit::Day => today,
            CalendarUnit::Week => today
                .checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days())
                .ok()?,
            CalendarUnit::Month => today.first_of_month(),
        };
        // Where clocks are put back across midnight the date of a moment can be the one before
        // the window it is in; the windows must still follow one another.
        if now < self.midnight(first)? {
            first = step(first, unit, -1)?;
        } else if self.midnight(step(first, unit, 1)?)? <= now {
            first = step(first, unit, 1)?;
        }
        Some((self.midnight(first)?, self.midnight(step(first, unit, 1)?)?))
    }

    /// The first moment of a date: after the gap where clocks skip midnight, the earlier one
    /// where midnight comes twice.
    fn midnight(&self, date: Date) -> Option<Timestamp> {
        let begins = date.to_zoned(self.zone.clone()).ok()?;
        Some(Timestamp::from_micros(begins.timestamp().as_microsecond()))
    }
}

fn step(date: Date, unit: CalendarUnit, by: i64) -> Option<Date> {
    let span = match unit {
        CalendarUnit::Day => by.days(),
        CalendarUnit::Week => by.weeks(),
        CalendarUnit::Month => by.months(),
    };
    date.checked_add(span).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        let at: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_micros(at.as_microsecond())
    }

    fn check(zone: &str, unit: CalendarUnit, now: &str, begins: &str, ends: &str) {
        let calendar = Calendar::new(zone).unwrap();
        let expected = Some((at(begins), at(ends)));
        assert_eq!(calendar.bounds(unit, at(now)), expected, "{zone} {now}");
        assert_eq!(
            calendar.bounds(unit, at(now)),
            expected,
            "{now}, remembered"
        );
    }

    /// Shows: P-51.
    #[test]
    fn a_day_is_from_midnight_to_midnight_also_when_clocks_change() {
        use CalendarUnit::Day;
        let la = "America/Los_Angeles";
        check(
            la,
            Day,
            "2026-03-08T12:00:00Z",
            "2026-03-08T08:00:00Z",
            "2026-03-09T07:00:00Z",
        );
        check(
            la,
            Day,
            "2026-03-08T07:59:59Z",
            "2026-03-07T08:00:00Z",
            "2026-03-08T08:00:00Z",
        );
        check(
            la,
            Day,
            "2026-11-02T07:59:59.999999Z",
            "2026-11-01T07:00:00Z",
            "2026-11-02T08:00:00Z",
        );
        check(
            la,
            Day,
            "2026-11-02T08:00:00Z",
            "2026-11-02T08:00:00Z",
            "2026-11-03T08:00:00Z",
        );
        let lh = "Australia/Lord_Howe";
        check(
            lh,
            Day,
            "2026-04-04T14:00:00Z",
            "2026-04-04T13:00:00Z",
            "2026-04-05T13:30:00Z",
        );
        check(
            lh,
            Day,
            "2026-10-03T14:00:00Z",
            "2026-10-03T13:30:00Z",
            "2026-10-04T13:00:00Z",
        );
    }

    #[test]
    fn a_day_is_whole_where_midnight_is_skipped_or_comes_twice() {
        use CalendarUnit::Day;
        let samoa = "Pacific/Apia";
        check(
            samoa,
            Day,
            "2011-12-30T09:59:59Z",
            "2011-12-29T10:00:00Z",
            "2011-12-30T10:00:00Z",
        );
        check(
            samoa,
            Day,
            "2011-12-30T10:00:00Z",
            "2011-12-30T10:00:00Z",
            "2011-12-31T10:00:00Z",
        );
        let havana = "America/Havana";
        check(
            havana,
            Day,
            "2026-03-08T05:00:00Z",
            "2026-03-08T05:00:00Z",
            "2026-03-09T04:00:00Z",
        );
        check(
            havana,
            Day,
            "2026-11-01T05:30:00Z",
            "2026-11-01T04:00:00Z",
            "2026-11-02T05:00:00Z",
        );
        // Clocks went from 00:01 back to 23:01 of the day before.
        let st_johns = "America/St_Johns";
        check(
            st_johns,
            Day,
            "2010-11-07T03:00:00Z",
            "2010-11-07T02:30:00Z",
            "2010-11-08T03:30:00Z",
        );
    }

    /// Shows: P-51.
    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        use CalendarUnit::{Month, Week};
        check(
            "UTC",
            Week,
            "2027-01-01T00:00:00Z",
            "2026-12-28T00:00:00Z",
            "2027-01-04T00:00:00Z",
        );
        check(
            "UTC",
            Week,
            "2026-12-28T00:00:00Z",
            "2026-12-28T00:00:00Z",
            "2027-01-04T00:00:00Z",
        );
        check(
            "UTC",
            Week,
            "2026-12-27T23:59:59.999999Z",
            "2026-12-21T00:00:00Z",
            "2026-12-28T00:00:00Z",
        );
        check(
            "UTC",
            Month,
            "2028-02-29T23:59:59Z",
            "2028-02-01T00:00:00Z",
            "2028-03-01T00:00:00Z",
        );
        check(
            "UTC",
            Month,
            "2026-12-31T23:59:59Z",
            "2026-12-01T00:00:00Z",
            "2027-01-01T00:00:00Z",
        );
        let la = "America/Los_Angeles";
        check(
            la,
            Month,
            "2026-04-01T06:59:59Z",
            "2026-03-01T08:00:00Z",
            "2026-04-01T07:00:00Z",
        );
        check(
            la,
            Week,
            "2026-03-09T06:59:59Z",
            "2026-03-02T08:00:00Z",
            "2026-03-09T07:00:00Z",
        );
    }

    /// Shows: P-51.
    #[test]
    fn days_of_changing_clocks_and_months_of_leap_years_have_their_true_length() {
        use CalendarUnit::{Day, Month, Week};
        let hours = |zone: &str, unit, now: &str| {
            let bounds = Calendar::new(zone).unwrap().bounds(unit, at(now)).unwrap();
            bounds.1.micros_since(bounds.0) / 3_600_000_000
        };
        let berlin = "Europe/Berlin";
        for (zone, unit, now, wanted) in [
            (berlin, Day, "2026-03-29T12:00:00Z", 23),
            (berlin, Day, "2026-10-25T12:00:00Z", 25),
            (berlin, Day, "2026-10-24T12:00:00Z", 24),
            (berlin, Week, "2026-03-29T12:00:00Z", 7 * 24 - 1),
            (berlin, Week, "2026-10-25T12:00:00Z", 7 * 24 + 1),
            (berlin, Month, "2026-03-10T12:00:00Z", 31 * 24 - 1),
            (berlin, Month, "2026-10-31T22:59:59Z", 31 * 24 + 1),
            ("UTC", Month, "2027-02-28T23:59:59Z", 28 * 24),
            ("UTC", Month, "2028-02-28T23:59:59Z", 29 * 24),
            ("UTC", Month, "2100-02-01T00:00:00Z", 28 * 24),
            ("UTC", Month, "2000-02-29T00:00:00Z", 29 * 24),
            ("UTC", Month, "2026-04-30T23:59:59Z", 30 * 24),
        ] {
            assert_eq!(hours(zone, unit, now), wanted, "{zone} {now}");
        }
    }

    #[test]
    fn an_unknown_zone_is_named() {
        let problem = Calendar::new("Mars/Olympus").unwrap_err();
        assert!(problem.to_string().contains("`Mars/Olympus`"));
    }

    proptest! {
        /// The windows of a unit partition time.
        #[test]
        fn windows_follow_one_another(
            seconds in 0_i64..7_258_118_400,
            zone in prop::sample::select(vec![
                "UTC", "America/Los_Angeles", "Australia/Lord_Howe", "America/Havana",
                "Pacific/Apia", "America/St_Johns", "Africa/Casablanca", "Asia/Kathmandu",
            ]),
            unit in prop::sample::select(vec![
                CalendarUnit::Day, CalendarUnit::Week, CalendarUnit::Month,
            ]),
        ) {
            let calendar = Calendar::new(zone).unwrap();
            let now = Timestamp::from_seconds(seconds);
            let (begins, ends) = calendar.bounds(unit, now).unwrap();
            prop_assert!(begins <= now && now < ends);
            let last = ends.plus_micros(-1);
            prop_assert_eq!(calendar.compute(unit, begins), Some((begins, ends)));
            prop_assert_eq!(calendar.compute(unit, last), Some((begins, ends)));
            prop_assert_eq!(calendar.compute(unit, ends).unwrap().0, ends);
        }
    }
}
