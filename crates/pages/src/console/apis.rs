use axum::{
    extract::{Path, State},
    response::Response,
};
use serde::Serialize;

use super::Console;
use crate::views::{ApiRow, OperationRow};

#[derive(Serialize)]
struct ListView {
    section: &'static str,
    rows: Vec<ApiRow>,
}

#[derive(Serialize)]
struct ApiView {
    section: &'static str,
    api: ApiRow,
    operations: Vec<OperationRow>,
}

/// `GET /console/apis`.
pub(super) async fn list(State(console): State<Console>) -> Response {
    let snapshot = console.snapshots.load_full();
    let mut rows: Vec<_> = snapshot
        .catalogue()
        .apis
        .iter()
        .map(|(_, api)| ApiRow::of(api))
        .collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    console.page(
        "apis.html",
        &ListView {
            section: "apis",
            rows,
        },
    )
}

/// `GET /console/apis/{name}`.
pub(super) async fn show(State(console): State<Console>, Path(name): Path<String>) -> Response {
    let snapshot = console.snapshots.load_full();
    let found = snapshot
        .catalogue()
        .apis
        .iter()
        .find(|(_, api)| api.name.as_str() == name);
    let Some((_, api)) = found else {
        return console.not_found("API");
    };
    let operations = api
        .operations
        .iter()
        .map(|one| OperationRow::of(one, snapshot.catalogue()))
        .collect();
    console.page(
        "api.html",
        &ApiView {
            section: "apis",
            api: ApiRow::of(api),
            operations,
        },
    )
}
