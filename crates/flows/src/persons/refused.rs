use accounts::persons::{EmailProblem, PasswordProblem};
use passkeys::Refusal;

use crate::Unable;

/// Why something about a person was not done.
#[derive(Debug, thiserror::Error)]
pub enum PersonRefused {
    /// There is none of this id.
    #[error("there is no person of this id")]
    Unknown,
    /// The address is another's.
    #[error("somebody with this e-mail address is there already")]
    EmailTaken,
    /// The address cannot be used.
    #[error(transparent)]
    Email(#[from] EmailProblem),
    /// The name is empty or too long.
    #[error("a person has a name of 1 to 100 characters on one line")]
    Name,
    /// The role of business units needs some, and only that role has them.
    #[error(
        "`units` says which business units somebody with the role `business_unit` is for: give both, or neither"
    )]
    Units,
    /// A developer's person has no roles of the provider.
    #[error(
        "somebody who belongs to a developer account has no roles: invite them under another address"
    )]
    OfDeveloper,
    /// Nobody shuts themselves out, or makes themselves less.
    #[error("nobody changes their own roles or shuts themselves out: another admin does")]
    Oneself,
    /// The password cannot be one.
    #[error(transparent)]
    Password(#[from] PasswordProblem),
    /// What was to be shown first is not so.
    #[error("that is not right; nothing was changed")]
    NotShown,
    /// The passkey is not taken.
    #[error(transparent)]
    Passkey(#[from] Refusal),
    /// A passkey needs a name.
    #[error("a passkey has a name of 1 to 100 characters on one line, to tell it apart")]
    PasskeyName,
    /// They have as many as anybody may.
    #[error("nobody has more than 20 passkeys: remove one that is not used any more")]
    PasskeysFull,
    /// They have no such passkey.
    #[error("there is no such passkey of yours")]
    PasskeyUnknown,
    /// An access token is for something, and ends.
    #[error("say what the access token is for, and for how many days it is to work: 1 to 366")]
    Token,
    /// The code is none of the app's.
    #[error("that is not the code of now; type the one that the app shows")]
    NotTheCode,
    /// Recovery codes stand in for one-time codes.
    #[error("recovery codes stand in for one-time codes: set those up first")]
    NoCodes,
    /// Tried too often.
    #[error("tried too often; wait a minute, then try again")]
    TooOften,
    /// It could not be done.
    #[error(transparent)]
    Unable(#[from] Unable),
}

impl From<store::StoreFailure> for PersonRefused {
    fn from(failure: store::StoreFailure) -> Self {
        Self::Unable(failure.into())
    }
}

impl From<primitives::EntropyExhausted> for PersonRefused {
    fn from(problem: primitives::EntropyExhausted) -> Self {
        Self::Unable(problem.into())
    }
}
