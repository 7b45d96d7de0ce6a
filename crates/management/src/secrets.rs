use axum::extract::State;
use flows::{remove_secret, secret_names, set_secret};
use http::StatusCode;
use http_kit::{Json, Path, Problem, Problems};
use primitives::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    names::name,
    operator::By,
    refusals::{secret_refused, unable},
};

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(put))
        .routes(routes!(remove))
}

/// The names of the secrets that are set.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretNames {
    /// In order; values are never shown.
    items: Vec<String>,
}

/// A secret to be sealed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretValue {
    /// The value, as the upstream wants it.
    #[schema(format = "password")]
    value: String,
}

/// The secrets that are set
///
/// Their names only.
#[utoipa::path(get, path = "/v1/secrets", tag = "secrets", operation_id = "listSecrets",
    responses((status = 200, body = SecretNames), Problems))]
async fn list(State(desk): State<Management>) -> Result<Json<SecretNames>, Problem> {
    let items = secret_names(&desk.authority).await.map_err(unable)?;
    Ok(Json(SecretNames { items }))
}

/// Set a secret
///
/// It is kept sealed, and state files refer to it by its name.
#[utoipa::path(put, path = "/v1/secrets/{name}", tag = "secrets", operation_id = "setSecret",
    params(("name" = String, Path, description = "Name of the secret")),
    request_body = SecretValue,
    responses((status = 204, description = "It is set"), Problems))]
async fn put(
    State(desk): State<Management>,
    by: By,
    Path(given): Path<String>,
    Json(secret): Json<SecretValue>,
) -> Result<StatusCode, Problem> {
    let (name, value) = (name(&given)?, Secret::new(secret.value));
    let set = set_secret(&desk.authority, &by.actor(), &name, &value).await;
    set.map_err(unable)?;
    read_again(&desk).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Remove a secret
///
/// Refused while an API or an account names it. Calls in progress may still use it.
#[utoipa::path(delete, path = "/v1/secrets/{name}", tag = "secrets",
    operation_id = "removeSecret",
    params(("name" = String, Path, description = "Name of the secret")),
    responses((status = 204, description = "It is gone"), Problems))]
async fn remove(
    State(desk): State<Management>,
    by: By,
    Path(given): Path<String>,
) -> Result<StatusCode, Problem> {
    let name = name(&given)?;
    let removed = remove_secret(&desk.authority, &desk.loader, &by.actor(), &name).await;
    removed.map_err(secret_refused)?;
    read_again(&desk).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What changed is in force when the answer is sent.
async fn read_again(desk: &Management) -> Result<(), Problem> {
    let read = desk.secrets.refresh(&desk.authority).await;
    read.map(drop).map_err(unable)
}
