use std::{net::IpAddr, sync::Arc};

use admission::{Arrival, Arrived, AwaitingBody};
use bytes::Bytes;
use http::{Request, Response, header};
use http_body::Body;
use http_kit::{TraceContext, codes};
use hyper::body::Incoming;
use primitives::{Mode, Name, Timestamp};
use request::{CanonicalRequest, RequestProblem};
use tokio::sync::OwnedSemaphorePermit;

use crate::{
    answer::AnswerBody,
    arrival::{self, Peer},
    body::{self, BodyFailure, Read},
    cors::FromPage,
    forward::{self, Sending},
    gateway::Door,
    load::{Place, Slot},
    metrics::Told,
    refusal::No,
    trailers::{Trailers, Trailing},
};

/// One call, as every step of it sees it.
pub(crate) struct Call {
    pub(crate) request: CanonicalRequest,
    pub(crate) trace: TraceContext,
    /// Whether the trace is the caller's own.
    pub(crate) traced: bool,
    pub(crate) peer: Peer,
    /// Where the call comes from, as far as our own proxies tell.
    pub(crate) address: IpAddr,
    pub(crate) trailing: Trailing,
}

/// Answers one request, whatever happens.
#[expect(
    clippy::manual_async_fn,
    reason = "an async function would keep the request twice for the time of the call"
)]
pub(crate) fn answer(
    door: &Arc<Door>,
    peer: Peer,
    request: Request<Incoming>,
) -> impl Future<Output = Response<AnswerBody>> + Send {
    async move {
        let began = door.clock.now();
        let (read, body) = read(door, peer, request);
        let mut call = match read {
            Ok(call) => call,
            Err((problem, trace)) => {
                let no = Err(No::Request(problem));
                return conclude(door, Default::default(), no, &trace, began);
            }
        };
        let (api, page) = mounted(door, &call.request);
        let api = api.as_ref().map_or("", Name::as_str);
        if let Some(response) = page.as_ref().and_then(|page| page.preflight(&call.request)) {
            let told = Told {
                preflight: true,
                ..Told::default()
            };
            let micros = door.clock.now().micros_since(began);
            door.metrics.call(api, told, micros);
            return response;
        }
        let expects = call.request.headers.contains_key(header::EXPECT);
        let mut told = Told::default();
        let mut unread = Some(body);
        let answered = attempt(door, (&mut call, api), &mut unread, &mut told).await;
        if let Some(unread) = unread.filter(|_| !expects) {
            tokio::spawn(body::discard(unread, door.limits.body_bytes));
        }
        let mut response = conclude(door, (api, told), answered, &call.trace, began);
        if let Some(page) = page {
            page.mark(response.headers_mut());
        }
        response
    }
}

/// Reads the head of a request.
fn read(
    door: &Door,
    peer: Peer,
    request: Request<Incoming>,
) -> (Result<Call, (RequestProblem, TraceContext)>, Incoming) {
    let (parts, body) = request.into_parts();
    let (trace, traced) = arrival::trace(&parts.headers, &door.entropy);
    let trailing = Trailing::of(&parts.headers);
    let read = CanonicalRequest::read(&parts.method, &parts.uri, parts.headers);
    let call = read.map(|request| Call {
        address: arrival::caller_address(peer.address, &request.headers, &door.limits),
        trailing,
        request,
        trace,
        traced,
        peer,
    });
    (call.map_err(|problem| (problem, trace)), body)
}

/// The name of the API that the request is for, and what it says about pages.
fn mounted(door: &Door, request: &CanonicalRequest) -> (Option<Name>, Option<FromPage>) {
    let snapshot = door.snapshots.load();
    match snapshot.mounted(Some(request.host.name()), request.path.written()) {
        Some(mounted) => (
            Some(mounted.api.name.clone()),
            FromPage::of(mounted.api.cors.as_ref(), request),
        ),
        None => (None, None),
    }
}

fn conclude(
    door: &Door,
    (api, mut told): (&str, Told),
    answered: Result<Response<AnswerBody>, No>,
    trace: &TraceContext,
    began: Timestamp,
) -> Response<AnswerBody> {
    let now = door.clock.now();
    told.answered = answered.is_ok();
    let response = match answered {
        Ok(response) => response,
        Err(no) => {
            told.code = no.code();
            told.mode = no.mode().map_or(told.mode, Mode::as_str);
            no.respond(&door.site, &trace.trace_id(), now)
        }
    };
    door.metrics.call(api, told, now.micros_since(began));
    response
}

