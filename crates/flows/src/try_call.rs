//! Trying an operation out: a call of a developer's app, in test mode, through the gate.

use std::{net::IpAddr, time::Duration};

use admission::Admission;
use async_trait::async_trait;
use catalog::{
    ParameterPlace,
    openapi::{CallableOperation, FilledCall, Unfilled, fill},
};
use primitives::{AccountId, CredentialId, Mode, Name, RecordId, Secret};
use snapshot::Loader;
use store::{CallIndexRow, Credential, CredentialKind};

use crate::{
    Authority, IssuedKey, KeyRefused, KeyWanted, NotDescribed, Unable, issue_key, own_app,
    own_description::own_api, own_reference,
};

/// A key that is made for trying works for so long.
pub const TRY_KEY_SECONDS: i64 = 3_600;
/// So many such keys of an app work at once.
pub const MOST_TRY_KEYS: usize = 10;
/// The longest body that is sent, in bytes.
pub const MOST_TRIED_BODY: usize = 32 * 1024;

/// How often the record of a call is looked for, and how long is waited in between: a call is
/// settled within a second or two.
const LOOKS: usize = 30;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// A call to be made through the gate. It has no address: the gate is the only place it can go.
#[derive(Debug)]
pub struct GateCall {
    /// Whose it is, so that one developer does not take everybody's room.
    pub developer: AccountId,
    /// Where the developer is, who has the call made.
    pub from: IpAddr,
    /// Key and secret.
    pub key: (CredentialId, Secret),
    /// What is asked.
    pub filled: FilledCall,
}

/// What the gate answered.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct GateAnswer {
    /// The status.
    pub status: u16,
    /// Headers as they came; what is no text is shown as well as it can be.
    pub headers: Vec<(String, String)>,
    /// The beginning of the body.
    pub body: Vec<u8>,
    /// Whether there was more of it.
    pub cut: bool,
    /// The decision, when the gate made one.
    pub decision: Option<RecordId>,
    /// The trace that the call belongs to.
    pub trace: String,
}

/// Why the gate gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// Too many calls are being tried.
    #[error("too many calls are being tried just now; try again when they have ended")]
    Busy,
    /// It took too long.
    #[error("the answer took longer than 30 seconds")]
    TooLong,
    /// It cannot be sent, or the connection ended.
    #[error("the call could not be made: {0}")]
    Broken(String),
}

/// The way to the gate.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Makes the call as a caller would, within a time of its own, and takes a bounded part of
    /// the answer.
    async fn call(&self, call: GateCall) -> Result<GateAnswer, NoAnswer>;
}

/// The key to try with.
#[derive(Debug)]
pub enum TryKey {
    /// One that is made for it, and ends within an hour.
    Made,
    /// One of the app's test keys; its secret is not kept, so whoever tries must have it.
    Own(CredentialId, Secret),
}

/// What is to be tried.
#[derive(Debug)]
pub struct Trial<'a> {
    /// The app.
    pub app: &'a str,
    /// The API.
    pub api: &'a str,
    /// The operation: `METHOD /template`.
    pub operation: &'a str,
    /// Values of its fields.
    pub values: &'a [(ParameterPlace, String, String)],
    /// Media type and text of its body.
    pub body: Option<(&'a str, &'a str)>,
    /// The key.
    pub key: TryKey,
    /// Where whoever tries is.
    pub from: IpAddr,
}

/// What came of it.
#[derive(Debug)]
pub struct TrialOutcome {
    /// What was asked: method, path and query.
    pub asked: String,
    /// The answer.
    pub answer: GateAnswer,
    /// The key that was used, with its secret, so that it may be used again.
    pub key: (CredentialId, Secret),
    /// The call's record, if it was there within a few seconds.
    pub call: Option<CallIndexRow>,
}

/// Why a call was not tried.
#[derive(Debug, thiserror::Error)]
pub enum NotTried {
    /// No such app, API or operation for this developer.
    #[error("there is no such operation that the app may call")]
    Unknown,
    /// The key is not a working test key of the app.
    #[error("that is no working test key of the app; calls are tried in test mode only")]
    Key,
    /// Too many keys were made for trying.
    #[error(
        "{MOST_TRY_KEYS} keys that end within the hour work already; use one of them, or revoke one"
    )]
    TooManyKeys,
    /// The body is too long.
    #[error("a body that is tried has at most {MOST_TRIED_BODY} bytes")]
    TooLong,
    /// A field is wrong.
    #[error(transparent)]
    Unfilled(#[from] Unfilled),
    /// The gate gave no answer.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// It could not be done.
    #[error(transparent)]
    Unable(#[from] Unable),
}

impl From<store::StoreFailure> for NotTried {
    fn from(failure: store::StoreFailure) -> Self {
        Self::Unable(failure.into())
    }
}

impl From<NotDescribed> for NotTried {
    fn from(why: NotDescribed) -> Self {
        match why {
            NotDescribed::Unable(failure) => Self::Unable(failure),
            NotDescribed::Unknown | NotDescribed::Unreadable => Self::Unknown,
        }
    }
}

impl From<KeyRefused> for NotTried {
    fn from(why: KeyRefused) -> Self {
        match why {
            KeyRefused::Unable(failure) => Self::Unable(failure),
            _ => Self::Unknown,
        }
    }
}

/// What trying works with.
#[derive(Clone, Copy)]
pub struct TryDesk<'a> {
    /// Where keys are made.
    pub at: &'a Authority,
    /// What puts them in force.
    pub loader: &'a Loader,
    /// What says which operations the app may call.
    pub admission: &'a Admission,
    /// The way to the gate.
    pub gate: &'a dyn Gate,
}

