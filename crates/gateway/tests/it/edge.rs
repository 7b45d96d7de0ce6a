//! What never gets as far as an upstream.

use std::time::Duration;

use gateway::Limits;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    client::{self, request, send},
    upstream::{Step, Upstream, answer, ok},
    world::{SITE, Setup, World},
};

const CODED: &str = "transfer-encoding: gzip, chunked\r\n";

/// Shows: S-01, S-03, S-04, S-05, S-12, S-13, S-17.
#[tokio::test]
async fn hostile_requests_are_refused_and_nothing_is_forwarded() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let key = world.key();
    let cases = [
        ("GET //shop/items", "", 400),
        ("GET /shop/../shop/items", "", 400),
        ("GET /shop/%2e%2e/items", "", 400),
        ("GET /shop/items%2f..", "", 400),
        ("GET /shop\\items", "", 400),
        ("GET /shop/items;x=1", "", 400),
        ("GET /shop/items%00", "", 400),
        ("GET /shop/items%c0%af", "", 400),
        ("GET /shop/items?x=%zz", "", 400),
        ("GET http://other.test/shop/items", "", 400),
        ("GET /shop/items", "host: second.test\r\n", 400),
        ("get /shop/items", "", 405),
        ("FOO /shop/items", "", 405),
        ("TRACE /shop/items", "", 501),
        ("CONNECT gate.test:443", "", 501),
        (
            "GET /shop/items",
            "connection: upgrade\r\nupgrade: websocket\r\n",
            501,
        ),
        (
            "GET /shop/items",
            "upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
            501,
        ),
        (
            "POST /shop/items",
            "x-http-method-override: DELETE\r\n",
            400,
        ),
        ("GET /shop/items", "x-a : 1\r\n", 400),
        ("GET /shop/items", "x-a: 1\r\n b\r\n", 400),
        ("GET /shop/items", "x-a: 1\0\r\n", 400),
        (
            "GET /shop/items",
            "content-length: 1\r\ncontent-length: 2\r\n",
            400,
        ),
        ("GET /shop/items", "content-length: +1\r\n", 400),
        ("GET /shop/items", "content-length: 0x1\r\n", 400),
        ("GET /shop/items", "transfer-encoding: xchunked\r\n", 400),
        ("PUT /shop/items", CODED, 400),
        ("GET /nothing/here", "", 404),
        ("GET /shop/nothing", "", 404),
        ("DELETE /shop/items", "", 405),
    ];
    for (line, headers, status) in cases {
        let headers = format!("{key}{headers}");
        let bytes = request(line, &headers, "");
        let answer = send(world.address, bytes.replace("content-length: 0\r\n", "")).await;
        assert_eq!(answer.status, status, "{line} {headers}: {answer:?}");
    }
    for bytes in [
        "GET /shop/items HTTP/1.1\r\n\r\n",
        "GET /shop/items\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00",
    ] {
        let answer = send(world.address, bytes).await;
        assert!(
            matches!(answer.status, 0 | 400 | 501),
            "{bytes:?}: {answer:?}"
        );
    }
    assert!(upstream.received().is_empty(), "{:?}", upstream.received());
    assert!(world.admitted().await.is_empty());
}

