//! One's own one-time codes, and the recovery codes that stand in for them.

use axum::extract::State;
use flows::{
    PersonRefused, begin_codes, confirm_codes, end_codes, recovery_codes_left, renew_recovery_codes,
};
use http::StatusCode;
use http_kit::{Json, Problem, Problems};
use primitives::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    operator::By,
    own_sign_ins::ShownPassword,
    refusals::{person_refused, unable},
};

/// What is one's own, whoever one is.
pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(show, begin))
        .routes(routes!(confirm))
        .routes(routes!(end))
        .routes(routes!(renew))
}

/// Where the caller's second factor stands.
#[derive(Serialize, ToSchema)]
struct OneTimeCodes {
    /// Whether a sign-in with the password asks for a code after it.
    on: bool,
    /// How many recovery codes have not been used.
    recovery_codes_left: u32,
}

/// One-time codes that are about to be set up.
#[derive(Serialize, ToSchema)]
struct CodesToConfirm {
    /// The key, to be typed into an authenticator app: RFC 6238, SHA-1, six digits, 30 seconds.
    seed: String,
    /// The same for a QR code.
    #[schema(example = "otpauth://totp/…")]
    uri: String,
    /// What goes back with the code that confirms them. It is sealed, and for this caller alone.
    sealed: String,
}

/// What shows that an authenticator app has the key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CodeShown {
    /// As it came.
    sealed: String,
    /// The code that the app shows now.
    #[schema(example = "123456")]
    code: String,
}

/// Recovery codes, shown in this answer alone.
#[derive(Serialize, ToSchema)]
struct RecoveryCodes {
    /// Each stands in once for a one-time code.
    recovery_codes: Vec<String>,
}

impl RecoveryCodes {
    fn of(codes: &[Secret]) -> Json<Self> {
        let recovery_codes = codes.iter().map(|code| code.expose().to_owned()).collect();
        Json(Self { recovery_codes })
    }
}

/// Where the caller's one-time codes stand
#[utoipa::path(get, path = "/v1/one-time-codes", tag = "persons", operation_id = "getOneTimeCodes",
    responses((status = 200, body = OneTimeCodes), Problems))]
async fn show(State(desk): State<Management>, by: By) -> Result<Json<OneTimeCodes>, Problem> {
    let person = by.own()?;
    let left = recovery_codes_left(&desk.authority, person).await;
    Ok(Json(OneTimeCodes {
        on: person.kept.code_seed.is_some(),
        recovery_codes_left: left.map_err(unable)?,
    }))
}

/// Begin to set the caller's one-time codes up
///
/// They count once `confirmOneTimeCodes` was shown a code of them. Asks for the password once more,
/// and counts as a try at it.
#[utoipa::path(post, path = "/v1/one-time-codes", tag = "persons",
    operation_id = "beginOneTimeCodes", request_body = ShownPassword,
    responses((status = 200, body = CodesToConfirm), Problems))]
async fn begin(
    State(desk): State<Management>,
    by: By,
    Json(shown): Json<ShownPassword>,
) -> Result<Json<CodesToConfirm>, Problem> {
    let (password, issuer) = (shown.secret(), &desk.rules.origins.name);
    let begun = begin_codes(&desk.authority, by.own()?, password, issuer).await;
    let codes = begun.map_err(person_refused)?;
    Ok(Json(CodesToConfirm {
        seed: codes.seed.expose().to_owned(),
        uri: codes.uri.expose().to_owned(),
        sealed: codes.sealed,
    }))
}

/// Confirm the caller's one-time codes
///
/// From now on a sign-in with the password asks for a code. A wrong code changes nothing: the same
/// `sealed` can be sent again with another.
#[utoipa::path(post, path = "/v1/one-time-codes/confirm", tag = "persons",
    operation_id = "confirmOneTimeCodes", request_body = CodeShown,
    responses((status = 200, body = RecoveryCodes), Problems))]
async fn confirm(
    State(desk): State<Management>,
    by: By,
    Json(shown): Json<CodeShown>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let given = (shown.sealed.as_str(), shown.code.as_str());
    let issuer = &desk.rules.origins.name;
    let confirmed = confirm_codes(&desk.authority, by.own()?, given, issuer).await;
    match confirmed.map_err(person_refused)? {
        Ok(set_up) => Ok(RecoveryCodes::of(&set_up.recovery)),
        Err(_) => Err(person_refused(PersonRefused::NotTheCode)),
    }
}

/// Turn the caller's one-time codes off
///
/// The recovery codes go with them. Asks for the password once more, and counts as a try at it.
#[utoipa::path(post, path = "/v1/one-time-codes/end", tag = "persons",
    operation_id = "endOneTimeCodes", request_body = ShownPassword,
    responses((status = 204, description = "They are off"), Problems))]
async fn end(
    State(desk): State<Management>,
    by: By,
    Json(shown): Json<ShownPassword>,
) -> Result<StatusCode, Problem> {
    let ended = end_codes(&desk.authority, by.own()?, shown.secret()).await;
    ended.map_err(person_refused)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make new recovery codes of the caller
///
/// Those from before do not work any more. Asks for the password once more, and counts as a try at
/// it.
#[utoipa::path(post, path = "/v1/recovery-codes", tag = "persons",
    operation_id = "renewRecoveryCodes", request_body = ShownPassword,
    responses((status = 200, body = RecoveryCodes), Problems))]
async fn renew(
    State(desk): State<Management>,
    by: By,
    Json(shown): Json<ShownPassword>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let password = shown.secret();
    let renewed = renew_recovery_codes(&desk.authority, by.own()?, password).await;
    Ok(RecoveryCodes::of(&renewed.map_err(person_refused)?))
}
