//! The PostgreSQL store, for when one machine is outgrown.
//!
//! What it never does: hold a rule, join a value into a statement, read from a replica, mix
//! isolation levels in what it writes: writers queue on the row of `installation`.
//!
//! To add an entity: see `store-sqlite`; the two mirror each other file by file. Statements of
//! this engine alone, where many round trips to a far server become one, are in `sql/`.

mod about;
mod anomalies;
mod calls;
mod columns;
mod commit;
mod connect;
mod failure;
mod idempotency;
mod mails;
mod notices;
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
use sqlx::PgPool;
use store::{
    Anomaly, AnomalyFilter, AnomalyPlace, CallIndexRow, CallPage, CallSlot, CallTally, CallsWanted,
    ChartWanted, CommitRefused, Committed, Confidential, CounterRow, Credential, DeveloperRecord,
    Event, EventPlace, Folded, FoldedCalls, HabitRow, IdempotencyRow, Idempotent, Installation,
    Kind, LinkPurpose, Mail, Notice, NoticeFilter, NoticeReader, NoticeStep, Passkey, PasskeyUse,
    Person, ProfileLine, Registration, Resource, SealedSecret, SignIn, SignInLink, Store,
    StoreFailure, TryRate, Vetting, VettingPlace, WriteSet,
};

pub use connect::{ConnectProblem, Warning};
use failure::Failure;

/// A store in a PostgreSQL database.
#[derive(Clone, Debug)]
pub struct PostgresStore {
    pool: PgPool,
    warnings: Vec<Warning>,
}

#[async_trait]
impl Store for PostgresStore {
    async fn installation(&self) -> Result<Installation, StoreFailure> {
        Ok(resources::installation(&self.pool).await?)
    }

    async fn revision(&self) -> Result<Revision, StoreFailure> {
        Ok(self.installation().await?.revision)
    }

    async fn resource(&self, kind: Kind, name: &Name) -> Result<Option<Resource>, StoreFailure> {
        Ok(resources::resource(&self.pool, kind, name).await?)
    }

    async fn resources(
        &self,
        kind: Kind,
        after: Option<&Name>,
        size: PageSize,
    ) -> Result<Vec<Resource>, StoreFailure> {
        Ok(resources::resources(&self.pool, kind, after, size).await?)
    }

    async fn everything(&self) -> Result<(Revision, Vec<Resource>, Vec<Credential>), StoreFailure> {
        Ok(resources::everything(&self.pool).await?)
    }

    async fn credential(&self, id: CredentialId) -> Result<Option<Credential>, StoreFailure> {
        Ok(resources::credential(&self.pool, id).await?)
    }

    async fn credentials_of(&self, app: &Name) -> Result<Vec<Credential>, StoreFailure> {
        Ok(resources::credentials_of(&self.pool, app).await?)
    }

    async fn credentials_hashed(&self, hash: &str) -> Result<Vec<Credential>, StoreFailure> {
        Ok(resources::credentials_hashed(&self.pool, hash).await?)
    }

    async fn commit(
        &self,
        changes: WriteSet,
    ) -> Result<Result<Committed, CommitRefused>, StoreFailure> {
        Ok(commit::commit(&self.pool, changes).await?)
    }

    async fn events(&self, after: Revision, size: PageSize) -> Result<Vec<Event>, StoreFailure> {
        Ok(resources::events(&self.pool, after, size).await?)
    }

    async fn events_before(
        &self,
        before: Option<EventPlace>,
        size: PageSize,
    ) -> Result<Vec<Event>, StoreFailure> {
        Ok(resources::events_before(&self.pool, before, size).await?)
    }

    async fn events_of(
        &self,
        things: &[(String, String)],
        size: PageSize,
    ) -> Result<Vec<Event>, StoreFailure> {
        Ok(resources::events_of(&self.pool, things, size).await?)
    }

