use std::any::Any;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use flows::{ChangeRefused, Changed, EntryChange, Fate, KeptAnswer, Unable, change_entry};
use http::{StatusCode, header};
use http_kit::{EntityTag, Json, Listing, Page, Path, Precondition, Problem, codes};
use primitives::{AccountId, AppId, Name};
use serde::{Deserialize, Serialize};
use state::{
    Document,
    document::{
        Account, AnomalyRule, Api, App, Capability, Description, Ladder, Limit, List, Plan, Policy,
        Profile, Property, Region, RiskModel, Settings,
    },
};
use store::{EventAction, Kind, Resource};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    Management,
    instant::Instant,
    names::{account_name, app_name, name, unknown},
    operator::By,
    refusals::{change_refused, failed},
};

/// How many rows one request looks at when a filter lets few through.
const LOOKS: usize = 20;

/// The name of the one entry that the settings are.
const SETTINGS: &str = "settings";

/// A resource: an entry of the state document with what the store knows of it.
#[derive(Serialize)]
pub(crate) struct View<T> {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    version: u64,
    created_at: Instant,
    updated_at: Instant,
    entry: T,
}

/// Which resources to list. `developer` and `api` are for apps.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    q: Option<String>,
    developer: Option<String>,
    api: Option<String>,
}

/// The word for a kind's list in paths.
pub(crate) const fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Settings => "settings",
        Kind::Property => "properties",
        Kind::Ladder => "ladders",
        Kind::Region => "regions",
        Kind::Policy => "policies",
        Kind::Profile => "profiles",
        Kind::Capability => "capabilities",
        Kind::RiskModel => "risk_models",
        Kind::Limit => "limits",
        Kind::List => "lists",
        Kind::Plan => "plans",
        Kind::Description => "descriptions",
        Kind::Api => "apis",
        Kind::AnomalyRule => "anomaly_rules",
        Kind::Account => "accounts",
        Kind::App => "apps",
    }
}

/// Whether it is the word for the list of a kind.
pub(crate) fn is_list(word: &str) -> bool {
    Kind::ALL.into_iter().any(|kind| plural(kind) == word)
}

/// The four operations of every kind: one implementation, a type for each kind.
pub(crate) fn routes() -> OpenApiRouter<Management> {
    let router = OpenApiRouter::new();
    let router = kind::<Settings>(router);
    let router = kind::<Property>(router);
    let router = kind::<Ladder>(router);
    let router = kind::<Region>(router);
    let router = kind::<Policy>(router);
    let router = kind::<Profile>(router);
    let router = kind::<Capability>(router);
    let router = kind::<RiskModel>(router);
    let router = kind::<Limit>(router);
    let router = kind::<List>(router);
    let router = kind::<Plan>(router);
    let router = kind::<Description>(router);
    let router = kind::<Api>(router);
    let router = kind::<AnomalyRule>(router);
    let router = kind::<Account>(router);
    kind::<App>(router)
}

fn kind<T: Document + Send + Sync + 'static>(
    router: OpenApiRouter<Management>,
) -> OpenApiRouter<Management> {
    let list = format!("/v1/{}", plural(T::KIND));
    let one: MethodRouter<Management> = get(read::<T>).put(put::<T>).delete(delete::<T>);
    router
        .route(&list, get(browse::<T>))
        .route(&format!("{list}/{{name}}"), one)
}

fn view<T: Document>(resource: &Resource) -> Result<View<T>, Problem> {
    let entry = T::from_body(&resource.body).map_err(|failure| Problem::internal(&failure))?;
    Ok(View {
        name: resource.name.to_string(),
        id: match resource.kind {
            Kind::Account => Some(AccountId::from_u128(resource.id).to_string()),
            Kind::App => Some(AppId::from_u128(resource.id).to_string()),
            _ => None,
        },
        version: resource.version.0,
        created_at: resource.created_at.into(),
        updated_at: resource.updated_at.into(),
        entry,
    })
}

fn called(desk: &Management, kind: Kind, given: &str) -> Result<Name, Problem> {
    match kind {
        Kind::Account => account_name(desk, given),
        Kind::App => app_name(desk, given),
        Kind::Settings if given != SETTINGS => Err(Problem::of(&codes::RESOURCE_UNKNOWN)
            .because(format!("the settings are one entry, called `{SETTINGS}`"))),
        _ => name(given),
    }
}

async fn find(desk: &Management, kind: Kind, name: &Name) -> Result<Option<Resource>, Problem> {
    let found = desk.authority.store.resource(kind, name).await;
    found.map_err(failed)
}