#[tokio::test]
async fn a_refusal_says_why_and_where() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let answer = world.call("GET /shop/a/%2e%2e/items", "", "").await;
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let problem = answer.json();
    assert_eq!(problem["code"], "path_not_canonical");
    assert_eq!(problem["status"], 400);
    let page = format!("{SITE}/docs/problems#path_not_canonical");
    assert_eq!(problem["type"], page, "nothing of ours is behind an API");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.starts_with("segment 3 of the path"), "{detail}");
    assert_eq!(problem["trace_id"].as_str().unwrap().len(), 32);
    let missing = send(world.address, request("GET /shop/items", "", "")).await;
    assert_eq!(
        (missing.status, missing.code().as_str()),
        (401, "credential_missing")
    );
    assert!(missing.header("www-authenticate").is_some());
    assert!(missing.header("portreeve-decision").is_some());
    let method = world.call("get /shop/items", "", "").await;
    assert!(method.header("allow").unwrap().contains("PATCH"));
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn a_browser_is_answered_by_us() {
    let upstream =
        Upstream::start(|_: &_| answer("200 OK", "access-control-allow-origin: *\r\n", "fine"))
            .await;
    let world = World::start(Setup::to(upstream.url())).await;
    let preflight = |origin: &str| {
        let headers = format!("origin: {origin}\r\naccess-control-request-method: PUT\r\n");
        request("OPTIONS /shop/items", &headers, "")
    };
    let allowed = send(world.address, preflight("https://page.test")).await;
    assert_eq!(allowed.status, 204);
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        Some("https://page.test")
    );
    let headers = allowed.header("access-control-allow-headers").unwrap();
    assert!(headers.contains("authorization") && headers.contains("x-request"));
    for origin in [
        "https://evil.test",
        "https://page.test.evil",
        "null",
        "HTTPS://page.test",
    ] {
        let refused = send(world.address, preflight(origin)).await;
        assert_eq!(refused.status, 204);
        assert_eq!(
            refused.header("access-control-allow-origin"),
            None,
            "{origin}"
        );
        assert_eq!(refused.header("access-control-allow-methods"), None);
    }
    assert!(upstream.received().is_empty());
    let called = world
        .call("GET /shop/items", "origin: https://page.test\r\n", "")
        .await;
    assert_eq!(
        called.header("access-control-allow-origin"),
        Some("https://page.test")
    );
    assert!(called.header("vary").unwrap().contains("origin"));
    let other = world
        .call("GET /shop/items", "origin: https://evil.test\r\n", "")
        .await;
    assert_eq!(other.header("access-control-allow-origin"), None);
    // A refusal can be read by the page too.
    let headers = "origin: https://page.test\r\n";
    let refused = send(world.address, request("GET /shop/items", headers, "")).await;
    assert_eq!(
        refused.header("access-control-allow-origin"),
        Some("https://page.test")
    );
}

#[tokio::test]
async fn a_head_has_a_size_and_a_deadline() {
    let upstream = Upstream::start(ok).await;
    let mut setup = Setup::to(upstream.url());
    setup.limits.head_timeout = Duration::from_millis(300);
    setup.limits.head_bytes = 8 * 1024;
    let world = World::start(setup).await;
    let long = format!("x-long: {}\r\n", "a".repeat(16 * 1024));
    assert_eq!(world.call("GET /shop/items", &long, "").await.status, 431);
    let many = "x-many: 1\r\n".repeat(200);
    assert_eq!(world.call("GET /shop/items", &many, "").await.status, 431);
    let mut slow = TcpStream::connect(world.address).await.unwrap();
    slow.write_all(b"GET /shop/items HTTP/1.1\r\nhost: ")
        .await
        .unwrap();
    let mut rest = Vec::new();
    let ended = timeout(Duration::from_secs(3), slow.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "a head that never ends keeps its connection");
    let mut idle = TcpStream::connect(world.address).await.unwrap();
    let ended = timeout(Duration::from_secs(3), idle.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "an idle connection is kept for ever");
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn calls_beyond_the_bound_are_told_so() {
    let upstream = Upstream::start(|_: &_| {
        let mut steps = vec![Step::Wait(600)];
        steps.extend(answer("200 OK", "", "fine"));
        steps
    })
    .await;
    let mut setup = Setup::to(upstream.url());
    setup.limits = Limits {
        calls: 1,
        ..setup.limits
    };
    let world = World::start(setup).await;
    let first = world.call("GET /shop/items", "", "");
    let second = async {
        sleep(Duration::from_millis(200)).await;
        world.call("GET /shop/items", "", "").await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.status, 200);
    assert_eq!((second.status, second.code().as_str()), (503, "overloaded"));
    assert!(second.header("retry-after").is_some());
    assert_eq!(world.call("GET /shop/items", "", "").await.status, 200);
    assert_eq!(world.outcomes(2).await.len(), 2);
}

/// Shows: F-17.
#[tokio::test]
async fn one_address_does_not_take_all_connections() {
    let upstream = Upstream::start(ok).await;
    let mut setup = Setup::to(upstream.url());
    setup.limits.connections_per_address = 2;
    let world = World::start(setup).await;
    let held = [
        TcpStream::connect(world.address).await.unwrap(),
        TcpStream::connect(world.address).await.unwrap(),
    ];
    let mut third = TcpStream::connect(world.address).await.unwrap();
    let ended = timeout(Duration::from_secs(5), third.read_u8()).await;
    assert!(ended.expect("it is closed at once").is_err());
    let counted = "class=\"connections_per_address\"} 1";
    assert!(world.metrics().contains(counted), "{}", world.metrics());
    drop(held);
    // It is noticed a moment later that they are gone.
    sleep(Duration::from_millis(200)).await;
    for _ in 0..3 {
        assert_eq!(world.call("GET /shop/items", "", "").await.status, 200);
    }
}

#[tokio::test]
async fn a_call_in_progress_is_answered_while_draining() {
    let upstream = Upstream::start(|_: &_| {
        let mut steps = vec![Step::Wait(500)];
        steps.extend(answer("200 OK", "", "fine"));
        steps
    })
    .await;
    let world = World::start(Setup::to(upstream.url())).await;
    let stop = async {
        sleep(Duration::from_millis(200)).await;
        world.shutdown.cancel();
    };
    let (answered, ()) = tokio::join!(world.call("GET /shop/items", "", ""), stop);
    assert_eq!((answered.status, answered.body.as_str()), (200, "fine"));
    sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(world.address).await.is_err());
    assert!(world.serving.is_finished());
}