    async fn begin_idempotent(&self, row: IdempotencyRow) -> Result<Idempotent, StoreFailure> {
        Ok(idempotency::begin(&self.pool, row).await?)
    }

    async fn finish_idempotent(
        &self,
        scope: &str,
        key: &str,
        answer: Option<(u16, Vec<u8>)>,
    ) -> Result<(), StoreFailure> {
        Ok(idempotency::finish(&self.pool, scope, key, answer).await?)
    }

    async fn drop_idempotent(&self, before: Timestamp) -> Result<u64, StoreFailure> {
        Ok(idempotency::drop_before(&self.pool, before).await?)
    }

    async fn fold_calls(&self, calls: FoldedCalls) -> Result<Folded, StoreFailure> {
        Ok(calls::fold(&self.pool, calls).await?)
    }

    async fn fold_cursor(&self, gateway: &str) -> Result<Option<String>, StoreFailure> {
        Ok(calls::cursor(&self.pool, gateway).await?)
    }

    async fn counters(&self) -> Result<Vec<CounterRow>, StoreFailure> {
        Ok(calls::counters(&self.pool).await?)
    }

    async fn drop_counters(&self, before: Timestamp) -> Result<u64, StoreFailure> {
        Ok(calls::drop_counters(&self.pool, before).await?)
    }

    async fn calls(&self, wanted: &CallsWanted) -> Result<CallPage, StoreFailure> {
        Ok(calls::calls(&self.pool, wanted).await?)
    }

    async fn tally_calls(
        &self,
        since: Timestamp,
        most: u32,
    ) -> Result<Vec<CallTally>, StoreFailure> {
        Ok(calls::tally(&self.pool, since, most).await?)
    }

    async fn chart_calls(&self, wanted: ChartWanted) -> Result<Vec<CallSlot>, StoreFailure> {
        Ok(calls::chart(&self.pool, wanted).await?)
    }

    async fn call(&self, id: RecordId) -> Result<Option<CallIndexRow>, StoreFailure> {
        Ok(calls::call(&self.pool, id).await?)
    }

    async fn drop_call_days(&self, before_day: i64) -> Result<u64, StoreFailure> {
        Ok(calls::drop_days(&self.pool, before_day).await?)
    }

    async fn secrets(&self) -> Result<Vec<SealedSecret>, StoreFailure> {
        Ok(sign_in::secrets(&self.pool).await?)
    }

    async fn vetting(
        &self,
        account: &Name,
        ladder: &Name,
    ) -> Result<Option<Vetting>, StoreFailure> {
        Ok(vettings::vetting(&self.pool, account, ladder).await?)
    }

    async fn vettings_of(&self, account: &Name) -> Result<Vec<Vetting>, StoreFailure> {
        Ok(vettings::of_account(&self.pool, account).await?)
    }

    async fn vettings(
        &self,
        state: Option<&str>,
        after: Option<&VettingPlace>,
        size: PageSize,
    ) -> Result<Vec<Vetting>, StoreFailure> {
        Ok(vettings::list(&self.pool, state, after, size).await?)
    }

    async fn vettings_overtaken(
        &self,
        state: &str,
        after: Option<&VettingPlace>,
        size: PageSize,
    ) -> Result<Vec<Vetting>, StoreFailure> {
        Ok(vettings::overtaken(&self.pool, state, after, size).await?)
    }

    async fn vettings_due(
        &self,
        before: Timestamp,
        size: PageSize,
    ) -> Result<Vec<Vetting>, StoreFailure> {
        Ok(vettings::due(&self.pool, before, size).await?)
    }

    async fn count_vettings(&self, state: &str, most: u32) -> Result<u32, StoreFailure> {
        Ok(vettings::count(&self.pool, state, most).await?)
    }

    async fn confidential_of(&self, account: &Name) -> Result<Vec<Confidential>, StoreFailure> {
        Ok(about::confidential_of(&self.pool, account).await?)
    }

