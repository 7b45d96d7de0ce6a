use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use http_kit::{Problem, codes};

use crate::Management;

/// Who changes things here, as the event log calls them.
pub(crate) const ACTOR: &str = "operator";

/// Lets a request through that carries the operator token, and no other.
pub(crate) async fn require(
    State(desk): State<Management>,
    request: Request,
    next: Next,
) -> Response {
    match check(&desk, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(desk: &Management, headers: &HeaderMap) -> Result<(), Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values
        .next()
        .ok_or_else(|| Problem::of(&codes::TOKEN_MISSING))?;
    let unknown = || Problem::of(&codes::TOKEN_UNKNOWN);
    if values.next().is_some() {
        return Err(unknown());
    }
    let text = value.to_str().map_err(|_| unknown())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(unknown)?;
    // The hash is compared in constant time, and computed before anything else is looked at.
    let matches = desk.token.matches(token.trim(), &desk.authority.hashing);
    (matches && scheme.eq_ignore_ascii_case("bearer"))
        .then_some(())
        .ok_or_else(unknown)
}
