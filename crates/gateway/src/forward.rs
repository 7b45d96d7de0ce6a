use std::{mem, sync::Arc};

use admission::Permit;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::Body as _;
use http_body_util::Either;
use http_kit::codes;
use hyper::body::Incoming;
use journal::CallOutcome;
use tokio::time;

use crate::{
    answer::{self, AnswerBody, Passing},
    body::{self, BodyFailure, Outgoing, Progress, Read},
    credential::{self, CredentialProblem},
    exchange::{self, Call},
    gateway::Door,
    load::Slot,
    plan::{Plan, PlanProblem},
    pool::{self, Answering, Sender},
    refusal::No,
    settle::Settle,
    tokens::Wanted,
    trailers::{self, Trailers},
};

/// The body of a call that is to be forwarded.
pub(crate) enum Sending {
    /// It was read for the decision, with what followed it.
    Whole(Bytes, Trailers),
    /// It passes through, after what was read of it before.
    Streamed(Bytes, Incoming),
}

/// Bodies up to so many bytes are short.
const SHORT: u64 = 16 * 1024;

/// Forwards a permitted call once, and settles it whatever happens.
pub(crate) async fn forward(
    door: &Arc<Door>,
    call: &mut Call,
    mut permit: Box<Permit>,
    mut sending: Sending,
    slot: Slot,
) -> Result<Response<AnswerBody>, No> {
    let decision = permit.decision();
    let whole = match &mut sending {
        Sending::Whole(bytes, _) => Some(bytes),
        Sending::Streamed(..) => None,
    };
    let mut plan = match Plan::make(door, call, &mut permit, whole) {
        Ok(plan) => plan,
        Err(problem) => {
            permit.settle(CallOutcome::NotSent);
            return Err(unplanned(&problem).of(decision));
        }
    };
    if let Sending::Whole(_, Some(trailers)) = &sending {
        trailers::announce(trailers, &mut plan.headers);
    }
    let mut settle = Settle::new(permit, Arc::clone(&door.clock));
    let sender = if plan.identified {
        let mut headers = mem::take(&mut plan.headers);
        let presented = credential::present(door, plan.credential(), &mut headers).await;
        plan.headers = headers;
        presented.map_err(|problem| unpresented(&problem).of(decision))?
    } else {
        door.upstreams.plain()
    };
    let gathered = Box::pin(gathered(door, call, sending)).await;
    let sending = gathered.map_err(|failure| exchange::broken(failure).of(decision))?;
    let body = outgoing(door, sending, &settle).then_begins(&slot.place);
    let mut request = Request::new(body);
    *request.method_mut() = mem::take(&mut plan.method);
    *request.uri_mut() = mem::take(&mut plan.target);
    *request.headers_mut() = mem::take(&mut plan.headers);
    say_chunked(&mut request);
    let fetched = Fetched::of(&plan, request.headers());
    let sent = send(door, &plan, &sender, request, &mut settle).await;
    match &sent {
        Ok(_) => fares(door, &plan, true),
        Err(Unanswered::ByUpstream(_)) => fares(door, &plan, false),
        Err(Unanswered::ByCaller(_)) => {}
    }
    let upstream = sent.map_err(|unanswered| unanswered.no().of(decision))?;
    if upstream.status() == StatusCode::UNAUTHORIZED
        && let Some(fetched) = fetched
    {
        fetched.forget(door);
    }
    settle.answered(upstream.status().as_u16());
    slot.place
        .answered(plan.mode, !upstream.status().is_server_error());
    pass_back(door, &plan, upstream, settle, slot)
}

/// A short body is waited for before the upstream is asked: a caller who dawdles holds a connection
/// of its own and none to the upstream, and one who never ends was not forwarded.
async fn gathered(door: &Door, call: &Call, sending: Sending) -> Result<Sending, BodyFailure> {
    let Sending::Streamed(begun, mut rest) = sending else {
        return Ok(sending);
    };
    let length = rest.size_hint().exact();
    let awaits_word = call.request.headers.contains_key(header::EXPECT);
    if !begun.is_empty() || awaits_word || length.is_none_or(|length| length > SHORT) {
        return Ok(Sending::Streamed(begun, rest));
    }
    let times = (door.limits.body_idle, door.limits.body_total);
    Ok(match body::read(&mut rest, SHORT, times).await? {
        Read::Whole(bytes, trailers) => Sending::Whole(bytes, trailers),
        Read::More(begun) => Sending::Streamed(begun, rest),
    })
}

/// Says that a body without a known length comes in chunks. Left to itself, hyper sends GET and
/// HEAD without theirs.
fn say_chunked(request: &mut Request<Outgoing>) {
    if request.body().size_hint().exact().is_none() {
        let chunked = HeaderValue::from_static("chunked");
        request
            .headers_mut()
            .insert(header::TRANSFER_ENCODING, chunked);
    }
}

/// A token of the upstream's that was fetched and has been sent.
struct Fetched {
    wanted: Wanted,
    sent: Option<HeaderValue>,
}

impl Fetched {
    fn of(plan: &Plan, headers: &HeaderMap) -> Option<Self> {
        let wanted = credential::wanted(plan.credential())?;
        let sent = headers.get(header::AUTHORIZATION).cloned();
        Some(Self { wanted, sent })
    }

