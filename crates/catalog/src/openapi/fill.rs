use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::CallableOperation;
use crate::{Mount, ParameterPlace};

/// The longest target of a filled-in call, in bytes.
const LONGEST_TARGET: usize = 4_096;
/// The longest value of a header.
const LONGEST_HEADER: usize = 1_024;

/// What stands in a path or query as it is (RFC 3986, section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Headers that are the connection's, the credential's or ours, whatever a description says.
const NOT_FILLED: [&str; 17] = [
    "accept",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "traceparent",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];
/// What the names of more of them begin with.
const NOT_FILLED_BELOW: [&str; 4] = ["portreeve-", "proxy-", "sec-", "x-forwarded-"];

/// A call whose fields are filled in. It names no scheme and no address: where it goes is not a
/// matter of what somebody filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilledCall {
    /// In upper case.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The host that the API goes by; the listener's own when `None`.
    pub host: Option<String>,
    /// Headers of the operation.
    pub headers: Vec<(String, String)>,
    /// Media type and text of the body.
    pub body: Option<(String, String)>,
}

/// Why a call cannot be made of what was filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfilled {
    /// A field that must be there is empty.
    #[error("`{0}` must be filled in")]
    Missing(String),
    /// A value that cannot stand where it should.
    #[error("`{0}` cannot have this value")]
    Value(String),
    /// The whole is too long.
    #[error("path and query are longer than {LONGEST_TARGET} bytes")]
    TooLong,
    /// The operation takes no body of this type.
    #[error("the operation takes no body of type `{0}`")]
    BodyType(String),
    /// It needs a body.
    #[error("the operation needs a body")]
    BodyMissing,
}

/// Whether a field can be filled in: not a header that is the connection's, the credential's or
/// ours.
#[must_use]
pub fn is_filled(place: ParameterPlace, name: &str) -> bool {
    if place != ParameterPlace::Header {
        return place != ParameterPlace::Cookie;
    }
    let name = name.to_ascii_lowercase();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty()
        && name.bytes().all(is_token)
        && !NOT_FILLED.contains(&&*name)
        && !NOT_FILLED_BELOW.iter().any(|one| name.starts_with(one))
}

pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// The call of an operation at its mount, with the values that `value` has for its fields; `body`
/// is media type and text.
///
/// # Errors
/// When a value is missing or cannot stand where it should.
pub fn fill(
    operation: &CallableOperation,
    mount: &Mount,
    value: &dyn Fn(ParameterPlace, &str) -> Option<String>,
    body: Option<(&str, &str)>,
) -> Result<FilledCall, Unfilled> {
    let mut path = operation.template.clone();
    let (mut query, mut headers) = (Vec::new(), Vec::new());
    for field in &operation.fields {
        if !is_filled(field.place, &field.name) {
            continue;
        }
        let given = value(field.place, &field.name).filter(|text| !text.is_empty());
        let Some(given) = given else {
            if field.required {
                return Err(Unfilled::Missing(field.name.clone()));
            }
            continue;
        };
        match field.place {
            ParameterPlace::Path => {
                // Segments that would lead elsewhere.
                if given == "." || given == ".." {
                    return Err(Unfilled::Value(field.name.clone()));
                }
                path = path.replace(&format!("{{{}}}", field.name), &encoded(&given));
            }
            ParameterPlace::Query => {
                query.push(format!("{}={}", encoded(&field.name), encoded(&given)));
            }
            ParameterPlace::Header => {
                let is_plain = given.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                if !is_plain || given.len() > LONGEST_HEADER {
                    return Err(Unfilled::Value(field.name.clone()));
                }
                headers.push((field.name.to_ascii_lowercase(), given));
            }
            ParameterPlace::Cookie => {}
        }
    }
    if let Some((_, rest)) = path.split_once('{') {
        let name = rest.split('}').next().unwrap_or_default();
        return Err(Unfilled::Missing(name.to_owned()));
    }
    let (host, prefix) = match mount {
        Mount::Host(host) => (Some(host.clone()), ""),
        Mount::Path(prefix) => (None, prefix.trim_end_matches('/')),
    };
    let mut target = format!("{prefix}{path}");
    if !query.is_empty() {
        target.push('?');
        target.push_str(&query.join("&"));
    }
    if target.len() > LONGEST_TARGET {
        return Err(Unfilled::TooLong);
    }
    Ok(FilledCall {
        method: operation.method.clone(),
        target,
        host,
        headers,
        body: self::body(operation, body)?,
    })
}

