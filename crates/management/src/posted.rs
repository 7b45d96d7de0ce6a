use axum::{
    extract::{FromRequest, FromRequestParts as _, Request},
    response::{IntoResponse, Response},
};
use flows::{Begun, Held, KeptAnswer, Repeatable, Unable};
use http::{HeaderValue, StatusCode, header, request::Parts};
use http_kit::{IdempotencyKey, Problem, codes, read_body, read_json};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Management, operator::By, refusals::unable};

/// The body of a POST, which may be a repetition of one before: then the answer of before is
/// given, and the handler never runs.
pub(crate) struct Posted<T> {
    pub(crate) body: T,
    /// Who asks.
    pub(crate) by: By,
    held: Option<Held>,
}

/// Why a handler does not run: something is wrong, or it was done before.
pub(crate) struct Instead(Response);

impl IntoResponse for Instead {
    fn into_response(self) -> Response {
        self.0
    }
}

impl From<Problem> for Instead {
    fn from(problem: Problem) -> Self {
        Self(problem.into_response())
    }
}

impl<T: DeserializeOwned + Send> FromRequest<Management> for Posted<T> {
    type Rejection = Instead;

    async fn from_request(request: Request, desk: &Management) -> Result<Self, Instead> {
        let (mut parts, body) = request.into_parts();
        let key = IdempotencyKey::from_request_parts(&mut parts, desk).await?;
        let request = Request::from_parts(parts.clone(), body);
        let bytes = read_body(request, desk).await?;
        let by = By::from_request_parts(&mut parts, desk).await?;
        let body = read_json(&parts.headers, &bytes)?;
        let held = match key.0 {
            Some(key) => Some(begin(desk, (&parts, &by), key, &bytes).await?),
            None => None,
        };
        Ok(Self { body, by, held })
    }
}

async fn begin(
    desk: &Management,
    (parts, by): (&Parts, &By),
    key: String,
    body: &[u8],
) -> Result<Held, Instead> {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Repeatable {
        scope: format!("{} {} {}", by.actor(), parts.method, parts.uri.path()),
        key,
        fingerprint: fingerprint(&[parts.method.as_str().as_bytes(), path.as_bytes(), body]),
    };
    match flows::begin(&desk.authority, request)
        .await
        .map_err(unable)?
    {
        Begun::Fresh(held) => Ok(held),
        Begun::Running => Err(Problem::of(&codes::IDEMPOTENCY_KEY_IN_USE).into()),
        Begun::Reused => Err(Problem::of(&codes::IDEMPOTENCY_KEY_REUSED).into()),
        Begun::Done(status, kept) => {
            // The first answer may have been lost before its effect was in force.
            desk.settle().await?;
            let body = flows::replay(&desk.authority, kept).map_err(unable)?;
            Err(Instead(json_response(status, body)))
        }
    }
}

/// SHA-256 of the parts, each with its length before it.
fn fingerprint(parts: &[&[u8]]) -> [u8; 32] {
    let mut all = Vec::new();
    for part in parts {
        all.extend_from_slice(&(part.len() as u64).to_be_bytes());
        all.extend_from_slice(part);
    }
    keys::sha256(&all)
}

/// An answer as it is sent, and as it is kept for repetitions.
pub(crate) fn json_response(status: u16, body: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = (status, body).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

impl<T> Posted<T> {
    /// The answer for the write set of the effect, if a repetition may come.
    pub(crate) fn answer(
        &self,
        status: u16,
        body: &impl Serialize,
    ) -> Result<Option<KeptAnswer>, Unable> {
        let Some(held) = &self.held else {
            return Ok(None);
        };
        let body =
            serde_json::to_vec(body).map_err(|_| Unable::Unreadable("the answer".to_owned()))?;
        Ok(Some(held.answer(status, body)))
    }

    /// The same for an answer with a secret in it, which is shown to repetitions for a day.
    pub(crate) fn answer_once(
        &self,
        desk: &Management,
        status: u16,
        (with, without): (&impl Serialize, &impl Serialize),
    ) -> Result<Option<KeptAnswer>, Unable> {
        let Some(held) = &self.held else {
            return Ok(None);
        };
        let text = |body: Result<String, serde_json::Error>| {
            body.map_err(|_| Unable::Unreadable("the answer".to_owned()))
        };
        let with = text(serde_json::to_string(with))?;
        let without = text(serde_json::to_string(without))?;
        let kept = flows::keep_shown_once(&desk.authority, with, without)?;
        Ok(Some(held.answer(status, kept)))
    }

    /// Ends the request: on a failure the key is free again, because nothing was done.
    pub(crate) async fn end<R: Serialize>(
        &self,
        desk: &Management,
        status: u16,
        result: Result<R, Problem>,
    ) -> Result<Response, Problem> {
        match result {
            Ok(body) => serde_json::to_vec(&body)
                .map(|body| json_response(status, body))
                .map_err(|failure| Problem::internal(&failure)),
            Err(problem) => {
                if let Some(held) = &self.held {
                    held.release(&desk.authority).await.map_err(unable)?;
                }
                Err(problem)
            }
        }
    }

    /// Keeps the answer of an effect that has no write set.
    pub(crate) async fn keep(
        &self,
        desk: &Management,
        answer: Option<KeptAnswer>,
    ) -> Result<(), Problem> {
        match (&self.held, answer) {
            (Some(held), Some((_, _, status, body))) => held
                .keep(&desk.authority, status, body)
                .await
                .map_err(unable),
            _ => Ok(()),
        }
    }
}
