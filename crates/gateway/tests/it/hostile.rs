//! Bytes that are no request, through the real gateway: refused for their own reason, without
//! any effect, and counted once by their class.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::sleep,
};

use crate::{
    client::{self, Session, request, send},
    upstream::{Upstream, ok},
    world::{Setup, World},
};

fn violations(world: &World, class: &str) -> u64 {
    let wanted = format!("gateway_violations_total{{class=\"{class}\"}} ");
    let text = world.metrics();
    let line = text.lines().find_map(|line| line.strip_prefix(&wanted));
    line.map_or(0, |count| count.parse().unwrap())
}

/// What a refused stream must leave behind: nothing but its count.
async fn assert_untouched(upstream: &Upstream, world: &World) {
    assert!(upstream.received().is_empty(), "{:?}", upstream.received());
    assert!(world.admitted().await.is_empty());
    let text = world.metrics();
    assert!(!text.contains("gateway_calls_total{"), "{text}");
}

/// A stream, its status, its code and its class.
type Case = (String, u16, &'static str, &'static str);

#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn framings(key: &str) -> Vec<Case> {
    let mut all = Vec::new();
    let mut push = |fields: &str, body: &str, class| {
        let head = format!("POST /shop/items HTTP/1.1\r\nHost: gate.test\r\n{key}{fields}\r\n");
        all.push((head + body, 400, "malformed_request", class));
    };
    let smuggled = format!("0\r\n\r\nGET /shop/items HTTP/1.1\r\nHost: gate.test\r\n{key}\r\n");
    let (length, coding) = ("Content-Length: 6\r\n", "Transfer-Encoding: chunked\r\n");
    push(&format!("{length}{coding}"), &smuggled, "two_framings");
    push(&format!("{coding}{length}"), &smuggled, "two_framings");
    push(
        &format!("{coding}Content-Length: 0\r\n"),
        &smuggled,
        "two_framings",
    );
    push(&format!("{coding}{coding}"), &smuggled, "transfer_encoding");
    for value in [
        "",
        ",chunked",
        "chunked,",
        "identity",
        "gzip, chunked",
        "chunked, chunked",
        "xchunked",
        "\"chunked\"",
        "chunked;a",
        "chunk",
        "CHUNKED, identity",
        "\u{b}chunked",
    ] {
        let class = if value.contains('\u{b}') {
            "field_value"
        } else {
            "transfer_encoding"
        };
        push(&format!("Transfer-Encoding: {value}\r\n"), &smuggled, class);
    }
    for value in [
        "",
        "+6",
        "-6",
        "0x6",
        "6_0",
        "06",
        "6,6",
        "6, 6",
        "6 6",
        "6;a",
        "６",
        "6.0",
        "6e0",
        "18446744073709551622",
        "99999999999999999999999999",
    ] {
        push(
            &format!("Content-Length: {value}\r\n"),
            &smuggled,
            "content_length",
        );
    }
    push(
        &format!("{length}Content-Length: 7\r\n"),
        &smuggled,
        "content_length",
    );
    push(&format!("{length}{length}"), &smuggled, "content_length");
    for name in [
        "Transfer-Encoding ",
        "Transfer-Encoding\t",
        "Transfer Encoding",
        "Content-Length ",
    ] {
        push(&format!("{name}: chunked\r\n"), &smuggled, "field_name");
    }
    push(
        "X: a\r\n Transfer-Encoding: chunked\r\n",
        &smuggled,
        "folding",
    );
    push(
        "X: a\rTransfer-Encoding: chunked\r\n",
        &smuggled,
        "line_end",
    );
    push(
        "X: a\nTransfer-Encoding: chunked\r\n",
        &smuggled,
        "line_end",
    );
    push("X: a\0\r\n", "", "field_value");
    for (chunks, class) in [
        ("6;a=b\r\nabcdef\r\n0\r\n\r\n", "chunk_extension"),
        ("6;\n\r\nabcde\r\n0\r\n\r\n", "chunk_extension"),
        ("6 \r\nabcdef\r\n0\r\n\r\n", "chunk_extension"),
        ("0x6\r\nabcdef\r\n0\r\n\r\n", "chunk_size"),
        ("+6\r\nabcdef\r\n0\r\n\r\n", "chunk_size"),
        ("6_\r\nabcdef\r\n0\r\n\r\n", "chunk_size"),
        ("10000000000000006\r\nabcdef\r\n0\r\n\r\n", "chunk_size"),
        ("6\nabcdef\r\n0\r\n\r\n", "line_end"),
        ("6\r\nabcdef\n0\r\n\r\n", "chunk_end"),
        ("6\r\nabcdefg\r\n0\r\n\r\n", "chunk_end"),
        ("6\r\nabcdef\rX0\r\n\r\n", "chunk_end"),
        ("0\r\nContent-Length: 3\r\n\r\n", "trailers"),
        ("0\r\nHost: other\r\n\r\n", "trailers"),
        ("0\r\nPortreeve_Context: lie\r\n\r\n", "trailers"),
        ("0\r\nX : a\r\n\r\n", "trailers"),
    ] {
        push(coding, chunks, class);
    }
    all
}