impl std::fmt::Debug for TryDesk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TryDesk")
    }
}

/// Calls an operation of the developer's own app in test mode, through the gate, and waits for the
/// decision's record.
///
/// # Errors
/// When there is no such operation for the developer, the key is not a test key of the app, a
/// field is wrong, or the gate does not answer.
pub async fn try_call(
    desk: TryDesk<'_>,
    (actor, developer): (&str, AccountId),
    trial: Trial<'_>,
) -> Result<TrialOutcome, NotTried> {
    let snapshot = desk.loader.handle().load_full();
    let app = own_app(&snapshot, developer, trial.app).ok_or(NotTried::Unknown)?;
    let answers = desk.admission.capabilities_in(&snapshot, app, Mode::Test);
    let all = own_reference(desk.at, &snapshot, (trial.api, &answers)).await?;
    let operation = all.iter().find(|one| one.key == trial.operation);
    let operation = operation.ok_or(NotTried::Unknown)?;
    let (api, _) = own_api(&snapshot, trial.api, &answers).ok_or(NotTried::Unknown)?;
    let mount = api.mounts.first().ok_or(NotTried::Unknown)?;
    let filled = filled(operation, mount, &trial)?;
    let key = key(&desk, (actor, &app.name), trial.key).await?;
    let asked = format!("{} {}", filled.method, filled.target);
    let call = GateCall {
        developer,
        from: trial.from,
        key: (key.0, key.1.clone()),
        filled,
    };
    let answer = desk.gate.call(call).await?;
    let call = match answer.decision {
        Some(decision) => settled(desk.at, decision).await?,
        None => None,
    };
    Ok(TrialOutcome {
        asked,
        answer,
        key,
        // Of a caller who was not recognised there is no app; the call was this one all the same.
        call: call.filter(|call| call.app.is_none_or(|of| of == app.id)),
    })
}

fn filled(
    operation: &CallableOperation,
    mount: &catalog::Mount,
    trial: &Trial<'_>,
) -> Result<FilledCall, NotTried> {
    if trial
        .body
        .is_some_and(|(_, text)| text.len() > MOST_TRIED_BODY)
    {
        return Err(NotTried::TooLong);
    }
    let value = |place: ParameterPlace, name: &str| {
        let mut given = trial.values.iter();
        let found = given.find(|(at, called, _)| *at == place && called == name);
        found.map(|(_, _, value)| value.clone())
    };
    Ok(fill(operation, mount, &value, trial.body)?)
}

async fn key(
    desk: &TryDesk<'_>,
    (actor, app): (&str, &Name),
    wanted: TryKey,
) -> Result<(CredentialId, Secret), NotTried> {
    let now = desk.at.clock.now();
    let known = desk.at.store.credentials_of(app).await?;
    let works = |one: &&Credential| {
        let ended = one.expires_at.is_some_and(|end| end <= now);
        one.mode == Mode::Test && one.revoked_at.is_none() && !ended
    };
    let mut working = known.iter().filter(works);
    match wanted {
        TryKey::Own(id, secret) => {
            let is_own = working.any(|one| one.id == id && one.kind == CredentialKind::Key);
            is_own.then_some((id, secret)).ok_or(NotTried::Key)
        }
        TryKey::Made => {
            let end = now.plus_seconds(TRY_KEY_SECONDS);
            let short = working.filter(|one| one.expires_at.is_some_and(|ends| ends <= end));
            if short.count() >= MOST_TRY_KEYS {
                return Err(NotTried::TooManyKeys);
            }
            let wanted = KeyWanted {
                app: app.clone(),
                mode: Mode::Test,
                permissions: None,
                expires_at: Some(end),
                kind: CredentialKind::Key,
                certificate: None,
            };
            let IssuedKey {
                credential, secret, ..
            } = issue_key(desk.at, actor, &wanted, &|_| Ok(None)).await?;
            desk.loader.refresh().await?;
            Ok((credential.id, secret.ok_or(NotTried::Key)?))
        }
    }
}

async fn settled(at: &Authority, decision: RecordId) -> Result<Option<CallIndexRow>, Unable> {
    for _ in 0..LOOKS {
        let found = at.store.call(decision).await?;
        if found.is_some() {
            return Ok(found);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Ok(None)
}
