use std::{sync::Arc, time::Duration};

use primitives::{Enforcement, Mode, Name, Symbol};

use crate::{AccountParameter, CapabilityUse, FactTable, ReadableBodies};

/// One API of the provider, in one version.
#[derive(Clone, Debug)]
pub struct Api {
    /// Its symbol; apps subscribe to it.
    pub symbol: Symbol,
    /// Its stable name.
    pub name: Name,
    /// The version of its description.
    pub version: String,
    /// Whether calls are taken at all (P-35).
    pub active: bool,
    /// Whether decisions bind.
    pub enforcement: Enforcement,
    /// The ladder whose levels count here.
    pub ladder: Symbol,
    /// Where it is reached on the public listener.
    pub mounts: Vec<Mount>,
    /// Where live calls go.
    pub live: Option<Arc<Upstream>>,
    /// Where test calls go; they never go anywhere else.
    pub test: Option<Arc<Upstream>>,
    /// Which browsers' origins may call it.
    pub cors: Option<Cors>,
    /// All operations of its description, annotated or not.
    pub operations: Vec<Arc<Operation>>,
}

impl Operation {
    /// Whether the same is taken from requests for both.
    #[must_use]
    pub fn reads_as(&self, other: &Self) -> bool {
        (&self.id, &self.facts, &self.account, self.bodies)
            == (&other.id, &other.facts, &other.account, other.bodies)
    }
}

/// Where on the public listener an API is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mount {
    /// By host name, in lower case, without port.
    Host(String),
    /// By the first segments of the path, which are taken off before forwarding.
    Path(String),
}

/// An operation: a method and a path template of an API.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its position in [`Api::operations`].
    pub index: u32,
    /// Its id in the description, or `METHOD /template`.
    pub id: Name,
    /// The method, in upper case.
    pub method: String,
    /// The path template below the API's base path, as written in the description.
    pub template: String,
    /// The capabilities it uses; empty means not annotated, and closed.
    pub uses: Vec<CapabilityUse>,
    /// The facts it takes from requests.
    pub facts: FactTable,
    /// The parameter that names an account.
    pub account: Option<AccountParameter>,
    /// The bodies that facts, and the account, are read from.
    pub bodies: ReadableBodies,
}

/// A server of the provider that calls are forwarded to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Scheme, authority and base path, without a slash at the end.
    pub url: String,
    /// What the upstream wants of us; an account may have one of its own.
    pub credential: UpstreamCredential,
    /// From the last byte sent to the first byte of the answer.
    pub timeout: Duration,
    /// How the signed context is signed; names a secret.
    pub identity: UpstreamIdentity,
    /// Whether a 5xx answer gives the quota back.
    pub refund_server_errors: bool,
}

/// The provider's own credential, which apps never see. Secrets are names of sealed secrets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UpstreamCredential {
    /// Nothing is injected.
    None,
    /// A header with a secret value.
    Header {
        /// Header name, in lower case.
        name: String,
        /// Name of the secret.
        secret: Name,
    },
    /// HTTP Basic.
    Basic {
        /// User name.
        user: String,
        /// Name of the secret.
        secret: Name,
    },
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4).
    ClientCredentials {
        /// Token endpoint.
        token_url: String,
        /// Client id.
        client: String,
        /// Name of the secret.
        secret: Name,
        /// Scope, if any.
        scope: Option<String>,
    },
    /// A TLS client certificate; names of secrets in PEM.
    Mtls {
        /// Certificate chain.
        certificate: Name,
        /// Private key.
        key: Name,
    },
}

/// What the upstreams of an API want for one account, instead of their own credential.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AccountCredentials {
    /// In live mode.
    pub live: Option<UpstreamCredential>,
    /// In test mode.
    pub test: Option<UpstreamCredential>,
}

impl AccountCredentials {
    /// The credential in `mode`; never that of the other one.
    #[must_use]
    pub fn of(&self, mode: Mode) -> Option<&UpstreamCredential> {
        match mode {
            Mode::Live => self.live.as_ref(),
            Mode::Test => self.test.as_ref(),
        }
    }
}

/// How the upstream recognises that a call came through us (P-59).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamIdentity {
    /// HS256 with a key of this upstream; the name of a sealed secret.
    Shared(Name),
    /// Ed25519 with the installation's key; verified with its public JWKS.
    Ed25519,
    /// Not at all: it gets the decision's id, and no context.
    None,
}

/// Cross-origin settings of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// Origins, exact; never a wildcard together with credentials.
    pub origins: Vec<String>,
    /// Request headers a browser may send beyond the safe ones.
    pub headers: Vec<String>,
}
