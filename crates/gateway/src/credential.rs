use base64::{Engine as _, engine::general_purpose::STANDARD};
use catalog::UpstreamCredential;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use primitives::{Name, Secret};

use crate::{
    gateway::Door,
    pool::Sender,
    tokens::{TokenFailure, Wanted},
    upstreams::IdentityProblem,
};

/// The provider's credential cannot be presented; the call is not sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialProblem {
    #[error("the secret `{0}` is not set: run `portreeve secret set {0}`")]
    NoSecret(Name),
    #[error("the secret cannot stand in the header `{0}`")]
    Header(String),
    #[error(transparent)]
    Token(#[from] TokenFailure),
    #[error(transparent)]
    Identity(#[from] IdentityProblem),
}

/// Presents the provider's credential to the upstream: adds to `headers`, and says what to send
/// with.
pub(crate) async fn present(
    door: &Door,
    credential: &UpstreamCredential,
    headers: &mut HeaderMap,
) -> Result<Sender, CredentialProblem> {
    match credential {
        UpstreamCredential::None => {}
        UpstreamCredential::Header { name, secret } => {
            let secret = find(door, secret)?;
            let unusable = || CredentialProblem::Header(name.clone());
            let header = HeaderName::try_from(name.as_str()).map_err(|_| unusable())?;
            let value = sensitive(secret.expose()).ok_or_else(unusable)?;
            headers.insert(header, value);
        }
        UpstreamCredential::Basic { user, secret } => {
            let secret = find(door, secret)?;
            let joined = zeroize::Zeroizing::new(format!("{user}:{}", secret.expose()));
            authorize(headers, "Basic", &STANDARD.encode(joined.as_bytes()))?;
        }
        UpstreamCredential::ClientCredentials { secret, .. } => {
            let secret = find(door, secret)?;
            if let Some(wanted) = wanted(credential) {
                let sender = door.upstreams.plain();
                let token = door.tokens.get(&wanted, &secret, &sender, &*door.clock);
                // Apart, because most calls need none of its room.
                let token = Box::pin(token).await?;
                authorize(headers, "Bearer", token.expose())?;
            }
        }
        UpstreamCredential::Mtls { certificate, key } => {
            let (certificate, key) = (find(door, certificate)?, find(door, key)?);
            return Ok(door.upstreams.identified(&certificate, &key)?);
        }
    }
    Ok(door.upstreams.plain())
}

/// The header that carries the credential: what an app sends under that name is not passed on.
pub(crate) fn carrier(credential: &UpstreamCredential) -> Option<&str> {
    match credential {
        UpstreamCredential::Header { name, .. } => Some(name),
        _ => None,
    }
}

/// The token that a credential asks for, if it asks for one.
pub(crate) fn wanted(credential: &UpstreamCredential) -> Option<Wanted> {
    let UpstreamCredential::ClientCredentials {
        token_url,
        client,
        secret,
        scope,
    } = credential
    else {
        return None;
    };
    Some(Wanted {
        token_url: token_url.clone(),
        client: client.clone(),
        secret: secret.clone(),
        scope: scope.clone(),
    })
}

fn find(door: &Door, name: &Name) -> Result<Secret, CredentialProblem> {
    door.secrets
        .secret(name)
        .ok_or_else(|| CredentialProblem::NoSecret(name.clone()))
}

fn authorize(headers: &mut HeaderMap, scheme: &str, text: &str) -> Result<(), CredentialProblem> {
    let value = sensitive(&format!("{scheme} {text}"))
        .ok_or_else(|| CredentialProblem::Header("authorization".to_owned()))?;
    headers.insert(header::AUTHORIZATION, value);
    Ok(())
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}
