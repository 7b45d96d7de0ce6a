//! The embedded store: one SQLite file, one writing connection, a few reading ones.
//!
//! What it never does: hold a rule, join a value into a statement, open a file whose settings
//! or library are not what the guarantees rest on.
//!
//! To add an entity: a migration here and in `store-postgres`, its statements in `store/sql`,
//! its columns in `store::rows`, a function here (and there), a case in `store-contract`; then
//! `cargo xtask generate` renews `.sqlx`.

mod about;
mod anomalies;
mod calls;
mod commit;
mod failure;
mod idempotency;
mod mails;
mod notices;
mod open;
mod passkeys;
mod pending;
mod persons;
mod resources;
mod sign_in;
mod vettings;

use async_trait::async_trait;
use primitives::{
    AccountId, AnomalyId, CredentialId, DeveloperRecordId, MailId, Name, PageSize, PasskeyId,
    PersonId, RecordId, Revision, SignInId, Timestamp,
};
use sqlx::SqlitePool;
use store::{
    Anomaly, AnomalyFilter, AnomalyPlace, CallIndexRow, CallPage, CallSlot, CallTally, CallsWanted,
    ChartWanted, CommitRefused, Committed, Confidential, CounterRow, Credential, DeveloperRecord,
    Event, EventPlace, Folded, FoldedCalls, HabitRow, IdempotencyRow, Idempotent, Installation,
    Kind, LinkPurpose, Mail, Notice, NoticeFilter, NoticeReader, NoticeStep, Passkey, PasskeyUse,
    Person, ProfileLine, Registration, Resource, SealedSecret, SignIn, SignInLink, Store,
    StoreFailure, TryRate, Vetting, VettingPlace, WriteSet,
};

use failure::Failure;
pub use open::{OpenProblem, WRITER};

/// A store in one SQLite file.
#[derive(Clone, Debug)]
pub struct SqliteStore {
    /// INVARIANT: one connection, so writers queue here and never find the file locked.
    writer: SqlitePool,
    readers: SqlitePool,
}

#[async_trait]
impl Store for SqliteStore {
    async fn installation(&self) -> Result<Installation, StoreFailure> {
        Ok(resources::installation(&self.readers).await?)
    }

    async fn revision(&self) -> Result<Revision, StoreFailure> {
        Ok(self.installation().await?.revision)
    }

    async fn resource(&self, kind: Kind, name: &Name) -> Result<Option<Resource>, StoreFailure> {
        Ok(resources::resource(&self.readers, kind, name).await?)
    }

    async fn resources(
        &self,
        kind: Kind,
        after: Option<&Name>,
        size: PageSize,
    ) -> Result<Vec<Resource>, StoreFailure> {
        Ok(resources::resources(&self.readers, kind, after, size).await?)
    }

    async fn everything(&self) -> Result<(Revision, Vec<Resource>, Vec<Credential>), StoreFailure> {
        Ok(resources::everything(&self.readers).await?)
    }

    async fn credential(&self, id: CredentialId) -> Result<Option<Credential>, StoreFailure> {
        Ok(resources::credential(&self.readers, id).await?)
    }

    async fn credentials_of(&self, app: &Name) -> Result<Vec<Credential>, StoreFailure> {
        Ok(resources::credentials_of(&self.readers, app).await?)
    }

    async fn credentials_hashed(&self, hash: &str) -> Result<Vec<Credential>, StoreFailure> {
        Ok(resources::credentials_hashed(&self.readers, hash).await?)
    }

    async fn commit(
        &self,
        changes: WriteSet,
    ) -> Result<Result<Committed, CommitRefused>, StoreFailure> {
        Ok(commit::commit(&self.writer, changes).await?)
    }

    async fn events(&self, after: Revision, size: PageSize) -> Result<Vec<Event>, StoreFailure> {
        Ok(resources::events(&self.readers, after, size).await?)
    }

    async fn events_before(
        &self,
        before: Option<EventPlace>,
        size: PageSize,
    ) -> Result<Vec<Event>, StoreFailure> {
        Ok(resources::events_before(&self.readers, before, size).await?)
    }

