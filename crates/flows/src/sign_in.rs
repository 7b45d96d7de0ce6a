use keys::OneTimeCode;
use primitives::{OperatorId, Secret, SignInId, Timestamp};
use store::{SignIn, SignInLink};

use crate::{Authority, Unable};

/// How long a link works: long enough to be carried to a browser, no longer.
const LINK_SECONDS: i64 = 600;
/// How long a sign-in lasts, used or not.
const SIGN_IN_SECONDS: i64 = 12 * 3_600;
/// What was made further than this in the future was made by a clock that was wrong, and would
/// live longer than it may: it does not work.
pub(crate) const SKEW_SECONDS: i64 = 60;

/// A link that signs an operator in, once.
#[derive(Debug)]
pub struct NewLink {
    /// What the link carries; only its hash is kept.
    pub code: Secret,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// A browser that has just been signed in.
#[derive(Debug)]
pub struct NewSignIn {
    /// What the cookie carries; only its hash is kept.
    pub cookie: Secret,
    /// The sign-in.
    pub sign_in: SignIn,
}

/// Makes a one-time link for an operator.
///
/// # Errors
/// When there is no randomness or the store fails.
pub async fn make_sign_in_link(at: &Authority, operator: OperatorId) -> Result<NewLink, Unable> {
    let code = OneTimeCode::new(&*at.entropy)?;
    let expires_at = at.clock.now().plus_seconds(LINK_SECONDS);
    let link = SignInLink {
        hash: code.hash,
        operator,
        expires_at,
    };
    at.store.put_sign_in_link(link).await?;
    Ok(NewLink {
        code: code.secret,
        expires_at,
    })
}

/// Exchanges a link's code for a sign-in; `None` when the code was used before, has expired or
/// was never made. At most one caller ever succeeds with a code.
///
/// # Errors
/// When there is no randomness or the store fails.
pub async fn sign_in(at: &Authority, code: &str) -> Result<Option<NewSignIn>, Unable> {
    let now = at.clock.now();
    let hash = OneTimeCode::hash_of(code);
    let Some(link) = at.store.take_sign_in_link(&hash, now).await? else {
        return Ok(None);
    };
    if link.expires_at > now.plus_seconds(LINK_SECONDS + SKEW_SECONDS) {
        return Ok(None);
    }
    let cookie = OneTimeCode::new(&*at.entropy)?;
    let sign_in = SignIn {
        id: SignInId::new(&*at.clock, &*at.entropy)?,
        hash: cookie.hash,
        operator: link.operator,
        created_at: now,
        expires_at: now.plus_seconds(SIGN_IN_SECONDS),
    };
    at.store.put_sign_in(sign_in.clone()).await?;
    Ok(Some(NewSignIn {
        cookie: cookie.secret,
        sign_in,
    }))
}

/// The sign-in a cookie stands for, unless it has ended.
///
/// # Errors
/// When the store fails.
pub async fn find_sign_in(at: &Authority, cookie: &str) -> Result<Option<SignIn>, Unable> {
    let (hash, now) = (OneTimeCode::hash_of(cookie), at.clock.now());
    let found = at.store.sign_in(&hash, now).await?;
    Ok(found.filter(|found| found.created_at <= now.plus_seconds(SKEW_SECONDS)))
}

/// Ends the sign-in a cookie stands for.
///
/// # Errors
/// When the store fails.
pub async fn sign_out(at: &Authority, cookie: &str) -> Result<(), Unable> {
    let hash = OneTimeCode::hash_of(cookie);
    Ok(at.store.end_sign_in(&hash).await?)
}

/// Drops links and sign-ins that have ended.
///
/// # Errors
/// When the store fails.
pub async fn drop_ended_sign_ins(at: &Authority) -> Result<u64, Unable> {
    Ok(at.store.drop_expired(at.clock.now()).await?)
}