    async fn developer_records(
        &self,
        account: &Name,
        before: Option<DeveloperRecordId>,
        size: PageSize,
    ) -> Result<Vec<DeveloperRecord>, StoreFailure> {
        Ok(about::records(&self.pool, account, before, size).await?)
    }

    async fn has_developer_record(
        &self,
        account: &Name,
        source: &Name,
        reference: &str,
    ) -> Result<bool, StoreFailure> {
        Ok(about::has_record(&self.pool, account, source, reference).await?)
    }

    async fn profile_of(&self, account: &Name) -> Result<Vec<ProfileLine>, StoreFailure> {
        Ok(about::profile_of(&self.pool, account).await?)
    }

    async fn habits(&self, gateway: &str) -> Result<Vec<HabitRow>, StoreFailure> {
        Ok(anomalies::habits(&self.pool, gateway).await?)
    }

    async fn anomaly(&self, id: AnomalyId) -> Result<Option<Anomaly>, StoreFailure> {
        Ok(anomalies::anomaly(&self.pool, id).await?)
    }

    async fn anomalies(
        &self,
        filter: &AnomalyFilter,
        after: Option<AnomalyPlace>,
        size: PageSize,
    ) -> Result<Vec<Anomaly>, StoreFailure> {
        Ok(anomalies::list(&self.pool, filter, after, size).await?)
    }

    async fn anomalies_in_force(&self) -> Result<Vec<Anomaly>, StoreFailure> {
        Ok(anomalies::in_force(&self.pool).await?)
    }

    async fn count_anomalies(&self, state: &str, most: u32) -> Result<u32, StoreFailure> {
        Ok(anomalies::count(&self.pool, state, most).await?)
    }

    async fn drop_habits_of_nobody(&self) -> Result<u64, StoreFailure> {
        Ok(anomalies::drop_orphans(&self.pool).await?)
    }

    async fn put_sign_in_link(&self, link: SignInLink) -> Result<(), StoreFailure> {
        Ok(sign_in::put_link(&self.pool, link).await?)
    }

