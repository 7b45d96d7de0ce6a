use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use decision::CapabilityAnswer;
use primitives::{Name, PageSize};
use serde::{Deserialize, Serialize};
use snapshot::Snapshot;
use store::Kind;

use super::{Console, PageProblem};
use crate::views::{AppRow, CapabilityRow, LimitRow, link};

#[derive(Deserialize)]
pub(super) struct From {
    #[serde(default)]
    from: String,
    #[serde(default)]
    after: String,
}

#[derive(Serialize)]
struct ListView {
    section: &'static str,
    from: String,
    rows: Vec<AppRow>,
    next: Option<String>,
}

#[derive(Serialize)]
struct AppView {
    section: &'static str,
    app: AppRow,
    apis: Vec<ApiCapabilities>,
}

#[derive(Serialize)]
struct ApiCapabilities {
    name: String,
    capabilities: Vec<CapabilityRow>,
}

/// `GET /console/apps`: by name, from the name typed.
pub(super) async fn list(
    State(console): State<Console>,
    Query(query): Query<From>,
) -> Result<Response, PageProblem> {
    let after: Option<Name> = query.after.parse().ok();
    let from: Option<Name> = query.from.trim().parse().ok();
    let size = PageSize::default();
    let store = &console.authority.store;
    let mut resources = Vec::new();
    if let (Some(from), None) = (&from, &after) {
        // The list after a name leaves the name itself out.
        resources.extend(store.resource(Kind::App, from).await?);
    }
    resources.extend(
        store
            .resources(Kind::App, after.as_ref().or(from.as_ref()), size)
            .await?,
    );
    let snapshot = console.snapshots.load_full();
    let rows: Vec<_> = resources
        .iter()
        .filter_map(|resource| snapshot.app_named(resource.name.as_str()))
        .map(|app| AppRow::of(app, &snapshot))
        .collect();
    let next = resources
        .last()
        .filter(|_| resources.len() >= size.get() as usize)
        .map(|last| {
            link(
                "/console/apps",
                &[("from", &query.from), ("after", last.name.as_str())],
            )
        });
    Ok(console.page(
        "apps.html",
        &ListView {
            section: "apps",
            from: query.from,
            rows,
            next,
        },
    ))
}

/// `GET /console/apps/{name}`: everything the app may and may not do, and why.
pub(super) async fn show(State(console): State<Console>, Path(name): Path<String>) -> Response {
    let snapshot = console.snapshots.load_full();
    let Some(app) = snapshot.app_named(&name) else {
        return console.not_found("app");
    };
    let apis = console
        .admission
        .capabilities(&snapshot, app)
        .into_iter()
        .map(|(api, answers)| ApiCapabilities {
            name: snapshot.catalogue().vocabulary.apis.name(api).to_string(),
            capabilities: answers.iter().map(|one| row(one, &snapshot)).collect(),
        })
        .collect();
    console.page(
        "app.html",
        &AppView {
            section: "apps",
            app: AppRow::of(app, &snapshot),
            apis,
        },
    )
}

fn row(answer: &CapabilityAnswer, snapshot: &Snapshot) -> CapabilityRow {
    let vocabulary = snapshot.vocabulary();
    CapabilityRow {
        name: vocabulary.capabilities.name(answer.capability).to_string(),
        granted: answer.granted,
        reasons: answer
            .gates
            .iter()
            .filter(|gate| gate.outcome == decision::Outcome::Refused)
            .map(|gate| gate.code.to_owned())
            .collect(),
        limits: answer
            .limits
            .iter()
            .map(|one| LimitRow::new(&vocabulary.limits.name(one.limit), one.used, one.most))
            .collect(),
    }
}
