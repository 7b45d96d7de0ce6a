use accounts::vetting::Vetting;
use axum::{extract::State, response::Response};
use decision::App;
use flows::{
    Application, Changed, KeyWanted, OwnApp, OwnDeveloper, Vetted, VettingDocument,
    apply_for_level, make_own_app, own_app, own_apps, own_developer, withdraw_application,
};
use http_kit::{Json, Listing, Page, PageParameters, Path, Problem, Problems};
use primitives::{AccountId, AppId, CredentialId, Mode, Name, RecordId};
use serde::{Deserialize, Serialize};
use snapshot::Snapshot;
use state::document::{self, Document as _};
use store::{CallFilter, CallsWanted, CredentialKind, Kind};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    app_keys::{Key, KeyList, NewKey, Rotation, issue_as, keys_of, revoke_as, rotate_as},
    audit::Whole,
    call_records::{self, Call, OwnExplanation, settled},
    instant::Instant,
    me::{Capabilities, shown_to_developer},
    names::{key_id, name, record_id, unknown},
    operator::By,
    own_apis::described,
    posted::{Instead, Posted},
    refusals::{failed, own_app_refused, unable, vetting_refused},
};

/// What somebody of a developer account asks and changes, about that account alone.
pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(apply))
        .routes(routes!(withdraw))
        .routes(routes!(list, make))
        .routes(routes!(one))
        .routes(routes!(capabilities))
        .routes(routes!(description))
        .routes(routes!(calls))
        .routes(routes!(explain))
        .routes(routes!(keys, issue))
        .routes(routes!(rotate))
        .routes(routes!(revoke))
}

/// A developer account, as those who belong to it see it.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeveloperAccount {
    /// The identifier that was assigned.
    id: String,
    /// The account's name.
    name: String,
    /// What the developer is called.
    title: String,
    /// Whether the account counts as verified; until then it has nothing.
    verified: bool,
    /// Where it stands on each ladder that one can apply on.
    ladders: Vec<LadderStanding>,
}

/// Where a developer stands on a ladder.
#[derive(Serialize, ToSchema)]
pub(crate) struct LadderStanding {
    /// The ladder.
    ladder: String,
    /// The level; `null` is the lowest.
    level: Option<String>,
    /// The levels above it, the next first.
    above: Vec<LevelAbove>,
    /// `in_review`, `approved`, `refused` or `withdrawn`; `null` when they never applied.
    state: Option<&'static str>,
    /// Signals of the risk model whose question the account does not answer: a person has to look.
    unknown: Vec<String>,
    /// Signals that count against a higher level.
    against: Vec<String>,
}

/// A level above the present one.
#[derive(Serialize, ToSchema)]
pub(crate) struct LevelAbove {
    /// The level.
    level: String,
    /// Whether what is known of the account allows it.
    fits: bool,
}

/// An app of one's own.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnedApp {
    /// Its id.
    id: String,
    /// The name that was assigned.
    name: String,
    /// What it is called.
    title: String,
    /// The APIs it is subscribed to.
    apis: Vec<String>,
    /// Whether it may call at all.
    active: bool,
}

/// One's own apps.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnedApps {
    /// By name.
    items: Vec<OwnedApp>,
}

/// An app to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnedAppRequest {
    /// What it is called.
    title: String,
    /// The APIs it is to call.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    apis: Vec<Name>,
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnedKeyRequest {
    /// `test` or `live`.
    #[schema(value_type = String, example = "test")]
    mode: Mode,
    /// When it is to stop working.
    expires_at: Option<Instant>,
}

/// An application for a level.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnApplication {
    /// The ladder; `default` when left out.
    #[schema(value_type = Option<String>)]
    ladder: Option<Name>,
    /// The level; the highest that fits when left out.
    #[schema(value_type = Option<String>)]
    level: Option<Name>,
}

/// What came of applying.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnVetting {
    /// The ladder.
    ladder: String,
    /// `in_review`, `approved`, `refused` or `withdrawn`.
    state: &'static str,
    /// The level now; `null` is the lowest.
    level: Option<String>,
}

impl OwnVetting {
    fn of(vetted: &Vetted) -> Self {
        Self {
            ladder: vetted.kept.ladder.to_string(),
            state: state_of(&vetted.vetting),
            level: vetted.level.as_ref().map(ToString::to_string),
        }
    }
}

fn state_of(vetting: &Vetting) -> &'static str {
    VettingDocument::of(vetting).state()
}

