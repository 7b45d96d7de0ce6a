use std::collections::BTreeSet;

use catalog::{
    Api, Mount,
    openapi::{CallableOperation, Narrowing, narrow, reference},
};
use decision::CapabilityAnswer;
use primitives::{Name, Symbol};
use serde_json::{Map, Value};
use snapshot::Snapshot;
use state::{Document as _, document::Description};
use store::Kind;

use crate::{Authority, Unable};

/// Why there is no description of an API for an app.
#[derive(Debug, thiserror::Error)]
pub enum NotDescribed {
    /// The API is not there, or the app is not subscribed to it: both look alike.
    #[error("there is no API of that name")]
    Unknown,
    /// The description can no longer be read.
    #[error("the description cannot be read")]
    Unreadable,
    /// It could not be done.
    #[error(transparent)]
    Unable(#[from] Unable),
}

impl From<store::StoreFailure> for NotDescribed {
    fn from(failure: store::StoreFailure) -> Self {
        Self::Unable(failure.into())
    }
}

/// The description of an API as far as an app may call it, which `answers` tells: the operations
/// that a granted capability opens, and nothing of the rest (P-16).
///
/// # Errors
/// When there is none for the app, or it could not be done.
pub async fn own_description(
    at: &Authority,
    snapshot: &Snapshot,
    (given, answers): (&str, &[(Symbol, Vec<CapabilityAnswer>)]),
    schemes: Map<String, Value>,
) -> Result<Value, NotDescribed> {
    let (api, granted) = own_api(snapshot, given, answers).ok_or(NotDescribed::Unknown)?;
    let keys = callable(api, granted);
    let servers: Vec<String> = api.mounts.iter().map(server).collect();
    let called: Option<Name> = format!("{}@{}", api.name, api.version).parse().ok();
    let called = called.ok_or(NotDescribed::Unknown)?;
    let found = at.store.resource(Kind::Description, &called).await?;
    let body = found.ok_or(NotDescribed::Unknown)?.body;
    // Descriptions have up to 64 MiB.
    let narrowed = tokio::task::spawn_blocking(move || {
        let text = Description::from_body(&body).ok()?.text;
        let narrowing = Narrowing {
            keep: &|key| keys.contains(key),
            servers: &servers,
            schemes: &schemes,
        };
        narrow(&text, narrowing).ok()
    });
    let narrowed = narrowed.await.map_err(|_| NotDescribed::Unreadable)?;
    narrowed.ok_or(NotDescribed::Unreadable)
}

/// The operations of an API that an app may call, to be read by who wants to call them.
///
/// # Errors
/// As [`own_description`].
pub async fn own_reference(
    at: &Authority,
    snapshot: &Snapshot,
    of: (&str, &[(Symbol, Vec<CapabilityAnswer>)]),
) -> Result<Vec<CallableOperation>, NotDescribed> {
    let document = own_description(at, snapshot, of, Map::new()).await?;
    let read = tokio::task::spawn_blocking(move || reference(&document)).await;
    read.map_err(|_| NotDescribed::Unreadable)
}

/// The API that an app asks for, and what it may do there.
pub(crate) fn own_api<'s, 'a>(
    snapshot: &'s Snapshot,
    given: &str,
    answers: &'a [(Symbol, Vec<CapabilityAnswer>)],
) -> Option<(&'s Api, &'a [CapabilityAnswer])> {
    let symbol = snapshot.vocabulary().apis.get(given)?;
    let (_, granted) = answers.iter().find(|(api, _)| *api == symbol)?;
    let api = snapshot.catalogue().apis.get(symbol)?;
    Some((api, granted))
}

/// The operations that a granted capability opens; which of several is used may depend on the
/// call.
fn callable(api: &Api, granted: &[CapabilityAnswer]) -> BTreeSet<String> {
    let is_granted = |capability: Symbol| {
        let mut answers = granted.iter();
        answers.any(|answer| answer.granted && answer.capability == capability)
    };
    let open = api.operations.iter().filter(|operation| {
        let mut uses = operation.uses.iter();
        uses.any(|used| is_granted(used.capability))
    });
    open.map(|operation| format!("{} {}", operation.method, operation.template))
        .collect()
}

fn server(mount: &Mount) -> String {
    match mount {
        Mount::Host(host) => format!("https://{host}"),
        Mount::Path(path) => path.clone(),
    }
}
