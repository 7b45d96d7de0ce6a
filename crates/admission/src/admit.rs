use std::sync::Arc;

use decision::{App, Caller, CapabilityAnswer, Likeness};
use journal::{CallRecord, Durability, Journal};
use keys::HashingKey;
use primitives::{Clock, CredentialId, Mode, Symbol};
use quota::{Calendar, Counters};
use snapshot::{GeoHandle, Snapshot, SnapshotHandle};
use tokio::sync::broadcast;

use crate::{
    Arrival, Habits, Identified, Permit, Presented, Refusal, Unidentified,
    case::Case,
    evidence::Known,
    explain::granted_in_words,
    identify::Recogniser,
    refusal::Ground,
    target::{self, Head, NoOperation},
    unusual::lowered,
    zone::Zone,
};

/// How many decisions a slow watcher may lag behind before it misses some.
const FEED: usize = 256;

/// What admission works with.
pub struct Parts {
    /// The newest snapshot.
    pub snapshots: Arc<SnapshotHandle>,
    /// Every counter, loaded.
    pub counters: Arc<Counters>,
    /// Where calls are admitted and settled.
    pub journal: Arc<Journal>,
    /// What apps usually do.
    pub habits: Arc<Habits>,
    /// Where addresses are.
    pub places: Arc<GeoHandle>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How surely a call is written down that takes of a bounded counter, before it is
    /// forwarded. Anything but strict may let a limit be exceeded after a loss of power.
    pub counted: Durability,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Parts({:?})", self.journal)
    }
}

/// The hot use-case. One for a process, shared by all doors; a clone is the same one.
#[derive(Clone, Debug)]
pub struct Admission(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    recogniser: Recogniser,
    zone: Zone,
    feed: broadcast::Sender<Arc<CallRecord>>,
}

/// What a request's head comes to.
#[derive(Debug)]
#[must_use]
pub enum Arrived {
    /// It is refused; nothing was counted.
    Refused(Box<Refusal>),
    /// Nothing stands against it so far, and the answer depends on its body.
    NeedsBody(AwaitingBody),
    /// It may be forwarded, once.
    Permitted(Box<Permit>),
}

/// A call whose body must be read to decide it. Nothing was counted or written down yet.
#[derive(Debug)]
pub struct AwaitingBody {
    case: Box<Case>,
}

impl AwaitingBody {
    pub(crate) const fn new(case: Box<Case>) -> Self {
        Self { case }
    }

    /// Decides with the body. Never answers [`Arrived::NeedsBody`].
    pub async fn with_body(self, content_type: Option<&str>, body: &[u8]) -> Arrived {
        match self.renewed().await {
            Ok(case) => case.with_body(content_type, body).await,
            Err(arrived) => arrived,
        }
    }

    /// Goes on without a body that cannot be read, for the reason that `code` and `why` give:
    /// refuses where the decision binds, else lets the call pass undecided. Never answers
    /// [`Arrived::NeedsBody`].
    pub async fn without_body(self, code: &'static str, why: impl Into<String>) -> Arrived {
        let ground = Ground::new(code, why);
        match self.renewed().await {
            Ok(case) => case.without_body(ground).await,
            Err(arrived) => arrived,
        }
    }

    /// The call by what is known now: a body may take minutes, and what was revoked meanwhile
    /// is refused (G-07, G-08).
    async fn renewed(self) -> Result<Box<Case>, Arrived> {
        let mut case = self.case;
        let stale = case.admission.parts().snapshots.is_stale();
        if stale {
            return Err(case.refuse(Ground::new("state_stale", STALE), None).await);
        }
        match case.renew() {
            Ok(()) => Ok(case),
            Err(ground) => Err(case.stopped(ground).await),
        }
    }
}

/// Why nothing is admitted by a snapshot that is too old.
const STALE: &str = "what may have been revoked elsewhere is not known now";

impl Admission {
    /// Admission over `parts`; issued secrets are hashed under `hashing`.
    #[must_use]
    pub fn new(parts: Parts, hashing: HashingKey) -> Self {
        Self(Arc::new(Inner {
            parts,
            recogniser: Recogniser::new(hashing),
            zone: Zone::new(),
            feed: broadcast::Sender::new(FEED),
        }))
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0.parts
    }

    /// What apps usually do, and who stands lower.
    #[must_use]
    pub fn habits(&self) -> &Habits {
        &self.parts().habits
    }

    /// Days, weeks and months of the time zone that the settings of `snapshot` name.
    #[must_use]
    pub fn calendar(&self, snapshot: &Snapshot) -> Arc<Calendar> {
        self.0.zone.calendar(snapshot)
    }

