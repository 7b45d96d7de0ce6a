use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header, request::Parts};
use serde::{Serialize, de::DeserializeOwned};
use serde_path_to_error::{Path as SerdePath, Segment};

use crate::{
    FieldProblem, Problem, codes,
    twice::Unambiguous,
    words::{plain, shortened},
};

/// The longest pointer that is written into an answer, in characters.
const LONGEST_POINTER: usize = 1_000;

/// A JSON body, in or out. A body that cannot be read is a problem with its place.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let body = read_body(request, state).await?;
        read_json(&headers, &body).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// Reads the whole body, within the listener's limit.
///
/// # Errors
/// When it is too long, or breaks off.
pub async fn read_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection: BytesRejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::of(&codes::BODY_TOO_LARGE)
            } else {
                Problem::of(&codes::BODY_MALFORMED).because("the body broke off while it was read")
            }
        })
}

/// Reads `body` as the JSON that `headers` announce.
///
/// # Errors
/// When it is announced as something else, is not JSON, or not of the wanted shape: with line,
/// column and pointer.
pub fn read_json<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    if !is_json(headers) {
        return Err(Problem::of(&codes::MEDIA_TYPE_UNSUPPORTED));
    }
    if let Some(coding) = headers.get(header::CONTENT_ENCODING)
        && coding != "identity"
    {
        return Err(Problem::of(&codes::MEDIA_TYPE_UNSUPPORTED)
            .because("a body with a `Content-Encoding` is not taken; send it as it is"));
    }
    // A struct reads itself from a list as well, its fields by position: nobody means that.
    if body.trim_ascii_start().starts_with(b"[") {
        let detail = "this is a list, and an object is wanted".to_owned();
        return Err(Problem::of(&codes::BODY_MALFORMED).at(FieldProblem {
            pointer: Some(String::new()),
            detail,
            ..FieldProblem::default()
        }));
    }
    whole::<Unambiguous>(body)?;
    whole(body)
}

/// Reads all of `body`.
fn whole<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|failure| {
        let pointer = pointer(failure.path());
        unreadable(failure.inner(), Some(pointer))
    })?;
    reader.end().map_err(|failure| unreadable(&failure, None))?;
    Ok(value)
}

fn unreadable(failure: &serde_json::Error, pointer: Option<String>) -> Problem {
    let words = failure.to_string();
    let detail = words
        .rsplit_once(" at line ")
        .map_or(&*words, |(words, _)| words);
    let place = |number: usize| u32::try_from(number).ok().filter(|&n| n > 0);
    Problem::of(&codes::BODY_MALFORMED).at(FieldProblem {
        line: place(failure.line()),
        column: place(failure.column()),
        pointer: pointer.map(|pointer| shortened(&pointer, LONGEST_POINTER)),
        detail: plain(detail),
        ..FieldProblem::default()
    })
}

/// The path as a JSON Pointer (RFC 6901).
fn pointer(path: &SerdePath) -> String {
    let mut text = String::new();
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        text.push('/');
        text.push_str(&name);
    }
    text
}

fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(|essence| essence.trim().to_ascii_lowercase())
        .unwrap_or_default();
    media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

/// The query string, read into `T`; use `deny_unknown_fields` there.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query
            .map(|query| Self(query.0))
            .map_err(|rejection| query_problem(&rejection.body_text()))
    }
}

/// A query string that cannot be read, in words.
pub(crate) fn query_problem(words: &str) -> Problem {
    let words = words
        .trim_start_matches("Failed to deserialize query string: ")
        .to_owned();
    Problem::of(&codes::QUERY_INVALID).because(plain(&words))
}

/// The parameters of the path, read into `T`.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0)).map_err(|rejection| {
            let words = rejection.body_text();
            let words = words.trim_start_matches("Invalid URL: ");
            Problem::of(&codes::PATH_INVALID).because(plain(words))
        })
    }
}
