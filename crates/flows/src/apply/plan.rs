use std::collections::{HashMap, HashSet};

use primitives::{AppId, Name};
use state::{Document, Documents, document};
use store::{Credential, EventAction, Kind, Resource, WriteSet};

use super::{Applied, ApplyRequest, ByName, add_credentials, event_detail, keys, new_id};
use crate::{Authority, Unable};

/// An entry that differs: what it is, and its body before and after.
pub(crate) type Changed<'a> = (&'a (Kind, Name), Option<&'a str>, Option<&'a str>);

/// The difference between what is in force and what the files say.
pub(crate) struct Plan {
    /// Everything before.
    pub(crate) before: ByName,
    /// Everything after.
    pub(crate) after: ByName,
    /// Every credential after.
    pub(crate) credentials_after: Vec<Credential>,
    created: Vec<(Kind, Name)>,
    updated: Vec<(Kind, Name)>,
    deleted: Vec<(Kind, Name)>,
    unchanged: usize,
    credentials: Vec<(Credential, EventAction)>,
}

impl Plan {
    pub(super) fn make(
        at: &Authority,
        request: &ApplyRequest,
        documents: &Documents,
        (resources, credentials): (Vec<Resource>, Vec<Credential>),
    ) -> Result<Self, Unable> {
        let before: ByName = resources
            .into_iter()
            .map(|one| ((one.kind, one.name.clone()), one))
            .collect();
        let mut plan = Self {
            after: before.clone(),
            before,
            credentials_after: credentials,
            created: Vec::new(),
            updated: Vec::new(),
            deleted: Vec::new(),
            unchanged: 0,
            credentials: Vec::new(),
        };
        plan.put(at, documents)?;
        if request.prune {
            plan.prune(documents);
        }
        plan.end_keys_of_deleted_apps(at);
        plan.take_over_keys(at, documents)?;
        Ok(plan)
    }

    fn put(&mut self, at: &Authority, documents: &Documents) -> Result<(), Unable> {
        let now = at.clock.now();
        for entry in &documents.entries {
            let key = (entry.kind, entry.name.clone());
            match self.after.get_mut(&key) {
                Some(known) if known.body == entry.body => self.unchanged += 1,
                Some(known) => {
                    known.body.clone_from(&entry.body);
                    known.updated_at = now;
                    self.updated.push(key);
                }
                None => {
                    let made = Resource {
                        kind: entry.kind,
                        name: entry.name.clone(),
                        id: new_id(at, entry.kind)?,
                        version: primitives::Revision::default(),
                        body: entry.body.clone(),
                        created_at: now,
                        updated_at: now,
                    };
                    self.after.insert(key.clone(), made);
                    self.created.push(key);
                }
            }
        }
        Ok(())
    }

    /// Deletes what the files do not have. A file of set-up alone never deletes a developer.
    fn prune(&mut self, documents: &Documents) {
        let described = described(documents);
        let gone: Vec<_> = self
            .after
            .keys()
            .filter(|(kind, name)| {
                if *kind == Kind::Description && described.contains(name.as_str()) {
                    return false;
                }
                let member = matches!(kind, Kind::Account | Kind::App);
                documents.entry(*kind, name.as_str()).is_none()
                    && (!member || documents.mentioned.contains(kind))
            })
            .cloned()
            .collect();
        for key in gone {
            self.after.remove(&key);
            self.deleted.push(key);
        }
    }

    fn end_keys_of_deleted_apps(&mut self, at: &Authority) {
        let now = at.clock.now();
        let apps = self.deleted.iter().filter(|(kind, _)| *kind == Kind::App);
        let gone: HashSet<&Name> = apps.map(|(_, name)| name).collect();
        for known in &mut self.credentials_after {
            if known.revoked_at.is_none() && gone.contains(&known.app_name) {
                known.revoked_at = Some(now);
                self.credentials.push((known.clone(), EventAction::Updated));
            }
        }
    }

    fn take_over_keys(&mut self, at: &Authority, documents: &Documents) -> Result<(), Unable> {
        let mut places: HashMap<(AppId, String), usize> = HashMap::new();
        for (place, known) in self.credentials_after.iter().enumerate() {
            if let Some(external_id) = &known.external_id {
                places.insert((known.app, external_id.clone()), place);
            }
        }
        for entry in &documents.keys {
            let app = self.after.get(&(Kind::App, entry.app.clone()));
            let Some(app) = app else { continue };
            let key = (AppId::from_u128(app.id), entry.external_id.clone());
            let place = places.get(&key).copied();
            let known = place.and_then(|place| self.credentials_after.get_mut(place));
            let Some(change) = keys::taken_over(at, entry, app, known.as_deref())? else {
                continue;
            };
            if let Some(known) = known {
                known.clone_from(&change.0);
            } else {
                places.insert(key, self.credentials_after.len());
                self.credentials_after.push(change.0.clone());
            }
            self.credentials.push(change);
        }
        Ok(())
    }

    pub(super) fn summary(&self) -> Applied {
        Applied {
            created: self.created.clone(),
            updated: self.updated.clone(),
            deleted: self.deleted.clone(),
            unchanged: self.unchanged,
            keys: self.credentials.len(),
            ..Applied::default()
        }
    }

    /// Entries whose bodies differ, in order: (entry, before, after).
    pub(crate) fn differences(&self) -> Vec<Changed<'_>> {
        let mut changed: Vec<_> = self
            .created
            .iter()
            .chain(&self.updated)
            .chain(&self.deleted)
            .collect();
        changed.sort();
        let body = |of: &'_ ByName, key| of.get(key).map(|one: &Resource| one.body.clone());
        debug_assert!(
            changed
                .iter()
                .all(|key| body(&self.before, key) != body(&self.after, key))
        );
        changed
            .into_iter()
            .map(|key| {
                let before = self.before.get(key).map(|one| one.body.as_str());
                (
                    key,
                    before,
                    self.after.get(key).map(|one| one.body.as_str()),
                )
            })
            .collect()
    }

    pub(super) fn write_set(&self, at: &Authority, actor: &str) -> Result<WriteSet, Unable> {
        let mut changes = WriteSet {
            at: at.clock.now(),
            ..WriteSet::default()
        };
        let told = [
            (EventAction::Created, &self.created),
            (EventAction::Updated, &self.updated),
        ];
        for (action, keys) in told {
            for key in keys {
                let Some(resource) = self.after.get(key) else {
                    continue;
                };
                let detail = event_detail(resource.kind, &resource.body);
                let thing = (resource.kind.as_str(), resource.name.as_str());
                changes
                    .events
                    .push(at.event(actor, action, thing, &detail)?);
                changes.puts.push(resource.clone());
            }
        }
        for key in &self.deleted {
            let thing = (key.0.as_str(), key.1.as_str());
            let detail = serde_json::Value::Null;
            changes
                .events
                .push(at.event(actor, EventAction::Deleted, thing, &detail)?);
            changes.deletes.push(key.clone());
        }
        add_credentials(at, actor, &mut changes, &self.credentials)?;
        Ok(changes)
    }
}

/// The descriptions that the APIs of the files go on using, sent along or not.
fn described(documents: &Documents) -> HashSet<String> {
    let apis = documents
        .entries
        .iter()
        .filter(|entry| entry.kind == Kind::Api);
    apis.filter_map(|entry| document::Api::from_body(&entry.body).ok())
        .map(|api| api.description)
        .collect()
}
