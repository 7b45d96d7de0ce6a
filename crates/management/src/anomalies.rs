use std::str::FromStr;

use accounts::anomalies::Signal;
use axum::{extract::State, response::Response};
use flows::{MarkRefused, mark_fine};
use http_kit::{Json, Listing, Page, PageParameters, Path, Problem, Problems, Query, codes};
use primitives::{AnomalyId, Mode, Timestamp};
use serde::{Deserialize, Serialize};
use store::{AnomalyFilter, AnomalyPlace};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    instant::Instant,
    names::{app_id, malformed, unknown},
    posted::{Instead, Posted},
    refusals::{change_refused, failed},
};

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(fine))
        .routes(routes!(habits))
}

/// The longest reason, in characters.
const LONGEST_REASON: usize = 2_000;

/// Which anomalies to list; every part that is given must match.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnomalyQuery {
    /// Name or id of the app.
    app: Option<String>,
    /// Name of the rule.
    rule: Option<String>,
    /// `open`, or `fine` of those that were marked.
    #[param(value_type = Option<String>)]
    state: Option<Standing>,
}

/// The states of an anomaly.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Open,
    Fine,
}

/// Something unusual in how an app calls: one for an app, a mode, a rule and a value.
#[derive(Serialize, ToSchema)]
pub(crate) struct Anomaly {
    /// Its id.
    #[schema(example = "anom_00000000000000000000000001")]
    id: String,
    /// Id of the app.
    app: String,
    /// The app's name when it was found.
    app_name: String,
    /// `test` or `live`.
    #[schema(value_type = String)]
    mode: Mode,
    /// The rule.
    rule: String,
    /// What the rule looks at.
    signal: String,
    /// The unusual value: what a mark as fine makes usual.
    value: String,
    /// `open` or `fine`.
    state: String,
    /// What followed: `note`, `alert`, `step_down` or `refuse`.
    action: String,
    /// The value, and how often it was seen before, of the newest call.
    found: String,
    /// What the rule wants, and what is usual.
    wanted: String,
    /// The newest call.
    decision: String,
    /// How many calls had it.
    calls: u64,
    /// The first call.
    first_at: Instant,
    /// The newest call.
    last_at: Instant,
    /// Until when the app stands lower for it; `null` when it does not.
    lower_until: Option<Instant>,
    /// Who marked it as fine.
    marked_by: Option<String>,
    /// Why.
    reason: Option<String>,
    /// When.
    marked_at: Option<Instant>,
}

/// Why an anomaly is fine.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FineRequest {
    /// For those who look at it later: 1 to 2,000 characters.
    reason: String,
}

/// Which mode is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct InMode {
    /// `test` or `live`; `live` when left out.
    #[param(value_type = Option<String>)]
    mode: Option<Mode>,
}

/// What an app usually does, as far as it is known.
#[derive(Serialize, ToSchema)]
pub(crate) struct Habits {
    /// Id of the app.
    app: String,
    /// `test` or `live`.
    #[schema(value_type = String)]
    mode: Mode,
    /// Calls that were learned from and count now.
    calls: u64,
    /// Whole days since the first.
    days: u32,
    /// What is usual by what is looked at, the most frequent first.
    usual: Vec<Usual>,
    /// The rules that judge it, and those that wait for more.
    rules: Vec<Judging>,
    /// So many levels lower the app stands now.
    levels_down: u32,
    /// Until when.
    lower_until: Option<Instant>,
}

/// What is usual.
#[derive(Serialize, ToSchema)]
pub(crate) struct Usual {
    /// What is looked at.
    signal: String,
    /// The most frequent values; of `calls` the most in one hour, of `hour` in UTC.
    values: Vec<String>,
}

/// A rule, and whether enough is known of the app for it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Judging {
    /// The rule.
    rule: String,
    /// Whether it judges the app's calls.
    judges: bool,
    /// So many calls it wants to know of.
    after_calls: u32,
    /// So many days.
    after_days: u32,
}

impl From<store::Anomaly> for Anomaly {
    fn from(kept: store::Anomaly) -> Self {
        let said = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: kept.id.to_string(),
            app: kept.app.to_string(),
            app_name: kept.app_name,
            mode: kept.mode,
            rule: kept.rule,
            signal: kept.signal,
            value: kept.value,
            state: kept.state,
            action: kept.action,
            found: kept.found,
            wanted: kept.wanted,
            decision: kept.decision.to_string(),
            calls: kept.calls,
            first_at: kept.first_at.into(),
            last_at: kept.last_at.into(),
            lower_until: kept.until.map(Instant::from),
            marked_by: said(kept.marked_by),
            reason: said(kept.note),
            marked_at: kept.marked_at.map(Instant::from),
        }
    }
}

/// Where a page ended: time and id.
struct Place(AnomalyPlace);

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (at, id) = text.split_once(' ').ok_or(())?;
        Ok(Self(AnomalyPlace {
            first_at: Timestamp::from_micros(at.parse().map_err(|_| ())?),
            id: id.parse().map_err(|_| ())?,
        }))
    }
}

