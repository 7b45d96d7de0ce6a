use primitives::{Mode, Quantity, RecordId};
use serde::Deserialize;

/// What was decided about a call, and for whom.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Context {
    /// The decision, also the call record's id.
    pub decision: RecordId,
    /// The app that calls.
    pub app: Named,
    /// The developer's account.
    pub developer: Named,
    /// The account acted for.
    #[serde(default)]
    pub account: Option<Account>,
    /// Test or live.
    pub mode: Mode,
    /// Every capability the call uses.
    pub capabilities: Vec<Capability>,
}

/// An id with the name beside it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Named {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
}

/// The account acted for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Portreeve's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Your own id of it.
    #[serde(default)]
    pub external_id: Option<String>,
}

/// A capability of the call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Capability {
    /// Its name.
    pub name: String,
    /// Whether it was granted. In observe mode a call arrives although it was not.
    pub granted: bool,
    /// Its limits.
    #[serde(default)]
    pub limits: Vec<Limit>,
}

/// A limit of a capability.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Limit {
    /// Its name.
    pub name: String,
    /// The most; `None` is unlimited.
    #[serde(default)]
    pub most: Option<Quantity>,
    /// What remained before this call; `None` for a limit that does not count.
    #[serde(default)]
    pub remaining: Option<Quantity>,
}

/// The call does not have the capability.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call was not granted the capability `{0}`")]
pub struct NotGranted(pub String);

impl Context {
    /// The granted capability called `name`, for code that needs it to go on.
    ///
    /// # Errors
    /// When the call does not use it, or was not granted it.
    pub fn require(&self, name: &str) -> Result<&Capability, NotGranted> {
        self.capabilities
            .iter()
            .find(|capability| capability.name == name && capability.granted)
            .ok_or_else(|| NotGranted(name.to_owned()))
    }
}

impl Capability {
    /// Whether `value` is within the limit called `name`; a limit that is not there bounds
    /// nothing.
    #[must_use]
    pub fn allows(&self, name: &str, value: Quantity) -> bool {
        self.limits
            .iter()
            .filter(|limit| limit.name == name)
            .all(|limit| limit.most.is_none_or(|most| value <= most))
    }
}
