use accounts::vetting::Vetting;
use axum::{
    Form,
    extract::{Path, Query},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use flows::{Application, Verdict, VettingRefused, decide_vetting, find_vetting, look_again};
use primitives::{Name, PageSize, Timestamp};
use serde::{Deserialize, Serialize};
use store::VettingPlace;

use super::{Console, PageProblem};
use crate::views::{Crumb, Empty, Tab, VettingDetail, VettingRow, link};

const LIST: &str = "/console/vettings";
/// More than this is counted as this.
const MOST_COUNTED: u32 = 1_000;
/// The longest note of a decision, in characters.
const LONGEST_NOTE: usize = 2_000;

/// Which vettings are asked for.
#[derive(Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    /// A state, or all of them.
    state: String,
    /// Where the page before ended: time, account and ladder.
    after: String,
}

impl Default for Shown {
    fn default() -> Self {
        Self {
            state: "in_review".to_owned(),
            after: String::new(),
        }
    }
}

#[derive(Serialize)]
struct ListView {
    section: &'static str,
    tabs: Vec<Tab>,
    rows: Vec<VettingRow>,
    empty: Empty,
    newest: Option<String>,
    next: Option<String>,
}

#[derive(Serialize)]
struct VettingView {
    section: &'static str,
    crumbs: [Crumb; 1],
    vetting: VettingRow,
    detail: VettingDetail,
    /// The levels that may be given; none when nothing is in review.
    choices: Vec<String>,
    chosen: String,
    may_look_again: bool,
    problem: Option<String>,
}

/// What a reviewer decides. What cannot be read is refused, and decides nothing.
#[derive(Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub(super) enum Decision {
    /// Gives a level.
    Approve {
        level: Name,
        #[serde(default)]
        note: String,
    },
    /// Leaves the developer where he is.
    Refuse {
        #[serde(default)]
        note: String,
    },
    /// Judges a level that was given by what is known now.
    LookAgain,
}

/// `GET /console/vettings`: those in review, the longest first, or those in another state.
pub(super) async fn list(
    console: Console,
    Query(shown): Query<Shown>,
) -> Result<Response, PageProblem> {
    let store = &console.authority.store;
    let state = Some(shown.state.as_str()).filter(|state| !state.is_empty());
    let (size, after) = (PageSize::default(), place(&shown.after));
    let found = store.vettings(state, after.as_ref(), size).await?;
    let now = console.now();
    let next = found
        .last()
        .filter(|_| found.len() >= size.get() as usize)
        .map(|last| {
            link(
                LIST,
                &[("state", &shown.state), ("after", &after_this(last))],
            )
        });
    let mut rows = Vec::with_capacity(found.len());
    for kept in &found {
        rows.push(VettingRow::of(kept, &flows::read_vetting(kept)?, now));
    }
    let view = ListView {
        section: "vettings",
        tabs: tabs(&console, &shown.state).await?,
        rows,
        empty: nothing(&shown.state),
        newest: after.map(|_| link(LIST, &[("state", &shown.state)])),
        next,
    };
    Ok(console.page("vettings.html", &view))
}

async fn tabs(console: &Console, shown: &str) -> Result<Vec<Tab>, PageProblem> {
    let states = [
        ("In review", "in_review"),
        ("Approved", "approved"),
        ("Refused", "refused"),
        ("Withdrawn", "withdrawn"),
    ];
    let mut tabs = Vec::with_capacity(states.len());
    for (title, state) in states {
        let count = console.authority.store.count_vettings(state, MOST_COUNTED);
        tabs.push(Tab {
            title,
            count: count.await? as usize,
            href: link(LIST, &[("state", state)]),
            current: shown == state,
        });
    }
    Ok(tabs)
}

