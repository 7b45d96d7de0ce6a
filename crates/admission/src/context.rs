use primitives::{AccountId, AppId, Mode, Name, Quantity, RecordId};
use serde::Serialize;

/// What the upstream is told about a call (P-59): the claims of the signed context that do not
/// depend on the bytes forwarded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Context {
    /// The decision's id.
    pub decision: RecordId,
    /// The app.
    pub app: Named<AppId>,
    /// The developer's account.
    pub developer: Named<AccountId>,
    /// The account acted for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<ContextAccount>,
    /// Test or live.
    pub mode: Mode,
    /// Every capability used, with its limits.
    pub capabilities: Vec<ContextCapability>,
}

/// An id with the name beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named<I> {
    /// The id.
    pub id: I,
    /// The name.
    pub name: Name,
}

/// The account acted for, as we and as the upstream call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContextAccount {
    /// Our id.
    pub id: AccountId,
    /// Its name.
    pub name: Name,
    /// The upstream's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// A capability of the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContextCapability {
    /// Its name.
    pub name: Name,
    /// Whether it was granted; in observe mode it may not have been.
    pub granted: bool,
    /// Its limits.
    pub limits: Vec<ContextLimit>,
}

/// A limit of a capability of the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContextLimit {
    /// Its name.
    pub name: Name,
    /// The most; missing when unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<Quantity>,
    /// What remained before this call; missing for a limit that does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<Quantity>,
}
