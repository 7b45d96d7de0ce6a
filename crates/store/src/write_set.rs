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
    /// Idempotency keys whose answers are kept in the same commit: (scope, key, status, body).
    pub answers: Vec<(String, String, u16, Vec<u8>)>,
}

impl WriteSet {
    /// The changes of both, made from the same state at the later time.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        // Named one by one: a field that is forgotten here does not compile.
        let Self {
            base,
            at,
            expected,
            puts,
            deletes,
            credentials,
            secrets,
            dropped_secrets,
            vettings,
            dropped_persons,
            persons,
            dropped_passkeys_of,
            dropped_passkeys,
            passkeys,
            recovery_codes,
            dropped_registrations,
            registrations,
            mails,
            dropped_confidential,
            confidential,
            developer_records,
            profile_lines,
            anomaly_marks,
            events,
            answers,
        } = other;
        self.base = self.base.max(base);
        self.at = self.at.max(at);
        self.expected.extend(expected);
        self.puts.extend(puts);
        self.deletes.extend(deletes);
        self.credentials.extend(credentials);
        self.secrets.extend(secrets);
        self.dropped_secrets.extend(dropped_secrets);
        self.vettings.extend(vettings);
        self.dropped_persons.extend(dropped_persons);
        self.persons.extend(persons);
        self.dropped_passkeys_of.extend(dropped_passkeys_of);
        self.dropped_passkeys.extend(dropped_passkeys);
        self.passkeys.extend(passkeys);
        self.recovery_codes.extend(recovery_codes);
        self.dropped_registrations.extend(dropped_registrations);
        self.registrations.extend(registrations);
        self.mails.extend(mails);
        self.dropped_confidential.extend(dropped_confidential);
        self.confidential.extend(confidential);
        self.developer_records.extend(developer_records);
        self.profile_lines.extend(profile_lines);
        self.anomaly_marks.extend(anomaly_marks);
        self.events.extend(events);
        self.answers.extend(answers);
        self
    }
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