fn fits(filter: &Filter, resource: &Resource) -> bool {
    let named = |q: &String| resource.name.as_str().contains(q.as_str());
    if !filter.q.as_ref().is_none_or(named) {
        return false;
    }
    if filter.developer.is_none() && filter.api.is_none() {
        return true;
    }
    let Ok(app) = App::from_body(&resource.body) else {
        return false;
    };
    let of = |developer: &String| app.developer.as_str() == developer;
    let subscribed = |api: &String| app.apis.iter().any(|there| there.as_str() == api);
    filter.developer.as_ref().is_none_or(of) && filter.api.as_ref().is_none_or(subscribed)
}

async fn browse<T: Document>(
    State(desk): State<Management>,
    listing: Listing<Filter>,
) -> Result<Json<Page<View<T>>>, Problem> {
    let mut after = listing.position::<Name>()?;
    let (mut items, mut more) = (Vec::new(), true);
    for _ in 0..LOOKS {
        let rows = desk
            .authority
            .store
            .resources(T::KIND, after.as_ref(), listing.rows());
        let rows = rows.await.map_err(failed)?;
        more = rows.len() > listing.wanted();
        for row in rows {
            if items.len() == listing.wanted() {
                more = true;
                break;
            }
            if fits(&listing.filter, &row) {
                items.push(view(&row)?);
            }
            after = Some(row.name);
        }
        if !more || items.len() == listing.wanted() {
            break;
        }
    }
    let next = after.filter(|_| more).map(String::from);
    Ok(Json(listing.page_until(items, next)))
}

async fn read<T: Document>(
    State(desk): State<Management>,
    Path(given): Path<String>,
    precondition: Precondition,
) -> Result<Response, Problem> {
    let name = called(&desk, T::KIND, &given)?;
    let found = find(&desk, T::KIND, &name).await?;
    let found = found.ok_or_else(|| unknown(T::KIND.as_str(), &given))?;
    let tag = EntityTag::of(found.version.0);
    if precondition.is_unchanged(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag.header())]).into_response());
    }
    Ok(tagged(&tag, Json(view::<T>(&found)?)))
}

fn tagged(tag: &EntityTag, body: impl IntoResponse) -> Response {
    ([(header::ETAG, tag.header())], body).into_response()
}

/// Writes of single entries are repeated with `If-Match`, not with idempotency keys.
#[expect(clippy::unnecessary_wraps, reason = "the shape is the use-case's")]
fn no_answer(_: &Changed) -> Result<Option<KeptAnswer>, Unable> {
    Ok(None)
}

/// The condition as the use-case asks it, on what is there at that moment.
fn expected(precondition: &Precondition, before: Option<&Resource>) -> Result<(), ChangeRefused> {
    let tag = before.map(|before| EntityTag::of(before.version.0));
    precondition
        .check_write(tag.as_ref())
        .map_err(|_| ChangeRefused::Unexpected {
            found: before.map(|before| before.version),
        })
}

/// Keys are taken over by an import, all at once: an app's entry that carries some is a mistake.
fn no_keys(entry: &dyn Any) -> Result<(), Problem> {
    match entry.downcast_ref::<App>() {
        Some(app) if !app.keys.is_empty() => Err(Problem::of(&codes::CHANGE_REFUSED)
            .because("`keys` cannot be set here; take them over with `POST /v1/import`")),
        _ => Ok(()),
    }
}

async fn put<T: Document + Send + Sync + 'static>(
    State(desk): State<Management>,
    by: By,
    Path(given): Path<String>,
    precondition: Precondition,
    Json(entry): Json<T>,
) -> Result<Response, Problem> {
    let change = EntryChange {
        actor: &by.actor(),
        kind: T::KIND,
        name: &called(&desk, T::KIND, &given)?,
    };
    no_keys(&entry)?;
    let body = entry.to_body();
    let decide = |before: Option<&Resource>, _: &snapshot::Snapshot| {
        expected(&precondition, before)?;
        Ok(Fate::Body(body.clone()))
    };
    let changed = change_entry(&desk.authority, &desk.loader, change, &decide, &no_answer).await;
    let changed = changed.map_err(change_refused)?;
    let status = match changed.action {
        Some(EventAction::Created) => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    let tag = EntityTag::of(changed.resource.version.0);
    Ok((status, tagged(&tag, Json(view::<T>(&changed.resource)?))).into_response())
}

async fn delete<T: Document + Send + Sync + 'static>(
    State(desk): State<Management>,
    by: By,
    Path(given): Path<String>,
    precondition: Precondition,
) -> Result<StatusCode, Problem> {
    let change = EntryChange {
        actor: &by.actor(),
        kind: T::KIND,
        name: &called(&desk, T::KIND, &given)?,
    };
    let decide = |before: Option<&Resource>, _: &snapshot::Snapshot| {
        expected(&precondition, before)?;
        Ok(Fate::Gone)
    };
    let changed = change_entry(&desk.authority, &desk.loader, change, &decide, &no_answer).await;
    changed.map_err(change_refused)?;
    Ok(StatusCode::NO_CONTENT)
}