#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn lines(key: &str) -> Vec<Case> {
    let of = |line: &str, status, code, class| {
        (
            format!("{line}\r\nHost: gate.test\r\n{key}\r\n"),
            status,
            code,
            class,
        )
    };
    let bad = "malformed_request";
    vec![
        of("GET /shop/items", 400, bad, "request_line"),
        of("GET  /shop/items HTTP/1.1", 400, bad, "request_line"),
        of("GET /shop/items  HTTP/1.1", 400, bad, "request_line"),
        of("\r\nGET /shop/items HTTP/1.1", 400, bad, "request_line"),
        of("GET /shop/items HTTP/1.1 ", 400, bad, "request_line"),
        of("\u{16}\u{3}\u{1}\u{2}", 400, bad, "request_line"),
        of(
            "GET /shop/items HTTP/1.2",
            505,
            "version_not_supported",
            "version",
        ),
        of(
            "GET /shop/items HTTP/0.9",
            505,
            "version_not_supported",
            "version",
        ),
        of("PRI * HTTP/2.0", 501, "not_offered", "http2"),
        of(
            "CONNECT gate.test:443 HTTP/1.1",
            501,
            "not_offered",
            "connect",
        ),
        of(
            "CONNECT /shop/items HTTP/1.1",
            501,
            "not_offered",
            "connect",
        ),
        of(
            "GET /shop/items#admin HTTP/1.1",
            400,
            "path_not_canonical",
            "fragment",
        ),
        of(
            "GET /shop/items?a#b HTTP/1.1",
            400,
            "path_not_canonical",
            "fragment",
        ),
        of(
            "GET http://gate.test/shop/items#b HTTP/1.1",
            400,
            "path_not_canonical",
            "fragment",
        ),
        of("GET /shop/\u{e4} HTTP/1.1", 400, bad, "target"),
        of("GET /shop/items\0 HTTP/1.1", 400, bad, "target"),
        of("GET /shop/items\r HTTP/1.1", 400, bad, "line_end"),
        of("GET /shop/items HTTP/1.1\nX: a", 400, bad, "line_end"),
        of(
            "GET /shop/items HTTP/1.1\r\nHost: second.test",
            400,
            bad,
            "host",
        ),
        of(
            "POST /shop/items HTTP/1.0\r\nContent-Length: 1",
            400,
            bad,
            "old_body",
        ),
        of(
            "POST /shop/items HTTP/1.0\r\nTransfer-Encoding: chunked",
            400,
            bad,
            "old_body",
        ),
        of(
            "POST /shop/items HTTP/1.1\r\nContent-Length: 1\r\nExpect: 200-ok",
            417,
            "expectation_failed",
            "expectation",
        ),
        (
            format!("GET /shop/items HTTP/1.1\r\n{key}\r\n"),
            400,
            bad,
            "host",
        ),
        of(
            &format!("GET /shop/items HTTP/1.1\r\n{}X: 1", "X: 1\r\n".repeat(100)),
            431,
            "head_too_large",
            "head_too_large",
        ),
        of(
            &format!("GET /shop/items HTTP/1.1\r\nX: {}", "a".repeat(40_000)),
            431,
            "head_too_large",
            "head_too_large",
        ),
    ]
}

/// Shows: S-01, S-03, S-04, S-05, S-06, R-36, R-39, R-74, R-77.
#[tokio::test]
async fn bytes_with_two_readings_are_refused_counted_and_leave_nothing_behind() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let key = world.key();
    let cases = [framings(&key), lines(&key)].concat();
    assert!(cases.len() >= 48 + 25, "{}", cases.len());
    for (bytes, status, code, class) in cases {
        let before = violations(&world, class);
        let answer = send(world.address, &bytes).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{bytes:?}"
        );
        assert_eq!(answer.header("connection"), Some("close"), "{bytes:?}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert!(
            !answer.body.contains("}HTTP/1.1"),
            "answered twice: {bytes:?}"
        );
        assert_eq!(violations(&world, class), before + 1, "{bytes:?}");
    }
    assert_untouched(&upstream, &world).await;
}

