//! What stands in the head of a request.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_kit::{IdempotencyKey, TraceContext};
use request::{
    CanonicalPath, CanonicalRequest, Host, LONGEST_TARGET, METHODS, MOST_PAIRS, MOST_SEGMENTS,
    Query, end_to_end, is_hop_by_hop, is_namespaced, is_plainly_spelled, nominated,
};

/// A canonical path is a fixed point of reading and writing, and nothing in it means two things.
pub(crate) fn path(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(path) = CanonicalPath::parse(text) else {
        return;
    };
    unambiguous(&path);
    let root = CanonicalPath::default();
    assert_eq!(path.below(&root).as_ref(), Some(&path), "below the root");
    assert_eq!(path.under(&root), path, "under the root");
    let mut replaced = path.clone();
    if replaced.replace(0, text.trim_start_matches('/')).is_ok() {
        unambiguous(&replaced);
    }
}

fn unambiguous(path: &CanonicalPath) {
    let written = path.to_string();
    let again = CanonicalPath::parse(&written);
    assert_eq!(again.as_ref(), Ok(path), "reading what was written");
    assert!(path.segments().len() <= MOST_SEGMENTS, "too many segments");
    assert!(written.starts_with('/'), "no root");
    assert!(!written.contains("//"), "an empty segment");
    for segment in path.segments() {
        let hostile = |c: char| c == '/' || c == '\\' || c.is_control();
        assert!(!segment.contains(hostile), "a separator in `{segment}`");
        assert!(!segment.trim_matches(['.', ' ']).is_empty(), "dots only");
    }
    let lower = written.to_ascii_lowercase();
    for hidden in [
        "%2f", "%5c", "%2e", "%00", "/./", "/../", ";", "#", "?", "\\",
    ] {
        assert!(!lower.contains(hidden), "`{hidden}` in `{written}`");
    }
    assert!(
        !lower.ends_with("/.") && !lower.ends_with("/.."),
        "{written}"
    );
}

/// A query is a fixed point of reading and writing, with the same pairs in the same order.
pub(crate) fn query(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(query) = Query::parse(text) else {
        return;
    };
    assert!(query.len() <= MOST_PAIRS, "too many pairs");
    let written = query.to_string();
    let clean = |c: char| c.is_ascii_graphic() && !";+#\"<>\\".contains(c);
    assert!(written.chars().all(clean), "`{written}` has two readings");
    let again = Query::parse(&written);
    assert_eq!(again.as_ref(), Ok(&query), "reading what was written");
    let mut changed = query.clone();
    let first = query.pairs().next().map(|(name, _)| name.to_owned());
    if let Some(name) = first
        && query.all(&name).count() == 1
    {
        assert!(changed.replace(&name, text), "`{name}` is there");
        assert_eq!(changed.single(&name), Ok(Some(text)));
        let again = Query::parse(&changed.to_string());
        assert!(
            again.is_err() || again.as_ref() == Ok(&changed),
            "{changed}"
        );
    }
}

/// A host has one spelling.
pub(crate) fn host(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(host) = Host::parse(text) else {
        return;
    };
    let written = host.to_string();
    assert_eq!(Host::parse(&written).as_ref(), Ok(&host), "{written}");
    let upper = text.to_ascii_uppercase();
    assert_eq!(Host::parse(&upper).as_ref(), Ok(&host), "its case counts");
    assert!(!host.name().is_empty(), "no name");
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.[:]_".contains(c);
    assert!(host.name().chars().all(plain), "`{}`", host.name());
}

