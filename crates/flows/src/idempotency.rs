use primitives::{Secret, Timestamp};
use serde::{Deserialize, Serialize};
use store::{IdempotencyRow, Idempotent};

use crate::{Authority, Unable, sign_in::SKEW_SECONDS};

/// How long a key and its answer are kept.
const KEPT_SECONDS: i64 = 8 * 24 * 3_600;

/// A request that its sender may repeat without doing it twice.
#[derive(Clone, Debug)]
pub struct Repeatable {
    /// Whose keys these are: the caller and the endpoint.
    pub scope: String,
    /// The key as sent.
    pub key: String,
    /// SHA-256 of method, path and body.
    pub fingerprint: [u8; 32],
}

/// What an idempotency key came to.
#[derive(Debug)]
pub enum Begun {
    /// It is new: do the work, and answer with what is held.
    Fresh(Held),
    /// It was done before: status and body of then.
    Done(u16, Vec<u8>),
    /// The same request is still running.
    Running,
    /// The key was used for another request.
    Reused,
}

/// A key that is held: exactly one answer can be kept under it.
#[derive(Clone, Debug)]
pub struct Held {
    scope: String,
    key: String,
}

/// An answer that is kept in the same commit as the effect, as the write set has it.
pub type KeptAnswer = (String, String, u16, Vec<u8>);

impl Held {
    /// The answer, for the write set of the effect.
    #[must_use]
    pub fn answer(&self, status: u16, body: Vec<u8>) -> KeptAnswer {
        (self.scope.clone(), self.key.clone(), status, body)
    }

    /// Keeps the answer of an effect that needs no write set, or whose repetition does no harm.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep(&self, at: &Authority, status: u16, body: Vec<u8>) -> Result<(), Unable> {
        let answer = Some((status, body));
        let kept = at.store.finish_idempotent(&self.scope, &self.key, answer);
        Ok(kept.await?)
    }

    /// Gives the key free: nothing was done.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn release(&self, at: &Authority) -> Result<(), Unable> {
        let released = at.store.finish_idempotent(&self.scope, &self.key, None);
        Ok(released.await?)
    }
}

/// Begins a request that may be a repetition.
///
/// # Errors
/// When the store fails.
pub async fn begin(at: &Authority, request: Repeatable) -> Result<Begun, Unable> {
    let row = IdempotencyRow {
        scope: request.scope.clone(),
        key: request.key.clone(),
        fingerprint: request.fingerprint,
        at: at.clock.now(),
    };
    Ok(match at.store.begin_idempotent(row).await? {
        Idempotent::Fresh => Begun::Fresh(Held {
            scope: request.scope,
            key: request.key,
        }),
        Idempotent::InProgress => Begun::Running,
        Idempotent::Done(status, body) => Begun::Done(status, body),
        Idempotent::Mismatch => Begun::Reused,
    })
}

/// Drops keys that are older than eight days; a repetition within seven is always recognised.
///
/// # Errors
/// When the store fails.
pub async fn drop_old_keys(at: &Authority, now: Timestamp) -> Result<u64, Unable> {
    let before = now.plus_seconds(-KEPT_SECONDS);
    Ok(at.store.drop_idempotent(before).await?)
}

/// How long the secret in an answer may be shown again to a repetition.
const SHOWN_AGAIN_SECONDS: i64 = 24 * 3_600;
const SEALED_ANSWER: &str = "answer of an idempotent request";

/// No JSON begins with this byte: it marks an answer with a secret in it.
const SHOWN_ONCE: u8 = 0;

/// An answer with a secret in it, as it is kept: the whole sealed, and what remains of it.
#[derive(Serialize, Deserialize)]
struct ShownOnce {
    at: Timestamp,
    sealed: Vec<u8>,
    without: String,
}

/// The body to keep of an answer that shows a secret: a repetition within 24 hours gets `with`
/// (kept sealed), a later one `without`.
///
/// # Errors
/// When it cannot be sealed.
pub fn keep_shown_once(at: &Authority, with: String, without: String) -> Result<Vec<u8>, Unable> {
    let unreadable = || Unable::Unreadable(SEALED_ANSWER.to_owned());
    let whole = Secret::new(with);
    let sealed = at.sealer.seal(SEALED_ANSWER, &whole, &*at.entropy);
    let kept = ShownOnce {
        at: at.clock.now(),
        sealed: sealed.map_err(|_| unreadable())?,
        without,
    };
    let mut body = vec![SHOWN_ONCE];
    serde_json::to_writer(&mut body, &kept).map_err(|_| unreadable())?;
    Ok(body)
}

/// The body of a repetition, from what was kept of the first answer.
///
/// # Errors
/// When it cannot be opened.
pub fn replay(at: &Authority, kept: Vec<u8>) -> Result<Vec<u8>, Unable> {
    let Some((&SHOWN_ONCE, kept)) = kept.split_first() else {
        return Ok(kept);
    };
    let unreadable = || Unable::Unreadable(SEALED_ANSWER.to_owned());
    let kept: ShownOnce = serde_json::from_slice(kept).map_err(|_| unreadable())?;
    let now = at.clock.now();
    let of_a_wrong_clock = kept.at > now.plus_seconds(SKEW_SECONDS);
    if of_a_wrong_clock || now >= kept.at.plus_seconds(SHOWN_AGAIN_SECONDS) {
        return Ok(kept.without.into_bytes());
    }
    let whole = at.sealer.open(SEALED_ANSWER, &kept.sealed);
    let whole = whole.map_err(|_| unreadable())?;
    Ok(whole.expose().as_bytes().to_vec())
}
