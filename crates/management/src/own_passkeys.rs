//! One's own passkeys.

use axum::extract::State;
use flows::{Person, PersonRefused, add_passkey, begin_passkey, passkeys_of, remove_passkey};
use http::StatusCode;
use http_kit::{Json, Path, Problem, Problems, codes};
use passkeys::Party;
use primitives::PasskeyId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Passkey;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    instant::Instant,
    names::malformed,
    operator::By,
    own_sign_ins::ShownPassword,
    refusals::{person_refused, unable},
};

/// What is one's own, whoever one is.
pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(begin))
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

impl From<Passkey> for OwnPasskey {
    fn from(one: Passkey) -> Self {
        Self {
            id: one.id.to_string(),
            name: one.name,
            backed_up: one.backed_up,
            created_at: one.created_at.into(),
            used_at: one.used_at.map(Instant::from),
        }
    }
}

/// What a client is to be asked.
#[derive(Serialize, ToSchema)]
struct PasskeyOptions {
    /// `PublicKeyCredentialCreationOptions` of Web Authentication in its JSON form, for
    /// `parseCreationOptionsFromJSON`.
    #[schema(value_type = Object)]
    options: Value,
}

/// A passkey that a client has made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasskeyMade {
    /// What it is to be told apart by: 1 to 100 characters.
    #[schema(example = "phone")]
    name: String,
    /// What the client answered: a `RegistrationResponseJSON` of Web Authentication.
    #[schema(value_type = Object)]
    answer: Value,
}

/// The caller's own passkeys
#[utoipa::path(get, path = "/v1/passkeys", tag = "persons", operation_id = "listPasskeys",
    responses((status = 200, body = OwnPasskeys), Problems))]
async fn list(State(desk): State<Management>, by: By) -> Result<Json<OwnPasskeys>, Problem> {
    let all = passkeys_of(&desk.authority, by.own()?).await;
    let items = all.map_err(unable)?.into_iter().map(OwnPasskey::from);
    let items = items.collect();
    Ok(Json(OwnPasskeys { items }))
}

/// Begin to add a passkey of the caller
///
/// Answers what a client is to be asked, with a challenge that is the caller's and works once, for
/// five minutes. The passkey is one of the console's address, or of the site's for a developer. Asks
/// for the password once more, and counts as a try at it.
#[utoipa::path(post, path = "/v1/passkeys/begin", tag = "persons", operation_id = "beginPasskey",
    request_body = ShownPassword,
    responses((status = 200, body = PasskeyOptions), Problems))]
async fn begin(
    State(desk): State<Management>,
    by: By,
    Json(shown): Json<ShownPassword>,
) -> Result<Json<PasskeyOptions>, Problem> {
    let (person, password) = (by.own()?, shown.secret());
    let party = party(&desk, person)?;
    let options = begin_passkey(&desk.authority, (person, &party), password).await;
    let options = options.map_err(person_refused)?;
    Ok(Json(PasskeyOptions { options }))
}

/// Add a passkey of the caller
///
/// It signs the caller in alone, without password and code. Its challenge is used up whatever comes
/// of it.
#[utoipa::path(post, path = "/v1/passkeys", tag = "persons", operation_id = "addPasskey",
    request_body = PasskeyMade,
    responses((status = 201, body = OwnPasskey), Problems))]
async fn add(
    State(desk): State<Management>,
    by: By,
    Json(made): Json<PasskeyMade>,
) -> Result<(StatusCode, Json<OwnPasskey>), Problem> {
    let person = by.own()?;
    let party = party(&desk, person)?;
    let answer = made.answer.to_string();
    let added = add_passkey(&desk.authority, (person, &party), (&made.name, &answer)).await;
    if let Err(PersonRefused::Passkey(why)) = &added {
        desk.refused.count(*why);
    }
    let added = added.map_err(person_refused)?;
    Ok((StatusCode::CREATED, Json(added.into())))
}

/// For whom this person's passkeys are made.
fn party(desk: &Management, person: &Person) -> Result<Party, Problem> {
    let party = desk.rules.origins.party(&person.duties);
    party.map_err(|why| Problem::of(&codes::CHANGE_REFUSED).because(why.to_string()))
}

/// Remove a passkey of the caller
///
/// It signs nobody in any more. Asks for the password once more, and counts as a try at it.
#[utoipa::path(post, path = "/v1/passkeys/{passkey}/remove", tag = "persons",
    operation_id = "removePasskey",
    params(("passkey" = String, Path, description = "Id of the passkey")),
    request_body = ShownPassword,
    responses((status = 204, description = "It is removed"), Problems))]
async fn remove(
    State(desk): State<Management>,
    by: By,
    Path(given): Path<String>,
    Json(shown): Json<ShownPassword>,
) -> Result<StatusCode, Problem> {
    let id: PasskeyId = given.parse().map_err(|why| malformed(&why))?;
    let password = shown.secret();
    let removed = remove_passkey(&desk.authority, (by.own()?, id), password).await;
    removed.map_err(person_refused)?;
    Ok(StatusCode::NO_CONTENT)
}
