use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder},
};

use crate::{Code, codes};

/// An answer that says no, in the form of RFC 9457.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Its code, which gives type, status and title.
    pub code: &'static Code,
    /// What is wrong with this request, and what to do.
    pub detail: String,
    /// The origin whose page explains the code; the one that answers, if `None`.
    pub explained_at: Option<Box<str>>,
    /// Id of the request; filled in at the edge.
    pub instance: Option<String>,
    /// Every single fault, with its place.
    pub errors: Vec<FieldProblem>,
    /// What this kind of problem tells beyond that. Boxed, because most have nothing to add.
    pub more: Option<Box<Map<String, Value>>>,
}

/// The body of a [`Problem`].
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument<'a> {
    /// Address of the page that explains the code.
    #[serde(rename = "type")]
    #[schema(example = "/docs/problems#not_found")]
    kind: String,
    /// What the code means, always the same for a code.
    title: &'static str,
    /// HTTP status.
    status: u16,
    /// What is wrong with this request, and what to do.
    detail: &'a str,
    /// Stable machine-readable code.
    #[schema(example = "not_found")]
    code: &'static str,
    /// Id of the request, as in `X-Request-Id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    /// Every single fault, with its place.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldProblem],
    /// What this kind of problem tells beyond that.
    #[serde(flatten)]
    #[schema(value_type = BTreeMap<String, Value>)]
    more: Option<&'a Map<String, Value>>,
}

/// One fault in what was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// The file it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// JSON Pointer (RFC 6901) into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What is wrong.
    pub detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Problem {
    /// A problem with `code`, whose detail is the code's explanation and mend.
    #[must_use]
    pub fn of(code: &'static Code) -> Self {
        Self {
            code,
            detail: format!("{}; {}", code.explanation, code.mend),
            explained_at: None,
            instance: None,
            errors: Vec::new(),
            more: None,
        }
    }

    /// The same, explained at another origin than the one that answers: behind a provider's API
    /// there is no page of ours.
    #[must_use]
    pub fn explained_at(mut self, origin: &str) -> Self {
        self.explained_at = Some(origin.into());
        self
    }

    /// The same with a detail of its own.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The same with one more fault.
    #[must_use]
    pub fn at(mut self, fault: FieldProblem) -> Self {
        self.errors.push(fault);
        self
    }

    /// The same with one more member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        let more = self.more.get_or_insert_default();
        more.insert(member.to_owned(), value.into());
        self
    }

    /// Our own failure: `cause` goes to the log, the caller learns only the request id.
    #[must_use]
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        Self::caused(&codes::INTERNAL, cause)
    }

    /// Our own failure, of a kind that callers are told: `cause` goes to the log.
    #[must_use]
    pub fn caused(code: &'static Code, cause: &dyn std::error::Error) -> Self {
        let causes: Vec<String> = std::iter::successors(Some(cause), |c| c.source())
            .map(ToString::to_string)
            .collect();
        tracing::error!(
            causes = causes.join(": "),
            code = code.code,
            "request failed"
        );
        Self::of(code)
    }

    /// The body that tells it.
    #[must_use]
    pub fn document(&self) -> ProblemDocument<'_> {
        ProblemDocument {
            kind: format!(
                "{}/docs/problems#{}",
                self.explained_at.as_deref().unwrap_or_default(),
                self.code.code
            ),
            title: self.code.title,
            status: self.code.status.as_u16(),
            detail: &self.detail,
            code: self.code.code,
            instance: self.instance.as_deref(),
            errors: &self.errors,
            more: self.more.as_deref(),
        }
    }

    /// The answer with the request's id filled in.
    pub(crate) fn respond(mut self, instance: &str) -> Response {
        self.instance = Some(instance.to_owned());
        self.into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from(self.code.status);
        let body = serde_json::to_vec(&self.document()).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            let scheme = if self.code.code.starts_with("token") {
                HeaderValue::from_static("Bearer realm=\"portreeve\"")
            } else {
                HeaderValue::from_static("Basic realm=\"portreeve\"")
            };
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The `default` response of every operation: a [`Problem`].
pub struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build();
        let response = ResponseBuilder::new()
            .description("What went wrong, with a stable code (RFC 9457)")
            .content("application/problem+json", content)
            .build();
        BTreeMap::from([("default".to_owned(), response.into())])
    }
}
