use primitives::{EventId, Name, PasskeyId, PersonId, Revision, Timestamp};

use crate::{
    AnomalyMark, Confidential, Credential, DeveloperRecord, EventAction, Kind, Mail, Passkey,
    Person, ProfileLine, RecoveryCodes, Registration, Resource, SealedSecret, Vetting,
};

/// Changes that are made together or not at all.
#[derive(Clone, Debug, Default)]
pub struct WriteSet {
    /// If set, nothing else may have been committed since.
    pub base: Option<Revision>,
    /// Single resources that must be at a version.
    pub expected: Vec<(Kind, Name, Expected)>,
    /// Resources to insert or replace. `version` is filled in by the commit.
    pub puts: Vec<Resource>,
    /// Resources to delete; with an account its vettings, what it entrusts, its records and profile.
    pub deletes: Vec<(Kind, Name)>,
    /// Credentials to insert or replace.
    pub credentials: Vec<Credential>,
    /// Secrets to insert or replace.
    pub secrets: Vec<SealedSecret>,
    /// Names of secrets to delete.
    pub dropped_secrets: Vec<String>,
    /// Vettings to insert or replace. `version` is filled in by the commit.
    pub vettings: Vec<Vetting>,
    /// Persons to delete, with their sign-ins, links, passkeys and recovery codes; before those to insert or replace.
    pub dropped_persons: Vec<PersonId>,
    /// Persons to insert or replace. `version` is filled in by the commit; a replaced one keeps
    /// its `created_at`.
    pub persons: Vec<Person>,
    /// Persons whose passkeys are all to be deleted; before those to insert.
    pub dropped_passkeys_of: Vec<PersonId>,
    /// Passkeys to delete; before those to insert.
    pub dropped_passkeys: Vec<PasskeyId>,
    /// Passkeys to insert. One whose credential is there already is a failure.
    pub passkeys: Vec<Passkey>,
    /// Recovery codes, each time all of a person.
    pub recovery_codes: Vec<RecoveryCodes>,
    /// Hashes of registrations to delete; before those to insert.
    pub dropped_registrations: Vec<[u8; 32]>,
    /// Registrations to insert.
    pub registrations: Vec<Registration>,
    /// Mails to insert.
    pub mails: Vec<Mail>,
    /// What accounts entrust no longer: account and name. Before what is to insert or replace.
    pub dropped_confidential: Vec<(Name, Name)>,
    /// What accounts entrust, to insert or replace.
    pub confidential: Vec<Confidential>,
    /// Records about developers to insert. One that is there already is a failure.
    pub developer_records: Vec<DeveloperRecord>,
    /// Lines of profiles to insert or replace. `version` is filled in by the commit.
    pub profile_lines: Vec<ProfileLine>,
    /// Anomalies whose state changes.
    pub anomaly_marks: Vec<AnomalyMark>,
    /// What to write into the event log.
    pub events: Vec<NewEvent>,
    /// When.
    pub at: Timestamp,
    /// An idempotency key whose answer is kept in the same commit: (scope, key, status, body).
    pub answer: Option<(String, String, u16, Vec<u8>)>,
}

/// What a resource must be for a write to go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It must not exist.
    Absent,
    /// It must be at this version.
    At(Revision),
}

/// An event to be written; the commit gives it revision and position.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// Who.
    pub actor: String,
    /// What happened.
    pub action: EventAction,
    /// To what kind of thing.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// JSON.
    pub detail: String,
}

/// A commit that went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The revision it made.
    pub revision: Revision,
}

/// Why a write set was not applied. Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitRefused {
    /// Something was committed since `base`.
    #[error("revision {found} is newer than {base}")]
    Stale {
        /// What the write set was made from.
        base: Revision,
        /// What is there.
        found: Revision,
    },
    /// A resource is not as expected.
    #[error("{kind} `{name}` is not as expected")]
    Unexpected {
        /// Its kind.
        kind: Kind,
        /// Its name.
        name: Name,
        /// The version found; `None` when it does not exist.
        found: Option<Revision>,
    },
}
