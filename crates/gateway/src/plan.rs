use std::{fmt::Write as _, mem, sync::Arc};

use admission::{Permit, RateLimit};
use bytes::Bytes;
use catalog::{Upstream, UpstreamCredential, UpstreamIdentity};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use http_kit::Basic;
use primitives::{Mode, Name, RecordId};
use serde::Serialize;
use smallvec::SmallVec;

use crate::{
    account::{self, AccountProblem},
    answer,
    arrival::written,
    credential,
    exchange::Call,
    gateway::Door,
};

/// How long a context lives, in seconds.
const CONTEXT_LIFE: i64 = 60;

/// What addresses of callers, and targets before a rewriting, travel in: an upstream that
/// believes them would serve another caller or another operation than the one decided about.
/// Only ours are passed on.
const FORWARDED: [&str; 6] = [
    "client-ip",
    "forwarded",
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-real-ip",
];

/// Beginnings of further such names.
const FORWARDED_FAMILIES: [&str; 4] = ["x-envoy-", "x-forwarded-", "x-original-", "x-rewrite-"];

fn is_forwarded(name: &HeaderName) -> bool {
    let name = name.as_str();
    FORWARDED.contains(&name)
        || (name.starts_with("x-")
            && FORWARDED_FAMILIES
                .iter()
                .any(|family| name.starts_with(family)))
}

/// The upstream request, made from the parsed form of the caller's, without the provider's
/// credential.
pub(crate) struct Plan {
    pub(crate) api: Name,
    pub(crate) decision: RecordId,
    /// The mode of the upstream.
    pub(crate) mode: Mode,
    pub(crate) upstream: Arc<Upstream>,
    /// What the upstream wants for the account, where that is not its own credential.
    of_account: Option<UpstreamCredential>,
    pub(crate) limits: Vec<RateLimit>,
    /// The decision's id as a header has it.
    pub(crate) named: HeaderValue,
    /// Whether the caller was identified. If not, nothing of the provider's is added.
    pub(crate) identified: bool,
    pub(crate) method: Method,
    pub(crate) target: Uri,
    pub(crate) headers: HeaderMap,
}

