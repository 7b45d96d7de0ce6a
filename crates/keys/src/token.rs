use std::sync::{Arc, OnceLock};

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Longer tokens are refused before they are decoded.
pub const LONGEST_TOKEN: usize = 16 * 1024;

/// RFC 7518, section 3.2: a key of the hash's size or larger.
const SHORTEST_SHARED_KEY: usize = 32;

/// An algorithm of signed tokens. Each key has exactly one; a token cannot choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA256 with a key that both sides know.
    Hs256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::EdDsa => "EdDSA",
        }
    }

    const fn inner(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

/// A key or a set of keys cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// A shared key that could be guessed.
    #[error("a shared key needs at least 32 bytes, this one has {0}")]
    TooShort(usize),
    /// Not a key pair or public key.
    #[error("the bytes are not an Ed25519 key")]
    NotAKey,
    /// Not a JWK set.
    #[error("this is not a JWK set: {0}")]
    NotASet(String),
    /// A key of the set is not for verifying with an algorithm that is allowed.
    #[error(
        "key {0} of the set cannot be used: only `OKP`/`Ed25519` or `oct`/`HS256` keys for signatures are"
    )]
    Unusable(usize),
    /// Two keys have the same id.
    #[error("the set has two keys with the id `{0}`")]
    KeyIdTwice(String),
    /// Shared and public keys in one set.
    #[error("the set mixes shared and public keys")]
    Mixed,
}

/// A token is not authentic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenProblem {
    /// Longer than [`LONGEST_TOKEN`].
    #[error("the token has {0} bytes: at most {LONGEST_TOKEN} are taken")]
    TooLong(usize),
    /// Not three parts of base64url with a JSON header of the fields we use.
    #[error("the token is not a JWS in compact form")]
    Form,
    /// No key of the set has the id that the token names.
    #[error("no key is known by the id that the token names")]
    UnknownKey,
    /// The token names another algorithm than its key has.
    #[error("the token names another algorithm than its key has")]
    Algorithm,
    /// The type is another one.
    #[error("the token is of another type")]
    Type,
    /// The signature is not of this key.
    #[error("the signature does not fit")]
    Signature,
    /// The claims are not of the form expected.
    #[error("the claims are not as expected: {0}")]
    Claims(String),
}

/// A key that signs tokens.
#[derive(Clone)]
pub struct SigningKey {
    signer: Signer,
    jwk: Arc<Jwk>,
    /// The type of the first token signed, and the head of all tokens of that type.
    head: Arc<OnceLock<(String, String)>>,
}

/// A key that is ready: a call is signed with it while its caller waits.
#[derive(Clone)]
enum Signer {
    Hs256(Arc<hmac::Key>),
    EdDsa(Arc<Ed25519KeyPair>),
}

/// The header of a token that we sign (RFC 7515, section 4.1).
#[derive(Serialize)]
struct OurHeader<'a> {
    typ: &'a str,
    alg: &'a str,
    kid: &'a str,
}

/// A key as JWK (RFC 7517); fields that are not used are ignored.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key_ops: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(default, skip_serializing)]
    k: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

