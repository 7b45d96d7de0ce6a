use primitives::{AppId, CredentialId};
use state::KeyEntry;
use store::{Credential, CredentialKind, EventAction, Resource};

use crate::{Authority, Unable};

/// The credential that an existing key becomes; `None` when the `known` one is it already.
pub(super) fn taken_over(
    at: &Authority,
    entry: &KeyEntry,
    app: &Resource,
    known: Option<&Credential>,
) -> Result<Option<(Credential, EventAction)>, Unable> {
    let app_id = AppId::from_u128(app.id);
    let mut wanted = Credential {
        id: CredentialId::new(&*at.clock, &*at.entropy)?,
        external_id: Some(entry.external_id.clone()),
        app: app_id,
        app_name: app.name.clone(),
        mode: entry.mode,
        hash: entry.hash.clone(),
        hint: String::new(),
        permissions: entry.profile.clone(),
        created_at: at.clock.now(),
        expires_at: None,
        revoked_at: None,
        kind: CredentialKind::Key,
        signature: None,
        certificate: None,
    };
    let Some(old) = known else {
        return Ok(Some((wanted, EventAction::Created)));
    };
    // A key that was revoked or replaced here stays so: the file is older than that.
    wanted.id = old.id;
    wanted.created_at = old.created_at;
    wanted.expires_at = old.expires_at;
    wanted.revoked_at = old.revoked_at;
    wanted.hint.clone_from(&old.hint);
    Ok((wanted != *old).then_some((wanted, EventAction::Updated)))
}