    /// Recognises a caller.
    ///
    /// # Errors
    /// When nothing, or nothing that is known and valid, was presented.
    pub fn identify<'s>(
        &self,
        snapshot: &'s Snapshot,
        presented: &Presented,
    ) -> Result<Identified<'s>, Unidentified> {
        let now = self.parts().clock.now();
        self.0.recogniser.identify(snapshot, presented, now)
    }

    /// Answers the head of a request.
    pub async fn arrive(&self, arrival: Arrival<'_>) -> Arrived {
        // Before the snapshot is loaded: the mark may be cleared, by a newer one, in between.
        let is_stale = self.parts().snapshots.is_stale();
        let mut case = Case::new(self, &arrival);
        if is_stale {
            let ground = Ground::new("state_stale", STALE);
            return Box::pin(case.refuse(ground, None)).await;
        }
        match self.place(&mut case, &arrival) {
            Ok(()) => case.decide(false).await,
            Err(ground) => Box::pin(case.stopped(ground)).await,
        }
    }

    /// Finds API, caller, operation, account and facts, as far as the head tells.
    fn place(&self, case: &mut Case, arrival: &Arrival<'_>) -> Result<(), Ground> {
        let snapshot = Arc::clone(&case.snapshot);
        let mounted = target::mounted(&snapshot, arrival.request, &case.path).ok_or_else(|| {
            Ground::new("no_such_api", "no API is served under this host and path")
        })?;
        let api = mounted.api;
        case.api = Some((api.symbol, mounted.path));
        let caller = self
            .0
            .recogniser
            .identify(&snapshot, arrival.presented, case.at);
        let caller = caller.map_err(|why| Ground::new(why.code(), why.to_string()))?;
        case.credential = Some(caller.credential.id());
        case.judge(arrival, (&snapshot, api.symbol), &caller);
        let path = case.api.as_ref().map(|(_, path)| path.clone());
        let method = case.method.as_str();
        let found = target::target(&snapshot, api, method, &path.unwrap_or_default());
        let target = found.map_err(no_operation)?;
        case.operation = Some(Arc::clone(target.operation));
        let head = Head {
            request: arrival.request,
            parameters: &target.parameters,
        };
        case.named = target::account_named(Some(target.operation), &head);
        case.header_account = target::by_header(arrival.request);
        case.find_account()?;
        if let Some(facts) = target.facts {
            case.facts = facts.read_head(&head);
        }
        Ok(())
    }

    /// Every capability as an app has it on each API it is subscribed to (P-54), in live mode.
    #[must_use]
    pub fn capabilities(
        &self,
        snapshot: &Snapshot,
        app: &App,
    ) -> Vec<(Symbol, Vec<CapabilityAnswer>)> {
        self.capabilities_in(snapshot, app, Mode::Live)
    }

    /// The same in one mode, with a key that is bound to nothing.
    #[must_use]
    pub fn capabilities_in(
        &self,
        snapshot: &Snapshot,
        app: &App,
        mode: Mode,
    ) -> Vec<(Symbol, Vec<CapabilityAnswer>)> {
        let nobody = CredentialId::from_u128(0);
        self.capabilities_with(snapshot, app, (nobody, mode, None))
    }

    /// Every capability as the caller has it on each API its app is subscribed to (P-54).
    #[must_use]
    pub fn capabilities_as(
        &self,
        snapshot: &Snapshot,
        caller: &Identified<'_>,
    ) -> Vec<(Symbol, Vec<CapabilityAnswer>)> {
        let key = (caller.credential.id(), caller.mode(), caller.permissions());
        self.capabilities_with(snapshot, caller.app, key)
    }

    fn capabilities_with(
        &self,
        snapshot: &Snapshot,
        app: &App,
        (credential, mode, permissions): (CredentialId, Mode, Option<&decision::Profile>),
    ) -> Vec<(Symbol, Vec<CapabilityAnswer>)> {
        let Some(developer) = snapshot.account(app.developer) else {
            return Vec::new();
        };
        let lower = self
            .parts()
            .habits
            .lower((app.id, mode), self.parts().clock.now());
        let lower = lower.and_then(|lower| lowered(snapshot.catalogue(), developer, lower.levels));
        let caller = Caller {
            credential,
            permissions,
            mode,
            app,
            developer: lower.as_ref().unwrap_or(developer),
            account: app.account.and_then(|id| snapshot.account(id)),
        };
        let (parts, calendar) = (self.parts(), self.calendar(snapshot));
        let evidence = Known {
            snapshot,
            counters: &parts.counters,
            calendar: &calendar,
            now: parts.clock.now(),
            likeness: Likeness::NotJudged,
        };
        let catalogue = snapshot.catalogue();
        app.subscriptions
            .iter()
            .filter_map(|symbol| {
                let api = catalogue.apis.get(symbol)?;
                let answers = decision::capabilities_of(catalogue, api, caller, &evidence);
                Some((symbol, answers))
            })
            .collect()
    }

    /// The decisions from now on, for a live list. A watcher that lags behind misses some.
    #[must_use]
    pub fn watch(&self) -> broadcast::Receiver<Arc<CallRecord>> {
        self.0.feed.subscribe()
    }

    /// Shows a decision to whoever watches; `record` is asked for only then.
    pub(crate) fn show(&self, record: impl FnOnce() -> CallRecord) {
        if self.0.feed.receiver_count() > 0 {
            let mut record = record();
            if let Some(words) = granted_in_words(&record) {
                record.answer = words.to_string();
            }
            // Sending fails only when the last watcher has just gone.
            let _ = self.0.feed.send(Arc::new(record));
        }
    }
}

fn no_operation(problem: NoOperation) -> Ground {
    match problem {
        NoOperation::Unknown => Ground::new(
            "operation_unknown",
            "the API's description has no operation with this method and path",
        ),
        NoOperation::OtherMethods(methods) => Ground {
            allow: methods,
            ..Ground::new(
                "method_not_supported",
                "the API's description has the path, but not with this method",
            )
        },
    }
}
