use primitives::{
    AccountId, AppId, DeveloperRecordId, MailId, Mode, Name, PageSize, PersonId, Quantity,
    RecordId, Revision, SignInId, Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{Anomaly, HabitRow, NewEvent};

/// A reservation of an idempotency key.
#[derive(Clone, Debug)]
pub struct IdempotencyRow {
    /// Whose keys: the caller and the endpoint.
    pub scope: String,
    /// The key as sent.
    pub key: String,
    /// SHA-256 of method, path and body.
    pub fingerprint: [u8; 32],
    /// When.
    pub at: Timestamp,
}

impl IdempotencyRow {
    /// How long a key is held without an answer before the same request may take it over,
    /// because whoever held it has died: 60 s. Safe, because an effect commits only together
    /// with its answer and a key takes one answer.
    pub const HELD_MICROS: i64 = 60_000_000;
}

/// What an idempotency key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Idempotent {
    /// New; the caller now holds it.
    Fresh,
    /// Another request holds it and has not finished.
    InProgress,
    /// Finished: answer this.
    Done(u16, Vec<u8>),
    /// Used before with another request.
    Mismatch,
}

/// What the fold writes for one settled call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallIndexRow {
    /// Decision and call record.
    pub id: RecordId,
    /// When it was decided.
    pub at: Timestamp,
    /// Mode; `None` when the caller was not identified.
    pub mode: Option<Mode>,
    /// The API's name.
    pub api: String,
    /// The operation's id; empty when none matched.
    pub operation: String,
    /// The app.
    pub app: Option<AppId>,
    /// The developer's account.
    pub developer: Option<AccountId>,
    /// The account acted for.
    pub account: Option<AccountId>,
    /// Capabilities used, separated and surrounded by spaces.
    pub capabilities: String,
    /// `served`, `refused`, `unknown`, `not_sent`.
    pub outcome: String,
    /// Status answered to the caller; 0 when none was.
    pub status: u16,
    /// Stable code of the first refusal; empty when granted.
    pub code: String,
    /// The whole record in the bytes of whoever wrote it: the answer with every gate, the outcome,
    /// the counters.
    pub record: Vec<u8>,
}

/// Which calls to list; every part that is set must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Mode.
    pub mode: Option<Mode>,
    /// API name.
    pub api: Option<String>,
    /// App.
    pub app: Option<AppId>,
    /// Developer's account.
    pub developer: Option<AccountId>,
    /// Account acted for.
    pub account: Option<AccountId>,
    /// Capability used.
    pub capability: Option<String>,
    /// Outcome word.
    pub outcome: Option<String>,
    /// Stable code.
    pub code: Option<String>,
    /// At or after.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

/// A page of the call list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallPage {
    /// The newest first. There may be fewer than asked for, or none, though the list goes on.
    pub calls: Vec<CallIndexRow>,
    /// After which call the list goes on; `None` at its end.
    pub next: Option<RecordId>,
}

impl CallPage {
    /// The page of at most `size` of `calls`, when calls down to `horizon` were looked at.
    #[must_use]
    pub fn of(mut calls: Vec<CallIndexRow>, size: PageSize, horizon: Option<RecordId>) -> Self {
        let size = size.get() as usize;
        let more = calls.len() > size;
        calls.truncate(size);
        let last = calls.last().map(|call| call.id);
        Self {
            calls,
            next: if more { last } else { horizon },
        }
    }
}

/// Which calls a chart counts.
#[derive(Clone, Copy, Debug)]
pub struct ChartWanted {
    /// Only those of an app.
    pub app: Option<AppId>,
    /// Decided at or after this.
    pub since: Timestamp,
    /// How long one slot of time is, in seconds; at least one.
    pub slot_seconds: u32,
    /// Only so many of the newest are counted, so that asking stays cheap.
    pub most: u32,
}

/// How many calls of one slot of time came to one outcome with one code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSlot {
    /// When the slot begins: a multiple of its length since the epoch.
    pub begins_at: Timestamp,
    /// Outcome word.
    pub outcome: String,
    /// Stable code; empty when no gate refused.
    pub code: String,
    /// How many.
    pub calls: u64,
}

/// How many calls came to one outcome with one code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTally {
    /// Outcome word.
    pub outcome: String,
    /// Stable code; with an outcome other than `refused`, what an observed call would have had.
    pub code: String,
    /// How many.
    pub calls: u64,
    /// When the newest of them was decided.
    pub newest: Timestamp,
}

