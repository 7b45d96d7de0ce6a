//! Vetting: from an application to a level, with the change of level in the same commit.

use std::sync::Arc;

use accounts::{
    profile::Profile,
    risk::{Assessment, Found, Known, Model},
    vetting::{Around, Decider, Immovable, Level, Moved, Vetting},
};
use futures_util::future::{join_all, join3};
use primitives::{Name, PageSize, Revision};
use serde_json::json;
use snapshot::{Changes, Loader, Snapshot};
use state::document::{self, Document as _};
use store::{EventAction, Expected, Kind, Resource, VettingPlace, WriteSet};

use crate::{
    Authority, ChangeRefused, Keep, ToggleRefused, Unable, apply::event_detail, assign_level,
    authority::Offered, profile_of,
};

mod kept;
mod service;

pub use kept::{AssessmentDocument, LineDocument, RoomDocument, VettingDocument};
pub use service::{Carrier, RiskServices};

/// The word for vettings in the event log.
pub const VETTING_KIND: &str = "vetting";
/// Who looks at levels again when they are due.
const JOB: &str = "vetting";
/// How many of those one step looks at.
const STEP: u32 = 100;
/// How many of those at once; a risk service of others is asked no more at once by the job.
const AT_ONCE: usize = 25;

/// What vetting works with.
#[derive(Clone, Copy, Debug)]
pub struct VettingDesk<'a> {
    /// Where changes are made.
    pub at: &'a Authority,
    /// What puts them in force.
    pub loader: &'a Arc<Loader>,
    /// The risk services of others.
    pub services: &'a RiskServices,
}

/// A developer's vetting on a ladder.
#[derive(Clone, Copy, Debug)]
pub struct Application<'a> {
    /// The developer's account.
    pub account: &'a Name,
    /// The ladder.
    pub ladder: &'a Name,
}

/// A vetting after a move.
#[derive(Clone, Debug)]
pub struct Vetted {
    /// It, as it is kept.
    pub kept: store::Vetting,
    /// It, with its data.
    pub vetting: Vetting,
    /// The developer's level now; the lowest if none.
    pub level: Option<Name>,
    /// The revision that has it.
    pub revision: Revision,
}

