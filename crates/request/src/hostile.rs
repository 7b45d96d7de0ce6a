//! The table of hostile requests: each is refused for its own reason.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::{CanonicalPath, CanonicalRequest, Query, RequestProblem as P, problem::Place};

/// Paths whose structure has two readings.
fn hostile_shapes() -> Vec<(&'static str, P)> {
    vec![
        ("", P::TargetForm),
        ("a", P::TargetForm),
        ("*", P::TargetForm),
        ("//", P::EmptySegment(1)),
        ("//a", P::EmptySegment(1)),
        ("///a", P::EmptySegment(1)),
        ("/a//b", P::EmptySegment(2)),
        ("/a//", P::EmptySegment(2)),
        ("/.", P::DotSegment(1)),
        ("/./a", P::DotSegment(1)),
        ("/a/..", P::DotSegment(2)),
        ("/a/../b", P::DotSegment(2)),
        ("/a/%2e", P::DotSegment(2)),
        ("/a/%2E%2e/b", P::DotSegment(2)),
        ("/a/.%2e/b", P::DotSegment(2)),
        ("/a/%2e./b", P::DotSegment(2)),
        ("/a/.../b", P::DotSegment(2)),
        ("/a/..%20/b", P::DotSegment(2)),
        ("/a/%20/b", P::DotSegment(2)),
        ("/admin.", P::TrailingDotOrSpace(1)),
        ("/admin%20", P::TrailingDotOrSpace(1)),
        ("/admin%2e/x", P::TrailingDotOrSpace(1)),
        ("/admin%C2%A0", P::TrailingDotOrSpace(1)),
        ("/a%2fb", P::EncodedSlash(1)),
        ("/a%2Fb", P::EncodedSlash(1)),
        ("/a/%2f", P::EncodedSlash(2)),
        ("/..%2fb", P::EncodedSlash(1)),
        ("/a\\b", P::Backslash(1)),
        ("/a%5cb", P::Backslash(1)),
        ("/a/..%5Cb", P::Backslash(2)),
        ("/a;b=c", P::PathParameter(1)),
        ("/a/..;/b", P::PathParameter(2)),
        ("/a#b", P::Fragment),
        ("/%252e%252e/a", P::EscapedTwice(1)),
        ("/a%252fb", P::EscapedTwice(1)),
        ("/a%25%32%66b", P::EscapedTwice(1)),
    ]
}

/// Paths with bytes that have two readings.
fn hostile_bytes() -> Vec<(&'static str, P)> {
    let raw = |at, character| P::RawCharacter {
        place: Place::Segment(at),
        character,
    };
    let control = |at| P::ControlCharacter(Place::Segment(at));
    let escape = |at| P::PercentEscape(Place::Segment(at));
    let not_utf8 = |at| P::NotUtf8(Place::Segment(at));
    vec![
        ("/a%00", control(1)),
        ("/a%0d%0aSet-Cookie:x", control(1)),
        ("/a%7f", control(1)),
        ("/a%C2%85b", control(1)),
        ("/a\0b", control(1)),
        ("/a\rb", control(1)),
        ("/a\tb", control(1)),
        ("/%", escape(1)),
        ("/a%2", escape(1)),
        ("/a%zz", escape(1)),
        ("/a%u002e", escape(1)),
        ("/b/%+f", escape(2)),
        ("/%c0%ae%c0%ae/a", not_utf8(1)),
        ("/%c0%af", not_utf8(1)),
        ("/%e0%80%af", not_utf8(1)),
        ("/%ff", not_utf8(1)),
        ("/%ed%a0%80", not_utf8(1)),
        ("/a b", raw(1, ' ')),
        ("/a/ü", raw(2, 'ü')),
        ("/a\"b", raw(1, '"')),
        ("/<a>", raw(1, '<')),
        ("/{a}", raw(1, '{')),
        ("/a|b", raw(1, '|')),
        ("/a^b", raw(1, '^')),
        ("/a[0]", raw(1, '[')),
        ("/．．/a", raw(1, '．')),
    ]
}

/// Shows: S-12.
#[test]
fn every_hostile_path_is_refused_for_its_own_reason() {
    let cases = hostile_shapes().into_iter().chain(hostile_bytes());
    for (path, problem) in cases {
        assert_eq!(CanonicalPath::parse(path), Err(problem.clone()), "{path:?}");
        if problem != P::TargetForm {
            assert_eq!(problem.code(), "path_not_canonical", "{path:?}");
        }
    }
    let long = format!("/{}", "a".repeat(crate::LONGEST_TARGET));
    assert_eq!(CanonicalPath::parse(&long), Err(P::TargetTooLong(8193)));
    assert!(CanonicalPath::parse(&"/a".repeat(64)).is_ok());
    assert_eq!(
        CanonicalPath::parse(&"/a".repeat(65)),
        Err(P::TooManySegments)
    );
}

