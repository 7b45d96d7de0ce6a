use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use decision::{App, CapabilityAnswer};
use primitives::{Name, PageSize, Symbol, SymbolSet};
use serde::{Deserialize, Serialize};
use snapshot::Snapshot;
use store::Kind;

use super::{Console, PageProblem, chart, developers};
use crate::views::{
    AppRow, CapabilityRow, ChartView, Crumb, Empty, Entry, KeyRow, LadderRow, LimitEdit, QuotaBar,
    Tab, app_entries, developer_href, link,
};

mod history;
mod keys;
mod narrow;

pub(super) use keys::handle as handle_keys;
pub(super) use narrow::narrow;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct From {
    from: String,
    after: String,
}

#[derive(Serialize)]
struct ListView {
    section: &'static str,
    from: String,
    rows: Vec<AppRow>,
    empty: Empty,
    next: Option<String>,
}

/// Which capabilities are asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    /// `granted`, `rejected`, or all.
    answer: String,
    /// The time of the chart.
    over: String,
}

#[derive(Serialize)]
struct AppView {
    section: &'static str,
    crumbs: [Crumb; 1],
    app: AppRow,
    entries_of: Vec<Entry>,
    decisions: String,
    keys: Vec<KeyRow>,
    no_keys: Empty,
    profiles: Vec<String>,
    limits: Vec<LimitEdit>,
    /// The levels of its developer.
    ladders: Vec<LadderRow>,
    developer_href: String,
    told: Told,
    history: history::History,
    chart: ChartView,
    quotas: Vec<QuotaBar>,
    tabs: [Tab; 3],
    apis: Vec<ApiCapabilities>,
    no_apis: Empty,
}

/// What the page says about the form that was sent to it.
#[derive(Default, Serialize)]
struct Told {
    problem: Option<String>,
    new_key: Option<keys::NewKey>,
}

impl Told {
    fn problem(says: String) -> Self {
        Self {
            problem: Some(says),
            ..Self::default()
        }
    }
}

/// The complete list of one API: its own capabilities, then those of other APIs.
#[derive(Serialize)]
pub(crate) struct ApiCapabilities {
    name: String,
    own: Vec<CapabilityRow>,
    others: Vec<CapabilityRow>,
}

/// `GET /console/apps`: by name, from the name typed.
pub(super) async fn list(
    console: Console,
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
    let view = ListView {
        section: "apps",
        empty: no_apps(&query.from),
        from: query.from,
        rows,
        next,
    };
    Ok(console.page("apps.html", &view))
}

fn no_apps(from: &str) -> Empty {
    if from.is_empty() {
        return Empty {
            title: "No apps yet".to_owned(),
            says: "An app is a developer's, and calls with keys of its own. Say in a state file who it belongs to and which APIs it calls, and apply it:".to_owned(),
            command: Some("portreeve apply -f state.yaml".to_owned()),
            action: None,
        };
    }
    Empty {
        title: "No app from there on".to_owned(),
        says: format!("Apps are listed by name, and none comes at or after `{from}`."),
        command: None,
        action: Some(("/console/apps".to_owned(), "Show all apps")),
    }
}

/// `GET /console/apps/{name}`: everything the app may and may not do, and why.
pub(super) async fn show(
    console: Console,
    Path(name): Path<String>,
    Query(shown): Query<Shown>,
) -> Result<Response, PageProblem> {
    page(&console, &name, &shown, Told::default()).await
}

