use std::collections::BTreeMap;

use accounts::persons::Action;
use axum::{extract::State, response::Response};
use decision::Catalogue;
use flows::{
    Changed, Edit, Panel, Switch, Toggle, assign_level, change_app, change_developer, confine,
    limit_at_level, panel, reset_to_level, set_limits, switch_app, switch_developer, within_reach,
};
use http_kit::{Json, Path, Problem, Problems};
use primitives::Name;
use serde::{Deserialize, Serialize};
use state::{
    Document as _,
    document::{self, Account, App, GeoRule, LimitValue},
};
use store::Kind;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    names::{account_name, app_name, name, unknown},
    posted::{Instead, Posted},
    refusals::{change_refused, failed, unable},
};

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(level))
        .routes(routes!(reset))
        .routes(routes!(toggles))
        .routes(routes!(limits))
        .routes(routes!(geography))
        .routes(routes!(app_toggles))
        .routes(routes!(app_limits))
}

/// A developer as the operator's panel shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = DeveloperPanel)]
pub(crate) struct Developer {
    /// Name of the account.
    account: String,
    /// The revision that last changed it.
    version: u64,
    /// Level, capabilities, limits and overrides.
    #[schema(value_type = Value)]
    panel: Panel,
}

/// An app after a change of its toggles or limits.
#[derive(Serialize, ToSchema)]
pub(crate) struct Narrowed {
    /// Name of the app.
    app: String,
    /// The revision that last changed it.
    version: u64,
    /// Capabilities switched off for it.
    off: Vec<String>,
    /// Its edited limits, which can only narrow.
    #[schema(value_type = BTreeMap<String, Value>)]
    limits: BTreeMap<Name, LimitValue>,
}

/// The level a developer is to stand on.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LevelRequest {
    /// The ladder; `default` when left out.
    #[schema(value_type = Option<String>)]
    ladder: Option<Name>,
    /// The level; `null` is the lowest.
    #[schema(value_type = Option<String>)]
    level: Option<Name>,
}

/// Nothing has to be said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetRequest {}

/// How capabilities are to stand, by name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToggleRequest {
    /// `default`, `off`, `on` or `business_unit`, by name of the capability.
    #[schema(value_type = BTreeMap<String, String>)]
    toggles: BTreeMap<Name, Switch>,
}

/// Values of limits, by name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitRequest {
    /// A number, a number by currency, `unlimited`, or `null` to take the edit back.
    #[schema(value_type = BTreeMap<String, Value>)]
    limits: BTreeMap<Name, Option<LimitValue>>,
}

/// Where capabilities may be used, by name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GeographyRequest {
    /// The developer's own location rules of a capability, all of which must hold:
    /// `[{"subject": "caller_now", "regions": ["EU"]}]`. None takes them back.
    #[schema(value_type = BTreeMap<String, Vec<Value>>)]
    geography: BTreeMap<Name, Vec<GeoRule>>,
}

impl ToggleRequest {
    fn list(&self) -> Vec<Toggle> {
        let toggle = |(capability, switch): (&Name, &Switch)| Toggle {
            capability: capability.clone(),
            switch: *switch,
        };
        self.toggles.iter().map(toggle).collect()
    }
}

fn developer(desk: &Management, changed: &Changed) -> Result<Developer, flows::Unable> {
    let unreadable = || flows::Unable::Unreadable(changed.resource.name.to_string());
    let account = Account::from_body(&changed.resource.body).map_err(|_| unreadable())?;
    let snapshot = desk.snapshots().load();
    Ok(Developer {
        account: changed.resource.name.to_string(),
        version: changed.resource.version.0,
        panel: panel(snapshot.catalogue(), &account.developer.unwrap_or_default()),
    })
}

fn narrowed(changed: &Changed) -> Result<Narrowed, flows::Unable> {
    let unreadable = || flows::Unable::Unreadable(changed.resource.name.to_string());
    let app = App::from_body(&changed.resource.body).map_err(|_| unreadable())?;
    Ok(Narrowed {
        app: changed.resource.name.to_string(),
        version: changed.resource.version.0,
        off: app.off.iter().map(ToString::to_string).collect(),
        limits: app.limits,
    })
}

