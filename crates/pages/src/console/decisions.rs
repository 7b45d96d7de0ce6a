use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use primitives::{Mode, PageSize, RecordId};
use serde::{Deserialize, Serialize};
use snapshot::Snapshot;
use store::{CallFilter, CallIndexRow};

use super::{Console, PageProblem};
use crate::views::{CallDetail, CallRow, FilterView, link};

const OUTCOMES: [&str; 4] = ["served", "refused", "not_sent", "unknown"];

/// The filter form and the page.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    app: String,
    #[serde(default)]
    api: String,
    #[serde(default)]
    outcome: String,
    #[serde(default)]
    mode: String,
    #[serde(default)]
    capability: String,
    #[serde(default)]
    before: String,
}

#[derive(Serialize)]
struct RowsView {
    rows: Vec<CallRow>,
    hint: &'static str,
}

#[derive(Serialize)]
struct ListView {
    section: &'static str,
    rows: Vec<CallRow>,
    hint: &'static str,
    filter: FilterView,
    apps: Vec<String>,
    apis: Vec<String>,
    outcomes: [&'static str; 4],
    live: Option<String>,
    next: Option<String>,
}

impl Asked {
    fn pairs(&self) -> [(&'static str, &str); 5] {
        [
            ("app", &self.app),
            ("api", &self.api),
            ("outcome", &self.outcome),
            ("mode", &self.mode),
            ("capability", &self.capability),
        ]
    }

    /// `None` when a part names nothing that exists: then no call can match.
    fn filter(&self, snapshot: &Snapshot) -> Option<CallFilter> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let app = match given(&self.app) {
            None => None,
            Some(text) => {
                let named = snapshot.app_named(&text).map(|app| app.id);
                Some(named.or_else(|| text.parse().ok())?)
            }
        };
        let mode = match self.mode.as_str() {
            "test" => Some(Mode::Test),
            "live" => Some(Mode::Live),
            _ => None,
        };
        Some(CallFilter {
            app,
            mode,
            api: given(&self.api),
            outcome: given(&self.outcome),
            capability: given(&self.capability),
            ..CallFilter::default()
        })
    }

    fn hint(&self) -> &'static str {
        if self.pairs().iter().all(|(_, value)| value.is_empty()) {
            "curl -u KEY:SECRET http://localhost:8080/payments/…"
        } else {
            ""
        }
    }
}

async fn find(console: &Console, asked: &Asked) -> Result<Vec<CallIndexRow>, PageProblem> {
    let snapshot = console.snapshots.load_full();
    let Some(filter) = asked.filter(&snapshot) else {
        return Ok(Vec::new());
    };
    let before: Option<RecordId> = asked.before.parse().ok();
    Ok(console
        .authority
        .store
        .calls(&filter, before, PageSize::default())
        .await?)
}

/// `GET /console/decisions`.
pub(super) async fn list(
    State(console): State<Console>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageProblem> {
    let calls = find(&console, &asked).await?;
    let snapshot = console.snapshots.load_full();
    let last = calls
        .last()
        .filter(|_| calls.len() == PageSize::default().get() as usize);
    let next = last.map(|last| {
        let id = last.id.to_string();
        let pairs: Vec<_> = asked
            .pairs()
            .into_iter()
            .chain([("before", id.as_str())])
            .collect();
        link("/console/decisions", &pairs)
    });
    let live = asked
        .before
        .is_empty()
        .then(|| link("/console/decisions/rows", &asked.pairs()));
    let view = ListView {
        section: "decisions",
        rows: calls.iter().map(CallRow::of).collect(),
        hint: asked.hint(),
        apps: snapshot
            .apps()
            .take(50)
            .map(|app| app.name.to_string())
            .collect(),
        apis: snapshot
            .catalogue()
            .apis
            .iter()
            .map(|(_, api)| api.name.to_string())
            .collect(),
        outcomes: OUTCOMES,
        live,
        next,
        filter: FilterView {
            app: asked.app,
            api: asked.api,
            outcome: asked.outcome,
            mode: asked.mode,
            capability: asked.capability,
        },
    };
    Ok(console.page("decisions.html", &view))
}

/// `GET /console/decisions/rows`: what the list renews itself with.
pub(super) async fn rows(
    State(console): State<Console>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageProblem> {
    let calls = find(&console, &asked).await?;
    let view = RowsView {
        rows: calls.iter().map(CallRow::of).collect(),
        hint: asked.hint(),
    };
    Ok(console.page("decisions_table.html", &view))
}

/// `GET /console/decisions/{id}`.
pub(super) async fn show(
    State(console): State<Console>,
    Path(id): Path<String>,
) -> Result<Response, PageProblem> {
    let Ok(id) = id.parse::<RecordId>() else {
        return Ok(console.not_found("decision"));
    };
    match console.authority.store.call(id).await? {
        Some(row) => Ok(console.page("decision.html", &CallDetail::of(&row))),
        None => Ok(console.not_found("decision")),
    }
}
