use std::{collections::BTreeMap, sync::Arc};

use decision::Vocabulary;
use primitives::{AccountId, AppId, Name, Revision};
use serde_json::{Value, json};
use snapshot::Snapshot;
use state::{Documents, Problem, Sources};
use store::{Credential, EventAction, Kind, Resource, WriteSet};

use crate::{Authority, Keep, Unable, apart::apart, authority::Offered};

mod keys;
mod plan;
mod report;

pub(crate) use plan::Plan;
pub use report::{ApiReport, Reimport};

/// A state to be put in force.
#[derive(Clone, Debug, Default)]
pub struct ApplyRequest {
    /// What it is read from.
    pub sources: Sources,
    /// Whether entries that the files do not mention are deleted. Accounts and apps are only
    /// deleted when the files mention that kind at all.
    pub prune: bool,
    /// Whether only to say what would be done.
    pub dry_run: bool,
    /// Who applies it, for the event log.
    pub actor: String,
}

/// What applying did, or in a dry run would have done.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// New entries.
    pub created: Vec<(Kind, Name)>,
    /// Changed entries.
    pub updated: Vec<(Kind, Name)>,
    /// Deleted entries.
    pub deleted: Vec<(Kind, Name)>,
    /// How many entries of the files were in force already.
    pub unchanged: usize,
    /// How many existing keys were taken over.
    pub keys: usize,
    /// The revision that has it; the current one when nothing was to be done.
    pub revision: Revision,
    /// What of each API that the files mention is open and what is closed.
    pub apis: Vec<ApiReport>,
    /// What changed in each description that was there before.
    pub reimports: Vec<Reimport>,
}

impl Applied {
    /// Whether the state in force differed from the files.
    #[must_use]
    pub fn changed_anything(&self) -> bool {
        let changes = self.created.len() + self.updated.len() + self.deleted.len() + self.keys;
        changes > 0
    }
}

/// Why a state was not put in force. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum ApplyRefused {
    /// Something in it is wrong: everything found, with its place.
    #[error("{} problems in the state, the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Wrong(Vec<Problem>),
    /// It could not be done.
    #[error(transparent)]
    Unable(#[from] Unable),
}

impl From<store::StoreFailure> for ApplyRefused {
    fn from(failure: store::StoreFailure) -> Self {
        Self::Unable(failure.into())
    }
}

/// Puts a state in force, whole or not at all. Applying what is in force changes nothing, not
/// even the revision.
///
/// # Errors
/// When anything in the state is wrong, with every problem's place, or it could not be done.
pub async fn apply(
    at: &Authority,
    request: ApplyRequest,
    keep: Keep<'_, Applied>,
) -> Result<Applied, ApplyRefused> {
    let wanted = Wanted::read(request).await?;
    let applied = put_in_force(at, &wanted, keep).await;
    wanted.forget();
    applied
}

async fn put_in_force(
    at: &Authority,
    wanted: &Wanted,
    keep: Keep<'_, Applied>,
) -> Result<Applied, ApplyRefused> {
    for _ in Authority::tries() {
        let (mut applied, changes) = wanted.planned(at, write_set).await?;
        let Some(mut changes) = changes else {
            return Ok(applied);
        };
        changes.base = Some(applied.revision);
        applied.revision = Revision(applied.revision.0.saturating_add(1));
        changes.answers.extend(keep(&applied)?);
        if let Offered::In(committed) = at.offer(changes).await? {
            applied.revision = committed.revision;
            return Ok(applied);
        }
    }
    Err(Unable::Crowded.into())
}

/// What is to be committed; nothing when nothing changes, or is to.
fn write_set(
    at: &Authority,
    request: &ApplyRequest,
    (plan, applied): (&Plan, &Applied),
) -> Result<Option<WriteSet>, Unable> {
    if request.dry_run || !applied.changed_anything() {
        return Ok(None);
    }
    plan.write_set(at, &request.actor).map(Some)
}

