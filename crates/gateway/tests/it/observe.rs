//! An API that only observes.

use std::fmt::Write as _;

use journal::CallOutcome;
use verifier::Verifier;

use crate::{
    client::{basic, request, send},
    upstream::{Upstream, ok},
    world::{CONTEXT_KEY, Setup, World},
};

async fn observing() -> (Upstream, World) {
    let upstream = Upstream::start(ok).await;
    let mut setup = Setup::to(upstream.url());
    setup.enforcement = "observe";
    let world = World::start(setup).await;
    (upstream, world)
}

#[tokio::test]
async fn an_unknown_caller_passes_as_before_and_gets_nothing_of_ours() {
    let (upstream, world) = observing().await;
    let own = basic("old-user", "old-password");
    let headers = format!("{own}portreeve-context: lie\r\n");
    let answered = send(world.address, request("GET /shop/items", &headers, "")).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    let got = upstream.only();
    assert_eq!(
        got.header("authorization").map(str::to_owned),
        own.trim().split_once(": ").map(|(_, v)| v.to_owned())
    );
    assert!(
        !got.head.to_lowercase().contains("portreeve"),
        "{}",
        got.head
    );
    let unknown = send(world.address, request("GET /shop/nothing", "", "")).await;
    assert_eq!(unknown.status, 200);
    assert_eq!(world.outcomes(2).await.len(), 2);
}

#[tokio::test]
async fn a_secret_of_ours_never_reaches_the_upstream() {
    let (upstream, world) = observing().await;
    let mistyped = format!("{}x", world.secret());
    let answered = send(
        world.address,
        request("GET /shop/items", &basic("x", &mistyped), ""),
    )
    .await;
    assert_eq!(answered.status, 200, "{answered:?}");
    assert_eq!(upstream.only().header("authorization"), None);
}

#[tokio::test]
async fn a_known_caller_is_never_refused_for_a_decision() {
    let (upstream, world) = observing().await;
    let json = "content-type: application/json\r\n";
    let answered = world
        .call("POST /shop/items", json, r#"{"amount": 1000}"#)
        .await;
    assert_eq!(answered.status, 200, "{answered:?}");
    let got = upstream.only();
    assert!(got.header("portreeve-context").is_some());
    assert!(got.header("authorization").is_some());
    assert_eq!(world.admitted().await[0].code, "limit_exceeded");
    let counted = r#"mode="live",code="limit_exceeded",answered="upstream"} 1"#;
    assert!(world.metrics().contains(counted), "{}", world.metrics());
    // A request with two readings stays refused.
    assert_eq!(world.call("GET /shop//items", "", "").await.status, 400);
}

/// What stands in the answer of the only record.
async fn recorded(world: &World) -> (String, serde_json::Value) {
    let admitted = world.admitted().await;
    assert_eq!(admitted.len(), 1, "{admitted:?}");
    let answer = serde_json::from_str(&admitted[0].answer).unwrap();
    (admitted[0].code.clone(), answer)
}

#[tokio::test]
async fn a_body_that_cannot_be_read_for_the_decision_passes_as_it_is() {
    let json = "content-type: application/json\r\n";
    let long = format!(r#"{{"amount": 1, "x": "{}"}}"#, "a".repeat(200_000));
    let deep = format!(r#"{{"x": {}{}}}"#, "[".repeat(100), "]".repeat(100));
    for (headers, body, code, because) in [
        (
            json,
            long.as_str(),
            "body_too_large",
            "the body is longer than 65536 bytes",
        ),
        (
            "content-type: application/json\r\ncontent-encoding: gzip\r\n",
            "\u{1f}x",
            "malformed_request",
            "Content-Encoding",
        ),
        (
            "content-type: text/xml\r\n",
            "<amount>1</amount>",
            "malformed_request",
            "text/xml",
        ),
        ("", "amount=1", "malformed_request", "no content type"),
        (
            json,
            deep.as_str(),
            "malformed_request",
            "nested more than 64 deep",
        ),
        (
            "content-type: application/x-www-form-urlencoded\r\n",
            "amount=1",
            "malformed_request",
            "its description does not list",
        ),
    ] {
        let (upstream, world) = observing().await;
        let answered = world.call("POST /shop/items", headers, body).await;
        assert_eq!(answered.status, 200, "{because}: {answered:?}");
        let got = upstream.only();
        assert_eq!(got.body, body.as_bytes(), "{because}");
        assert_eq!(
            got.header("content-length"),
            Some(body.len().to_string().as_str())
        );
        assert!(got.header("authorization").is_some());
        let verifier = Verifier::shared(CONTEXT_KEY.as_bytes()).unwrap();
        let context = crate::forwarding::context(&verifier.audience(upstream.url()), &got);
        assert!(context.require("WRITE").is_err(), "nothing was granted");
        let (recorded_code, answer) = recorded(&world).await;
        assert_eq!(recorded_code, code, "{because}");
        assert_eq!(answer["verdict"], "undecided");
        let told = answer["because"].as_str().unwrap();
        assert!(told.contains(because), "{told}");
        let outcomes = world.outcomes(1).await;
        let CallOutcome::Served { bytes_in, .. } = outcomes[0].0 else {
            panic!("{outcomes:?}");
        };
        assert_eq!(bytes_in, body.len() as u64, "{because}");
    }
}

#[tokio::test]
async fn a_long_body_without_a_length_passes_from_its_first_byte_on() {
    let (upstream, world) = observing().await;
    let headers = format!(
        "{}content-type: application/json\r\ntransfer-encoding: chunked\r\n",
        world.key()
    );
    let head = request("POST /shop/items", &headers, "").replace("content-length: 0\r\n", "");
    let mut chunked = head;
    for n in 0..30 {
        let piece = format!("{n:04}{}", "b".repeat(9_996));
        write!(chunked, "{:x}\r\n{piece}\r\n", piece.len()).unwrap();
    }
    chunked.push_str("0\r\n\r\n");
    let answered = send(world.address, chunked).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    let body = String::from_utf8(upstream.only().body).unwrap();
    assert_eq!(body.matches('b').count(), 30 * 9_996, "{}", body.len());
    let (first, last) = (body.find("0000b").unwrap(), body.find("0029b").unwrap());
    assert!(first < last);
    assert_eq!(recorded(&world).await.0, "body_too_large");
}

#[tokio::test]
async fn an_account_that_stands_in_an_unread_body_is_nobody() {
    let (upstream, world) = observing().await;
    let xml = "content-type: text/xml\r\n";
    let answered = world
        .call("POST /shop/transfer", xml, "<from>acme</from>")
        .await;
    assert_eq!(answered.status, 200, "{answered:?}");
    let got = upstream.only();
    assert_eq!(got.body, b"<from>acme</from>");
    let verifier = Verifier::shared(CONTEXT_KEY.as_bytes()).unwrap();
    let context = crate::forwarding::context(&verifier.audience(upstream.url()), &got);
    assert_eq!(context.account, None);
    assert_eq!(world.admitted().await[0].account, None);
}

#[tokio::test]
async fn what_contradicts_itself_stays_refused() {
    let (upstream, world) = observing().await;
    let json = "content-type: application/json\r\n";
    for body in ["{", r#"{"amount": 1, "amount": 500}"#] {
        let refused = world.call("POST /shop/items", json, body).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (400, "malformed_request")
        );
        assert!(refused.header("portreeve-decision").is_some());
    }
    assert!(upstream.received().is_empty());
}
