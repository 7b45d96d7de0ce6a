use axum::{extract::Query, response::Response};
use primitives::{PageSize, Timestamp};
use serde::Serialize;
use snapshot::Snapshot;
use store::{CallFilter, CallsWanted};

use super::{
    Console, PageProblem,
    chart::{Over, chart},
};
use crate::{
    views::{
        CallRow, ChartView, Empty, Entry, ExpiringKey, HourView, QuietApi, first_call, grouped,
    },
    when::When,
};

const NEWEST: u32 = 8;
const HOUR_SECONDS: i64 = 3_600;
/// So many calls of the last hour are counted at most, so that the page stays cheap.
const COUNTED: u32 = 10_000;
const SOON_SECONDS: i64 = 7 * 24 * 3_600;
/// Beyond so many keys they are not searched each time somebody opens the page.
const KEYS: usize = 100_000;

#[derive(Serialize)]
struct View {
    section: &'static str,
    state: StateView,
    entries_of: Vec<Entry>,
    hour: HourView,
    chart: ChartView,
    quiet: Vec<QuietApi>,
    /// `None` when there are too many keys to search on every visit.
    expiring: Option<Vec<ExpiringKey>>,
    rows: Vec<CallRow>,
    empty: Empty,
}

/// Whether the gate decides by the newest state.
#[derive(Serialize)]
struct StateView {
    tone: &'static str,
    word: &'static str,
    says: String,
    problem: Option<String>,
}

/// `GET /console`.
pub(super) async fn show(
    console: Console,
    Query(asked): Query<Over>,
) -> Result<Response, PageProblem> {
    let store = &console.authority.store;
    let now = console.now();
    let all = CallsWanted::new(CallFilter::default(), None, PageSize::clamped(NEWEST));
    let newest = store.calls(&all).await?.calls;
    let tallies = store.tally_calls(now.plus_seconds(-HOUR_SECONDS), COUNTED);
    let tallies = tallies.await?;
    let committed = store.revision().await?;
    let snapshot = console.snapshots.load_full();
    let quiet = snapshot.catalogue().apis.iter();
    let mut quiet: Vec<_> = quiet.filter_map(|(_, api)| QuietApi::of(api)).collect();
    quiet.sort_by(|a, b| a.name.cmp(&b.name));
    let view = View {
        section: "overview",
        state: state(&console, &snapshot, committed.0),
        entries_of: entries(&console, &snapshot, now),
        hour: HourView::of(&tallies, COUNTED, now),
        chart: chart(&console, None, &asked.over).await?,
        quiet,
        expiring: expiring(&snapshot, now),
        empty: no_calls(&console, &snapshot),
        rows: newest
            .iter()
            .map(|row| CallRow::of(row, now, &[]))
            .collect(),
    };
    Ok(console.page("overview.html", &view))
}

fn state(console: &Console, snapshot: &Snapshot, committed: u64) -> StateView {
    let decides = snapshot.revision().0;
    let problem = console.snapshots.last_problem();
    if problem.is_some() {
        return StateView {
            tone: "bad",
            word: "behind",
            says: format!("Revision {decides} decides; the newest, {committed}, cannot be used."),
            problem,
        };
    }
    if decides < committed {
        return StateView {
            tone: "warn",
            word: "catching up",
            says: format!("Revision {decides} decides; {committed} is being read."),
            problem,
        };
    }
    StateView {
        tone: "good",
        word: "up",
        says: format!("Revision {decides}, the newest, decides."),
        problem,
    }
}

fn entries(console: &Console, snapshot: &Snapshot, now: Timestamp) -> Vec<Entry> {
    let count = |number: usize| grouped(number as u64);
    let since = When::of(console.since, now);
    let catalogue = snapshot.catalogue();
    let link = |label, number, href: &str| Entry::link(label, count(number), href.to_owned());
    vec![
        link("APIs", catalogue.apis.iter().count(), "/console/apis"),
        link("Apps", snapshot.app_count(), "/console/apps"),
        Entry::text("Capabilities", count(catalogue.capabilities.iter().count())),
        Entry::text("Keys", count(snapshot.credential_count())),
        Entry::text("Started", since.relative),
        Entry::text("Version", env!("CARGO_PKG_VERSION")),
    ]
}

fn expiring(snapshot: &Snapshot, now: Timestamp) -> Option<Vec<ExpiringKey>> {
    let soon = now.plus_seconds(SOON_SECONDS);
    (snapshot.credential_count() <= KEYS).then(|| ExpiringKey::all(snapshot, now, soon))
}

/// What to do when nothing has called yet.
pub(super) fn no_calls(console: &Console, snapshot: &Snapshot) -> Empty {
    let command = first_call(snapshot, &console.place.public);
    let says = if command.is_some() {
        "They appear here as apps call your APIs. To make one, issue a key and call with it:"
    } else {
        "They appear here as apps call your APIs. First describe an API and an app in a state file and apply it:"
    };
    Empty {
        title: "No decisions yet".to_owned(),
        says: says.to_owned(),
        command: Some(command.unwrap_or_else(|| "portreeve apply -f state.yaml".to_owned())),
        action: None,
    }
}
