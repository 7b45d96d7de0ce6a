use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    Extension,
    body::Bytes,
    extract::{ConnectInfo, Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use catalog::{ParameterPlace, openapi::CallableOperation};
use flows::{
    NotDescribed, NotTried, Trial, TrialOutcome, TryDesk, TryKey, own_app, own_reference, try_call,
};
use primitives::{Mode, Name, Secret};
use serde::{Deserialize, Serialize};
use store::{Credential, CredentialKind};

use super::reference::crumbs;
use crate::{
    console::{Console, PageProblem, form::Fields},
    sign_in::sentence,
    views::{AnswerView, CallDetail, Crumb, FieldView, KeyChoice},
};

/// The operation that is asked for.
#[derive(Deserialize)]
pub(super) struct Asked {
    operation: String,
}

#[derive(Serialize)]
struct View {
    section: &'static str,
    crumbs: [Crumb; 3],
    here: String,
    api: String,
    #[serde(flatten)]
    form: FormView,
    keys: Vec<KeyChoice>,
    secret: String,
    /// Whether there is a test upstream that could answer.
    can_try: bool,
    problem: Option<String>,
    answer: Option<AnswerView>,
}

/// What is asked of an operation, as it was typed or with examples.
#[derive(Serialize)]
struct FormView {
    operation: OperationView,
    fields: Vec<FieldView>,
    bodies: Vec<BodyChoice>,
    needs_body: bool,
    body: String,
}

#[derive(Serialize)]
struct OperationView {
    key: String,
    method: String,
    template: String,
    summary: String,
    about: String,
    deprecated: bool,
}

#[derive(Serialize)]
struct BodyChoice {
    media_type: String,
    chosen: bool,
}

/// What was typed, with a key that works for it.
struct Typed {
    fields: Fields,
    key: Option<(String, Secret)>,
}

impl Typed {
    fn text(&self, name: &str) -> Option<String> {
        let mut given = self.fields.all(name);
        given.next().map(str::to_owned)
    }
}

/// `GET /apps/{name}/apis/{api}/try`: an operation, with examples to call it.
pub(super) async fn show(
    site: Console,
    Path(which): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageProblem> {
    page(
        &site,
        (&which.0, &which.1, &asked.operation),
        None,
        Ok(None),
    )
    .await
}

/// `POST /apps/{name}/apis/{api}/try`: calls it in test mode, and shows what came of it.
/// Fields that are not of the form are refused (S-76).
pub(super) async fn send(
    site: Console,
    Path((name, api)): Path<(String, String)>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    body: Bytes,
) -> Result<Response, PageProblem> {
    let fields = Fields::read(&body);
    let is_known = |field: &str| {
        let own = ["operation", "key", "secret", "media_type", "body"];
        let places = ["path.", "query.", "header."];
        own.contains(&field) || places.iter().any(|place| field.starts_with(place))
    };
    if !fields.all_known(is_known) {
        return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response());
    }
    let Some(developer) = site.developer() else {
        return Ok(site.no_developer());
    };
    let operation = fields.text("operation").to_owned();
    let media_type = fields.text("media_type");
    let key = match (fields.text("key"), fields.text("secret")) {
        ("", _) => Some(TryKey::Made),
        (id, secret) => {
            let secret = Secret::new(secret.to_owned());
            id.parse().ok().map(|id| TryKey::Own(id, secret))
        }
    };
    let Some(key) = key else {
        return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response());
    };
    let from = peer.map(|Extension(ConnectInfo(peer))| peer.ip());
    let trial = Trial {
        app: &name,
        api: &api,
        operation: &operation,
        values: &values(&fields),
        body: Some((media_type, fields.raw("body"))).filter(|(of, _)| !of.is_empty()),
        key,
        from: from.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    };
    let by = site.caller().actor();
    let desk = TryDesk {
        at: &site.authority,
        loader: &site.loader,
        admission: &site.admission,
        gate: &*site.gate,
    };
    let tried = try_call(desk, (&by, developer), trial).await;
    let mut typed = Typed { fields, key: None };
    let outcome = match tried {
        Ok(tried) => {
            typed.key = Some((tried.key.0.to_string(), tried.key.1.clone()));
            Ok(Some(tried))
        }
        Err(NotTried::Unable(failure)) => return Err(failure.into()),
        Err(NotTried::Unknown) => return Ok(site.not_found("operation")),
        Err(why) => Err(sentence(&why.to_string())),
    };
    page(&site, (&name, &api, &operation), Some(typed), outcome).await
}