impl From<OwnDeveloper> for DeveloperAccount {
    fn from(own: OwnDeveloper) -> Self {
        let names = |names: &[Name]| names.iter().map(ToString::to_string).collect();
        let above = |step: &flows::OwnStep| LevelAbove {
            level: step.level.to_string(),
            fits: step.fits,
        };
        let ladders = own.ladders.iter().map(|one| LadderStanding {
            ladder: one.ladder.to_string(),
            level: one.level.as_ref().map(ToString::to_string),
            above: one.above.iter().map(above).collect(),
            state: one.vetting.as_ref().map(state_of),
            unknown: names(&one.unknown),
            against: names(&one.against),
        });
        Self {
            id: own.id.to_string(),
            name: own.name.to_string(),
            title: own.title,
            verified: own.verified,
            ladders: ladders.collect(),
        }
    }
}

impl OwnedApp {
    async fn of(desk: &Management, app: &App, snapshot: &Snapshot) -> Result<Self, Problem> {
        let store = &desk.authority.store;
        let resource = store.resource(Kind::App, &app.name).await.map_err(failed)?;
        let title = resource
            .and_then(|resource| document::App::from_body(&resource.body).ok())
            .and_then(|app| app.title);
        let apis = &snapshot.vocabulary().apis;
        let named = app.subscriptions.iter();
        Ok(Self {
            id: app.id.to_string(),
            title: title.unwrap_or_else(|| app.name.to_string()),
            apis: named.map(|api| apis.name(api).to_string()).collect(),
            active: app.active,
            name: app.name.to_string(),
        })
    }
}

/// The app of one's own with this name; another's is answered as one that is not there.
fn own_name(desk: &Management, by: &By, given: &str) -> Result<Name, Problem> {
    let snapshot = desk.snapshots().load();
    let found = own_app(&snapshot, by.developer()?, given);
    Ok(found.ok_or_else(|| unknown("app", given))?.name.clone())
}

async fn own(desk: &Management, by: &By) -> Result<OwnDeveloper, Problem> {
    let (snapshot, id): (_, AccountId) = (desk.snapshots().load_full(), by.developer()?);
    let own = own_developer(&desk.authority, &snapshot, id).await;
    own.map_err(unable)?
        .ok_or_else(|| unknown("account", &id.to_string()))
}

/// One's developer account
///
/// The level now, and what stands in the way of the next one.
#[utoipa::path(get, path = "/v1/developer", tag = "developer", operation_id = "getOwnDeveloper",
    responses((status = 200, body = DeveloperAccount), Problems))]
async fn show(State(desk): State<Management>, by: By) -> Result<Json<DeveloperAccount>, Problem> {
    Ok(Json(own(&desk, &by).await?.into()))
}

fn ladder(given: Option<&Name>) -> Result<Name, Problem> {
    given.map_or_else(|| name("default"), |given| Ok(given.clone()))
}

/// Apply for a level
///
/// The risk model decides at once what it may; the rest waits in review.
#[utoipa::path(post, path = "/v1/developer/vetting", tag = "developer",
    operation_id = "applyForOwnLevel",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = OwnApplication,
    responses((status = 200, body = OwnVetting), Problems))]
async fn apply(
    State(desk): State<Management>,
    posted: Posted<OwnApplication>,
) -> Result<Response, Instead> {
    let done = async {
        let (own, by) = (own(&desk, &posted.by).await?, posted.by.actor());
        let ladder = ladder(posted.body.ladder.as_ref())?;
        let which = Application {
            account: &own.name,
            ladder: &ladder,
        };
        let keep = |vetted: &Vetted| posted.answer(200, &OwnVetting::of(vetted));
        let level = posted.body.level.as_ref();
        let moved = apply_for_level(desk.vetting(), (&by, which), level, &keep).await;
        moved
            .map(|one| OwnVetting::of(&one))
            .map_err(vetting_refused)
    };
    Ok(posted.end(&desk, 200, done.await).await?)
}

/// Take one's application back
#[utoipa::path(post, path = "/v1/developer/vetting/withdraw", tag = "developer",
    operation_id = "withdrawOwnApplication",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = OwnApplication,
    responses((status = 200, body = OwnVetting), Problems))]
async fn withdraw(
    State(desk): State<Management>,
    posted: Posted<OwnApplication>,
) -> Result<Response, Instead> {
    let done = async {
        let (own, by) = (own(&desk, &posted.by).await?, posted.by.actor());
        let ladder = ladder(posted.body.ladder.as_ref())?;
        let which = Application {
            account: &own.name,
            ladder: &ladder,
        };
        let keep = |vetted: &Vetted| posted.answer(200, &OwnVetting::of(vetted));
        let moved = withdraw_application(desk.vetting(), (&by, which), &keep).await;
        moved
            .map(|one| OwnVetting::of(&one))
            .map_err(vetting_refused)
    };
    Ok(posted.end(&desk, 200, done.await).await?)
}

