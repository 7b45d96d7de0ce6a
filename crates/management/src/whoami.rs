use axum::extract::State;
use http_kit::{Json, Problem, Problems};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Management, instant::Instant, operator::By, refusals::failed};

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new().routes(routes!(whoami))
}

/// Who asks, and what is asked.
#[derive(Serialize, ToSchema)]
pub(crate) struct Whoami {
    /// Who the token belongs to: `operator`, or what the person is called.
    #[schema(example = "operator")]
    caller: String,
    /// The person's id; `null` for the operator token.
    person: Option<String>,
    /// What the caller's roles are.
    roles: Vec<&'static str>,
    /// Version of the server.
    version: &'static str,
    /// How many changes the event log holds.
    revision: u64,
    /// The revision that decisions are made on.
    snapshot: u64,
    /// When the installation was set up.
    created_at: Instant,
    /// The server's clock.
    now: Instant,
}

/// Who the token belongs to, and where the installation stands
#[utoipa::path(get, path = "/v1/whoami", tag = "installation", operation_id = "whoami",
    responses((status = 200, body = Whoami), Problems))]
async fn whoami(State(desk): State<Management>, by: By) -> Result<Json<Whoami>, Problem> {
    let installation = desk.authority.store.installation().await.map_err(failed)?;
    Ok(Json(Whoami {
        caller: by.name().to_owned(),
        person: by.person.as_ref().map(|person| person.kept.id.to_string()),
        roles: by.duties().roles.iter().map(|role| role.as_str()).collect(),
        version: env!("CARGO_PKG_VERSION"),
        revision: installation.revision.0,
        snapshot: desk.snapshots().load().revision().0,
        created_at: installation.created_at.into(),
        now: desk.authority.clock.now().into(),
    }))
}
