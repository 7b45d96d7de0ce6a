//! One call on its way through: what is known of it so far, and what comes of it.

use std::{net::IpAddr, sync::Arc};

use catalog::{
    Api, Body, BodyField, BodyProblem, CompiledFacts, Facts, Operation, UpstreamCredential,
};
use decision::{
    Account, Answer, Call, Caller, Catalogue, Edit, Gate, Granting, Outcome, Places, Verdict,
};
use http::Method;
use journal::{Durability, Entry};
use primitives::{AccountId, CredentialId, Enforcement, Mode, RecordId, Symbol, Timestamp};
use quota::{Demand, Standing};
use request::CanonicalPath;
use snapshot::Snapshot;

use crate::{
    Admission, Arrival, Arrived, AwaitingBody, Identified, Refusal,
    evidence::Known,
    explain::{Audience, Names, explanation},
    forward::Passing,
    limits::window_of,
    record,
    refusal::{Ground, retry_after, standings},
    target::{self, AccountNamed},
    unusual::Found,
};

/// Everything known of one call. It owns what it needs, so that it can wait for a body.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) admission: Admission,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) id: RecordId,
    pub(crate) at: Timestamp,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) trace_id: String,
    pub(crate) address: IpAddr,
    /// The API, and the path below its mount.
    pub(crate) api: Option<(Symbol, CanonicalPath)>,
    pub(crate) operation: Option<Arc<Operation>>,
    pub(crate) credential: Option<CredentialId>,
    pub(crate) named: AccountNamed,
    /// What the header says, should the body name no account.
    pub(crate) header_account: AccountNamed,
    pub(crate) account: Option<AccountId>,
    pub(crate) facts: Facts,
    /// What is unusual about it.
    pub(crate) found: Found,
}

/// The same, looked up: references into the snapshot of the case.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) api: &'a Api,
    pub(crate) operation: Option<&'a Operation>,
    pub(crate) caller: Option<Identified<'a>>,
    pub(crate) account: Option<&'a Account>,
}

impl View<'_> {
    pub(crate) fn mode(&self) -> Option<Mode> {
        self.caller.map(|caller| caller.mode())
    }

    /// What the upstream wants for the account acted for, where that is not its own credential.
    pub(crate) fn credential_of_account(&self) -> Option<&UpstreamCredential> {
        let of_account = &self.account?.upstream_credentials;
        of_account.get(&self.api.name)?.of(self.mode()?)
    }
}

impl Case {
    /// Boxed, because it goes from step to step.
    pub(crate) fn new(admission: &Admission, arrival: &Arrival<'_>) -> Box<Self> {
        let parts = admission.parts();
        Box::new(Self {
            admission: admission.clone(),
            snapshot: parts.snapshots.load_full(),
            id: parts.journal.next_id(),
            at: parts.clock.now(),
            method: arrival.request.method.clone(),
            path: arrival.request.path.written().to_owned(),
            trace_id: arrival.trace_id.to_owned(),
            address: arrival.peer,
            api: None,
            operation: None,
            credential: None,
            named: AccountNamed::Nowhere,
            header_account: AccountNamed::Nowhere,
            account: None,
            facts: Facts::default(),
            found: Found::default(),
        })
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        self.snapshot.catalogue()
    }

