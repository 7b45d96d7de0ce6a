use primitives::{
    AccountId, AppId, Country, CredentialId, Enforcement, Mode, Quantity, RecordId, Revision,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::RecordedFact;

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A call was refused: decided and settled at once.
    Refused(Box<CallRecord>),
    /// A call was admitted and is about to be forwarded.
    Admitted(Box<CallRecord>),
    /// What became of an admitted call.
    Settled(Settlement),
}

impl Entry {
    /// When it was written.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Refused(call) | Self::Admitted(call) => call.at,
            Self::Settled(settlement) => settlement.at,
        }
    }
}

/// What was decided about a call (J-4). Its texts are its own, or lent for as long as it is
/// written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord<T = String> {
    /// Its id; also the decision's.
    pub id: RecordId,
    /// When it was decided.
    pub at: Timestamp,
    /// Mode; `None` when the caller was not identified.
    pub mode: Option<Mode>,
    /// The API's name; empty when none matched.
    pub api: T,
    /// The operation's id; empty when none matched.
    pub operation: T,
    /// Method as received.
    pub method: T,
    /// Canonical path, without the query.
    pub path: T,
    /// The credential.
    pub credential: Option<CredentialId>,
    /// The app and its name.
    pub app: Option<(AppId, T)>,
    /// The developer's account and its name.
    pub developer: Option<(AccountId, T)>,
    /// The account acted for and its name.
    pub account: Option<(AccountId, T)>,
    /// Names of the capabilities used.
    pub capabilities: Vec<T>,
    /// What the annotation took from the request (J-3), at most [`RecordedFact::MOST`]. It may be
    /// personal data: for the operator only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<RecordedFact>,
    /// How many facts beyond those the request had.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub facts_left_out: u16,
    /// Whether the decision bound.
    pub enforcement: Enforcement,
    /// Status answered when refused; 0 when admitted.
    pub status: u16,
    /// Stable code of the refusal; empty when granted. In observe mode what it would have been.
    pub code: T,
    /// The answer with every gate, as JSON in the public form. Of a call that every gate let
    /// pass it is empty in the journal, and made of `granted` when the call is read.
    pub answer: T,
    /// How every gate let the call pass; `None` when one did not, or nobody was asked.
    #[serde(skip)]
    pub granted: Option<Granted<T>>,
    /// Counters taken.
    pub counters: Vec<CounterSpend>,
    /// The snapshot that decided.
    pub revision: Revision,
    /// W3C trace id.
    pub trace_id: T,
    /// How it was made; `None` where no rule about anomalies looks at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manner: Option<Manner<T>>,
}

/// How a call was made, as rules about anomalies look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manner<T = String> {
    /// What it was made with.
    pub technology: T,
    /// The country that it came from, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// What was unusual about it.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<RecordedAnomaly<T>>,
    /// So many levels lower the app stood because of anomalies.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub levels_down: u32,
}

/// What was unusual about a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedAnomaly<T = String> {
    /// The rule.
    pub rule: T,
    /// What the rule looks at, as a word.
    pub signal: T,
    /// The unusual value.
    pub value: T,
    /// What followed, as a word.
    pub action: T,
    /// The value, and how often it was seen.
    pub found: T,
    /// What the rule wants, and what is usual.
    pub wanted: T,
    /// Until when the app stands lower, when that followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Manner {
    /// The same, with lent texts.
    #[must_use]
    pub fn lent(&self) -> Manner<&str> {
        Manner {
            technology: &self.technology,
            country: self.country,
            anomalies: self.anomalies.iter().map(RecordedAnomaly::lent).collect(),
            levels_down: self.levels_down,
        }
    }
}

impl RecordedAnomaly {
    fn lent(&self) -> RecordedAnomaly<&str> {
        RecordedAnomaly {
            rule: &self.rule,
            signal: &self.signal,
            value: &self.value,
            action: &self.action,
            found: &self.found,
            wanted: &self.wanted,
            until: self.until,
        }
    }
}

impl Manner<&str> {
    fn into_owned(self) -> Manner {
        let owned = |one: RecordedAnomaly<&str>| RecordedAnomaly {
            rule: one.rule.to_owned(),
            signal: one.signal.to_owned(),
            value: one.value.to_owned(),
            action: one.action.to_owned(),
            found: one.found.to_owned(),
            wanted: one.wanted.to_owned(),
            until: one.until,
        };
        Manner {
            technology: self.technology.to_owned(),
            country: self.country,
            anomalies: self.anomalies.into_iter().map(owned).collect(),
            levels_down: self.levels_down,
        }
    }
}

