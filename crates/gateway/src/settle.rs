use std::sync::Arc;

use admission::Permit;
use journal::CallOutcome;
use primitives::{Clock, Timestamp};

use crate::body::Progress;

/// How far an admitted call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No byte has gone to the upstream.
    Waiting,
    /// Something may have.
    Sent,
    /// The upstream answered with this status.
    Answered(u16),
}

/// Settles a permit exactly once, when it is dropped: at the end of the answer, when the caller
/// hangs up, when the upstream fails, or when the process drains.
pub(crate) struct Settle {
    permit: Option<Box<Permit>>,
    stage: Stage,
    began: Timestamp,
    clock: Arc<dyn Clock>,
    /// How far the request's body was forwarded.
    pub(crate) progress: Progress,
    /// Bytes of the answer's body that were passed on.
    pub(crate) bytes_out: u64,
}

impl Settle {
    pub(crate) fn new(permit: Box<Permit>, clock: Arc<dyn Clock>) -> Self {
        Self {
            permit: Some(permit),
            stage: Stage::Waiting,
            began: clock.now(),
            clock,
            progress: Progress::default(),
            bytes_out: 0,
        }
    }

    /// The call is on its way.
    pub(crate) fn sent(&mut self) {
        self.stage = Stage::Sent;
    }

    /// It turns out that no connection to the upstream was made.
    pub(crate) fn not_sent(&mut self) {
        self.stage = Stage::Waiting;
    }

    /// The upstream answered.
    pub(crate) fn answered(&mut self, status: u16) {
        self.stage = Stage::Answered(status);
    }
}

impl Drop for Settle {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else {
            return;
        };
        let micros = self.clock.now().micros_since(self.began);
        permit.settle(match self.stage {
            Stage::Waiting => CallOutcome::NotSent,
            Stage::Sent => CallOutcome::Unknown,
            Stage::Answered(status) => CallOutcome::Served {
                status,
                bytes_in: self.progress.bytes(),
                bytes_out: self.bytes_out,
                micros: u64::try_from(micros).unwrap_or(0),
            },
        });
    }
}