    async fn take_sign_in_link(
        &self,
        hash: &[u8; 32],
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<SignInLink>, StoreFailure> {
        Ok(sign_in::take_link(&self.pool, hash, purpose, now).await?)
    }

    async fn put_sign_in(&self, sign_in: SignIn) -> Result<(), StoreFailure> {
        Ok(sign_in::put(&self.pool, sign_in).await?)
    }

    async fn sign_in(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<SignIn>, StoreFailure> {
        Ok(sign_in::find(&self.pool, hash, now).await?)
    }

    async fn end_sign_in(&self, hash: &[u8; 32]) -> Result<(), StoreFailure> {
        Ok(sign_in::end(&self.pool, hash).await?)
    }

    async fn sign_ins_of(
        &self,
        person: PersonId,
        now: Timestamp,
    ) -> Result<Vec<SignIn>, StoreFailure> {
        Ok(sign_in::of_person(&self.pool, person, now).await?)
    }

    async fn end_sign_in_of(&self, person: PersonId, id: SignInId) -> Result<bool, StoreFailure> {
        Ok(sign_in::end_of(&self.pool, person, id).await?)
    }

    async fn person(&self, id: PersonId) -> Result<Option<Person>, StoreFailure> {
        Ok(persons::person(&self.pool, id).await?)
    }

    async fn person_by_email(&self, email: &str) -> Result<Option<Person>, StoreFailure> {
        Ok(persons::by_email(&self.pool, email).await?)
    }

    async fn persons(
        &self,
        after: Option<&str>,
        size: PageSize,
    ) -> Result<Vec<Person>, StoreFailure> {
        Ok(persons::list(&self.pool, after, size).await?)
    }

    async fn take_code_step(&self, person: PersonId, step: i64) -> Result<bool, StoreFailure> {
        Ok(persons::take_code_step(&self.pool, person, step).await?)
    }

    async fn take_try(
        &self,
        principal: &[u8; 32],
        rate: TryRate,
        now: Timestamp,
    ) -> Result<bool, StoreFailure> {
        Ok(persons::take_try(&self.pool, principal, rate, now).await?)
    }

    async fn forget_tries(&self, principal: &[u8; 32]) -> Result<(), StoreFailure> {
        Ok(persons::forget_tries(&self.pool, principal).await?)
    }

    async fn passkeys_of(&self, person: PersonId) -> Result<Vec<Passkey>, StoreFailure> {
        Ok(passkeys::of_person(&self.pool, person).await?)
    }

    async fn passkey(&self, hash: &[u8; 32]) -> Result<Option<Passkey>, StoreFailure> {
        Ok(passkeys::find(&self.pool, hash).await?)
    }

    async fn use_passkey(&self, id: PasskeyId, shown: PasskeyUse) -> Result<bool, StoreFailure> {
        Ok(passkeys::note_use(&self.pool, id, shown).await?)
    }

    async fn take_recovery_code(
        &self,
        person: PersonId,
        hash: &[u8; 32],
    ) -> Result<bool, StoreFailure> {
        Ok(passkeys::take_code(&self.pool, person, hash).await?)
    }

    async fn count_recovery_codes(&self, person: PersonId) -> Result<u32, StoreFailure> {
        Ok(passkeys::count_codes(&self.pool, person).await?)
    }

    async fn mails(
        &self,
        before: Option<MailId>,
        now: Timestamp,
        size: PageSize,
    ) -> Result<Vec<Mail>, StoreFailure> {
        Ok(mails::list(&self.pool, before, now, size).await?)
    }

    async fn take_mail(
        &self,
        now: Timestamp,
        next: Timestamp,
    ) -> Result<Option<Mail>, StoreFailure> {
        Ok(mails::take(&self.pool, now, next).await?)
    }

    async fn put_mail_off(
        &self,
        id: MailId,
        next: Timestamp,
        problem: &str,
    ) -> Result<(), StoreFailure> {
        Ok(mails::put_off(&self.pool, id, next, problem).await?)
    }

    async fn delete_mail(&self, id: MailId) -> Result<(), StoreFailure> {
        Ok(mails::delete(&self.pool, id).await?)
    }

    async fn registration(
        &self,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<Registration>, StoreFailure> {
        Ok(mails::registration(&self.pool, hash, now).await?)
    }

    async fn notices(
        &self,
        account: AccountId,
        filter: &NoticeFilter,
        size: PageSize,
    ) -> Result<Vec<Notice>, StoreFailure> {
        Ok(notices::list(&self.pool, account, filter, size).await?)
    }

    async fn keep_notices(&self, step: NoticeStep) -> Result<bool, StoreFailure> {
        Ok(notices::keep(&self.pool, &step).await?)
    }

    async fn notice_cursor(&self) -> Result<Option<Revision>, StoreFailure> {
        Ok(notices::cursor(&self.pool).await?)
    }

    async fn notice_reader(&self, person: PersonId) -> Result<Option<NoticeReader>, StoreFailure> {
        Ok(notices::reader(&self.pool, person).await?)
    }

    async fn put_notice_reader(&self, reader: &NoticeReader) -> Result<(), StoreFailure> {
        Ok(notices::put_reader(&self.pool, reader).await?)
    }

    async fn persons_of_developer(&self, account: AccountId) -> Result<Vec<Person>, StoreFailure> {
        Ok(notices::of_developer(&self.pool, account).await?)
    }

    async fn drop_notices(&self, before: Timestamp) -> Result<u64, StoreFailure> {
        Ok(notices::drop_old(&self.pool, before).await?)
    }

    async fn drop_expired(&self, before: Timestamp) -> Result<u64, StoreFailure> {
        let rest = mails::drop_expired(&self.pool, before).await?;
        Ok(sign_in::drop_expired(&self.pool, before).await? + rest)
    }
}
