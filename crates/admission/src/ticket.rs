use journal::CallOutcome;
use primitives::RecordId;

/// What must be settled of a call, exactly once.
#[derive(Debug)]
pub(crate) struct Ticket {
    id: RecordId,
}

impl Ticket {
    pub(crate) fn id(&self) -> RecordId {
        self.id
    }

    pub(crate) fn settle(self, outcome: CallOutcome) {
        drop((self, outcome));
    }
}
