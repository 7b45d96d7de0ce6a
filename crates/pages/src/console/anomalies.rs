use axum::{
    Form,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use flows::{MarkRefused, mark_fine};
use primitives::{AnomalyId, PageSize, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Anomaly, AnomalyFilter, AnomalyPlace};

use super::{Console, PageProblem};
use crate::views::{AnomalyDetail, AnomalyRow, Crumb, Empty, Tab, link};

const LIST: &str = "/console/anomalies";
/// More than this is counted as this.
const MOST_COUNTED: u32 = 1_000;
/// The longest reason, in characters.
const LONGEST_REASON: usize = 2_000;

/// Which anomalies are asked for.
#[derive(Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    state: String,
    /// Name of an app, or of none.
    app: String,
    rule: String,
    /// Where the page before ended: time and id.
    after: String,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            state: Anomaly::OPEN.to_owned(),
            app: String::new(),
            rule: String::new(),
            after: String::new(),
        }
    }
}

#[derive(Serialize)]
struct ListView {
    section: &'static str,
    tabs: Vec<Tab>,
    rows: Vec<AnomalyRow>,
    empty: Empty,
    newest: Option<String>,
    next: Option<String>,
}

#[derive(Serialize)]
struct AnomalyView {
    section: &'static str,
    crumbs: [Crumb; 1],
    anomaly: AnomalyRow,
    detail: AnomalyDetail,
    problem: Option<String>,
}

/// Why an anomaly is fine.
#[derive(Deserialize)]
pub(super) struct Mark {
    #[serde(default)]
    reason: String,
}

/// `GET /console/anomalies`: what nobody has marked, found last first, or what was marked.
pub(super) async fn list(
    console: Console,
    Query(shown): Query<Shown>,
) -> Result<Response, PageProblem> {
    let store = &console.authority.store;
    let snapshot = console.snapshots.load_full();
    let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let app = said(&shown.app);
    let filter = AnomalyFilter {
        // Of an app that is not there nothing is listed.
        app: app.map(|name| {
            let known = snapshot.app_named(&name).map(|app| app.id);
            known.unwrap_or(primitives::AppId::from_u128(0))
        }),
        rule: said(&shown.rule),
        state: said(&shown.state),
    };
    let (size, after) = (PageSize::default(), place(&shown.after));
    let found = store.anomalies(&filter, after, size).await?;
    let now = console.now();
    let parts = [
        ("state", &*shown.state),
        ("app", &shown.app),
        ("rule", &shown.rule),
    ];
    let next = found
        .last()
        .filter(|_| found.len() >= size.get() as usize)
        .map(|last| {
            let after = format!("{} {}", last.first_at.as_micros(), last.id);
            link(LIST, &[parts[0], parts[1], parts[2], ("after", &after)])
        });
    let view = ListView {
        section: "anomalies",
        tabs: tabs(&console, &shown.state).await?,
        rows: found.iter().map(|one| AnomalyRow::of(one, now)).collect(),
        empty: nothing(&shown.state, !snapshot.setup().anomaly_rules.is_empty()),
        newest: after.map(|_| link(LIST, &parts)),
        next,
    };
    Ok(console.page("anomalies.html", &view))
}

async fn tabs(console: &Console, shown: &str) -> Result<Vec<Tab>, PageProblem> {
    let states = [("Open", Anomaly::OPEN), ("Marked as fine", Anomaly::FINE)];
    let mut tabs = Vec::with_capacity(states.len());
    for (title, state) in states {
        let count = console.authority.store.count_anomalies(state, MOST_COUNTED);
        tabs.push(Tab {
            title,
            count: count.await? as usize,
            href: link(LIST, &[("state", state)]),
            current: shown == state,
        });
    }
    Ok(tabs)
}

fn nothing(state: &str, has_rules: bool) -> Empty {
    if state != Anomaly::OPEN {
        return Empty {
            title: "None was marked".to_owned(),
            says: "What somebody marks as fine is listed here, with who and why.".to_owned(),
            command: None,
            action: Some((LIST.to_owned(), "Show those that are open")),
        };
    }
    if has_rules {
        return Empty {
            title: "Nothing unusual".to_owned(),
            says: "Every app calls as it usually does, or too little is known of it yet. What is known of one:".to_owned(),
            command: Some("portreeve anomalies habits APP".to_owned()),
            action: None,
        };
    }
    Empty {
        title: "Nothing is looked at".to_owned(),
        says: "Rules say what is unusual in how an app calls, and what follows. Write `anomaly_rules` in a state file, and apply it:".to_owned(),
        command: Some("portreeve apply -f state.yaml".to_owned()),
        action: None,
    }
}

/// `GET /console/anomalies/{id}`: what was found, what is usual, and the mark.
pub(super) async fn show(
    console: Console,
    Path(id): Path<AnomalyId>,
) -> Result<Response, PageProblem> {
    page(&console, id, None).await
}

async fn page(
    console: &Console,
    id: AnomalyId,
    problem: Option<String>,
) -> Result<Response, PageProblem> {
    let Some(found) = console.authority.store.anomaly(id).await? else {
        return Ok(console.not_found("anomaly"));
    };
    let now = console.now();
    let view = AnomalyView {
        section: "anomalies",
        crumbs: [Crumb {
            title: "Anomalies",
            href: LIST.to_owned(),
        }],
        anomaly: AnomalyRow::of(&found, now),
        detail: AnomalyDetail::of(&found, now),
        problem,
    };
    Ok(console.page("anomaly.html", &view))
}

/// `POST /console/anomalies/{id}`: marks it as fine.
pub(super) async fn mark(
    console: Console,
    Path(id): Path<AnomalyId>,
    Form(mark): Form<Mark>,
) -> Result<Response, PageProblem> {
    let reason: String = mark.reason.trim().chars().take(LONGEST_REASON).collect();
    let by = console.caller().actor();
    let habits = console.admission.habits();
    let marked = mark_fine(&console.authority, habits, (&by, id), &reason, &|_| {
        Ok(None)
    });
    match marked.await {
        Ok(_) => Ok(Redirect::to(&format!("{LIST}/{id}")).into_response()),
        Err(MarkRefused::Change(flows::ChangeRefused::Unable(failure))) => Err(failure.into()),
        Err(refused) => {
            let says = match refused {
                MarkRefused::NoReason => {
                    "say why it is fine, for those who look at it later".to_owned()
                }
                refused => refused.to_string(),
            };
            let shown = page(&console, id, Some(says)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response())
        }
    }
}

fn place(text: &str) -> Option<AnomalyPlace> {
    let (at, id) = text.split_once(' ')?;
    Some(AnomalyPlace {
        first_at: Timestamp::from_micros(at.parse().ok()?),
        id: id.parse().ok()?,
    })
}
