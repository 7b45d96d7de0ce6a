use std::str::FromStr;

use axum::{extract::State, response::Response};
use flows::{
    Application, AssessmentDocument, Verdict, Vetted, VettingDocument, VettingRefused,
    apply_for_level, assess, decide_vetting, level_of, look_again, withdraw_application,
};
use http_kit::{Json, Listing, Page, PageParameters, Path, Problem, Problems, Query, codes};
use primitives::{Name, Timestamp};
use serde::{Deserialize, Serialize};
use snapshot::Snapshot;
use store::VettingPlace;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    instant::Instant,
    names::{account_name, name},
    posted::{Instead, Posted},
    refusals::{failed, unable, vetting_refused},
};

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, apply))
        .routes(routes!(approve))
        .routes(routes!(refuse))
        .routes(routes!(withdraw))
        .routes(routes!(again))
        .routes(routes!(risk))
}

/// The longest note of a decision, in characters.
const LONGEST_NOTE: usize = 2_000;

/// Where the vetting of a developer on a ladder stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct Vetting {
    /// Name of the account.
    account: String,
    /// The ladder.
    ladder: String,
    /// Since when it is in its state.
    since: Instant,
    /// When the level is to be looked at again.
    due_at: Option<Instant>,
    /// The developer's level on the ladder now; `null` is the lowest.
    level: Option<String>,
    /// The revision that last changed it.
    version: u64,
    /// `state` (`in_review`, `approved`, `refused` or `withdrawn`) with what belongs to it: what
    /// was wanted and why a person has to decide, or who decided what, and the assessment.
    #[schema(value_type = Value)]
    standing: VettingDocument,
}

/// A developer held against the risk model of a ladder.
#[derive(Serialize, ToSchema)]
pub(crate) struct Risk {
    /// Name of the account.
    account: String,
    /// The ladder.
    ladder: String,
    /// `points`, what each of the `signals` gave, what each of the `levels` asks, and how many of
    /// them, from the lowest, `fits`.
    #[schema(value_type = Value)]
    assessment: AssessmentDocument,
}

/// Which vettings to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct VettingFilter {
    /// Only in this state: `in_review`, `approved`, `refused` or `withdrawn`.
    state: Option<String>,
}

/// Which ladder is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct OnLadder {
    /// The ladder; `default` when left out.
    ladder: Option<String>,
}

/// An application for a level.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplicationRequest {
    /// The ladder; `default` when left out.
    #[schema(value_type = Option<String>)]
    ladder: Option<Name>,
    /// The level; the highest that the account's points allow when left out.
    #[schema(value_type = Option<String>)]
    level: Option<Name>,
}

/// The level that a review came to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApprovalRequest {
    /// The ladder; `default` when left out.
    #[schema(value_type = Option<String>)]
    ladder: Option<Name>,
    /// The level.
    #[schema(value_type = String)]
    level: Name,
    /// Why, for those who look at it later: up to 2,000 characters.
    #[serde(default)]
    note: String,
}

/// A refusal that a review came to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefusalRequest {
    /// The ladder; `default` when left out.
    #[schema(value_type = Option<String>)]
    ladder: Option<Name>,
    /// Why, for those who look at it later: up to 2,000 characters.
    #[serde(default)]
    note: String,
}

/// Which ladder is meant.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LadderRequest {
    /// The ladder; `default` when left out.
    #[schema(value_type = Option<String>)]
    ladder: Option<Name>,
}

/// Where a page ended: time, account and ladder. Names have no spaces.
struct Place(VettingPlace);

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<&str> = text.split(' ').collect();
        let [since, account, ladder] = parts.as_slice() else {
            return Err(());
        };
        Ok(Self(VettingPlace {
            since: Timestamp::from_micros(since.parse().map_err(|_| ())?),
            account: account.parse().map_err(|_| ())?,
            ladder: ladder.parse().map_err(|_| ())?,
        }))
    }
}

fn place(row: &store::Vetting) -> String {
    format!("{} {} {}", row.since.as_micros(), row.account, row.ladder)
}

fn told(kept: &store::Vetting, standing: VettingDocument, level: Option<&Name>) -> Vetting {
    Vetting {
        account: kept.account.to_string(),
        ladder: kept.ladder.to_string(),
        since: kept.since.into(),
        due_at: kept.due_at.map(Instant::from),
        level: level.map(ToString::to_string),
        version: kept.version.0,
        standing,
    }
}