/// What a canonical request holds has one reading, and nothing of the connection's is in it.
pub(crate) fn head(bytes: &[u8]) {
    let Some((method, target, headers)) = read_head(bytes) else {
        return;
    };
    let Ok(canonical) = CanonicalRequest::read(&method, &target, headers.clone()) else {
        return;
    };
    assert!(METHODS.contains(&canonical.method), "{method}");
    let written = canonical.path_and_query();
    // Escaping can make a target three times as long, never longer.
    assert!(written.len() <= 3 * LONGEST_TARGET, "{}", written.len());
    unambiguous(&canonical.path);
    for (name, _) in &canonical.headers {
        assert!(!is_hop_by_hop(name), "{name} belongs to the connection");
    }
    let Ok(forwarded) = written.parse::<Uri>() else {
        unreachable(&written);
        return;
    };
    let again = CanonicalRequest::read(&method, &forwarded, headers);
    assert_eq!(again.as_ref(), Ok(&canonical), "as forwarded");
}

#[expect(clippy::panic, reason = "this is how a broken promise is told")]
fn unreachable(target: &str) {
    panic!("what is forwarded is no target: `{target}`");
}

/// Method, target and headers, a line each; what HTTP itself refuses is nothing to test.
fn read_head(bytes: &[u8]) -> Option<(Method, Uri, HeaderMap)> {
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let method = Method::from_bytes(lines.next()?).ok()?;
    let target = Uri::try_from(lines.next()?).ok()?;
    Some((method, target, read_headers(lines)))
}

fn read_headers<'a>(lines: impl Iterator<Item = &'a [u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.take(200) {
        let Some(at) = line.iter().position(|&byte| byte == b':') else {
            continue;
        };
        let (name, value) = line.split_at(at);
        let value = value.get(1..).unwrap_or_default();
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    }
    headers
}

/// What `Connection` nominates and what belongs to the connection goes; everything else stays,
/// in its order.
pub(crate) fn headers(bytes: &[u8]) {
    let headers = read_headers(bytes.split(|&byte| byte == b'\n'));
    let (Ok(nominated), Ok(kept)) = (nominated(&headers), end_to_end(headers.clone())) else {
        return;
    };
    for name in headers.keys() {
        let gone = is_hop_by_hop(name) || nominated.contains(name);
        let before: Vec<_> = headers.get_all(name).iter().collect();
        let after: Vec<_> = kept.get_all(name).iter().collect();
        assert_eq!(after, if gone { Vec::new() } else { before }, "{name}");
        let folded: String = name.as_str().chars().map(fold).collect();
        let ours = folded.starts_with("portreeve-");
        assert_eq!(is_namespaced(name), ours, "{name}");
        if is_plainly_spelled(name) {
            assert_eq!(folded, name.as_str(), "read as another name");
        }
    }
}

/// As an upstream reads names that makes variables of them.
const fn fold(c: char) -> char {
    if c.is_ascii_alphanumeric() { c } else { '-' }
}

/// A trace context that is taken is written as it was, but for what a version may add.
pub(crate) fn traceparent(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Some(context) = TraceContext::parse(text) else {
        return;
    };
    let written = context.to_string();
    assert_eq!(TraceContext::parse(&written), Some(context), "{written}");
    assert_eq!(written.len(), 55, "{written}");
    let identity = |text: &str| text.trim().get(2..53).map(str::to_owned);
    assert_eq!(
        identity(text),
        identity(&written),
        "another trace or parent"
    );
}

/// A key that is taken is one short text of visible characters, however it was quoted.
pub(crate) fn idempotency_key(bytes: &[u8]) {
    let mut request = Request::new(());
    for line in bytes.split(|&byte| byte == b'\n').take(3) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            request.headers_mut().append(IdempotencyKey::HEADER, value);
        }
    }
    let given = request
        .headers()
        .get_all(IdempotencyKey::HEADER)
        .iter()
        .count();
    let (parts, ()) = request.into_parts();
    match IdempotencyKey::of(&parts.headers) {
        Ok(IdempotencyKey(Some(key))) => {
            assert_eq!(given, 1, "of several keys one was taken");
            assert!((1..=128).contains(&key.len()), "{}", key.len());
            assert!(
                key.bytes().all(|c| c.is_ascii_graphic() && c != b'"'),
                "{key}"
            );
        }
        Ok(IdempotencyKey(None)) => assert_eq!(given, 0, "a key was passed over"),
        Err(_) => assert!(given > 0, "nothing was refused"),
    }
}
