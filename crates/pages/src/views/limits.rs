use decision::{Catalogue, Limit, LimitAnswer, LimitKind};
use quota::{CalendarUnit, Window};
use serde::Serialize;
use serde_json::Value;

use super::{
    decision::{field, list},
    units::decimal,
};
use crate::when::When;

/// One limit, with what it counts and where it stands.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LimitRow {
    pub(crate) limit: String,
    /// What is limited, in words; empty when the limit is gone.
    pub(crate) what: String,
    /// Empty for a limit that does not count.
    pub(crate) used: String,
    pub(crate) most: String,
    pub(crate) unit: String,
    pub(crate) resets: Option<When>,
}

impl LimitRow {
    /// From an answer of now.
    pub(crate) fn of(answer: &LimitAnswer, catalogue: &Catalogue) -> Self {
        let known = catalogue.limits.get(answer.limit);
        Self {
            limit: catalogue.vocabulary.limits.name(answer.limit).to_string(),
            what: known.map(limit_words).unwrap_or_default(),
            used: answer
                .used
                .map(|used| decimal(&used.to_string()))
                .unwrap_or_default(),
            most: answer
                .most
                .map_or_else(|| "unlimited".to_owned(), |most| decimal(&most.to_string())),
            unit: answer
                .currency
                .clone()
                .unwrap_or_else(|| known.map(unit).unwrap_or_default().to_owned()),
            resets: None,
        }
    }

    /// From a stored explanation.
    pub(crate) fn stored(told: &Value, catalogue: &Catalogue, now: primitives::Timestamp) -> Self {
        let name = field(told, "limit");
        let symbol = catalogue.vocabulary.limits.get(&name);
        let known = symbol.and_then(|symbol| catalogue.limits.get(symbol));
        let currency = Some(field(told, "currency")).filter(|text| !text.is_empty());
        Self {
            what: known.map(limit_words).unwrap_or_default(),
            used: decimal(&field(told, "used")),
            most: Some(decimal(&field(told, "most")))
                .filter(|most| !most.is_empty())
                .unwrap_or_else(|| "unlimited".to_owned()),
            unit: currency.unwrap_or_else(|| known.map(unit).unwrap_or_default().to_owned()),
            resets: When::read(&field(told, "resets_at"), now),
            limit: name,
        }
    }

    pub(crate) fn all_stored(
        of: &Value,
        catalogue: &Catalogue,
        now: primitives::Timestamp,
    ) -> Vec<Self> {
        list(of, "limits")
            .map(|told| Self::stored(told, catalogue, now))
            .collect()
    }
}

/// How far a counted limit is used.
#[derive(Debug, Serialize)]
pub(crate) struct QuotaBar {
    pub(crate) limit: LimitRow,
    /// In thousandths, up to all of it.
    pub(crate) width: u64,
    pub(crate) tone: &'static str,
}

impl QuotaBar {
    /// Every counted limit that was used at all, once, the most used first.
    pub(crate) fn all<'a>(
        answers: impl Iterator<Item = &'a LimitAnswer>,
        catalogue: &Catalogue,
    ) -> Vec<Self> {
        let mut bars: Vec<Self> = Vec::new();
        for answer in answers {
            let Some(width) = thousandths(answer) else {
                continue;
            };
            let limit = LimitRow::of(answer, catalogue);
            let untouched = answer.used.is_none_or(|used| used.millionths() == 0);
            if untouched || bars.iter().any(|bar| bar.limit.limit == limit.limit) {
                continue;
            }
            bars.push(Self {
                limit,
                tone: match width {
                    1_000.. => "bad",
                    800.. => "warn",
                    _ => "good",
                },
                width,
            });
        }
        bars.sort_by(|a, b| (b.width, &a.limit.limit).cmp(&(a.width, &b.limit.limit)));
        bars
    }
}

/// How much of a bounded counter is used.
fn thousandths(answer: &LimitAnswer) -> Option<u64> {
    let (used, most) = (answer.used?.millionths(), answer.most?.millionths());
    let used = i128::from(used).saturating_mul(1_000);
    match used.checked_div(i128::from(most)) {
        Some(part) => Some(u64::try_from(part.clamp(0, 1_000)).unwrap_or(0)),
        // Nothing is allowed, so all of it is used.
        None => Some(1_000),
    }
}

/// What a limit without a currency is counted in.
fn unit(limit: &Limit) -> &'static str {
    match &limit.kind {
        LimitKind::Counted { cost: None, .. } => "calls",
        _ => "",
    }
}

/// What a limit bounds, in words.
pub(crate) fn limit_words(limit: &Limit) -> String {
    match &limit.kind {
        LimitKind::Numeric { fact, .. } => format!("`{fact}` of one call"),
        LimitKind::Counted {
            window,
            scope,
            key,
            cost,
        } => {
            let what = match cost {
                Some(fact) => format!("sum of `{fact}`"),
                None => "calls".to_owned(),
            };
            let scope = scope.as_str();
            let key = key
                .as_ref()
                .map(|fact| format!(" and `{fact}`"))
                .unwrap_or_default();
            format!("{what} {} of each {scope}{key}", window_words(*window))
        }
    }
}

fn window_words(window: Window) -> String {
    match window {
        Window::Calendar(CalendarUnit::Day) => "a day".to_owned(),
        Window::Calendar(CalendarUnit::Week) => "a week".to_owned(),
        Window::Calendar(CalendarUnit::Month) => "a month".to_owned(),
        Window::Rolling(length) => format!("in any {}", length_words(length.as_secs())),
        Window::Lifetime => "ever".to_owned(),
    }
}

fn length_words(seconds: u64) -> String {
    let units = [
        (86_400, "day"),
        (3_600, "hour"),
        (60, "minute"),
        (1, "second"),
    ];
    let fits = |unit: &u64| seconds >= *unit && seconds.is_multiple_of(*unit);
    let unit = units.into_iter().find(|(unit, _)| fits(unit));
    match unit.map(|(unit, word)| (seconds / unit, word)) {
        Some((1, word)) => word.to_owned(),
        Some((many, word)) => format!("{many} {word}s"),
        None => "moment".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_told_in_its_largest_unit() {
        assert_eq!(length_words(3_600), "hour");
        assert_eq!(length_words(172_800), "2 days");
        assert_eq!(length_words(90), "90 seconds");
    }
}