fn moved(vetted: &Vetted) -> Vetting {
    let document = VettingDocument::of(&vetted.vetting);
    told(&vetted.kept, document, vetted.level.as_ref())
}

fn found(snapshot: &Snapshot, kept: &store::Vetting) -> Result<Vetting, Problem> {
    let vetting = flows::read_vetting(kept).map_err(unable)?;
    let which = Application {
        account: &kept.account,
        ladder: &kept.ladder,
    };
    let level = level_of(snapshot, which);
    Ok(told(kept, VettingDocument::of(&vetting), level.as_ref()))
}

fn ladder(given: Option<&Name>) -> Result<Name, Problem> {
    given.map_or_else(|| name("default"), |given| Ok(given.clone()))
}

fn note(text: &str) -> Result<&str, Problem> {
    if text.chars().count() <= LONGEST_NOTE {
        return Ok(text);
    }
    let why = format!("the note is longer than {LONGEST_NOTE} characters");
    Err(Problem::of(&codes::CHANGE_REFUSED).because(why))
}

/// What is asked of a vetting.
enum Asked<'a> {
    Apply(Option<&'a Name>),
    Decide(&'a Verdict, &'a str),
    Withdraw,
    LookAgain,
}

/// Moves a vetting, whichever way, and answers with where it stands then.
async fn go<T: Sync>(
    desk: &Management,
    given: &str,
    posted: &Posted<T>,
    (on, asked): (Option<&Name>, Asked<'_>),
) -> Result<Response, Instead> {
    let done = async {
        let (account, ladder) = (account_name(desk, given)?, ladder(on)?);
        let application = Application {
            account: &account,
            ladder: &ladder,
        };
        let by = posted.by.actor();
        let (at, which) = (desk.vetting(), (by.as_str(), application));
        let keep = |vetted: &Vetted| posted.answer(200, &moved(vetted));
        let vetted = match asked {
            Asked::Apply(level) => apply_for_level(at, which, level, &keep).await,
            Asked::Decide(verdict, said) => {
                decide_vetting(at, which, (verdict, note(said)?), &keep).await
            }
            Asked::Withdraw => withdraw_application(at, which, &keep).await,
            Asked::LookAgain => look_again(at, which, &keep).await,
        };
        vetted.map(|vetted| moved(&vetted)).map_err(vetting_refused)
    };
    Ok(posted.end(desk, 200, done.await).await?)
}

/// Vettings, those longest in their state first
///
/// With `state=in_review` it is the queue of those who decide.
#[utoipa::path(get, path = "/v1/vettings", tag = "developers", operation_id = "listVettings",
    params(VettingFilter, PageParameters),
    responses((status = 200, body = Page<Vetting>), Problems))]
async fn list(
    State(desk): State<Management>,
    listing: Listing<VettingFilter>,
) -> Result<Json<Page<Vetting>>, Problem> {
    let after = listing.position::<Place>()?.map(|place| place.0);
    let state = listing.filter.state.as_deref();
    if let Some(state) = state.filter(|state| !VettingDocument::STATES.contains(state)) {
        let known = VettingDocument::STATES.join("`, `");
        let state: String = state.chars().take(40).collect();
        let why = format!("`{state}` is not a state of vettings: use one of `{known}`");
        return Err(Problem::of(&codes::QUERY_INVALID).because(why));
    }
    let store = &desk.authority.store;
    let rows = store.vettings(state, after.as_ref(), listing.rows()).await;
    let snapshot = desk.snapshots().load_full();
    let page = listing.page(rows.map_err(failed)?, place, |row| found(&snapshot, &row));
    let items: Result<Vec<Vetting>, Problem> = page.items.into_iter().collect();
    Ok(Json(Page {
        items: items?,
        next: page.next,
    }))
}

/// Where the vetting of a developer stands
#[utoipa::path(get, path = "/v1/accounts/{account}/vetting", tag = "developers",
    operation_id = "getVetting",
    params(("account" = String, Path, description = "Name or id of the account"), OnLadder),
    responses((status = 200, body = Vetting), Problems))]
async fn show(
    State(desk): State<Management>,
    Path(given): Path<String>,
    Query(on): Query<OnLadder>,
) -> Result<Json<Vetting>, Problem> {
    let (account, ladder) = (account_name(&desk, &given)?, on.ladder()?);
    let store = &desk.authority.store;
    let kept = store.vetting(&account, &ladder).await.map_err(failed)?;
    let kept =
        kept.ok_or_else(|| vetting_refused(VettingRefused::NeverApplied { account, ladder }))?;
    Ok(Json(found(&desk.snapshots().load(), &kept)?))
}

