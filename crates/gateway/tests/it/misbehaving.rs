//! Upstreams that break the rules: no byte reaches another caller, and no call runs twice.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use journal::CallOutcome::{Served, Unknown};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    client::{self, Session, request},
    upstream::{Received, Step, Upstream, answer},
    world::{Setup, World},
};

/// The first request gets `poison`, those after it an honest answer that names them.
async fn poisoned(poison: Vec<Step>) -> (Upstream, World) {
    let calls = AtomicUsize::new(0);
    let upstream = Upstream::start(move |got: &Received| {
        if calls.fetch_add(1, Ordering::SeqCst) == 0 {
            return poison.clone();
        }
        let line = got.line().to_owned();
        answer("200 OK", "", &line)
    })
    .await;
    let world = World::start(Setup::to(upstream.url())).await;
    (upstream, world)
}

fn send(text: &str) -> Step {
    Step::Send(text.to_owned())
}

const EVIL: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nx-evil: 1\r\n\r\nEVIL";

/// Answers that hold more, less or something else than they say.
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn poisons() -> Vec<(&'static str, Vec<Step>)> {
    let with = |head: &str, rest: &str| vec![send(&format!("HTTP/1.1 {head}\r\n\r\n{rest}"))];
    let reset = |mut steps: Vec<Step>| {
        steps.push(Step::Close);
        steps
    };
    vec![
        (
            "more than its length",
            with("200 OK\r\ncontent-length: 2", &format!("ok{EVIL}")),
        ),
        ("a second answer", with("200 OK\r\ncontent-length: 0", EVIL)),
        (
            "204 with a body",
            with(
                "204 No Content\r\ncontent-length: 4",
                &format!("body{EVIL}"),
            ),
        ),
        (
            "304 with a body",
            with(
                "304 Not Modified\r\ncontent-length: 4",
                &format!("body{EVIL}"),
            ),
        ),
        (
            "204 in chunks",
            with(
                "204 No Content\r\ntransfer-encoding: chunked",
                "4\r\nEVIL\r\n0\r\n\r\n",
            ),
        ),
        (
            "after the last chunk",
            with(
                "200 OK\r\ntransfer-encoding: chunked",
                &format!("2\r\nok\r\n0\r\n\r\n{EVIL}"),
            ),
        ),
        (
            "both framings",
            with(
                "200 OK\r\ncontent-length: 4\r\ntransfer-encoding: chunked",
                &format!("0\r\n\r\n{EVIL}"),
            ),
        ),
        (
            "two lengths",
            with(
                "200 OK\r\ncontent-length: 2\r\ncontent-length: 40",
                &format!("ok{EVIL}"),
            ),
        ),
        (
            "the same length twice",
            with(
                "200 OK\r\ncontent-length: 2\r\ncontent-length: 2",
                &format!("ok{EVIL}"),
            ),
        ),
        (
            "a list of lengths",
            with("200 OK\r\ncontent-length: 2, 2", &format!("ok{EVIL}")),
        ),
        (
            "a signed length",
            with("200 OK\r\ncontent-length: +2", &format!("ok{EVIL}")),
        ),
        (
            "another coding",
            with(
                "200 OK\r\ntransfer-encoding: gzip, chunked",
                &format!("0\r\n\r\n{EVIL}"),
            ),
        ),
        (
            "a coding twice",
            with(
                "200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked",
                &format!("0\r\n\r\n{EVIL}"),
            ),
        ),
        (
            "a broken chunk",
            reset(with("200 OK\r\ntransfer-encoding: chunked", "zz\r\nEVIL")),
        ),
        (
            "a chunk cut short",
            reset(with("200 OK\r\ntransfer-encoding: chunked", "ff\r\nok")),
        ),
        (
            "less than its length",
            reset(with("200 OK\r\ncontent-length: 400", "ok")),
        ),
        (
            "a switch",
            with(
                "101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x",
                EVIL,
            ),
        ),
        ("no HTTP", vec![send("EVIL EVIL\r\n\r\n")]),
        (
            "a folded field",
            with("200 OK\r\nx-a: 1\r\n content-length: 0", EVIL),
        ),
        (
            "a space before a colon",
            with("200 OK\r\ncontent-length : 0", EVIL),
        ),
        (
            "a NUL",
            with("200 OK\r\nx-a: \0\r\ncontent-length: 0", EVIL),
        ),
    ]
}