/// What is made of a plan and of what applying it does.
type Made<T> = fn(&Authority, &ApplyRequest, (&Plan, &Applied)) -> Result<T, Unable>;

/// A state that was read, to be planned as often as others change what is there meanwhile.
///
/// With many apps all of this takes seconds of work, so it is done apart from requests.
pub(crate) struct Wanted(Arc<(ApplyRequest, Documents)>);

impl Wanted {
    pub(crate) async fn read(request: ApplyRequest) -> Result<Self, ApplyRefused> {
        let read = apart(move || {
            let documents = state::parse(&request.sources)?;
            Ok(Self(Arc::new((request, documents))))
        });
        read.await?.map_err(ApplyRefused::Wrong)
    }

    /// What the state would change, checked as a whole, and what `made` makes of the plan.
    pub(crate) async fn planned<T: Send + 'static>(
        &self,
        at: &Authority,
        made: Made<T>,
    ) -> Result<(Applied, T), ApplyRefused> {
        let (base, resources, credentials) = at.store.everything().await?;
        let (at, wanted) = (at.clone(), Arc::clone(&self.0));
        let planned = apart(move || {
            let (request, documents) = &*wanted;
            let plan = Plan::make(&at, request, documents, (resources, credentials))?;
            let built = check(base, &plan)
                .map_err(|found| ApplyRefused::Wrong(located(documents, found)))?;
            let applied = Applied {
                revision: base,
                apis: report::apis(documents, &built),
                reimports: report::reimports(&plan),
                ..plan.summary()
            };
            let made = made(&at, request, (&plan, &applied))?;
            Ok((applied, made))
        });
        planned.await?
    }

    /// Gives the memory back, which is work as well.
    pub(crate) fn forget(self) {
        drop(tokio::task::spawn_blocking(move || drop(self)));
    }
}

/// Builds everything as it would be: the same code that every gateway builds it with.
fn check(base: Revision, plan: &Plan) -> Result<Snapshot, Vec<Problem>> {
    let resources: Vec<Resource> = plan.after.values().cloned().collect();
    let vocabulary = Arc::new(Vocabulary::default());
    Snapshot::build(vocabulary, base, &resources, &plan.credentials_after)
}

fn located(documents: &Documents, problems: Vec<Problem>) -> Vec<Problem> {
    problems
        .into_iter()
        .map(|problem| documents.located(problem))
        .collect()
}

/// The number behind a new entry's id; kinds that are named only have none.
pub(crate) fn new_id(at: &Authority, kind: Kind) -> Result<u128, Unable> {
    Ok(match kind {
        Kind::Account => AccountId::new(&*at.clock, &*at.entropy)?.as_u128(),
        Kind::App => AppId::new(&*at.clock, &*at.entropy)?.as_u128(),
        _ => 0,
    })
}

/// What the event log keeps of a document: all of it, or of a long description what identifies
/// it.
pub(crate) fn event_detail(kind: Kind, body: &str) -> Value {
    match kind {
        Kind::Description => json!({
            "bytes": body.len(),
            "fingerprint": format!("{:032x}", primitives::fingerprint(body.as_bytes())),
        }),
        _ => serde_json::from_str(body).unwrap_or_default(),
    }
}

/// Everything there is, by kind and name.
pub(crate) type ByName = BTreeMap<(Kind, Name), Resource>;

/// The credentials that change and the events that tell of it.
pub(crate) fn add_credentials(
    at: &Authority,
    actor: &str,
    changes: &mut WriteSet,
    credentials: &[(Credential, EventAction)],
) -> Result<(), Unable> {
    for (credential, action) in credentials {
        let detail = json!({ "app": credential.app_name, "mode": credential.mode });
        let id = credential.id.to_string();
        changes
            .events
            .push(at.event(actor, *action, (crate::CREDENTIAL_KIND, &id), &detail)?);
        changes.credentials.push(credential.clone());
    }
    Ok(())
}