fn values(fields: &Fields) -> Vec<(ParameterPlace, String, String)> {
    let places = [
        ("path.", ParameterPlace::Path),
        ("query.", ParameterPlace::Query),
        ("header.", ParameterPlace::Header),
    ];
    let of = |(prefix, place): (&'static str, ParameterPlace)| {
        let below = fields.below(prefix);
        below.map(move |(name, value)| (place, name.to_owned(), value.to_owned()))
    };
    places.into_iter().flat_map(of).collect()
}

async fn page(
    site: &Console,
    (name, api, key): (&str, &str, &str),
    typed: Option<Typed>,
    outcome: Result<Option<TrialOutcome>, String>,
) -> Result<Response, PageProblem> {
    let snapshot = site.snapshots.load_full();
    let own = site
        .developer()
        .and_then(|own| own_app(&snapshot, own, name));
    let Some(app) = own else {
        return Ok(site.not_found("app"));
    };
    let answers = site.admission.capabilities_in(&snapshot, app, Mode::Test);
    let all = match own_reference(&site.authority, &snapshot, (api, &answers)).await {
        Ok(all) => all,
        Err(NotDescribed::Unable(failure)) => return Err(failure.into()),
        Err(_) => return Ok(site.not_found("API")),
    };
    let Some(operation) = all.iter().find(|one| one.key == key) else {
        return Ok(site.not_found("operation"));
    };
    let symbol = snapshot.vocabulary().apis.get(api);
    let known = symbol.and_then(|api| snapshot.catalogue().apis.get(api));
    let now = site.now();
    let keys = keys(site, &app.name, typed.as_ref()).await?;
    let (problem, tried) = match outcome {
        Ok(tried) => (None, tried),
        Err(problem) => (Some(problem), None),
    };
    let status = match problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let [apps, own] = crumbs(name);
    let reference = Crumb {
        title: "API reference",
        href: format!("/apps/{name}/apis/{api}"),
    };
    let detail = |row| {
        let list = Crumb {
            title: "Calls",
            href: format!("/apps/{name}/calls"),
        };
        CallDetail::of_app(row, &snapshot, now, list)
    };
    let answer = tried
        .as_ref()
        .map(|tried| AnswerView::of(tried, tried.call.as_ref().map(detail)));
    let view = View {
        section: "apps",
        here: format!("{}/try", reference.href),
        crumbs: [apps, own, reference],
        api: api.to_owned(),
        can_try: known.is_some_and(|api| api.test.is_some()),
        keys,
        secret: secret(typed.as_ref()),
        problem,
        answer,
        form: asked(operation, typed.as_ref()),
    };
    Ok((status, site.page("own_try.html", &view)).into_response())
}

/// The app's test keys that work, with the one that is used marked.
async fn keys(
    site: &Console,
    app: &Name,
    typed: Option<&Typed>,
) -> Result<Vec<KeyChoice>, PageProblem> {
    let now = site.now();
    let works = |one: &&Credential| {
        let ended = one.expires_at.is_some_and(|end| end <= now);
        let is_key = one.kind == CredentialKind::Key && one.mode == Mode::Test;
        is_key && one.revoked_at.is_none() && !ended
    };
    let chosen = typed.map(|typed| match &typed.key {
        Some((id, _)) => id.clone(),
        None => typed.fields.text("key").to_owned(),
    });
    let chosen = chosen.unwrap_or_default();
    let keys = site.authority.store.credentials_of(app).await?;
    let keys = keys.iter().filter(works);
    Ok(keys.map(|one| KeyChoice::of(one, &chosen)).collect())
}

/// The secret stands in the form as long as the page does, so that one can call again.
fn secret(typed: Option<&Typed>) -> String {
    typed.map_or_else(String::new, |typed| match &typed.key {
        Some((_, secret)) => secret.expose().to_owned(),
        None => typed.fields.text("secret").to_owned(),
    })
}

fn asked(operation: &CallableOperation, typed: Option<&Typed>) -> FormView {
    let media_type = typed.map(|typed| typed.fields.text("media_type").to_owned());
    let first = operation.bodies.first();
    let chosen = media_type.or_else(|| first.map(|body| body.media_type.clone()));
    let chosen = chosen.unwrap_or_default();
    let bodies = operation.bodies.iter().map(|body| BodyChoice {
        chosen: body.media_type == chosen,
        media_type: body.media_type.clone(),
    });
    let example = first.map(|body| body.example.clone());
    let body = typed.map(|typed| typed.fields.raw("body").to_owned());
    FormView {
        fields: FieldView::all(operation, |name| typed.and_then(|typed| typed.text(name))),
        bodies: bodies.collect(),
        needs_body: operation.needs_body,
        body: body.or(example).unwrap_or_default(),
        operation: OperationView {
            key: operation.key.clone(),
            method: operation.method.clone(),
            template: operation.template.clone(),
            summary: operation.summary.clone(),
            about: operation.about.clone(),
            deprecated: operation.deprecated,
        },
    }
}
