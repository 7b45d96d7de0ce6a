use axum::{extract::State, response::Response};
use flows::{IssuedKey, KeyWanted, issue_key, revoke_key, rotate_key};
use http_kit::{Json, Path, Problem, Problems};
use primitives::{CredentialId, Mode, Name, Secret};
use serde::{Deserialize, Serialize};
use store::{Credential, CredentialKind};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    instant::Instant,
    names::{app_name, key_id, known_app},
    operator::By,
    posted::{Instead, Posted},
    refusals::{failed, key_refused},
};

/// How long a replaced key goes on working when nothing else is said: a day.
const OVERLAP_SECONDS: i64 = 86_400;

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(list, issue))
        .routes(routes!(rotate))
        .routes(routes!(revoke))
}

/// A key of an app, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct Key {
    /// Public id: the user name of HTTP Basic.
    #[schema(example = "key_01k0000000000000000000000")]
    id: String,
    /// The id it had before the move here, accepted as user name as well.
    external_id: Option<String>,
    /// The app's name.
    app: String,
    /// `test` or `live`.
    #[schema(value_type = String, example = "live")]
    mode: Mode,
    /// Last characters of the secret, to tell keys apart.
    hint: String,
    /// The permission profile it is bound to; everything if `null`.
    permissions: Option<String>,
    /// When it was made.
    created_at: Instant,
    /// When it stops working.
    expires_at: Option<Instant>,
    /// When it was revoked.
    revoked_at: Option<Instant>,
    /// How it is shown: `key`, `three_token` or `certificate`.
    #[schema(example = "key")]
    kind: &'static str,
    /// SHA-256 of the certificate that is shown with it, or instead of it.
    certificate: Option<String>,
}

impl From<&Credential> for Key {
    fn from(key: &Credential) -> Self {
        Self {
            id: key.id.to_string(),
            external_id: key.external_id.clone(),
            app: key.app_name.to_string(),
            mode: key.mode,
            hint: key.hint.clone(),
            permissions: key.permissions.as_ref().map(ToString::to_string),
            created_at: key.created_at.into(),
            expires_at: key.expires_at.map(Into::into),
            revoked_at: key.revoked_at.map(Into::into),
            kind: key.kind.as_str(),
            certificate: key.certificate.map(|one| Fingerprint(one).to_string()),
        }
    }
}

/// The keys of an app.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyList {
    /// The newest first.
    items: Vec<Key>,
}

/// A key that has just been issued.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewKey {
    /// The key.
    key: Key,
    /// The secret or password, shown this once; `null` for a certificate, and in the answer to a
    /// repetition after 24 hours.
    secret: Option<String>,
    /// The signature of three tokens, shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

impl NewKey {
    fn of(issued: &IssuedKey, shown: bool) -> Self {
        let text = |secret: Option<&Secret>| {
            let secret = secret.filter(|_| shown)?;
            Some(secret.expose().to_owned())
        };
        Self {
            key: Key::from(&issued.credential),
            secret: text(issued.secret.as_ref()),
            signature: text(issued.signature.as_ref()),
        }
    }
}

/// What a new key is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyRequest {
    /// `test` or `live`.
    #[schema(value_type = String, example = "live")]
    mode: Mode,
    /// The permission profile it is bound to; everything when left out.
    #[schema(value_type = Option<String>)]
    permissions: Option<Name>,
    /// When it is to stop working.
    expires_at: Option<Instant>,
    /// `key` when left out; `three_token` for user name, password and signature; `certificate` for
    /// the client certificate alone.
    #[serde(default)]
    kind: Shown,
    /// SHA-256 of a client certificate in DER, in hexadecimal. It has to be shown as well, or, with
    /// `kind: certificate`, alone.
    #[schema(value_type = Option<String>)]
    certificate: Option<Fingerprint>,
}

/// How a credential is shown.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shown {
    #[default]
    Key,
    ThreeToken,
    Certificate,
}

impl From<Shown> for CredentialKind {
    fn from(shown: Shown) -> Self {
        match shown {
            Shown::Key => Self::Key,
            Shown::ThreeToken => Self::ThreeToken,
            Shown::Certificate => Self::Certificate,
        }
    }
}

/// SHA-256 of a certificate: 64 hexadecimal digits, with colons between bytes if need be.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Fingerprint([u8; 32]);

impl TryFrom<String> for Fingerprint {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = match text.len() {
            95 => text.replace(':', ""),
            _ => text,
        };
        keys::unhex(&digits)
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or("a certificate is named by its SHA-256: 64 hexadecimal digits")
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How a key is replaced.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// For how many seconds the old key goes on working; a day when left out.
    #[schema(minimum = 0, maximum = 2_592_000)]
    overlap_seconds: Option<i64>,
}

/// The keys of an app
///
/// Revoked and expired ones included, without secrets.
#[utoipa::path(get, path = "/v1/apps/{app}/keys", tag = "keys", operation_id = "listKeys",
    params(("app" = String, Path, description = "Name or id of the app")),
    responses((status = 200, body = KeyList), Problems))]
