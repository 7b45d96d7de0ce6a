use axum::extract::State;
use flows::EventLine;
use http_kit::{Json, Listing, Page, PageParameters, Problem, Problems};
use primitives::Revision;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Management, refusals::failed};

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new().routes(routes!(export))
}

/// Nothing is filtered: a chain with gaps cannot be checked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whole {}

/// The event log as it is linked, the oldest first
///
/// For `portreeve audit verify`: each item is a line of the file that it reads. The events of one
/// commit are never split over pages.
#[utoipa::path(get, path = "/v1/audit/events", tag = "installation",
    operation_id = "exportEvents", params(PageParameters),
    responses((status = 200, body = Page<Value>), Problems))]
async fn export(
    State(desk): State<Management>,
    listing: Listing<Whole>,
) -> Result<Json<Page<EventLine>>, Problem> {
    let after = Revision(listing.position::<u64>()?.unwrap_or(0));
    let store = &desk.authority.store;
    let events = store.events(after, listing.rows()).await.map_err(failed)?;
    let newest = store.revision().await.map_err(failed)?;
    let last = events.last().map(|event| event.revision);
    let next = last.filter(|last| *last < newest);
    let items = events.iter().map(EventLine::from).collect();
    Ok(Json(
        listing.page_until(items, next.map(|last| last.0.to_string())),
    ))
}