impl CallRecord<&str> {
    /// The same, with texts of its own.
    #[must_use]
    pub fn into_owned(self) -> CallRecord {
        let text = str::to_owned;
        CallRecord {
            id: self.id,
            at: self.at,
            mode: self.mode,
            api: text(self.api),
            operation: text(self.operation),
            method: text(self.method),
            path: text(self.path),
            credential: self.credential,
            app: self.app.map(|(id, name)| (id, text(name))),
            developer: self.developer.map(|(id, name)| (id, text(name))),
            account: self.account.map(|(id, name)| (id, text(name))),
            capabilities: self.capabilities.into_iter().map(text).collect(),
            facts: self.facts,
            facts_left_out: self.facts_left_out,
            enforcement: self.enforcement,
            status: self.status,
            code: text(self.code),
            answer: text(self.answer),
            granted: self.granted.map(Granted::into_owned),
            counters: self.counters,
            revision: self.revision,
            trace_id: text(self.trace_id),
            manner: self.manner.map(Manner::into_owned),
        }
    }
}

/// What a call took of a counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterSpend {
    /// `CounterKey.limit`.
    pub limit: u64,
    /// `CounterKey.subject`; in JSON as hex, because its numbers are not that wide.
    #[serde(with = "hex")]
    pub subject: u128,
    /// `CounterKey.fact`, likewise.
    #[serde(with = "hex")]
    pub fact: u128,
    /// Start of the window or bucket.
    pub begins_at: Timestamp,
    /// End of the window or bucket.
    pub ends_at: Timestamp,
    /// How much.
    pub cost: Quantity,
    /// How near to its limit the counter then stood: 0 for less than 80 of 100, 1 for that or
    /// more, 2 for nothing left.
    #[serde(default, skip_serializing_if = "is_far")]
    pub near: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_far(near: &u8) -> bool {
    *near == 0
}

/// How every gate let a call pass, as short as can be: it is written while the call waits, and
/// put into words when somebody reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted<T = String> {
    /// The gates that do not depend on a capability.
    pub gates: GateMarks,
    /// The limits that hold for every call of the API.
    pub limits: Vec<LimitStand<T>>,
    /// Of each capability in the order of [`CallRecord::capabilities`]: its gates and limits.
    pub capabilities: Vec<(GateMarks, Vec<LimitStand<T>>)>,
}

impl Granted<&str> {
    fn into_owned(self) -> Granted {
        let owned = |stands: Vec<LimitStand<&str>>| {
            let stands = stands.into_iter();
            stands.map(LimitStand::into_owned).collect::<Vec<_>>()
        };
        let capabilities = self.capabilities.into_iter();
        Granted {
            gates: self.gates,
            limits: owned(self.limits),
            capabilities: capabilities
                .map(|(gates, limits)| (gates, owned(limits)))
                .collect(),
        }
    }
}

/// Gates in the order in which they answered, each as twice its number, and one more when it
/// did not apply.
pub type GateMarks = SmallVec<[u8; 16]>;

/// Where a limit stood before a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitStand<T = String> {
    /// Its name.
    pub limit: T,
    /// The currency `most` is in, when it is an amount of one.
    pub currency: Option<T>,
    /// The most; `None` is unlimited.
    pub most: Option<Quantity>,
    /// Counted so far; `None` for a numeric limit.
    pub used: Option<Quantity>,
    /// When it starts anew.
    pub resets_at: Option<Timestamp>,
}

impl LimitStand<&str> {
    fn into_owned(self) -> LimitStand {
        LimitStand {
            limit: self.limit.to_owned(),
            currency: self.currency.map(str::to_owned),
            most: self.most,
            used: self.used,
            resets_at: self.resets_at,
        }
    }
}

/// The end of an admitted call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// Which call.
    pub id: RecordId,
    /// When.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: CallOutcome,
    /// Whether the counters were given back.
    pub refunded: bool,
}

/// What became of an admitted call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallOutcome {
    /// The upstream answered.
    Served {
        /// Its status.
        status: u16,
        /// Bytes of the request body forwarded.
        bytes_in: u64,
        /// Bytes of the answer's body passed on.
        bytes_out: u64,
        /// From admission to the end of the answer.
        micros: u64,
    },
    /// Known not to have reached the upstream.
    NotSent,
    /// Forwarded, and the answer never came: consumes quota, is never billed.
    Unknown,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
const fn is_zero(count: &u16) -> bool {
    *count == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
const fn is_nothing(count: &u32) -> bool {
    *count == 0
}

mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(number: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{number:x}"))
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<u128, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        u128::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}
