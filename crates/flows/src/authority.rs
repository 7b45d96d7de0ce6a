use std::sync::Arc;

use keys::{HashingKey, Sealer};
use primitives::{Clock, Entropy, EntropyExhausted, EventId};
use store::{CommitRefused, Committed, EventAction, NewEvent, Store, StoreFailure, WriteSet};

use crate::{Passwords, Rounds};

/// How often a change is made again because others changed the state in between.
const TRIES: u32 = 32;

/// Where changes are made: what is durable, the time, randomness and the installation's keys.
#[derive(Clone)]
pub struct Authority {
    /// What is durable.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for ids and secrets.
    pub entropy: Arc<dyn Entropy>,
    /// Under which issued secrets are hashed.
    pub hashing: Arc<HashingKey>,
    /// What seals secrets that must be used again.
    pub sealer: Arc<Sealer>,
    /// What hashes and compares passwords.
    pub passwords: Passwords,
    /// Changes that are committed together.
    pub rounds: Rounds,
}

/// Why a use-case could not be carried out, whatever was asked.
#[derive(Debug, thiserror::Error)]
pub enum Unable {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// There is no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyExhausted),
    /// Too many wait for the same; nothing was done.
    #[error("too many are tried at once; try again")]
    Busy,
    /// Others kept changing the state; nothing was changed.
    #[error("the state kept changing while the change was made; try again")]
    Crowded,
    /// A part of the work ended without a result; nothing was changed.
    #[error("a part of the work ended without a result; nothing was changed")]
    Broken,
    /// Something could not be sealed, opened, written or read back.
    #[error(
        "`{0}` cannot be read back or written; the keys or the data are not this installation's"
    )]
    Unreadable(String),
}

/// What came of offering a write set to the store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Offered {
    /// It is in.
    In(Committed),
    /// The state has moved on: read it again and make the change anew.
    Again,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl Authority {
    /// The numbers of tries a change has.
    pub(crate) fn tries() -> std::ops::Range<u32> {
        0..TRIES
    }

    /// An entry for the event log.
    pub(crate) fn event(
        &self,
        actor: &str,
        action: EventAction,
        thing: (&str, &str),
        detail: &serde_json::Value,
    ) -> Result<NewEvent, Unable> {
        Ok(NewEvent {
            id: EventId::new(&*self.clock, &*self.entropy)?,
            actor: actor.to_owned(),
            action,
            kind: thing.0.to_owned(),
            name: thing.1.to_owned(),
            detail: detail.to_string(),
        })
    }

    /// Offers a write set; what it was made from may have changed.
    pub(crate) async fn offer(&self, changes: WriteSet) -> Result<Offered, Unable> {
        match self.store.commit(changes).await? {
            Ok(committed) => Ok(Offered::In(committed)),
            Err(CommitRefused::Stale { .. } | CommitRefused::Unexpected { .. }) => {
                Ok(Offered::Again)
            }
        }
    }
}