/// A permitted call cannot be put into the upstream's terms; it is not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanProblem {
    #[error("the upstream's URL `{0}` cannot be used")]
    Url(String),
    #[error("the account cannot be named to the upstream: {0}")]
    Account(#[from] AccountProblem),
    #[error("the secret `{0}`, which signs the context, is not set")]
    NoSecret(Name),
    #[error("the context cannot be signed with the secret `{0}`: {1}")]
    Key(Name, keys::KeyProblem),
    #[error("the context cannot be signed: {0}")]
    Context(#[from] keys::TokenProblem),
    #[error("a header cannot be written")]
    Header(#[from] http::header::InvalidHeaderValue),
}

impl Plan {
    /// Plans the call of `permit`; `body` is there when it was read whole, and may change.
    pub(crate) fn make(
        door: &Door,
        call: &mut Call,
        permit: &mut Permit,
        body: Option<&mut Bytes>,
    ) -> Result<Self, PlanProblem> {
        let mode = permit.mode();
        let identified = mode.is_some();
        let upstream = Arc::clone(permit.upstream());
        let carriers = [&upstream.credential, permit.credential()];
        let mut headers = passed_on(call, carriers, identified);
        call.trailing.tell(body.is_none(), &mut headers);
        let mut path = permit.path().clone();
        let mut replaced = None;
        let external = permit.external_account();
        if let (Some(external), Some(operation)) = (external, permit.operation())
            && external.given.is_some()
        {
            let named = account::Named {
                path: &mut path,
                query: replaced.insert(call.request.query.clone()),
                headers: &mut headers,
                body,
            };
            account::replace(operation, named, &external.external_id)?;
        }
        let unusable = || PlanProblem::Url(upstream.url.clone());
        let base = door.bases.of(&upstream.url).ok_or_else(unusable)?;
        let path = path.under(&base.path);
        let mut path_and_query = String::with_capacity(128);
        path_and_query.push_str(path.written());
        let query = replaced.as_ref().unwrap_or(&call.request.query);
        if !query.is_empty() {
            path_and_query.push('?');
            // Writing to a `String` cannot fail.
            let _ = write!(path_and_query, "{query}");
        }
        let target = base.target(&path_and_query).ok_or_else(unusable)?;
        headers.insert(header::HOST, base.host.clone());
        add_ours(door, call, &mut headers)?;
        let limits = permit.take_limits();
        let of_account = permit.take_credential_of_account();
        let plan = Self {
            api: permit.api().clone(),
            decision: permit.decision(),
            named: HeaderValue::try_from(permit.decision().to_string())?,
            // A caller who was not identified is the provider's old traffic, which is real.
            mode: mode.unwrap_or(Mode::Live),
            limits,
            identified,
            method: call.request.method.clone(),
            target,
            headers,
            upstream,
            of_account,
        };
        plan.with_context(door, permit, base.authority.as_str(), &path_and_query)
    }

    /// What the upstream wants of us for this call.
    pub(crate) fn credential(&self) -> &UpstreamCredential {
        let of_account = self.of_account.as_ref();
        of_account.unwrap_or(&self.upstream.credential)
    }

    /// Tells the upstream who calls and what was decided (P-59).
    fn with_context(
        mut self,
        door: &Door,
        permit: &Permit,
        authority: &str,
        path_and_query: &str,
    ) -> Result<Self, PlanProblem> {
        if self.identified {
            self.headers.insert(answer::DECISION, self.named.clone());
        }
        let Some(context) = permit.context() else {
            return Ok(self);
        };
        let now = door.clock.told().as_seconds();
        let claims = Claims {
            iss: &door.issuer,
            aud: &self.upstream.url,
            iat: now,
            exp: now.saturating_add(CONTEXT_LIFE),
            jti: self.named.to_str().unwrap_or_default(),
            htm: self.method.as_str(),
            hta: authority,
            htp: keys::request_hash(self.method.as_str(), authority, path_and_query),
            context,
        };
        let signed = match &self.upstream.identity {
            UpstreamIdentity::Ed25519 => door.signing.sign(keys::CONTEXT_TYPE, &claims)?,
            UpstreamIdentity::Shared(name) => {
                let secret = door
                    .secrets
                    .secret(name)
                    .ok_or_else(|| PlanProblem::NoSecret(name.clone()))?;
                door.signers
                    .signer(name, &secret)
                    .map_err(|problem| PlanProblem::Key(name.clone(), problem))?
                    .sign(keys::CONTEXT_TYPE, &claims)?
            }
            UpstreamIdentity::None => return Ok(self),
        };
        let mut signed = HeaderValue::try_from(signed)?;
        signed.set_sensitive(true);
        self.headers.insert(keys::CONTEXT_HEADER, signed);
        Ok(self)
    }
}

/// The signed context; its names are those of JWT and, for the request, ours.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    htm: &'a str,
    hta: &'a str,
    htp: String,
    #[serde(flatten)]
    context: &'a admission::Context,
}

/// Takes the caller's headers that the upstream gets. A caller that was not identified (in
/// observe mode) keeps its `Authorization`: it may be the upstream's own, from before we stood
/// here.
fn passed_on(
    call: &mut Call,
    credentials: [&UpstreamCredential; 2],
    identified: bool,
) -> HeaderMap {
    let carriers = credentials.map(credential::carrier);
    let keeps_authorization = !identified && !presents_our_secret(call);
    let mut headers = mem::take(&mut call.request.headers);
    let is_dropped = |name: &HeaderName| {
        let replaced = is_forwarded(name)
            || [header::HOST, header::CONTENT_LENGTH, header::EXPECT].contains(name)
            || name == "traceparent"
            || (name == "tracestate" && !call.traced);
        let is_credential = (name == header::AUTHORIZATION && !keeps_authorization)
            || (identified && carriers.contains(&Some(name.as_str())));
        let misread = request::is_namespaced(name) || !request::is_plainly_spelled(name);
        replaced || is_credential || misread
    };
    let dropped = headers.keys().filter(|name| is_dropped(name)).cloned();
    let dropped: SmallVec<[HeaderName; 8]> = dropped.collect();
    for name in dropped {
        headers.remove(name);
    }
    headers
}

/// Whether the caller presents a secret of ours, which no upstream may see.
fn presents_our_secret(call: &Call) -> bool {
    match Basic::of(&call.request.headers) {
        Basic::Given(user, password) => {
            user.starts_with("key_") || password.expose().starts_with("ptr_")
        }
        Basic::Missing | Basic::Malformed => false,
    }
}

/// Where the call came from, and its trace.
fn add_ours(door: &Door, call: &Call, headers: &mut HeaderMap) -> Result<(), PlanProblem> {
    let scheme = if call.peer.tls { "https" } else { "http" };
    let came_from = if call.address == call.peer.address {
        call.peer.written.clone()
    } else {
        written(call.address)?
    };
    let trace = call.trace.child(&door.entropy).written();
    for (name, value) in [
        ("x-forwarded-for", came_from),
        (
            "x-forwarded-host",
            call.request.host.to_string().try_into()?,
        ),
        ("x-forwarded-proto", HeaderValue::from_static(scheme)),
        ("traceparent", trace.try_into()?),
    ] {
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(())
}
