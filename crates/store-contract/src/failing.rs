use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use primitives::{
    AccountId, AnomalyId, CredentialId, DeveloperRecordId, MailId, Name, PageSize, PasskeyId,
    PersonId, RecordId, Revision, SignInId, Timestamp,
};
use store::{
    Anomaly, AnomalyFilter, AnomalyPlace, CallIndexRow, CallPage, CallSlot, CallTally, CallsWanted,
    ChartWanted, CommitRefused, Committed, Confidential, CounterRow, Credential, DeveloperRecord,
    Event, EventPlace, FailureKind, Folded, FoldedCalls, HabitRow, IdempotencyRow, Idempotent,
    Installation, Kind, LinkPurpose, Mail, Notice, NoticeFilter, NoticeReader, NoticeStep, Passkey,
    PasskeyUse, Person, ProfileLine, Registration, Resource, SealedSecret, SignIn, SignInLink,
    Store, StoreFailure, TryRate, Vetting, VettingPlace, WriteSet,
};

/// When a planted failure strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strikes {
    /// Before the store is asked: nothing was done.
    Before,
    /// After the store has done what it was asked: only the answer is lost.
    After,
}

/// A store whose call of a given number fails, once, to show what that does to its callers: run
/// an operation with the first call failing, with the second, and so on until none is left.
pub struct Failing {
    store: Arc<dyn Store>,
    /// Calls until the failure; 0 when none is planted or it has struck.
    left: AtomicI64,
    strikes: AtomicU8,
    asked: AtomicU64,
}

#[derive(Debug, thiserror::Error)]
#[error("planted: the store fails here")]
struct Planted;

impl fmt::Debug for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failing({} left)", self.left.load(Ordering::Relaxed))
    }
}

impl Failing {
    /// A store that does not fail yet.
    #[must_use]
    pub fn over(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            left: AtomicI64::new(0),
            strikes: AtomicU8::new(0),
            asked: AtomicU64::new(0),
        }
    }

    /// Lets the call after the next `number - 1` ones fail.
    pub fn plant(&self, number: i64, strikes: Strikes) {
        self.strikes.store(strikes as u8, Ordering::Relaxed);
        self.left.store(number, Ordering::Relaxed);
    }

    /// How often it was asked for anything.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Takes a planted failure out. Whether it had struck.
    pub fn clear(&self) -> bool {
        self.left.swap(0, Ordering::Relaxed) <= 0
    }

    async fn ask<T: Send>(
        &self,
        call: impl Future<Output = Result<T, StoreFailure>> + Send,
    ) -> Result<T, StoreFailure> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                (left > 0).then(|| left - 1)
            });
        let fails = left == Ok(1);
        let failure = || Err(StoreFailure::as_kind(FailureKind::Other, Planted));
        if fails && self.strikes.load(Ordering::Relaxed) == Strikes::Before as u8 {
            return failure();
        }
        let done = call.await;
        if fails { failure() } else { done }
    }
}

macro_rules! asks {
    ($(fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $done:ty;)+) => {
        #[async_trait]
        impl Store for Failing {
            $(async fn $name(&self $(, $argument: $type)*) -> Result<$done, StoreFailure> {
                self.ask(self.store.$name($($argument),*)).await
            })+
        }
    };
}

