use accounts::confidential::Kind;
use axum::extract::State;
use flows::{ConfidentialRefused, entrust, entrusted, forget_entrusted, reveal};
use http::StatusCode;
use http_kit::{Json, Path, Problem, Problems, codes};
use primitives::{Name, Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    instant::Instant,
    me::{Developer, OwnKey},
    names::{account_name, name},
    operator::By,
    refusals::unable,
};

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(put, remove))
        .routes(routes!(show))
}

/// The same of the developer whose key asks; in full it is shown to the provider alone.
pub(crate) fn own_routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(list_own))
        .routes(routes!(put_own, remove_own))
}

/// What an account entrusts, as far as it may be shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct Entrusted {
    /// What it is called.
    name: String,
    /// `account_number`, `bank`, `card`, `password` or `other`.
    kind: String,
    /// Its end, if that may be shown.
    #[schema(example = "•••• 1111")]
    mask: String,
    /// When it was set.
    updated_at: Instant,
}

impl From<&store::Confidential> for Entrusted {
    fn from(kept: &store::Confidential) -> Self {
        Self {
            name: kept.name.to_string(),
            kind: kept.kind.clone(),
            mask: kept.mask.clone(),
            updated_at: kept.updated_at.into(),
        }
    }
}

/// All of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntrustedList {
    /// By name.
    items: Vec<Entrusted>,
}

/// What is entrusted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntrustRequest {
    /// `account_number`, `bank`, `card`, `password` or `other`.
    kind: String,
    /// The number or text itself. Kept sealed.
    #[schema(format = Password)]
    value: String,
}

/// Nothing has to be said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevealRequest {}

/// What an account entrusts, in full.
#[derive(Serialize, ToSchema)]
pub(crate) struct Revealed {
    /// What it is called.
    name: String,
    /// `account_number`, `bank`, `card`, `password` or `other`.
    kind: String,
    /// The number or text itself.
    #[schema(format = Password)]
    value: String,
}

fn refused(refused: ConfidentialRefused) -> Problem {
    match refused {
        ConfidentialRefused::Unable(failure) => unable(failure),
        ConfidentialRefused::AccountUnknown(_) | ConfidentialRefused::Unknown { .. } => {
            Problem::of(&codes::RESOURCE_UNKNOWN).because(refused.to_string())
        }
        ConfidentialRefused::Unfit(_) | ConfidentialRefused::Full => {
            Problem::of(&codes::CHANGE_REFUSED).because(refused.to_string())
        }
    }
}

async fn told(desk: &Management, account: &Name) -> Result<Json<EntrustedList>, Problem> {
    let kept = entrusted(&desk.authority, account).await.map_err(refused)?;
    let items = kept.iter().map(Entrusted::from).collect();
    Ok(Json(EntrustedList { items }))
}

async fn set(
    desk: &Management,
    actor: &str,
    which: (&Name, &Name),
    wanted: EntrustRequest,
) -> Result<Json<Entrusted>, Problem> {
    let value = Secret::new(wanted.value);
    let kind = Kind::of(&wanted.kind).ok_or_else(|| {
        let why = "`kind` is `account_number`, `bank`, `card`, `password` or `other`";
        Problem::of(&codes::CHANGE_REFUSED).because(why)
    })?;
    let kept = entrust(&desk.authority, actor, which, (kind, &value)).await;
    Ok(Json(Entrusted::from(&kept.map_err(refused)?)))
}

/// What an account entrusts
///
/// Numbers, passwords, bank and card data; no more of each than its mask.
#[utoipa::path(get, path = "/v1/accounts/{account}/confidential", tag = "confidential",
    operation_id = "listConfidential",
    params(("account" = String, Path, description = "Name or id of the account")),
    responses((status = 200, body = EntrustedList), Problems))]
async fn list(
    State(desk): State<Management>,
    Path(given): Path<String>,
) -> Result<Json<EntrustedList>, Problem> {
    told(&desk, &account_name(&desk, &given)?).await
}