/// Why a vetting did not move.
#[derive(Debug, thiserror::Error)]
pub enum VettingRefused {
    /// No such account.
    #[error("there is no account `{0}`")]
    AccountUnknown(Name),
    /// Nothing says how to judge.
    #[error("there is no risk model for the ladder `{0}`; write one in a state file")]
    NoModel(Name),
    /// An unverified account has nothing, whatever its level.
    #[error("account `{0}` is not verified; verify it first")]
    Unverified(Name),
    /// It never applied.
    #[error("`{account}` never applied for a level of the ladder `{ladder}`")]
    NeverApplied {
        /// The account.
        account: Name,
        /// The ladder.
        ladder: Name,
    },
    /// The state does not allow it.
    #[error(transparent)]
    Immovable(#[from] Immovable),
    /// The level cannot be set.
    #[error(transparent)]
    Change(#[from] ChangeRefused),
}

impl<T: Into<Unable>> From<T> for VettingRefused {
    fn from(failure: T) -> Self {
        Self::Change(ChangeRefused::Unable(failure.into()))
    }
}

/// What a move is made from.
struct Scene<'a> {
    before: Option<Vetting>,
    is_verified: bool,
    assessment: Assessment,
    around: Around<'a>,
}

type Step<'a> = &'a (dyn Fn(Scene<'_>) -> Result<Moved, VettingRefused> + Send + Sync);

/// Applies for a level, or for the highest that the account's points allow.
///
/// # Errors
/// When there is no such developer or model, the account is not verified, an application is in
/// review, or it could not be done.
pub async fn apply_for_level(
    desk: VettingDesk<'_>,
    (actor, which): (&str, Application<'_>),
    wanted: Option<&Name>,
    keep: Keep<'_, Vetted>,
) -> Result<Vetted, VettingRefused> {
    let step = |scene: Scene<'_>| {
        if !scene.is_verified {
            return Err(VettingRefused::Unverified(which.account.clone()));
        }
        let before = scene.before.as_ref();
        let moved = Vetting::apply(before, wanted.cloned(), scene.assessment, scene.around);
        Ok(moved?)
    };
    go(desk, (actor, which), (Asking::Anew, &step), keep).await
}

/// What a person decides about an application in review.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The developer gets this level.
    Approve(Name),
    /// The developer stays where he is.
    Refuse,
}

/// Decides an application in review; `note` is for those who look at it later.
///
/// # Errors
/// When nothing is in review, the ladder does not have the level, or it could not be done.
pub async fn decide_vetting(
    desk: VettingDesk<'_>,
    (actor, which): (&str, Application<'_>),
    (verdict, note): (&Verdict, &str),
    keep: Keep<'_, Vetted>,
) -> Result<Vetted, VettingRefused> {
    let step = |scene: Scene<'_>| {
        let by = Decider::Person {
            actor: actor.to_owned(),
            note: note.to_owned(),
        };
        let before = there(scene.before, which)?;
        Ok(match verdict {
            Verdict::Approve(level) => before.approve(level.clone(), by, scene.around)?,
            Verdict::Refuse => before.refuse(by)?,
        })
    };
    go(desk, (actor, which), (Asking::Not, &step), keep).await
}

/// Takes an application in review back.
///
/// # Errors
/// When nothing is in review, or it could not be done.
pub async fn withdraw_application(
    desk: VettingDesk<'_>,
    (actor, which): (&str, Application<'_>),
    keep: Keep<'_, Vetted>,
) -> Result<Vetted, VettingRefused> {
    let step = |scene: Scene<'_>| Ok(there(scene.before, which)?.withdraw()?);
    go(desk, (actor, which), (Asking::Not, &step), keep).await
}

/// Looks at a level again: more risk than before narrows at once (J-6).
///
/// # Errors
/// When no level was given by vetting, or it could not be done.
pub async fn look_again(
    desk: VettingDesk<'_>,
    (actor, which): (&str, Application<'_>),
    keep: Keep<'_, Vetted>,
) -> Result<Vetted, VettingRefused> {
    look_again_as(desk, (actor, which), Asking::Anew, keep).await
}

async fn look_again_as(
    desk: VettingDesk<'_>,
    (actor, which): (&str, Application<'_>),
    asking: Asking,
    keep: Keep<'_, Vetted>,
) -> Result<Vetted, VettingRefused> {
    let step = |scene: Scene<'_>| {
        let before = there(scene.before, which)?;
        let due_at = before.due_at();
        let mut moved = before.look_again(scene.assessment, scene.around)?;
        if asking == Asking::UnlessKept {
            // Who keeps changing its account is asked about all the same when it is due.
            moved.vetting = moved.vetting.due_no_later(due_at);
        }
        Ok(moved)
    };
    go(desk, (actor, which), (asking, &step), keep).await
}

/// Looks again at the levels that are due and at those whose account was changed since they were
/// given, some of the former and all of the latter; tells how many. One that cannot be looked at
/// is told of and stays as it is.
///
/// # Errors
/// When the store fails.
pub async fn look_again_where_needed(desk: VettingDesk<'_>) -> Result<usize, Unable> {
    let (at, size) = (desk.at, PageSize::clamped(STEP));
    let due = at.store.vettings_due(at.clock.now(), size).await?;
    let mut looked = look_again_at(desk, &due, Asking::Anew).await?;
    let mut after = None;
    loop {
        let approved = VettingDocument::APPROVED;
        let page = at.store.vettings_overtaken(approved, after.as_ref(), size);
        let page = page.await?;
        let done = look_again_at(desk, &page, Asking::UnlessKept).await?;
        looked = looked.saturating_add(done);
        match page.last() {
            None => return Ok(looked),
            Some(last) => after = Some(place_of(last)),
        }
    }
}

/// Where a vetting stands in a list.
fn place_of(kept: &store::Vetting) -> VettingPlace {
    VettingPlace {
        since: kept.since,
        account: kept.account.clone(),
        ladder: kept.ladder.clone(),
    }
}

async fn look_again_at(
    desk: VettingDesk<'_>,
    vettings: &[store::Vetting],
    asking: Asking,
) -> Result<usize, Unable> {
    let mut looked = 0_usize;
    for some in vettings.chunks(AT_ONCE) {
        let each = some.iter().map(|one| look_at_one(desk, one, asking));
        for done in join_all(each).await {
            looked = looked.saturating_add(usize::from(done?));
        }
    }
    Ok(looked)
}

/// Whether one could be looked at.
async fn look_at_one(
    desk: VettingDesk<'_>,
    one: &store::Vetting,
    asking: Asking,
) -> Result<bool, Unable> {
    let (account, ladder) = (&one.account, &one.ladder);
    let which = Application { account, ladder };
    match look_again_as(desk, (JOB, which), asking, &|_| Ok(None)).await {
        Ok(_) => Ok(true),
        Err(VettingRefused::Change(ChangeRefused::Unable(failure))) => Err(failure),
        Err(problem) => {
            tracing::warn!(%account, %ladder, %problem, "a level is not looked at again");
            Ok(false)
        }
    }
}

/// Holds an account against the model of a ladder, and changes nothing. A risk service is not
/// asked.
///
/// # Errors
/// When there is no such developer or model, or the store fails.
pub async fn assess(
    at: &Authority,
    snapshot: &Snapshot,
    which: Application<'_>,
) -> Result<Assessment, VettingRefused> {
    let profile = profile_of(at, which.account).await?;
    assess_with(snapshot, which, (&profile, None))
}

fn account_of(resource: &Resource) -> Result<document::Account, Unable> {
    document::Account::from_body(&resource.body)
        .map_err(|_| Unable::Unreadable(format!("account {}", resource.name)))
}

fn assess_with(
    snapshot: &Snapshot,
    which: Application<'_>,
    (profile, service): (&Profile, Option<i64>),
) -> Result<Assessment, VettingRefused> {
    let model = model_of(snapshot, which.ladder)?;
    let account = snapshot.account_named(which.account.as_str());
    let account = account.ok_or_else(|| VettingRefused::AccountUnknown(which.account.clone()))?;
    Ok(model.assess(Known {
        country: account.home,
        properties: &account.attributes,
        profile,
        service,
    }))
}

/// The vetting of a developer on a ladder, with its data.
///
/// # Errors
/// When the store fails, or what it keeps cannot be read.
pub async fn find_vetting(
    at: &Authority,
    which: Application<'_>,
) -> Result<Option<(store::Vetting, Vetting)>, Unable> {
    let kept = at.store.vetting(which.account, which.ladder).await?;
    kept.map(|kept| Ok((kept.clone(), read(&kept)?)))
        .transpose()
}

/// What is kept of a vetting, read.
///
/// # Errors
/// When it cannot be read.
pub fn read(kept: &store::Vetting) -> Result<Vetting, Unable> {
    let unreadable = || Unable::Unreadable(format!("the vetting of {}", kept.account));
    let document: VettingDocument = serde_json::from_str(&kept.body).map_err(|_| unreadable())?;
    Ok(document.read(kept.due_at))
}

fn there(before: Option<Vetting>, which: Application<'_>) -> Result<Vetting, VettingRefused> {
    before.ok_or_else(|| VettingRefused::NeverApplied {
        account: which.account.clone(),
        ladder: which.ladder.clone(),
    })
}

fn model_of<'a>(snapshot: &'a Snapshot, ladder: &Name) -> Result<&'a Model, VettingRefused> {
    let model = snapshot.setup().risk_models.get(ladder);
    model.ok_or_else(|| VettingRefused::NoModel(ladder.clone()))
}

/// Whether a risk service is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asking {
    /// It is not.
    Not,
    /// It is, unless it gave points when the developer was judged last: others are not asked anew
    /// about each change of an account.
    UnlessKept,
    /// It is.
    Anew,
}

/// The points that a risk service gave when the developer was judged last.
fn kept_points(vetting: &Vetting, service: Option<&Name>) -> Option<i64> {
    let assessment = match vetting {
        Vetting::InReview(review) => &review.assessment,
        Vetting::Approved(approval) => &approval.assessment,
        Vetting::Refused(refusal) => &refusal.assessment,
        Vetting::Withdrawn => return None,
    };
    // Its line is the last: a signal of the model may have the same name.
    let line = assessment.lines.last()?;
    (Some(&line.signal) == service && line.found == Found::Yes).then_some(line.points)
}

/// Makes a move from the newest state, and commits it with the level that it gives or takes. A
/// risk service is asked once, if at all, however often the change is made again.
async fn go(
    desk: VettingDesk<'_>,
    (actor, which): (&str, Application<'_>),
    (asking, step): (Asking, Step<'_>),
    keep: Keep<'_, Vetted>,
) -> Result<Vetted, VettingRefused> {
    let at = desk.at;
    let mut asked = (asking == Asking::Not).then_some(None);
    for _ in Authority::tries() {
        let seat = at.rounds.seat(at, desk.loader).await?;
        let has_service = seat
            .snapshot
            .setup()
            .risk_services
            .contains_key(which.ladder);
        let service = match asked {
            Some(points) => points,
            None if !has_service => None,
            None => {
                // A service may take long, and others need not wait for it.
                let snapshot = Arc::clone(&seat.snapshot);
                drop(seat);
                asked = Some(service_points(desk, &snapshot, which, asking).await?);
                continue;
            }
        };
        let (resource, before, profile) = scene_of(at, which).await?;
        let known = (
            which,
            &resource,
            account_of(&resource)?,
            (&profile, service),
        );
        let planned = plan(at, &seat.snapshot, known, before, step)?;
        let changes = planned.write_set(at, (actor, which), (&seat.snapshot, keep))?;
        if let Offered::In(_) = seat.offer(changes).await? {
            return Ok(planned.vetted);
        }
    }
    Err(Unable::Crowded.into())
}

async fn account_resource(
    at: &Authority,
    which: Application<'_>,
) -> Result<Resource, VettingRefused> {
    let found = at.store.resource(Kind::Account, which.account).await?;
    found.ok_or_else(|| VettingRefused::AccountUnknown(which.account.clone()))
}

/// What a move is made from, read at once.
async fn scene_of(
    at: &Authority,
    which: Application<'_>,
) -> Result<(Resource, Option<(store::Vetting, Vetting)>, Profile), VettingRefused> {
    let (resource, before, profile) = join3(
        account_resource(at, which),
        find_vetting(at, which),
        profile_of(at, which.account),
    )
    .await;
    Ok((resource?, before?, profile?))
}

/// The points of the ladder's risk service, if it gives any.
async fn service_points(
    desk: VettingDesk<'_>,
    snapshot: &Snapshot,
    which: Application<'_>,
    asking: Asking,
) -> Result<Option<i64>, VettingRefused> {
    let account = account_of(&account_resource(desk.at, which).await?)?;
    if asking == Asking::UnlessKept {
        let name = &model_of(snapshot, which.ladder)?.service;
        let before = find_vetting(desk.at, which).await?;
        let kept = before.and_then(|(_, vetting)| kept_points(&vetting, name.as_ref()));
        if kept.is_some() {
            return Ok(kept);
        }
    }
    let profile = profile_of(desk.at, which.account).await?;
    let asked = desk
        .services
        .points(desk.at, snapshot, (which, &account, &profile));
    Ok(asked.await?)
}

/// What one move comes to.
struct Planned {
    vetted: Vetted,
    action: EventAction,
    /// The account with its new level, if that changes.
    account: Option<Resource>,
    /// The version of the account that it was made from.
    expected: Revision,
}

fn plan(
    at: &Authority,
    snapshot: &Snapshot,
    (which, resource, mut account, beside): (
        Application<'_>,
        &Resource,
        document::Account,
        (&Profile, Option<i64>),
    ),
    before: Option<(store::Vetting, Vetting)>,
    step: Step<'_>,
) -> Result<Planned, VettingRefused> {
    let is_verified = account.verified;
    let name = which.account.clone();
    let developer = account.developer.as_mut();
    let developer =
        developer.ok_or_else(|| ChangeRefused::from(ToggleRefused::NotADeveloper(name)))?;
    let (kept, before) = before.unzip();
    let now = at.clock.now();
    let stands = developer.levels.0.get(which.ladder).cloned();
    let moved = step(Scene {
        before,
        is_verified,
        assessment: assess_with(snapshot, which, beside)?,
        around: Around {
            model: model_of(snapshot, which.ladder)?,
            level: stands.as_ref(),
            now,
        },
    })?;
    let level = match &moved.level {
        Level::Stays => stands.clone(),
        Level::Is(level) => Some(level.clone()),
        Level::Lowest => None,
    };
    assign_level(
        snapshot.catalogue(),
        developer,
        which.ladder,
        level.as_ref(),
    )
    .map_err(ChangeRefused::from)?;
    let version = Revision(snapshot.revision().0.saturating_add(1));
    let document = VettingDocument::of(&moved.vetting);
    let state = document.state().to_owned();
    let same = kept.as_ref().filter(|kept| kept.state == state);
    let body =
        serde_json::to_string(&document).map_err(|_| Unable::Unreadable("a vetting".to_owned()))?;
    let row = store::Vetting {
        account: which.account.clone(),
        ladder: which.ladder.clone(),
        state,
        body,
        since: same.map_or(now, |kept| kept.since),
        due_at: moved.vetting.due_at(),
        version,
    };
    let body = account.to_body();
    let account = (body != resource.body).then(|| Resource {
        body,
        updated_at: now,
        version,
        ..resource.clone()
    });
    Ok(Planned {
        vetted: Vetted {
            kept: row,
            vetting: moved.vetting,
            level,
            revision: version,
        },
        action: kept.map_or(EventAction::Created, |_| EventAction::Updated),
        account,
        expected: resource.version,
    })
}

impl Planned {
    fn write_set(
        &self,
        at: &Authority,
        (actor, which): (&str, Application<'_>),
        (snapshot, keep): (&Snapshot, Keep<'_, Vetted>),
    ) -> Result<WriteSet, VettingRefused> {
        // Ids and words only: what a person wrote about the developer stays in the vetting.
        let told = json!({
            "ladder": which.ladder,
            "state": self.vetted.kept.state,
            "level": self.vetted.level,
        });
        let account = which.account.as_str();
        let thing = (VETTING_KIND, account);
        let mut events = vec![at.event(actor, self.action, thing, &told)?];
        let puts: Vec<Resource> = self.account.iter().cloned().collect();
        for changed in &puts {
            let built = snapshot.changed(&Changes {
                revision: changed.version,
                puts: std::slice::from_ref(changed),
                deletes: &[],
                credentials: &[],
            });
            built.map_err(ChangeRefused::Wrong)?;
            let detail = event_detail(Kind::Account, &changed.body);
            let thing = (Kind::Account.as_str(), account);
            events.push(at.event(actor, EventAction::Updated, thing, &detail)?);
        }
        let expected = Expected::At(self.expected);
        Ok(WriteSet {
            base: Some(snapshot.revision()),
            expected: vec![(Kind::Account, which.account.clone(), expected)],
            puts,
            vettings: vec![self.vetted.kept.clone()],
            events,
            at: at.clock.now(),
            answers: Vec::from_iter(keep(&self.vetted)?),
            ..WriteSet::default()
        })
    }
}