    async fn events_of(
        &self,
        things: &[(String, String)],
        size: PageSize,
    ) -> Result<Vec<Event>, StoreFailure> {
        Ok(resources::events_of(&self.readers, things, size).await?)
    }

    async fn begin_idempotent(&self, row: IdempotencyRow) -> Result<Idempotent, StoreFailure> {
        Ok(idempotency::begin(&self.writer, row).await?)
    }

    async fn finish_idempotent(
        &self,
        scope: &str,
        key: &str,
        answer: Option<(u16, Vec<u8>)>,
    ) -> Result<(), StoreFailure> {
        Ok(idempotency::finish(&self.writer, scope, key, answer).await?)
    }

    async fn drop_idempotent(&self, before: Timestamp) -> Result<u64, StoreFailure> {
        Ok(idempotency::drop_before(&self.writer, before).await?)
    }

    async fn fold_calls(&self, calls: FoldedCalls) -> Result<Folded, StoreFailure> {
        Ok(calls::fold(&self.writer, calls).await?)
    }

    async fn fold_cursor(&self, gateway: &str) -> Result<Option<String>, StoreFailure> {
        Ok(calls::cursor(&self.readers, gateway).await?)
    }

    async fn counters(&self) -> Result<Vec<CounterRow>, StoreFailure> {
        Ok(calls::counters(&self.readers).await?)
    }

    async fn drop_counters(&self, before: Timestamp) -> Result<u64, StoreFailure> {
        Ok(calls::drop_counters(&self.writer, before).await?)
    }

    async fn calls(&self, wanted: &CallsWanted) -> Result<CallPage, StoreFailure> {
        Ok(calls::calls(&self.readers, wanted).await?)
    }

    async fn tally_calls(
        &self,
        since: Timestamp,
        most: u32,
    ) -> Result<Vec<CallTally>, StoreFailure> {
        Ok(calls::tally(&self.readers, since, most).await?)
    }

    async fn chart_calls(&self, wanted: ChartWanted) -> Result<Vec<CallSlot>, StoreFailure> {
        Ok(calls::chart(&self.readers, wanted).await?)
    }

    async fn call(&self, id: RecordId) -> Result<Option<CallIndexRow>, StoreFailure> {
        Ok(calls::call(&self.readers, id).await?)
    }

    async fn drop_call_days(&self, before_day: i64) -> Result<u64, StoreFailure> {
        Ok(calls::drop_days(&self.writer, before_day).await?)
    }

    async fn secrets(&self) -> Result<Vec<SealedSecret>, StoreFailure> {
        Ok(sign_in::secrets(&self.readers).await?)
    }

    async fn vetting(
        &self,
        account: &Name,
        ladder: &Name,
    ) -> Result<Option<Vetting>, StoreFailure> {
        Ok(vettings::vetting(&self.readers, account, ladder).await?)
    }

    async fn vettings_of(&self, account: &Name) -> Result<Vec<Vetting>, StoreFailure> {
        Ok(vettings::of_account(&self.readers, account).await?)
    }

    async fn vettings(
        &self,
        state: Option<&str>,
        after: Option<&VettingPlace>,
        size: PageSize,
    ) -> Result<Vec<Vetting>, StoreFailure> {
        Ok(vettings::list(&self.readers, state, after, size).await?)
    }

    async fn vettings_overtaken(
        &self,
        state: &str,
        after: Option<&VettingPlace>,
        size: PageSize,
    ) -> Result<Vec<Vetting>, StoreFailure> {
        Ok(vettings::overtaken(&self.readers, state, after, size).await?)
    }

    async fn vettings_due(
        &self,
        before: Timestamp,
        size: PageSize,
    ) -> Result<Vec<Vetting>, StoreFailure> {
        Ok(vettings::due(&self.readers, before, size).await?)
    }

    async fn count_vettings(&self, state: &str, most: u32) -> Result<u32, StoreFailure> {
        Ok(vettings::count(&self.readers, state, most).await?)
    }