fn body(
    operation: &CallableOperation,
    given: Option<(&str, &str)>,
) -> Result<Option<(String, String)>, Unfilled> {
    let given = given.filter(|(_, text)| !text.trim().is_empty());
    let Some((media_type, text)) = given else {
        if operation.needs_body {
            return Err(Unfilled::BodyMissing);
        }
        return Ok(None);
    };
    let mut known = operation.bodies.iter();
    if !known.any(|one| one.media_type == media_type) {
        return Err(Unfilled::BodyType(media_type.to_owned()));
    }
    Ok(Some((media_type.to_owned(), text.to_owned())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::openapi::{BodyExample, CallField};

    fn field(place: ParameterPlace, name: &str, required: bool) -> CallField {
        CallField {
            name: name.to_owned(),
            place,
            required,
            about: String::new(),
            kind: String::new(),
            example: String::new(),
        }
    }

    fn operation() -> CallableOperation {
        CallableOperation {
            key: "PUT /wares/{id}".to_owned(),
            method: "PUT".to_owned(),
            template: "/wares/{id}".to_owned(),
            fields: vec![
                field(ParameterPlace::Path, "id", true),
                field(ParameterPlace::Query, "q", false),
                field(ParameterPlace::Header, "X-Why", false),
                field(ParameterPlace::Header, "Host", true),
                field(ParameterPlace::Header, "X-Forwarded-For", false),
                field(ParameterPlace::Header, "Portreeve-User", false),
            ],
            bodies: vec![BodyExample {
                media_type: "application/json".to_owned(),
                example: "{}".to_owned(),
            }],
            ..CallableOperation::default()
        }
    }

    fn filled(id: &str, rest: &str) -> Result<FilledCall, Unfilled> {
        let value = |place, _: &str| match place {
            ParameterPlace::Path => Some(id.to_owned()),
            _ => Some(rest.to_owned()),
        };
        let mount = Mount::Path("/shop".to_owned());
        fill(
            &operation(),
            &mount,
            &value,
            Some(("application/json", "{}")),
        )
    }

    #[test]
    fn values_stay_where_they_belong() {
        let call = filled("a/b?c=d#e", "x&y=z").unwrap();
        assert_eq!(call.target, "/shop/wares/a%2Fb%3Fc%3Dd%23e?q=x%26y%3Dz");
        assert_eq!(call.headers, [("x-why".to_owned(), "x&y=z".to_owned())]);
        assert_eq!(filled("..", "x"), Err(Unfilled::Value("id".to_owned())));
        assert_eq!(filled("", "x"), Err(Unfilled::Missing("id".to_owned())));
        let two_lines = filled("a", "x\r\nhost: elsewhere");
        assert_eq!(two_lines, Err(Unfilled::Value("X-Why".to_owned())));
        let other = fill(
            &operation(),
            &Mount::Host("api.example.com".to_owned()),
            &|_, _| Some("1".to_owned()),
            Some(("text/plain", "x")),
        );
        assert_eq!(other, Err(Unfilled::BodyType("text/plain".to_owned())));
    }

    proptest! {
        /// Whatever is filled in, the call goes to the API's mount, by its own host.
        #[test]
        fn what_is_filled_in_leads_nowhere_else(id in any::<String>(), rest in any::<String>()) {
            if let Ok(call) = filled(&id, &rest) {
                prop_assert!(call.target.starts_with("/shop/wares/"));
                let (path, _) = call.target.split_once('?').unwrap_or((&call.target, ""));
                prop_assert_eq!(path.matches('/').count(), 3);
                prop_assert!(call.target.bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert_eq!(call.host, None);
                prop_assert!(call.headers.iter().all(|(name, _)| name == "x-why"));
            }
        }
    }
}
