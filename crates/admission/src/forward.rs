//! A call that passes: written down, then let through.

use std::sync::Arc;

use decision::{Admission, Answer};
use journal::{CallOutcome, Durability, Entry, JournalFailure};
use primitives::Mode;
use quota::Reservation;

use crate::{
    Arrived, Permit,
    case::Case,
    permit::Route,
    record,
    refusal::Ground,
    ticket::{Open, Ticket},
};

impl Case {
    /// Admits the call in the journal and hands out the permit. `would` is what would have
    /// stopped it in enforce mode.
    pub(crate) async fn admit(
        self,
        answer: Option<Answer>,
        reservation: Reservation,
        would: Option<Ground>,
    ) -> Arrived {
        let parts = self.admission.parts();
        let route = self.route();
        let mut ticket = Ticket::new(
            self.id,
            Open {
                journal: Arc::clone(&parts.journal),
                counters: Arc::clone(&parts.counters),
                clock: Arc::clone(&parts.clock),
                refund_server_errors: route
                    .as_ref()
                    .is_some_and(|route| route.upstream.refund_server_errors),
                reservation,
                // Until the permit exists, nobody can have sent anything.
                otherwise: CallOutcome::NotSent,
                admitted: false,
            },
        );
        let Some(route) = route else {
            drop(ticket);
            let ground = Ground::new(
                decision::codes::NO_UPSTREAM_FOR_MODE,
                "the API has no upstream to send the call to",
            );
            return self.refuse(ground, answer).await;
        };
        let mut record = record::of(&self, answer.as_ref(), would.as_ref());
        record.counters = ticket.taken().iter().map(record::write_spend).collect();
        self.admission.show(&record);
        let durability = self.durability(&ticket, answer.as_ref());
        let entry = Entry::Admitted(Box::new(record));
        if let Err(failure) = self.hand_over(&entry, durability, &mut ticket).await {
            tracing::error!(%failure, decision = %self.id, "a call could not be admitted");
            return self.overloaded();
        }
        ticket.admit();
        let mut permit = self.permit(route, answer.as_ref(), ticket);
        permit.would = would.map_or("", |would| would.code);
        Arrived::Permitted(Box::new(permit))
    }

    async fn hand_over(
        &self,
        entry: &Entry,
        durability: Durability,
        ticket: &mut Ticket,
    ) -> Result<(), JournalFailure> {
        let receipt = {
            let room = self.admission.parts().journal.room().await?;
            room.push(entry, durability)?
        };
        ticket.handed_over();
        receipt.written().await
    }

    /// As the capabilities of the call say. Where they do not, a call that takes of a bounded
    /// counter must survive the loss of power: otherwise the counter would stand lower after a
    /// restart than what was let through.
    fn durability(&self, ticket: &Ticket, answer: Option<&Answer>) -> Durability {
        let Some(answer) = answer else {
            return Durability::Relaxed;
        };
        let bounded = answer.demands.iter().any(|demand| demand.most.is_some());
        let counts = bounded && !ticket.taken().is_empty();
        let otherwise = match self.admission.parts().counted {
            Durability::Strict if counts => Admission::Strict,
            Durability::Strict | Durability::Relaxed => Admission::Relaxed,
        };
        let used = answer.capabilities.iter().map(|used| used.capability);
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

    fn permit(&self, route: Route, answer: Option<&Answer>, ticket: Ticket) -> Permit {
        let vocabulary = &self.catalogue().vocabulary;
        let demands = answer.map_or(&[][..], |answer| &answer.demands);
        Permit {
            route,
            context: record::context(self, answer),
            external_account: self.external_account(),
            limits: crate::limits::after(demands, ticket.taken(), |limit| {
                vocabulary.limits.name(limit).to_string()
            }),
            would: "",
            ticket,
        }
    }
}