    async fn confidential_of(&self, account: &Name) -> Result<Vec<Confidential>, StoreFailure> {
        Ok(about::confidential_of(&self.readers, account).await?)
    }

    async fn developer_records(
        &self,
        account: &Name,
        before: Option<DeveloperRecordId>,
        size: PageSize,
    ) -> Result<Vec<DeveloperRecord>, StoreFailure> {
        Ok(about::records(&self.readers, account, before, size).await?)
    }

    async fn has_developer_record(
        &self,
        account: &Name,
        source: &Name,
        reference: &str,
    ) -> Result<bool, StoreFailure> {
        Ok(about::has_record(&self.readers, account, source, reference).await?)
    }

    async fn profile_of(&self, account: &Name) -> Result<Vec<ProfileLine>, StoreFailure> {
        Ok(about::profile_of(&self.readers, account).await?)
    }

    async fn habits(&self, gateway: &str) -> Result<Vec<HabitRow>, StoreFailure> {
        Ok(anomalies::habits(&self.readers, gateway).await?)
    }

    async fn anomaly(&self, id: AnomalyId) -> Result<Option<Anomaly>, StoreFailure> {
        Ok(anomalies::anomaly(&self.readers, id).await?)
    }

    async fn anomalies(
        &self,
        filter: &AnomalyFilter,
        after: Option<AnomalyPlace>,
        size: PageSize,
    ) -> Result<Vec<Anomaly>, StoreFailure> {
        Ok(anomalies::list(&self.readers, filter, after, size).await?)
    }

    async fn anomalies_in_force(&self) -> Result<Vec<Anomaly>, StoreFailure> {
        Ok(anomalies::in_force(&self.readers).await?)
    }

    async fn count_anomalies(&self, state: &str, most: u32) -> Result<u32, StoreFailure> {
        Ok(anomalies::count(&self.readers, state, most).await?)
    }

    async fn drop_habits_of_nobody(&self) -> Result<u64, StoreFailure> {
        Ok(anomalies::drop_orphans(&self.writer).await?)
    }

    async fn put_sign_in_link(&self, link: SignInLink) -> Result<(), StoreFailure> {
        Ok(sign_in::put_link(&self.writer, link).await?)
    }

