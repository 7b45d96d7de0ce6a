use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    io,
    sync::Arc,
};

use catalog::{
    Lookup, Routes, Upstream, UpstreamCredential, UpstreamIdentity,
    openapi::{self, ImportProblem},
};
use keys::KeyProblem;
use primitives::{Clock, Entropy, Name, Secret, SystemClock, SystemEntropy};
use tokio::net::TcpListener;
use verifier::Verifier;

use crate::{
    Handle,
    demand::{Demanded, Tokens},
    log::Log,
    objects::Objects,
    serve,
};

/// What the upstream demands of the calls for one API.
#[derive(Clone, Debug, Default)]
pub struct ApiSettings {
    /// The credential.
    pub credential: Demanded,
    /// Checks the signed context; without one none is demanded.
    pub context: Option<Verifier>,
    /// Its own ids of the accounts it knows; any that is not one of ours when empty.
    pub accounts: Vec<String>,
}

/// The secrets that settings of a catalogue name.
#[derive(Clone, Copy)]
pub struct Secrets<'a> {
    /// The value of a sealed secret.
    pub of: &'a dyn Fn(&Name) -> Option<Secret>,
    /// The installation's public keys.
    pub jwks: &'a str,
}

/// An API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum BuildProblem {
    /// The description cannot be imported.
    #[error(transparent)]
    Description(#[from] ImportProblem),
    /// A secret that the settings name has no value.
    #[error("the secret `{0}` has no value: set it first")]
    NoSecret(Name),
    /// A key that contexts cannot be checked with.
    #[error(transparent)]
    Key(#[from] KeyProblem),
    /// A client certificate, which this upstream does not ask for.
    #[error("the upstream for development speaks no TLS: use another credential")]
    Mtls,
}

/// Makes an upstream.
pub struct Builder {
    apis: Vec<Served>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// One API that is served.
pub(crate) struct Served {
    /// Without slashes at the ends.
    pub(crate) prefix: String,
    /// The keys of operations.
    pub(crate) routes: Routes<String>,
    pub(crate) credential: Demanded,
    /// By its own id of the account.
    pub(crate) of_accounts: BTreeMap<String, Demanded>,
    pub(crate) context: Option<Verifier>,
    pub(crate) accounts: BTreeSet<String>,
}

/// Everything the upstream holds while it runs.
pub(crate) struct Shared {
    pub(crate) apis: Vec<Served>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tokens: Tokens,
    pub(crate) objects: Objects,
    pub(crate) log: Log,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            apis: Vec::new(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy::new()),
        }
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let prefixes = self.apis.iter().map(|api| &api.prefix);
        f.debug_list().entries(prefixes).finish()
    }
}

impl Builder {
    /// The clock that contexts and tokens are judged by; the machine's without this.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The source of bearer tokens; the machine's without this.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Serves the API that `description` describes below `/prefix`. A second description at one
    /// prefix adds operations and accounts to the first; what the first demands stays.
    ///
    /// # Errors
    /// When the description cannot be imported.
    pub fn api(
        mut self,
        prefix: &str,
        description: &str,
        settings: ApiSettings,
    ) -> Result<Self, BuildProblem> {
        let description = openapi::import(description)?;
        let prefix = prefix.trim_matches('/').to_owned();
        let at = self.apis.iter().position(|api| api.prefix == prefix);
        let at = at.unwrap_or_else(|| {
            self.apis.push(Served {
                prefix,
                routes: Routes::default(),
                credential: settings.credential,
                of_accounts: BTreeMap::new(),
                context: settings.context,
                accounts: BTreeSet::new(),
            });
            self.apis.len() - 1
        });
        if let Some(api) = self.apis.get_mut(at) {
            api.accounts.extend(settings.accounts);
            for operation in description.operations {
                let inserted =
                    api.routes
                        .insert(&operation.method, &operation.template, operation.key);
                // The same operation of another version of the description.
                drop(inserted);
            }
        }
        Ok(self)
    }

    /// Serves the API behind an upstream of the catalogue, demanding what the gateway was told
    /// to give. `accounts` are the external ids of the accounts that it knows.
    ///
    /// # Errors
    /// When the description cannot be imported, or a secret is missing.
    pub fn upstream(
        self,
        upstream: &Upstream,
        description: &str,
        secrets: Secrets<'_>,
        accounts: Vec<String>,
    ) -> Result<Self, BuildProblem> {
        let secret =
            |name: &Name| (secrets.of)(name).ok_or_else(|| BuildProblem::NoSecret(name.clone()));
        let credential = demanded(&upstream.credential, secrets)?;
        let verifier = match &upstream.identity {
            UpstreamIdentity::Shared(of) => {
                Some(Verifier::shared(secret(of)?.expose().as_bytes())?)
            }
            UpstreamIdentity::Ed25519 => Some(Verifier::ed25519(secrets.jwks)?),
            UpstreamIdentity::None => None,
        };
        let settings = ApiSettings {
            credential,
            context: verifier.map(|verifier| verifier.audience(upstream.url.clone())),
            accounts,
        };
        self.api(prefix(upstream), description, settings)
    }

