use admission::Refusal;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{Either, Full};
use http_kit::{Code, Problem, codes};
use primitives::{Mode, RecordId, Timestamp};
use request::RequestProblem;

use crate::answer::{self, AnswerBody};

/// Why a call is not answered by its upstream. Becomes an answer in [`No::respond`], and
/// nowhere else.
#[derive(Debug)]
pub(crate) enum No {
    /// The request has no single reading.
    Request(RequestProblem),
    /// Admission refuses.
    Decision(Box<Refusal>),
    /// The edge, or the way to the upstream, fails.
    Edge {
        code: &'static Code,
        detail: String,
        decision: Option<RecordId>,
    },
}

impl No {
    /// A failure of the edge before a decision.
    pub(crate) fn edge(code: &'static Code, detail: impl Into<String>) -> Self {
        Self::Edge {
            code,
            detail: detail.into(),
            decision: None,
        }
    }

    /// The same for a call that was admitted.
    pub(crate) fn of(mut self, id: RecordId) -> Self {
        if let Self::Edge { decision, .. } = &mut self {
            *decision = Some(id);
        }
        self
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Request(problem) => problem.code(),
            Self::Decision(refusal) => refusal.code,
            Self::Edge { code, .. } => code.code,
        }
    }

    /// The caller's mode, when a refusal of admission knows it.
    pub(crate) fn mode(&self) -> Option<Mode> {
        match self {
            Self::Decision(refusal) => refusal.mode,
            Self::Request(_) | Self::Edge { .. } => None,
        }
    }

    /// The answer that tells it; its code is explained at `site`.
    pub(crate) fn respond(
        self,
        site: &str,
        trace_id: &str,
        now: Timestamp,
    ) -> Response<AnswerBody> {
        let of = |code| {
            Problem::of(code)
                .explained_at(site)
                .with("trace_id", trace_id)
        };
        match self {
            Self::Request(problem) => {
                let code = codes::find(problem.code()).unwrap_or(&codes::MALFORMED_REQUEST);
                let is_method = matches!(problem, RequestProblem::Method(_));
                let mut response = told(of(code).because(problem.to_string()), None);
                if is_method {
                    let methods = request::METHODS.map(|method| method.to_string()).join(", ");
                    set(&mut response, header::ALLOW, &methods);
                }
                response
            }
            Self::Edge {
                code,
                detail,
                decision,
            } => {
                let mut response = told(of(code).because(detail), decision);
                if code.code == codes::OVERLOADED.code {
                    set(&mut response, header::RETRY_AFTER, "1");
                }
                response
            }
            Self::Decision(refusal) => {
                let code = codes::find(refusal.code).unwrap_or(&codes::INTERNAL);
                decided(of(code), *refusal, now)
            }
        }
    }
}

fn told(mut problem: Problem, decision: Option<RecordId>) -> Response<AnswerBody> {
    if let Some(decision) = decision {
        problem = problem.with("decision_id", decision.to_string());
    }
    let mut response = problem_response(problem.code.status.into(), &problem);
    if let Some(decision) = decision {
        answer::name_decision(response.headers_mut(), decision);
    }
    response
}

fn decided(problem: Problem, refusal: Refusal, now: Timestamp) -> Response<AnswerBody> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::FORBIDDEN);
    let mut problem = problem.because(refusal.detail);
    for (member, value) in refusal.more {
        problem = problem.with(&member, value);
    }
    let mut response = problem_response(status, &problem);
    answer::name_decision(response.headers_mut(), refusal.decision);
    answer::add_limits(response.headers_mut(), &refusal.limits, now);
    if status == StatusCode::UNAUTHORIZED {
        set(
            &mut response,
            header::WWW_AUTHENTICATE,
            "Basic realm=\"portreeve\"",
        );
    }
    if !refusal.allow.is_empty() {
        set(&mut response, header::ALLOW, &refusal.allow.join(", "));
    }
    if let Some(seconds) = refusal.retry_after {
        set(&mut response, header::RETRY_AFTER, &seconds.to_string());
    }
    response
}

/// The whole answer to bytes that are no request: nobody else is there to write it.
pub(crate) fn on_the_wire(
    code: &'static Code,
    detail: &str,
    site: &str,
    trace_id: &str,
) -> Vec<u8> {
    let problem = Problem::of(code)
        .explained_at(site)
        .with("trace_id", trace_id)
        .because(detail);
    let status = StatusCode::from(code.status);
    let body = serde_json::to_vec(&problem.document()).unwrap_or_default();
    let mut answer = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        body.len(),
    )
    .into_bytes();
    answer.extend_from_slice(&body);
    answer
}

fn problem_response(status: StatusCode, problem: &Problem) -> Response<AnswerBody> {
    let body = serde_json::to_vec(&problem.document()).unwrap_or_default();
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    set(
        &mut response,
        header::CONTENT_TYPE,
        "application/problem+json",
    );
    set(&mut response, header::CACHE_CONTROL, "no-store");
    response
}

fn set(response: &mut Response<AnswerBody>, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A code without an entry would be told as a failure of ours.
    #[test]
    fn every_code_of_a_decision_has_its_entry() {
        for (code, _) in decision::codes::ALL {
            assert!(codes::find(code).is_some(), "{code}");
        }
    }
}
