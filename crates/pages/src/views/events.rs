use primitives::Timestamp;
use serde::Serialize;
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
    /// What is worth telling of it, on lines of its own; none when there is nothing.
    detail: Option<String>,
    /// The events of the same thing.
    alike: String,
}

impl EventRow {
    pub(crate) fn of(event: &Event, named: Option<String>, now: Timestamp) -> Self {
        let page = |list: &str| Some(format!("/console/{list}/{}", event.name));
        Self {
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

fn detail(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let is_empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
    if is_empty {
        return None;
    }
    serde_json::to_string_pretty(&value).ok()
}
