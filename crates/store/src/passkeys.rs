use primitives::{PasskeyId, PersonId, Timestamp};

/// A passkey of somebody who signs in. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Its id.
    pub id: PasskeyId,
    /// Whose it is.
    pub person: PersonId,
    /// SHA-256 of the id of its credential, by which it is found.
    pub hash: [u8; 32],
    /// The id of its credential.
    pub credential: Vec<u8>,
    /// What its person calls it.
    pub name: String,
    /// Its public key and what it was made with, as JSON.
    pub body: String,
    /// What it has counted to; 0 when it does not count.
    pub counter: u32,
    /// Whether a copy of it is kept elsewhere, by its own word.
    pub backed_up: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last signed in.
    pub used_at: Option<Timestamp>,
}

/// What a passkey said when it signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasskeyUse {
    /// What it has counted to; 0 when it does not count.
    pub counter: u32,
    /// Whether a copy of it is kept elsewhere, by its own word.
    pub backed_up: bool,
    /// When.
    pub at: Timestamp,
}

/// The recovery codes of a person, in the place of those before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryCodes {
    /// Whose they are.
    pub person: PersonId,
    /// A keyed hash of each.
    pub hashes: Vec<[u8; 32]>,
}
