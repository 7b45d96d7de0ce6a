use primitives::Timestamp;
use serde::Serialize;
use store::CallSlot;

use super::{link, tone};
use crate::when::When;

/// A stretch of time that a chart can show: its word in addresses, in words, its length and that
/// of a slot in seconds.
const STRETCHES: [(&str, &str, u32, u32); 3] = [
    ("1h", "1 hour", 3_600, 60),
    ("24h", "24 hours", 86_400, 1_800),
    ("7d", "7 days", 604_800, 14_400),
];

/// What a chart is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) key: &'static str,
    pub(crate) seconds: u32,
    pub(crate) slot_seconds: u32,
}

impl Stretch {
    /// The stretch of this word; the shortest for any other.
    pub(crate) fn of(key: &str) -> Self {
        let [shortest, ..] = STRETCHES;
        let found = STRETCHES.into_iter().find(|(known, ..)| *known == key);
        let (key, _, seconds, slot_seconds) = found.unwrap_or(shortest);
        Self {
            key,
            seconds,
            slot_seconds,
        }
    }

    /// When its first slot begins: whole slots, the last of which is not over.
    pub(crate) fn since(self, now: Timestamp) -> Timestamp {
        let slot = i64::from(self.slot_seconds).max(1);
        let last = now.as_micros() / 1_000_000 / slot;
        let slots = i64::from(self.seconds) / slot;
        Timestamp::from_seconds((last - slots + 1).saturating_mul(slot))
    }
}

