use http::{HeaderMap, HeaderName, header};

use crate::RequestProblem;

/// The headers that belong to one connection and are never passed on (RFC 9110, section 7.6.1).
pub const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What our own headers begin with. Nobody else's pass under these names.
pub const NAMESPACE: &str = "portreeve-";

/// Whether `name` belongs to one connection.
#[must_use]
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(&name.as_str())
}

/// Whether `name` is ours in any spelling that an upstream may read as ours: servers that turn
/// headers into variables make `-`, `_` and others the same.
#[must_use]
pub fn is_namespaced(name: &HeaderName) -> bool {
    name.as_str()
        .bytes()
        .map(fold)
        .take(NAMESPACE.len())
        .eq(NAMESPACE.bytes())
}

/// Whether `name` is of letters, digits and `-` only. Other names are not forwarded, because an
/// upstream may read `x_account` as `x-account`.
#[must_use]
pub fn is_plainly_spelled(name: &HeaderName) -> bool {
    name.as_str()
        .bytes()
        .all(|c| c.is_ascii_alphanumeric() || c == b'-')
}

/// Whether an upstream may read both names as the same.
#[must_use]
pub fn spelled_alike(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().map(fold).eq(other.bytes().map(fold))
}

/// As servers do that make environment variables of headers.
const fn fold(c: u8) -> u8 {
    if c.is_ascii_alphanumeric() {
        c.to_ascii_lowercase()
    } else {
        b'-'
    }
}

/// The names that `Connection` nominates as belonging to this connection.
///
/// # Errors
/// When a `Connection` field is not a list of header names.
pub fn nominated(headers: &HeaderMap) -> Result<Vec<HeaderName>, RequestProblem> {
    let mut names = Vec::new();
    for value in headers.get_all(header::CONNECTION) {
        let list = value.to_str().map_err(|_| RequestProblem::ConnectionForm)?;
        for name in list
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            let name = HeaderName::try_from(name).map_err(|_| RequestProblem::ConnectionForm)?;
            names.push(name);
        }
    }
    Ok(names)
}

/// The headers without those of the connection and those it nominates.
///
/// # Errors
/// As [`nominated`].
pub fn end_to_end(mut headers: HeaderMap) -> Result<HeaderMap, RequestProblem> {
    let mut dropped = nominated(&headers)?;
    dropped.extend(headers.keys().filter(|name| is_hop_by_hop(name)).cloned());
    for name in dropped {
        headers.remove(name);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn name(text: &str) -> HeaderName {
        HeaderName::try_from(text).unwrap()
    }

    /// Shows: S-11.
    #[test]
    fn our_namespace_is_known_in_every_spelling() {
        for ours in [
            "portreeve-context",
            "Portreeve-Context",
            "PORTREEVE_CONTEXT",
            "portreeve_account",
            "portreeve.decision",
            "portreeve-",
        ] {
            assert!(is_namespaced(&name(ours)), "{ours}");
        }
        for other in ["portreeve", "x-portreeve-context", "portreevex"] {
            assert!(!is_namespaced(&name(other)), "{other}");
        }
        assert!(spelled_alike("X_Account", "x-account"));
        assert!(!spelled_alike("x-account2", "x-account"));
        assert!(!is_plainly_spelled(&name("x_account")));
        assert!(is_plainly_spelled(&name("X-Account")));
    }

    /// Shows: S-10.
    #[test]
    fn what_connection_nominates_goes_whatever_its_case() {
        let mut headers = HeaderMap::new();
        for (key, value) in [
            ("connection", "close, X-Identity"),
            ("connection", "aUTHORIZATION"),
            ("x-identity", "1"),
            ("authorization", "2"),
            ("te", "trailers"),
            ("keep-alive", "timeout=5"),
            ("x-kept", "3"),
            ("x-kept", "4"),
        ] {
            headers.append(name(key), HeaderValue::from_static(value));
        }
        let kept = end_to_end(headers.clone()).unwrap();
        let kept: Vec<_> = kept
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_bytes()))
            .collect();
        assert_eq!(kept, [("x-kept", &b"3"[..]), ("x-kept", b"4")]);
        headers.insert("connection", HeaderValue::from_static("a b"));
        assert_eq!(end_to_end(headers), Err(RequestProblem::ConnectionForm));
    }
}
