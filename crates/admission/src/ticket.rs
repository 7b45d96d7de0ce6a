use journal::{CallOutcome, Entry, Settlement};
use primitives::RecordId;
use quota::Reservation;

use crate::Admission;

/// What must be settled of a call, exactly once.
#[derive(Debug)]
pub(crate) struct Ticket {
    id: RecordId,
    open: Option<Open>,
}

/// What settling needs.
pub(crate) struct Open {
    pub(crate) admission: Admission,
    pub(crate) reservation: Reservation,
    /// Whether a 5xx answer gives the counters back.
    pub(crate) refund_server_errors: bool,
    /// What to settle as when nobody does.
    pub(crate) otherwise: CallOutcome,
    /// Whether the journal has the call; if not, there is nothing to settle there.
    pub(crate) admitted: bool,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Open({} taken)", self.reservation.taken().len())
    }
}

impl Ticket {
    /// A ticket for a call that is about to be admitted. Until [`Self::admit`] it is known not
    /// to have been sent.
    pub(crate) fn new(id: RecordId, open: Open) -> Self {
        Self {
            id,
            open: Some(open),
        }
    }

    pub(crate) fn id(&self) -> RecordId {
        self.id
    }

    /// The journal has been handed the call: from now on it must be settled there.
    pub(crate) fn handed_over(&mut self) {
        if let Some(open) = &mut self.open {
            open.admitted = true;
        }
    }

    /// The call may be forwarded: from now on nobody knows whether it ran.
    pub(crate) fn admit(&mut self) {
        if let Some(open) = &mut self.open {
            open.otherwise = CallOutcome::Unknown;
        }
    }

    pub(crate) fn settle(mut self, outcome: CallOutcome) {
        if let Some(open) = self.open.take() {
            open.settle(self.id, outcome);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            let outcome = open.otherwise;
            open.settle(self.id, outcome);
        }
    }
}

impl Open {
    fn settle(self, id: RecordId, outcome: CallOutcome) {
        let refunded = match outcome {
            CallOutcome::NotSent => true,
            CallOutcome::Served { status, .. } => self.refund_server_errors && status >= 500,
            CallOutcome::Unknown => false,
        };
        let parts = self.admission.parts();
        if self.admitted {
            let at = parts.clock.now();
            let settled = Entry::Settled(Settlement {
                id,
                at,
                outcome,
                refunded,
            });
            if let Err(failure) = parts.journal.append_now(&settled) {
                // The next run settles it as unknown: the counters must not say otherwise.
                tracing::error!(%failure, decision = %id, "a call could not be settled");
                return;
            }
        }
        if refunded {
            parts.counters.refund(self.reservation);
        }
    }
}
