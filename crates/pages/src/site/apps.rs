use axum::{
    Form,
    body::Bytes,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use decision::App;
use flows::{
    ChangeRefused, IssuedKey, KeyRefused, KeyWanted, MOST_OWN_APPS, OwnApp, OwnAppRefused,
    issue_key, make_own_app, own_app, own_apps, revoke_key, rotate_key,
};
use primitives::{AccountId, CredentialId, Mode, Name, Secret};
use serde::{Deserialize, Serialize};
use snapshot::Snapshot;
use state::document::{self, Document as _};
use store::{CredentialKind, Kind};

use crate::{
    console::{
        Console, PageProblem,
        apps::{ApiCapabilities, complete_list},
    },
    sign_in::sentence,
    views::{Crumb, Empty, KeyRow},
};

const LIST: &str = "/apps";

#[derive(Serialize)]
struct ListView {
    section: &'static str,
    rows: Vec<OwnRow>,
    apis: Vec<ApiChoice>,
    title: String,
    most: usize,
    problem: Option<String>,
}

#[derive(Serialize)]
struct OwnRow {
    name: String,
    title: String,
    href: String,
    apis: Vec<String>,
    active: bool,
}

#[derive(Serialize)]
struct ApiChoice {
    name: String,
    ticked: bool,
}

#[derive(Serialize)]
struct AppView {
    section: &'static str,
    crumbs: [Crumb; 1],
    app: OwnRow,
    keys: Vec<KeyRow>,
    no_keys: Empty,
    apis: Vec<ApiCapabilities>,
    public: String,
    /// A key that has just been made, shown this once.
    shown: Option<ShownKey>,
    problem: Option<String>,
}

#[derive(Serialize)]
struct ShownKey {
    id: String,
    secret: String,
    /// The third token, of three.
    signature: Option<String>,
    mode: &'static str,
}

/// A key that is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    mode: Mode,
}

/// How long the replaced key goes on working.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Overlap {
    seconds: i64,
}

impl OwnRow {
    async fn of(site: &Console, app: &App, snapshot: &Snapshot) -> Result<Self, PageProblem> {
        let resource = site.authority.store.resource(Kind::App, &app.name).await?;
        let title = resource
            .and_then(|resource| document::App::from_body(&resource.body).ok())
            .and_then(|app| app.title);
        let apis = &snapshot.vocabulary().apis;
        let named = app
            .subscriptions
            .iter()
            .map(|api| apis.name(api).to_string());
        Ok(Self {
            title: title.unwrap_or_else(|| app.name.to_string()),
            href: format!("{LIST}/{}", app.name),
            apis: named.collect(),
            active: app.active,
            name: app.name.to_string(),
        })
    }
}

/// `GET /apps`: one's own, and a form for another.
pub(super) async fn list(site: Console) -> Result<Response, PageProblem> {
    let Some(developer) = site.developer() else {
        return Ok(site.no_developer());
    };
    listed(&site, developer, (&OwnApp::default(), None)).await
}

async fn listed(
    site: &Console,
    developer: AccountId,
    (typed, problem): (&OwnApp, Option<String>),
) -> Result<Response, PageProblem> {
    let snapshot = site.snapshots.load_full();
    let mut rows = Vec::new();
    for app in own_apps(&snapshot, developer) {
        rows.push(OwnRow::of(site, app, &snapshot).await?);
    }
    let status = match problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let view = ListView {
        section: "apps",
        rows,
        apis: choices(&snapshot, &typed.apis),
        title: typed.title.clone(),
        most: MOST_OWN_APPS,
        problem,
    };
    Ok((status, site.page("own_apps.html", &view)).into_response())
}

fn choices(snapshot: &Snapshot, ticked: &[Name]) -> Vec<ApiChoice> {
    let vocabulary = snapshot.vocabulary();
    let apis = snapshot.catalogue().apis.iter();
    let mut names: Vec<String> = apis
        .map(|(api, _)| vocabulary.apis.name(api).to_string())
        .collect();
    names.sort();
    let choice = |name: String| ApiChoice {
        ticked: ticked.iter().any(|one| one.as_str() == name),
        name,
    };
    names.into_iter().map(choice).collect()
}

/// `POST /apps`: makes an app. Fields that are not of the form are refused (S-76).
pub(super) async fn make(site: Console, body: Bytes) -> Result<Response, PageProblem> {
    let Some(developer) = site.developer() else {
        return Ok(site.no_developer());
    };
    let mut wanted = OwnApp::default();
    for (field, value) in form_urlencoded::parse(&body) {
        match (&*field, value.parse::<Name>()) {
            ("title", _) => wanted.title = value.into_owned(),
            ("api", Ok(api)) => wanted.apis.push(api),
            _ => return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response()),
        }
    }
    let by = site.caller().actor();
    let who = (by.as_str(), developer);
    let made = make_own_app(&site.authority, &site.loader, who, &wanted, &|_| Ok(None)).await;
    match made {
        Ok(changed) => {
            let there = format!("{LIST}/{}", changed.resource.name);
            Ok(Redirect::to(&there).into_response())
        }
        Err(OwnAppRefused::Change(ChangeRefused::Unable(failure))) => Err(failure.into()),
        Err(why) => {
            let says = sentence(&why.to_string());
            listed(&site, developer, (&wanted, Some(says))).await
        }
    }
}

