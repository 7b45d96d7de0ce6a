//! Building a snapshot, whole or from the one before.
//!
//! A change of accounts, apps or credentials copies the shards it touches. A change of the
//! set-up compiles that anew, which is little beside a million apps, and holds the accounts and
//! apps there are against it. Both ways give the same snapshot; a test compares them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use decision::{Account, App, ListSubject, Vocabulary};
use primitives::{AccountId, AppId, Name, Revision};
use state::{Members, Problem, Sharing, Source, Sourced};
use store::{Kind, Resource};

use crate::{
    Credential, Snapshot,
    against::keep_equal_profiles,
    mounts::Mounts,
    view::{ByName, CertifiedCredential, ExternalCredential},
};

/// More problems than this help nobody.
const MOST_PROBLEMS: usize = 100;

/// What is different from one revision to another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes<'a> {
    /// The revision after them.
    pub revision: Revision,
    /// Resources that are new or changed.
    pub puts: &'a [Resource],
    /// Resources that are gone.
    pub deletes: &'a [(Kind, Name)],
    /// Keys that are new or changed.
    pub credentials: &'a [store::Credential],
}

impl Snapshot {
    /// Builds a snapshot of everything the store has.
    ///
    /// # Errors
    /// When anything in it is wrong or refers to something that is not there.
    pub fn build(
        vocabulary: Arc<Vocabulary>,
        revision: Revision,
        resources: &[Resource],
        credentials: &[store::Credential],
    ) -> Result<Self, Vec<Problem>> {
        Self::empty(vocabulary).changed(&Changes {
            revision,
            puts: resources,
            deletes: &[],
            credentials,
        })
    }

    /// The snapshot after some changes; this one stays as it is.
    ///
    /// # Errors
    /// When something would be wrong afterwards, or refer to something that is not there.
    pub fn changed(&self, changes: &Changes<'_>) -> Result<Self, Vec<Problem>> {
        let sharing = Arc::clone(&self.sharing);
        let mut sharing = sharing.lock();
        let mut build = Build {
            before: self,
            next: self.clone(),
            changes,
            problems: Vec::new(),
        };
        build.next.revision = changes.revision;
        let setup_changed = build.is_setup_touched();
        if setup_changed {
            build.setup()?;
        }
        build.deletes();
        build.accounts(&mut sharing);
        build.apps(&mut sharing);
        if setup_changed && build.problems.is_empty() {
            build.hold_against_setup();
        }
        build.links();
        build.credentials();
        sharing.sweep();
        if build.problems.is_empty() {
            Ok(build.next)
        } else {
            build.problems.truncate(MOST_PROBLEMS);
            Err(build.problems)
        }
    }
}

pub(crate) struct Build<'a> {
    pub(crate) before: &'a Snapshot,
    pub(crate) next: Snapshot,
    changes: &'a Changes<'a>,
    problems: Vec<Problem>,
}

/// Names of accounts and apps as they will be, for lists.
struct Coming<'a> {
    before: &'a Snapshot,
    puts: HashMap<(Kind, &'a str), u128>,
    deleted: HashSet<(Kind, &'a str)>,
}

impl Coming<'_> {
    fn id(&self, kind: Kind, name: &str, before: Option<u128>) -> Option<u128> {
        let put = self.puts.get(&(kind, name)).copied();
        put.or_else(|| before.filter(|_| !self.deleted.contains(&(kind, name))))
    }
}

impl Members for Coming<'_> {
    fn account_id(&self, name: &str) -> Option<AccountId> {
        let before = self.before.account_id(name).map(AccountId::as_u128);
        self.id(Kind::Account, name, before)
            .map(AccountId::from_u128)
    }

    fn app_id(&self, name: &str) -> Option<AppId> {
        let before = self.before.app_id(name).map(AppId::as_u128);
        self.id(Kind::App, name, before).map(AppId::from_u128)
    }
}

const fn is_member(kind: Kind) -> bool {
    matches!(kind, Kind::Account | Kind::App)
}