/// One's apps
#[utoipa::path(get, path = "/v1/developer/apps", tag = "developer", operation_id = "listOwnApps",
    responses((status = 200, body = OwnedApps), Problems))]
async fn list(State(desk): State<Management>, by: By) -> Result<Json<OwnedApps>, Problem> {
    let (snapshot, developer) = (desk.snapshots().load_full(), by.developer()?);
    let mut items = Vec::new();
    for app in own_apps(&snapshot, developer) {
        items.push(OwnedApp::of(&desk, app, &snapshot).await?);
    }
    Ok(Json(OwnedApps { items }))
}

/// Make an app
///
/// Its name is assigned.
#[utoipa::path(post, path = "/v1/developer/apps", tag = "developer", operation_id = "makeOwnApp",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = OwnedAppRequest,
    responses((status = 201, body = OwnedApp), Problems))]
async fn make(
    State(desk): State<Management>,
    posted: Posted<OwnedAppRequest>,
) -> Result<Response, Instead> {
    let told = |changed: &Changed| OwnedApp {
        id: primitives::AppId::from_u128(changed.resource.id).to_string(),
        name: changed.resource.name.to_string(),
        title: posted.body.title.trim().to_owned(),
        apis: posted.body.apis.iter().map(ToString::to_string).collect(),
        active: true,
    };
    let made = async {
        let (by, developer) = (posted.by.actor(), posted.by.developer()?);
        let wanted = OwnApp {
            title: posted.body.title.clone(),
            apis: posted.body.apis.clone(),
        };
        let keep = |changed: &Changed| posted.answer(201, &told(changed));
        let who = (by.as_str(), developer);
        let made = make_own_app(&desk.authority, &desk.loader, who, &wanted, &keep).await;
        made.map(|changed| told(&changed)).map_err(own_app_refused)
    };
    Ok(posted.end(&desk, 201, made.await).await?)
}

/// An app of one's own
#[utoipa::path(get, path = "/v1/developer/apps/{app}", tag = "developer",
    operation_id = "getOwnApp",
    params(("app" = String, Path, description = "Name of the app")),
    responses((status = 200, body = OwnedApp), Problems))]
async fn one(
    State(desk): State<Management>,
    by: By,
    Path(given): Path<String>,
) -> Result<Json<OwnedApp>, Problem> {
    let (snapshot, developer) = (desk.snapshots().load_full(), by.developer()?);
    let app = own_app(&snapshot, developer, &given);
    let app = app.ok_or_else(|| unknown("app", &given))?;
    Ok(Json(OwnedApp::of(&desk, app, &snapshot).await?))
}

/// What an app of one's own may and may not do, in live mode
#[utoipa::path(get, path = "/v1/developer/apps/{app}/capabilities", tag = "developer",
    operation_id = "getOwnAppCapabilities",
    params(("app" = String, Path, description = "Name of the app")),
    responses((status = 200, body = Capabilities), Problems))]
async fn capabilities(
    State(desk): State<Management>,
    by: By,
    Path(given): Path<String>,
) -> Result<Json<Capabilities>, Problem> {
    let (snapshot, developer) = (desk.snapshots().load_full(), by.developer()?);
    let app = own_app(&snapshot, developer, &given);
    let app = app.ok_or_else(|| unknown("app", &given))?;
    Ok(Json(shown_to_developer(&desk, &snapshot, app)))
}

/// The description of an API, as far as an app of one's own may call it
///
/// In live mode, with a key that is bound to nothing.
#[utoipa::path(get, path = "/v1/developer/apps/{app}/apis/{api}/openapi.json", tag = "developer",
    operation_id = "getOwnAppDescription",
    params(("app" = String, Path, description = "Name of the app"),
        ("api" = String, Path, description = "Name of the API")),
    responses((status = 200, body = serde_json::Value, description = "An OpenAPI document"), Problems))]
async fn description(
    State(desk): State<Management>,
    by: By,
    Path((given, api)): Path<(String, String)>,
) -> Result<Json<serde_json::Value>, Problem> {
    let (snapshot, developer) = (desk.snapshots().load_full(), by.developer()?);
    let app = own_app(&snapshot, developer, &given);
    let app = app.ok_or_else(|| unknown("app", &given))?;
    let answers = desk.admission.capabilities(&snapshot, app);
    described(&desk, &snapshot, &answers, &api).await
}

/// Calls of an app of one's own, the newest first
///
/// A call appears within seconds after it has ended.
#[utoipa::path(get, path = "/v1/developer/apps/{app}/calls", tag = "developer",
    operation_id = "listOwnCalls",
    params(("app" = String, Path, description = "Name of the app"), PageParameters),
    responses((status = 200, body = Page<Call>), Problems))]