/// Hold a developer against the risk model, and change nothing
#[utoipa::path(get, path = "/v1/accounts/{account}/risk", tag = "developers",
    operation_id = "assessRisk",
    params(("account" = String, Path, description = "Name or id of the account"), OnLadder),
    responses((status = 200, body = Risk), Problems))]
async fn risk(
    State(desk): State<Management>,
    Path(given): Path<String>,
    Query(on): Query<OnLadder>,
) -> Result<Json<Risk>, Problem> {
    let (account, ladder) = (account_name(&desk, &given)?, on.ladder()?);
    let which = Application {
        account: &account,
        ladder: &ladder,
    };
    let snapshot = desk.snapshots().load_full();
    let assessment = assess(&desk.authority, &snapshot, which).await;
    let assessment = assessment.map_err(vetting_refused)?;
    Ok(Json(Risk {
        assessment: AssessmentDocument::of(&assessment),
        account: account.to_string(),
        ladder: ladder.to_string(),
    }))
}

/// Apply for a level
///
/// The risk model decides at once what it may; the rest waits in review.
#[utoipa::path(post, path = "/v1/accounts/{account}/vetting", tag = "developers",
    operation_id = "applyForLevel",
    params(("account" = String, Path, description = "Name or id of the account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = ApplicationRequest,
    responses((status = 200, body = Vetting), Problems))]
async fn apply(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<ApplicationRequest>,
) -> Result<Response, Instead> {
    let asked = Asked::Apply(posted.body.level.as_ref());
    go(&desk, &given, &posted, (posted.body.ladder.as_ref(), asked)).await
}

/// Give a developer in review a level
///
/// Any level of the ladder, whatever was applied for.
#[utoipa::path(post, path = "/v1/accounts/{account}/vetting/approve", tag = "developers",
    operation_id = "approveVetting",
    params(("account" = String, Path, description = "Name or id of the account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = ApprovalRequest,
    responses((status = 200, body = Vetting), Problems))]
async fn approve(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<ApprovalRequest>,
) -> Result<Response, Instead> {
    let verdict = Verdict::Approve(posted.body.level.clone());
    let asked = Asked::Decide(&verdict, &posted.body.note);
    go(&desk, &given, &posted, (posted.body.ladder.as_ref(), asked)).await
}

/// Refuse a developer in review
///
/// The level stays as it was before the application.
#[utoipa::path(post, path = "/v1/accounts/{account}/vetting/refuse", tag = "developers",
    operation_id = "refuseVetting",
    params(("account" = String, Path, description = "Name or id of the account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = RefusalRequest,
    responses((status = 200, body = Vetting), Problems))]
async fn refuse(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<RefusalRequest>,
) -> Result<Response, Instead> {
    let asked = Asked::Decide(&Verdict::Refuse, &posted.body.note);
    go(&desk, &given, &posted, (posted.body.ladder.as_ref(), asked)).await
}

/// Take an application back
#[utoipa::path(post, path = "/v1/accounts/{account}/vetting/withdraw", tag = "developers",
    operation_id = "withdrawApplication",
    params(("account" = String, Path, description = "Name or id of the account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = LadderRequest,
    responses((status = 200, body = Vetting), Problems))]
async fn withdraw(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<LadderRequest>,
) -> Result<Response, Instead> {
    let on = posted.body.ladder.as_ref();
    go(&desk, &given, &posted, (on, Asked::Withdraw)).await
}

/// Look at a developer's level again
///
/// What the account says now counts. More risk than when the level was given narrows it at once,
/// and a person decides about the rest; nothing is raised.
#[utoipa::path(post, path = "/v1/accounts/{account}/vetting/look-again", tag = "developers",
    operation_id = "lookAgain",
    params(("account" = String, Path, description = "Name or id of the account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = LadderRequest,
    responses((status = 200, body = Vetting), Problems))]
async fn again(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<LadderRequest>,
) -> Result<Response, Instead> {
    let on = posted.body.ladder.as_ref();
    go(&desk, &given, &posted, (on, Asked::LookAgain)).await
}

impl OnLadder {
    fn ladder(&self) -> Result<Name, Problem> {
        name(self.ladder.as_deref().unwrap_or("default"))
    }
}