async fn page(
    console: &Console,
    name: &str,
    shown: &Shown,
    told: Told,
) -> Result<Response, PageProblem> {
    let snapshot = console.snapshots.load_full();
    let Some(app) = snapshot.app_named(name) else {
        return Ok(console.not_found("app"));
    };
    let keys = console.authority.store.credentials_of(&app.name).await?;
    let now = console.now();
    let limits = narrow::limits(console, &snapshot, &app.name).await?;
    let answers = console.admission.capabilities(&snapshot, app);
    let mut apis = complete_list(&answers, &snapshot, app);
    let (granted, rejected) = counts(&apis);
    let path = format!("/console/apps/{name}");
    let tab = |title, word: &str, count| Tab {
        title,
        count,
        href: link(&path, &[("answer", word)]),
        current: shown.answer == word,
    };
    let tabs = [
        tab("All", "", granted + rejected),
        tab("Granted", "granted", granted),
        tab("Rejected", "rejected", rejected),
    ];
    for api in &mut apis {
        api.keep(&shown.answer);
    }
    let row = AppRow::of(app, &snapshot);
    let status = match told.problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let view = AppView {
        section: "apps",
        crumbs: [Crumb {
            title: "Apps",
            href: "/console/apps".to_owned(),
        }],
        entries_of: app_entries(app, &row, &snapshot),
        ladders: developers::ladders_of(console, &snapshot, &row.developer).await?,
        developer_href: developer_href(&row.developer),
        app: row,
        decisions: link("/console/decisions", &[("app", name)]),
        profiles: profiles(&snapshot),
        limits,
        told,
        history: history::History::of(console, name, &keys).await?,
        chart: chart::chart(console, Some((app.id, name)), &shown.over).await?,
        quotas: quotas(&answers, &snapshot),
        keys: keys.iter().map(|key| KeyRow::of(key, now)).collect(),
        no_keys: Empty {
            title: "No keys yet".to_owned(),
            says: "Without one the app cannot call. Issue one; its secret is shown once:"
                .to_owned(),
            command: Some(format!("portreeve keys issue {name} --mode test")),
            action: None,
        },
        tabs,
        apis,
        no_apis: Empty {
            title: "Subscribed to no API".to_owned(),
            says: "Name the APIs under `apis` of this app in a state file, and apply it:"
                .to_owned(),
            command: Some("portreeve apply -f state.yaml".to_owned()),
            action: None,
        },
    };
    Ok((status, console.page("app.html", &view)).into_response())
}

/// The permission profiles that a key can be bound to.
fn profiles(snapshot: &Snapshot) -> Vec<String> {
    let vocabulary = &snapshot.vocabulary().profiles;
    let there = snapshot.setup().profiles.iter();
    let mut names: Vec<String> = there
        .map(|(symbol, _)| vocabulary.name(symbol).to_string())
        .collect();
    names.sort();
    names
}

/// Every capability on every API of the app (P-54).
pub(crate) fn complete_list(
    answers: &[(Symbol, Vec<CapabilityAnswer>)],
    snapshot: &Snapshot,
    app: &App,
) -> Vec<ApiCapabilities> {
    answers
        .iter()
        .map(|(api, answers)| {
            let own = used_by(snapshot, *api);
            let (own, others): (Vec<_>, Vec<_>) = answers
                .iter()
                .partition(|answer| own.contains(answer.capability));
            let rows = |answers: Vec<_>| -> Vec<_> {
                let rows = answers.into_iter();
                rows.map(|one| CapabilityRow::of(one, app, snapshot))
                    .collect()
            };
            ApiCapabilities {
                name: snapshot.vocabulary().apis.name(*api).to_string(),
                own: rows(own),
                others: rows(others),
            }
        })
        .collect()
}

/// How far the counted limits of what the app may use are used.
fn quotas(answers: &[(Symbol, Vec<CapabilityAnswer>)], snapshot: &Snapshot) -> Vec<QuotaBar> {
    let all = answers.iter().flat_map(|(_, answers)| answers.iter());
    let limits = all
        .filter(|answer| answer.granted)
        .flat_map(|answer| &answer.limits);
    QuotaBar::all(limits, snapshot.catalogue())
}

/// The capabilities that an API's operations use.
fn used_by(snapshot: &Snapshot, api: Symbol) -> SymbolSet {
    let mut used = SymbolSet::default();
    let operations = snapshot
        .catalogue()
        .apis
        .get(api)
        .map(|api| &api.operations);
    for operation in operations.into_iter().flatten() {
        for one in &operation.uses {
            used.insert(one.capability);
        }
    }
    used
}

fn counts(apis: &[ApiCapabilities]) -> (usize, usize) {
    let all = || {
        apis.iter()
            .flat_map(|api| api.own.iter().chain(&api.others))
    };
    let granted = all().filter(|row| row.granted).count();
    (granted, all().count() - granted)
}

impl ApiCapabilities {
    /// Takes the texts of policies out: they are the provider's.
    pub(crate) fn hide_policies(&mut self) {
        for row in self.own.iter_mut().chain(&mut self.others) {
            row.hide_policies();
        }
    }

    /// Leaves only the rows with this answer; all of them for any other word.
    fn keep(&mut self, answer: &str) {
        let wanted = match answer {
            "granted" => true,
            "rejected" => false,
            _ => return,
        };
        self.own.retain(|row| row.granted == wanted);
        self.others.retain(|row| row.granted == wanted);
    }
}