async fn calls(
    State(desk): State<Management>,
    by: By,
    Path(given): Path<String>,
    listing: Listing<Whole>,
) -> Result<Json<Page<Call>>, Problem> {
    let before = listing.position::<RecordId>()?;
    let filter = CallFilter {
        app: Some(own_id(&desk, &by, &given)?),
        ..CallFilter::default()
    };
    call_records::page(
        &desk,
        CallsWanted::new(filter, before, listing.size()),
        &listing,
    )
    .await
}

/// Why a call of one's own app was decided as it was
///
/// What the app was answered: every gate, and the smallest change that would have admitted it.
#[utoipa::path(get, path = "/v1/developer/apps/{app}/calls/{id}", tag = "developer",
    operation_id = "explainOwnCall",
    params(("app" = String, Path, description = "Name of the app"),
        ("id" = String, Path, description = "Id of the decision, as the refusal told it")),
    responses((status = 200, body = OwnExplanation), Problems))]
async fn explain(
    State(desk): State<Management>,
    by: By,
    Path((given, id)): Path<(String, String)>,
) -> Result<Json<OwnExplanation>, Problem> {
    let app = own_id(&desk, &by, &given)?;
    let row = settled(&desk, record_id(&id)?).await?;
    let row = row.filter(|row| row.app == Some(app));
    let row = row.ok_or_else(|| unknown("decision", &id))?;
    Ok(Json(OwnExplanation::of(&row)))
}

fn own_id(desk: &Management, by: &By, given: &str) -> Result<AppId, Problem> {
    let snapshot = desk.snapshots().load();
    let found = own_app(&snapshot, by.developer()?, given);
    Ok(found.ok_or_else(|| unknown("app", given))?.id)
}

/// Keys of an app of one's own
///
/// Revoked and expired ones included, without secrets.
#[utoipa::path(get, path = "/v1/developer/apps/{app}/keys", tag = "developer",
    operation_id = "listOwnKeys",
    params(("app" = String, Path, description = "Name of the app")),
    responses((status = 200, body = KeyList), Problems))]
async fn keys(
    State(desk): State<Management>,
    by: By,
    Path(given): Path<String>,
) -> Result<Json<KeyList>, Problem> {
    keys_of(&desk, &own_name(&desk, &by, &given)?).await
}

/// Issue a key of an app of one's own
///
/// The secret is in the answer and nowhere else.
#[utoipa::path(post, path = "/v1/developer/apps/{app}/keys", tag = "developer",
    operation_id = "issueOwnKey",
    params(("app" = String, Path, description = "Name of the app"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = OwnedKeyRequest,
    responses((status = 201, body = NewKey), Problems))]
async fn issue(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<OwnedKeyRequest>,
) -> Result<Response, Instead> {
    let wanted = own_name(&desk, &posted.by, &given).map(|app| KeyWanted {
        app,
        mode: posted.body.mode,
        permissions: None,
        expires_at: posted.body.expires_at.map(Into::into),
        kind: CredentialKind::Key,
        certificate: None,
    });
    issue_as(&desk, &posted, wanted).await
}

/// Replace a key of an app of one's own
///
/// A key like it is issued, and the old one goes on working for the overlap.
#[utoipa::path(post, path = "/v1/developer/apps/{app}/keys/{key}/rotate", tag = "developer",
    operation_id = "rotateOwnKey",
    params(("app" = String, Path, description = "Name of the app"),
        ("key" = String, Path, description = "Id of the key"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = Rotation,
    responses((status = 201, body = NewKey), Problems))]
async fn rotate(
    State(desk): State<Management>,
    Path((given, key)): Path<(String, String)>,
    posted: Posted<Rotation>,
) -> Result<Response, Instead> {
    let which = which(&desk, &posted.by, (&given, &key));
    rotate_as(&desk, &posted, which).await
}

/// Revoke a key of an app of one's own
///
/// It stops working at once, for ever.
#[utoipa::path(delete, path = "/v1/developer/apps/{app}/keys/{key}", tag = "developer",
    operation_id = "revokeOwnKey",
    params(("app" = String, Path, description = "Name of the app"),
        ("key" = String, Path, description = "Id of the key")),
    responses((status = 200, body = Key), Problems))]
async fn revoke(
    State(desk): State<Management>,
    by: By,
    Path((given, key)): Path<(String, String)>,
) -> Result<Json<Key>, Problem> {
    let (app, key) = which(&desk, &by, (&given, &key))?;
    revoke_as(&desk, &by, (&app, key)).await
}

fn which(
    desk: &Management,
    by: &By,
    (app, key): (&str, &str),
) -> Result<(Name, CredentialId), Problem> {
    Ok((own_name(desk, by, app)?, key_id(key)?))
}