impl<'a> Build<'a> {
    /// Whether the set-up must be compiled anew: something of it changed, or lists name accounts
    /// or apps and one of those is new or gone.
    fn is_setup_touched(&self) -> bool {
        let of_setup = |kind: Kind| !is_member(kind);
        if self.before.revision == Revision(0)
            || self.changes.puts.iter().any(|put| of_setup(put.kind))
            || self.changes.deletes.iter().any(|(kind, _)| of_setup(*kind))
        {
            return true;
        }
        let names_members = |subject: &ListSubject| !matches!(subject, ListSubject::Networks(_));
        let mut lists = self.before.setup.catalogue.lists.iter();
        lists.any(|(_, list)| names_members(&list.subject)) && self.is_membership_touched()
    }

    fn is_membership_touched(&self) -> bool {
        let moved = |put: &Resource| match put.kind {
            Kind::Account => {
                self.before.account_id(put.name.as_str()) != Some(AccountId::from_u128(put.id))
            }
            Kind::App => self.before.app_id(put.name.as_str()) != Some(AppId::from_u128(put.id)),
            _ => false,
        };
        !self.changes.deletes.is_empty() || self.changes.puts.iter().any(moved)
    }

    fn setup(&mut self) -> Result<(), Vec<Problem>> {
        let mut source = Source::clone(&self.before.source);
        for (kind, name) in self.changes.deletes {
            source.remove(&(*kind, name.clone()));
        }
        let mut problems = Vec::new();
        for put in self.changes.puts.iter().filter(|put| !is_member(put.kind)) {
            let sourced = if put.kind == Kind::Description {
                match state::description(&put.name, &put.body) {
                    Ok(description) => Sourced::Description(description),
                    Err(problem) => {
                        problems.push(*problem);
                        continue;
                    }
                }
            } else {
                Sourced::Body(put.body.as_str().into())
            };
            source.insert((put.kind, put.name.clone()), sourced);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let coming = self.coming();
        let mut setup = state::setup(&source, &coming, self.before.vocabulary())?;
        keep_equal_profiles(&self.before.setup, &mut setup);
        self.next.mounts = Arc::new(Mounts::of(&setup.catalogue));
        self.next.setup = Arc::new(setup);
        self.next.source = Arc::new(source);
        Ok(())
    }

    fn coming(&self) -> Coming<'a> {
        let puts = self.changes.puts.iter().filter(|put| is_member(put.kind));
        let deletes = self.changes.deletes.iter();
        Coming {
            before: self.before,
            puts: puts
                .map(|put| ((put.kind, put.name.as_str()), put.id))
                .collect(),
            deleted: deletes.map(|(kind, name)| (*kind, name.as_str())).collect(),
        }
    }

    fn deletes(&mut self) {
        for (kind, name) in self.changes.deletes {
            match kind {
                Kind::Account => {
                    if let Some(id) = self.next.account_id(name.as_str()) {
                        self.next.accounts.remove(&id);
                        self.next.account_names.remove(name.as_str());
                    }
                }
                Kind::App => {
                    if let Some(id) = self.next.app_id(name.as_str()) {
                        self.next.apps.remove(&id);
                        self.next.app_names.remove(name.as_str());
                    }
                }
                _ => {}
            }
        }
    }

    fn accounts(&mut self, sharing: &mut Sharing) {
        let setup = Arc::clone(&self.next.setup);
        for put in self
            .changes
            .puts
            .iter()
            .filter(|put| put.kind == Kind::Account)
        {
            let id = AccountId::from_u128(put.id);
            match state::account(&setup, sharing, (&put.name, id), &put.body) {
                Ok(account) => self.put_account(Arc::new(account)),
                Err(problems) => self.refuse(problems),
            }
        }
    }

    pub(crate) fn put_account(&mut self, account: Arc<Account>) {
        if let Some(old) = self.next.account_id(account.name.as_str())
            && old != account.id
        {
            self.next.accounts.remove(&old);
        }
        self.next.account_names.insert(ByName(Arc::clone(&account)));
        self.next.accounts.insert(account);
    }

    fn apps(&mut self, sharing: &mut Sharing) {
        let setup = Arc::clone(&self.next.setup);
        for put in self.changes.puts.iter().filter(|put| put.kind == Kind::App) {
            let id = AppId::from_u128(put.id);
            match state::app(&setup, sharing, &self.next, (&put.name, id), &put.body) {
                Ok(app) => self.put_app(Arc::new(app)),
                Err(problems) => self.refuse(problems),
            }
        }
    }

