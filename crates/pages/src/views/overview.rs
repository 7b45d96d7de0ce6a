use catalog::Api;
use primitives::{Enforcement, Timestamp};
use serde::Serialize;
use snapshot::{Credential, Snapshot};
use store::CallTally;

use super::{calls::outcome_words, link, mode_word, tone};
use crate::when::When;

/// The calls of the last hour, as the index counts them.
#[derive(Debug, Serialize)]
pub(crate) struct HourView {
    pub(crate) calls: u64,
    pub(crate) outcomes: Vec<OutcomeRow>,
    pub(crate) codes: Vec<CodeRow>,
    /// Calls were let through that an enforcing API would have refused.
    pub(crate) observes: bool,
    /// Only so many of the newest were counted.
    pub(crate) capped: bool,
}

/// How many calls had an outcome.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct OutcomeRow {
    pub(crate) words: String,
    pub(crate) tone: &'static str,
    pub(crate) calls: u64,
    pub(crate) href: String,
    /// Where its part of the bar begins, and how wide it is, in thousandths.
    pub(crate) begins: u64,
    pub(crate) width: u64,
}

/// A code, with how many calls it refused.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CodeRow {
    pub(crate) code: String,
    pub(crate) refused: u64,
    /// Let through, because their API only observes.
    pub(crate) observed: u64,
    pub(crate) newest: When,
    pub(crate) href: String,
}

const OUTCOMES: [&str; 4] = ["served", "refused", "not_sent", "unknown"];
/// The stretch of time that the links name.
const SINCE: (&str, &str) = ("since", "1h");

impl HourView {
    pub(crate) fn of(tallies: &[CallTally], most: u32, now: Timestamp) -> Self {
        let calls: u64 = tallies.iter().map(|tally| tally.calls).sum();
        let mut begins = 0;
        let outcomes = OUTCOMES.map(|word| {
            let of_word = tallies.iter().filter(|tally| tally.outcome == word);
            let count: u64 = of_word.map(|tally| tally.calls).sum();
            let width = count.saturating_mul(1_000).checked_div(calls).unwrap_or(0);
            let row = OutcomeRow {
                words: outcome_words(word),
                tone: tone(word),
                calls: count,
                href: link("/console/decisions", &[("outcome", word), SINCE]),
                begins,
                width,
            };
            begins += width;
            row
        });
        let codes = codes(tallies, now);
        Self {
            calls,
            outcomes: outcomes.into(),
            observes: codes.iter().any(|row| row.observed > 0),
            codes,
            capped: calls >= u64::from(most),
        }
    }
}

/// One row a code, the one that refuses most first.
fn codes(tallies: &[CallTally], now: Timestamp) -> Vec<CodeRow> {
    let mut rows: Vec<(CodeRow, Timestamp)> = Vec::new();
    for tally in tallies.iter().filter(|tally| !tally.code.is_empty()) {
        let at = rows.iter().position(|(row, _)| row.code == tally.code);
        let at = at.unwrap_or_else(|| {
            let code = tally.code.clone();
            let row = CodeRow {
                href: link("/console/decisions", &[("code", &code), SINCE]),
                newest: When::of(tally.newest, now),
                code,
                refused: 0,
                observed: 0,
            };
            rows.push((row, tally.newest));
            rows.len() - 1
        });
        let Some((row, newest)) = rows.get_mut(at) else {
            continue;
        };
        if tally.outcome == "refused" {
            row.refused += tally.calls;
        } else {
            row.observed += tally.calls;
        }
        if tally.newest > *newest {
            *newest = tally.newest;
            row.newest = When::of(tally.newest, now);
        }
    }
    rows.sort_by_key(|(row, _)| std::cmp::Reverse(row.refused + row.observed));
    rows.into_iter().map(|(row, _)| row).collect()
}

/// An API that lets calls through that it should not, or none at all.
#[derive(Debug, Serialize)]
pub(crate) struct QuietApi {
    pub(crate) name: String,
    pub(crate) why: &'static str,
}

impl QuietApi {
    pub(crate) fn of(api: &Api) -> Option<Self> {
        let why = if !api.active {
            "is inactive: every call is refused"
        } else if api.enforcement == Enforcement::Observe {
            "only observes: it decides and records, and refuses nothing"
        } else if api.operations.iter().all(|one| one.uses.is_empty()) {
            "is closed: no operation says which capabilities it uses"
        } else {
            return None;
        };
        Some(Self {
            name: api.name.to_string(),
            why,
        })
    }
}

/// A key that stops working soon.
#[derive(Debug, Serialize)]
pub(crate) struct ExpiringKey {
    pub(crate) id: String,
    pub(crate) app: String,
    pub(crate) mode: &'static str,
    pub(crate) ends: When,
}

impl ExpiringKey {
    /// The keys that work now and not after `until`, the first to end first.
    pub(crate) fn all(snapshot: &Snapshot, now: Timestamp, until: Timestamp) -> Vec<Self> {
        let mut ending: Vec<(Timestamp, &Credential)> = snapshot
            .credentials()
            .filter(|key| !key.is_revoked(now) && !key.is_expired(now))
            .filter_map(|key| Some((key.expires_at()?, key)))
            .filter(|(ends, _)| *ends <= until)
            .collect();
        ending.sort_by_key(|(ends, key)| (*ends, key.id()));
        let row = |(ends, key): (Timestamp, &Credential)| Self {
            id: key.id().to_string(),
            app: snapshot
                .app(key.app())
                .map(|app| app.name.to_string())
                .unwrap_or_default(),
            mode: mode_word(Some(key.mode())),
            ends: When::of(ends, now),
        };
        ending.into_iter().take(10).map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_told_by_outcome_and_by_code() {
        let now = Timestamp::from_seconds(10_000);
        let tally = |outcome: &str, code: &str, calls, newest| CallTally {
            outcome: outcome.to_owned(),
            code: code.to_owned(),
            calls,
            newest: Timestamp::from_seconds(newest),
        };
        let tallies = [
            tally("served", "", 60, 9_999),
            tally("refused", "quota_exhausted", 30, 9_000),
            tally("served", "level_too_low", 8, 9_990),
            tally("refused", "level_too_low", 2, 9_970),
        ];
        let hour = HourView::of(&tallies, 100, now);
        assert_eq!((hour.calls, hour.capped), (100, true));
        let widths: Vec<_> = hour
            .outcomes
            .iter()
            .map(|row| (row.begins, row.width))
            .collect();
        assert_eq!(widths, [(0, 680), (680, 320), (1_000, 0), (1_000, 0)]);
        let told: Vec<_> = hour
            .codes
            .iter()
            .map(|row| (row.code.as_str(), row.refused, row.observed))
            .collect();
        assert_eq!(told, [("quota_exhausted", 30, 0), ("level_too_low", 2, 8)]);
        assert_eq!(hour.codes[1].newest.relative, "10 s ago");
        let nothing = HourView::of(&[], 100, now);
        assert!(nothing.calls == 0 && !nothing.capped && nothing.codes.is_empty());
    }
}
