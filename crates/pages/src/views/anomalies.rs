use primitives::Timestamp;
use serde::Serialize;
use store::Anomaly;

use super::{Entry, link};
use crate::when::When;

/// An anomaly in the list and at the head of its page.
#[derive(Debug, Serialize)]
pub(crate) struct AnomalyRow {
    pub(crate) href: String,
    pub(crate) app: String,
    pub(crate) mode: &'static str,
    pub(crate) rule: String,
    pub(crate) what: &'static str,
    pub(crate) found: String,
    pub(crate) wanted: String,
    pub(crate) tone: &'static str,
    pub(crate) action: &'static str,
    pub(crate) open: bool,
    pub(crate) calls: u64,
    pub(crate) last: When,
}

/// What the page of an anomaly shows below its head.
#[derive(Debug, Serialize)]
pub(crate) struct AnomalyDetail {
    pub(crate) known: Vec<Entry>,
    pub(crate) marked: Vec<Entry>,
}

impl AnomalyRow {
    pub(crate) fn of(one: &Anomaly, now: Timestamp) -> Self {
        let (tone, action) = action(&one.action);
        Self {
            href: format!("/console/anomalies/{}", one.id),
            app: one.app_name.clone(),
            mode: one.mode.as_str(),
            rule: one.rule.clone(),
            what: what(&one.signal),
            found: one.found.clone(),
            wanted: one.wanted.clone(),
            tone,
            action,
            open: one.state == Anomaly::OPEN,
            calls: one.calls,
            last: When::of(one.last_at, now),
        }
    }
}

impl AnomalyDetail {
    pub(crate) fn of(one: &Anomaly, now: Timestamp) -> Self {
        let moment = |at: Timestamp| {
            let when = When::of(at, now);
            format!("{} ({})", when.relative, when.absolute)
        };
        let app = format!("/console/apps/{}", one.app_name);
        let decision = format!("/console/decisions/{}", one.decision);
        let lower = one.until.map(|until| {
            let levels = one.levels;
            let word = if levels == 1 { "level" } else { "levels" };
            format!("{levels} {word}, until {}", moment(until))
        });
        Self {
            known: Entry::said([
                Entry::link("App", one.app_name.clone(), app),
                Entry::text("Mode", one.mode.as_str()),
                Entry::text("Rule", one.rule.clone()),
                Entry::text("Calls with it", one.calls.to_string()),
                Entry::text("First", moment(one.first_at)),
                Entry::text("Newest", moment(one.last_at)),
                Entry::link("Newest call", one.decision.to_string(), decision),
                Entry::text("Stands lower", lower.unwrap_or_default()),
                Entry::link(
                    "Others of this app",
                    "list".to_owned(),
                    link(
                        "/console/anomalies",
                        &[("state", ""), ("app", one.app_name.as_str())],
                    ),
                ),
            ]),
            marked: Entry::said([
                Entry::text("Marked by", one.marked_by.clone()),
                Entry::text("When", one.marked_at.map(moment).unwrap_or_default()),
                Entry::text("Why", one.note.clone()),
            ]),
        }
    }
}

fn action(word: &str) -> (&'static str, &'static str) {
    match word {
        "alert" => ("warn", "alert"),
        "step_down" => ("warn", "stepped down"),
        "refuse" => ("bad", "refused"),
        _ => ("mute", "noted"),
    }
}

fn what(signal: &str) -> &'static str {
    match signal {
        "technology" => "Technology",
        "location" => "Location",
        "hour" => "Time of day",
        "season" => "Time of year",
        "calls" => "Number of calls",
        "travel" => "Travel",
        _ => "Something else",
    }
}
