use primitives::{Name, Revision};
use serde_json::Value;
use snapshot::{Changes, Loader, Snapshot};
use state::Problem;
use store::{Credential, EventAction, Expected, Kind, Resource, StoreFailure, WriteSet};

use crate::{
    Authority, Keep, ToggleRefused, Unable,
    apply::{add_credentials, event_detail, new_id},
    authority::Offered,
};

/// An entry of the state, and who changes it.
#[derive(Clone, Copy, Debug)]
pub struct EntryChange<'a> {
    /// Who, for the event log.
    pub actor: &'a str,
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: &'a Name,
}

/// What is to become of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has this body.
    Body(String),
    /// It is gone.
    Gone,
}

/// An entry after a change.
#[derive(Clone, Debug)]
pub struct Changed {
    /// It, as it is now; as it was when it is gone.
    pub resource: Resource,
    /// What happened; `None` when it was so already.
    pub action: Option<EventAction>,
    /// The revision that has it.
    pub revision: Revision,
}

/// Why an entry was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeRefused {
    /// There is none of this name.
    #[error("there is no {kind} `{name}`")]
    Unknown {
        /// The kind.
        kind: Kind,
        /// The name.
        name: Name,
    },
    /// It is not at the version the change was made for.
    #[error("it is not at the version that the change was made for")]
    Unexpected {
        /// The version it is at; `None` when it does not exist.
        found: Option<Revision>,
    },
    /// It would contradict something: everything found, with its field.
    #[error("{} problems, the first: {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Wrong(Vec<Problem>),
    /// A toggle, level or limit cannot be set so.
    #[error(transparent)]
    Toggle(#[from] ToggleRefused),
    /// It could not be done.
    #[error(transparent)]
    Unable(#[from] Unable),
}

impl From<StoreFailure> for ChangeRefused {
    fn from(failure: StoreFailure) -> Self {
        Self::Unable(failure.into())
    }
}

/// Says what is to become of an entry, from what it is (if it is) and everything around it.
pub type Decide<'a> =
    &'a (dyn Fn(Option<&Resource>, &Snapshot) -> Result<Fate, ChangeRefused> + Send + Sync);

/// Changes one entry: made from the newest snapshot, held against all of it, committed only if
/// nothing else was meanwhile, and in force when it returns. A change that changes nothing moves
/// no revision.
///
/// # Errors
/// When `decide` refuses, the change contradicts something, or it could not be done.
pub async fn change_entry(
    at: &Authority,
    loader: &Loader,
    entry: EntryChange<'_>,
    decide: Decide<'_>,
    keep: Keep<'_, Changed>,
) -> Result<Changed, ChangeRefused> {
    let _alone = loader.lane().await;
    for _ in Authority::tries() {
        loader.refresh().await?;
        let snapshot = loader.handle().load_full();
        let before = at.store.resource(entry.kind, entry.name).await?;
        let fate = decide(before.as_ref(), &snapshot)?;
        let planned = plan(at, entry, before, (fate, snapshot.revision())).await?;
        if planned.changed.action.is_none() {
            keep_unchanged(at, keep(&planned.changed)?).await?;
            return Ok(planned.changed);
        }
        planned.check(&snapshot)?;
        let changes = planned.write_set(at, entry, (snapshot.revision(), keep))?;
        if let Offered::In(_) = at.offer(changes).await? {
            loader.refresh().await?;
            return Ok(planned.changed);
        }
    }
    Err(Unable::Crowded.into())
}

/// The answer of a request that changed nothing needs no commit of its own.
async fn keep_unchanged(
    at: &Authority,
    answer: Option<crate::KeptAnswer>,
) -> Result<(), ChangeRefused> {
    if let Some((scope, key, status, body)) = answer {
        let answer = Some((status, body));
        at.store.finish_idempotent(&scope, &key, answer).await?;
    }
    Ok(())
}

/// What one change comes to.
struct Planned {
    changed: Changed,
    /// The version it was made for; `None` when it must not exist.
    expected: Expected,
    /// Keys that end with the app.
    ended: Vec<(Credential, EventAction)>,
}

async fn plan(
    at: &Authority,
    entry: EntryChange<'_>,
    before: Option<Resource>,
    (fate, base): (Fate, Revision),
) -> Result<Planned, ChangeRefused> {
    let now = at.clock.now();
    let revision = Revision(base.0.saturating_add(1));
    let found = before.as_ref().map(|before| before.version);
    let expected = found.map_or(Expected::Absent, Expected::At);
    let (resource, action) = match (before, fate) {
        (Some(before), Fate::Body(body)) if before.body == body => (before, None),
        (Some(before), Fate::Body(body)) => {
            let after = Resource {
                body,
                updated_at: now,
                version: revision,
                ..before
            };
            (after, Some(EventAction::Updated))
        }
        (None, Fate::Body(body)) => {
            let made = Resource {
                kind: entry.kind,
                name: entry.name.clone(),
                id: new_id(at, entry.kind)?,
                version: revision,
                body,
                created_at: now,
                updated_at: now,
            };
            (made, Some(EventAction::Created))
        }
        (Some(before), Fate::Gone) => (before, Some(EventAction::Deleted)),
        (None, Fate::Gone) => {
            return Err(ChangeRefused::Unknown {
                kind: entry.kind,
                name: entry.name.clone(),
            });
        }
    };
    let mut ended = Vec::new();
    if entry.kind == Kind::App && action == Some(EventAction::Deleted) {
        let keys = at.store.credentials_of(entry.name).await?;
        for mut key in keys.into_iter().filter(|key| key.revoked_at.is_none()) {
            key.revoked_at = Some(now);
            ended.push((key, EventAction::Updated));
        }
    }
    Ok(Planned {
        changed: Changed {
            resource,
            revision: if action.is_some() { revision } else { base },
            action,
        },
        expected,
        ended,
    })
}

impl Planned {
    fn is_gone(&self) -> bool {
        self.changed.action == Some(EventAction::Deleted)
    }

    /// Builds everything as it would be: the same code that every gateway builds it with.
    fn check(&self, snapshot: &Snapshot) -> Result<(), ChangeRefused> {
        let resource = &self.changed.resource;
        let gone = [(resource.kind, resource.name.clone())];
        let (puts, deletes): (&[Resource], &[_]) = if self.is_gone() {
            (&[], &gone)
        } else {
            (std::slice::from_ref(resource), &[])
        };
        let keys: Vec<Credential> = self.ended.iter().map(|(key, _)| key.clone()).collect();
        let built = snapshot.changed(&Changes {
            revision: self.changed.revision,
            puts,
            deletes,
            credentials: &keys,
        });
        built.map(drop).map_err(ChangeRefused::Wrong)
    }

    fn write_set(
        &self,
        at: &Authority,
        entry: EntryChange<'_>,
        (base, keep): (Revision, Keep<'_, Changed>),
    ) -> Result<WriteSet, ChangeRefused> {
        let resource = &self.changed.resource;
        let mut changes = WriteSet {
            base: Some(base),
            expected: vec![(entry.kind, entry.name.clone(), self.expected)],
            at: at.clock.now(),
            answers: Vec::from_iter(keep(&self.changed)?),
            ..WriteSet::default()
        };
        let detail = if self.is_gone() {
            changes.deletes.push((entry.kind, entry.name.clone()));
            Value::Null
        } else {
            changes.puts.push(resource.clone());
            event_detail(entry.kind, &resource.body)
        };
        if let Some(action) = self.changed.action {
            let thing = (entry.kind.as_str(), entry.name.as_str());
            let event = at.event(entry.actor, action, thing, &detail)?;
            changes.events.push(event);
        }
        add_credentials(at, entry.actor, &mut changes, &self.ended)?;
        Ok(changes)
    }
}