async fn list(
    State(desk): State<Management>,
    Path(app): Path<String>,
) -> Result<Json<KeyList>, Problem> {
    keys_of(&desk, &known_app(&desk, &app)?).await
}

/// The keys of an app that the caller may see.
pub(crate) async fn keys_of(desk: &Management, app: &Name) -> Result<Json<KeyList>, Problem> {
    let keys = desk.authority.store.credentials_of(app).await;
    let items = keys.map_err(failed)?.iter().map(Key::from).collect();
    Ok(Json(KeyList { items }))
}

/// Issue a key
///
/// The secret is in the answer and nowhere else.
#[utoipa::path(post, path = "/v1/apps/{app}/keys", tag = "keys", operation_id = "issueKey",
    params(("app" = String, Path, description = "Name or id of the app"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = KeyRequest,
    responses((status = 201, body = NewKey), Problems))]
async fn issue(
    State(desk): State<Management>,
    Path(app): Path<String>,
    posted: Posted<KeyRequest>,
) -> Result<Response, Instead> {
    let wanted = app_name(&desk, &app).map(|app| KeyWanted {
        app,
        mode: posted.body.mode,
        permissions: posted.body.permissions.clone(),
        expires_at: posted.body.expires_at.map(Into::into),
        kind: posted.body.kind.into(),
        certificate: posted.body.certificate.map(|one| one.0),
    });
    issue_as(&desk, &posted, wanted).await
}

/// Issues a key of an app that the caller may handle.
pub(crate) async fn issue_as<T: Sync>(
    desk: &Management,
    posted: &Posted<T>,
    wanted: Result<KeyWanted, Problem>,
) -> Result<Response, Instead> {
    let issued = async {
        let wanted = wanted?;
        let keep = |issued: &IssuedKey| {
            let bodies = (NewKey::of(issued, true), NewKey::of(issued, false));
            posted.answer_once(desk, 201, (&bodies.0, &bodies.1))
        };
        let issued = issue_key(&desk.authority, &posted.by.actor(), &wanted, &keep).await;
        let issued = issued.map_err(key_refused)?;
        desk.settle().await?;
        Ok(NewKey::of(&issued, true))
    };
    Ok(posted.end(desk, 201, issued.await).await?)
}

/// Replace a key
///
/// A key like it is issued, and the old one goes on working for the overlap.
#[utoipa::path(post, path = "/v1/apps/{app}/keys/{key}/rotate", tag = "keys",
    operation_id = "rotateKey",
    params(("app" = String, Path, description = "Name or id of the app"),
        ("key" = String, Path, description = "Id of the key"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = Rotation,
    responses((status = 201, body = NewKey), Problems))]
async fn rotate(
    State(desk): State<Management>,
    Path((app, key)): Path<(String, String)>,
    posted: Posted<Rotation>,
) -> Result<Response, Instead> {
    let which = app_name(&desk, &app).and_then(|app| Ok((app, key_id(&key)?)));
    rotate_as(&desk, &posted, which).await
}

/// Replaces a key of an app that the caller may handle.
pub(crate) async fn rotate_as(
    desk: &Management,
    posted: &Posted<Rotation>,
    which: Result<(Name, CredentialId), Problem>,
) -> Result<Response, Instead> {
    let issued = async {
        let (app, key) = which?;
        let keep = |issued: &IssuedKey| {
            let bodies = (NewKey::of(issued, true), NewKey::of(issued, false));
            posted.answer_once(desk, 201, (&bodies.0, &bodies.1))
        };
        let overlap = posted.body.overlap_seconds.unwrap_or(OVERLAP_SECONDS);
        let by = posted.by.actor();
        let issued = rotate_key(&desk.authority, &by, (&app, key), overlap, &keep).await;
        let issued = issued.map_err(key_refused)?;
        desk.settle().await?;
        Ok(NewKey::of(&issued, true))
    };
    Ok(posted.end(desk, 201, issued.await).await?)
}

/// Revoke a key
///
/// It stops working at once, for ever.
#[utoipa::path(delete, path = "/v1/apps/{app}/keys/{key}", tag = "keys",
    operation_id = "revokeKey",
    params(("app" = String, Path, description = "Name or id of the app"),
        ("key" = String, Path, description = "Id of the key")),
    responses((status = 200, body = Key), Problems))]
async fn revoke(
    State(desk): State<Management>,
    by: By,
    Path((app, key)): Path<(String, String)>,
) -> Result<Json<Key>, Problem> {
    let (app, key) = (app_name(&desk, &app)?, key_id(&key)?);
    revoke_as(&desk, &by, (&app, key)).await
}

/// Revokes a key of an app that the caller may handle.
pub(crate) async fn revoke_as(
    desk: &Management,
    by: &By,
    which: (&Name, CredentialId),
) -> Result<Json<Key>, Problem> {
    let revoked = revoke_key(&desk.authority, &by.actor(), which).await;
    let (key, _) = revoked.map_err(key_refused)?;
    desk.settle().await?;
    Ok(Json(Key::from(&key)))
}
