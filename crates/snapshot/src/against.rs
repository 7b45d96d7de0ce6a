//! Holding accounts, apps and keys that did not change against a set-up that did.

use std::{collections::HashMap, sync::Arc};

use decision::{Account, App, Developer, Profile};
use state::Setup;

use crate::{
    build::Build,
    view::{CertifiedCredential, ExternalCredential},
};

impl Build<'_> {
    /// Accounts and apps that did not change still refer to things of the set-up, and hold
    /// profiles that may have changed.
    pub(crate) fn hold_against_setup(&mut self) {
        let setup = Arc::clone(&self.next.setup);
        let mut accounts = Vec::new();
        for account in self.before.accounts.iter() {
            if !is_current(self.next.accounts.get(&account.id), account) {
                continue;
            }
            let problems = state::check_account(&setup, account);
            accounts.extend(with_current_profile(&setup, account));
            self.refuse(problems);
        }
        let mut apps = Vec::new();
        for app in self.before.apps.iter() {
            if !is_current(self.next.apps.get(&app.id), app) {
                continue;
            }
            let problems = state::check_app(&setup, app);
            if let Some(profile) = other_profile(&setup, app.profile.as_ref()) {
                let profile = Some(profile);
                apps.push(Arc::new(App {
                    profile,
                    ..App::clone(app)
                }));
            }
            self.refuse(problems);
        }
        for account in accounts {
            self.put_account(account);
        }
        for app in apps {
            self.put_app(app);
        }
        self.hold_credentials_against(&setup);
    }

    fn hold_credentials_against(&mut self, setup: &Setup) {
        let mut replaced = Vec::new();
        let mut problems = Vec::new();
        for credential in self.before.credentials.iter() {
            let Some(profile) = credential.shared_permissions() else {
                continue;
            };
            let Some(name) = &profile.name else { continue };
            let Some(app) = self.next.app(credential.app()) else {
                continue;
            };
            match state::permissions(setup, &app.name, name) {
                Ok(now) if Arc::ptr_eq(&now, profile) => {}
                Ok(now) => replaced.push(Arc::new(credential.with_permissions(Some(now)))),
                Err(problem) => problems.push(*problem),
            }
        }
        self.refuse(problems);
        let replaced_ids: HashMap<_, _> = replaced.iter().map(|new| (new.id(), new)).collect();
        let external: Vec<ExternalCredential> = self
            .before
            .external_credentials
            .iter()
            .filter_map(|entry| {
                let credential = replaced_ids.get(&entry.credential.id())?;
                Some(ExternalCredential {
                    external_id: Arc::clone(&entry.external_id),
                    credential: Arc::clone(credential),
                })
            })
            .collect();
        for entry in external {
            self.next.external_credentials.insert(entry);
        }
        for credential in replaced {
            if let Some(certified) = CertifiedCredential::of(&credential)
                && let Some(known) = self.next.certified_credentials.get(&certified.certificate)
                && known.credential.id() == credential.id()
            {
                self.next.certified_credentials.insert(certified);
            }
            self.next.credentials.insert(credential);
        }
    }
}

/// Whether an entry is neither gone nor compiled anew.
fn is_current<T>(now: Option<&Arc<T>>, before: &Arc<T>) -> bool {
    now.is_some_and(|now| Arc::ptr_eq(now, before))
}

/// Profiles that did not change stay the ones that accounts and apps already hold.
pub(crate) fn keep_equal_profiles(before: &Setup, setup: &mut Setup) {
    let mut kept = Vec::new();
    for (symbol, profile) in setup.profiles.iter() {
        if let Some(old) = before.profiles.get(symbol)
            && old == profile
        {
            kept.push((symbol, Arc::clone(old)));
        }
    }
    for (symbol, profile) in kept {
        setup.profiles.insert(symbol, profile);
    }
}

/// The profile of this name as it is now, when that is another than the one held.
fn other_profile(setup: &Setup, held: Option<&Arc<Profile>>) -> Option<Arc<Profile>> {
    let held = held?;
    let name = held.name.as_ref()?;
    let symbol = setup.catalogue.vocabulary.profiles.get(name.as_str())?;
    let now = setup.profiles.get(symbol)?;
    (!Arc::ptr_eq(now, held)).then(|| Arc::clone(now))
}

fn with_current_profile(setup: &Setup, account: &Account) -> Option<Arc<Account>> {
    let developer = account.developer.as_ref()?;
    let profile = Some(other_profile(setup, developer.profile.as_ref())?);
    let developer = Some(Arc::new(Developer {
        profile,
        ..Developer::clone(developer)
    }));
    Some(Arc::new(Account {
        developer,
        ..account.clone()
    }))
}
