//! What goes wrong on the way: each failure is answered, settled once, and sent once.

use std::time::Duration;

use journal::CallOutcome::{NotSent, Served, Unknown};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

use crate::{
    client::{read, request, send},
    upstream::{Received, Step, Upstream, answer, ok},
    world::{Setup, World},
};

async fn failing(
    script: impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static,
) -> (Upstream, World) {
    let upstream = Upstream::start(script).await;
    let world = World::start(Setup::to(upstream.url())).await;
    (upstream, world)
}

#[tokio::test]
async fn without_a_connection_the_call_was_not_made_and_costs_nothing() {
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let world = World::start(Setup::to(format!("http://{port}/base"))).await;
    let answered = world.call("GET /shop/items", "", "").await;
    assert_eq!(
        (answered.status, answered.code().as_str()),
        (502, "upstream_unreachable")
    );
    let decision = answered.json()["decision_id"].as_str().unwrap().to_owned();
    assert_eq!(
        answered.header("portreeve-decision"),
        Some(decision.as_str())
    );
    assert_eq!(world.outcomes(1).await, [(NotSent, true)]);
    let health = world.gateway.upstreams();
    assert_eq!((health.len(), health[0].failures), (1, 1));
    assert!(health[0].last_failure.is_some());
}

#[tokio::test]
async fn an_upstream_that_breaks_off_is_asked_once() {
    for answer in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-",
        "rubbish\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx y\r\n\r\n",
    ] {
        let (upstream, world) =
            failing(move |_| vec![Step::Send(answer.to_owned()), Step::Close]).await;
        let body = r#"{"amount": 1}"#;
        let json = "content-type: application/json\r\n";
        let answered = world.call("POST /shop/items", json, body).await;
        assert_eq!(
            (answered.status, answered.code().as_str()),
            (502, "upstream_unreachable")
        );
        assert_eq!(world.outcomes(1).await, [(Unknown, false)], "{answer:?}");
        assert_eq!(upstream.only().body, body.as_bytes());
    }
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_is_given_up() {
    let (upstream, world) = failing(|_| vec![Step::AwaitEnd]).await;
    let answered = world.call("GET /shop/items", "", "").await;
    assert_eq!(
        (answered.status, answered.code().as_str()),
        (504, "upstream_timeout")
    );
    assert_eq!(world.outcomes(1).await, [(Unknown, false)]);
    assert_eq!(upstream.ends(), 1, "the call upstream was not cancelled");
}

/// Shows: S-05.
#[tokio::test]
async fn a_change_of_protocol_nobody_asked_for_is_no_answer() {
    let (_upstream, world) = failing(|_| {
        let head =
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nraw";
        vec![Step::Send(head.to_owned()), Step::AwaitEnd]
    })
    .await;
    let answered = world.call("GET /shop/items", "", "").await;
    assert_eq!(answered.status, 502, "{answered:?}");
    assert_eq!(world.outcomes(1).await, [(Unknown, false)]);
}

#[tokio::test]
async fn an_answer_that_stops_half_way_is_cut_off_and_was_served() {
    for end in [Step::Close, Step::Wait(5_000)] {
        let (_upstream, world) = failing(move |_| {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
            vec![Step::Send(head.to_owned()), end.clone(), Step::Close]
        })
        .await;
        let patience = Duration::from_secs(3);
        let call = world.call("GET /shop/items", "", "");
        let answered = tokio::time::timeout(patience, call).await.unwrap();
        assert_eq!((answered.status, answered.body.as_str()), (200, "half"));
        let outcomes = world.outcomes(1).await;
        assert!(
            matches!(
                outcomes[0].0,
                Served {
                    status: 200,
                    bytes_out: 4,
                    ..
                }
            ),
            "{outcomes:?}"
        );
    }
}

#[tokio::test]
async fn a_caller_that_hangs_up_ends_the_call_upstream() {
    // Before the answer: nobody knows whether the call ran.
    let (upstream, world) = failing(|_| vec![Step::AwaitEnd]).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let bytes = request("GET /shop/items", &world.key(), "");
    stream.write_all(bytes.as_bytes()).await.unwrap();
    sleep(Duration::from_millis(300)).await;
    drop(stream);
    assert_eq!(world.outcomes(1).await, [(Unknown, false)]);
    assert_eq!(upstream.ends(), 1);

    // Within the answer: it was served.
    let (upstream, world) = failing(|_| {
        let mut steps = vec![Step::Send(
            "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n".to_owned(),
        )];
        for _ in 0..60 {
            steps.extend([Step::Send("x".repeat(100)), Step::Wait(100)]);
        }
        steps
    })
    .await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let bytes = request("GET /shop/items", &world.key(), "");
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut some = [0; 300];
    stream.read_exact(&mut some).await.unwrap();
    drop(stream);
    let outcomes = world.outcomes(1).await;
    assert!(
        matches!(outcomes[0].0, Served { status: 200, .. }),
        "{outcomes:?}"
    );
    sleep(Duration::from_millis(300)).await;
    assert_eq!(upstream.ends(), 1, "the upstream still sends");
}

