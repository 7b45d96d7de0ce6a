use http::{HeaderMap, Request, header};
use keys::{CONTEXT_HEADER, CONTEXT_TYPE, KeyProblem, VerifyingKeys, request_hash};
use primitives::Timestamp;
use serde::Deserialize;

use crate::{Context, Refusal};

/// How far clocks may differ.
pub const SKEW_SECONDS: i64 = 60;

/// A context that claims to live for longer is refused.
pub const LONGEST_LIFE_SECONDS: i64 = 600;

/// Checks contexts for one upstream.
#[derive(Clone, Debug)]
pub struct Verifier {
    keys: VerifyingKeys,
    audience: String,
    issuer: Option<String>,
}

/// A verifier that must still be told which upstream it stands for.
#[derive(Clone, Debug)]
pub struct WithoutAudience(VerifyingKeys);

/// What a context is bound to, as this server received it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// The method.
    pub method: &'a str,
    /// The `Host`.
    pub authority: &'a str,
    /// Path and query, with `?` when there is one, as they were on the wire.
    pub path_and_query: &'a str,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
    htm: String,
    hta: String,
    htp: String,
    #[serde(flatten)]
    context: Context,
}

impl Verifier {
    /// Contexts signed with the key that this upstream shares with Portreeve.
    ///
    /// # Errors
    /// When the key has fewer than 32 bytes.
    pub fn shared(key: &[u8]) -> Result<WithoutAudience, KeyProblem> {
        Self::shared_while_changing([key])
    }

    /// As [`Self::shared`], with several keys while one replaces another.
    ///
    /// # Errors
    /// When one has fewer than 32 bytes, or two are the same.
    pub fn shared_while_changing<'a>(
        keys: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<WithoutAudience, KeyProblem> {
        VerifyingKeys::shared(keys).map(WithoutAudience)
    }

    /// Contexts signed with the installation's Ed25519 key, as published in its JWK set.
    ///
    /// # Errors
    /// When the text is not a JWK set of such keys.
    pub fn ed25519(jwks: &str) -> Result<WithoutAudience, KeyProblem> {
        VerifyingKeys::from_jwks(jwks).map(WithoutAudience)
    }

    /// Also demands that `issuer` issued the context.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// What was decided about the request.
    ///
    /// # Errors
    /// When the context is not authentic, or not for this request, here and now.
    pub fn verify(
        &self,
        token: &str,
        request: &RequestLine<'_>,
        now: Timestamp,
    ) -> Result<Context, Refusal> {
        let claims: Claims = self.keys.claims(CONTEXT_TYPE, token)?;
        if claims.aud != self.audience {
            return Err(Refusal::Audience(claims.aud));
        }
        if self
            .issuer
            .as_ref()
            .is_some_and(|issuer| *issuer != claims.iss)
        {
            return Err(Refusal::Issuer(claims.iss));
        }
        check_times(&claims, now.as_seconds())?;
        let hash = request_hash(request.method, request.authority, request.path_and_query);
        let same_request = claims.htm == request.method
            && claims.hta.eq_ignore_ascii_case(request.authority)
            && claims.htp == hash;
        if same_request {
            Ok(claims.context)
        } else {
            Err(Refusal::OtherRequest)
        }
    }
}

fn check_times(claims: &Claims, now: i64) -> Result<(), Refusal> {
    let life = claims.exp.checked_sub(claims.iat).ok_or(Refusal::Times)?;
    let begun = claims.iat <= now.saturating_add(SKEW_SECONDS);
    if !begun || !(0..=LONGEST_LIFE_SECONDS).contains(&life) {
        return Err(Refusal::Times);
    }
    if claims.exp <= now.saturating_sub(SKEW_SECONDS) {
        return Err(Refusal::Expired);
    }
    Ok(())
}

impl WithoutAudience {
    /// Accepts contexts for the upstream with this URL, as written in the state file.
    #[must_use]
    pub fn audience(self, upstream: impl Into<String>) -> Verifier {
        Verifier {
            keys: self.0,
            audience: upstream.into(),
            issuer: None,
        }
    }
}

impl<'a> RequestLine<'a> {
    /// The request line of `request`.
    ///
    /// # Errors
    /// When it does not have exactly one `Host`.
    pub fn of<B>(request: &'a Request<B>) -> Result<Self, Refusal> {
        let mut hosts = request.headers().get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(Refusal::NoAuthority);
        };
        Ok(Self {
            method: request.method().as_str(),
            authority: host.to_str().map_err(|_| Refusal::NoAuthority)?,
            path_and_query: request
                .uri()
                .path_and_query()
                .map_or("/", http::uri::PathAndQuery::as_str),
        })
    }
}

/// The context's token in the headers of a request.
///
/// # Errors
/// When there is none, or more than one.
pub fn token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut fields = headers.get_all(CONTEXT_HEADER).iter();
    let field = fields.next().ok_or(Refusal::Missing)?;
    if fields.next().is_some() {
        return Err(Refusal::Ambiguous);
    }
    field.to_str().map_err(|_| Refusal::Ambiguous)
}
