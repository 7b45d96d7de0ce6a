use axum::{
    extract::{Path, Query},
    response::Response,
};
use flows::{NotDescribed, own_app, own_reference};
use primitives::Mode;
use serde::{Deserialize, Serialize};

use crate::{
    console::{Console, PageProblem},
    views::{Crumb, Empty, ReferenceRow},
};

/// Which operations are asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    /// Text that must stand in the operation.
    find: String,
}

#[derive(Serialize)]
struct View {
    section: &'static str,
    crumbs: [Crumb; 2],
    api: String,
    here: String,
    find: String,
    rows: Vec<ReferenceRow>,
    empty: Empty,
}

pub(super) fn crumbs(app: &str) -> [Crumb; 2] {
    [
        Crumb {
            title: "My apps",
            href: "/apps".to_owned(),
        },
        Crumb {
            title: "App",
            href: format!("/apps/{app}"),
        },
    ]
}

/// `GET /apps/{name}/apis/{api}`: the operations that one's app may call in test mode.
pub(super) async fn show(
    site: Console,
    Path((name, api)): Path<(String, String)>,
    Query(shown): Query<Shown>,
) -> Result<Response, PageProblem> {
    let snapshot = site.snapshots.load_full();
    let own = site
        .developer()
        .and_then(|own| own_app(&snapshot, own, &name));
    let Some(app) = own else {
        return Ok(site.not_found("app"));
    };
    let answers = site.admission.capabilities_in(&snapshot, app, Mode::Test);
    let all = match own_reference(&site.authority, &snapshot, (&api, &answers)).await {
        Ok(all) => all,
        Err(NotDescribed::Unable(failure)) => return Err(failure.into()),
        Err(_) => return Ok(site.not_found("API")),
    };
    let here = format!("/apps/{}/apis/{api}", app.name);
    let rows = all.iter().map(|one| ReferenceRow::of(one, &here));
    let rows: Vec<ReferenceRow> = rows.filter(|row| row.holds(shown.find.trim())).collect();
    let (title, says) = if all.is_empty() {
        (
            "Nothing to call yet",
            "No capability of this API is granted to the app. Its page says why.",
        )
    } else {
        ("No operation matches", "Look for less.")
    };
    let view = View {
        section: "apps",
        crumbs: crumbs(app.name.as_str()),
        empty: Empty {
            title: title.to_owned(),
            says: says.to_owned(),
            command: None,
            action: Some((format!("/apps/{}", app.name), "Back to the app")),
        },
        api,
        here,
        find: shown.find,
        rows,
    };
    Ok(site.page("own_reference.html", &view))
}
