//! Signing in by a passkey: without a name or a password, because it verifies who is there.

use passkeys::Party;
use serde_json::Value;
use store::LinkPurpose;

use super::{Tried, begin, make_link_of_nobody, proof};
use crate::{Authority, Unable};

/// What a browser is to be asked: for any passkey of this party. It says nothing of who has one.
///
/// # Errors
/// When there is no randomness or the store fails.
pub async fn begin_passkey_sign_in(at: &Authority, party: &Party) -> Result<Value, Unable> {
    let challenge = make_link_of_nobody(at, LinkPurpose::PasskeySignIn).await?;
    Ok(party.sign_in(challenge.code.expose()))
}

/// Tries what a browser answered. Its challenge is used up whatever comes of it.
///
/// # Errors
/// When there is no randomness or the store fails.
pub async fn sign_in_by_passkey(
    at: &Authority,
    (party, answer): (&Party, &str),
    label: &str,
) -> Result<Tried, Unable> {
    match proof::by_passkey(at, party, answer).await? {
        Ok(proved) => Ok(Tried::In(begin(at, proved, label).await?)),
        Err(why) => Ok(Tried::Passkey(why)),
    }
}