#[tokio::test]
async fn a_body_that_stops_or_grows_too_long_is_given_up() {
    let (upstream, world) = failing(ok).await;
    let headers = format!("{}content-length: 10\r\n", world.key());
    let paused = send(
        world.address,
        request("PUT /shop/items", &headers, "") + "half",
    )
    .await;
    assert_eq!(
        (paused.status, paused.code().as_str()),
        (400, "malformed_request")
    );
    assert_eq!(world.outcomes(1).await, [(NotSent, true)]);
    assert!(upstream.received().is_empty());
    assert!(
        world.gateway.upstreams().is_empty(),
        "the caller's fault says nothing about the upstream"
    );

    let mut setup = Setup::to(upstream.url());
    setup.limits.body_bytes = 1_000;
    let world = World::start(setup).await;
    let headers = format!("{}content-length: 1001\r\n", world.key());
    let declared = send(world.address, request("PUT /shop/items", &headers, "")).await;
    assert_eq!(
        (declared.status, declared.code().as_str()),
        (413, "body_too_large")
    );
    assert!(
        world.admitted().await.is_empty(),
        "refused before anything is counted"
    );
    let headers = format!("{}transfer-encoding: chunked\r\n", world.key());
    let mut chunked = request("PUT /shop/items", &headers, "");
    for _ in 0..3 {
        chunked.push_str("190\r\n");
        chunked.push_str(&"a".repeat(400));
        chunked.push_str("\r\n");
    }
    let grown = send(world.address, chunked).await;
    assert_eq!(
        (grown.status, grown.code().as_str()),
        (413, "body_too_large")
    );
    assert_eq!(world.outcomes(1).await, [(Unknown, false)]);
}

/// Callers who dawdle hold no connection to the upstream; longer bodies pass as they come.
///
/// Shows: F-18.
#[tokio::test]
async fn a_short_body_is_waited_for_before_the_upstream_is_asked() {
    for (length, goes_at_once) in [(16 * 1024, false), (16 * 1024 + 1, true)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/base", listener.local_addr().unwrap());
        let world = World::start(Setup::to(url)).await;
        let headers = format!("{}content-length: {length}\r\n", world.key());
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        let head = request("PUT /shop/items", &headers, "") + "begun";
        stream.write_all(head.as_bytes()).await.unwrap();
        let early = timeout(Duration::from_millis(200), listener.accept()).await;
        assert_eq!(early.is_ok(), goes_at_once, "{length} bytes");
        let rest = "x".repeat(length - "begun".len());
        stream.write_all(rest.as_bytes()).await.unwrap();
        let accepted = match early {
            Ok(accepted) => accepted,
            Err(_) => listener.accept().await,
        };
        let (mut upstream, _) = accepted.unwrap();
        let mut got = Vec::new();
        while !String::from_utf8_lossy(&got).ends_with(&format!("\r\n\r\nbegun{rest}")) {
            let read = upstream.read_buf(&mut got).await.unwrap();
            assert!(read > 0, "{} bytes came", got.len());
        }
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        upstream.write_all(answer.as_bytes()).await.unwrap();
        assert_eq!(read(&mut stream).await.status, 200);
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_meanwhile_is_no_failure() {
    let (upstream, world) = failing(|_| {
        let mut steps = answer("200 OK", "", "fine");
        steps.push(Step::Close);
        steps
    })
    .await;
    for _ in 0..5 {
        assert_eq!(world.call("GET /shop/items", "", "").await.status, 200);
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(upstream.received().len(), 5);
    assert_eq!(world.outcomes(5).await.len(), 5);
    assert_eq!(world.gateway.upstreams()[0].failures, 0);
}

#[tokio::test]
async fn a_secret_that_is_not_set_stops_the_call_before_it_is_sent() {
    for name in ["upstream-password", "context-key"] {
        let (upstream, world) = failing(ok).await;
        let value = world.secrets.0.lock().remove(name).unwrap();
        let answered = world.call("GET /shop/items", "", "").await;
        assert_eq!(
            (answered.status, answered.code().as_str()),
            (502, "upstream_unreachable")
        );
        assert!(
            !answered.body.contains(name),
            "an app is not told how we are set up"
        );
        assert_eq!(world.outcomes(1).await, [(NotSent, true)]);
        assert!(upstream.received().is_empty());
        // Set again, it is used at once.
        world.secrets.0.lock().insert(name.to_owned(), value);
        assert_eq!(world.call("GET /shop/items", "", "").await.status, 200);
    }
}
