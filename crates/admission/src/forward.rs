//! A call that passes: written down, then let through.

use catalog::{Facts, UpstreamIdentity};
use decision::{Admission, Answer, Call, Grant};
use journal::{CallOutcome, Durability, Framed, JournalFailure};
use primitives::{Mode, Symbol};
use quota::{Demand, Reservation};

use crate::{
    Arrived, Context, Permit,
    case::Case,
    permit::Route,
    record,
    refusal::Ground,
    ticket::{Open, Ticket},
};

/// What is ready when a call is let through. Its permit is made once the journal has it; till
/// then it is known that nothing was sent.
pub(crate) struct Passing {
    pub(crate) entry: Result<Framed, JournalFailure>,
    pub(crate) durability: Durability,
    pub(crate) permit: Box<Permit>,
}

impl Case {
    /// What a granted call is let through with; `None` when there is nowhere to send it.
    pub(crate) fn passing<'a>(
        &'a self,
        call: &Call<'a>,
        (grant, facts): (&Grant<'a>, &Facts),
        reservation: Reservation,
    ) -> Option<Passing> {
        let Some(route) = self.route() else {
            self.admission.parts().counters.refund(reservation);
            return None;
        };
        let used = grant.capabilities.iter().map(|used| used.capability);
        let durability = self.durability(used, &grant.demands, &reservation);
        let taken = reservation.taken();
        let record = record::granted(self, call, (grant, facts), taken);
        let entry = Framed::admitted(&record);
        self.admission.show(|| record.into_owned());
        let limits = crate::limits::after(&grant.demands, taken, |limit| {
            record::limit_name(self.catalogue(), limit).cloned()
        });
        let context = tells_who_calls(&route).then(|| record::context_of(self, call, grant, taken));
        let mut permit = self.permit(route, context, reservation);
        permit.limits = limits;
        Some(Passing {
            entry,
            durability,
            permit,
        })
    }

    /// Lets a call pass that would have been stopped in enforce mode: `would` says by what.
    pub(crate) async fn admit(self: Box<Self>, answer: Option<Answer>, would: Ground) -> Arrived {
        let Some(route) = self.route() else {
            return self.pass(None).await;
        };
        let record = record::of(&self, answer.as_ref(), Some(&would));
        let entry = Framed::admitted(&record);
        self.admission.show(|| record);
        let context = tells_who_calls(&route)
            .then(|| record::context(&self, answer.as_ref()))
            .flatten();
        let mut permit = self.permit(route, context, Reservation::default());
        permit.would = would.code;
        let passing = Passing {
            entry,
            durability: Durability::Relaxed,
            permit,
        };
        self.pass(Some(passing)).await
    }

    fn permit(
        &self,
        route: Route,
        context: Option<Context>,
        reservation: Reservation,
    ) -> Box<Permit> {
        let open = Open {
            admission: self.admission.clone(),
            refund_server_errors: route.upstream.refund_server_errors,
            reservation,
            // Until the permit is handed out, nobody can have sent anything.
            otherwise: CallOutcome::NotSent,
            admitted: false,
        };
        Box::new(Permit {
            mode: self.view().and_then(|view| view.mode()),
            context,
            external_account: self.external_account(),
            limits: Vec::new(),
            would: "",
            ticket: Ticket::new(self.id, open),
            route,
        })
    }

    /// Admits the call in the journal and hands out the permit.
    pub(crate) async fn pass(self: Box<Self>, passing: Option<Passing>) -> Arrived {
        let Some(passing) = passing else {
            let ground = Ground::new(
                decision::codes::NO_UPSTREAM_FOR_MODE,
                "the API has no upstream to send the call to",
            );
            return Box::pin(self.refuse(ground, None)).await;
        };
        let Passing {
            entry,
            durability,
            mut permit,
        } = passing;
        if let Err(failure) = self.hand_over(entry, durability, &mut permit.ticket).await {
            return self.not_written(&failure);
        }
        permit.ticket.admit();
        Arrived::Permitted(permit)
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
fn tells_who_calls(route: &Route) -> bool {
    route.upstream.identity != UpstreamIdentity::None
}