/// Edits a developer, and answers with the panel as it is then.
async fn edit_developer<T>(
    desk: &Management,
    given: &str,
    posted: &Posted<T>,
    edit: Edit<'_, document::Developer>,
) -> Result<Developer, Problem>
where
    T: Sync,
{
    let name = account_name(desk, given)?;
    let keep = |changed: &Changed| posted.answer(200, &developer(desk, changed)?);
    let (at, loader) = (&desk.authority, &desk.loader);
    let changed = change_developer(at, loader, (&posted.by.actor(), &name), edit, &keep).await;
    developer(desk, &changed.map_err(change_refused)?).map_err(unable)
}

/// Edits an app, and answers with what is narrowed then.
async fn edit_app<T>(
    desk: &Management,
    given: &str,
    posted: &Posted<T>,
    edit: Edit<'_, App>,
) -> Result<Narrowed, Problem>
where
    T: Sync,
{
    let name = app_name(desk, given)?;
    let keep = |changed: &Changed| posted.answer(200, &narrowed(changed)?);
    let (at, loader) = (&desk.authority, &desk.loader);
    let changed = change_app(at, loader, (&posted.by.actor(), &name), edit, &keep).await;
    narrowed(&changed.map_err(change_refused)?).map_err(unable)
}

/// A developer's level, capabilities, limits and overrides
#[utoipa::path(get, path = "/v1/accounts/{account}/panel", tag = "developers",
    operation_id = "getDeveloperPanel",
    params(("account" = String, Path, description = "Name or id of the account")),
    responses((status = 200, body = Developer), Problems))]
async fn show(
    State(desk): State<Management>,
    Path(given): Path<String>,
) -> Result<Json<Developer>, Problem> {
    let name = account_name(&desk, &given)?;
    let found = desk.authority.store.resource(Kind::Account, &name).await;
    let resource = found
        .map_err(failed)?
        .ok_or_else(|| unknown("account", &given))?;
    let seen = Changed {
        revision: resource.version,
        action: None,
        resource,
    };
    Ok(Json(developer(&desk, &seen).map_err(unable)?))
}

/// Put a developer on a level
///
/// The capabilities become the new level's. Toggles and edited limits stay, and are shown as
/// overrides until they are reset.
#[utoipa::path(post, path = "/v1/accounts/{account}/level", tag = "developers",
    operation_id = "assignLevel",
    params(("account" = String, Path, description = "Name or id of the account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = LevelRequest,
    responses((status = 200, body = Developer), Problems))]
async fn level(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<LevelRequest>,
) -> Result<Response, Instead> {
    let edited = async {
        let ladder = match &posted.body.ladder {
            Some(ladder) => ladder.clone(),
            None => name("default")?,
        };
        let level = posted.body.level.as_ref();
        let edit = |catalogue: &Catalogue, developer: &mut document::Developer| {
            assign_level(catalogue, developer, &ladder, level)
        };
        edit_developer(&desk, &given, &posted, &edit).await
    };
    Ok(posted.end(&desk, 200, edited.await).await?)
}

/// Reset a developer to the level
///
/// Clears switched-off capabilities, edited limits and places of its own.
#[utoipa::path(post, path = "/v1/accounts/{account}/level/reset", tag = "developers",
    operation_id = "resetToLevel",
    params(("account" = String, Path, description = "Name or id of the account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = ResetRequest,
    responses((status = 200, body = Developer), Problems))]
async fn reset(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<ResetRequest>,
) -> Result<Response, Instead> {
    let edit = |_: &Catalogue, developer: &mut document::Developer| {
        reset_to_level(developer);
        Ok(())
    };
    let edited = edit_developer(&desk, &given, &posted, &edit).await;
    Ok(posted.end(&desk, 200, edited).await?)
}

