use axum::{
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use primitives::{Mode, PageSize, RecordId, Timestamp, short_fingerprint};
use serde::{Deserialize, Serialize};
use snapshot::Snapshot;
use store::{CallFilter, CallIndexRow, CallPage, CallsWanted};

use super::{Console, PageProblem, overview::no_calls};
use crate::{
    views::{CallDetail, CallRow, Empty, link},
    when::typed,
};

const OUTCOMES: [(&str, &str); 4] = [
    ("served", "served"),
    ("refused", "refused"),
    ("not_sent", "not sent"),
    ("unknown", "unknown"),
];
const MODES: [(&str, &str); 2] = [("test", "test"), ("live", "live")];
const STRETCHES: [(&str, &str, i64); 4] = [
    ("15m", "last 15 minutes", 900),
    ("1h", "last hour", 3_600),
    ("24h", "last 24 hours", 86_400),
    ("7d", "last 7 days", 604_800),
];
/// What is said when a search ends before its page is full.
const LOOKED: &str = "This search has no index, so that each page looks at 5,000 calls. There may be more further back.";
/// More names than this are no help in a list to choose from.
const NAMES: usize = 200;

/// The filter form and the page.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Asked {
    app: String,
    api: String,
    outcome: String,
    code: String,
    capability: String,
    mode: String,
    since: String,
    from: String,
    until: String,
    #[serde(skip_serializing)]
    before: String,
    /// What the list that asks shows already.
    #[serde(skip_serializing)]
    seen: String,
}

/// The list alone, as it renews itself.
#[derive(Serialize)]
struct RowsView {
    rows: Vec<CallRow>,
    empty: Empty,
    seen: String,
}

