//! Fields after a body. They pass in both directions through the same sieve as headers, and
//! never carry what a decision, a route or the framing was made from.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// What may stand in a head only: framing, routing, credentials, and how to read the body
/// (RFC 9110, section 6.5.1).
const HEAD_ONLY: [&str; 26] = [
    "age",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "expect",
    "expires",
    "forwarded",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "location",
    "max-forwards",
    "pragma",
    "range",
    "retry-after",
    "set-cookie",
    "vary",
    "www-authenticate",
    "x-real-ip",
];

/// Whether a field of this name may follow a body.
pub(crate) fn may_trail(name: &HeaderName) -> bool {
    !request::is_hop_by_hop(name)
        && !request::is_namespaced(name)
        && request::is_plainly_spelled(name)
        && !HEAD_ONLY.contains(&name.as_str())
        && !name.as_str().starts_with("x-forwarded-")
}

/// The trailers that `headers` announce and that may pass, as a field.
pub(crate) fn announced(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut names: Vec<HeaderName> = Vec::new();
    for field in headers.get_all(header::TRAILER) {
        let listed = field.to_str().ok()?.split(',');
        names.extend(
            listed
                .filter_map(|name| HeaderName::try_from(name.trim()).ok())
                .filter(may_trail),
        );
    }
    let names: Vec<&str> = names.iter().map(HeaderName::as_str).collect();
    if names.is_empty() {
        return None;
    }
    HeaderValue::try_from(names.join(", ")).ok()
}

/// What a caller says about trailers, in headers that belong to its connection only.
#[derive(Debug)]
pub(crate) struct Trailing {
    announced: Option<HeaderValue>,
    wanted: bool,
}

impl Trailing {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self {
            announced: announced(headers),
            wanted: wanted(headers),
        }
    }

    /// Says the same to the upstream. Of a body that is not `streamed` it is known what follows it,
    /// and [`announce`] says that.
    pub(crate) fn tell(&self, streamed: bool, headers: &mut HeaderMap) {
        if let Some(names) = self.announced.as_ref().filter(|_| streamed) {
            headers.insert(header::TRAILER, names.clone());
        }
        if self.wanted {
            headers.insert(header::TE, HeaderValue::from_static("trailers"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("te"));
        }
    }
}

/// Whether the sender of `headers` takes trailers.
fn wanted(headers: &HeaderMap) -> bool {
    headers.get_all(header::TE).iter().any(|field| {
        let options = field.as_bytes().split(|byte| *byte == b',');
        options
            .map(<[u8]>::trim_ascii)
            .any(|option| option.eq_ignore_ascii_case(b"trailers"))
    })
}

/// What followed a body that was read whole; most are followed by nothing.
pub(crate) type Trailers = Option<Box<HeaderMap>>;

/// Of `trailers`, those that may pass, to be kept.
pub(crate) fn kept(trailers: &HeaderMap) -> Trailers {
    let passed = passed(trailers);
    (!passed.is_empty()).then(|| Box::new(passed))
}

/// Announces `trailers`.
pub(crate) fn announce(trailers: &HeaderMap, headers: &mut HeaderMap) {
    let names: Vec<&str> = trailers.keys().map(HeaderName::as_str).collect();
    if let Ok(names) = HeaderValue::try_from(names.join(", ")) {
        headers.insert(header::TRAILER, names);
    }
}

/// Of `trailers`, those that may pass.
pub(crate) fn passed(trailers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(trailers.len());
    for (name, value) in trailers {
        if may_trail(name) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}