/// Shows: S-08, F-39, G-21, R-65.
#[tokio::test]
async fn no_byte_of_an_answer_reaches_the_next_caller() {
    for (what, poison) in poisons() {
        let (upstream, world) = poisoned(poison).await;
        let (mut one, mut other) = (Session::new(world.address), Session::new(world.address));
        let ask = |number: u32| {
            let key = world.key();
            format!(
                "PUT /shop/items?n={number} HTTP/1.1\r\nHost: gate.test\r\n{key}Content-Length: 1\r\n\r\nx"
            )
        };
        let first = timeout(Duration::from_secs(5), one.ask(ask(0).as_bytes())).await;
        let first = first.unwrap_or_else(|_| panic!("{what}: no answer"));
        assert_eq!(first.header("x-evil"), None, "{what}: {first:?}");
        for number in 1..4 {
            let session = if number % 2 == 0 {
                &mut one
            } else {
                &mut other
            };
            let mut next = session.ask(ask(number).as_bytes()).await;
            if next.status == 0 {
                // The answer before was cut off, and its connection with it.
                next = session.ask(ask(number).as_bytes()).await;
            }
            let line = format!("PUT /base/items?n={number} HTTP/1.1");
            assert_eq!((next.status, next.body), (200, line), "after {what}");
        }
        let numbers: Vec<_> = upstream
            .received()
            .iter()
            .map(|got| got.line().to_owned())
            .collect();
        let firsts = numbers.iter().filter(|line| line.contains("n=0")).count();
        assert_eq!(firsts, 1, "{what}: {numbers:?}");
    }
}

/// Shows: S-08.
#[tokio::test]
async fn an_answer_whose_end_is_in_doubt_is_none() {
    for head in [
        "200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked",
        "200 OK\r\ncontent-length: 2\r\ncontent-length: 2",
        "200 OK\r\ncontent-length: 2\r\ncontent-length: 3",
        "200 OK\r\ntransfer-encoding: gzip, chunked",
        "200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked",
    ] {
        let (_upstream, world) =
            poisoned(vec![send(&format!("HTTP/1.1 {head}\r\n\r\n0\r\n\r\n"))]).await;
        let answered = world.call("GET /shop/items", "", "").await;
        assert_eq!(
            (answered.status, answered.code().as_str()),
            (502, "upstream_unreachable"),
            "{head}"
        );
        assert_eq!(world.outcomes(1).await.len(), 1);
    }
}

/// Shows: S-08.
#[tokio::test]
async fn an_answer_cannot_be_split_by_what_it_holds() {
    let upstream = Upstream::start(|_: &_| {
        let headers = "location: /a%0d%0ax-evil:%201\r\nx-a: b\t\u{e4}\r\n";
        answer("302 Found", headers, "HTTP/1.1 200 OK\r\nx-evil: 1\r\n\r\n")
    })
    .await;
    let world = World::start(Setup::to(upstream.url())).await;
    let answered = world
        .call("GET /shop/items?a=%0d%0aX-Evil:%201", "", "")
        .await;
    assert_eq!(answered.status, 302, "{answered:?}");
    assert_eq!(answered.header("x-evil"), None);
    let line = upstream.only().line().to_owned();
    assert!(line.contains("a=%0D%0AX-Evil:%201") && upstream.only().header("x-evil").is_none());
}

