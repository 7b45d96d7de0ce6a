use std::collections::BTreeMap;

use primitives::{AccountId, AppId, Name};
use snapshot::{Loader, Snapshot};
use state::document::{App, Document as _};
use store::{Kind, Resource};

use crate::{
    Authority, ChangeRefused, Changed, EntryChange, Fate, Keep, Unable, change_entry,
    registration::assigned_name,
};

/// So many apps a developer makes alone; who needs more asks the provider.
pub const MOST_OWN_APPS: usize = 50;

/// What a developer says of a new app. Nothing else can be said (S-76).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnApp {
    /// What it is called.
    pub title: String,
    /// The APIs it is to call.
    pub apis: Vec<Name>,
}

/// Why a developer's app was not made.
#[derive(Debug, thiserror::Error)]
pub enum OwnAppRefused {
    /// The developer account is gone.
    #[error("the developer account is not there any more")]
    NoDeveloper,
    /// The title is empty or too long.
    #[error("an app has a name of 1 to 100 characters on one line")]
    Title,
    /// There are too many.
    #[error("a developer makes {MOST_OWN_APPS} apps at most; ask the provider for more")]
    TooMany,
    /// It contradicts something, or could not be done.
    #[error(transparent)]
    Change(#[from] ChangeRefused),
}

/// A developer's apps, by name.
#[must_use]
pub fn own_apps(snapshot: &Snapshot, developer: AccountId) -> Vec<&decision::App> {
    let all = snapshot.apps();
    let mut own: Vec<_> = all.filter(|app| app.developer == developer).collect();
    own.sort_by(|one, other| one.name.cmp(&other.name));
    own
}

/// A developer's app of this name; another's is as good as none.
#[must_use]
pub fn own_app<'s>(
    snapshot: &'s Snapshot,
    developer: AccountId,
    name: &str,
) -> Option<&'s decision::App> {
    let found = snapshot.app_named(name)?;
    (found.developer == developer).then_some(found)
}

/// Makes an app of a developer. Its name is assigned, so that nobody learns from a name that is
/// taken which others have.
///
/// # Errors
/// When something said cannot be, there are too many, or it could not be done.
pub async fn make_own_app(
    at: &Authority,
    loader: &Loader,
    (actor, developer): (&str, AccountId),
    wanted: &OwnApp,
    keep: Keep<'_, Changed>,
) -> Result<Changed, OwnAppRefused> {
    let title = crate::persons::checked_name(&wanted.title).map_err(|_| OwnAppRefused::Title)?;
    let snapshot = loader.handle().load_full();
    let account = snapshot.account(developer);
    let account = account.ok_or(OwnAppRefused::NoDeveloper)?.name.clone();
    if own_apps(&snapshot, developer).len() >= MOST_OWN_APPS {
        return Err(OwnAppRefused::TooMany);
    }
    let id = AppId::new(&*at.clock, &*at.entropy).map_err(Unable::from);
    let id = id.map_err(ChangeRefused::from)?;
    let name = assigned_name("app", &id.to_string()).map_err(ChangeRefused::from)?;
    let body = body(&title, account, &wanted.apis);
    let entry = EntryChange {
        actor,
        kind: Kind::App,
        name: &name,
    };
    let decide = |before: Option<&Resource>, _: &Snapshot| match before {
        None => Ok(Fate::Body(body.clone())),
        Some(before) => Err(ChangeRefused::Unexpected {
            found: Some(before.version),
        }),
    };
    Ok(change_entry(at, loader, entry, &decide, keep).await?)
}

fn body(title: &str, developer: Name, apis: &[Name]) -> String {
    App {
        title: Some(title.to_owned()),
        developer,
        account: None,
        apis: apis.to_vec(),
        off: Vec::new(),
        profile: None,
        limits: BTreeMap::new(),
        active: true,
        provider: false,
        keys: Vec::new(),
    }
    .to_body()
}
