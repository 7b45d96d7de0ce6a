use std::{collections::HashMap, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::{BodyExt as _, Limited};
use parking_lot::Mutex;
use primitives::{Clock, Name, Secret, Timestamp};
use serde::Deserialize;
use tokio::time::timeout;

use crate::{
    body::{Outgoing, Progress},
    pool::Sender,
};

/// Access tokens of upstreams (RFC 6749, section 4.4), kept while they last. However many calls
/// want one, one request fetches it.
#[derive(Default)]
pub(crate) struct Tokens(Mutex<HashMap<Wanted, Arc<Slot>>>);

type Slot = tokio::sync::Mutex<Option<Kept>>;

/// Which token.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    pub(crate) token_url: String,
    pub(crate) client: String,
    pub(crate) secret: Name,
    pub(crate) scope: Option<String>,
}

/// What the last request for a token came to.
struct Kept {
    token: Result<Secret, TokenFailure>,
    /// The secret it was fetched with, hashed: a changed secret fetches anew.
    with: [u8; 32],
    until: Timestamp,
}

/// No token.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum TokenFailure {
    #[error("the token endpoint cannot be reached: {0}")]
    Unreachable(String),
    #[error("the token endpoint answered {0}")]
    Status(u16),
    #[error("the token endpoint's answer is not a bearer token")]
    Answer,
}

/// The whole exchange with a token endpoint.
const DEADLINE: Duration = Duration::from_secs(10);
/// The longest answer of a token endpoint.
const LONGEST: usize = 64 * 1024;
/// A token is not used in its last seconds, so that it does not expire on the way.
const MARGIN_SECONDS: i64 = 30;
/// After a failure every call fails for so long, instead of each waiting for its own.
const PAUSE_SECONDS: i64 = 1;
/// So many endpoints are remembered; more begin anew.
const MOST: usize = 1024;

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    token_type: String,
    expires_in: Option<i64>,
}

impl Tokens {
    /// A token that is good for some time.
    pub(crate) async fn get(
        &self,
        wanted: &Wanted,
        secret: &Secret,
        sender: &Sender,
        clock: &dyn Clock,
    ) -> Result<Secret, TokenFailure> {
        let slot = self.slot(wanted);
        let with = keys::sha256(secret.expose().as_bytes());
        let mut kept = slot.lock().await;
        let now = clock.now();
        if let Some(kept) = kept
            .as_ref()
            .filter(|kept| kept.with == with && now < kept.until)
        {
            return kept.token.clone();
        }
        let fetched = timeout(DEADLINE, fetch(wanted, secret, sender))
            .await
            .unwrap_or_else(|_| Err(TokenFailure::Unreachable("it takes too long".to_owned())));
        let (token, seconds) = match fetched {
            Ok((token, seconds)) => (Ok(token), (seconds - MARGIN_SECONDS).max(PAUSE_SECONDS)),
            Err(failure) => (Err(failure), PAUSE_SECONDS),
        };
        *kept = Some(Kept {
            token: token.clone(),
            with,
            until: clock.now().plus_seconds(seconds),
        });
        token
    }

    /// Forgets a token that its upstream refused; not the one that was fetched meanwhile, when
    /// the refusal of an older one comes late.
    pub(crate) fn forget(&self, wanted: &Wanted, refused: &str) {
        let slot = self.0.lock().get(wanted).cloned();
        // A slot that is held is being filled anew.
        let Some(mut kept) = slot.as_ref().and_then(|slot| slot.try_lock().ok()) else {
            return;
        };
        let is_refused = |kept: &Kept| {
            let token = kept.token.as_ref();
            token.is_ok_and(|token| keys::same(token.expose().as_bytes(), refused.as_bytes()))
        };
        if kept.as_ref().is_some_and(is_refused) {
            *kept = None;
        }
    }

    fn slot(&self, wanted: &Wanted) -> Arc<Slot> {
        let mut slots = self.0.lock();
        if slots.len() >= MOST && !slots.contains_key(wanted) {
            slots.clear();
        }
        Arc::clone(slots.entry(wanted.clone()).or_default())
    }
}

async fn fetch(
    wanted: &Wanted,
    secret: &Secret,
    sender: &Sender,
) -> Result<(Secret, i64), TokenFailure> {
    let unreachable = |problem: String| TokenFailure::Unreachable(problem);
    let body = Bytes::from(form(wanted));
    let request = Request::builder()
        .method(Method::POST)
        .uri(&wanted.token_url)
        .header(
            header::AUTHORIZATION,
            authorization(&wanted.client, secret)?,
        )
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(Outgoing::whole((body, None), Progress::default()))
        .map_err(|problem| unreachable(problem.to_string()))?;
    let response = sender
        .request(request)
        .await
        .map_err(|problem| unreachable(problem.to_string()))?;
    if !response.status().is_success() {
        return Err(TokenFailure::Status(response.status().as_u16()));
    }
    let body = Limited::new(response.into_body(), LONGEST)
        .collect()
        .await
        .map_err(|problem| unreachable(problem.to_string()))?;
    let answer: Answer =
        serde_json::from_slice(&body.to_bytes()).map_err(|_| TokenFailure::Answer)?;
    if !answer.token_type.eq_ignore_ascii_case("bearer") {
        return Err(TokenFailure::Answer);
    }
    // RFC 6749 leaves the lifetime open when it is not told: asked again soon.
    let seconds = answer.expires_in.unwrap_or(MARGIN_SECONDS).clamp(0, 86_400);
    Ok((Secret::new(answer.access_token), seconds))
}

fn form(wanted: &Wanted) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if let Some(scope) = &wanted.scope {
        form.append_pair("scope", scope);
    }
    form.finish()
}

/// Section 2.3.1: both parts form-encoded before they are joined.
fn authorization(client: &str, secret: &Secret) -> Result<HeaderValue, TokenFailure> {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let joined = zeroize::Zeroizing::new(format!("{}:{}", encode(client), encode(secret.expose())));
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(joined.as_bytes())))
        .map_err(|_| TokenFailure::Answer)?;
    value.set_sensitive(true);
    Ok(value)
}
