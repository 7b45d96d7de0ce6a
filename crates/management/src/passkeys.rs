use axum::extract::State;
use flows::{find_person, passkeys_of, remove_passkey};
use http::StatusCode;
use http_kit::{Json, Path, Problem, Problems};
use primitives::{PasskeyId, Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    instant::Instant,
    names::malformed,
    operator::By,
    refusals::{person_refused, unable},
};

/// What is one's own, whoever one is. Adding one is for a browser: a program that could would make
/// its token a sign-in.
pub(crate) fn own_routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(remove))
}

/// A passkey of the caller.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnPasskey {
    /// Its id.
    #[schema(example = "passkey_01k0000000000000000000000")]
    id: String,
    /// What it is told apart by.
    name: String,
    /// Whether a copy of it is kept elsewhere, by its own word.
    backed_up: bool,
    /// When it was added.
    created_at: Instant,
    /// When it last signed in; `null` when it never did.
    used_at: Option<Instant>,
}

/// The passkeys of the caller.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnPasskeys {
    /// The oldest first.
    items: Vec<OwnPasskey>,
}

/// What a removal is to show.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemovalRequest {
    /// The caller's password once more.
    password: String,
}

/// The caller's own passkeys
#[utoipa::path(get, path = "/v1/passkeys", tag = "persons", operation_id = "listPasskeys",
    responses((status = 200, body = OwnPasskeys), Problems))]
async fn list(State(desk): State<Management>, by: By) -> Result<Json<OwnPasskeys>, Problem> {
    let person = find_person(&desk.authority, by.person()?).await;
    let person = person.map_err(person_refused)?;
    let all = passkeys_of(&desk.authority, &person)
        .await
        .map_err(unable)?;
    let items = all.into_iter().map(|one| OwnPasskey {
        id: one.id.to_string(),
        name: one.name,
        backed_up: one.backed_up,
        created_at: one.created_at.into(),
        used_at: one.used_at.map(Instant::from),
    });
    let items = items.collect();
    Ok(Json(OwnPasskeys { items }))
}

/// Remove a passkey of the caller
///
/// It signs nobody in any more. Asks for the password once more, and counts as a try at it.
#[utoipa::path(post, path = "/v1/passkeys/{passkey}/remove", tag = "persons",
    operation_id = "removePasskey",
    params(("passkey" = String, Path, description = "Id of the passkey")),
    request_body = RemovalRequest,
    responses((status = 204, description = "It is removed"), Problems))]
async fn remove(
    State(desk): State<Management>,
    by: By,
    Path(given): Path<String>,
    Json(wanted): Json<RemovalRequest>,
) -> Result<StatusCode, Problem> {
    let id: PasskeyId = given.parse().map_err(|why| malformed(&why))?;
    let person = find_person(&desk.authority, by.person()?).await;
    let person = person.map_err(person_refused)?;
    let password = Secret::new(wanted.password);
    let removed = remove_passkey(&desk.authority, (&person, id), password).await;
    removed.map_err(person_refused)?;
    Ok(StatusCode::NO_CONTENT)
}
