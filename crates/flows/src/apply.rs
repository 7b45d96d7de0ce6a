use std::{collections::BTreeMap, sync::Arc};

use decision::Vocabulary;
use primitives::{AccountId, AppId, Name, Revision};
use serde_json::{Value, json};
use snapshot::Snapshot;
use state::{Documents, Problem, Sources};
use store::{Credential, EventAction, Kind, Resource, WriteSet};

use crate::{Authority, Keep, Unable, authority::Offered};

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
    request: &ApplyRequest,
    keep: Keep<'_, Applied>,
) -> Result<Applied, ApplyRefused> {
    let documents = state::parse(&request.sources).map_err(ApplyRefused::Wrong)?;
    for _ in Authority::tries() {
        let planned = Planned::make(at, request, &documents).await?;
        let mut applied = planned.applied;
        if request.dry_run || !applied.changed_anything() {
            return Ok(applied);
        }
        applied.revision = Revision(planned.base.0.saturating_add(1));
        let mut changes = planned.plan.write_set(at, &request.actor)?;
        changes.base = Some(planned.base);
        changes.answer = keep(&applied)?;
        if let Offered::In(committed) = at.offer(changes).await? {
            applied.revision = committed.revision;
            return Ok(applied);
        }
    }
    Err(Unable::Crowded.into())
}

/// What a state would change, checked as a whole.
pub(crate) struct Planned {
    /// The revision it was made from.
    pub(crate) base: Revision,
    pub(crate) plan: Plan,
    pub(crate) applied: Applied,
}

impl Planned {
    pub(crate) async fn make(
        at: &Authority,
        request: &ApplyRequest,
        documents: &Documents,
    ) -> Result<Self, ApplyRefused> {
        let (base, resources, credentials) = at.store.everything().await?;
        let plan = Plan::make(at, request, documents, (resources, credentials))?;
        let built =
            check(base, &plan).map_err(|found| ApplyRefused::Wrong(located(documents, found)))?;
        let applied = Applied {
            revision: base,
            apis: report::apis(documents, &built),
            reimports: report::reimports(&plan),
            ..plan.summary()
        };
        Ok(Self {
            base,
            plan,
            applied,
        })
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