/// Shows: S-02, R-74.
#[tokio::test]
async fn a_pause_changes_no_reading() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let key = world.key();
    let (length, coding) = ("Content-Length: 6\r\n", "Transfer-Encoding: chunked\r\n");
    let head = format!("POST /shop/items HTTP/1.1\r\nHost: gate.test\r\n{key}");
    let body = format!("\r\n0\r\n\r\nGET /shop/items HTTP/1.1\r\nHost: gate.test\r\n{key}\r\n");
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    for part in [head.as_str(), length, coding, &body] {
        let _ = stream.write_all(part.as_bytes()).await;
        sleep(Duration::from_millis(60)).await;
    }
    let answer = client::read(&mut stream).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_untouched(&upstream, &world).await;

    // The body of a request that is refused early is not the next request.
    let hidden = format!("GET /shop/items HTTP/1.1\r\nHost: gate.test\r\n{key}\r\n");
    let outer = format!(
        "PUT /shop/items HTTP/1.1\r\nHost: gate.test\r\nContent-Length: {}\r\n\r\n",
        hidden.len()
    );
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(outer.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(100)).await;
    stream.write_all(hidden.as_bytes()).await.unwrap();
    let last = request("GET /shop/nothing", &key, "");
    stream.write_all(last.as_bytes()).await.unwrap();
    let answers = client::read(&mut stream).await;
    assert_eq!(answers.status, 401, "{answers:?}");
    assert!(answers.body.contains("HTTP/1.1 404"), "{answers:?}");
    assert_eq!(answers.body.matches("HTTP/1.1").count(), 1, "{answers:?}");
    assert!(upstream.received().is_empty());
}

/// Shows: S-02.
#[tokio::test]
async fn a_body_is_asked_for_only_when_the_decision_stands() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let ask = |key: &str| {
        format!(
            "PUT /shop/items HTTP/1.1\r\nHost: gate.test\r\n{key}Expect: 100-continue\r\n\
             Content-Length: 4\r\nConnection: close\r\n\r\n"
        )
    };
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream
        .write_all(ask(&world.key()).as_bytes())
        .await
        .unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"body").await.unwrap();
    assert_eq!(client::read(&mut stream).await.status, 200);
    let got = upstream.only();
    assert_eq!(
        (got.body.as_slice(), got.header("expect")),
        (&b"body"[..], None)
    );

    let refused = send(world.address, ask("")).await;
    assert_eq!(
        refused.status, 401,
        "without an interim answer: {refused:?}"
    );
}

/// Shows: S-17.
#[tokio::test]
async fn only_declared_methods_get_through() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let mut session = Session::new(world.address);
    let mut ask = async |method: &str, fields: &str| {
        let key = world.key();
        let bytes =
            format!("{method} /shop/items HTTP/1.1\r\nHost: gate.test\r\n{key}{fields}\r\n");
        let answer = session.ask(bytes.as_bytes()).await;
        (answer.status, answer.code())
    };
    for method in [
        "get",
        "Get",
        "gET",
        "post",
        "PROPFIND",
        "PROPPATCH",
        "MKCOL",
        "COPY",
        "MOVE",
        "LOCK",
        "UNLOCK",
        "SEARCH",
        "REPORT",
        "PURGE",
        "LINK",
        "QUERY",
        "DEBUG",
        "TRACK",
        "GETS",
        "XGET",
        "!",
        "GET-",
    ] {
        let refused = (405, "method_not_supported".to_owned());
        assert_eq!(ask(method, "").await, refused, "{method}");
    }
    assert_eq!(ask("TRACE", "").await, (501, "not_offered".to_owned()));
    for method in ["DELETE", "PATCH", "OPTIONS"] {
        assert_eq!(ask(method, "").await.0, 405, "{method}");
    }
    for name in [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "x_http_method_override",
        "X-Http_Method-OVERRIDE",
    ] {
        for method in ["DELETE", "get", "PUT"] {
            let fields = format!("{name}: {method}\r\nContent-Length: 0\r\n");
            assert_eq!(ask("POST", &fields).await.0, 400, "{name}");
        }
    }
    for fields in [
        "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        "Upgrade: h2c\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n",
        "Upgrade: TLS/1.0\r\n",
    ] {
        assert_eq!(
            ask("GET", fields).await,
            (501, "not_offered".to_owned()),
            "{fields}"
        );
    }
    assert!(upstream.received().is_empty(), "{:?}", upstream.received());
    assert!(world.admitted().await.is_empty());
}

