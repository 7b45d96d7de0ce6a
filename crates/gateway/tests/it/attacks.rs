//! Requests that are one call and want to be many, bodies that are small and want to be large,
//! and answers that somebody other than the upstream would like to give.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use journal::CallOutcome::{Served, Unknown};
use quota::Counters;
use tokio::time::{Duration, sleep};

use crate::{
    client::{Answer, Session, request, send},
    upstream::{Received, Step, Upstream, answer, ok},
    world::{Setup, World},
};

const JSON: &str = "content-type: application/json\r\n";
const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

fn batch(calls: usize, amount: &str) -> String {
    let call = format!(r#"{{"path":"/shop/admin/items","amount":{amount}}}"#);
    format!(r#"{{"calls":[{}]}}"#, vec![call; calls].join(","))
}

fn told(answer: &Answer) -> (u16, String) {
    let code = if answer.status < 300 {
        String::new()
    } else {
        answer.code()
    };
    (answer.status, code)
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// Shows: S-18.
#[tokio::test]
async fn each_part_of_a_batch_takes_its_own_and_one_too_many_takes_nothing() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let ask = async |headers: &str, body: &str| {
        told(&world.call("POST /shop/batch", headers, body).await)
    };
    let passed = (200, String::new());
    assert_eq!(ask(JSON, &batch(1_000, "1")).await, passed);
    // 500 of 1,500 are left.
    let too_many = refused(429, "quota_exhausted");
    assert_eq!(ask(JSON, &batch(501, "1")).await, too_many);
    // The same fan-out in other clothes: as members of an object, said twice, in another kind of
    // body, encoded, or longer than anyone reads for a decision.
    let named: Vec<String> = (0..501)
        .map(|at| format!(r#""c{at}":{{"amount":1}}"#))
        .collect();
    let named = format!(r#"{{"calls":{{{}}}}}"#, named.join(","));
    assert_eq!(ask(JSON, &named).await, too_many);
    let twice = batch(501, "1").replacen('{', r#"{"calls":[],"#, 1);
    assert_eq!(ask(JSON, &twice).await, refused(400, "malformed_request"));
    for headers in [
        FORM,
        "content-type: text/plain\r\n",
        "content-type: multipart/mixed; boundary=b\r\n",
        "content-type: application/graphql\r\n",
        "",
        "content-type: application/json\r\ncontent-encoding: gzip\r\n",
        "content-type: application/json; charset=utf-16\r\n",
    ] {
        let (status, _) = ask(headers, &batch(501, "1")).await;
        assert!((400..500).contains(&status), "{headers}: {status}");
    }
    let padded = format!("{}{}", " ".repeat(70_000), batch(1, "1"));
    assert_eq!(ask(JSON, &padded).await, refused(413, "body_too_large"));
    // A sum over all parts counts, not the largest of them.
    assert_eq!(
        ask(JSON, &batch(100, "50.01")).await,
        refused(403, "limit_exceeded")
    );
    // None of that took anything, and the last that is left is given to the last part.
    assert_eq!(ask(JSON, &batch(500, "1")).await, passed);
    assert_eq!(ask(JSON, &batch(1, "1")).await, too_many);
    let taken: Vec<String> = world
        .admitted()
        .await
        .iter()
        .map(|call| call.counters[0].cost.to_string())
        .collect();
    assert_eq!(taken, ["1000", "500"]);
    assert_eq!(upstream.received().len(), 2);
}

/// Shows: R-26.
#[tokio::test]
async fn a_batch_is_one_call_of_its_own_caller_to_its_own_operation() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let body = r#"{"headers":{"X-Real-IP":"10.0.0.1","X-Forwarded-For":"10.0.0.1"},"calls":[
        {"amount":1,"method":"GET","path":"/shop/admin/items","headers":{"x-real-ip":"10.0.0.1"}},
        {"amount":1,"method":"GET","path":"/batch/../admin/items"}]}"#;
    let spoofed = format!("{JSON}x-real-ip: 10.0.0.1\r\nx-forwarded-for: 10.0.0.1\r\n");
    let answer = world.call("POST /shop/batch", &spoofed, body).await;
    assert_eq!(answer.status, 200);
    let got = upstream.only();
    assert_eq!(got.line(), "POST /base/batch HTTP/1.1");
    assert_eq!(
        got.body,
        body.as_bytes(),
        "what it holds is the upstream's to read"
    );
    assert_eq!(
        got.header("x-forwarded-for"),
        Some("127.0.0.1"),
        "{}",
        got.head
    );
    assert_eq!(got.header("x-real-ip"), None, "{}", got.head);
    let direct = world.call("GET /shop/admin/items", "", "").await;
    assert_eq!(direct.status, 403, "{direct:?}");
    assert_eq!(upstream.received().len(), 1);
}

/// A body, its headers, its path, and how it is refused.
type Bomb = (&'static str, &'static str, String, String, (u16, String));

#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn bombs() -> Vec<Bomb> {
    let many = 100_000;
    let unread = || refused(400, "malformed_request");
    let json = |name, body: String, told| (name, "/shop/items", JSON.to_owned(), body, told);
    let mut all = vec![
        json(
            "lists in lists",
            format!(
                r#"{{"amount":1,"x":{}{}}}"#,
                "[".repeat(many),
                "]".repeat(many)
            ),
            unread(),
        ),
        json("lists that never end", "[".repeat(many), unread()),
        json(
            "objects in objects",
            format!("{}1{}", r#"{"a":"#.repeat(many), "}".repeat(many)),
            unread(),
        ),
        json(
            "a key twice",
            r#"{"amount":1,"amount":1000}"#.to_owned(),
            unread(),
        ),
        json(
            "a key twice, escaped",
            r#"{"amount":1,"\u0061mount":1000}"#.to_owned(),
            unread(),
        ),
        json(
            "a key very often",
            format!(r#"{{"amount":1{}}}"#, r#","x":1"#.repeat(many)),
            unread(),
        ),
        json(
            "a number of a million digits",
            format!(r#"{{"amount":{}}}"#, "9".repeat(1_000_000)),
            unread(),
        ),
        json(
            "a fraction of a million digits",
            format!(r#"{{"amount":0.{}}}"#, "1".repeat(1_000_000)),
            unread(),
        ),
        json(
            "a large exponent",
            r#"{"amount":1e1000000000}"#.to_owned(),
            unread(),
        ),
        json(
            "too many values",
            format!(r#"{{"amount":1,"x":[{}1]}}"#, "1,".repeat(many)),
            unread(),
        ),
    ];
    let mut fields = "amount=1".to_owned();
    for at in 0..many {
        let _ = write!(fields, "&f{at}=1");
    }
    all.push((
        "form fields",
        "/shop/form",
        FORM.to_owned(),
        fields,
        unread(),
    ));
    all.push((
        "one form field very often",
        "/shop/form",
        FORM.to_owned(),
        vec!["amount=1"; 1_000].join("&"),
        refused(403, "fact_unusable"),
    ));
    let part = "--b\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n";
    all.push((
        "parts",
        "/shop/items",
        "content-type: multipart/form-data; boundary=b\r\n".to_owned(),
        part.repeat(20_000),
        unread(),
    ));
    for coding in [
        "gzip",
        "br",
        "zstd",
        "deflate",
        "gzip, gzip",
        "identity, br",
        "x-snappy",
    ] {
        all.push((
            "an encoded body",
            "/shop/items",
            format!("{JSON}content-encoding: {coding}\r\n"),
            r#"{"amount":1}"#.to_owned(),
            unread(),
        ));
    }
    for fields in [
        format!("x-long: {}\r\n", "a".repeat(many)),
        "x-many: a\r\n".repeat(many),
        format!("x-list: {}\r\n", "a,".repeat(many / 2)),
        format!("cookie: {}\r\n", "a=b; ".repeat(many / 5)),
    ] {
        all.push((
            "a large head",
            "/shop/items",
            format!("{JSON}{fields}"),
            r#"{"amount":1}"#.to_owned(),
            refused(431, "head_too_large"),
        ));
    }
    all
}

/// How much memory they take is measured on a process of its own, by `faults`.
///
/// Shows: S-19.
#[tokio::test]
async fn what_grows_when_it_is_read_is_refused_and_never_unpacked() {
    let upstream = Upstream::start(ok).await;
    let mut setup = Setup::to(upstream.url());
    setup.limits.decision_body_bytes = 4 * 1024 * 1024;
    let world = World::start(setup).await;
    for (name, path, headers, body, told_so) in bombs() {
        let line = format!("POST {path}");
        let answer = world.call(&line, &headers, &body).await;
        assert_eq!(told(&answer), told_so, "{name}");
    }
    assert!(upstream.received().is_empty());
    assert!(world.admitted().await.is_empty());

    // What no decision is read from passes as it came, in both directions.
    for (name, _, headers, body, told_so) in bombs() {
        if told_so.0 == 431 {
            continue;
        }
        let answer = world.call("PUT /shop/items", &headers, &body).await;
        assert_eq!(answer.status, 200, "{name}");
        let got = upstream.received().pop().unwrap();
        assert_eq!(got.body, body.as_bytes(), "{name}");
        let coding = headers
            .lines()
            .find_map(|line| line.strip_prefix("content-encoding: "));
        assert_eq!(got.header("content-encoding"), coding, "{name}");
    }
}

/// Shows: S-19.
#[tokio::test]
async fn an_encoded_answer_is_passed_on_packed() {
    let packed = "\u{1f}\u{8b} a gigabyte of zeros";
    let headers = "content-encoding: gzip, br\r\ncontent-type: text/plain\r\n";
    let upstream = Upstream::start(move |_: &Received| answer("200 OK", headers, packed)).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let got = world
        .call("GET /shop/items", "accept-encoding: gzip\r\n", "")
        .await;
    assert_eq!(got.body, packed);
    assert_eq!(got.header("content-encoding"), Some("gzip, br"));
    assert_eq!(upstream.only().header("accept-encoding"), Some("gzip"));
}

/// What is asked for, and what the upstream says to it.
const CONDITIONS: [(&str, &str, &str); 9] = [
    (
        "range: bytes=0-0",
        "206 Partial Content",
        "content-range: bytes 0-0/4",
    ),
    (
        "range: bytes=-1, 0-0, 2-",
        "206 Partial Content",
        "content-type: multipart/byteranges; boundary=b",
    ),
    (
        "range: bytes=9-",
        "416 Range Not Satisfiable",
        "content-range: bytes */4",
    ),
    (
        "range: bytes=0-1\r\nif-range: \"a\"",
        "200 OK",
        "etag: \"b\"",
    ),
    (
        "if-none-match: \"a\", W/\"b\"",
        "304 Not Modified",
        "etag: \"a\"",
    ),
    ("if-none-match: *", "412 Precondition Failed", "etag: \"a\""),
    (
        "if-modified-since: Thu, 01 Jan 1970 00:00:00 GMT",
        "200 OK",
        "last-modified: Thu, 01 Jan 1970 00:00:00 GMT",
    ),
    (
        "if-match: \"a\"",
        "200 OK",
        "cache-control: public, max-age=31536000",
    ),
    ("early-data: 1", "425 Too Early", "retry-after: 1"),
];

/// Shows: S-21.
#[tokio::test]
async fn ranges_and_conditions_are_the_upstreams_to_answer() {
    let calls = AtomicUsize::new(0);
    let upstream = Upstream::start(move |_: &Received| {
        // Each is asked twice in a row, so that an answer that was kept would be seen.
        let (_, status, header) = CONDITIONS[calls.fetch_add(1, Ordering::SeqCst) / 2 % 9];
        let body = if status.starts_with("304") {
            ""
        } else {
            "part"
        };
        answer(status, &format!("{header}\r\n"), body)
    })
    .await;
    let world = World::start(Setup::to(upstream.url())).await;
    let mut session = Session::new(world.address);
    for (asked, status, says) in CONDITIONS {
        for _ in 0..2 {
            let bytes = format!(
                "GET /shop/items HTTP/1.1\r\nhost: gate.test\r\n{}{asked}\r\n\r\n",
                world.key()
            );
            let answer = session.ask(bytes.as_bytes()).await;
            assert!(
                answer.head.starts_with(&format!("HTTP/1.1 {status}")),
                "{asked}: {answer:?}"
            );
            let (name, value) = says.split_once(": ").unwrap();
            assert_eq!(answer.header(name), Some(value), "{asked}");
            let got = upstream.received().pop().unwrap();
            for line in asked.split("\r\n") {
                let (name, value) = line.split_once(": ").unwrap();
                assert_eq!(got.header(name), Some(value), "{}", got.head);
            }
        }
    }
    assert_eq!(upstream.received().len(), CONDITIONS.len() * 2);
    // Each of them was a call, whatever came of it.
    assert_eq!(world.admitted().await.len(), CONDITIONS.len() * 2);

    // Ranges without end are a head without end.
    let ranges = format!("range: bytes={}\r\n", "0-,".repeat(20_000));
    let bytes = request("GET /shop/items", &[world.key(), ranges].concat(), "");
    assert_eq!(send(world.address, bytes).await.status, 431);
}

/// Answers 503 after a while, which gives back what the call took.
async fn failing_slowly() -> Upstream {
    Upstream::start(|_: &Received| {
        let mut steps = vec![Step::Wait(300)];
        steps.extend(answer("503 Service Unavailable", "", "later"));
        steps
    })
    .await
}

fn few(upstream: &Upstream, counters: &Arc<Counters>) -> Setup {
    let mut setup = Setup::to(upstream.url());
    setup.reads = 2;
    setup.identity = "{ shared: context-key }, refund_server_errors: true";
    setup.counters = Arc::clone(counters);
    setup
}

/// Where the end of a call cannot be written down, its counters must not say that it never was.
///
/// Shows: R-43.
#[tokio::test]
async fn what_cannot_be_settled_while_it_is_answered_stays_taken() {
    let upstream = failing_slowly().await;
    let (counters, folder) = (Arc::default(), tempfile::tempdir().unwrap());
    let mut setup = few(&upstream, &counters);
    setup.journal = Some(folder.path().to_owned());
    let world = World::start(setup).await;
    // While all is well, what failed is given back.
    for _ in 0..3 {
        let answer = world.call("GET /shop/items", "", "").await;
        assert_eq!((answer.status, answer.body.as_str()), (503, "later"));
    }
    let breaking = async {
        sleep(Duration::from_millis(100)).await;
        world.journal.close().unwrap();
    };
    let (answer, ()) = tokio::join!(world.call("GET /shop/items", "", ""), breaking);
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (503, "later"),
        "it is answered"
    );
    for _ in 0..3 {
        let next = world.call("GET /shop/items", "", "").await;
        assert_eq!((next.status, next.code().as_str()), (503, "overloaded"));
    }
    assert_eq!(
        upstream.received().len(),
        4,
        "nothing passes that cannot be written down"
    );
    let World {
        serving,
        shutdown,
        gateway,
        journal,
        ..
    } = world;
    shutdown.cancel();
    serving.await.unwrap();
    drop((gateway, journal));

    // With the counters as they were left, and a journal that works.
    let honest = Upstream::start(ok).await;
    let mut setup = few(&honest, &counters);
    setup.journal = Some(folder.path().to_owned());
    let world = World::start(setup).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(world.call("GET /shop/items", "", "").await.status);
    }
    assert_eq!(statuses, [200, 429, 429]);
    let ends = world.outcomes(5).await;
    let (given_back, rest) = ends.split_at(3);
    assert!(given_back.iter().all(|(_, refunded)| *refunded), "{ends:?}");
    assert!(
        matches!(
            rest,
            [(Unknown, false), (Served { status: 200, .. }, false)]
        ),
        "{ends:?}"
    );
}