#[tokio::test]
async fn what_does_not_end_in_the_drain_is_cut_off_and_settled() {
    let upstream = Upstream::start(|_: &_| vec![Step::AwaitEnd]).await;
    let mut setup = Setup::to(upstream.url());
    setup.timeout = "60s";
    setup.limits.drain = Duration::from_millis(300);
    let world = World::start(setup).await;
    let stop = async {
        sleep(Duration::from_millis(200)).await;
        world.shutdown.cancel();
    };
    let (cut, ()) = tokio::join!(world.call("GET /shop/items", "", ""), stop);
    assert_eq!(cut.status, 0);
    let outcomes = world.outcomes(1).await;
    assert_eq!(outcomes, [(journal::CallOutcome::Unknown, false)]);
    assert_eq!(upstream.ends(), 1);
}

#[tokio::test]
async fn calls_are_counted_by_api_and_code() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    world.call("GET /shop/items", "", "").await;
    client::send(world.address, request("GET /shop/items", "", "")).await;
    let text = world.metrics();
    for counted in [
        r#"gateway_calls_total{api="shop",mode="live",code="",answered="upstream"} 1"#,
        r#"{api="shop",mode="",code="credential_missing",answered="gateway"} 1"#,
        r#"gateway_call_seconds_count{api="shop"} 2"#,
    ] {
        assert!(text.contains(counted), "{counted} is not in {text}");
    }
}

/// A connection closed with bytes of the caller on their way would be reset, and the answer lost.
#[tokio::test]
async fn a_refusal_before_the_end_of_a_body_is_heard_and_the_connection_goes_on() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let body = "x".repeat(3_000_000);
    let refused = format!(
        "POST /shop/items HTTP/1.1\r\nhost: gate.test\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let allowed = request("GET /shop/items", &world.key(), "");
    let answers = send(world.address, refused + allowed.as_str()).await;
    assert_eq!((answers.status, upstream.received().len()), (401, 1));
    assert!(answers.body.contains("HTTP/1.1 200 OK"), "{answers:?}");

    // Who waits to be asked for the body is not asked.
    let waiting = "POST /shop/items HTTP/1.1\r\nhost: gate.test\r\nexpect: 100-continue\r\n\
                   content-length: 10\r\n\r\n";
    let answered = send(world.address, waiting).await;
    assert_eq!(answered.status, 401, "{answered:?}");
}