impl SigningKey {
    /// A key that both sides know.
    ///
    /// # Errors
    /// When it has fewer than 32 bytes.
    pub fn shared(secret: &[u8]) -> Result<Self, KeyProblem> {
        if secret.len() < SHORTEST_SHARED_KEY {
            return Err(KeyProblem::TooShort(secret.len()));
        }
        let jwk = Jwk {
            kid: Some(shared_thumbprint(secret)),
            ..Jwk::default()
        };
        Ok(Self {
            signer: Signer::Hs256(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, secret))),
            jwk: Arc::new(jwk),
            head: Arc::default(),
        })
    }

    /// An Ed25519 key from its seed.
    pub(crate) fn ed25519(seed: &[u8; 32]) -> Result<Self, KeyProblem> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyProblem::NotAKey)?;
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        Ok(Self {
            signer: Signer::EdDsa(Arc::new(pair)),
            jwk: Arc::new(Jwk {
                kty: "OKP".to_owned(),
                kid: Some(public_thumbprint(&x)),
                alg: Some(Algorithm::EdDsa.name().to_owned()),
                purpose: Some("sig".to_owned()),
                crv: Some("Ed25519".to_owned()),
                x: Some(x),
                ..Jwk::default()
            }),
            head: Arc::default(),
        })
    }

    /// The algorithm, which every token signed with this key has.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.signer {
            Signer::Hs256(_) => Algorithm::Hs256,
            Signer::EdDsa(_) => Algorithm::EdDsa,
        }
    }

    /// The key's id: its RFC 7638 thumbprint.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.jwk.kid.as_deref().unwrap_or_default()
    }

    /// The public key as a JWK set; empty for a shared key, which is never shown.
    #[must_use]
    pub fn jwks(&self) -> serde_json::Value {
        match self.algorithm() {
            Algorithm::Hs256 => serde_json::json!({ "keys": [] }),
            Algorithm::EdDsa => serde_json::json!({ "keys": [&*self.jwk] }),
        }
    }

    /// The first part of a token.
    fn write_head(&self, kind: &str) -> Result<String, serde_json::Error> {
        let header = OurHeader {
            typ: kind,
            alg: self.algorithm().name(),
            kid: self.key_id(),
        };
        Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?))
    }

    /// Signs `claims` as a token of type `kind` (`typ`), such as `context+jwt`: a JWS in compact
    /// form (RFC 7515, section 7.1).
    ///
    /// # Errors
    /// When the claims are no JSON.
    pub fn sign<T: Serialize>(&self, kind: &str, claims: &T) -> Result<String, TokenProblem> {
        let unwritten = |problem: serde_json::Error| TokenProblem::Claims(problem.to_string());
        let mut json = Vec::with_capacity(1_024);
        serde_json::to_writer(&mut json, claims).map_err(unwritten)?;
        let mut token = String::with_capacity(2_048);
        let (of, head) = if let Some(known) = self.head.get() {
            known
        } else {
            let head = (kind.to_owned(), self.write_head(kind).map_err(unwritten)?);
            self.head.get_or_init(|| head)
        };
        if of == kind {
            token.push_str(head);
        } else {
            token.push_str(&self.write_head(kind).map_err(unwritten)?);
        }
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&json, &mut token);
        let message = token.len();
        token.push('.');
        let signed = token.as_bytes().get(..message).unwrap_or_default();
        match &self.signer {
            Signer::Hs256(key) => {
                URL_SAFE_NO_PAD.encode_string(hmac::sign(key, signed), &mut token);
            }
            Signer::EdDsa(pair) => {
                URL_SAFE_NO_PAD.encode_string(pair.sign(signed), &mut token);
            }
        }
        Ok(token)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "SigningKey({} {})",
            self.algorithm().name(),
            self.key_id()
        )
    }
}

/// The keys whose tokens are believed: all shared, or all public.
#[derive(Clone)]
pub struct VerifyingKeys(Vec<VerifyingKey>);

#[derive(Clone)]
struct VerifyingKey {
    id: String,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// The header of a token. Any other field (`crit`, `jwk`, `jku`, `x5u`, `b64`, `zip` …) is
/// refused: nothing in a token tells how to verify it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenHeader {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
}