    /// Demands `credential` of calls for the account that the upstream calls `external_id`,
    /// instead of its own. The upstream must be served already.
    ///
    /// # Errors
    /// When a secret is missing.
    pub fn account(
        mut self,
        upstream: &Upstream,
        external_id: &str,
        credential: &UpstreamCredential,
        secrets: Secrets<'_>,
    ) -> Result<Self, BuildProblem> {
        let demanded = demanded(credential, secrets)?;
        let prefix = prefix(upstream).trim_matches('/');
        if let Some(api) = self.apis.iter_mut().find(|api| api.prefix == prefix) {
            api.of_accounts.insert(external_id.to_owned(), demanded);
        }
        Ok(self)
    }

    /// Serves on `listener` until `shutdown` is done; calls under way are finished.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<Handle> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            apis: self.apis,
            clock: self.clock,
            tokens: Tokens::new(self.entropy),
            objects: Objects::default(),
            log: Log::default(),
        });
        let task = tokio::spawn(serve::run(listener, Arc::clone(&shared), shutdown));
        Ok(Handle::new(address, shared, task))
    }
}

/// The path of an upstream's URL.
fn prefix(upstream: &Upstream) -> &str {
    let after_scheme = upstream.url.split_once("://").map_or("", |(_, rest)| rest);
    after_scheme.split_once('/').map_or("", |(_, path)| path)
}

/// What must be demanded of a gateway that was told to present `credential`.
fn demanded(
    credential: &UpstreamCredential,
    secrets: Secrets<'_>,
) -> Result<Demanded, BuildProblem> {
    let secret =
        |name: &Name| (secrets.of)(name).ok_or_else(|| BuildProblem::NoSecret(name.clone()));
    Ok(match credential {
        UpstreamCredential::None => Demanded::Nothing,
        UpstreamCredential::Header { name, secret: of } => Demanded::Header {
            name: name.clone(),
            value: secret(of)?,
        },
        UpstreamCredential::Basic { user, secret: of } => Demanded::Basic {
            user: user.clone(),
            password: secret(of)?,
        },
        UpstreamCredential::ClientCredentials {
            client, secret: of, ..
        } => Demanded::Bearer {
            client: client.clone(),
            secret: secret(of)?,
        },
        UpstreamCredential::Mtls { .. } => return Err(BuildProblem::Mtls),
    })
}

impl Shared {
    /// The API with the longest prefix that `segments` begin with, and the rest of them.
    pub(crate) fn api<'s>(&self, segments: &'s [Box<str>]) -> Option<(&Served, &'s [Box<str>])> {
        self.apis
            .iter()
            .filter_map(|api| Some((api, below(&api.prefix, segments)?)))
            .min_by_key(|(_, rest)| rest.len())
    }

    /// Every client that an API wants tokens of, with its secret.
    pub(crate) fn clients(&self) -> impl Iterator<Item = (&str, &Secret)> {
        let all = self.apis.iter();
        let all = all.flat_map(|api| api.of_accounts.values().chain([&api.credential]));
        all.filter_map(|demanded| match demanded {
            Demanded::Bearer { client, secret } => Some((client.as_str(), secret)),
            _ => None,
        })
    }
}

impl Served {
    /// What is demanded of a call for an account: its own credential, or that of the API.
    pub(crate) fn demanded_for(&self, account: Option<&str>) -> &Demanded {
        let own = account.and_then(|account| self.of_accounts.get(account));
        own.unwrap_or(&self.credential)
    }

    pub(crate) fn lookup<'r, 's>(
        &'r self,
        method: &str,
        segments: &'s [Box<str>],
        trailing_slash: bool,
    ) -> Lookup<'r, 's, String> {
        self.routes.lookup(method, segments, trailing_slash)
    }
}

fn below<'s>(prefix: &str, segments: &'s [Box<str>]) -> Option<&'s [Box<str>]> {
    let mut rest = segments;
    for wanted in prefix.split('/').filter(|part| !part.is_empty()) {
        let (first, others) = rest.split_first()?;
        if **first != *wanted {
            return None;
        }
        rest = others;
    }
    Some(rest)
}