/// Leaves in `unread` a body that nobody wanted.
async fn attempt(
    door: &Arc<Door>,
    (call, api): (&mut Call, &str),
    unread: &mut Option<Incoming>,
    told: &mut Told,
) -> Result<Response<AnswerBody>, No> {
    let Ok(permit) = Arc::clone(&door.calls).try_acquire_owned() else {
        return Err(overloaded());
    };
    let presented = arrival::presented(&call.request.headers, &call.peer);
    let place = door.load.enter(api, &presented, &door.snapshots.load());
    let slot = Slot {
        permit,
        place: place.ok_or_else(overloaded)?,
    };
    if unread.as_ref().is_none_or(Body::is_end_stream) {
        slot.place.begin();
    }
    let declared = unread.as_ref().map_or(0, |body| body.size_hint().lower());
    if declared > door.limits.body_bytes {
        return Err(broken(BodyFailure::TooLong(door.limits.body_bytes)));
    }
    // Kept until the call is answered: so long the bytes may be on their way.
    let mut held = None;
    let trace_id = call.trace.trace_id();
    let arrived = door
        .admission
        .arrive(Arrival {
            request: &call.request,
            peer: call.address,
            trace_id: &trace_id,
            presented: &presented,
        })
        .await;
    let (arrived, taken) = match arrived {
        Arrived::NeedsBody(waiting) => {
            held = Some(room(door, unread.as_ref())?);
            // Apart: most calls have no body that decides.
            Box::pin(decide_by_body((door, call), waiting, unread, &slot.place)).await?
        }
        arrived => (arrived, Taken::Begun(Bytes::new())),
    };
    match arrived {
        Arrived::Permitted(permit) => {
            told.mode = permit.mode().map_or("", Mode::as_str);
            told.code = permit.would_refuse();
            let sending = match (taken, unread.take()) {
                // A body of nothing needs nobody to wait for it.
                (Taken::Begun(begun), Some(rest)) if begun.is_empty() && rest.is_end_stream() => {
                    Sending::Whole(begun, None)
                }
                (Taken::Begun(begun), Some(rest)) => Sending::Streamed(begun, rest),
                (Taken::Whole(bytes, trailers), _) => Sending::Whole(bytes, trailers),
                (Taken::Begun(bytes), None) => Sending::Whole(bytes, None),
            };
            let answered = forward::forward(door, call, permit, sending, slot).await;
            drop(held);
            answered
        }
        Arrived::Refused(refusal) => Err(No::Decision(refusal)),
        Arrived::NeedsBody(_) => Err(No::edge(
            &codes::INTERNAL,
            "the decision asked for the body twice",
        )),
    }
}

fn overloaded() -> No {
    No::edge(&codes::OVERLOADED, codes::OVERLOADED.explanation)
}

/// Room for the body that a decision needs.
fn room(door: &Door, body: Option<&Incoming>) -> Result<OwnedSemaphorePermit, No> {
    let most = door.limits.decision_body_bytes;
    let declared = body.and_then(|body| body.size_hint().upper());
    let wanted = declared.unwrap_or(most).min(most);
    door.load.hold(wanted).ok_or_else(overloaded)
}

/// What was taken of a body for the decision.
enum Taken {
    Whole(Bytes, Trailers),
    /// The beginning; the rest is unread.
    Begun(Bytes),
}

/// Reads the body of a call whose decision depends on it, and decides. What cannot be read goes
/// back to admission, which lets it pass where decisions do not bind.
async fn decide_by_body(
    (door, call): (&Door, &Call),
    waiting: AwaitingBody,
    unread: &mut Option<Incoming>,
    place: &Place,
) -> Result<(Arrived, Taken), No> {
    if is_encoded(call) {
        let why = "the body is encoded, and facts are read from plain ones only: send it without `Content-Encoding`";
        let code = codes::MALFORMED_REQUEST.code;
        let arrived = waiting.without_body(code, why).await;
        return Ok((arrived, Taken::Begun(Bytes::new())));
    }
    let limits = &door.limits;
    let times = (limits.body_idle, limits.body_total);
    let read = match unread.as_mut() {
        Some(body) => body::read(body, limits.decision_body_bytes, times).await,
        None => Ok(Read::Whole(Bytes::new(), None)),
    };
    match read.map_err(broken)? {
        Read::Whole(bytes, trailers) => {
            *unread = None;
            place.begin();
            let content_type = call.request.headers.get(header::CONTENT_TYPE);
            let content_type = content_type.and_then(|value| value.to_str().ok());
            let arrived = waiting.with_body(content_type, &bytes).await;
            Ok((arrived, Taken::Whole(bytes, trailers)))
        }
        Read::More(begun) => {
            let why = BodyFailure::TooLong(limits.decision_body_bytes).to_string();
            let code = codes::BODY_TOO_LARGE.code;
            let arrived = waiting.without_body(code, why).await;
            Ok((arrived, Taken::Begun(begun)))
        }
    }
}

fn is_encoded(call: &Call) -> bool {
    let codings = call.request.headers.get_all(header::CONTENT_ENCODING);
    codings
        .iter()
        .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// A body that could not be taken, as a refusal.
pub(crate) fn broken(failure: BodyFailure) -> No {
    let code = match failure {
        BodyFailure::TooLong(_) => &codes::BODY_TOO_LARGE,
        BodyFailure::Paused | BodyFailure::Broken => &codes::MALFORMED_REQUEST,
    };
    No::edge(code, failure.to_string())
}
