//! How long a body may be: what carries whole files may be long, what strangers send is short.

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use http::Method;

/// The longest body of all: whole state files and API descriptions.
pub const LONGEST_BODY: usize = 64 * 1024 * 1024;
/// The longest of what anybody sends, developers and apps included: a form.
const SHORT_BODY: usize = 64 * 1024;
/// The longest of a report of leaked secrets.
pub(crate) const REPORT_BODY: usize = 128 * 1024;
/// The longest of everything else.
const BODY: usize = 1024 * 1024;

/// The most bytes that an operation takes.
pub(crate) fn most_bytes(method: &Method, path: &str) -> usize {
    let starts = |starts: &[&str]| starts.iter().any(|start| path.starts_with(start));
    match path {
        "/v1/state/apply" | "/v1/state/diff" | "/v1/import" => LONGEST_BODY,
        "/v1/descriptions/{name}" | "/v1/lists/{name}" if *method == Method::PUT => LONGEST_BODY,
        "/v1/leaked-secrets" => REPORT_BODY,
        _ if starts(&["/v1/me/", "/v1/developer/", "/v1/registrations"]) => SHORT_BODY,
        _ if starts(&["/v1/sign-ins", "/v1/access-tokens", "/v1/password"]) => SHORT_BODY,
        _ if starts(&["/v1/one-time-codes", "/v1/recovery-codes", "/v1/passkeys"]) => SHORT_BODY,
        _ => BODY,
    }
}

/// Holds every body to the bound of its operation.
pub(crate) async fn hold(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let most = path.map_or(SHORT_BODY, |path| {
        most_bytes(request.method(), path.as_str())
    });
    next.run(http_kit::bounded(request, most)).await
}
