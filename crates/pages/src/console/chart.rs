use axum::{
    extract::{Path, Query},
    response::Response,
};
use primitives::AppId;
use serde::{Deserialize, Serialize};
use store::ChartWanted;

use super::{Console, PageProblem};
use crate::views::{ChartView, Stretch};

/// So many calls are counted at most, so that a page stays cheap.
const COUNTED: u32 = 10_000;

/// Over which time.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Over {
    pub(super) over: String,
}

#[derive(Serialize)]
struct View {
    chart: ChartView,
}

/// The chart of all calls, or of an app's.
pub(super) async fn chart(
    console: &Console,
    app: Option<(AppId, &str)>,
    over: &str,
) -> Result<ChartView, PageProblem> {
    let now = console.now();
    let stretch = Stretch::of(over);
    let wanted = ChartWanted {
        app: app.map(|(id, _)| id),
        since: stretch.since(now),
        slot_seconds: stretch.slot_seconds,
        most: COUNTED,
    };
    let slots = console.authority.store.chart_calls(wanted).await?;
    let (page, fragment) = match app {
        None => ("/console".to_owned(), "/console/chart".to_owned()),
        Some((_, name)) => (
            format!("/console/apps/{name}"),
            format!("/console/apps/{name}/chart"),
        ),
    };
    let limits = (now, COUNTED);
    Ok(ChartView::of((&page, &fragment), stretch, &slots, limits))
}

/// `GET /console/chart`: what the chart of all calls renews itself with.
pub(super) async fn of_all(
    console: Console,
    Query(asked): Query<Over>,
) -> Result<Response, PageProblem> {
    let chart = chart(&console, None, &asked.over).await?;
    Ok(console.page("chart.html", &View { chart }))
}

/// `GET /console/apps/{name}/chart`.
pub(super) async fn of_app(
    console: Console,
    Path(name): Path<String>,
    Query(asked): Query<Over>,
) -> Result<Response, PageProblem> {
    let snapshot = console.snapshots.load_full();
    let Some(app) = snapshot.app_named(&name) else {
        return Ok(console.not_found("app"));
    };
    let chart = chart(&console, Some((app.id, &name)), &asked.over).await?;
    Ok(console.page("chart.html", &View { chart }))
}
