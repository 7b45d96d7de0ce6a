use primitives::Timestamp;
use serde::Serialize;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A moment as pages show it: how long ago, with the moment itself behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct When {
    /// For `datetime`; `console.js` keeps `relative` true with it.
    pub(crate) iso: String,
    /// In UTC, to the second.
    pub(crate) absolute: String,
    pub(crate) relative: String,
}

impl When {
    pub(crate) fn of(at: Timestamp, now: Timestamp) -> Self {
        let iso: String = at.to_string().chars().take(19).collect();
        Self {
            absolute: format!("{} UTC", iso.replace('T', " ")),
            iso: format!("{iso}Z"),
            relative: relative(now.as_seconds().saturating_sub(at.as_seconds())),
        }
    }

    /// Of a time in a stored explanation; `None` when it is no time.
    pub(crate) fn read(text: &str, now: Timestamp) -> Option<Self> {
        let at: jiff::Timestamp = text.parse().ok()?;
        Some(Self::of(Timestamp::from_micros(at.as_microsecond()), now))
    }
}

fn relative(seconds_ago: i64) -> String {
    let (distance, past) = (seconds_ago.saturating_abs(), seconds_ago >= 0);
    let told = match distance {
        0..5 if past => return "just now".to_owned(),
        0..MINUTE => format!("{distance} s"),
        MINUTE..HOUR => format!("{} min", distance / MINUTE),
        HOUR..DAY => format!("{} h", distance / HOUR),
        _ => format!("{} d", distance / DAY),
    };
    if past {
        format!("{told} ago")
    } else {
        format!("in {told}")
    }
}

/// A time as typed into a filter: with a zone, or without one and then in UTC.
pub(crate) fn typed(text: &str) -> Option<Timestamp> {
    let at = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(zoned.timestamp())
    })?;
    Some(Timestamp::from_micros(at.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_by_its_distance_and_in_full() {
        let now = Timestamp::from_seconds(1_795_312_800);
        let seconds = |ago: i64| When::of(now.plus_seconds(-ago), now).relative;
        assert_eq!(seconds(0), "just now");
        assert_eq!(seconds(59), "59 s ago");
        assert_eq!(seconds(60), "1 min ago");
        assert_eq!(seconds(2 * HOUR - 1), "1 h ago");
        assert_eq!(seconds(3 * DAY), "3 d ago");
        assert_eq!(seconds(-3), "in 3 s");
        assert_eq!(seconds(-2 * DAY), "in 2 d");
        let when = When::of(now.plus_micros(-1), now);
        assert!(when.iso.ends_with("59Z"), "{when:?}");
        assert!(when.absolute.ends_with(" UTC") && when.absolute.contains(' '));
        assert_eq!(When::read("no time", now), None);
    }

    #[test]
    fn a_typed_time_without_a_zone_is_utc() {
        let wanted = typed("2026-11-22T05:39:00Z");
        assert!(wanted.is_some());
        assert_eq!(typed("2026-11-22T05:39"), wanted);
        assert_eq!(typed("2026-11-22T06:39:00+01:00"), wanted);
        assert_eq!(typed("yesterday"), None);
    }
}