    pub(crate) fn view(&self) -> Option<View<'_>> {
        let (api, _) = self.api.as_ref()?;
        let credential = self.credential.and_then(|id| self.snapshot.credential(id));
        Some(View {
            api: self.catalogue().apis.get(*api)?,
            operation: self.operation.as_deref(),
            caller: credential.and_then(|known| Identified::of(&self.snapshot, known)),
            account: self.account.and_then(|id| self.snapshot.account(id)),
        })
    }

    fn compiled_facts(&self) -> Option<&CompiledFacts> {
        let (api, _) = self.api.as_ref()?;
        let routes = self.snapshot.routes(*api)?;
        routes.facts(self.operation.as_ref()?.index)
    }

    /// Decides with what is known; `body_read` says that there is no more to come.
    ///
    /// A call that passes is only noted, not put into words: that is done when it is folded.
    pub(crate) async fn decide(mut self: Box<Self>, body_read: bool) -> Arrived {
        let (admission, snapshot) = (self.admission.clone(), Arc::clone(&self.snapshot));
        let operation = self.operation.clone();
        let facts = std::mem::take(&mut self.facts);
        let (lower, refused) = (self.found.developer.clone(), self.found.refused.clone());
        let Some(call) = self.call(&snapshot, operation.as_deref(), lower.as_deref()) else {
            return self.overloaded();
        };
        let (parts, calendar) = (admission.parts(), admission.calendar(&snapshot));
        let evidence = Known {
            snapshot: &snapshot,
            counters: &parts.counters,
            calendar: &calendar,
            now: self.at,
            likeness: Self::likeness(refused.as_deref(), self.found.manner.is_some()),
        };
        let account_in_body = !body_read && matches!(self.named, AccountNamed::InBody(_));
        let next = match decision::grant(snapshot.catalogue(), &call, &facts, &evidence) {
            Granting::Granted(grant) if !account_in_body => {
                match parts.counters.reserve(&grant.demands, self.at, &calendar) {
                    Ok(reservation) => {
                        Next::Pass(self.passing(&call, (&grant, &facts), reservation))
                    }
                    Err(exhausted) => {
                        let demand = grant.demands.get(exhausted.at);
                        Next::Explain(demand.map(|demand| (*demand, exhausted.standing)))
                    }
                }
            }
            Granting::NeedsBody(so_far) if !body_read && evidence.cover(&so_far.demands) => {
                Next::Wait
            }
            Granting::Granted(_) | Granting::NeedsBody(_) | Granting::Closed => Next::Explain(None),
        };
        let lost = match next {
            Next::Pass(passing) => return self.pass(passing).await,
            Next::Wait => {
                self.facts = facts;
                return Arrived::NeedsBody(AwaitingBody::new(self));
            }
            Next::Explain(lost) => lost,
        };
        let asked = (&call, &facts, &evidence);
        let answer = explained(snapshot.catalogue(), asked, lost, |answer| {
            match answer.verdict {
                Verdict::NeedsBody => !body_read,
                Verdict::Granted => account_in_body,
                Verdict::Refused => account_in_body && only_the_account_decides(answer),
            }
        });
        self.facts = facts;
        match answer.map(|answer| without_levels(answer, lower.is_some())) {
            // Apart, so that a call which passes takes no room for one that does not.
            Some(answer) => Box::pin(self.refused(answer)).await,
            None => Arrived::NeedsBody(AwaitingBody::new(self)),
        }
    }

    /// The call as decisions look at it; `None` when its caller or operation is not known.
    pub(crate) fn call<'s>(
        &self,
        snapshot: &'s Snapshot,
        operation: Option<&'s Operation>,
        lower: Option<&'s Account>,
    ) -> Option<Call<'s>> {
        let (api, _) = self.api.as_ref()?;
        let caller = Identified::of(snapshot, snapshot.credential(self.credential?)?)?;
        Some(Call {
            api: snapshot.catalogue().apis.get(*api)?,
            operation: operation?,
            caller: Caller {
                credential: caller.credential.id(),
                permissions: caller.permissions(),
                mode: caller.mode(),
                app: caller.app,
                developer: lower.unwrap_or(caller.developer),
                account: self.account.and_then(|id| snapshot.account(id)),
            },
            places: Places {
                address: Some(self.address),
                now: match &self.found.manner {
                    Some(manner) => manner.country,
                    None => self.admission.parts().places.country(self.address),
                },
            },
        })
    }

    /// Goes over to the newest snapshot: the key, and what the call asks for, as they are there.
    pub(crate) fn renew(&mut self) -> Result<(), Ground> {
        let parts = self.admission.parts();
        let newest = parts.snapshots.load_full();
        if Arc::ptr_eq(&newest, &self.snapshot) {
            return Ok(());
        }
        if let Some(id) = self.credential {
            let now = parts.clock.now();
            let known = Identified::again((&self.snapshot, &newest), id, now);
            known.map_err(|why| {
                self.credential = None;
                Ground::new(why.code(), why.to_string())
            })?;
        }
        let (Some((api, path)), Some(before)) = (&self.api, &self.operation) else {
            self.snapshot = newest;
            return Ok(());
        };
        let api = newest.catalogue().apis.get(*api);
        let found = api.map(|api| target::target(&newest, api, self.method.as_str(), path));
        let operation = match found {
            // What was taken from the head, or not, would be taken otherwise now.
            Some(Ok(found)) if found.operation.reads_as(before) => Arc::clone(found.operation),
            _ => {
                let why = "what the provider says of this operation changed while the body was on its way: send the call again";
                return Err(Ground::new("state_stale", why));
            }
        };
        self.operation = Some(operation);
        self.snapshot = newest;
        Ok(())
    }

    /// The answer so far, of a call whose body was not read.
    fn so_far(&self) -> Option<Answer> {
        let lower = self.found.developer.as_deref();
        let call = self.call(&self.snapshot, self.operation.as_deref(), lower)?;
        let calendar = self.admission.calendar(&self.snapshot);
        let evidence = Known {
            snapshot: &self.snapshot,
            counters: &self.admission.parts().counters,
            calendar: &calendar,
            now: self.at,
            likeness: Self::likeness(self.found.refused.as_deref(), self.found.manner.is_some()),
        };
        let catalogue = self.catalogue();
        Some(decision::assess(catalogue, &call, &self.facts, &evidence))
    }

    /// Takes the facts and the account out of the body, and decides.
    pub(crate) async fn with_body(
        mut self: Box<Self>,
        content_type: Option<&str>,
        bytes: &[u8],
    ) -> Arrived {
        if let Err(problem) = self.read_body(content_type, bytes) {
            let ground = Ground::new("malformed_request", problem.to_string());
            return if problem.is_malformed() {
                self.refuse(ground, None).await
            } else {
                self.without_body(ground).await
            };
        }
        match self.find_account() {
            Ok(()) => self.decide(true).await,
            Err(ground) => self.stopped(ground).await,
        }
    }

    /// What the head said stays known of a call whose body cannot be read.
    fn read_body(&mut self, content_type: Option<&str>, bytes: &[u8]) -> Result<(), BodyProblem> {
        let mut facts = std::mem::take(&mut self.facts);
        let read = self.read_into(&mut facts, content_type, bytes);
        self.facts = facts;
        read
    }

    fn read_into(
        &mut self,
        facts: &mut Facts,
        content_type: Option<&str>,
        bytes: &[u8],
    ) -> Result<(), BodyProblem> {
        let field = match &self.named {
            AccountNamed::InBody(field) => Some(field.clone()),
            _ => None,
        };
        let compiled = self.compiled_facts().filter(|facts| facts.wants_body());
        if compiled.is_some() || field.is_some() {
            let listed = self.operation.as_ref().map(|operation| operation.bodies);
            let body = Body::read_listed(listed.unwrap_or_default(), content_type, bytes)?;
            if let Some(compiled) = compiled {
                compiled.read_parsed(facts, &body)?;
            }
            if let Some(field) = field {
                self.named = match body.field(&field) {
                    BodyField::Text(text) => AccountNamed::ByParameter(text.to_owned()),
                    BodyField::Absent => self.header_account.clone(),
                    BodyField::Unusable(_) => AccountNamed::Ambiguous,
                };
            }
        }
        Ok(())
    }

    /// Goes on without a body that cannot be read.
    pub(crate) async fn without_body(mut self: Box<Self>, ground: Ground) -> Arrived {
        let so_far = self.so_far().filter(|_| self.observes());
        let Some(mut so_far) = so_far else {
            return self.refuse(ground, None).await;
        };
        if matches!(self.named, AccountNamed::InBody(_)) {
            // Whom the call acts for stands in the body: the app's own account would be a guess.
            self.account = None;
        }
        // What was not decided promises nothing to the upstream.
        so_far.verdict = Verdict::NeedsBody;
        so_far.demands.clear();
        for capability in &mut so_far.capabilities {
            capability.granted = false;
        }
        self.admit(Some(so_far), ground).await
    }

    /// Finds the account that the request names, or the app's.
    pub(crate) fn find_account(&mut self) -> Result<(), Ground> {
        let Some(view) = self.view() else {
            return Ok(());
        };
        let Some(caller) = view.caller else {
            return Ok(());
        };
        let found = target::account(&self.snapshot, view.api, &caller, &self.named);
        match found {
            Ok(account) => {
                self.account = account.map(|account| account.id);
                Ok(())
            }
            Err(target::NotVisible) => Err(Ground::new(
                decision::codes::ACCOUNT_UNKNOWN,
                "the call names an account that this app may not act for, or more than one: name one by its id or name",
            )),
        }
    }

    /// The call cannot be decided at all. In observe mode it passes all the same.
    pub(crate) async fn stopped(self: Box<Self>, ground: Ground) -> Arrived {
        if self.observes() {
            return self.admit(None, ground).await;
        }
        self.refuse(ground, None).await
    }

    async fn refused(self: Box<Self>, answer: Answer) -> Arrived {
        let ground = Ground::of(&answer);
        if self.observes() {
            return self.admit(Some(answer), ground).await;
        }
        self.refuse(ground, Some(answer)).await
    }

    fn observes(&self) -> bool {
        self.view()
            .is_some_and(|view| view.api.enforcement == Enforcement::Observe)
    }

    /// Writes the refusal down and tells it.
    pub(crate) async fn refuse(self: Box<Self>, ground: Ground, answer: Option<Answer>) -> Arrived {
        let status = ground.status();
        let mut record = record::of(&self, answer.as_ref(), Some(&ground));
        record.status = status;
        self.admission.show(|| record.clone());
        let entry = Entry::Refused(Box::new(record));
        let journal = &self.admission.parts().journal;
        if let Err(failure) = journal.append(&entry, Durability::Relaxed).await {
            // Nobody was let through, so refusing goes on without its record.
            tracing::error!(%failure, decision = %self.id, "a refusal could not be recorded");
        }
        Arrived::Refused(Box::new(self.refusal(ground, status, answer.as_ref())))
    }

    fn refusal(&self, ground: Ground, status: u16, answer: Option<&Answer>) -> Refusal {
        let mut more = serde_json::Map::new();
        let names = self.names();
        if let (Some(answer), Some(names)) = (answer, names)
            && let serde_json::Value::Object(told) = explanation(answer, names, Audience::App)
        {
            more = told;
            more.remove("verdict");
        }
        more.insert("decision_id".to_owned(), self.id.to_string().into());
        let calendar = self.admission.calendar(&self.snapshot);
        let known = |symbol| {
            let limit = self.catalogue().limits.get(symbol)?;
            let window = window_of(limit, self.at, &calendar);
            Some((limit.name.clone(), window))
        };
        Refusal {
            status,
            code: ground.code,
            detail: ground.detail,
            decision: self.id,
            mode: self.view().and_then(|view| view.mode()),
            more,
            limits: answer.map_or_else(Vec::new, |answer| standings(answer, known)),
            allow: ground.allow,
            retry_after: answer.and_then(|answer| retry_after(answer, self.at)),
        }
    }

    /// The names an explanation of this call may use; `None` for an unidentified caller.
    pub(crate) fn names(&self) -> Option<Names<'_>> {
        let caller = self.view()?.caller?;
        Some(Names {
            catalogue: self.catalogue(),
            app: caller.app,
            developer: caller.developer,
        })
    }

    /// Nothing can be admitted now. Nothing is recorded either: there is no journal to do it.
    pub(crate) fn overloaded(&self) -> Arrived {
        self.unavailable(Ground::new(
            "overloaded",
            "no call can be admitted now: try again later",
        ))
    }

    pub(crate) fn unavailable(&self, ground: Ground) -> Arrived {
        let status = ground.status();
        Arrived::Refused(Box::new(self.refusal(ground, status, None)))
    }
}