/// Calls over time, by outcome.
#[derive(Debug, Serialize)]
pub(crate) struct ChartView {
    /// Where it renews itself from.
    pub(crate) href: String,
    pub(crate) stretches: Vec<StretchTab>,
    pub(crate) bars: Vec<Bar>,
    /// The highest bar, in calls.
    pub(crate) highest: u64,
    pub(crate) totals: Vec<Total>,
    pub(crate) calls: u64,
    pub(crate) codes: Vec<CodeBar>,
    /// Only so many of the newest were counted.
    pub(crate) capped: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct StretchTab {
    pub(crate) words: &'static str,
    pub(crate) href: String,
    pub(crate) current: bool,
}

/// One slot of time. Places are in thousandths of the drawing.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Bar {
    pub(crate) at: When,
    pub(crate) left: u64,
    pub(crate) width: u64,
    pub(crate) parts: Vec<Part>,
    /// Of this slot, in the order of [`OUTCOMES`].
    pub(crate) counts: Vec<u64>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Part {
    pub(crate) tone: &'static str,
    pub(crate) top: u64,
    pub(crate) height: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Total {
    pub(crate) words: String,
    pub(crate) tone: &'static str,
    pub(crate) calls: u64,
}

/// A code, with how many calls it refused beside the one that refused most.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CodeBar {
    pub(crate) code: String,
    pub(crate) calls: u64,
    pub(crate) width: u64,
}

const OUTCOMES: [&str; 4] = ["served", "refused", "not_sent", "unknown"];
/// How high the drawing is, of a thousand wide.
const HIGH: u64 = 160;
const CODES: usize = 6;

impl ChartView {
    pub(crate) fn of(
        (page, fragment): (&str, &str),
        stretch: Stretch,
        slots: &[CallSlot],
        (now, most): (Timestamp, u32),
    ) -> Self {
        let bars = bars(stretch, slots, now);
        let sum = |bar: &Bar| bar.counts.iter().sum::<u64>();
        let highest = bars.iter().map(sum).max().unwrap_or(0);
        let calls: u64 = bars.iter().map(sum).sum();
        let total = |(at, word): (usize, &&str)| Total {
            words: super::calls::outcome_words(word),
            tone: tone(word),
            calls: bars.iter().filter_map(|bar| bar.counts.get(at)).sum(),
        };
        let totals = OUTCOMES.iter().enumerate().map(total).collect();
        let tab = |(key, words, ..): (&'static str, &'static str, u32, u32)| StretchTab {
            words,
            href: link(page, &[("over", key)]),
            current: key == stretch.key,
        };
        Self {
            href: link(fragment, &[("over", stretch.key)]),
            stretches: STRETCHES.map(tab).into(),
            codes: codes(slots),
            bars: stacked(bars, highest),
            totals,
            highest,
            calls,
            capped: calls >= u64::from(most),
        }
    }
}

/// Every slot of the stretch, with nothing in those in which nothing was decided.
fn bars(stretch: Stretch, slots: &[CallSlot], now: Timestamp) -> Vec<Bar> {
    let since = stretch.since(now);
    let many = u64::from(stretch.seconds / stretch.slot_seconds.max(1)).max(1);
    (0..many)
        .map(|at| {
            let seconds = i64::try_from(at * u64::from(stretch.slot_seconds)).unwrap_or(0);
            let begins = since.plus_seconds(seconds);
            let of = |word: &&str| {
                let here = slots
                    .iter()
                    .filter(|slot| slot.begins_at == begins && slot.outcome == *word);
                here.map(|slot| slot.calls).sum()
            };
            Bar {
                at: When::of(begins, now),
                left: at * 1_000 / many,
                width: (1_000 / many).saturating_sub(2).max(1),
                parts: Vec::new(),
                counts: OUTCOMES.iter().map(of).collect(),
            }
        })
        .collect()
}

/// The bars with their parts stacked, the highest as high as the drawing.
fn stacked(mut bars: Vec<Bar>, highest: u64) -> Vec<Bar> {
    for bar in &mut bars {
        let mut top = HIGH;
        for (word, count) in OUTCOMES.iter().zip(&bar.counts) {
            let scaled = count.saturating_mul(HIGH).checked_div(highest).unwrap_or(0);
            // What happened at all is seen.
            let height = scaled.max(u64::from(*count > 0)).min(top);
            if height > 0 {
                top -= height;
                bar.parts.push(Part {
                    tone: tone(word),
                    top,
                    height,
                });
            }
        }
    }
    bars
}

fn codes(slots: &[CallSlot]) -> Vec<CodeBar> {
    let mut bars: Vec<CodeBar> = Vec::new();
    let refused = slots.iter().filter(|slot| slot.outcome == "refused");
    for slot in refused.filter(|slot| !slot.code.is_empty()) {
        match bars.iter_mut().find(|bar| bar.code == slot.code) {
            Some(bar) => bar.calls += slot.calls,
            None => bars.push(CodeBar {
                code: slot.code.clone(),
                calls: slot.calls,
                width: 0,
            }),
        }
    }
    bars.sort_by(|a, b| (b.calls, &a.code).cmp(&(a.calls, &b.code)));
    bars.truncate(CODES);
    let most = bars.first().map_or(0, |bar| bar.calls);
    for bar in &mut bars {
        let width = bar.calls.saturating_mul(1_000).checked_div(most);
        bar.width = width.unwrap_or(0).max(1);
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(seconds: i64, outcome: &str, code: &str, calls: u64) -> CallSlot {
        CallSlot {
            begins_at: Timestamp::from_seconds(seconds),
            outcome: outcome.to_owned(),
            code: code.to_owned(),
            calls,
        }
    }

    #[test]
    fn a_chart_has_every_slot_and_its_highest_bar_fills_it() {
        let now = Timestamp::from_seconds(36_030);
        let slots = [
            slot(36_000, "served", "", 30),
            slot(36_000, "refused", "level_too_low", 10),
            slot(32_460, "refused", "quota_exhausted", 20),
        ];
        let stretch = Stretch::of("1h");
        assert_eq!(stretch.since(now), Timestamp::from_seconds(32_460));
        let chart = ChartView::of(("/x", "/y"), stretch, &slots, (now, 60));
        assert_eq!((chart.bars.len(), chart.highest, chart.calls), (60, 40, 60));
        assert!(chart.capped);
        let last = chart.bars.last().unwrap();
        let parts: Vec<_> = last
            .parts
            .iter()
            .map(|p| (p.tone, p.top, p.height))
            .collect();
        assert_eq!(parts, [("good", 40, 120), ("bad", 0, 40)]);
        assert_eq!(chart.bars[0].counts, [0, 20, 0, 0]);
        assert!(chart.bars[1].parts.is_empty());
        let codes: Vec<_> = chart
            .codes
            .iter()
            .map(|c| (c.code.as_str(), c.width))
            .collect();
        assert_eq!(codes, [("quota_exhausted", 1_000), ("level_too_low", 500)]);
        assert_eq!(chart.href, "/y?over=1h");
    }

    #[test]
    fn what_is_not_a_stretch_is_the_shortest() {
        assert_eq!(Stretch::of("<b>").key, "1h");
        assert_eq!(Stretch::of("7d").slot_seconds, 14_400);
    }
}
