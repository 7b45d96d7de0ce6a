//! What others did to what is a developer's, as the developer is told it.

use std::collections::BTreeSet;

use primitives::{PageSize, PersonId, Timestamp};
use snapshot::Snapshot;
use store::{Event, EventAction, Kind};

use crate::{
    Authority, CONFIDENTIAL_KIND, CREDENTIAL_KIND, OwnDeveloper, Person, Unable, own_apps,
};

/// How far back it is looked, in events of what is theirs.
const LOOKED_AT: u32 = 200;
/// The most that are told.
const MOST_TOLD: usize = 50;

/// Something that somebody of the provider did to what is a developer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// Who: the id of a person, or the word for a token or process of the provider.
    pub actor: String,
    /// Whether it was made, changed or deleted; of something confidential see `shown`.
    pub action: EventAction,
    /// What kind of thing it is.
    pub kind: String,
    /// Its name; of something confidential what the developer calls it.
    pub name: String,
    /// Whether it was looked at and not changed.
    pub shown: bool,
}

/// What others than the developer's own people and apps did to account, apps, keys and what is
/// entrusted, the newest first.
///
/// # Errors
/// When the store fails.
pub async fn deeds_of_others(
    at: &Authority,
    snapshot: &Snapshot,
    own: &OwnDeveloper,
) -> Result<Vec<Deed>, Unable> {
    let account = own.name.to_string();
    let mut things = vec![
        (Kind::Account.as_str().to_owned(), account.clone()),
        (CONFIDENTIAL_KIND.to_owned(), account),
    ];
    let mut ours = BTreeSet::new();
    for app in own_apps(snapshot, own.id) {
        ours.insert(app.id.to_string());
        things.push((Kind::App.as_str().to_owned(), app.name.to_string()));
        let keys = at.store.credentials_of(&app.name).await?.into_iter();
        things.extend(keys.map(|key| (CREDENTIAL_KIND.to_owned(), key.id.to_string())));
    }
    let size = PageSize::clamped(LOOKED_AT);
    let mut others = BTreeSet::new();
    let mut told = Vec::new();
    for event in at.store.events_of(&things, size).await? {
        if ours.contains(&event.actor) || event.actor == "site" {
            continue;
        }
        if !others.contains(&event.actor) {
            if is_of(at, own, &event.actor).await? {
                ours.insert(event.actor);
                continue;
            }
            others.insert(event.actor.clone());
        }
        told.push(deed(event));
        if told.len() == MOST_TOLD {
            break;
        }
    }
    Ok(told)
}

/// Whether who did something belongs to the developer.
async fn is_of(at: &Authority, own: &OwnDeveloper, actor: &str) -> Result<bool, Unable> {
    let Ok(id) = actor.parse::<PersonId>() else {
        return Ok(false);
    };
    let found = at.store.person(id).await?.map(Person::read).transpose()?;
    Ok(found.is_some_and(|person| person.duties.developer == Some(own.id)))
}

fn deed(event: Event) -> Deed {
    let detail: serde_json::Value = serde_json::from_str(&event.detail).unwrap_or_default();
    let said = |key: &str| detail.get(key).and_then(serde_json::Value::as_str);
    let confidential = event.kind == CONFIDENTIAL_KIND;
    let called = said("name").filter(|_| confidential).map(str::to_owned);
    Deed {
        shown: confidential && said("done") == Some("shown"),
        at: event.at,
        actor: event.actor,
        action: event.action,
        name: called.unwrap_or(event.name),
        kind: event.kind,
    }
}
