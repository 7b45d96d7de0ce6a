use axum::extract::State;
use http_kit::{Json, Listing, Page, PageParameters, Problem, Problems};
use primitives::Revision;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Event as StoredEvent;
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

/// How many commits one request looks at when a filter lets few through.
const LOOKS: usize = 20;

/// The event log, the newest first
///
/// The events of one commit are never split over pages, so a page may be longer than `limit`;
/// with a filter it may be shorter and still have a `next`.
#[utoipa::path(get, path = "/v1/events", tag = "installation", operation_id = "listEvents",
    params(EventFilter, PageParameters),
    responses((status = 200, body = Page<Event>), Problems))]
async fn list(
    State(desk): State<Management>,
    listing: Listing<EventFilter>,
) -> Result<Json<Page<Event>>, Problem> {
    let mut before = listing.position::<u64>()?.map(Revision);
    let filter = &listing.filter;
    let fits = |event: &StoredEvent| {
        filter.kind.as_ref().is_none_or(|kind| *kind == event.kind)
            && filter.name.as_ref().is_none_or(|name| *name == event.name)
    };
    let mut items = Vec::new();
    for _ in 0..LOOKS {
        let events = desk
            .authority
            .store
            .events_before(before, listing.rows())
            .await;
        let events = events.map_err(failed)?;
        before = events.last().map(|event| event.revision);
        items.extend(events.into_iter().filter(fits).map(Event::from));
        if before.is_none() || items.len() >= listing.wanted() {
            break;
        }
    }
    let next = before.filter(|revision| revision.0 > 1);
    Ok(Json(listing.page_until(
        items,
        next.map(|revision| revision.0.to_string()),
    )))
}
