use decision::Catalogue;
use primitives::Name;
use snapshot::Loader;
use state::{
    Document,
    document::{Account, App, Developer},
};
use store::{Kind, Resource};

use crate::{
    Authority, ChangeRefused, Changed, EntryChange, Fate, Keep, ToggleRefused, Unable, change_entry,
};

/// An edit of a developer or app, which the rules around it may refuse.
pub type Edit<'a, T> = &'a (dyn Fn(&Catalogue, &mut T) -> Result<(), ToggleRefused> + Send + Sync);

/// Changes an app that is registered.
///
/// # Errors
/// When there is no such app, the edit is refused or contradicts something.
pub async fn change_app(
    at: &Authority,
    loader: &Loader,
    (actor, name): (&str, &Name),
    edit: Edit<'_, App>,
    keep: Keep<'_, Changed>,
) -> Result<Changed, ChangeRefused> {
    let entry = EntryChange {
        actor,
        kind: Kind::App,
        name,
    };
    let decide = |before: Option<&Resource>, now: &snapshot::Snapshot| {
        let mut app: App = read(before, entry)?;
        edit(now.catalogue(), &mut app)?;
        Ok(Fate::Body(app.to_body()))
    };
    change_entry(at, loader, entry, &decide, keep).await
}

/// Changes the developer part of an account.
///
/// # Errors
/// When there is no such account, it is no developer's, the edit is refused or contradicts
/// something.
pub async fn change_developer(
    at: &Authority,
    loader: &Loader,
    (actor, name): (&str, &Name),
    edit: Edit<'_, Developer>,
    keep: Keep<'_, Changed>,
) -> Result<Changed, ChangeRefused> {
    let entry = EntryChange {
        actor,
        kind: Kind::Account,
        name,
    };
    let decide = |before: Option<&Resource>, now: &snapshot::Snapshot| {
        let mut account: Account = read(before, entry)?;
        let developer = account.developer.as_mut();
        let developer = developer.ok_or_else(|| ToggleRefused::NotADeveloper(name.clone()))?;
        edit(now.catalogue(), developer)?;
        Ok(Fate::Body(account.to_body()))
    };
    change_entry(at, loader, entry, &decide, keep).await
}

fn read<T: Document>(
    before: Option<&Resource>,
    entry: EntryChange<'_>,
) -> Result<T, ChangeRefused> {
    let before = before.ok_or_else(|| ChangeRefused::Unknown {
        kind: entry.kind,
        name: entry.name.clone(),
    })?;
    T::from_body(&before.body)
        .map_err(|_| Unable::Unreadable(format!("{} {}", entry.kind, entry.name)).into())
}
