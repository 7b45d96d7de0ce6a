use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use primitives::{Revision, Secret};
use store::SealedSecret;
use tokio::sync::Mutex;

use crate::{Authority, Unable};

/// How often the event log is asked: half of the second in which a secret is in force everywhere.
const INTERVAL: Duration = Duration::from_millis(500);

/// The opened secrets, for those who use them. Reading takes no I/O.
///
/// Whoever sets or removes a secret calls [`Self::refresh`], so that it is in force at once in
/// this process; [`Self::follow`] learns of it in the others.
#[derive(Clone, Debug, Default)]
pub struct SecretBook {
    opened: Arc<RwLock<HashMap<String, Secret>>>,
    /// What was read last. One refresh at a time, or an older reading could replace a newer one.
    turn: Arc<Mutex<Reading>>,
}

#[derive(Debug, Default)]
struct Reading {
    kept: Vec<SealedSecret>,
    closed: Vec<String>,
}

impl SecretBook {
    /// The secret called `name`, if it is set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Secret> {
        let book = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        book.get(name).cloned()
    }

    /// Opens everything that is kept now. The names that do not open are told and left out.
    ///
    /// # Errors
    /// When the store fails; what was open stays.
    pub async fn refresh(&self, at: &Authority) -> Result<Vec<String>, Unable> {
        let mut last = self.turn.lock().await;
        let kept = at.store.secrets().await?;
        if kept == last.kept {
            return Ok(last.closed.clone());
        }
        let (mut opened, mut closed) = (HashMap::new(), Vec::new());
        for secret in &kept {
            match at.sealer.open(&secret.name, &secret.sealed) {
                Ok(value) => {
                    opened.insert(secret.name.clone(), value);
                }
                Err(problem) => {
                    tracing::warn!(secret = secret.name, %problem, "a secret does not open");
                    closed.push(secret.name.clone());
                }
            }
        }
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = opened;
        last.kept = kept;
        last.closed.clone_from(&closed);
        Ok(closed)
    }

    /// Keeps the book current for ever: reads it again whenever the event log has moved on. It
    /// asks on its own and not behind the snapshots, since building a large one takes longer than
    /// a changed secret may. A failing store is asked again.
    pub async fn follow(&self, at: &Authority) {
        let mut read = None;
        loop {
            match self.catch_up(at, read).await {
                Ok(revision) => read = Some(revision),
                Err(failure) => tracing::warn!(%failure, "the secrets could not be read"),
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    async fn catch_up(&self, at: &Authority, read: Option<Revision>) -> Result<Revision, Unable> {
        // Asked first: what is committed after it is read with the next.
        let newest = at.store.revision().await?;
        if read != Some(newest) {
            self.refresh(at).await?;
        }
        Ok(newest)
    }
}
