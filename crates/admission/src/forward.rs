//! A call that passes: written down, then let through.

use catalog::{Facts, UpstreamIdentity};
use decision::{Admission, Answer, Call, Grant};
use journal::{CallOutcome, Durability, Framed, JournalFailure};
use primitives::{Mode, Symbol};
use quota::{Demand, Reservation};

use crate::{
    Arrived, Context, Permit, RateLimit,
    case::Case,
    permit::Route,
    record,
    refusal::Ground,
    ticket::{Open, Ticket},
};

/// What is ready when a call is let through.
pub(crate) struct Passing {
    pub(crate) entry: Result<Framed, JournalFailure>,
    /// `None` when the API has no upstream for the mode.
    pub(crate) route: Option<Route>,
    pub(crate) context: Option<Context>,
    pub(crate) limits: Vec<RateLimit>,
    pub(crate) durability: Durability,
    /// The code of what would have stopped it in enforce mode.
    pub(crate) would: &'static str,
}

impl Case {
    /// What a granted call is let through with.
    pub(crate) fn passing<'a>(
        &'a self,
        call: &Call<'a>,
        (grant, facts): (&Grant<'a>, &Facts),
        reservation: &Reservation,
    ) -> Passing {
        let used = grant.capabilities.iter().map(|used| used.capability);
        let durability = self.durability(used, &grant.demands, reservation);
        let taken = reservation.taken();
        let record = record::granted(self, call, (grant, facts), taken);
        let entry = Framed::admitted(&record);
        self.admission.show(|| record.into_owned());
        let route = self.route();
        let context = tells_who_calls(route.as_ref())
            .then(|| record::context_of(self, call, grant, taken));
        Passing {
            route,
            context,
            limits: crate::limits::after(&grant.demands, taken, |limit| {
                record::limit_name(self.catalogue(), limit).cloned()
            }),
            durability,
            would: "",
            entry,
        }
    }

    /// Lets a call pass that would have been stopped in enforce mode: `would` says by what.
    pub(crate) async fn admit(self: Box<Self>, answer: Option<Answer>, would: Ground) -> Arrived {
        let record = record::of(&self, answer.as_ref(), Some(&would));
        let entry = Framed::admitted(&record);
        self.admission.show(|| record);
        let route = self.route();
        let context = tells_who_calls(route.as_ref())
            .then(|| record::context(&self, answer.as_ref()))
            .flatten();
        let passing = Passing {
            entry,
            route,
            context,
            limits: Vec::new(),
            durability: Durability::Relaxed,
            would: would.code,
        };
        self.pass(passing, Reservation::default()).await
    }

    /// Admits the call in the journal and hands out the permit.
    pub(crate) async fn pass(
        self: Box<Self>,
        passing: Passing,
        reservation: Reservation,
    ) -> Arrived {
        let Passing {
            entry,
            route,
            context,
            limits,
            durability,
            would,
        } = passing;
        let Some(route) = route else {
            self.admission.parts().counters.refund(reservation);
            let ground = Ground::new(
                decision::codes::NO_UPSTREAM_FOR_MODE,
                "the API has no upstream to send the call to",
            );
            return Box::pin(self.refuse(ground, None)).await;
        };
        let mut ticket = Ticket::new(
            self.id,
            Open {
                admission: self.admission.clone(),
                refund_server_errors: route.upstream.refund_server_errors,
                reservation,
                // Until the permit exists, nobody can have sent anything.
                otherwise: CallOutcome::NotSent,
                admitted: false,
            },
        );
        if let Err(failure) = self.hand_over(entry, durability, &mut ticket).await {
            return self.not_written(&failure);
        }
        ticket.admit();
        Arrived::Permitted(Box::new(Permit {
            mode: self.view().and_then(|view| view.mode()),
            route,
            context,
            external_account: self.external_account(),
            limits,
            would,
            ticket,
        }))
    }

    async fn hand_over(
        &self,
        entry: Result<Framed, JournalFailure>,
        durability: Durability,
        ticket: &mut Ticket,
    ) -> Result<(), JournalFailure> {
        let receipt = self.admission.parts().journal.push(&entry?, durability)?;
        ticket.handed_over();
        receipt.written().await
    }

    /// A call that cannot be written down is not admitted.
    fn not_written(&self, failure: &JournalFailure) -> Arrived {
        tracing::error!(%failure, decision = %self.id, "a call could not be admitted");
        match failure {
            JournalFailure::Full => self.unavailable(Ground::new(
                "storage_full",
                "the provider's disk is full, and no call is let through that cannot be written down: try again later",
            )),
            _ => self.overloaded(),
        }
    }

    /// As the capabilities of the call say. Where they do not, a call that takes of a bounded
    /// counter must survive the loss of power: otherwise the counter would stand lower after a
    /// restart than what was let through.
    fn durability(
        &self,
        used: impl Iterator<Item = Symbol>,
        demands: &[Demand],
        reservation: &Reservation,
    ) -> Durability {
        let bounded = demands.iter().any(|demand| demand.most.is_some());
        let counts = bounded && !reservation.taken().is_empty();
        let otherwise = match self.admission.parts().counted {
            Durability::Strict if counts => Admission::Strict,
            Durability::Strict | Durability::Relaxed => Admission::Relaxed,
        };
        match self.catalogue().admission(used, otherwise) {
            Admission::Strict => Durability::Strict,
            Admission::Relaxed => Durability::Relaxed,
        }
    }

    fn route(&self) -> Option<Route> {
        let view = self.view()?;
        let (_, path) = self.api.as_ref()?;
        // An unidentified caller in observe mode is the provider's old traffic, which is real.
        let upstream = match view.mode() {
            Some(Mode::Test) => view.api.test.as_ref(),
            Some(Mode::Live) | None => view.api.live.as_ref(),
        };
        Some(Route {
            api: view.api.name.clone(),
            enforcement: view.api.enforcement,
            operation: self.operation.clone(),
            upstream: upstream?.clone(),
            credential: view.credential_of_account().cloned(),
            path: path.clone(),
        })
    }
}

/// Whether the upstream wants a signed context.
fn tells_who_calls(route: Option<&Route>) -> bool {
    route.is_some_and(|route| route.upstream.identity != UpstreamIdentity::None)
}