/// Keep something that an account entrusts
///
/// It is sealed before it is kept. What had the name before is gone.
#[utoipa::path(put, path = "/v1/accounts/{account}/confidential/{name}", tag = "confidential",
    operation_id = "setConfidential",
    params(("account" = String, Path, description = "Name or id of the account"),
        ("name" = String, Path, description = "What it is called")),
    request_body = EntrustRequest,
    responses((status = 200, body = Entrusted), Problems))]
async fn put(
    State(desk): State<Management>,
    by: By,
    Path((given, called)): Path<(String, String)>,
    Json(wanted): Json<EntrustRequest>,
) -> Result<Json<Entrusted>, Problem> {
    let (account, called) = (account_name(&desk, &given)?, name(&called)?);
    set(&desk, &by.actor(), (&account, &called), wanted).await
}

/// Remove something that an account entrusts
#[utoipa::path(delete, path = "/v1/accounts/{account}/confidential/{name}", tag = "confidential",
    operation_id = "removeConfidential",
    params(("account" = String, Path, description = "Name or id of the account"),
        ("name" = String, Path, description = "What it is called")),
    responses((status = 204, description = "It is gone"), Problems))]
async fn remove(
    State(desk): State<Management>,
    by: By,
    Path((given, called)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (account, called) = (account_name(&desk, &given)?, name(&called)?);
    let removed = forget_entrusted(&desk.authority, &by.actor(), (&account, &called)).await;
    removed.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Show something that an account entrusts, in full
///
/// The event log says who had it shown, before it is.
#[utoipa::path(post, path = "/v1/accounts/{account}/confidential/{name}/reveal",
    tag = "confidential", operation_id = "revealConfidential",
    params(("account" = String, Path, description = "Name or id of the account"),
        ("name" = String, Path, description = "What it is called")),
    request_body = RevealRequest,
    responses((status = 200, body = Revealed), Problems))]
async fn show(
    State(desk): State<Management>,
    by: By,
    Path((given, called)): Path<(String, String)>,
    Json(RevealRequest {}): Json<RevealRequest>,
) -> Result<Json<Revealed>, Problem> {
    let (account, called) = (account_name(&desk, &given)?, name(&called)?);
    let shown = reveal(&desk.authority, &by.actor(), (&account, &called)).await;
    let (kept, value) = shown.map_err(refused)?;
    Ok(Json(Revealed {
        name: kept.name.to_string(),
        kind: kept.kind,
        value: value.expose().to_owned(),
    }))
}

/// What your account entrusts
///
/// No more of each than its mask. Asked with the app's own key.
#[utoipa::path(get, path = "/v1/me/confidential", tag = "me", operation_id = "listOwnConfidential",
    security(("app" = [])),
    responses((status = 200, body = EntrustedList), Problems))]
async fn list_own(
    State(desk): State<Management>,
    key: OwnKey,
) -> Result<Json<EntrustedList>, Problem> {
    let developer = key.developer(&desk)?;
    told(&desk, &developer.account).await
}

/// Entrust something
///
/// With a live key that is not bound to a permission profile.
#[utoipa::path(put, path = "/v1/me/confidential/{name}", tag = "me",
    operation_id = "setOwnConfidential", security(("app" = [])),
    params(("name" = String, Path, description = "What it is called")),
    request_body = EntrustRequest,
    responses((status = 200, body = Entrusted), Problems))]
async fn put_own(
    State(desk): State<Management>,
    key: OwnKey,
    Path(called): Path<String>,
    Json(wanted): Json<EntrustRequest>,
) -> Result<Json<Entrusted>, Problem> {
    let Developer { account, actor } = key.developer(&desk)?;
    set(&desk, &actor, (&account, &name(&called)?), wanted).await
}

/// Take something back
///
/// With a live key that is not bound to a permission profile.
#[utoipa::path(delete, path = "/v1/me/confidential/{name}", tag = "me",
    operation_id = "removeOwnConfidential", security(("app" = [])),
    params(("name" = String, Path, description = "What it is called")),
    responses((status = 204, description = "It is gone"), Problems))]
async fn remove_own(
    State(desk): State<Management>,
    key: OwnKey,
    Path(called): Path<String>,
) -> Result<StatusCode, Problem> {
    let Developer { account, actor } = key.developer(&desk)?;
    let removed = forget_entrusted(&desk.authority, &actor, (&account, &name(&called)?)).await;
    removed.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}
