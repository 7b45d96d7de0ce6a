use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use primitives::{Name, Secret};
use serde_json::json;
use store::{EventAction, SealedSecret, WriteSet};

use crate::{Authority, Unable, authority::Offered};

/// The word for secrets in the event log.
pub const SECRET_KIND: &str = "secret";

/// Sets the secret called `name`, sealed. The event log learns that it was set, not what it is.
///
/// # Errors
/// When the secret cannot be sealed or kept.
pub async fn set_secret(
    at: &Authority,
    actor: &str,
    name: &Name,
    secret: &Secret,
) -> Result<(), Unable> {
    let sealed = at.sealer.seal(name.as_str(), secret, &*at.entropy);
    let sealed = SealedSecret {
        name: name.to_string(),
        sealed: sealed.map_err(|_| Unable::Unreadable(name.to_string()))?,
        updated_at: at.clock.now(),
    };
    at.store.put_secret(sealed).await?;
    // After the secret is in: who reads the event finds it.
    let event = at.event(
        actor,
        EventAction::Updated,
        (SECRET_KIND, name.as_str()),
        &json!({}),
    )?;
    let told = at.offer(WriteSet {
        events: vec![event],
        at: at.clock.now(),
        ..WriteSet::default()
    });
    match told.await? {
        Offered::In(_) => Ok(()),
        Offered::Again => Err(Unable::Crowded),
    }
}

/// The names of all secrets that are set, in order.
///
/// # Errors
/// When the store fails.
pub async fn secret_names(at: &Authority) -> Result<Vec<String>, Unable> {
    let mut names: Vec<String> = at
        .store
        .secrets()
        .await?
        .into_iter()
        .map(|s| s.name)
        .collect();
    names.sort();
    Ok(names)
}

/// The opened secrets, for those who use them. Reading takes no I/O; [`Self::refresh`] is called
/// at the start and whenever the event log tells of a secret.
#[derive(Clone, Debug, Default)]
pub struct SecretBook(Arc<RwLock<HashMap<String, Secret>>>);

impl SecretBook {
    /// The secret called `name`, if it is set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Secret> {
        let book = self.0.read().unwrap_or_else(PoisonError::into_inner);
        book.get(name).cloned()
    }

    /// Opens everything that is kept now. The names that do not open are told and left out.
    ///
    /// # Errors
    /// When the store fails; what was open stays.
    pub async fn refresh(&self, at: &Authority) -> Result<Vec<String>, Unable> {
        let (mut opened, mut closed) = (HashMap::new(), Vec::new());
        for kept in at.store.secrets().await? {
            match at.sealer.open(&kept.name, &kept.sealed) {
                Ok(secret) => {
                    opened.insert(kept.name, secret);
                }
                Err(problem) => {
                    tracing::warn!(secret = kept.name, %problem, "a secret does not open");
                    closed.push(kept.name);
                }
            }
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = opened;
        Ok(closed)
    }
}
