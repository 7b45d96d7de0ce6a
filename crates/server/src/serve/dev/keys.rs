use decision::{Account, App};
use flows::KeyWanted;
use keys::HashedSecret;
use primitives::{CredentialId, Mode, Name};
use snapshot::Snapshot;

use super::file::{DevFile, Key};
use crate::{
    failure::{Failure, why},
    serve::house::House,
};

/// Who issues the keys, for the event log.
const ACTOR: &str = "serve --dev";

/// A live and a test key for every app; those of an earlier start stay while they work.
///
/// # Errors
/// When the store fails or a key cannot be issued.
pub(super) async fn for_every_app(
    house: &House,
    snapshot: &Snapshot,
    earlier: Option<&DevFile>,
) -> Result<Vec<Key>, Failure> {
    let mut apps: Vec<&App> = snapshot.apps().collect();
    apps.sort_by(|one, other| one.name.cmp(&other.name));
    let mut keys = Vec::new();
    for app in apps {
        let developer = snapshot.account(app.developer);
        for mode in [Mode::Live, Mode::Test] {
            let (id, secret) = match kept(house, earlier, &app.name, mode).await? {
                Some(kept) => kept,
                None => issue(house, &app.name, mode).await?,
            };
            keys.push(Key {
                name: app.name.to_string(),
                id,
                secret,
                level: developer.and_then(|account| level(snapshot, app, account)),
                mode,
                app: app.id.to_string(),
                developer: developer.map(|account| account.name.to_string()),
                apis: apis(snapshot, app),
            });
        }
    }
    Ok(keys)
}

/// The key of an earlier start, when it still works.
async fn kept(
    house: &House,
    earlier: Option<&DevFile>,
    app: &Name,
    mode: Mode,
) -> Result<Option<(String, String)>, Failure> {
    let listed = earlier.into_iter().flat_map(|file| &file.apps);
    for key in listed.filter(|key| key.name == app.as_str() && key.mode == mode) {
        let Ok(id) = key.id.parse::<CredentialId>() else {
            continue;
        };
        let store = &house.authority.store;
        let Some(known) = store.credential(id).await.map_err(why("keys"))? else {
            continue;
        };
        let hash: HashedSecret = known.hash.parse().map_err(why("keys"))?;
        let works = known.revoked_at.is_none() && known.expires_at.is_none();
        if works && hash.matches(&key.secret, &house.authority.hashing) {
            return Ok(Some((key.id.clone(), key.secret.clone())));
        }
    }
    Ok(None)
}

async fn issue(house: &House, app: &Name, mode: Mode) -> Result<(String, String), Failure> {
    let wanted = KeyWanted {
        app: app.clone(),
        mode,
        permissions: None,
        expires_at: None,
        kind: store::CredentialKind::Key,
        certificate: None,
    };
    let issued = flows::issue_key(&house.authority, ACTOR, &wanted, &|_| Ok(None))
        .await
        .map_err(why(format!("a key for `{app}`")))?;
    let secret = issued.secret.map(|secret| secret.expose().to_owned());
    let secret = secret.unwrap_or_default();
    Ok((issued.credential.id.to_string(), secret))
}

/// The level that the developer stands on, on the ladder of the app's first API.
fn level(snapshot: &Snapshot, app: &App, developer: &Account) -> Option<String> {
    let catalogue = snapshot.catalogue();
    let ladder = match app.subscriptions.iter().next() {
        Some(api) => catalogue.apis.get(api)?.ladder,
        None => catalogue.vocabulary.ladders.get("default")?,
    };
    let assigned = developer.developer.as_ref()?.levels.iter();
    let assigned = assigned
        .filter(|(of, _)| *of == ladder)
        .map(|(_, level)| *level)
        .next();
    let levels = &catalogue.ladders.get(ladder)?.levels;
    let stands = match assigned {
        Some(level) => levels.iter().find(|step| step.symbol == level),
        None => levels.first(),
    };
    stands.map(|step| step.name.to_string())
}

fn apis(snapshot: &Snapshot, app: &App) -> Vec<String> {
    let vocabulary = snapshot.vocabulary();
    app.subscriptions
        .iter()
        .map(|api| vocabulary.apis.name(api).to_string())
        .collect()
}