#[derive(Serialize)]
struct ListView {
    section: &'static str,
    #[serde(flatten)]
    list: RowsView,
    filter: Asked,
    chips: Vec<Chip>,
    choices: Choices,
    live: Option<String>,
    /// Why there are so few, when there may be more.
    looked: Option<&'static str>,
    newest: Option<String>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Choices {
    apps: Vec<String>,
    apis: Vec<String>,
    capabilities: Vec<String>,
    outcomes: [(&'static str, &'static str); 4],
    modes: [(&'static str, &'static str); 2],
    stretches: [(&'static str, &'static str); 4],
}

/// A filter that is on, with the list without it.
#[derive(Serialize)]
struct Chip {
    label: &'static str,
    value: String,
    without: String,
}

impl Asked {
    fn pairs(&self) -> [(&'static str, &str); 9] {
        [
            ("app", &self.app),
            ("api", &self.api),
            ("outcome", &self.outcome),
            ("code", &self.code),
            ("capability", &self.capability),
            ("mode", &self.mode),
            ("since", &self.since),
            ("from", &self.from),
            ("until", &self.until),
        ]
    }

    /// The page that goes on after the call `next`.
    fn older(&self, next: RecordId) -> String {
        let id = next.to_string();
        let before = [("before", id.as_str())];
        let pairs: Vec<_> = self.pairs().into_iter().chain(before).collect();
        link("/console/decisions", &pairs)
    }

    fn is_filtered(&self) -> bool {
        self.pairs().iter().any(|(_, value)| !value.is_empty())
    }

    fn chips(&self) -> Vec<Chip> {
        let pairs = self.pairs();
        let on = pairs.iter().filter(|(_, value)| !value.is_empty());
        on.map(|(label, value)| {
            let others: Vec<_> = pairs
                .iter()
                .copied()
                .filter(|(other, _)| other != label)
                .collect();
            Chip {
                label,
                value: (*value).to_owned(),
                without: link("/console/decisions", &others),
            }
        })
        .collect()
    }

    /// Refuses a part that means nothing, with words for the person who typed it.
    fn filter(&self, snapshot: &Snapshot, now: Timestamp) -> Result<CallFilter, String> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let app = match given(&self.app) {
            None => None,
            Some(text) => {
                let named = snapshot.app_named(&text).map(|app| app.id);
                let known = named.or_else(|| text.parse().ok());
                Some(known.ok_or_else(|| format!("There is no app `{text}`."))?)
            }
        };
        let mode = match self.mode.as_str() {
            "" => None,
            "test" => Some(Mode::Test),
            "live" => Some(Mode::Live),
            other => {
                return Err(format!(
                    "`{other}` is no mode: there are `test` and `live`."
                ));
            }
        };
        let from = match (moment(&self.from)?, self.since.as_str()) {
            (Some(from), _) => Some(from),
            (None, "") => None,
            (None, since) => {
                let found = STRETCHES.iter().find(|(word, _, _)| *word == since);
                let seconds = found.map(|(_, _, seconds)| *seconds);
                let seconds = seconds.ok_or_else(|| format!("`{since}` is no stretch of time."))?;
                Some(now.plus_seconds(-seconds))
            }
        };
        Ok(CallFilter {
            app,
            mode,
            from,
            until: moment(&self.until)?,
            api: given(&self.api),
            outcome: given(&self.outcome),
            code: given(&self.code),
            capability: given(&self.capability),
            ..CallFilter::default()
        })
    }
}

fn moment(text: &str) -> Result<Option<Timestamp>, String> {
    match text.trim() {
        "" => Ok(None),
        text => match typed(text) {
            Some(at) => Ok(Some(at)),
            None => Err(format!(
                "`{text}` is no time, such as `2026-01-31T12:00`, which is in UTC."
            )),
        },
    }
}

/// The calls found, and what the page says when there are none.
async fn find(console: &Console, asked: &Asked) -> Result<(CallPage, Empty), PageProblem> {
    let snapshot = console.snapshots.load_full();
    let clear = || Some(("/console/decisions".to_owned(), "Clear the filters"));
    let filter = match asked.filter(&snapshot, console.now()) {
        Ok(filter) => filter,
        Err(says) => {
            let empty = Empty {
                title: "This filter means nothing here".to_owned(),
                says,
                action: clear(),
                ..Empty::default()
            };
            return Ok((CallPage::default(), empty));
        }
    };
    let before: Option<RecordId> = asked.before.parse().ok();
    let store = &console.authority.store;
    let wanted = CallsWanted::new(filter, before, PageSize::default());
    let found = store.calls(&wanted).await?;
    let empty = if !found.calls.is_empty() {
        Empty::default()
    } else if let Some(next) = found.next {
        Empty {
            title: "None among those looked at".to_owned(),
            says: LOOKED.to_owned(),
            action: Some((asked.older(next), "Look further back")),
            ..Empty::default()
        }
    } else if asked.is_filtered() {
        Empty {
            title: "No decision matches".to_owned(),
            says: "Every filter must hold at once. Take one away, or widen the time.".to_owned(),
            action: clear(),
            ..Empty::default()
        }
    } else if before.is_some() {
        Empty {
            title: "No older decisions".to_owned(),
            says: "Call records are dropped after the days that the settings keep them.".to_owned(),
            ..Empty::default()
        }
    } else {
        no_calls(console, &snapshot)
    };
    Ok((found, empty))
}

fn rows_view(console: &Console, asked: &Asked, found: &[CallIndexRow], empty: Empty) -> RowsView {
    let now = console.now();
    let filters = asked.pairs();
    RowsView {
        rows: found
            .iter()
            .map(|row| CallRow::of(row, now, &filters))
            .collect(),
        empty,
        seen: mark(found),
    }
}

/// The same for the same calls, so that a list with nothing new is left alone.
fn mark(calls: &[CallIndexRow]) -> String {
    let ids: Vec<_> = calls.iter().map(|row| row.id.to_string()).collect();
    format!("{:016x}", short_fingerprint(ids.join(" ").as_bytes()))
}

/// `GET /console/decisions`.
pub(super) async fn list(
    console: Console,
    Query(asked): Query<Asked>,
) -> Result<Response, PageProblem> {
    let (CallPage { calls, next }, empty) = find(&console, &asked).await?;
    let snapshot = console.snapshots.load_full();
    let full = calls.len() >= PageSize::default().get() as usize;
    let looked = next.filter(|_| !full && !calls.is_empty());
    let is_newest = asked.before.is_empty();
    let view = ListView {
        section: "decisions",
        list: rows_view(&console, &asked, &calls, empty),
        chips: asked.chips(),
        choices: choices(&snapshot),
        live: is_newest.then(|| link("/console/decisions/rows", &asked.pairs())),
        newest: (!is_newest).then(|| link("/console/decisions", &asked.pairs())),
        looked: looked.map(|_| LOOKED),
        next: next.map(|next| asked.older(next)),
        filter: asked,
    };
    Ok(console.page("decisions.html", &view))
}

fn choices(snapshot: &Snapshot) -> Choices {
    let sorted = |names: &mut dyn Iterator<Item = String>| {
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    };
    let catalogue = snapshot.catalogue();
    Choices {
        apps: if snapshot.app_count() > NAMES {
            Vec::new()
        } else {
            sorted(&mut snapshot.apps().map(|app| app.name.to_string()))
        },
        apis: sorted(&mut catalogue.apis.iter().map(|(_, api)| api.name.to_string())),
        capabilities: sorted(
            &mut catalogue
                .capabilities
                .iter()
                .map(|(_, one)| one.name.to_string())
                .take(NAMES),
        ),
        outcomes: OUTCOMES,
        modes: MODES,
        stretches: STRETCHES.map(|(value, words, _)| (value, words)),
    }
}

/// `GET /console/decisions/rows`: what the list renews itself with; nothing when it has not
/// changed, so that whoever reads it is not disturbed.
pub(super) async fn rows(
    console: Console,
    Query(asked): Query<Asked>,
) -> Result<Response, PageProblem> {
    let (found, empty) = find(&console, &asked).await?;
    let view = rows_view(&console, &asked, &found.calls, empty);
    if view.seen == asked.seen {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(console.page("decisions_table.html", &view))
}

/// `GET /console/decisions/{id}`; the filters lead back to the list it was found in.
pub(super) async fn show(
    console: Console,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, PageProblem> {
    let Ok(id) = id.parse::<RecordId>() else {
        return Ok(console.not_found("decision"));
    };
    let Some(row) = console.authority.store.call(id).await? else {
        return Ok(console.not_found("decision"));
    };
    let snapshot = console.snapshots.load_full();
    let view = CallDetail::of(&row, &snapshot, console.now(), &asked.pairs());
    Ok(console.page("decision.html", &view))
}
