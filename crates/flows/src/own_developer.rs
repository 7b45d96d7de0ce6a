use accounts::{
    risk::{Assessment, Found},
    vetting::Vetting,
};
use primitives::{AccountId, Name};
use snapshot::Snapshot;
use state::document::{Account, Document as _};
use store::Kind;

use crate::{Application, Authority, ChangeRefused, Unable, VettingRefused, assess, find_vetting};

/// Where a developer stands, as the developer is told: what the provider's model thinks of whom,
/// in points, is the provider's.
#[derive(Clone, Debug)]
pub struct OwnDeveloper {
    /// The identifier that was assigned (P-21).
    pub id: AccountId,
    /// The account's name.
    pub name: Name,
    /// What the developer is called.
    pub title: String,
    /// Whether the account counts as verified.
    pub verified: bool,
    /// Where it stands on each ladder that one can apply on, by name.
    pub ladders: Vec<OwnLadder>,
}

/// Where a developer stands on a ladder.
#[derive(Clone, Debug)]
pub struct OwnLadder {
    /// The ladder.
    pub ladder: Name,
    /// The level now; the lowest when none was given.
    pub level: Option<Name>,
    /// The levels above it, the next first.
    pub above: Vec<OwnStep>,
    /// What came of applying; `None` when the developer never did.
    pub vetting: Option<Vetting>,
    /// What of the account the provider does not know, and has to before anything is given alone.
    pub unknown: Vec<Name>,
    /// What counts against the account.
    pub against: Vec<Name>,
}

/// A level above the present one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnStep {
    /// The level.
    pub level: Name,
    /// Whether the account's risk allows it now.
    pub fits: bool,
}

/// Where a developer stands; `None` when the account is not there any more.
///
/// # Errors
/// When the store fails, or what it keeps cannot be read.
pub async fn own_developer(
    at: &Authority,
    snapshot: &Snapshot,
    id: AccountId,
) -> Result<Option<OwnDeveloper>, Unable> {
    let Some(account) = snapshot.account(id).filter(|one| one.developer.is_some()) else {
        return Ok(None);
    };
    let resource = at.store.resource(Kind::Account, &account.name).await?;
    let title = resource
        .and_then(|resource| Account::from_body(&resource.body).ok())
        .and_then(|account| account.title);
    let mut ladders = Vec::new();
    for ladder in snapshot.setup().risk_models.keys() {
        ladders.push(own_ladder(at, snapshot, (&account.name, ladder)).await?);
    }
    Ok(Some(OwnDeveloper {
        id,
        name: account.name.clone(),
        title: title.unwrap_or_else(|| account.name.to_string()),
        verified: account.verified,
        ladders,
    }))
}

async fn own_ladder(
    at: &Authority,
    snapshot: &Snapshot,
    (account, ladder): (&Name, &Name),
) -> Result<OwnLadder, Unable> {
    let which = Application { account, ladder };
    let vetting = find_vetting(at, which).await?.map(|(_, vetting)| vetting);
    let level = level_of(snapshot, which);
    let assessment = match assess(at, snapshot, which).await {
        Ok(assessment) => Some(assessment),
        Err(VettingRefused::Change(ChangeRefused::Unable(failure))) => return Err(failure),
        Err(_) => None,
    };
    let signals = |found: &dyn Fn(&accounts::risk::Line) -> bool| -> Vec<Name> {
        let lines = assessment.iter().flat_map(|one| &one.lines);
        let found = lines.filter(|line| found(line));
        found.map(|line| line.signal.clone()).collect()
    };
    Ok(OwnLadder {
        above: above(assessment.as_ref(), level.as_ref()),
        unknown: signals(&|line| line.found == Found::Unknown),
        against: signals(&|line| line.points > 0),
        ladder: ladder.clone(),
        level,
        vetting,
    })
}

/// The levels above the present one; without one the lowest is it.
fn above(assessment: Option<&Assessment>, level: Option<&Name>) -> Vec<OwnStep> {
    let Some(assessment) = assessment else {
        return Vec::new();
    };
    let rooms = &assessment.rooms;
    let at = level.and_then(|level| rooms.iter().position(|room| room.level == *level));
    let steps = rooms
        .iter()
        .enumerate()
        .skip(at.unwrap_or(0).saturating_add(1));
    steps
        .map(|(index, room)| OwnStep {
            level: room.level.clone(),
            fits: index < assessment.fits,
        })
        .collect()
}

/// The developer's assigned level as the snapshot has it.
#[must_use]
pub fn level_of(snapshot: &Snapshot, which: Application<'_>) -> Option<Name> {
    let account = snapshot.account_named(which.account.as_str())?;
    let developer = account.developer.as_ref()?;
    let symbol = snapshot.vocabulary().ladders.get(which.ladder.as_str())?;
    let (_, level) = developer.levels.iter().find(|(on, _)| *on == symbol)?;
    let ladder = snapshot.catalogue().ladders.get(symbol)?;
    let mut steps = ladder.levels.iter();
    steps
        .find(|step| step.symbol == *level)
        .map(|step| step.name.clone())
}