/// Shows: S-05.
#[tokio::test]
async fn bytes_sent_ahead_of_an_upgrade_are_no_tunnel() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let key = world.key();
    let early = format!(
        "GET /shop/items HTTP/1.1\r\nHost: gate.test\r\n{key}Connection: upgrade\r\n\
         Upgrade: websocket\r\n\r\n\u{81}\u{5}raw"
    );
    let answers = send(world.address, early).await;
    assert_eq!(
        (answers.status, violations(&world, "request_line")),
        (501, 1),
        "{answers:?}"
    );
    assert!(upstream.received().is_empty());
}

/// Shows: R-37.
#[tokio::test]
async fn something_in_authorization_is_nobody() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let mut session = Session::new(world.address);
    for path in [
        "/shop/items",
        "/shop/admin/items",
        "/shop/tiers",
        "/shop/accounts/a/items.json",
    ] {
        for credential in [
            "Bearer x",
            "Bearer eyJhbGciOiJub25lIn0.e30.",
            "Basic",
            "Basic ====",
            "Basic Og==",
            "Digest username=\"till\"",
            "key_00000000000000000000000003",
            "Basic a2V5XzE6cHRyX2xpdmVfeA==",
        ] {
            let bytes = format!(
                "GET {path} HTTP/1.1\r\nHost: gate.test\r\nAuthorization: {credential}\r\n\r\n"
            );
            let answer = session.ask(bytes.as_bytes()).await;
            assert_eq!(answer.status, 401, "{path} {credential}");
        }
    }
    assert!(upstream.received().is_empty());
}

/// What a caller does about its time is counted too, and answered when it has begun a head.
#[tokio::test]
async fn a_head_that_takes_too_long_is_told_so() {
    let upstream = Upstream::start(ok).await;
    let mut setup = Setup::to(upstream.url());
    setup.limits.head_timeout = Duration::from_millis(200);
    setup.limits.keep_alive = Duration::from_millis(400);
    let world = World::start(setup).await;
    let slow = send(world.address, "GET /shop/items HTTP/1.1\r\nHost: ").await;
    assert_eq!(
        (slow.status, slow.code().as_str()),
        (408, "request_timeout")
    );
    assert_eq!(violations(&world, "head_too_slow"), 1);
    let kept = format!(
        "GET /shop/items HTTP/1.1\r\nHost: gate.test\r\n{}\r\n",
        world.key()
    );
    let began = tokio::time::Instant::now();
    let answered = send(world.address, kept).await;
    assert_eq!((answered.status, answered.body.as_str()), (200, "fine"));
    assert!(
        began.elapsed() >= Duration::from_millis(400),
        "closed for silence"
    );
    assert_eq!(violations(&world, "head_too_slow"), 1);
}

#[tokio::test]
async fn an_old_connection_takes_no_further_request() {
    let upstream = Upstream::start(ok).await;
    let mut setup = Setup::to(upstream.url());
    setup.limits.connection_total = Some(Duration::from_millis(300));
    let world = World::start(setup).await;
    let mut session = Session::new(world.address);
    let bytes = format!(
        "GET /shop/items HTTP/1.1\r\nHost: gate.test\r\n{}\r\n",
        world.key()
    );
    let young = session.ask(bytes.as_bytes()).await;
    assert_eq!((young.status, young.header("connection")), (200, None));
    let mut last = young;
    for _ in 0..20 {
        sleep(Duration::from_millis(50)).await;
        last = session.ask(bytes.as_bytes()).await;
        if last.header("connection") == Some("close") || last.status == 0 {
            break;
        }
    }
    assert!(
        last.header("connection") == Some("close") || last.status == 0,
        "{last:?}"
    );
}

#[tokio::test]
async fn a_preflight_is_counted() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let headers = "origin: https://page.test\r\naccess-control-request-method: PUT\r\n";
    let answer = send(world.address, request("OPTIONS /shop/items", headers, "")).await;
    assert_eq!(answer.status, 204);
    let counted = r#"{api="shop",mode="",code="",answered="preflight"} 1"#;
    assert!(world.metrics().contains(counted), "{}", world.metrics());
}
