use std::sync::Arc;

use catalog::{Operation, Upstream, UpstreamCredential};
use journal::CallOutcome;
use primitives::{Enforcement, Mode, Name, RecordId};
use request::CanonicalPath;

use crate::{Context, RateLimit, ticket::Ticket};

/// The right to forward one call once. Only admission makes one; it is spent by settling it.
///
/// Dropped without being settled, it settles as unknown: the call may have run.
#[derive(Debug)]
#[must_use = "a permit is settled, or the call counts as unknown"]
pub struct Permit {
    pub(crate) route: Route,
    pub(crate) mode: Option<Mode>,
    pub(crate) context: Option<Context>,
    pub(crate) external_account: Option<ExternalAccount>,
    pub(crate) limits: Vec<RateLimit>,
    pub(crate) would: &'static str,
    pub(crate) ticket: Ticket,
}

/// Where a permitted call goes.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) api: Name,
    pub(crate) enforcement: Enforcement,
    pub(crate) operation: Option<Arc<Operation>>,
    pub(crate) upstream: Arc<Upstream>,
    /// What the upstream wants for the account, where that is not its own credential.
    pub(crate) credential: Option<UpstreamCredential>,
    pub(crate) path: CanonicalPath,
}

/// How an account is called upstream, and what the caller called it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalAccount {
    /// What the request says in the parameter that names an account; `None` when the request
    /// names none and the account came from the header or the app.
    pub given: Option<String>,
    /// The upstream's own id.
    pub external_id: String,
}

impl Permit {
    /// The decision and call record.
    #[must_use]
    pub fn decision(&self) -> RecordId {
        self.ticket.id()
    }

    /// The API.
    #[must_use]
    pub fn api(&self) -> &Name {
        &self.route.api
    }

    /// Whether decisions about this API bind. Where they do not, the call may be one that would
    /// have been refused.
    #[must_use]
    pub fn enforcement(&self) -> Enforcement {
        self.route.enforcement
    }

    /// The operation; `None` for a call of no known operation of an API that only observes.
    #[must_use]
    pub fn operation(&self) -> Option<&Operation> {
        self.route.operation.as_deref()
    }

    /// Where the call goes.
    #[must_use]
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.route.upstream
    }

    /// What the upstream wants of us for this call: its own credential, or that of the account
    /// acted for.
    #[must_use]
    pub fn credential(&self) -> &UpstreamCredential {
        let of_account = self.route.credential.as_ref();
        of_account.unwrap_or(&self.route.upstream.credential)
    }

    /// The path below the API's mount, to be put under the upstream's base path.
    #[must_use]
    pub fn path(&self) -> &CanonicalPath {
        &self.route.path
    }

    /// The caller's mode. `None` for a caller who was not identified, in observe mode: then
    /// nothing is injected, no credential and no context.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        self.mode
    }

    /// What the upstream is told about the caller; `None` when it is told nothing.
    #[must_use]
    pub fn context(&self) -> Option<&Context> {
        self.context.as_ref()
    }

    /// How to call the account upstream, where the upstream has an id of its own for it.
    #[must_use]
    pub fn external_account(&self) -> Option<&ExternalAccount> {
        self.external_account.as_ref()
    }

    /// The code of what would have refused the call if decisions bound; empty when nothing.
    #[must_use]
    pub fn would_refuse(&self) -> &'static str {
        self.would
    }

    /// Where the counters of the call stand, this call included.
    #[must_use]
    pub fn limits(&self) -> &[RateLimit] {
        &self.limits
    }

    /// Takes out where the counters stand, which is told once.
    pub fn take_limits(&mut self) -> Vec<RateLimit> {
        std::mem::take(&mut self.limits)
    }

    /// Takes out what the upstream wants for the account, where that is not its own credential.
    pub fn take_credential_of_account(&mut self) -> Option<UpstreamCredential> {
        self.route.credential.take()
    }

    /// Tells what became of the call. A call known not to have been sent gives its counters
    /// back; so does a 5xx answer, if the upstream is set up so.
    pub fn settle(self, outcome: CallOutcome) {
        self.ticket.settle(outcome);
    }
}