/// How a decision goes on.
enum Next {
    /// With nothing when there is nowhere to send it.
    Pass(Option<Passing>),
    Wait,
    /// A gate is closed, or the counter told.
    Explain(Option<(Demand, Standing)>),
}

/// The answer in words, unless the call waits for its body: `lost` is a counter that another call
/// took in the meantime.
fn explained(
    catalogue: &Catalogue,
    (call, facts, evidence): (&Call<'_>, &Facts, &Known<'_>),
    lost: Option<(Demand, Standing)>,
    waits: impl FnOnce(&Answer) -> bool,
) -> Option<Answer> {
    if let Some(lost) = lost {
        let lost = [lost];
        return Some(decision::refuse_exhausted(
            catalogue, call, facts, evidence, &lost,
        ));
    }
    let answer = decision::assess(catalogue, call, facts, evidence);
    let waits = waits(&answer);
    (!waits).then(|| decision::evaluate(catalogue, call, facts, evidence))
}

/// Of an app that stands lower for a time no level is the way in: only the end of that time.
fn without_levels(mut answer: Answer, is_lower: bool) -> Answer {
    let of_level = |edit: &Edit| matches!(edit, Edit::AssignLevel { .. });
    if is_lower && answer.edits.iter().flatten().any(of_level) {
        answer.edits = None;
    }
    answer
}

/// Whether every closed gate looks at the account acted for, which the body has yet to name.
fn only_the_account_decides(answer: &Answer) -> bool {
    let of_capabilities = answer.capabilities.iter().flat_map(|one| &one.gates);
    let mut all = answer.gates.iter().chain(of_capabilities);
    let of_account = Gate::Plan.turn();
    all.all(|gate| gate.outcome != Outcome::Refused || gate.gate.turn() >= of_account)
}
