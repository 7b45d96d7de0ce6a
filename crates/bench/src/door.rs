use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::Arc,
};

use admission::{Admission, Arrival, Arrived, Parts, Presented};
use http::{HeaderMap, Method, Uri};
use journal::{CallOutcome, Durability, Journal, Options};
use keys::InstallationKeys;
use primitives::{Clock, CredentialId, ManualClock, SeededEntropy, Timestamp};
use request::CanonicalRequest;
use snapshot::{GeoHandle, SnapshotHandle};

use crate::{Kind, Provider, Unmade};

const BODY: &[u8] = br#"{"amount":"12.00"}"#;

/// Everything between a request that was read and one that may be forwarded: the whole of
/// admission, with a journal on a disk.
#[derive(Debug)]
pub struct Door {
    admission: Admission,
    keys: Vec<Presented>,
}

/// A request, read and waiting at the door.
#[derive(Debug)]
pub struct Waiting(CanonicalRequest);

impl Waiting {
    /// A call of the operation of this kind.
    ///
    /// # Errors
    /// When the request has no single reading.
    pub fn new(kind: Kind) -> Result<Self, Unmade> {
        let target = match kind {
            Kind::Plain => "/pay/plain",
            Kind::Judged => "/pay/judged",
        };
        let mut headers = HeaderMap::new();
        headers.insert("host", http::HeaderValue::from_static("api.example.com"));
        let read = CanonicalRequest::read(&Method::POST, &Uri::from_static(target), headers);
        Ok(Self(
            read.map_err(|problem| Unmade::Door(problem.to_string()))?,
        ))
    }
}

impl Door {
    /// A door to the apps of `provider`, each with a key; the journal is kept under `directory`.
    ///
    /// # Errors
    /// When keys or journal cannot be made.
    pub fn open(provider: Provider, directory: &Path, now: Timestamp) -> Result<Self, Unmade> {
        let failed = |problem: &dyn std::fmt::Display| Unmade::Door(problem.to_string());
        let mut provider = provider;
        let entropy = SeededEntropy::new(5);
        let installation = InstallationKeys::generate(&entropy).map_err(|why| failed(&why))?;
        let hashing = installation.hashing_key();
        let issued = provider.issue_keys(&hashing, &entropy)?;
        let present = |(id, password): (CredentialId, _)| Presented::Basic {
            user: id.to_string(),
            password,
            certificate: None,
        };
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(now));
        let journal = Journal::open(directory, Arc::clone(&clock), Options::default());
        let parts = Parts {
            snapshots: Arc::new(SnapshotHandle::new(provider.snapshot)),
            counters: Arc::new(provider.counters),
            journal: Arc::new(journal.map_err(|why| failed(&why))?),
            habits: Arc::default(),
            places: Arc::new(GeoHandle::default()),
            clock,
            counted: Durability::Relaxed,
        };
        Ok(Self {
            admission: Admission::new(parts, hashing),
            keys: issued.into_iter().map(present).collect(),
        })
    }

    /// Lets the call of an app in and settles it.
    ///
    /// # Errors
    /// The code of the refusal, when it is not admitted.
    pub async fn call(&self, app: usize, waiting: &Waiting) -> Result<(), &'static str> {
        let presented = self.keys.get(app).ok_or("no such app")?;
        let arrived = self.admission.arrive(Arrival {
            request: &waiting.0,
            peer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            trace_id: "0af7651916cd43dd8448eb211c80319c",
            presented,
        });
        let arrived = match arrived.await {
            Arrived::NeedsBody(waiting) => waiting.with_body(Some("application/json"), BODY).await,
            arrived => arrived,
        };
        let permit = match arrived {
            Arrived::Permitted(permit) => permit,
            Arrived::Refused(refusal) => return Err(refusal.code),
            Arrived::NeedsBody(_) => return Err("a body is asked for twice"),
        };
        permit.settle(CallOutcome::Served {
            status: 200,
            bytes_in: 0,
            bytes_out: 0,
            micros: 100,
        });
        Ok(())
    }
}