fn nothing(state: &str) -> Empty {
    if state == "in_review" {
        return Empty {
            title: "Nothing waits for a decision".to_owned(),
            says: "Developers apply for a level over the management API. What the risk model of the ladder may not give comes here. Without one nobody can apply: write `risk_models` in a state file, and apply it:".to_owned(),
            command: Some("portreeve apply -f state.yaml".to_owned()),
            action: None,
        };
    }
    Empty {
        title: "None in this state".to_owned(),
        says: "Vettings are listed by their state, those longest in it first.".to_owned(),
        command: None,
        action: Some((LIST.to_owned(), "Show those in review")),
    }
}

/// `GET /console/vettings/{account}/{ladder}`: the application, and every point of its risk.
pub(super) async fn show(
    console: Console,
    Path((account, ladder)): Path<(Name, Name)>,
) -> Result<Response, PageProblem> {
    page(&console, (&account, &ladder), None).await
}

async fn page(
    console: &Console,
    (account, ladder): (&Name, &Name),
    problem: Option<String>,
) -> Result<Response, PageProblem> {
    let which = Application { account, ladder };
    let Some((kept, vetting)) = find_vetting(&console.authority, which).await? else {
        return Ok(console.not_found("vetting"));
    };
    let snapshot = console.snapshots.load_full();
    let now = console.now();
    let model = snapshot.setup().risk_models.get(ladder);
    let levels = model.into_iter().flat_map(|model| &model.steps);
    let row = VettingRow::of(&kept, &vetting, now);
    let known = snapshot.account_named(account.as_str());
    let in_review = matches!(vetting, Vetting::InReview(_));
    let view = VettingView {
        section: "vettings",
        crumbs: [Crumb {
            title: "Vetting",
            href: LIST.to_owned(),
        }],
        detail: VettingDetail::of(&kept, &vetting, known, now),
        choices: levels
            .filter(|_| in_review)
            .map(|step| step.level.to_string())
            .collect(),
        chosen: row.level.clone(),
        may_look_again: matches!(vetting, Vetting::Approved(_)),
        vetting: row,
        problem,
    };
    Ok(console.page("vetting.html", &view))
}

/// `POST /console/vettings/{account}/{ladder}`: approves, refuses, or looks again.
pub(super) async fn decide(
    console: Console,
    Path((account, ladder)): Path<(Name, Name)>,
    Form(decision): Form<Decision>,
) -> Result<Response, PageProblem> {
    let which = Application {
        account: &account,
        ladder: &ladder,
    };
    match carry_out(&console, which, &decision).await {
        Ok(()) => Ok(Redirect::to(&format!("{LIST}/{account}/{ladder}")).into_response()),
        Err(VettingRefused::Change(flows::ChangeRefused::Unable(failure))) => Err(failure.into()),
        Err(refused) => {
            let says = Some(refused.to_string());
            let shown = page(&console, (&account, &ladder), says).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, shown).into_response())
        }
    }
}

async fn carry_out(
    console: &Console,
    which: Application<'_>,
    decision: &Decision,
) -> Result<(), VettingRefused> {
    let by = console.caller().actor();
    let (verdict, note) = match decision {
        Decision::LookAgain => {
            let looked = look_again(console.vetting(), (&by, which), &|_| Ok(None)).await;
            return looked.map(drop);
        }
        Decision::Approve { level, note } => (Verdict::Approve(level.clone()), note),
        Decision::Refuse { note } => (Verdict::Refuse, note),
    };
    let note: String = note.trim().chars().take(LONGEST_NOTE).collect();
    decide_vetting(console.vetting(), (&by, which), (&verdict, &note), &|_| {
        Ok(None)
    })
    .await
    .map(drop)
}

fn after_this(row: &store::Vetting) -> String {
    format!("{} {} {}", row.since.as_micros(), row.account, row.ladder)
}

fn place(text: &str) -> Option<VettingPlace> {
    let mut parts = text.split(' ');
    let (since, account, ladder) = (parts.next()?, parts.next()?, parts.next()?);
    Some(VettingPlace {
        since: Timestamp::from_micros(since.parse().ok()?),
        account: account.parse().ok()?,
        ladder: ladder.parse().ok()?,
    })
}