#[test]
fn every_hostile_query_is_refused_for_its_own_reason() {
    let first = Place::Parameter(1);
    for (query, problem) in [
        ("a=%", P::PercentEscape(first)),
        ("a=1&b=%g0", P::PercentEscape(Place::Parameter(2))),
        ("%ff=1", P::NotUtf8(first)),
        ("a=%c0%80", P::NotUtf8(first)),
        ("a=%00", P::ControlCharacter(first)),
        ("a=\r\n", P::ControlCharacter(first)),
        ("a=1#b", P::Fragment),
    ] {
        assert_eq!(Query::parse(query), Err(problem), "{query:?}");
    }
}

fn read(method: &str, target: &str, headers: &[(&str, &str)]) -> Result<CanonicalRequest, P> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::try_from(*name).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    CanonicalRequest::read(&method, &Uri::try_from(target).unwrap(), map)
}

/// Shows: S-17.
#[test]
fn methods_are_an_exact_list() {
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        assert!(read(method, "/", &[("host", "a")]).is_ok(), "{method}");
    }
    for method in ["get", "Get", "PROPFIND", "FOO", "QUERY"] {
        let problem = read(method, "/", &[("host", "a")]).unwrap_err();
        assert_eq!(problem, P::Method(method.to_owned()));
        assert_eq!(problem.code(), "method_not_supported");
    }
    for method in ["TRACE", "CONNECT"] {
        let problem = read(method, "/", &[("host", "a")]).unwrap_err();
        assert_eq!(problem.code(), "not_offered");
    }
    let upgrade = [("host", "a"), ("connection", "upgrade"), ("upgrade", "h2c")];
    assert_eq!(
        read("GET", "/", &upgrade).unwrap_err().code(),
        "not_offered"
    );
    for name in [
        "X-HTTP-Method-Override",
        "x_http_method",
        "X-Method-Override",
    ] {
        let problem = read("POST", "/", &[("host", "a"), (name, "DELETE")]).unwrap_err();
        assert_eq!(problem, P::MethodOverride(name.to_ascii_lowercase()));
    }
}

/// Shows: S-01.
#[test]
fn a_body_is_framed_by_chunks_or_by_length_alone() {
    let with = |coding| read("POST", "/", &[("host", "a"), ("transfer-encoding", coding)]);
    assert!(with("chunked").is_ok() && with("Chunked").is_ok());
    for coding in ["gzip, chunked", "identity", "chunked, chunked", "gzip"] {
        assert_eq!(with(coding).unwrap_err().code(), "not_offered", "{coding}");
    }
}

/// Shows: S-15.
#[test]
fn the_content_type_is_one() {
    let both = [
        ("host", "a"),
        ("content-type", "application/json"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let problem = read("POST", "/", &both).unwrap_err();
    assert_eq!(problem, P::ContentTypeTwice);
    assert_eq!(problem.code(), "malformed_request");
}

/// Shows: S-13.
#[test]
fn the_host_is_one() {
    assert_eq!(read("GET", "/", &[]), Err(P::HostMissing));
    assert_eq!(
        read("GET", "/", &[("host", "a"), ("host", "a")]),
        Err(P::HostTwice)
    );
    let request = read("GET", "http://A.example:80/x?y=1", &[("host", "a.example")]).unwrap();
    assert_eq!(request.host.to_string(), "a.example");
    assert_eq!(request.path_and_query(), "/x?y=1");
    let request = read("GET", "http://a.example", &[("host", "a.example:80")]).unwrap();
    assert_eq!(request.path_and_query(), "/");
    for target in [
        "http://b.example/",
        "https://a.example:80/",
        "http://a.example:81/",
    ] {
        assert!(
            matches!(
                read("GET", target, &[("host", "a.example")]),
                Err(P::HostsDisagree { .. })
            ),
            "{target}"
        );
    }
    let userinfo = read("GET", "http://u@a.example/", &[("host", "a.example")]);
    assert_eq!(userinfo, Err(P::UserInformation));
    assert_eq!(
        read("GET", "ftp://a/", &[("host", "a")]),
        Err(P::TargetForm)
    );
    assert_eq!(read("OPTIONS", "*", &[("host", "a")]), Err(P::TargetForm));
}

/// Shows: S-10.
#[test]
fn nominated_headers_are_gone_before_the_decision() {
    let request = read(
        "GET",
        "/",
        &[
            ("host", "a"),
            ("connection", "X-Account, authorization"),
            ("x-account", "1"),
            ("authorization", "Basic x"),
            ("accept", "text/plain"),
        ],
    )
    .unwrap();
    let names: Vec<_> = request.headers.keys().map(HeaderName::as_str).collect();
    assert_eq!(names, ["host", "accept"]);
}