/// Shows: S-08, F-39.
#[tokio::test]
async fn interim_answers_are_swallowed_and_a_flood_of_them_is_cut() {
    let interim = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nportreeve-decision: lie\r\n\r\n";
    let (_upstream, world) = poisoned(vec![
        send("HTTP/1.1 100 Continue\r\n\r\n"),
        send(&interim.repeat(20)),
        send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    ])
    .await;
    let answered = world.call("GET /shop/items", "", "").await;
    assert_eq!((answered.status, answered.body.as_str()), (200, "ok"));
    assert!(!answered.head.contains("link") && !answered.head.contains("lie"));

    // Long before its time is over, and whether or not an answer stands behind them.
    let honest = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let mut slow = vec![[send(&interim.repeat(5)), Step::Wait(10)]; 20].concat();
    slow.push(Step::AwaitEnd);
    let storms = [
        vec![send(&interim.repeat(65)), send(honest), Step::AwaitEnd],
        slow,
    ];
    for storm in storms {
        let upstream = Upstream::start(move |_: &Received| storm.clone()).await;
        let mut setup = Setup::to(upstream.url());
        setup.timeout = "60s";
        let world = World::start(setup).await;
        let call = world.call("PUT /shop/items", "content-length: 0\r\n", "");
        let cut = timeout(Duration::from_secs(4), call).await.unwrap();
        assert_eq!(
            (cut.status, cut.code().as_str()),
            (502, "upstream_unreachable")
        );
        assert_eq!(world.outcomes(1).await, [(Unknown, false)]);
        assert_eq!((upstream.received().len(), upstream.ends()), (1, 1));
    }
}

/// Shows: S-02, F-39.
#[tokio::test]
async fn an_early_answer_is_passed_on_while_the_body_is_still_coming() {
    let calls = AtomicUsize::new(0);
    let upstream = Upstream::start_early(move |got: &Received| {
        let number = calls.fetch_add(1, Ordering::SeqCst);
        if number == 0 {
            return vec![send(
                "HTTP/1.1 403 Forbidden\r\ncontent-length: 5\r\n\r\nearly",
            )];
        }
        answer("200 OK", "", got.line())
    })
    .await;
    let world = World::start(Setup::to(upstream.url())).await;
    let key = world.key();
    let hidden = format!(
        "GET /base/items?hidden HTTP/1.1\r\nhost: a\r\n\r\n{}",
        "x".repeat(60_000)
    );
    let head = format!(
        "PUT /shop/items HTTP/1.1\r\nHost: gate.test\r\n{key}Content-Length: {}\r\n\r\n",
        hidden.len()
    );
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut early = vec![0; 12];
    stream.read_exact(&mut early).await.unwrap();
    assert_eq!(&early, b"HTTP/1.1 403", "before the body was sent");
    let _ = stream.write_all(hidden.as_bytes()).await;
    drop(stream);
    for number in 0..3 {
        let answered = world
            .call(&format!("GET /shop/items?n={number}"), "", "")
            .await;
        let line = format!("GET /base/items?n={number} HTTP/1.1");
        assert_eq!((answered.status, answered.body), (200, line));
    }
}

/// Shows: F-39, G-21.
#[tokio::test]
async fn a_call_that_broke_off_is_never_sent_again() {
    for breaks in [
        vec![Step::Close],
        vec![send("HTTP/1.1 200 OK\r\ncontent-le"), Step::Close],
        vec![Step::Wait(300), Step::Close],
    ] {
        let (upstream, world) = poisoned(breaks).await;
        // A connection that is kept, so that the next call uses one that was good.
        let first = world
            .call("PUT /shop/items?warm", "content-length: 0\r\n", "")
            .await;
        assert_eq!(first.status, 502, "{first:?}");
        for method in ["PUT", "POST"] {
            let json = "content-type: application/json\r\n";
            let body = if method == "POST" {
                r#"{"amount": 1}"#
            } else {
                ""
            };
            let headers = if method == "POST" {
                json
            } else {
                "content-length: 0\r\n"
            };
            let answered = world
                .call(&format!("{method} /shop/items?once"), headers, body)
                .await;
            assert_eq!(answered.status, 200);
        }
        let lines: Vec<_> = upstream
            .received()
            .iter()
            .map(|got| got.line().to_owned())
            .collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
    }
}

