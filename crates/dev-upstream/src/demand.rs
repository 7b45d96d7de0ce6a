use std::{collections::HashMap, sync::Arc};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, header};
use parking_lot::Mutex;
use primitives::{Entropy, Secret, Timestamp};
use request::Query;

/// The credential that a provider's server demands of whoever calls it.
#[derive(Clone, Debug, Default)]
pub enum Demanded {
    /// None.
    #[default]
    Nothing,
    /// HTTP Basic.
    Basic {
        /// User name.
        user: String,
        /// Password.
        password: Secret,
    },
    /// A header with a secret value.
    Header {
        /// Name, in lower case.
        name: String,
        /// Value.
        value: Secret,
    },
    /// A bearer token that `POST /oauth/token` issued to this client.
    Bearer {
        /// Client id.
        client: String,
        /// Client secret.
        secret: Secret,
    },
}

/// How long an issued token is good for.
pub(crate) const TOKEN_SECONDS: i64 = 300;

/// The bearer tokens issued so far.
pub(crate) struct Tokens {
    entropy: Arc<dyn Entropy>,
    /// Token → (client, when it ends).
    issued: Mutex<HashMap<String, (String, Timestamp)>>,
}

impl Tokens {
    const MOST: usize = 10_000;

    pub(crate) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self {
            entropy,
            issued: Mutex::default(),
        }
    }

    /// A new token for `client`.
    pub(crate) fn issue(&self, client: &str, now: Timestamp) -> Option<String> {
        let mut random = [0; 32];
        self.entropy.fill(&mut random).ok()?;
        let token = URL_SAFE_NO_PAD.encode(random);
        let mut issued = self.issued.lock();
        if issued.len() >= Self::MOST {
            issued.retain(|_, (_, ends)| *ends > now);
        }
        let ends = now.plus_seconds(TOKEN_SECONDS);
        issued.insert(token.clone(), (client.to_owned(), ends));
        Some(token)
    }

    fn holds(&self, token: &str, client: &str, now: Timestamp) -> bool {
        self.issued
            .lock()
            .get(token)
            .is_some_and(|(of, ends)| of == client && *ends > now)
    }
}

impl Demanded {
    /// Whether the headers hold what is demanded, exactly once.
    pub(crate) fn met(&self, headers: &HeaderMap, tokens: &Tokens, now: Timestamp) -> bool {
        let same = |a: &str, b: &Secret| keys::same(a.as_bytes(), b.expose().as_bytes());
        match self {
            Self::Nothing => true,
            Self::Header { name, value } => only(headers, name).is_some_and(|got| same(got, value)),
            Self::Basic { user, password } => {
                basic(headers).is_some_and(|(name, given)| name == *user && same(&given, password))
            }
            Self::Bearer { client, .. } => only(headers, header::AUTHORIZATION.as_str())
                .and_then(|value| value.strip_prefix("Bearer "))
                .is_some_and(|token| tokens.holds(token, client, now)),
        }
    }

    /// The challenge for `WWW-Authenticate`.
    pub(crate) fn challenge(&self) -> &'static str {
        match self {
            Self::Bearer { .. } => "Bearer realm=\"dev-upstream\"",
            _ => "Basic realm=\"dev-upstream\"",
        }
    }
}

/// The client that asks for a token, and its secret: by HTTP Basic, or in the form
/// (RFC 6749, section 2.3.1).
pub(crate) fn client(headers: &HeaderMap, form: &Query) -> Option<(String, String)> {
    basic(headers).or_else(|| {
        let field = |name: &str| form.single(name).ok().flatten().map(str::to_owned);
        Some((field("client_id")?, field("client_secret")?))
    })
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = only(headers, header::AUTHORIZATION.as_str())?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// The value of a header that must stand there once.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}