fn place(row: &store::Anomaly) -> String {
    format!("{} {}", row.first_at.as_micros(), row.id)
}

/// What was unusual in how apps call, found last first
#[utoipa::path(get, path = "/v1/anomalies", tag = "decisions", operation_id = "listAnomalies",
    params(AnomalyQuery, PageParameters),
    responses((status = 200, body = Page<Anomaly>), Problems))]
async fn list(
    State(desk): State<Management>,
    listing: Listing<AnomalyQuery>,
) -> Result<Json<Page<Anomaly>>, Problem> {
    let after = listing.position::<Place>()?.map(|place| place.0);
    let asked = &listing.filter;
    let filter = AnomalyFilter {
        app: asked
            .app
            .as_deref()
            .map(|app| app_id(&desk, app))
            .transpose()?,
        rule: asked.rule.clone(),
        state: asked.state.map(|state| match state {
            Standing::Open => store::Anomaly::OPEN.to_owned(),
            Standing::Fine => store::Anomaly::FINE.to_owned(),
        }),
    };
    let store = &desk.authority.store;
    let rows = store.anomalies(&filter, after, listing.rows()).await;
    let page = listing.page(rows.map_err(failed)?, place, Anomaly::from);
    Ok(Json(page))
}

/// Mark what is unusual as fine
///
/// The value is usual for the app from now on, and the app no longer stands lower for it.
#[utoipa::path(post, path = "/v1/anomalies/{anomaly}/fine", tag = "decisions",
    operation_id = "markAnomalyFine",
    params(("anomaly" = String, Path, description = "Id of the anomaly"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = FineRequest,
    responses((status = 200, body = Anomaly), Problems))]
async fn fine(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<FineRequest>,
) -> Result<Response, Instead> {
    let done = async {
        let id: AnomalyId = given.parse().map_err(|why| malformed(&why))?;
        let reason = &posted.body.reason;
        if reason.chars().count() > LONGEST_REASON {
            let why = format!("the reason is longer than {LONGEST_REASON} characters");
            return Err(Problem::of(&codes::CHANGE_REFUSED).because(why));
        }
        let by = posted.by.actor();
        let keep = |marked: &store::Anomaly| posted.answer(200, &Anomaly::from(marked.clone()));
        let habits = desk.admission.habits();
        let marked = mark_fine(&desk.authority, habits, (by.as_str(), id), reason, &keep).await;
        marked.map(Anomaly::from).map_err(mark_refused)
    };
    Ok(posted.end(&desk, 200, done.await).await?)
}

fn mark_refused(refused: MarkRefused) -> Problem {
    match refused {
        MarkRefused::Unknown(id) => unknown("anomaly", &id.to_string()),
        MarkRefused::NoReason => Problem::of(&codes::CHANGE_REFUSED).because(refused.to_string()),
        MarkRefused::Change(refused) => change_refused(refused),
    }
}

/// What an app usually does
///
/// As it was learned from its call records while there were rules about anomalies, and which of
/// them judge it.
#[utoipa::path(get, path = "/v1/apps/{app}/habits", tag = "decisions", operation_id = "getHabits",
    params(("app" = String, Path, description = "Name or id of the app"), InMode),
    responses((status = 200, body = Habits), Problems))]
async fn habits(
    State(desk): State<Management>,
    Path(given): Path<String>,
    Query(asked): Query<InMode>,
) -> Result<Json<Habits>, Problem> {
    let app = app_id(&desk, &given)?;
    let known = desk.snapshots().load().app(app).is_some();
    known.then_some(()).ok_or_else(|| unknown("app", &given))?;
    let mode = asked.mode.unwrap_or(Mode::Live);
    let now = desk.authority.clock.now();
    let known = desk.admission.habits();
    let (habit, lower) = (known.habit((app, mode)), known.lower((app, mode), now));
    let habit = habit.unwrap_or_default();
    let known = habit.known(now);
    let usual = |signal: Signal| Usual {
        signal: signal.as_str().to_owned(),
        values: habit.usual(signal),
    };
    let snapshot = desk.snapshots().load_full();
    let rules = snapshot.setup().anomaly_rules.iter();
    Ok(Json(Habits {
        app: app.to_string(),
        mode,
        calls: known.calls,
        days: known.days,
        usual: Signal::ALL
            .into_iter()
            .filter(|signal| known.calls > 0 && *signal != Signal::Travel)
            .map(usual)
            .collect(),
        rules: rules
            .map(|rule| Judging {
                rule: rule.name.to_string(),
                judges: rule.judges(known),
                after_calls: rule.after_calls,
                after_days: rule.after_days,
            })
            .collect(),
        levels_down: lower.map_or(0, |lower| lower.levels),
        lower_until: lower.map(|lower| lower.until.into()),
    }))
}