asks! {
    fn installation(&self) -> Installation;
    fn revision(&self) -> Revision;
    fn resource(&self, kind: Kind, name: &Name) -> Option<Resource>;
    fn resources(&self, kind: Kind, after: Option<&Name>, size: PageSize) -> Vec<Resource>;
    fn everything(&self) -> (Revision, Vec<Resource>, Vec<Credential>);
    fn credential(&self, id: CredentialId) -> Option<Credential>;
    fn credentials_of(&self, app: &Name) -> Vec<Credential>;
    fn credentials_hashed(&self, hash: &str) -> Vec<Credential>;
    fn commit(&self, changes: WriteSet) -> Result<Committed, CommitRefused>;
    fn events(&self, after: Revision, size: PageSize) -> Vec<Event>;
    fn events_before(&self, before: Option<EventPlace>, size: PageSize) -> Vec<Event>;
    fn events_of(&self, things: &[(String, String)], size: PageSize) -> Vec<Event>;
    fn begin_idempotent(&self, row: IdempotencyRow) -> Idempotent;
    fn finish_idempotent(&self, scope: &str, key: &str, answer: Option<(u16, Vec<u8>)>) -> ();
    fn drop_idempotent(&self, before: Timestamp) -> u64;
    fn fold_calls(&self, calls: FoldedCalls) -> Folded;
    fn fold_cursor(&self, gateway: &str) -> Option<String>;
    fn counters(&self) -> Vec<CounterRow>;
    fn drop_counters(&self, before: Timestamp) -> u64;
    fn calls(&self, wanted: &CallsWanted) -> CallPage;
    fn tally_calls(&self, since: Timestamp, most: u32) -> Vec<CallTally>;
    fn chart_calls(&self, wanted: ChartWanted) -> Vec<CallSlot>;
    fn call(&self, id: RecordId) -> Option<CallIndexRow>;
    fn drop_call_days(&self, before_day: i64) -> u64;
    fn secrets(&self) -> Vec<SealedSecret>;
    fn vetting(&self, account: &Name, ladder: &Name) -> Option<Vetting>;
    fn confidential_of(&self, account: &Name) -> Vec<Confidential>;
    fn developer_records(&self, account: &Name, before: Option<DeveloperRecordId>, size: PageSize)
        -> Vec<DeveloperRecord>;
    fn has_developer_record(&self, account: &Name, source: &Name, reference: &str) -> bool;
    fn profile_of(&self, account: &Name) -> Vec<ProfileLine>;
    fn vettings_of(&self, account: &Name) -> Vec<Vetting>;
    fn vettings(&self, state: Option<&str>, after: Option<&VettingPlace>, size: PageSize)
        -> Vec<Vetting>;
    fn vettings_overtaken(&self, state: &str, after: Option<&VettingPlace>, size: PageSize) -> Vec<Vetting>;
    fn vettings_due(&self, before: Timestamp, size: PageSize) -> Vec<Vetting>;
    fn count_vettings(&self, state: &str, most: u32) -> u32;
    fn habits(&self, gateway: &str) -> Vec<HabitRow>;
    fn anomaly(&self, id: AnomalyId) -> Option<Anomaly>;
    fn anomalies(&self, filter: &AnomalyFilter, after: Option<AnomalyPlace>, size: PageSize) -> Vec<Anomaly>;
    fn anomalies_in_force(&self) -> Vec<Anomaly>;
    fn count_anomalies(&self, state: &str, most: u32) -> u32;
    fn drop_habits_of_nobody(&self) -> u64;
    fn put_sign_in_link(&self, link: SignInLink) -> ();
    fn take_sign_in_link(&self, hash: &[u8; 32], purpose: LinkPurpose, now: Timestamp) -> Option<SignInLink>;
    fn put_sign_in(&self, sign_in: SignIn) -> ();
    fn sign_in(&self, hash: &[u8; 32], now: Timestamp) -> Option<SignIn>;
    fn end_sign_in(&self, hash: &[u8; 32]) -> ();
    fn sign_ins_of(&self, person: PersonId, now: Timestamp) -> Vec<SignIn>;
    fn end_sign_in_of(&self, person: PersonId, id: SignInId) -> bool;
    fn person(&self, id: PersonId) -> Option<Person>;
    fn person_by_email(&self, email: &str) -> Option<Person>;
    fn persons(&self, after: Option<&str>, size: PageSize) -> Vec<Person>;
    fn take_code_step(&self, person: PersonId, step: i64) -> bool;
    fn take_try(&self, principal: &[u8; 32], rate: TryRate, now: Timestamp) -> bool;
    fn forget_tries(&self, principal: &[u8; 32]) -> ();
    fn passkeys_of(&self, person: PersonId) -> Vec<Passkey>;
    fn passkey(&self, hash: &[u8; 32]) -> Option<Passkey>;
    fn use_passkey(&self, id: PasskeyId, shown: PasskeyUse) -> bool;
    fn take_recovery_code(&self, person: PersonId, hash: &[u8; 32]) -> bool;
    fn count_recovery_codes(&self, person: PersonId) -> u32;
    fn mails(&self, before: Option<MailId>, now: Timestamp, size: PageSize) -> Vec<Mail>;
    fn take_mail(&self, now: Timestamp, next: Timestamp) -> Option<Mail>;
    fn put_mail_off(&self, id: MailId, next: Timestamp, problem: &str) -> ();
    fn delete_mail(&self, id: MailId) -> ();
    fn registration(&self, hash: &[u8; 32], now: Timestamp) -> Option<Registration>;
    fn notices(&self, account: AccountId, filter: &NoticeFilter, size: PageSize) -> Vec<Notice>;
    fn keep_notices(&self, step: NoticeStep) -> bool;
    fn notice_cursor(&self) -> Option<Revision>;
    fn notice_reader(&self, person: PersonId) -> Option<NoticeReader>;
    fn put_notice_reader(&self, reader: &NoticeReader) -> ();
    fn persons_of_developer(&self, account: AccountId) -> Vec<Person>;
    fn drop_notices(&self, before: Timestamp) -> u64;
    fn drop_expired(&self, before: Timestamp) -> u64;
}
