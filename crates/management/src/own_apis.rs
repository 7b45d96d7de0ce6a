use std::collections::BTreeSet;

use admission::Identified;
use axum::extract::State;
use catalog::Api;
use decision::CapabilityAnswer;
use flows::NotDescribed;
use http_kit::{Json, Listing, Path, Problem, Problems, THREE_TOKENS, codes};
use primitives::{Revision, Symbol, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use snapshot::Snapshot;
use store::Event;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    instant::Instant,
    me::{OwnKey, unidentified},
    names::{app_name, unknown},
    refusals::{failed, unable},
};

/// What helps a developer to build an app that works here (P-16).
pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(own_description))
        .routes(routes!(own_changes))
}

/// The same, asked by the operator.
pub(crate) fn operator_routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new().routes(routes!(description_of_app))
}

/// From when on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Since {
    /// Only what changed at this time or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Instant>,
}

/// What changed for an app.
#[derive(Serialize, ToSchema)]
pub(crate) struct Notices {
    /// The oldest first.
    items: Vec<Notice>,
    /// The `cursor` to go on with: at once while there is `more`, later otherwise.
    next: String,
    /// Whether there is more already.
    more: bool,
}

/// Something that changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Notice {
    /// When.
    at: Instant,
    /// `account` (its level, switches or limits), `app`, `key`, `vetting`, `api`, `description`,
    /// `capability`, `limit`, `ladder`, or `rules` of the provider.
    what: &'static str,
    /// `created`, `updated` or `deleted`.
    action: &'static str,
    /// Its name; not told of rules.
    name: Option<String>,
}

/// The description of an API, as far as your app may call it
///
/// OpenAPI, with the operations that at least one granted capability opens, and nothing of the
/// others. Where and with which credentials it is called here is said in it.
#[utoipa::path(get, path = "/v1/me/apis/{api}/openapi.json", tag = "me",
    operation_id = "getOwnDescription", security(("app" = [])),
    params(("api" = String, Path, description = "Name of the API")),
    responses((status = 200, body = Value, description = "An OpenAPI document"), Problems))]
async fn own_description(
    State(desk): State<Management>,
    key: OwnKey,
    Path(api): Path<String>,
) -> Result<Json<Value>, Problem> {
    let snapshot = desk.snapshots().load_full();
    let caller = desk.admission.identify(&snapshot, &key.0);
    let caller = caller.map_err(unidentified)?;
    let answers = desk.admission.capabilities_as(&snapshot, &caller);
    described(&desk, &snapshot, &answers, &api).await
}

/// The description of an API, as far as an app may call it
///
/// In live mode, with a key that is bound to nothing.
#[utoipa::path(get, path = "/v1/apps/{app}/apis/{api}/openapi.json", tag = "developers",
    operation_id = "getAppDescription",
    params(("app" = String, Path, description = "Name or id of the app"),
        ("api" = String, Path, description = "Name of the API")),
    responses((status = 200, body = Value, description = "An OpenAPI document"), Problems))]
async fn description_of_app(
    State(desk): State<Management>,
    Path((given, api)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let named = app_name(&desk, &given)?;
    let snapshot = desk.snapshots().load_full();
    let app = snapshot.app_named(named.as_str());
    let app = app.ok_or_else(|| unknown("app", &given))?;
    let answers = desk.admission.capabilities(&snapshot, app);
    described(&desk, &snapshot, &answers, &api).await
}

/// An API the app is not subscribed to is as unknown as one that is not there.
pub(crate) async fn described(
    desk: &Management,
    snapshot: &Snapshot,
    answers: &[(Symbol, Vec<CapabilityAnswer>)],
    given: &str,
) -> Result<Json<Value>, Problem> {
    let told = flows::own_description(&desk.authority, snapshot, (given, answers), schemes()).await;
    told.map(Json).map_err(|why| match why {
        NotDescribed::Unknown => unknown("api", given),
        NotDescribed::Unreadable => Problem::of(&codes::DESCRIPTION_INVALID),
        NotDescribed::Unable(failure) => unable(failure),
    })
}

/// How callers show who they are.
fn schemes() -> Map<String, Value> {
    let [user, password, signature] = THREE_TOKENS;
    let three = format!("`{user}`, `{password}` and `{signature}`, all three");
    let schemes = json!({
        "key": { "type": "http", "scheme": "basic", "description": "A key's id and secret" },
        "three_tokens": {
            "type": "apiKey", "in": "header", "name": signature, "description": three,
        },
        "certificate": { "type": "mutualTLS", "description": "A client certificate" },
    });
    match schemes {
        Value::Object(schemes) => schemes,
        _ => Map::new(),
    }
}

/// How many pages of events one request looks at.
const LOOKS: usize = 10;

/// What changed for your app
///
/// From the event log: its own keys, its developer's account, the APIs it is subscribed to and
/// what their operations use. Ask again with `next`.
#[utoipa::path(get, path = "/v1/me/changes", tag = "me", operation_id = "listOwnChanges",
    security(("app" = [])), params(Since, http_kit::PageParameters),
    responses((status = 200, body = Notices), Problems))]