/// `GET /apps/{name}`: its keys, and what it may do.
pub(super) async fn show(site: Console, Path(name): Path<String>) -> Result<Response, PageProblem> {
    page(&site, &name, (None, None)).await
}

async fn page(
    site: &Console,
    name: &str,
    (shown, problem): (Option<ShownKey>, Option<String>),
) -> Result<Response, PageProblem> {
    let snapshot = site.snapshots.load_full();
    let own = site
        .developer()
        .and_then(|own| own_app(&snapshot, own, name));
    let Some(app) = own else {
        return Ok(site.not_found("app"));
    };
    let keys = site.authority.store.credentials_of(&app.name).await?;
    let now = site.now();
    let status = match problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let answers = site.admission.capabilities(&snapshot, app);
    let mut apis = complete_list(&answers, &snapshot, app);
    for api in &mut apis {
        api.hide_policies();
    }
    let view = AppView {
        section: "apps",
        crumbs: [Crumb {
            title: "My apps",
            href: LIST.to_owned(),
        }],
        app: OwnRow::of(site, app, &snapshot).await?,
        keys: keys.iter().map(|key| KeyRow::of(key, now)).collect(),
        no_keys: Empty {
            title: "No keys yet".to_owned(),
            says: "Without one the app cannot call. Make one below; its secret is shown once."
                .to_owned(),
            command: None,
            action: None,
        },
        apis,
        public: site.place.public.clone(),
        shown,
        problem,
    };
    Ok((status, site.page("own_app.html", &view)).into_response())
}

/// The name of an app of one's own; another's is as good as none.
fn own_name(site: &Console, name: &str) -> Option<Name> {
    let snapshot = site.snapshots.load();
    let app = own_app(&snapshot, site.developer()?, name)?;
    Some(app.name.clone())
}

async fn after(
    site: &Console,
    name: &str,
    issued: Result<IssuedKey, KeyRefused>,
) -> Result<Response, PageProblem> {
    match issued {
        Ok(issued) => {
            site.loader.refresh().await?;
            let text = |secret: Option<&Secret>| secret.map(|secret| secret.expose().to_owned());
            let shown = ShownKey {
                id: issued.credential.id.to_string(),
                mode: issued.credential.mode.as_str(),
                secret: text(issued.secret.as_ref()).unwrap_or_default(),
                signature: text(issued.signature.as_ref()),
            };
            page(site, name, (Some(shown), None)).await
        }
        Err(KeyRefused::Unable(failure)) => Err(failure.into()),
        Err(why) => page(site, name, (None, Some(sentence(&why.to_string())))).await,
    }
}

/// `POST /apps/{name}/keys`: makes a key, shown once.
pub(super) async fn issue(
    site: Console,
    Path(name): Path<String>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, PageProblem> {
    let Some(app) = own_name(&site, &name) else {
        return Ok(site.not_found("app"));
    };
    let wanted = KeyWanted {
        app,
        mode: wanted.mode,
        permissions: None,
        expires_at: None,
        kind: CredentialKind::Key,
        certificate: None,
    };
    let by = site.caller().actor();
    let issued = issue_key(&site.authority, &by, &wanted, &|_| Ok(None)).await;
    after(&site, &name, issued).await
}

/// `POST /apps/{name}/keys/{key}/rotate`: another key, and the old one works a while longer.
pub(super) async fn rotate(
    site: Console,
    Path((name, key)): Path<(String, String)>,
    Form(overlap): Form<Overlap>,
) -> Result<Response, PageProblem> {
    let (Some(app), Ok(key)) = (own_name(&site, &name), key.parse::<CredentialId>()) else {
        return Ok(site.not_found("key"));
    };
    let by = site.caller().actor();
    let which = (&app, key);
    let issued = rotate_key(&site.authority, &by, which, overlap.seconds, &|_| Ok(None)).await;
    after(&site, &name, issued).await
}

/// `POST /apps/{name}/keys/{key}/revoke`: the key ends at once.
pub(super) async fn revoke(
    site: Console,
    Path((name, key)): Path<(String, String)>,
) -> Result<Response, PageProblem> {
    let (Some(app), Ok(key)) = (own_name(&site, &name), key.parse::<CredentialId>()) else {
        return Ok(site.not_found("key"));
    };
    let by = site.caller().actor();
    match revoke_key(&site.authority, &by, (&app, key)).await {
        Ok(_) => {
            site.loader.refresh().await?;
            Ok(Redirect::to(&format!("{LIST}/{app}")).into_response())
        }
        Err(KeyRefused::Unable(failure)) => Err(failure.into()),
        Err(_) => Ok(site.not_found("key")),
    }
}
