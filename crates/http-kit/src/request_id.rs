use std::{fmt::Write as _, sync::Arc};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderName, HeaderValue};
use primitives::Entropy;

use crate::Problem;

/// The header that carries it, both ways.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of one request: the caller's own when it is sane, else one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// `text`, if it is 1 to 64 characters of `A-Z a-z 0-9 . _ -`: nothing that could break a
    /// log line or a header.
    #[must_use]
    pub fn sane(text: &str) -> Option<Self> {
        let fits = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
        (!text.is_empty() && text.len() <= 64 && text.bytes().all(fits))
            .then(|| Self(text.to_owned()))
    }

    /// A new one.
    #[must_use]
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut random = [0_u8; 12];
        // Ids only correlate log lines: without randomness a repeated id is no harm.
        let _ = entropy.fill(&mut random);
        let mut text = String::from("req_");
        for byte in random {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Gives the request its id, puts it on the answer, and into the body of a problem.
pub(crate) async fn identify(
    State(entropy): State<Arc<dyn Entropy>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = request
        .headers()
        .get(HEADER)
        .and_then(|value| RequestId::sane(value.to_str().ok()?))
        .unwrap_or_else(|| RequestId::new(&*entropy));
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let (parts, _) = response.into_parts();
        let (_, body) = problem.respond(id.as_str()).into_parts();
        response = Response::from_parts(parts, body);
        response.headers_mut().remove(http::header::CONTENT_LENGTH);
    }
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
