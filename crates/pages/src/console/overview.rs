use axum::{extract::State, response::Response};
use primitives::PageSize;
use serde::Serialize;
use store::CallFilter;

use super::{Console, PageProblem};
use crate::views::{CallRow, Card};

const NEWEST: u32 = 10;

#[derive(Serialize)]
struct View {
    section: &'static str,
    revision: u64,
    cards: [Card; 4],
    problem: Option<String>,
    rows: Vec<CallRow>,
    hint: &'static str,
}

/// `GET /console`.
pub(super) async fn show(State(console): State<Console>) -> Result<Response, PageProblem> {
    let size = PageSize::clamped(NEWEST);
    let calls = console
        .authority
        .store
        .calls(&CallFilter::default(), None, size)
        .await?;
    let snapshot = console.snapshots.load_full();
    let card = |title, number, href| Card {
        title,
        number,
        href,
    };
    let view = View {
        section: "overview",
        revision: snapshot.revision().0,
        cards: [
            card(
                "APIs",
                snapshot.catalogue().apis.iter().count(),
                "/console/apis",
            ),
            card(
                "Capabilities",
                snapshot.catalogue().capabilities.iter().count(),
                "/console/apis",
            ),
            card("Apps", snapshot.app_count(), "/console/apps"),
            card("Accounts", snapshot.accounts().count(), "/console/apps"),
        ],
        problem: console.snapshots.last_problem(),
        rows: calls.iter().map(CallRow::of).collect(),
        hint: "",
    };
    Ok(console.page("overview.html", &view))
}
