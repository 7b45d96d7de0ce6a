use axum::extract::State;
use http_kit::{Json, Listing, Page, PageParameters, Problem, Problems};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Event as StoredEvent, EventPlace};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Management, instant::Instant, refusals::failed};

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which events to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventFilter {
    /// Only of this kind: `account`, `app`, `credential` …
    kind: Option<String>,
    /// Only of the thing with this name.
    name: Option<String>,
}

/// One entry of the event log.
#[derive(Serialize, ToSchema)]
pub(crate) struct Event {
    /// Its id.
    id: String,
    /// The revision whose commit made it.
    revision: u64,
    /// When.
    at: Instant,
    /// Who.
    actor: String,
    /// `created`, `updated` or `deleted`.
    action: &'static str,
    /// What kind of thing.
    kind: String,
    /// Its name.
    name: String,
    /// What is worth telling of it; never a secret.
    detail: Value,
}

impl From<StoredEvent> for Event {
    fn from(event: StoredEvent) -> Self {
        Self {
            id: event.id.to_string(),
            revision: event.revision.0,
            at: event.at.into(),
            actor: event.actor,
            action: event.action.as_str(),
            kind: event.kind,
            name: event.name,
            detail: serde_json::from_str(&event.detail).unwrap_or(Value::Null),
        }
    }
}

/// How many pages one request looks at when a filter lets few through.
const LOOKS: usize = 20;

/// The event log, the newest first
///
/// With a filter a page may be shorter than `limit` and still have a `next`.
#[utoipa::path(get, path = "/v1/events", tag = "installation", operation_id = "listEvents",
    params(EventFilter, PageParameters),
    responses((status = 200, body = Page<Event>), Problems))]
async fn list(
    State(desk): State<Management>,
    listing: Listing<EventFilter>,
) -> Result<Json<Page<Event>>, Problem> {
    let mut before = listing.position::<EventPlace>()?;
    let filter = &listing.filter;
    let fits = |event: &StoredEvent| {
        filter.kind.as_ref().is_none_or(|kind| *kind == event.kind)
            && filter.name.as_ref().is_none_or(|name| *name == event.name)
    };
    let (wanted, size) = (listing.wanted(), listing.rows());
    let mut items = Vec::new();
    for _ in 0..LOOKS {
        let events = desk.authority.store.events_before(before, size).await;
        let events = events.map_err(failed)?;
        let more = events.len() >= size.get() as usize;
        before = events.last().map(StoredEvent::place).filter(|_| more);
        items.extend(events.into_iter().filter(fits));
        if !more || items.len() >= wanted {
            break;
        }
    }
    if items.len() > wanted {
        items.truncate(wanted);
        before = items.last().map(StoredEvent::place);
    }
    let items = items.into_iter().map(Event::from).collect();
    Ok(Json(
        listing.page_until(items, before.map(|place| place.to_string())),
    ))
}