    async fn take_sign_in_link(
        &self,
        hash: &[u8; 32],
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<SignInLink>, StoreFailure> {
        Ok(sign_in::take_link(&self.writer, hash, purpose, now).await?)
    }

    async fn put_sign_in(&self, sign_in: SignIn) -> Result<(), StoreFailure> {
        Ok(sign_in::put(&self.writer, sign_in).await?)
    }

    async fn sign_in(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<SignIn>, StoreFailure> {
        Ok(sign_in::find(&self.readers, hash, now).await?)
    }

    async fn end_sign_in(&self, hash: &[u8; 32]) -> Result<(), StoreFailure> {
        Ok(sign_in::end(&self.writer, hash).await?)
    }

    async fn sign_ins_of(
        &self,
        person: PersonId,
        now: Timestamp,
    ) -> Result<Vec<SignIn>, StoreFailure> {
        Ok(sign_in::of_person(&self.readers, person, now).await?)
    }

    async fn end_sign_in_of(&self, person: PersonId, id: SignInId) -> Result<bool, StoreFailure> {
        Ok(sign_in::end_of(&self.writer, person, id).await?)
    }

    async fn person(&self, id: PersonId) -> Result<Option<Person>, StoreFailure> {
        Ok(persons::person(&self.readers, id).await?)
    }

    async fn person_by_email(&self, email: &str) -> Result<Option<Person>, StoreFailure> {
        Ok(persons::by_email(&self.readers, email).await?)
    }

    async fn persons(
        &self,
        after: Option<&str>,
        size: PageSize,
    ) -> Result<Vec<Person>, StoreFailure> {
        Ok(persons::list(&self.readers, after, size).await?)
    }

    async fn take_code_step(&self, person: PersonId, step: i64) -> Result<bool, StoreFailure> {
        Ok(persons::take_code_step(&self.writer, person, step).await?)
    }

    async fn take_try(
        &self,
        principal: &[u8; 32],
        rate: TryRate,
        now: Timestamp,
    ) -> Result<bool, StoreFailure> {
        Ok(persons::take_try(&self.writer, principal, rate, now).await?)
    }

    async fn forget_tries(&self, principal: &[u8; 32]) -> Result<(), StoreFailure> {
        Ok(persons::forget_tries(&self.writer, principal).await?)
    }

    async fn passkeys_of(&self, person: PersonId) -> Result<Vec<Passkey>, StoreFailure> {
        Ok(passkeys::of_person(&self.readers, person).await?)
    }

    async fn passkey(&self, hash: &[u8; 32]) -> Result<Option<Passkey>, StoreFailure> {
        Ok(passkeys::find(&self.readers, hash).await?)
    }

    async fn use_passkey(&self, id: PasskeyId, shown: PasskeyUse) -> Result<bool, StoreFailure> {
        Ok(passkeys::note_use(&self.writer, id, shown).await?)
    }

    async fn take_recovery_code(
        &self,
        person: PersonId,
        hash: &[u8; 32],
    ) -> Result<bool, StoreFailure> {
        Ok(passkeys::take_code(&self.writer, person, hash).await?)
    }

    async fn count_recovery_codes(&self, person: PersonId) -> Result<u32, StoreFailure> {
        Ok(passkeys::count_codes(&self.readers, person).await?)
    }

    async fn mails(
        &self,
        before: Option<MailId>,
        now: Timestamp,
        size: PageSize,
    ) -> Result<Vec<Mail>, StoreFailure> {
        Ok(mails::list(&self.readers, before, now, size).await?)
    }

    async fn take_mail(
        &self,
        now: Timestamp,
        next: Timestamp,
    ) -> Result<Option<Mail>, StoreFailure> {
        Ok(mails::take(&self.writer, now, next).await?)
    }

    async fn put_mail_off(
        &self,
        id: MailId,
        next: Timestamp,
        problem: &str,
    ) -> Result<(), StoreFailure> {
        Ok(mails::put_off(&self.writer, id, next, problem).await?)
    }

    async fn delete_mail(&self, id: MailId) -> Result<(), StoreFailure> {
        Ok(mails::delete(&self.writer, id).await?)
    }

    async fn registration(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Registration>, StoreFailure> {
        Ok(mails::registration(&self.readers, hash, now).await?)
    }

    async fn notices(
        &self,
        account: AccountId,
        filter: &NoticeFilter,
        size: PageSize,
    ) -> Result<Vec<Notice>, StoreFailure> {
        Ok(notices::list(&self.readers, account, filter, size).await?)
    }

    async fn keep_notices(&self, step: NoticeStep) -> Result<bool, StoreFailure> {
        Ok(notices::keep(&self.writer, &step).await?)
    }

    async fn notice_cursor(&self) -> Result<Option<Revision>, StoreFailure> {
        Ok(notices::cursor(&self.readers).await?)
    }

    async fn notice_reader(&self, person: PersonId) -> Result<Option<NoticeReader>, StoreFailure> {
        Ok(notices::reader(&self.readers, person).await?)
    }

    async fn put_notice_reader(&self, reader: &NoticeReader) -> Result<(), StoreFailure> {
        Ok(notices::put_reader(&self.writer, reader).await?)
    }

    async fn persons_of_developer(&self, account: AccountId) -> Result<Vec<Person>, StoreFailure> {
        Ok(notices::of_developer(&self.readers, account).await?)
    }

    async fn drop_notices(&self, before: Timestamp) -> Result<u64, StoreFailure> {
        Ok(notices::drop_old(&self.writer, before).await?)
    }

    async fn drop_expired(&self, before: Timestamp) -> Result<u64, StoreFailure> {
        let rest = mails::drop_expired(&self.writer, before).await?;
        Ok(sign_in::drop_expired(&self.writer, before).await? + rest)
    }
}
