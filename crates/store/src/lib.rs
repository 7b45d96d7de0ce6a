//! What is durable: read views and write sets. No SQL driver here.
//!
//! Three kinds of things are kept: **resources** (everything a state file can say, one JSON
//! document each, all under one revision), **credentials** (looked up by id, only hashes), and
//! **records** (the event log, call index, counters, idempotency keys, persons, sign-ins,
//! sealed secrets, vettings). Every change of resources, credentials, secrets, vettings, persons or mails goes through one
//! [`WriteSet`], which commits whole or not at all, appends its events and moves the revision by
//! one.
//!
//! Statements that both engines take stand once, in `sql/`, and each backend includes them; the
//! columns of an entity and their meaning stand once, in [`rows`].
//!
//! To add an entity that state files can express: a variant of [`Kind`]. To add one that they
//! cannot: a migration in both backends, a method here, a case in `store-contract`.

mod anomalies;
mod call_query;
mod chain;
mod notices;
mod passkeys;
mod records;
mod resource;
pub mod rows;
mod write_set;

use async_trait::async_trait;
use primitives::{
    AccountId, AnomalyId, CredentialId, DeveloperRecordId, MailId, Name, PageSize, PasskeyId,
    PersonId, RecordId, Revision, SignInId, Timestamp,
};

pub use anomalies::{Anomaly, AnomalyFilter, AnomalyMark, AnomalyPlace, HabitRow};
pub use call_query::{CallPlace, CallQuery, CallSearch, CallsWanted, QueryValue};
pub use chain::{Link, NO_LINK, link, links};
pub use notices::{Notice, NoticeFilter, NoticePlace, NoticeReader, NoticeStep};
pub use passkeys::{Passkey, PasskeyUse, RecoveryCodes};
pub use records::{
    CallFilter, CallIndexRow, CallPage, CallSlot, CallTally, ChartWanted, Confidential, CounterRow,
    CredentialKind, DeveloperRecord, Folded, FoldedCalls, IdempotencyRow, Idempotent, Installation,
    LinkPurpose, Mail, Person, ProfileLine, Registration, SealedSecret, SignIn, SignInKind,
    SignInLink, TryRate, Vetting, VettingPlace,
};
pub use resource::{
    Credential, Event, EventAction, EventPlace, Kind, NotAKind, NotAnAction, Resource,
};
pub use write_set::{CommitRefused, Committed, Expected, NewEvent, WriteSet};

/// The store failed; what went wrong is for the log, not for callers.
#[derive(Debug, thiserror::Error)]
#[error("the store failed: {cause}")]
pub struct StoreFailure {
    /// What callers may be told of it.
    pub kind: FailureKind,
    /// What the backend says.
    #[source]
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

/// What kind of failure it is, as far as a caller can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// There is no room for what was to be kept; nothing was changed.
    Full,
    /// The database cannot be reached; what was asked may or may not have been done.
    Away,
    /// Anything else; what was asked may or may not have been done.
    Other,
}

impl StoreFailure {
    /// Wraps what a backend reports and nobody can do anything about.
    pub fn of(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::as_kind(FailureKind::Other, cause)
    }

    /// Wraps what a backend reports, of a kind that callers are told.
    pub fn as_kind(
        kind: FailureKind,
        cause: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self {
            kind,
            cause: Box::new(cause),
        }
    }
}

