use axum::{
    extract::{Path, Query},
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::Console;
use crate::views::{ApiRow, Crumb, Empty, Entry, OperationRow, Tab, api_entries, link};

#[derive(Serialize)]
struct ListView {
    section: &'static str,
    rows: Vec<ApiRow>,
    empty: Empty,
}

#[derive(Serialize)]
struct ApiView {
    section: &'static str,
    crumbs: [Crumb; 1],
    api: ApiRow,
    entries_of: Vec<Entry>,
    decisions: String,
    find: String,
    show: String,
    tabs: [Tab; 3],
    operations: Vec<OperationRow>,
    empty: Empty,
}

/// Which operations are asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    /// `open`, `closed`, or all.
    show: String,
    /// Text that must stand in the operation.
    find: String,
}

/// `GET /console/apis`.
pub(super) async fn list(console: Console) -> Response {
    let snapshot = console.snapshots.load_full();
    let mut rows: Vec<_> = snapshot
        .catalogue()
        .apis
        .iter()
        .map(|(_, api)| ApiRow::of(api))
        .collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    let empty = Empty {
        title: "No APIs yet".to_owned(),
        says: "Say in a state file where an API stands and which capabilities its operations use, and apply it:".to_owned(),
        command: Some("portreeve apply -f state.yaml".to_owned()),
        action: None,
    };
    let view = ListView {
        section: "apis",
        rows,
        empty,
    };
    console.page("apis.html", &view)
}

/// `GET /console/apis/{name}`.
pub(super) async fn show(
    console: Console,
    Path(name): Path<String>,
    Query(shown): Query<Shown>,
) -> Response {
    let snapshot = console.snapshots.load_full();
    let catalogue = snapshot.catalogue();
    let found = catalogue
        .apis
        .iter()
        .find(|(_, api)| api.name.as_str() == name);
    let Some((_, api)) = found else {
        return console.not_found("API");
    };
    let mut operations: Vec<_> = api
        .operations
        .iter()
        .map(|one| OperationRow::of(one, catalogue))
        .filter(|one| one.holds(shown.find.trim()))
        .collect();
    let is_open = |one: &OperationRow| !one.uses.is_empty();
    let open = operations.iter().filter(|one| is_open(one)).count();
    let path = format!("/console/apis/{name}");
    let tab = |title, word: &str, count| Tab {
        title,
        count,
        href: link(&path, &[("show", word), ("find", &shown.find)]),
        current: shown.show == word,
    };
    let tabs = [
        tab("All", "", operations.len()),
        tab("Open", "open", open),
        tab("Closed", "closed", operations.len() - open),
    ];
    match shown.show.as_str() {
        "open" => operations.retain(is_open),
        "closed" => operations.retain(|one| !is_open(one)),
        _ => {}
    }
    let view = ApiView {
        section: "apis",
        crumbs: [Crumb {
            title: "APIs",
            href: "/console/apis".to_owned(),
        }],
        entries_of: api_entries(api, catalogue),
        api: ApiRow::of(api),
        decisions: link("/console/decisions", &[("api", &name)]),
        tabs,
        operations,
        empty: Empty {
            title: "No operation matches".to_owned(),
            says: "Look for less, or among all operations.".to_owned(),
            command: None,
            action: Some((path.clone(), "Show all operations")),
        },
        find: shown.find,
        show: shown.show,
    };
    console.page("api.html", &view)
}