    /// The upstream does not take it any more.
    fn forget(&self, door: &Door) {
        let sent = self.sent.as_ref().and_then(|value| value.to_str().ok());
        let refused = sent.and_then(|value| value.strip_prefix("Bearer "));
        door.tokens
            .forget(&self.wanted, refused.unwrap_or_default());
    }
}

/// Why there is no answer: what a caller does wrong says nothing about the upstream.
enum Unanswered {
    ByCaller(No),
    ByUpstream(No),
}

impl Unanswered {
    fn no(self) -> No {
        match self {
            Self::ByCaller(no) | Self::ByUpstream(no) => no,
        }
    }
}

/// Notes how the upstream fares.
fn fares(door: &Door, plan: &Plan, answered: bool) {
    let now = door.clock.now();
    let failures = door
        .health
        .note(&plan.api, &plan.upstream.url, answered, now);
    if let Some(failures) = failures {
        door.metrics
            .upstream(plan.api.as_str(), plan.mode, failures);
    }
}

fn outgoing(door: &Door, sending: Sending, settle: &Settle) -> Outgoing {
    let progress = settle.progress.clone();
    match sending {
        Sending::Whole(bytes, trailers) => Outgoing::whole((bytes, trailers), progress),
        Sending::Streamed(begun, rest) => {
            let times = (door.limits.body_idle, door.limits.body_total);
            Outgoing::streamed((begun, rest), door.limits.body_bytes, times, progress)
        }
    }
}

/// Sends the request and waits for the head of its answer.
#[expect(
    clippy::manual_async_fn,
    reason = "an async function would keep the request twice for the time of the call"
)]
fn send<'a>(
    door: &'a Door,
    plan: &'a Plan,
    sender: &'a Sender,
    request: Request<Outgoing>,
    settle: &'a mut Settle,
) -> impl Future<Output = Result<Response<Answering>, Unanswered>> + Send + 'a {
    async move {
        let progress = request.body().progress();
        settle.sent();
        let answered = tokio::select! {
            biased;
            answered = sender.request(request) => answered,
            () = too_late(door, plan, &progress) => {
                return Err(Unanswered::ByUpstream(timed_out(plan)));
            }
        };
        match answered {
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                let problem = "it changed the protocol without being asked";
                Err(Unanswered::ByUpstream(unreachable(plan, problem)))
            }
            Ok(response) => Ok(response),
            Err(problem) => Err(unanswered(door, plan, &progress, &problem, settle)),
        }
    }
}

/// Ends when the upstream's time to answer is over. It begins when the request's body has gone
/// out, or would have had to.
async fn too_late(door: &Door, plan: &Plan, progress: &Progress) {
    if !progress.has_ended() {
        let _ = time::timeout(door.limits.body_total, progress.ended()).await;
    }
    time::sleep(plan.upstream.timeout).await;
}

fn unanswered(
    door: &Door,
    plan: &Plan,
    progress: &Progress,
    problem: &pool::Unanswered,
    settle: &mut Settle,
) -> Unanswered {
    if let Some(failure) = progress.failure(door.limits.body_bytes) {
        return Unanswered::ByCaller(exchange::broken(failure));
    }
    if matches!(problem, pool::Unanswered::Unconnected(_)) {
        settle.not_sent();
        tracing::warn!(api = %plan.api, url = plan.upstream.url, %problem, "no connection");
        return Unanswered::ByUpstream(No::edge(
            &codes::UPSTREAM_UNREACHABLE,
            "the API's server could not be reached; the call was not made and counts nothing",
        ));
    }
    Unanswered::ByUpstream(unreachable(plan, &problem.to_string()))
}

fn unreachable(plan: &Plan, problem: &str) -> No {
    tracing::warn!(api = %plan.api, url = plan.upstream.url, problem, "no answer");
    No::edge(
        &codes::UPSTREAM_UNREACHABLE,
        "the API's server broke off; whether it did the work is not known",
    )
}

fn timed_out(plan: &Plan) -> No {
    tracing::warn!(api = %plan.api, url = plan.upstream.url, "no answer in time");
    No::edge(
        &codes::UPSTREAM_TIMEOUT,
        codes::UPSTREAM_TIMEOUT.explanation,
    )
}

/// Our own set-up stands in the way. The operator reads why in the log; the app learns only
/// that it is not at fault.
fn not_set_up(problem: &dyn std::error::Error) -> No {
    tracing::error!(%problem, "a permitted call cannot be forwarded");
    No::edge(
        &codes::UPSTREAM_UNREACHABLE,
        "the way to the API is not set up; the call was not made and counts nothing",
    )
}

fn unplanned(problem: &PlanProblem) -> No {
    not_set_up(problem)
}

fn unpresented(problem: &CredentialProblem) -> No {
    not_set_up(problem)
}

/// Streams the upstream's answer back.
fn pass_back(
    door: &Door,
    plan: &Plan,
    upstream: Response<Answering>,
    settle: Settle,
    slot: Slot,
) -> Result<Response<AnswerBody>, No> {
    let (parts, body) = upstream.into_parts();
    let headers = answer::headers(parts.headers);
    let mut headers = headers.map_err(|problem| unreachable(plan, problem).of(plan.decision))?;
    headers.insert(answer::DECISION, plan.named.clone());
    answer::add_limits(&mut headers, &plan.limits, door.clock.now());
    let passing = Passing::new(body, door.limits.answer_idle, settle, slot.permit);
    let mut response = Response::new(Either::Right(passing));
    *response.status_mut() = parts.status;
    *response.headers_mut() = headers;
    Ok(response)
}
