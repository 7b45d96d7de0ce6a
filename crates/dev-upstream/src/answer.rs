use std::sync::Arc;

use bytes::Bytes;
use catalog::Lookup;
use http::{HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use request::{CanonicalPath, Query};
use serde_json::{Map, Value, json};
use verifier::{Context, RequestLine};

use crate::{
    Received,
    builder::{Served, Shared},
    call,
    demand::{self, TOKEN_SECONDS},
    fault::{Close, Faults},
    log::shown_headers,
};

/// The connection is closed instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the caller asked for a closed connection")]
pub(crate) struct Closed;

const MOST_BODY_BYTES: usize = 16 << 20;

/// An answer before it is written.
struct Answer {
    status: StatusCode,
    body: Value,
    challenge: Option<&'static str>,
}

impl Answer {
    fn new(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            body,
            challenge: None,
        }
    }

    fn refusal(status: StatusCode, code: &str, detail: impl std::fmt::Display) -> Self {
        Self::new(
            status,
            json!({ "code": code, "detail": detail.to_string() }),
        )
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        let body = Bytes::from(self.body.to_string());
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(challenge) = self.challenge {
            let challenge = HeaderValue::from_static(challenge);
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// A call with everything that was read of it.
struct Call {
    parts: Parts,
    path: CanonicalPath,
    query: Query,
    bytes: Bytes,
}

pub(crate) async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Closed> {
    let (parts, body) = request.into_parts();
    let refused = |status, code: &str| Ok(Answer::refusal(status, code, code).into_response());
    let Ok(body) = Limited::new(body, MOST_BODY_BYTES).collect().await else {
        return refused(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large");
    };
    let path = CanonicalPath::parse(parts.uri.path());
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let (Ok(path), Ok(query)) = (path, query) else {
        return refused(StatusCode::BAD_REQUEST, "malformed_request");
    };
    let call = Call {
        parts,
        path,
        query,
        bytes: body.to_bytes(),
    };
    let own: Vec<&str> = call.path.segments().iter().map(|part| &**part).collect();
    match own.as_slice() {
        ["oauth", "token"] => return Ok(token(&shared, &call).into_response()),
        ["_received"] => {
            let shown: Vec<_> = shared.log.all().iter().map(Received::shown).collect();
            return Ok(Answer::new(StatusCode::OK, json!(shown)).into_response());
        }
        _ => {}
    }
    described(&shared, &call).await
}

/// A call to one of the APIs: faults first, then what the upstream demands, then the effect.
async fn described(shared: &Shared, call: &Call) -> Result<Response<Full<Bytes>>, Closed> {
    let Some((api, segments)) = shared.api(call.path.segments()) else {
        let detail = "no API is served below this path";
        return Ok(Answer::refusal(StatusCode::NOT_FOUND, "no_such_api", detail).into_response());
    };
    let mut received = Received {
        prefix: api.prefix.clone(),
        operation: None,
        method: call.parts.method.clone(),
        target: call.parts.uri.to_string(),
        headers: call.parts.headers.clone(),
        body: call.bytes.clone(),
        account: None,
        decision: None,
        status: None,
    };
    let faults = match Faults::of(&call.parts.headers) {
        Ok(faults) => faults,
        Err(part) => {
            let detail = format!("`{part}` is no fault");
            let answer = Answer::refusal(StatusCode::BAD_REQUEST, "malformed_request", detail);
            return Ok(answer.into_response());
        }
    };
    if let Some(delay) = faults.delay {
        tokio::time::sleep(delay).await;
    }
    if faults.close == Some(Close::Before) {
        shared.log.add(received);
        return Err(Closed);
    }
    let mut answer = match faults.status {
        Some(status) => Answer::refusal(status, "asked_for", "the caller asked for this status"),
        None => {
            effect(shared, api, segments, call, &mut received).unwrap_or_else(|refused| refused)
        }
    };
    if faults.close == Some(Close::After) {
        shared.log.add(received);
        return Err(Closed);
    }
    received.status = Some(answer.status);
    if let Value::Object(members) = &mut answer.body {
        members.insert("received".to_owned(), echo(call, &received));
    }
    shared.log.add(received);
    Ok(answer.into_response())
}

/// Our own id of the account that the context names.
fn external_id(context: Option<&Context>) -> Option<String> {
    context?.account.as_ref()?.external_id.clone()
}

/// What the call does, when it brings what is demanded.
fn effect(
    shared: &Shared,
    api: &Served,
    segments: &[Box<str>],
    call: &Call,
    received: &mut Received,
) -> Result<Answer, Answer> {
    let now = shared.clock.now();
    let context = context(shared, api, call);
    let acted_for = context
        .as_ref()
        .ok()
        .and_then(|context| external_id(context.as_ref()));
    let demanded = api.demanded_for(acted_for.as_deref());
    if !demanded.met(&call.parts.headers, &shared.tokens, now) {
        let detail = "the upstream's own credential is missing or wrong";
        let refusal = Answer::refusal(StatusCode::UNAUTHORIZED, "credential_refused", detail);
        return Err(Answer {
            challenge: Some(demanded.challenge()),
            ..refusal
        });
    }
    let context = context?;
    let external = external_id(context.as_ref());
    received.decision = context.as_ref().map(|context| context.decision.to_string());
    received.account.clone_from(&external);
    let method = call.parts.method.as_str();
    let found = match api.lookup(method, segments, call.path.trailing_slash()) {
        Lookup::Found(found) => found,
        Lookup::MethodNotAllowed(known) => {
            let detail = format!("only {}", known.join(", "));
            let status = StatusCode::METHOD_NOT_ALLOWED;
            return Err(Answer::refusal(status, "method_unknown", detail));
        }
        Lookup::Unknown => {
            let detail = "the description has no such path";
            return Err(Answer::refusal(
                StatusCode::NOT_FOUND,
                "path_unknown",
                detail,
            ));
        }
    };
    received.operation = Some(found.value.clone());
    let body = call::body(&call.parts.headers, &call.bytes);
    let unknown = external
        .as_deref()
        .filter(|account| !api.accounts.is_empty() && !api.accounts.contains(*account))
        .map(str::to_owned)
        .or_else(|| call::our_id(&call.path, &call.query, &body))
        .or_else(|| call::other_account(api, &found, external.as_deref()).map(str::to_owned));
    if let Some(unknown) = unknown {
        let detail = format!("there is no account `{unknown}` here");
        return Err(Answer::refusal(
            StatusCode::NOT_FOUND,
            "account_unknown",
            detail,
        ));
    }
    let place = call::place(api, &found, segments, external.as_deref());
    if place.id.is_some() && place.id == external {
        // An account that the upstream knows is an object it has.
        shared.objects.ensure(&place);
    }
    let fields = match body {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    let (status, object) = shared.objects.act(&call.parts.method, &place, fields);
    Ok(Answer::new(status, object))
}

/// The signed context, when one is demanded.
fn context(shared: &Shared, api: &Served, call: &Call) -> Result<Option<Context>, Answer> {
    let Some(verifier) = &api.context else {
        return Ok(None);
    };
    let request = Request::from_parts(call.parts.clone(), ());
    let read = verifier::token(&call.parts.headers)
        .and_then(|token| verifier.verify(token, &RequestLine::of(&request)?, shared.clock.now()));
    read.map(Some)
        .map_err(|refusal| Answer::refusal(StatusCode::FORBIDDEN, "context_refused", refusal))
}

fn echo(call: &Call, received: &Received) -> Value {
    let query = call.query.pairs().map(|(name, value)| json!([name, value]));
    json!({
        "operation": received.operation,
        "method": call.parts.method.as_str(),
        "path": call.parts.uri.path(),
        "query": query.collect::<Vec<_>>(),
        "headers": shown_headers(&call.parts.headers),
        "body": call::body(&call.parts.headers, &call.bytes),
        "account": received.account,
        "decision": received.decision,
    })
}

/// OAuth 2.0 client credentials (RFC 6749, section 4.4).
fn token(shared: &Shared, call: &Call) -> Answer {
    let refused = |status, error: &str| Answer::new(status, json!({ "error": error }));
    if call.parts.method != Method::POST {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "invalid_request");
    }
    let form = std::str::from_utf8(&call.bytes)
        .ok()
        .and_then(|text| Query::parse(text).ok());
    let Some(form) = form else {
        return refused(StatusCode::BAD_REQUEST, "invalid_request");
    };
    if form.single("grant_type") != Ok(Some("client_credentials")) {
        return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    let known = demand::client(&call.parts.headers, &form).filter(|(name, given)| {
        shared.clients().any(|(client, secret)| {
            client == name && keys::same(given.as_bytes(), secret.expose().as_bytes())
        })
    });
    let Some((client, _)) = known else {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    };
    match shared.tokens.issue(&client, shared.clock.now()) {
        Some(token) => Answer::new(
            StatusCode::OK,
            json!({ "access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS }),
        ),
        None => refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
    }
}
