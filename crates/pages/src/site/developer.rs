use accounts::vetting::Vetting;
use axum::{
    Form,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use flows::{
    Application, ChangeRefused, Deed, OwnDeveloper, OwnLadder, VettingRefused, apply_for_level,
    deeds_of_others, own_developer, withdraw_application,
};
use primitives::{Name, Timestamp};
use serde::{Deserialize, Serialize};

use store::EventAction;

use crate::{
    console::{Console, PageProblem},
    sign_in::sentence,
    views::{Entry, doubt, vetting_state},
    when::When,
};

const HERE: &str = "/developer";

#[derive(Serialize)]
struct View {
    section: &'static str,
    title: String,
    verified: bool,
    entries_of: Vec<Entry>,
    ladders: Vec<LadderView>,
    deeds: Vec<DeedView>,
    problem: Option<String>,
}

/// What somebody of the provider did.
#[derive(Serialize)]
struct DeedView {
    when: When,
    who: String,
    did: &'static str,
    what: &'static str,
    name: String,
}

impl DeedView {
    fn of(deed: Deed, now: Timestamp) -> Self {
        Self {
            when: When::of(deed.at, now),
            who: deed.actor,
            did: match deed.action {
                _ if deed.shown => "looked at",
                EventAction::Created => "made",
                EventAction::Updated => "changed",
                EventAction::Deleted => "deleted",
            },
            what: match deed.kind.as_str() {
                "account" => "your account",
                "app" => "the app",
                "credential" => "the key",
                _ => "what you entrusted as",
            },
            name: deed.name,
        }
    }
}

#[derive(Serialize)]
struct LadderView {
    ladder: String,
    /// The level; none stands for the lowest.
    level: Option<String>,
    above: Vec<StepView>,
    tone: &'static str,
    state: &'static str,
    why: Vec<&'static str>,
    in_review: bool,
    unknown: Vec<String>,
    against: Vec<String>,
}

#[derive(Serialize)]
struct StepView {
    level: String,
    fits: bool,
}

/// An application for a level.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Applied {
    ladder: Name,
    #[serde(default)]
    level: String,
}

/// An application to be taken back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Withdrawn {
    ladder: Name,
}

impl LadderView {
    fn of(one: &OwnLadder) -> Self {
        let names = |names: &[Name]| names.iter().map(ToString::to_string).collect();
        let (tone, state) = match &one.vetting {
            Some(vetting) => vetting_state(vetting),
            None => ("mute", "never applied"),
        };
        let why = match &one.vetting {
            Some(Vetting::InReview(review)) => review.why.iter().map(|one| doubt(*one)).collect(),
            _ => Vec::new(),
        };
        let step = |step: &flows::OwnStep| StepView {
            level: step.level.to_string(),
            fits: step.fits,
        };
        Self {
            ladder: one.ladder.to_string(),
            level: one.level.as_ref().map(ToString::to_string),
            above: one.above.iter().map(step).collect(),
            tone,
            state,
            why,
            in_review: matches!(one.vetting, Some(Vetting::InReview(_))),
            unknown: names(&one.unknown),
            against: names(&one.against),
        }
    }
}

/// `GET /developer`: the level now, and how to reach the next one.
pub(super) async fn show(site: Console) -> Result<Response, PageProblem> {
    page(&site, None).await
}

async fn own(site: &Console) -> Result<Option<OwnDeveloper>, PageProblem> {
    let Some(id) = site.developer() else {
        return Ok(None);
    };
    let snapshot = site.snapshots.load_full();
    Ok(own_developer(&site.authority, &snapshot, id).await?)
}

async fn page(site: &Console, problem: Option<String>) -> Result<Response, PageProblem> {
    let Some(own) = own(site).await? else {
        return Ok(site.no_developer());
    };
    let status = match problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let (snapshot, now) = (site.snapshots.load_full(), site.now());
    let deeds = deeds_of_others(&site.authority, &snapshot, &own).await?;
    let view = View {
        section: "developer",
        entries_of: vec![
            Entry::id("Identifier", own.id.to_string()),
            Entry::id("Account", own.name.to_string()),
        ],
        title: own.title,
        verified: own.verified,
        ladders: own.ladders.iter().map(LadderView::of).collect(),
        deeds: deeds
            .into_iter()
            .map(|deed| DeedView::of(deed, now))
            .collect(),
        problem,
    };
    Ok((status, site.page("own_developer.html", &view)).into_response())
}

async fn after<T>(
    site: &Console,
    moved: Result<T, VettingRefused>,
) -> Result<Response, PageProblem> {
    match moved {
        Ok(_) => Ok(Redirect::to(HERE).into_response()),
        Err(VettingRefused::Change(ChangeRefused::Unable(failure))) => Err(failure.into()),
        Err(why) => page(site, Some(sentence(&why.to_string()))).await,
    }
}

/// `POST /developer/vetting`: applies for a level, or for the highest that fits.
pub(super) async fn apply(
    site: Console,
    Form(applied): Form<Applied>,
) -> Result<Response, PageProblem> {
    let Some(own) = own(&site).await? else {
        return Ok(site.no_developer());
    };
    let level: Option<Name> = applied.level.parse().ok();
    let which = Application {
        account: &own.name,
        ladder: &applied.ladder,
    };
    let by = site.caller().actor();
    let who = (by.as_str(), which);
    let moved = apply_for_level(site.vetting(), who, level.as_ref(), &|_| Ok(None)).await;
    after(&site, moved).await
}

/// `POST /developer/vetting/withdraw`: takes an application back.
pub(super) async fn withdraw(
    site: Console,
    Form(withdrawn): Form<Withdrawn>,
) -> Result<Response, PageProblem> {
    let Some(own) = own(&site).await? else {
        return Ok(site.no_developer());
    };
    let which = Application {
        account: &own.name,
        ladder: &withdrawn.ladder,
    };
    let by = site.caller().actor();
    let moved = withdraw_application(site.vetting(), (&by, which), &|_| Ok(None)).await;
    after(&site, moved).await
}
