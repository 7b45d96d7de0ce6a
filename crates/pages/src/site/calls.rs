use axum::{
    extract::{Path, Query},
    response::Response,
};
use decision::App;
use flows::own_app;
use primitives::{PageSize, RecordId};
use serde::{Deserialize, Serialize};
use snapshot::Snapshot;
use store::{CallFilter, CallsWanted};

use crate::{
    console::{Console, PageProblem},
    views::{CallDetail, CallRow, Crumb, Empty, link},
};

/// Where the page before ended.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct From {
    before: String,
}

#[derive(Serialize)]
struct View {
    section: &'static str,
    crumbs: [Crumb; 2],
    rows: Vec<CallRow>,
    empty: Empty,
    newest: Option<String>,
    next: Option<String>,
}

fn crumbs(app: &App) -> [Crumb; 2] {
    [
        Crumb {
            title: "My apps",
            href: "/apps".to_owned(),
        },
        Crumb {
            title: "App",
            href: format!("/apps/{}", app.name),
        },
    ]
}

fn own<'s>(site: &Console, snapshot: &'s Snapshot, name: &str) -> Option<&'s App> {
    own_app(snapshot, site.developer()?, name)
}

/// `GET /apps/{name}/calls`: what one's app asked for, and what came of it.
pub(super) async fn list(
    site: Console,
    Path(name): Path<String>,
    Query(from): Query<From>,
) -> Result<Response, PageProblem> {
    let snapshot = site.snapshots.load_full();
    let Some(app) = own(&site, &snapshot, &name) else {
        return Ok(site.not_found("app"));
    };
    let before: Option<RecordId> = from.before.parse().ok();
    let filter = CallFilter {
        app: Some(app.id),
        ..CallFilter::default()
    };
    let wanted = CallsWanted::new(filter, before, PageSize::default());
    let found = site.authority.store.calls(&wanted).await?;
    let here = format!("/apps/{}/calls", app.name);
    let next = found
        .next
        .map(|next| link(&here, &[("before", &next.to_string())]));
    let now = site.now();
    let view = View {
        section: "apps",
        crumbs: crumbs(app),
        rows: found.calls.iter().map(|row| CallRow::within(row, now, &here)).collect(),
        empty: Empty {
            title: "No calls yet".to_owned(),
            says: "A call appears within seconds after it has ended, with the reason when it was refused.".to_owned(),
            command: None,
            action: Some((format!("/apps/{}", app.name), "Make a key")),
        },
        newest: before.map(|_| here.clone()),
        next,
    };
    Ok(site.page("own_calls.html", &view))
}

/// `GET /apps/{name}/calls/{id}`: why a call of one's app was decided as it was.
pub(super) async fn show(
    site: Console,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, PageProblem> {
    let snapshot = site.snapshots.load_full();
    let (Some(app), Ok(id)) = (own(&site, &snapshot, &name), id.parse::<RecordId>()) else {
        return Ok(site.not_found("decision"));
    };
    let row = site.authority.store.call(id).await?;
    let Some(row) = row.filter(|row| row.app == Some(app.id)) else {
        return Ok(site.not_found("decision"));
    };
    let list = Crumb {
        title: "Calls",
        href: format!("/apps/{}/calls", app.name),
    };
    let view = CallDetail::of_app(&row, &snapshot, site.now(), list);
    Ok(site.page("decision.html", &view))
}
