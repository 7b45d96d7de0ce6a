use axum::extract::FromRequestParts;
use http::{HeaderMap, request::Parts};

use crate::{FieldProblem, Problem, codes};

/// The `Idempotency-Key` header: a request with the same key and content happens once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

impl IdempotencyKey {
    /// The header's name.
    pub const HEADER: &'static str = "idempotency-key";

    /// Reads the headers of a request.
    ///
    /// # Errors
    /// When there are several keys, or one that is not 1 to 128 visible ASCII characters.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(Self::HEADER).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            let several = headers.contains_key(Self::HEADER);
            return if several {
                Err(malformed())
            } else {
                Ok(Self(None))
            };
        };
        // The draft standard writes a quoted string, most clients write a bare one.
        let text = value.to_str().map_err(|_| malformed())?.trim();
        let bare = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(text);
        let fits = bare.bytes().all(|c| c.is_ascii_graphic() && c != b'"');
        if bare.is_empty() || bare.len() > 128 || !fits {
            return Err(malformed());
        }
        Ok(Self(Some(bare.to_owned())))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.headers)
    }
}

fn malformed() -> Problem {
    Problem::of(&codes::IDEMPOTENCY_KEY_MALFORMED).at(FieldProblem {
        field: Some("Idempotency-Key".to_owned()),
        detail: "it is not one text of 1 to 128 visible ASCII characters".to_owned(),
        ..FieldProblem::default()
    })
}
