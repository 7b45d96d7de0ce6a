use std::{fmt, str::FromStr};

use primitives::{AppId, CredentialId, EventId, Mode, Name, Revision, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{CredentialKind, Link};

/// The kinds of resources: everything a state file can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The installation's settings; one resource called `settings`.
    Settings,
    /// A declared property of accounts.
    Property,
    /// A ladder of levels.
    Ladder,
    /// A set of countries.
    Region,
    /// A Cedar policy.
    Policy,
    /// A permission profile.
    Profile,
    /// A capability.
    Capability,
    /// How the risk of developers is judged; named like its ladder.
    RiskModel,
    /// A limit.
    Limit,
    /// An allow or deny list.
    List,
    /// An account plan.
    Plan,
    /// An API description as its publisher wrote it, called `api@version`.
    Description,
    /// An API with its annotations.
    Api,
    /// A rule over how apps call.
    AnomalyRule,
    /// An account.
    Account,
    /// An app.
    App,
}

impl Kind {
    /// Every kind, in the order in which state is written: a kind refers only to earlier ones
    /// (lists name accounts and apps; they are checked against the whole).
    pub const ALL: [Self; 16] = [
        Self::Settings,
        Self::Property,
        Self::Ladder,
        Self::Region,
        Self::Policy,
        Self::Profile,
        Self::Capability,
        Self::RiskModel,
        Self::Limit,
        Self::List,
        Self::Plan,
        Self::Description,
        Self::Api,
        Self::AnomalyRule,
        Self::Account,
        Self::App,
    ];

    /// The word in paths, documents and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Property => "property",
            Self::Ladder => "ladder",
            Self::Region => "region",
            Self::Policy => "policy",
            Self::Profile => "profile",
            Self::Capability => "capability",
            Self::RiskModel => "risk_model",
            Self::Limit => "limit",
            Self::List => "list",
            Self::Plan => "plan",
            Self::Description => "description",
            Self::Api => "api",
            Self::AnomalyRule => "anomaly_rule",
            Self::Account => "account",
            Self::App => "app",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not the word of a kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of resource")]
pub struct NotAKind(pub String);

impl FromStr for Kind {
    type Err = NotAKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| NotAKind(text.to_owned()))
    }
}

/// A resource as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its kind.
    pub kind: Kind,
    /// Its name, unique within the kind.
    pub name: Name,
    /// The number behind its id (an account's or app's); 0 for kinds without ids.
    pub id: u128,
    /// The revision that last changed it; its `ETag`.
    pub version: Revision,
    /// Its document as canonical JSON (of the state document's entry, without the name).
    pub body: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A credential of an app. The secret itself is never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Public id: the user name.
    pub id: CredentialId,
    /// An id from before the move here, accepted as user name as well.
    pub external_id: Option<String>,
    /// The app.
    pub app: AppId,
    /// The app's name.
    pub app_name: Name,
    /// Its mode.
    pub mode: Mode,
    /// Keyed hash of the secret, or the imported hash, with the scheme in front (`keys` reads it).
    pub hash: String,
    /// The last characters of the secret, for people to tell keys apart.
    pub hint: String,
    /// Name of a permission profile it is bound to.
    pub permissions: Option<Name>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// How it is shown.
    pub kind: CredentialKind,
    /// Hash of the third token, with the scheme in front.
    pub signature: Option<String>,
    /// SHA-256 of the certificate that is shown with it, or instead of it.
    pub certificate: Option<[u8; 32]>,
}

/// What happened to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventAction {
    /// It is new.
    Created,
    /// It changed.
    Updated,
    /// It is gone.
    Deleted,
}

impl EventAction {
    const ALL: [Self; 3] = [Self::Created, Self::Updated, Self::Deleted];

    /// The word in paths, documents and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

impl fmt::Display for EventAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not the word of an action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not `created`, `updated` or `deleted`")]
pub struct NotAnAction(pub String);

impl FromStr for EventAction {
    type Err = NotAnAction;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|action| action.as_str() == text)
            .ok_or_else(|| NotAnAction(text.to_owned()))
    }
}

/// One entry of the append-only event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The revision whose commit made it; events of one commit share it.
    pub revision: Revision,
    /// Position within the commit, from 0.
    pub position: u32,
    /// When.
    pub at: Timestamp,
    /// Who, in words (`operator`, `state file`, `key rotation` …).
    pub actor: String,
    /// What happened.
    pub action: EventAction,
    /// To what: a [`Kind`] word, or `credential`.
    pub kind: String,
    /// Its name; of a credential its id.
    pub name: String,
    /// JSON: the document after the change, or what is worth telling (never a secret).
    pub detail: String,
    /// Its link in the chain; none for an event from before there was one.
    pub link: Option<Link>,
}

impl Event {
    /// Where it stands.
    #[must_use]
    pub const fn place(&self) -> EventPlace {
        EventPlace {
            revision: self.revision,
            position: self.position,
        }
    }
}

/// A place in the event log, to go on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPlace {
    /// The revision of the commit.
    pub revision: Revision,
    /// The position within it.
    pub position: u32,
}

impl fmt::Display for EventPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.revision.0, self.position)
    }
}

/// The text is not a place in the event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is not a place in the event log")]
pub struct NotAPlace;

impl FromStr for EventPlace {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let (revision, position) = text.split_once('.').ok_or(NotAPlace)?;
        Ok(Self {
            revision: Revision(revision.parse().map_err(|_| NotAPlace)?),
            position: position.parse().map_err(|_| NotAPlace)?,
        })
    }
}