    pub(crate) fn put_app(&mut self, app: Arc<App>) {
        if let Some(old) = self.next.app_id(app.name.as_str())
            && old != app.id
        {
            self.next.apps.remove(&old);
        }
        self.next.app_names.insert(ByName(Arc::clone(&app)));
        self.next.apps.insert(app);
    }

    pub(crate) fn refuse(&mut self, problems: Vec<Problem>) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.extend(problems);
        }
    }

    /// Apps belong to developers and act for accounts that are there.
    fn links(&mut self) {
        let mut problems = Vec::new();
        if self.is_developer_lost() {
            for app in self.next.apps.iter() {
                problems.extend(self.link(app));
            }
        } else {
            for put in self.changes.puts.iter().filter(|put| put.kind == Kind::App) {
                if let Some(app) = self.next.app_named(put.name.as_str()) {
                    problems.extend(self.link(app));
                }
            }
        }
        self.refuse(problems);
    }

    /// Whether an account is gone, or is no developer's any more.
    fn is_developer_lost(&self) -> bool {
        let deleted = self
            .changes
            .deletes
            .iter()
            .any(|(kind, _)| *kind == Kind::Account);
        deleted
            || self.changes.puts.iter().any(|put| {
                let name = put.name.as_str();
                put.kind == Kind::Account
                    && self.before.account_named(name).is_some_and(|before| {
                        let now = self.next.account(before.id);
                        now.is_none_or(|now| now.developer.is_none())
                    })
            })
    }

    fn link(&self, app: &App) -> Option<Problem> {
        let problem = |field: &str, message: String, mend: &str| {
            Some(Problem {
                entry: Some((Kind::App, app.name.to_string())),
                field: field.to_owned(),
                message,
                mend: mend.to_owned(),
                ..Problem::default()
            })
        };
        match self.next.account(app.developer) {
            None => {
                let message = "its developer account is gone".to_owned();
                return problem("developer", message, "delete the app as well");
            }
            Some(account) if account.developer.is_none() => {
                let message = format!("the account `{}` is no developer's", account.name);
                return problem("developer", message, "add `developer: {}` to the account");
            }
            Some(_) => {}
        }
        match app.account.map(|id| self.next.account(id)) {
            Some(None) => {
                let message = "the account it acts for is gone".to_owned();
                problem("account", message, "name another, or take it out")
            }
            _ => None,
        }
    }

    fn credentials(&mut self) {
        let mut problems = Vec::new();
        for stored in self.changes.credentials {
            let permissions = match &stored.permissions {
                None => None,
                Some(profile) => {
                    match state::permissions(&self.next.setup, &stored.app_name, profile) {
                        Ok(profile) => Some(profile),
                        // The key of an app that is gone opens nothing anyway.
                        Err(_) if self.next.app(stored.app).is_none() => None,
                        Err(problem) => {
                            problems.push(*problem);
                            continue;
                        }
                    }
                }
            };
            let credential = Arc::new(Credential::new(stored, permissions));
            if let Some(external_id) = &stored.external_id {
                if let Some(other) = self.next.credential_by_external_id(external_id)
                    && other.id() != stored.id
                {
                    problems.push(Problem {
                        entry: Some((Kind::App, stored.app_name.to_string())),
                        field: "keys".to_owned(),
                        message: format!("the id `{external_id}` is another key's already"),
                        mend: "give every key an id of its own".to_owned(),
                        ..Problem::default()
                    });
                    continue;
                }
                self.next.external_credentials.insert(ExternalCredential {
                    external_id: external_id.as_str().into(),
                    credential: Arc::clone(&credential),
                });
            }
            if let Some(certified) = CertifiedCredential::of(&credential) {
                let known = self.next.certified_credentials.get(&certified.certificate);
                if !known.is_some_and(|known| known.stays(&credential)) {
                    self.next.certified_credentials.insert(certified);
                }
            }
            self.next.credentials.insert(credential);
        }
        self.refuse(problems);
    }
}