/// Shows: F-39.
#[tokio::test]
async fn a_slow_first_byte_has_its_time_and_no_more() {
    let (upstream, world) = poisoned(vec![
        Step::Wait(500),
        send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
    ])
    .await;
    let answered = world.call("GET /shop/items", "", "").await;
    assert_eq!((answered.status, answered.body.as_str()), (200, "ok"));
    assert_eq!(upstream.received().len(), 1);

    let (upstream, world) = poisoned(vec![Step::Wait(1_400), send(EVIL)]).await;
    let late = world
        .call("PUT /shop/items", "content-length: 0\r\n", "")
        .await;
    assert_eq!(late.status, 504, "{late:?}");
    sleep(Duration::from_millis(600)).await;
    let next = world.call("GET /shop/items?next", "", "").await;
    assert_eq!(next.body, "GET /base/items?next HTTP/1.1");
    assert_eq!(upstream.received().len(), 2);
}

/// A caller that closes its side in the middle of its call has hung up: what a full close looks
/// like from here.
///
/// Shows: G-21.
#[tokio::test]
async fn half_a_close_is_a_close() {
    let upstream = Upstream::start(|_: &_| vec![Step::AwaitEnd]).await;
    let mut setup = Setup::to(upstream.url());
    setup.timeout = "60s";
    let world = World::start(setup).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let bytes = request("GET /shop/items", &world.key(), "");
    stream.write_all(bytes.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    stream.shutdown().await.unwrap();
    assert_eq!(client::read(&mut stream).await.status, 0);
    assert_eq!(world.outcomes(1).await, [(Unknown, false)]);
    assert_eq!(upstream.ends(), 1);
}

/// A request that waits for its turn hides neither its caller's hanging up nor its own faults.
///
/// Shows: S-02.
#[tokio::test]
async fn a_request_waits_for_the_answer_before_it() {
    let upstream = Upstream::start(|_: &_| {
        let mut steps = vec![Step::Wait(200)];
        steps.extend(answer("200 OK", "", "fine"));
        steps
    })
    .await;
    let world = World::start(Setup::to(upstream.url())).await;
    let one = format!(
        "GET /shop/items HTTP/1.1\r\nHost: gate.test\r\n{}\r\n",
        world.key()
    );
    let answers = client::send(
        world.address,
        format!("{one}{one}GET /a b HTTP/1.1\r\n\r\n"),
    )
    .await;
    assert_eq!(answers.status, 200);
    assert_eq!(
        answers.body.matches("HTTP/1.1 200 OK").count(),
        1,
        "{answers:?}"
    );
    assert!(
        answers.body.contains("HTTP/1.1 400 Bad Request"),
        "{answers:?}"
    );
    assert_eq!(world.outcomes(2).await.len(), 2);
    assert!(matches!(
        world.outcomes(2).await[0].0,
        Served { status: 200, .. }
    ));

    let slow = Upstream::start(|_: &_| vec![Step::AwaitEnd]).await;
    let mut setup = Setup::to(slow.url());
    setup.timeout = "60s";
    let world = World::start(setup).await;
    let one = format!(
        "GET /shop/items HTTP/1.1\r\nHost: gate.test\r\n{}\r\n",
        world.key()
    );
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(one.repeat(3).as_bytes()).await.unwrap();
    sleep(Duration::from_millis(200)).await;
    drop(stream);
    assert_eq!(world.outcomes(1).await, [(Unknown, false)]);
    assert_eq!(slow.ends(), 1);
}
