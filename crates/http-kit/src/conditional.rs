use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};

use crate::{FieldProblem, Problem, codes};

/// A strong entity tag (RFC 9110, section 8.8.3): the version of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag(String);

impl EntityTag {
    /// The tag of version `version`.
    #[must_use]
    pub fn of(version: u64) -> Self {
        Self(format!("\"{version}\""))
    }

    /// The tag with its quotes, as `ETag` carries it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The header value.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or(HeaderValue::from_static("\"\""))
    }
}

/// The tags a precondition lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// `*`: whatever is there.
    Any,
    /// One of these; weak ones as they were sent.
    Listed(Vec<String>),
}

/// `If-Match` and `If-None-Match` of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    /// What the resource must be.
    pub if_match: Option<Tags>,
    /// What it must not be.
    pub if_none_match: Option<Tags>,
}

impl Precondition {
    /// Whether a write may go on, when the resource's tag is `current`.
    ///
    /// # Errors
    /// 412 when a condition does not hold.
    pub fn check_write(&self, current: Option<&EntityTag>) -> Result<(), Problem> {
        let matches = match (&self.if_match, current) {
            (None, _) | (Some(Tags::Any), Some(_)) => true,
            (Some(_), None) => false,
            // Strong comparison: a weak tag never matches.
            (Some(Tags::Listed(tags)), Some(tag)) => tags.contains(&tag.0),
        };
        if matches && !self.excludes(current) {
            return Ok(());
        }
        Err(Self::failed(current))
    }

    /// 412, with what the resource is at.
    #[must_use]
    pub fn failed(current: Option<&EntityTag>) -> Problem {
        let detail = match current {
            Some(tag) => format!(
                "the resource is at `{}`; read it again, repeat the change on what is there, and send its tag",
                tag.0
            ),
            None => "the resource does not exist; leave `If-Match` out to create it".to_owned(),
        };
        Problem::of(&codes::PRECONDITION_FAILED).because(detail)
    }

    /// Whether a read may answer 304 Not Modified.
    #[must_use]
    pub fn is_unchanged(&self, current: &EntityTag) -> bool {
        self.excludes(Some(current))
    }

    fn excludes(&self, current: Option<&EntityTag>) -> bool {
        match (&self.if_none_match, current) {
            (None, _) | (_, None) => false,
            (Some(Tags::Any), Some(_)) => true,
            // Weak comparison, as RFC 9110, section 13.1.2 has it.
            (Some(Tags::Listed(tags)), Some(tag)) => {
                tags.iter().any(|t| t.trim_start_matches("W/") == tag.0)
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Precondition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self {
            if_match: read(&parts.headers, &header::IF_MATCH)?,
            if_none_match: read(&parts.headers, &header::IF_NONE_MATCH)?,
        })
    }
}

fn read(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Problem> {
    let mut listed = Vec::new();
    for value in headers.get_all(name) {
        let text = value.to_str().map_err(|_| malformed(name))?;
        if text.trim() == "*" {
            return Ok(Some(Tags::Any));
        }
        for tag in text.split(',').map(str::trim) {
            let opaque = tag.strip_prefix("W/").unwrap_or(tag);
            let quoted = opaque.len() >= 2 && opaque.starts_with('"') && opaque.ends_with('"');
            if !quoted {
                return Err(malformed(name));
            }
            listed.push(tag.to_owned());
        }
    }
    Ok((!listed.is_empty()).then_some(Tags::Listed(listed)))
}

fn malformed(name: &HeaderName) -> Problem {
    Problem::of(&codes::HEADER_MALFORMED).at(FieldProblem {
        field: Some(name.to_string()),
        detail: "it is neither `*` nor a list of quoted entity tags".to_owned(),
        ..FieldProblem::default()
    })
}
