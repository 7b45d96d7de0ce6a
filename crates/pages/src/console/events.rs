use std::collections::BTreeMap;

use axum::{extract::Query, response::Response};
use primitives::{PageSize, PersonId};
use serde::{Deserialize, Serialize};
use store::{Event, EventPlace};

use super::{Console, PageProblem};
use crate::views::{Empty, EventRow, link};

const LIST: &str = "/console/events";
/// How many pages of the log one page looks at when a filter lets few through.
const LOOKS: usize = 20;
/// What is written into the log, in the order of a menu.
const KINDS: [&str; 25] = [
    "account",
    "app",
    flows::CREDENTIAL_KIND,
    flows::VETTING_KIND,
    flows::RECORD_KIND,
    flows::CONFIDENTIAL_KIND,
    flows::PERSON_KIND,
    flows::SIGN_IN_KIND,
    flows::MAIL_KIND,
    flows::SECRET_KIND,
    flows::ANOMALY_KIND,
    "anomaly_rule",
    "api",
    "description",
    "capability",
    "ladder",
    "risk_model",
    "limit",
    "list",
    "plan",
    "policy",
    "profile",
    "property",
    "region",
    "settings",
];

/// Which events are asked for.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Asked {
    kind: String,
    name: String,
    /// Where the page before ended.
    #[serde(skip_serializing)]
    before: String,
}

#[derive(Serialize)]
struct ListView {
    section: &'static str,
    kinds: [&'static str; 25],
    filter: Asked,
    rows: Vec<EventRow>,
    empty: Empty,
    newest: Option<String>,
    next: Option<String>,
}

impl Asked {
    fn fits(&self, event: &Event) -> bool {
        (self.kind.is_empty() || self.kind == event.kind)
            && (self.name.is_empty() || self.name == event.name)
    }

    fn is_filtered(&self) -> bool {
        !self.kind.is_empty() || !self.name.is_empty()
    }
}

/// `GET /console/events`: what was changed, by whom, the newest first.
pub(super) async fn list(
    console: Console,
    Query(mut asked): Query<Asked>,
) -> Result<Response, PageProblem> {
    asked.name = asked.name.trim().to_owned();
    let before = asked.before.parse().ok();
    let wanted = PageSize::default().get() as usize;
    let (found, next) = newest(&console, before, wanted, &|event| asked.fits(event)).await?;
    let rows = rows(&console, &found).await?;
    let pairs = [("kind", asked.kind.as_str()), ("name", &asked.name)];
    let view = ListView {
        section: "events",
        kinds: KINDS,
        rows,
        empty: nothing(asked.is_filtered()),
        newest: (!asked.before.is_empty()).then(|| link(LIST, &pairs)),
        next: next.map(|before| {
            let before = before.to_string();
            link(LIST, &[pairs[0], pairs[1], ("before", &before)])
        }),
        filter: asked,
    };
    Ok(console.page("events.html", &view))
}

/// Events as they are shown to whoever asks.
pub(super) async fn rows(
    console: &Console,
    events: &[Event],
) -> Result<Vec<EventRow>, PageProblem> {
    let names = names(console, events).await?;
    let now = console.now();
    let row = |event: &Event| EventRow::of(event, names.get(&event.actor).cloned(), now);
    Ok(events.iter().map(row).collect())
}

/// The newest events that fit, and where the next ones begin.
pub(super) async fn newest(
    console: &Console,
    mut before: Option<EventPlace>,
    wanted: usize,
    fits: &(dyn Fn(&Event) -> bool + Sync),
) -> Result<(Vec<Event>, Option<EventPlace>), PageProblem> {
    let size = PageSize::default();
    let mut found = Vec::new();
    for _ in 0..LOOKS {
        let events = console.authority.store.events_before(before, size).await?;
        let more = events.len() >= size.get() as usize;
        before = events.last().map(Event::place).filter(|_| more);
        found.extend(events.into_iter().filter(|event| fits(event)));
        if !more || found.len() >= wanted {
            break;
        }
    }
    if found.len() > wanted {
        found.truncate(wanted);
        before = found.last().map(Event::place);
    }
    Ok((found, before))
}

/// What the persons among the actors are called, for those who handle persons.
async fn names(
    console: &Console,
    events: &[Event],
) -> Result<BTreeMap<String, String>, PageProblem> {
    let mut names = BTreeMap::new();
    if !console.handles_persons() {
        return Ok(names);
    }
    for event in events {
        let Ok(id) = event.actor.parse::<PersonId>() else {
            continue;
        };
        if names.contains_key(&event.actor) {
            continue;
        }
        if let Some(person) = console.authority.store.person(id).await? {
            names.insert(event.actor.clone(), person.name);
        }
    }
    Ok(names)
}

fn nothing(filtered: bool) -> Empty {
    if filtered {
        return Empty {
            title: "No such event".to_owned(),
            says: "Nothing of this kind and name stands in the part of the log that was looked at. A name is written as its list shows it; of a key, a person and a sign-in it is the id.".to_owned(),
            command: None,
            action: Some((LIST.to_owned(), "Show all")),
        };
    }
    Empty {
        title: "Nothing was changed yet".to_owned(),
        says: "Every change of the installation stands here, with who made it. Apply a state file:"
            .to_owned(),
        command: Some("portreeve apply -f state.yaml".to_owned()),
        action: None,
    }
}