/// Everything durable of one installation. Every method is one atomic read or one atomic write.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The installation as a whole.
    async fn installation(&self) -> Result<Installation, StoreFailure>;
    /// The newest revision.
    async fn revision(&self) -> Result<Revision, StoreFailure>;
    /// One resource.
    async fn resource(&self, kind: Kind, name: &Name) -> Result<Option<Resource>, StoreFailure>;
    /// Resources of a kind by ascending name, after `after`.
    async fn resources(
        &self,
        kind: Kind,
        after: Option<&Name>,
        size: PageSize,
    ) -> Result<Vec<Resource>, StoreFailure>;
    /// Everything at one revision, for building a snapshot: all resources and all credentials.
    async fn everything(&self) -> Result<(Revision, Vec<Resource>, Vec<Credential>), StoreFailure>;
    /// One credential.
    async fn credential(&self, id: CredentialId) -> Result<Option<Credential>, StoreFailure>;
    /// The credentials of an app (by the app's name), the newest first.
    async fn credentials_of(&self, app: &Name) -> Result<Vec<Credential>, StoreFailure>;
    /// The credentials whose secret, or third token, has this hash.
    async fn credentials_hashed(&self, hash: &str) -> Result<Vec<Credential>, StoreFailure>;
    /// Applies a write set, whole or not at all: deletes first, then puts, of which the last of a
    /// name counts. A replaced resource or credential keeps its `created_at`. The vettings of a
    /// deleted account go with it. An `answer` for a key that is not held, or that is answered
    /// already, is a failure and applies nothing.
    async fn commit(
        &self,
        changes: WriteSet,
    ) -> Result<Result<Committed, CommitRefused>, StoreFailure>;
    /// Events after `after`, in order, of any kind. About `size` of them: the events of one
    /// commit are never split over pages, so the last event's revision is the next `after`.
    async fn events(&self, after: Revision, size: PageSize) -> Result<Vec<Event>, StoreFailure>;
    /// Events, the newest first, before `before`.
    async fn events_before(
        &self,
        before: Option<EventPlace>,
        size: PageSize,
    ) -> Result<Vec<Event>, StoreFailure>;

    /// Events of these things (kind and name), the newest first.
    async fn events_of(
        &self,
        things: &[(String, String)],
        size: PageSize,
    ) -> Result<Vec<Event>, StoreFailure>;

    /// Begins an idempotent request: reserves (scope, key) or tells what became of it.
    async fn begin_idempotent(&self, row: IdempotencyRow) -> Result<Idempotent, StoreFailure>;
    /// Keeps the answer of an idempotent request for replay (`None` gives the key free again).
    async fn finish_idempotent(
        &self,
        scope: &str,
        key: &str,
        answer: Option<(u16, Vec<u8>)>,
    ) -> Result<(), StoreFailure>;
    /// Drops idempotency keys begun before `before`.
    async fn drop_idempotent(&self, before: Timestamp) -> Result<u64, StoreFailure>;

    /// Folds settled calls: index rows, counters, habits, anomalies, events and the journal cursor in one commit, and
    /// only when the cursor is at `from_cursor`, so folding twice counts once. Index rows already
    /// present are left alone; counters saturate. The revision moves when an event is new.
    async fn fold_calls(&self, calls: FoldedCalls) -> Result<Folded, StoreFailure>;
    /// How far the journal of `gateway` has been folded.
    async fn fold_cursor(&self, gateway: &str) -> Result<Option<String>, StoreFailure>;
    /// Counters, for a gateway that starts.
    async fn counters(&self) -> Result<Vec<CounterRow>, StoreFailure>;
    /// Drops counters whose window ended before `before`.
    async fn drop_counters(&self, before: Timestamp) -> Result<u64, StoreFailure>;
    /// A page of the call list, the newest first.
    async fn calls(&self, wanted: &CallsWanted) -> Result<CallPage, StoreFailure>;
    /// Counts the calls decided at or after `since`, by outcome and code, the most frequent
    /// first. Only the newest `most` are counted, so that asking stays cheap.
    async fn tally_calls(
        &self,
        since: Timestamp,
        most: u32,
    ) -> Result<Vec<CallTally>, StoreFailure>;
    /// Counts calls by slot of time, outcome and code, the earliest slot first.
    async fn chart_calls(&self, wanted: ChartWanted) -> Result<Vec<CallSlot>, StoreFailure>;
    /// One call index row.
    async fn call(&self, id: RecordId) -> Result<Option<CallIndexRow>, StoreFailure>;
    /// Drops whole days (UTC day numbers since the epoch) before `day`.
    async fn drop_call_days(&self, before_day: i64) -> Result<u64, StoreFailure>;

    /// All sealed secrets, by ascending name.
    async fn secrets(&self) -> Result<Vec<SealedSecret>, StoreFailure>;

    /// Where an account stands on a ladder; `None` when it was never vetted for it.
    async fn vetting(&self, account: &Name, ladder: &Name)
    -> Result<Option<Vetting>, StoreFailure>;
    /// The vettings of an account, by ascending ladder.
    async fn vettings_of(&self, account: &Name) -> Result<Vec<Vetting>, StoreFailure>;
    /// Vettings in a state, or in any, after `after`: the longest in their state first, of equals
    /// by ascending account and ladder.
    async fn vettings(
        &self,
        state: Option<&str>,
        after: Option<&VettingPlace>,
        size: PageSize,
    ) -> Result<Vec<Vetting>, StoreFailure>;
    /// Vettings in this state whose account, or its profile, was changed after them, by account and ladder, those
    /// after the place's.
    async fn vettings_overtaken(
        &self,
        state: &str,
        after: Option<&VettingPlace>,
        size: PageSize,
    ) -> Result<Vec<Vetting>, StoreFailure>;
    /// Vettings that are to be looked at again before `before`, the earliest first.
    async fn vettings_due(
        &self,
        before: Timestamp,
        size: PageSize,
    ) -> Result<Vec<Vetting>, StoreFailure>;
    /// Counts the vettings in a state. Counts `most` at most, so that asking stays cheap.
    async fn count_vettings(&self, state: &str, most: u32) -> Result<u32, StoreFailure>;

    /// What an account entrusts, by ascending name.
    async fn confidential_of(&self, account: &Name) -> Result<Vec<Confidential>, StoreFailure>;
    /// The records about a developer before `before`, the newest first.
    async fn developer_records(
        &self,
        account: &Name,
        before: Option<DeveloperRecordId>,
        size: PageSize,
    ) -> Result<Vec<DeveloperRecord>, StoreFailure>;
    /// Whether there is a record with the sender's own id.
    async fn has_developer_record(
        &self,
        account: &Name,
        source: &Name,
        reference: &str,
    ) -> Result<bool, StoreFailure>;
    /// What the records about a developer come to, by ascending source, kind and fact.
    async fn profile_of(&self, account: &Name) -> Result<Vec<ProfileLine>, StoreFailure>;
    /// What apps usually do, as a gateway has learned it.
    async fn habits(&self, gateway: &str) -> Result<Vec<HabitRow>, StoreFailure>;
    /// One anomaly.
    async fn anomaly(&self, id: AnomalyId) -> Result<Option<Anomaly>, StoreFailure>;
    /// Anomalies after `after`, those found last first.
    async fn anomalies(
        &self,
        filter: &AnomalyFilter,
        after: Option<AnomalyPlace>,
        size: PageSize,
    ) -> Result<Vec<Anomaly>, StoreFailure>;
    /// All anomalies that are marked as fine or for which an app stands lower, in no order.
    async fn anomalies_in_force(&self) -> Result<Vec<Anomaly>, StoreFailure>;
    /// Counts the anomalies in a state. Counts `most` at most, so that asking stays cheap.
    async fn count_anomalies(&self, state: &str, most: u32) -> Result<u32, StoreFailure>;
    /// Drops habits and anomalies of apps that are gone.
    async fn drop_habits_of_nobody(&self) -> Result<u64, StoreFailure>;

    /// Keeps a one-time sign-in link (only its hash).
    async fn put_sign_in_link(&self, link: SignInLink) -> Result<(), StoreFailure>;
    /// Takes a link made for this that has not expired: at most one caller ever gets it.
    async fn take_sign_in_link(
        &self,
        hash: &[u8; 32],
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<SignInLink>, StoreFailure>;
    /// Keeps a browser's sign-in.
    async fn put_sign_in(&self, sign_in: SignIn) -> Result<(), StoreFailure>;
    /// A sign-in that has not expired, by the hash of its cookie.
    async fn sign_in(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<SignIn>, StoreFailure>;
    /// Ends a sign-in.
    async fn end_sign_in(&self, hash: &[u8; 32]) -> Result<(), StoreFailure>;
    /// The sign-ins of a person that have not expired, the newest first.
    async fn sign_ins_of(
        &self,
        person: PersonId,
        now: Timestamp,
    ) -> Result<Vec<SignIn>, StoreFailure>;
    /// Ends a sign-in of a person; false when the person has none of this id.
    async fn end_sign_in_of(&self, person: PersonId, id: SignInId) -> Result<bool, StoreFailure>;

    /// A person.
    async fn person(&self, id: PersonId) -> Result<Option<Person>, StoreFailure>;
    /// The person with this address, in its one spelling.
    async fn person_by_email(&self, email: &str) -> Result<Option<Person>, StoreFailure>;
    /// Persons by ascending address, after `after`.
    async fn persons(
        &self,
        after: Option<&str>,
        size: PageSize,
    ) -> Result<Vec<Person>, StoreFailure>;
    /// Takes the one-time code of a time step: false when it, or a later one, was taken before.
    async fn take_code_step(&self, person: PersonId, step: i64) -> Result<bool, StoreFailure>;
    /// Takes one try at a secret of this principal: false when it has used them up for now. Tries
    /// taken at once are counted one by one.
    async fn take_try(
        &self,
        principal: &[u8; 32],
        rate: TryRate,
        now: Timestamp,
    ) -> Result<bool, StoreFailure>;
    /// Forgets the tries of a principal, who has shown to be the one.
    async fn forget_tries(&self, principal: &[u8; 32]) -> Result<(), StoreFailure>;
    /// The passkeys of a person, the oldest first.
    async fn passkeys_of(&self, person: PersonId) -> Result<Vec<Passkey>, StoreFailure>;
    /// The passkey whose credential has an id with this hash.
    async fn passkey(&self, hash: &[u8; 32]) -> Result<Option<Passkey>, StoreFailure>;
    /// Notes that a passkey signed in: false, and nothing noted, when it is gone or its counter did
    /// not go on. Of two that say the same number one is noted; one that does not count says 0.
    async fn use_passkey(&self, id: PasskeyId, shown: PasskeyUse) -> Result<bool, StoreFailure>;
    /// Takes a recovery code of a person: at most one caller ever gets it.
    async fn take_recovery_code(
        &self,
        person: PersonId,
        hash: &[u8; 32],
    ) -> Result<bool, StoreFailure>;
    /// How many recovery codes a person has left.
    async fn count_recovery_codes(&self, person: PersonId) -> Result<u32, StoreFailure>;

    /// Mails that have not expired, the newest first, before `before`.
    async fn mails(
        &self,
        before: Option<MailId>,
        now: Timestamp,
        size: PageSize,
    ) -> Result<Vec<Mail>, StoreFailure>;
    /// Takes the mail that is due the longest and has not expired, as tried once more and due again
    /// at `next`: of many takers each gets another, and what a taker dies with comes again.
    async fn take_mail(
        &self,
        now: Timestamp,
        next: Timestamp,
    ) -> Result<Option<Mail>, StoreFailure>;
    /// Puts a mail off until `next`, and keeps why.
    async fn put_mail_off(
        &self,
        id: MailId,
        next: Timestamp,
        problem: &str,
    ) -> Result<(), StoreFailure>;
    /// Deletes a mail, which is out or can never be.
    async fn delete_mail(&self, id: MailId) -> Result<(), StoreFailure>;
    /// A registration that has not expired, by the hash of its link's secret.
    async fn registration(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Registration>, StoreFailure>;

    /// What a developer is told, the newest first: what is for it alone, and what is for everybody.
    async fn notices(
        &self,
        account: AccountId,
        filter: &NoticeFilter,
        size: PageSize,
    ) -> Result<Vec<Notice>, StoreFailure>;
    /// Keeps notices and mails. `false`, and nothing is kept, when events have become notices up to
    /// elsewhere than where the step begins.
    async fn keep_notices(&self, step: NoticeStep) -> Result<bool, StoreFailure>;
    /// How far events have become notices; `None` before any has.
    async fn notice_cursor(&self) -> Result<Option<Revision>, StoreFailure>;
    /// What somebody has read of notices.
    async fn notice_reader(&self, person: PersonId) -> Result<Option<NoticeReader>, StoreFailure>;
    /// Keeps what somebody has read of notices.
    async fn put_notice_reader(&self, reader: &NoticeReader) -> Result<(), StoreFailure>;
    /// Whoever belongs to a developer account, by address.
    async fn persons_of_developer(&self, account: AccountId) -> Result<Vec<Person>, StoreFailure>;
    /// Drops notices of before `before`, and what is kept of readers who are gone.
    async fn drop_notices(&self, before: Timestamp) -> Result<u64, StoreFailure>;

    /// Drops links, sign-ins, tries, registrations and mails that expired before `before`.
    async fn drop_expired(&self, before: Timestamp) -> Result<u64, StoreFailure>;
}