/// A counter of a window as folded so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterRow {
    /// `CounterKey.limit`.
    pub limit: u64,
    /// Mode.
    pub mode: Mode,
    /// `CounterKey.subject`.
    pub subject: u128,
    /// `CounterKey.fact`.
    pub fact: u128,
    /// Start of the window, or of the bucket of a rolling window; 0 for a lifetime.
    pub begins_at: Timestamp,
    /// End of the window or bucket; the end of time for a lifetime.
    pub ends_at: Timestamp,
    /// Counted. The fold adds, it does not replace.
    pub used: Quantity,
}

/// One step of the fold.
#[derive(Clone, Debug, Default)]
pub struct FoldedCalls {
    /// Whose journal.
    pub gateway: String,
    /// The cursor before, so that two folds cannot both apply; `None` at the very start.
    pub from_cursor: Option<String>,
    /// The cursor after.
    pub to_cursor: String,
    /// Index rows.
    pub calls: Vec<CallIndexRow>,
    /// Counter increments.
    pub counters: Vec<CounterRow>,
    /// What apps usually do after these calls, of those whom the calls taught something.
    pub habits: Vec<HabitRow>,
    /// What was unusual about these calls, each once. One that is there gets the calls added.
    pub anomalies: Vec<Anomaly>,
    /// What the log tells of these calls. An event whose id is in the log already is left out:
    /// whoever makes the id of what it tells tells it once, whatever is folded again.
    pub events: Vec<NewEvent>,
    /// When the step was made: the time of its events.
    pub at: Timestamp,
}

/// What became of one step of the fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Folded {
    /// It was applied whole.
    Applied,
    /// The cursor was not where the step began; nothing was applied.
    NotAtCursor,
}

/// What is known of the installation as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The newest revision.
    pub revision: Revision,
    /// When it was set up.
    pub created_at: Timestamp,
    /// Counts restores from a backup, from 1: what was single-use before one stays used.
    pub incarnation: u64,
}

/// A secret we must be able to use, sealed under the key-encryption key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret {
    /// Its name.
    pub name: String,
    /// Ciphertext with nonce and key id (`keys` reads it).
    pub sealed: Vec<u8>,
    /// When it was set.
    pub updated_at: Timestamp,
}

/// Somebody who signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Its id.
    pub id: PersonId,
    /// The address, in its one spelling; no other person has it.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// Whether they may sign in, and what they may do then, as JSON.
    pub body: String,
    /// Hash of the password, with its scheme.
    pub password: Option<String>,
    /// Sealed seed of the one-time codes.
    pub code_seed: Option<Vec<u8>>,
    /// Sign-ins that began before do not count.
    pub sign_ins_from: Timestamp,
    /// When they became known.
    pub created_at: Timestamp,
    /// The revision that last changed it; filled in by the commit.
    pub version: Revision,
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $word:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$case_doc])* $case,)+
        }

        impl $name {
            /// The word in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$case => $word,)+
                }
            }

            /// The one with this word.
            #[must_use]
            pub fn of(word: &str) -> Option<Self> {
                [$(Self::$case),+].into_iter().find(|one| one.as_str() == word)
            }
        }
    )+};
}

words! {
    /// How an app shows who it is.
    CredentialKind {
        /// An id and a secret.
        Key = "key",
        /// A user name, a password and a signature: all three.
        ThreeToken = "three_token",
        /// A certificate of the connection, and nothing else.
        Certificate = "certificate",
    }
    /// What a one-time link is for. One made for one thing does nothing else.
    LinkPurpose {
        /// Signs in.
        SignIn = "sign_in",
        /// Goes on after the password, with a one-time code.
        Code = "code",
        /// Takes an invitation: sets the first password.
        Invitation = "invitation",
        /// Sets a password anew.
        Password = "password",
        /// Lets a developer register where one has to be invited.
        Registration = "registration",
        /// Is the challenge for a passkey that is to be added.
        PasskeyAdd = "passkey_add",
        /// Is the challenge for a passkey that is to sign in.
        PasskeySignIn = "passkey_sign_in",
    }
    /// What carries a sign-in.
    SignInKind {
        /// The cookie of a browser.
        Browser = "browser",
        /// An access token, for programs.
        Token = "token",
    }
}