impl VerifyingKeys {
    /// Keys that both sides know; several while one replaces another.
    ///
    /// # Errors
    /// When one has fewer than 32 bytes, or two are the same.
    pub fn shared<'a>(secrets: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, KeyProblem> {
        let keys = secrets.into_iter().map(|secret| {
            let key = shared_key(secret)?;
            Ok((shared_thumbprint(secret), key))
        });
        Self::collect(keys)
    }

    /// Keys of a JWK set (RFC 7517).
    ///
    /// # Errors
    /// When any key of the set is not for verifying with an allowed algorithm, ids repeat, or
    /// shared and public keys are mixed.
    pub fn from_jwks(text: &str) -> Result<Self, KeyProblem> {
        let set: JwkSet =
            serde_json::from_str(text).map_err(|e| KeyProblem::NotASet(e.to_string()))?;
        Self::collect((1..).zip(&set.keys).map(|(at, jwk)| from_jwk(jwk, at)))
    }

    fn collect(
        keys: impl IntoIterator<Item = Result<(String, (Algorithm, DecodingKey)), KeyProblem>>,
    ) -> Result<Self, KeyProblem> {
        let mut all: Vec<VerifyingKey> = Vec::new();
        for key in keys {
            let (id, (algorithm, key)) = key?;
            if all.iter().any(|other| other.id == id) {
                return Err(KeyProblem::KeyIdTwice(id));
            }
            if all.iter().any(|other| other.algorithm != algorithm) {
                return Err(KeyProblem::Mixed);
            }
            all.push(VerifyingKey { id, algorithm, key });
        }
        Ok(Self(all))
    }

    /// The payload of an authentic token, and its type.
    ///
    /// # Errors
    /// When it is not authentic.
    pub fn payload(&self, token: &str) -> Result<(Vec<u8>, Option<String>), TokenProblem> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenProblem::TooLong(token.len()));
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenProblem::Form)?;
        let (header, payload) = message.split_once('.').ok_or(TokenProblem::Form)?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenProblem::Form);
        let header: TokenHeader =
            serde_json::from_slice(&decoded(header)?).map_err(|_| TokenProblem::Form)?;
        let payload = decoded(payload)?;
        let key = self.choose(header.kid.as_deref())?;
        if header.alg != key.algorithm.name() {
            return Err(TokenProblem::Algorithm);
        }
        let fits = jsonwebtoken::crypto::verify(
            signature,
            message.as_bytes(),
            &key.key,
            key.algorithm.inner(),
        );
        match fits {
            Ok(true) => Ok((payload, header.typ)),
            _ => Err(TokenProblem::Signature),
        }
    }

    /// The claims of an authentic token of type `kind`. Their meaning (audience, times) is for
    /// the caller to check.
    ///
    /// # Errors
    /// When it is not authentic, of another type, or its claims have another form.
    pub fn claims<T: DeserializeOwned>(&self, kind: &str, token: &str) -> Result<T, TokenProblem> {
        let (payload, given) = self.payload(token)?;
        if given.as_deref() != Some(kind) {
            return Err(TokenProblem::Type);
        }
        serde_json::from_slice(&payload).map_err(|e| TokenProblem::Claims(e.to_string()))
    }

    /// The key a token names; without a name, the only one there is.
    fn choose(&self, id: Option<&str>) -> Result<&VerifyingKey, TokenProblem> {
        match (id, self.0.as_slice()) {
            (Some(id), keys) => keys.iter().find(|key| key.id == id),
            (None, [only]) => Some(only),
            (None, _) => None,
        }
        .ok_or(TokenProblem::UnknownKey)
    }
}

impl std::fmt::Debug for VerifyingKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|key| (&key.id, key.algorithm)))
            .finish()
    }
}

fn shared_key(secret: &[u8]) -> Result<(Algorithm, DecodingKey), KeyProblem> {
    if secret.len() < SHORTEST_SHARED_KEY {
        return Err(KeyProblem::TooShort(secret.len()));
    }
    Ok((Algorithm::Hs256, DecodingKey::from_secret(secret)))
}

fn from_jwk(jwk: &Jwk, at: usize) -> Result<(String, (Algorithm, DecodingKey)), KeyProblem> {
    let unusable = || KeyProblem::Unusable(at);
    let for_signatures = jwk
        .purpose
        .as_deref()
        .is_none_or(|purpose| purpose == "sig")
        && jwk
            .key_ops
            .as_ref()
            .is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    if !for_signatures {
        return Err(unusable());
    }
    let alg = jwk.alg.as_deref();
    match (jwk.kty.as_str(), jwk.crv.as_deref(), alg) {
        ("oct", None, Some("HS256")) => {
            let text = jwk.k.as_deref().ok_or_else(unusable)?;
            let secret = URL_SAFE_NO_PAD.decode(text).map_err(|_| unusable())?;
            let id = jwk
                .kid
                .clone()
                .unwrap_or_else(|| shared_thumbprint(&secret));
            Ok((id, shared_key(&secret)?))
        }
        ("OKP", Some("Ed25519"), None | Some("EdDSA" | "Ed25519")) => {
            let x = jwk.x.as_deref().ok_or_else(unusable)?;
            let bytes = URL_SAFE_NO_PAD.decode(x).map_err(|_| unusable())?;
            if bytes.len() != 32 {
                return Err(unusable());
            }
            let key = DecodingKey::from_ed_components(x).map_err(|_| unusable())?;
            let id = jwk.kid.clone().unwrap_or_else(|| public_thumbprint(x));
            Ok((id, (Algorithm::EdDsa, key)))
        }
        _ => Err(unusable()),
    }
}

/// RFC 7638: SHA-256 of the required members in lexical order.
fn public_thumbprint(x: &str) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(crate::sha256(members.as_bytes()))
}

fn shared_thumbprint(secret: &[u8]) -> String {
    let k = zeroize::Zeroizing::new(URL_SAFE_NO_PAD.encode(secret));
    let members = zeroize::Zeroizing::new(format!(r#"{{"k":"{}","kty":"oct"}}"#, *k));
    URL_SAFE_NO_PAD.encode(crate::sha256(members.as_bytes()))
}

#[cfg(test)]
mod tests;