async fn own_changes(
    State(desk): State<Management>,
    key: OwnKey,
    listing: Listing<Since>,
) -> Result<Json<Notices>, Problem> {
    let snapshot = desk.snapshots().load_full();
    let caller = desk.admission.identify(&snapshot, &key.0);
    let caller = caller.map_err(unidentified)?;
    let answers = desk.admission.capabilities_as(&snapshot, &caller);
    let concern = Concern::of(&snapshot, &caller, &answers);
    let mut after = Revision(listing.position::<u64>()?.unwrap_or(0));
    let since = listing.filter.since.map(Timestamp::from);
    let (mut items, mut more) = (Vec::new(), true);
    for _ in 0..LOOKS {
        let events = desk.authority.store.events(after, listing.rows()).await;
        let events = events.map_err(failed)?;
        let Some(last) = events.last() else {
            more = false;
            break;
        };
        after = last.revision;
        let late = events
            .iter()
            .filter(|event| since.is_none_or(|since| event.at >= since));
        items.extend(late.filter_map(|event| concern.notice(event)));
        if items.len() >= listing.wanted() {
            break;
        }
    }
    let page = listing.page_until(items, Some(after.0.to_string()));
    Ok(Json(Notices {
        items: page.items,
        next: page.next.unwrap_or_default(),
        more,
    }))
}

/// What an app is told of.
struct Concern {
    account: String,
    app: String,
    app_id: String,
    apis: BTreeSet<String>,
    capabilities: BTreeSet<String>,
    ladders: BTreeSet<String>,
    limits: BTreeSet<String>,
}

impl Concern {
    fn of(
        snapshot: &Snapshot,
        caller: &Identified<'_>,
        answers: &[(Symbol, Vec<CapabilityAnswer>)],
    ) -> Self {
        let (vocabulary, catalogue) = (snapshot.vocabulary(), snapshot.catalogue());
        let apis = answers
            .iter()
            .filter_map(|(api, _)| catalogue.apis.get(*api));
        let apis: Vec<&Api> = apis.collect();
        let ladders = apis.iter().map(|api| vocabulary.ladders.name(api.ladder));
        let used = || answers.iter().flat_map(|(_, answers)| answers);
        let capabilities = used().map(|one| vocabulary.capabilities.name(one.capability));
        let limits = used().flat_map(|one| &one.limits);
        Self {
            account: caller.developer.name.to_string(),
            app: caller.app.name.to_string(),
            app_id: caller.app.id.to_string(),
            apis: apis.iter().map(|api| api.name.to_string()).collect(),
            ladders: ladders.map(|one| one.to_string()).collect(),
            limits: limits
                .map(|one| vocabulary.limits.name(one.limit).to_string())
                .collect(),
            capabilities: capabilities.map(|one| one.to_string()).collect(),
        }
    }

    /// What is told of an event, if it concerns the app.
    fn notice(&self, event: &Event) -> Option<Notice> {
        let named = |known: bool, what| known.then(|| (what, Some(event.name.clone())));
        let api_of = || event.name.split_once('@').map(|(api, _)| api);
        let (what, name) = match event.kind.as_str() {
            "account" => named(event.name == self.account, "account"),
            "vetting" => named(event.name == self.account, "vetting"),
            "app" => named(event.name == self.app, "app"),
            "credential" => named(self.is_own_key(event), "key"),
            "api" => named(self.apis.contains(&event.name), "api"),
            "description" => named(
                api_of().is_some_and(|api| self.apis.contains(api)),
                "description",
            ),
            "capability" => named(self.capabilities.contains(&event.name), "capability"),
            "limit" => named(self.limits.contains(&event.name), "limit"),
            "ladder" => named(self.ladders.contains(&event.name), "ladder"),
            // What they are called is the provider's.
            "policy" | "list" | "plan" | "profile" | "region" | "settings" => Some(("rules", None)),
            _ => None,
        }?;
        Some(Notice {
            at: event.at.into(),
            what,
            action: event.action.as_str(),
            name,
        })
    }

    /// A key's event names the app it is of.
    fn is_own_key(&self, event: &Event) -> bool {
        let detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
        let app = detail.get("app").and_then(Value::as_str);
        app.is_some_and(|app| app == self.app || app == self.app_id)
    }
}