/// A one-time link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInLink {
    /// SHA-256 of the link's secret.
    pub hash: [u8; 32],
    /// What it is for.
    pub purpose: LinkPurpose,
    /// For whom; `None` for whoever has the operator token.
    pub person: Option<PersonId>,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// A sign-in of a browser or a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Its id.
    pub id: SignInId,
    /// SHA-256 of the cookie's or token's secret.
    pub hash: [u8; 32],
    /// What carries it.
    pub kind: SignInKind,
    /// Who is signed in; `None` for whoever has the operator token.
    pub person: Option<PersonId>,
    /// What it is told apart by.
    pub label: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A mail that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Its id.
    pub id: MailId,
    /// Address, subject and text, sealed.
    pub sealed: Vec<u8>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it is tried next.
    pub next_at: Timestamp,
    /// From when on it is of no use, sent or not.
    pub expires_at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// What the last try came to; empty when there was none or it is not known. Never says to whom.
    pub problem: String,
}

/// Somebody who registered and has not yet followed the link that was mailed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// SHA-256 of the link's secret.
    pub hash: [u8; 32],
    /// What was said, sealed.
    pub sealed: Vec<u8>,
    /// When the link stops working.
    pub expires_at: Timestamp,
}

/// How often somebody may try: so many at once, then one for each while that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryRate {
    /// Tries at once.
    pub at_once: u32,
    /// The while, in microseconds.
    pub every_micros: i64,
}

impl TryRate {
    /// What an unused principal is spent until after one try at `now`.
    #[must_use]
    pub const fn first(self, now: Timestamp) -> i64 {
        now.plus_micros(self.every_micros).as_micros()
    }

    /// Until when a principal may be spent and still has a try at `now`.
    #[must_use]
    pub const fn latest(self, now: Timestamp) -> i64 {
        let more = self.at_once.saturating_sub(1) as i64;
        now.plus_micros(more.saturating_mul(self.every_micros))
            .as_micros()
    }
}

/// Where the vetting of a developer on a ladder stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vetting {
    /// Name of the account.
    pub account: Name,
    /// The ladder.
    pub ladder: Name,
    /// The word of its state, for lists: what it means stands in `body`.
    pub state: String,
    /// The state with its data, as JSON.
    pub body: String,
    /// When the state was entered; a queue goes by it.
    pub since: Timestamp,
    /// When it is to be looked at again.
    pub due_at: Option<Timestamp>,
    /// The revision that last changed it; filled in by the commit.
    pub version: Revision,
}

/// A place in the list of vettings, to go on after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VettingPlace {
    /// When the state was entered.
    pub since: Timestamp,
    /// Name of the account.
    pub account: Name,
    /// The ladder.
    pub ladder: Name,
}

/// Something an account entrusts: sealed, with what may be shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confidential {
    /// Name of the account.
    pub account: Name,
    /// What it is called there.
    pub name: Name,
    /// The word for what it is.
    pub kind: String,
    /// What may be shown of it.
    pub mask: String,
    /// Ciphertext.
    pub sealed: Vec<u8>,
    /// When it was set.
    pub updated_at: Timestamp,
}

/// A record about a developer, as it was sent here. Nothing changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeveloperRecord {
    /// Its id; later ones are greater.
    pub id: DeveloperRecordId,
    /// Name of the account.
    pub account: Name,
    /// Whose system it is from.
    pub source: Name,
    /// What kind of thing it tells.
    pub kind: Name,
    /// The sender's own id of it.
    pub reference: String,
    /// When it happened.
    pub at: Timestamp,
    /// When it came here.
    pub received_at: Timestamp,
    /// JSON: integers, booleans and texts by name.
    pub facts: String,
}

/// What the records of a developer come to, for one fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileLine {
    /// Name of the account.
    pub account: Name,
    /// Whose system they are from.
    pub source: Name,
    /// The kind of records.
    pub kind: Name,
    /// The fact; empty for the records themselves.
    pub fact: String,
    /// How many records have it.
    pub count: i64,
    /// Their sum.
    pub sum: i64,
    /// The least.
    pub least: i64,
    /// The most.
    pub most: i64,
    /// The time of the latest.
    pub last_at: Timestamp,
    /// The revision that last changed it; filled in by the commit.
    pub version: Revision,
}