/// Set toggles of a developer
///
/// All of them or none.
#[utoipa::path(post, path = "/v1/accounts/{account}/toggles", tag = "developers",
    operation_id = "setDeveloperToggles",
    params(("account" = String, Path, description = "Name or id of the account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = ToggleRequest,
    responses((status = 200, body = Developer), Problems))]
async fn toggles(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<ToggleRequest>,
) -> Result<Response, Instead> {
    let toggles = posted.body.list();
    // The door is open to whoever may switch some.
    let reach = posted.by.may(Action::SwitchDevelopers);
    let edit = |catalogue: &Catalogue, developer: &mut document::Developer| {
        within_reach(catalogue, &toggles, reach)?;
        switch_developer(catalogue, developer, &toggles)
    };
    let edited = edit_developer(&desk, &given, &posted, &edit).await;
    Ok(posted.end(&desk, 200, edited).await?)
}

/// Edit limits of a developer
///
/// All of them or none. Of a value by currency, currencies that are not named stay as they are.
#[utoipa::path(post, path = "/v1/accounts/{account}/limits", tag = "developers",
    operation_id = "setDeveloperLimits",
    params(("account" = String, Path, description = "Name or id of the account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = LimitRequest,
    responses((status = 200, body = Developer), Problems))]
async fn limits(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<LimitRequest>,
) -> Result<Response, Instead> {
    let edit = |catalogue: &Catalogue, developer: &mut document::Developer| {
        let unedited = developer.clone();
        set_limits(&mut developer.limits, &posted.body.limits, |limit| {
            limit_at_level(catalogue, &unedited, limit)
        });
        Ok(())
    };
    let edited = edit_developer(&desk, &given, &posted, &edit).await;
    Ok(posted.end(&desk, 200, edited).await?)
}

/// Confine capabilities of a developer to places
///
/// All of them or none. They narrow where anybody may use the capability.
#[utoipa::path(post, path = "/v1/accounts/{account}/geography", tag = "developers",
    operation_id = "confineDeveloper",
    params(("account" = String, Path, description = "Name or id of the account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = GeographyRequest,
    responses((status = 200, body = Developer), Problems))]
async fn geography(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<GeographyRequest>,
) -> Result<Response, Instead> {
    let edit = |catalogue: &Catalogue, developer: &mut document::Developer| {
        confine(catalogue, developer, &posted.body.geography)
    };
    let edited = edit_developer(&desk, &given, &posted, &edit).await;
    Ok(posted.end(&desk, 200, edited).await?)
}

/// Set toggles of an app
///
/// An app only narrows what its developer has: `off`, or `default` to take that back.
#[utoipa::path(post, path = "/v1/apps/{app}/toggles", tag = "developers",
    operation_id = "setAppToggles",
    params(("app" = String, Path, description = "Name or id of the app"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = ToggleRequest,
    responses((status = 200, body = Narrowed), Problems))]
async fn app_toggles(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<ToggleRequest>,
) -> Result<Response, Instead> {
    let toggles = posted.body.list();
    let edit = |catalogue: &Catalogue, app: &mut App| switch_app(catalogue, app, &toggles);
    let edited = edit_app(&desk, &given, &posted, &edit).await;
    Ok(posted.end(&desk, 200, edited).await?)
}

/// Edit limits of an app, which only narrow
///
/// Of a value by currency that was set before, currencies that are not named stay as they are; of
/// a new one they are closed to the app.
#[utoipa::path(post, path = "/v1/apps/{app}/limits", tag = "developers",
    operation_id = "setAppLimits",
    params(("app" = String, Path, description = "Name or id of the app"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = LimitRequest,
    responses((status = 200, body = Narrowed), Problems))]
async fn app_limits(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<LimitRequest>,
) -> Result<Response, Instead> {
    let edit = |_: &Catalogue, app: &mut App| {
        set_limits(&mut app.limits, &posted.body.limits, |_| None);
        Ok(())
    };
    let edited = edit_app(&desk, &given, &posted, &edit).await;
    Ok(posted.end(&desk, 200, edited).await?)
}
