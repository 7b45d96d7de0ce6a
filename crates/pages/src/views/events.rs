use primitives::{AnomalyId, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Event, EventAction};

use super::link;
use crate::when::When;

/// An entry of the event log.
#[derive(Serialize)]
pub(crate) struct EventRow {
    at: When,
    /// What a person is called, for those who may know; otherwise as the log has it.
    actor: String,
    actor_href: Option<String>,
    action: &'static str,
    tone: &'static str,
    kind: String,
    name: String,
    href: Option<String>,
    revision: u64,
    /// In words, where there are any.
    says: Option<String>,
    /// What is worth telling of it, on lines of its own; none when there is nothing.
    detail: Option<String>,
    /// The events of the same thing.
    alike: String,
}

impl EventRow {
    pub(crate) fn of(event: &Event, named: Option<String>, now: Timestamp) -> Self {
        let page = |list: &str| Some(format!("/console/{list}/{}", event.name));
        let unusual = Unusual::of(event);
        Self {
            says: unusual.as_ref().and_then(Unusual::says),
            at: When::of(event.at, now),
            actor_href: named
                .as_ref()
                .map(|_| format!("/console/persons/{}", event.actor)),
            actor: named.unwrap_or_else(|| event.actor.clone()),
            action: event.action.as_str(),
            tone: match event.action {
                EventAction::Created => "good",
                EventAction::Updated => "mute",
                EventAction::Deleted => "bad",
            },
            href: match (event.kind.as_str(), event.action) {
                (_, EventAction::Deleted) => None,
                // Where its value and the reason of a mark stand.
                (flows::ANOMALY_KIND, _) => unusual
                    .and_then(|unusual| unusual.anomaly)
                    .map(|id| format!("/console/anomalies/{id}")),
                ("app", _) => page("apps"),
                ("api", _) => page("apis"),
                ("person", _) => page("persons"),
                _ => None,
            },
            alike: link(
                "/console/events",
                &[("kind", &event.kind), ("name", &event.name)],
            ),
            kind: event.kind.replace('_', " "),
            name: event.name.clone(),
            revision: event.revision.0,
            detail: detail(&event.detail),
        }
    }
}

/// What the log tells of an anomaly.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Unusual {
    alert: String,
    anomaly: Option<AnomalyId>,
    rule: String,
}

impl Unusual {
    fn of(event: &Event) -> Option<Self> {
        let is_one = event.kind == flows::ANOMALY_KIND;
        is_one.then(|| serde_json::from_str(&event.detail).ok())?
    }

    fn says(&self) -> Option<String> {
        let what = match self.alert.as_str() {
            "anomaly.fine" => "marked as fine",
            "anomaly.alert" => "found",
            "anomaly.refused" => "calls are refused",
            "anomaly.step_down" => "the app stands lower",
            "anomaly.step_down_ended" => "the app no longer stands lower",
            _ => return None,
        };
        Some(format!("{what}, rule `{}`", self.rule))
    }
}

fn detail(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let is_empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
    if is_empty {
        return None;
    }
    serde_json::to_string_pretty(&value).ok()
}
