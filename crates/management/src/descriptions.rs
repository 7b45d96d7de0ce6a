use std::sync::Arc;

use axum::extract::State;
use catalog::Description;
use http_kit::{Json, Path, Problem, Problems, Query, codes};
use primitives::Name;
use serde::{Deserialize, Serialize};
use state::{Document as _, document::Api};
use store::Kind;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    documents::Changes,
    names::{name, unknown},
    refusals::failed,
};

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(report))
        .routes(routes!(diff))
}

/// What of a description is open.
#[derive(Serialize, ToSchema)]
pub(crate) struct DescriptionReport {
    /// The API.
    api: String,
    /// The version.
    version: String,
    /// Annotated operations, as method and path template.
    annotated: Vec<String>,
    /// Operations without annotation: closed.
    closed: Vec<String>,
    /// Annotations for which this version has no operation.
    unknown: Vec<String>,
}

/// What to compare with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiffQuery {
    /// The other version of the same API's description.
    to: String,
}

/// What of a description the API's annotations open
///
/// Of any version that is there, also of one that is not in use: what would be closed with it.
#[utoipa::path(get, path = "/v1/descriptions/{api}/{version}/report", tag = "state",
    operation_id = "reportDescription",
    params(("api" = String, Path, description = "Name of the API"),
        ("version" = String, Path, description = "Version of its description")),
    responses((status = 200, body = DescriptionReport), Problems))]
async fn report(
    State(desk): State<Management>,
    Path((api, version)): Path<(String, String)>,
) -> Result<Json<DescriptionReport>, Problem> {
    let description = imported(&desk, &api, &version).await?;
    let entry = desk.authority.store.resource(Kind::Api, &name(&api)?).await;
    let entry = entry.map_err(failed)?.ok_or_else(|| unknown("api", &api))?;
    let entry = Api::from_body(&entry.body).map_err(|failure| Problem::internal(&failure))?;
    let annotated = entry.operations.iter().map(|one| one.operation.as_str());
    let report = description.report(annotated);
    Ok(Json(DescriptionReport {
        api,
        version,
        annotated: report.annotated,
        closed: report.closed,
        unknown: report.unknown,
    }))
}

/// What changed from one version of a description to another
#[utoipa::path(get, path = "/v1/descriptions/{api}/{version}/diff", tag = "state",
    operation_id = "diffDescriptions",
    params(("api" = String, Path, description = "Name of the API"),
        ("version" = String, Path, description = "The version to start from"), DiffQuery),
    responses((status = 200, body = Changes), Problems))]
async fn diff(
    State(desk): State<Management>,
    Path((api, version)): Path<(String, String)>,
    Query(query): Query<DiffQuery>,
) -> Result<Json<Changes>, Problem> {
    let old = imported(&desk, &api, &version).await?;
    let new = imported(&desk, &api, &query.to).await?;
    Ok(Json(Changes::from(&catalog::diff(&old, &new))))
}

/// A description that is kept, read anew. Reading takes a while, so not on the threads that
/// serve others.
async fn imported(
    desk: &Management,
    api: &str,
    version: &str,
) -> Result<Arc<Description>, Problem> {
    let called: Name = name(&format!("{api}@{version}"))?;
    let found = desk
        .authority
        .store
        .resource(Kind::Description, &called)
        .await;
    let found = found.map_err(failed)?;
    let body = found
        .ok_or_else(|| unknown("description", called.as_str()))?
        .body;
    let read = tokio::task::spawn_blocking(move || state::description(&called, &body)).await;
    read.map_err(|failure| Problem::internal(&failure))?
        .map_err(|why| Problem::of(&codes::DESCRIPTION_INVALID).because(why.to_string()))
}
