use std::{net::IpAddr, sync::Arc};

use primitives::{Clock, Country, RecordId};
use quota::{Calendar, Counters};
use snapshot::{GeoHandle, SnapshotHandle};

use crate::{Arrival, Permit, Refusal};

/// What admission works with.
#[derive(Clone)]
pub struct Parts {
    /// The newest snapshot.
    pub snapshots: Arc<SnapshotHandle>,
    /// Every counter.
    pub counters: Arc<Counters>,
    /// Days, weeks and months of the provider's time zone.
    pub calendar: Arc<Calendar>,
    /// Where addresses are.
    pub places: Arc<GeoHandle>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parts")
    }
}

/// The hot use-case. One for a process, shared by all doors.
#[derive(Debug)]
pub struct Admission {
    parts: Parts,
}

/// What a request's head comes to.
#[derive(Debug)]
pub enum Arrived {
    /// It is refused; nothing was counted.
    Refused(Box<Refusal>),
    /// Nothing stands against it so far, and the answer depends on its body.
    NeedsBody(Box<AwaitingBody>),
    /// It may be forwarded, once.
    Permitted(Box<Permit>),
}

/// A call whose body must be read to decide it.
#[derive(Debug)]
pub struct AwaitingBody {
    permit: Result<Box<Permit>, Box<Refusal>>,
}

impl AwaitingBody {
    /// Decides with the body. Never answers [`Arrived::NeedsBody`].
    pub async fn with_body(self, content_type: Option<&str>, body: &[u8]) -> Arrived {
        let _ = (content_type, body);
        match self.permit {
            Ok(permit) => Arrived::Permitted(permit),
            Err(refusal) => Arrived::Refused(refusal),
        }
    }
}

impl Admission {
    /// Admission over `parts`.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { parts }
    }

    /// Answers the head of a request.
    pub async fn arrive(&self, arrival: Arrival<'_>) -> Arrived {
        let _ = self.country(arrival.peer);
        Arrived::Refused(Box::new(Refusal {
            status: 404,
            code: "no_such_api",
            decision: RecordId {
                epoch: 0,
                sequence: 0,
            },
            answer: None,
            problem: serde_json::json!({ "status": 404, "code": "no_such_api" }),
            limits: Vec::new(),
            allow: Vec::new(),
            retry_after: None,
        }))
    }

    fn country(&self, address: IpAddr) -> Option<Country> {
        self.parts.places.country(address)
    }
}
