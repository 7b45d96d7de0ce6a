use std::{ops::Deref, sync::Arc};

use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use flows::{Caller, Person, Unable, find_caller};
use http::{HeaderMap, header, request::Parts};
use http_kit::{Problem, codes};
use keys::{IssuedFor, read_issued};
use primitives::{AccountId, PersonId};
use store::SignInKind;

use crate::{Management, authorization, refusals::unable};

/// Whoever asks, known and allowed to.
#[derive(Clone)]
pub(crate) struct By(Arc<Caller>);

impl Deref for By {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl By {
    /// The id of the person who asks; the operator token is nobody's.
    pub(crate) fn person(&self) -> Result<PersonId, Problem> {
        Ok(self.own()?.kept.id)
    }

    /// The person who asks, as they were when they asked.
    pub(crate) fn own(&self) -> Result<&Person, Problem> {
        self.0.person.as_ref().ok_or_else(|| {
            let why = "the operator token is nobody's: use an access token of a person";
            Problem::of(&codes::CHANGE_REFUSED).because(why)
        })
    }
}

impl By {
    /// The developer account of whoever asks.
    pub(crate) fn developer(&self) -> Result<AccountId, Problem> {
        let developer = self.0.duties().developer;
        developer.ok_or_else(|| Problem::of(&codes::ROLE_MISSING))
    }
}

impl<S: Sync> FromRequestParts<S> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let by = parts.extensions.get::<Self>().cloned();
        by.ok_or_else(|| Problem::of(&codes::TOKEN_MISSING))
    }
}

/// Lets a request through that carries the operator token, or the access token of a person whose
/// roles open this door.
pub(crate) async fn require(
    State(desk): State<Management>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    match check(&desk, &parts).await {
        Ok(by) => {
            parts.extensions.insert(by);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// The same on the site: only an access token of somebody who belongs to a developer account,
/// so that nothing of the provider's can be tried there.
pub(crate) async fn require_developer(
    State(desk): State<Management>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let checked = match bearer(&parts.headers) {
        Ok(token) if read_issued(token) == Ok(Some(IssuedFor::Person)) => {
            check(&desk, &parts).await
        }
        Ok(_) => Err(Problem::of(&codes::TOKEN_UNKNOWN)),
        Err(problem) => Err(problem),
    };
    match checked.and_then(|by| by.developer().map(|_| by)) {
        Ok(by) => {
            parts.extensions.insert(by);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn check(desk: &Management, request: &Parts) -> Result<By, Problem> {
    let caller = caller(desk, &request.headers).await?;
    let path = request.extensions.get::<MatchedPath>();
    let action = path.and_then(|path| authorization::action(&request.method, path.as_str()));
    let action = action.ok_or_else(|| Problem::of(&codes::ROLE_MISSING))?;
    if caller.may(action).is_none() {
        let why = format!("to {} one needs {}", action.as_str(), action.needs());
        return Err(Problem::of(&codes::ROLE_MISSING).because(why));
    }
    Ok(By(Arc::new(caller)))
}

/// The one bearer token of a request.
fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
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
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(unknown());
    }
    Ok(token.trim())
}

pub(crate) async fn caller(desk: &Management, headers: &HeaderMap) -> Result<Caller, Problem> {
    let token = bearer(headers)?;
    let unknown = || Problem::of(&codes::TOKEN_UNKNOWN);
    if read_issued(token) == Ok(Some(IssuedFor::Person)) {
        let found = find_caller(&desk.authority, token, SignInKind::Token);
        let found: Result<Option<Caller>, Unable> = found.await;
        return found.map_err(unable)?.ok_or_else(unknown);
    }
    // Compared in constant time.
    let matches = desk.token.matches(token, &desk.authority.hashing);
    matches.then(|| Caller::owner(None)).ok_or_else(unknown)
}
