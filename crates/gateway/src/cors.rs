use bytes::Bytes;
use catalog::Cors;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::{Either, Full};
use request::CanonicalRequest;

use crate::answer::AnswerBody;

/// What a page may read of our answers beyond the safe headers.
const EXPOSED: &str = "Portreeve-Decision, RateLimit, RateLimit-Policy, Retry-After";

/// What every app may send.
const ALWAYS_ALLOWED: &str = "authorization, content-type, portreeve-account, traceparent";

/// How long a browser may remember a preflight, in seconds.
const MAX_AGE: &str = "600";

/// What an API's setting says about the page that a request comes from.
#[derive(Clone, Debug)]
pub(crate) struct FromPage {
    /// The page's origin, when the API allows it.
    allowed: Option<HeaderValue>,
    headers: String,
}

impl FromPage {
    /// `None` for an API without the setting: then its upstream speaks for itself.
    pub(crate) fn of(cors: Option<&Cors>, request: &CanonicalRequest) -> Option<Self> {
        let cors = cors?;
        let origin = request.headers.get(header::ORIGIN);
        let allowed = origin.filter(|origin| {
            cors.origins
                .iter()
                .any(|allowed| allowed.as_bytes() == origin.as_bytes())
        });
        Some(Self {
            allowed: allowed.cloned(),
            headers: cors.headers.join(", "),
        })
    }

    /// The answer to a preflight; `None` when the request is none. A preflight is never
    /// forwarded or decided: it carries no credential.
    pub(crate) fn preflight(&self, request: &CanonicalRequest) -> Option<Response<AnswerBody>> {
        let asks = request.method == Method::OPTIONS
            && request.headers.contains_key(header::ORIGIN)
            && request
                .headers
                .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !asks {
            return None;
        }
        let mut response = Response::new(Either::Left(Full::new(Bytes::new())));
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        if self.allowed.is_some() {
            let methods = request::METHODS.map(|method| method.to_string()).join(", ");
            let allowed = if self.headers.is_empty() {
                ALWAYS_ALLOWED.to_owned()
            } else {
                format!("{ALWAYS_ALLOWED}, {}", self.headers)
            };
            for (name, value) in [
                (header::ACCESS_CONTROL_ALLOW_METHODS, methods),
                (header::ACCESS_CONTROL_ALLOW_HEADERS, allowed),
                (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE.to_owned()),
            ] {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    headers.insert(name, value);
                }
            }
        }
        self.mark(headers);
        Some(response)
    }

    /// Lets the page read an answer, if it may; what the upstream says about it is replaced.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        for name in [
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
        ] {
            headers.remove(name);
        }
        headers.append(header::VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = &self.allowed {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(EXPOSED),
            );
        }
    }
}
