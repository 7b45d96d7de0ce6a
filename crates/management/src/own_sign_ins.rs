//! One's own password, sign-ins and access tokens, whoever one is.

use axum::{extract::State, response::Response};
use flows::{change_password, end_sign_in, make_access_token, sign_ins_of};
use http::StatusCode;
use http_kit::{Json, Path, Problem, Problems, codes};
use primitives::{Secret, SignInId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    instant::Instant,
    names::malformed,
    operator::By,
    own_codes, own_passkeys,
    posted::{Instead, Posted},
    refusals::{person_refused, unable},
};

/// What is one's own, second factors and passkeys with it.
pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(end))
        .routes(routes!(password))
        .routes(routes!(token))
        .merge(own_codes::routes())
        .merge(own_passkeys::routes())
}

/// A browser or program that is signed in.
#[derive(Serialize, ToSchema)]
struct OwnSignIn {
    /// Its id.
    id: String,
    /// `browser` or `token`.
    kind: &'static str,
    /// What it is told apart by.
    label: String,
    /// When it began.
    created_at: Instant,
    /// When it ends by itself.
    expires_at: Instant,
    /// Whether it is the one that asks.
    this: bool,
}

/// What is signed in.
#[derive(Serialize, ToSchema)]
struct OwnSignIns {
    /// The newest first.
    items: Vec<OwnSignIn>,
}

/// What shows that it is the caller who asks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShownPassword {
    /// The caller's password once more.
    password: String,
}

impl ShownPassword {
    pub(crate) fn secret(self) -> Secret {
        Secret::new(self.password)
    }
}

/// The caller's password, and the one to come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordRequest {
    /// The password of now.
    present: String,
    /// The new one: 12 to 256 characters that are not easy to guess.
    password: String,
}

/// What an access token is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    /// What it is for: 1 to 100 characters.
    #[schema(example = "nightly report")]
    label: String,
    /// How many days it is to work: 1 to 366.
    #[schema(example = 30)]
    days: u16,
    /// The caller's password once more.
    password: String,
}

/// An access token that was made.
#[derive(Serialize, ToSchema)]
struct NewToken<'a> {
    /// The id by which it is listed and ended.
    id: String,
    /// What a program sends as `Authorization: Bearer`; `null` in the answer to a repetition after
    /// 24 hours.
    token: Option<&'a str>,
    /// When it ends by itself.
    expires_at: Instant,
}

/// The caller's own sign-ins and tokens
#[utoipa::path(get, path = "/v1/sign-ins", tag = "persons", operation_id = "listSignIns",
    responses((status = 200, body = OwnSignIns), Problems))]
async fn list(State(desk): State<Management>, by: By) -> Result<Json<OwnSignIns>, Problem> {
    let all = sign_ins_of(&desk.authority, by.own()?).await;
    let own = by.sign_in.as_ref().map(|own| own.id);
    let items = all.map_err(unable)?.into_iter().map(|one| OwnSignIn {
        id: one.id.to_string(),
        kind: one.kind.as_str(),
        this: own == Some(one.id),
        label: one.label,
        created_at: one.created_at.into(),
        expires_at: one.expires_at.into(),
    });
    let items = items.collect();
    Ok(Json(OwnSignIns { items }))
}

/// End a sign-in or token of the caller
#[utoipa::path(delete, path = "/v1/sign-ins/{sign_in}", tag = "persons",
    operation_id = "endSignIn",
    params(("sign_in" = String, Path, description = "Id of the sign-in")),
    responses((status = 204, description = "It has ended"), Problems))]
async fn end(
    State(desk): State<Management>,
    by: By,
    Path(given): Path<String>,
) -> Result<StatusCode, Problem> {
    let id: SignInId = given.parse().map_err(|why| malformed(&why))?;
    let ended = end_sign_in(&desk.authority, by.own()?.kept.id, id).await;
    if !ended.map_err(unable)? {
        let why = format!("there is no sign-in `{id}` of yours");
        return Err(Problem::of(&codes::RESOURCE_UNKNOWN).because(why));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Change the caller's password
///
/// Every sign-in and token from before ends with it, the one that asks too. Asks for the password of
/// now, and counts as a try at it.
#[utoipa::path(post, path = "/v1/password", tag = "persons", operation_id = "changePassword",
    request_body = PasswordRequest,
    responses((status = 204, description = "It is changed"), Problems))]
async fn password(
    State(desk): State<Management>,
    by: By,
    Json(wanted): Json<PasswordRequest>,
) -> Result<StatusCode, Problem> {
    let passwords = (Secret::new(wanted.present), Secret::new(wanted.password));
    let changed = change_password(&desk.authority, by.own()?, passwords).await;
    changed.map_err(person_refused)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make an access token of the caller
///
/// A program may do with it what the caller may. Asks for the password once more, and counts as a
/// try at it. The token is in this answer alone.
#[utoipa::path(post, path = "/v1/access-tokens", tag = "persons", operation_id = "makeAccessToken",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = TokenRequest,
    responses((status = 201, body = NewToken), Problems))]
async fn token(
    State(desk): State<Management>,
    posted: Posted<TokenRequest>,
) -> Result<Response, Instead> {
    let made = async {
        let (person, wanted) = (posted.by.own()?, &posted.body);
        let password = Secret::new(wanted.password.clone());
        let token = (&*wanted.label, wanted.days);
        let made = make_access_token(&desk.authority, person, password, token).await;
        made.map_err(person_refused)
    };
    let made = match made.await {
        Ok(made) => made,
        Err(problem) => return Ok(posted.end::<()>(&desk, 201, Err(problem)).await?),
    };
    let told = |shown: bool| NewToken {
        id: made.sign_in.id.to_string(),
        token: shown.then(|| made.secret.expose()),
        expires_at: made.sign_in.expires_at.into(),
    };
    let answer = posted.answer_once(&desk, 201, (&told(true), &told(false)));
    posted.keep(&desk, answer.map_err(unable)?).await?;
    Ok(posted.end(&desk, 201, Ok(told(true))).await?)
}
