//! What arrives at an upstream, and what comes back.

use journal::CallOutcome;
use primitives::{Clock as _, SystemClock};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use verifier::{RequestLine, Verifier};

use crate::{
    client::{self, Answer, request, send},
    upstream::{Received, Upstream, answer, ok},
    world::{CONTEXT_KEY, ISSUER, Setup, World},
};

pub(crate) fn context(verifier: &Verifier, got: &Received) -> verifier::Context {
    let mut line = got.line().split(' ');
    let line = RequestLine {
        method: line.next().unwrap(),
        path_and_query: line.next().unwrap(),
        authority: got.header("host").unwrap(),
    };
    let token = got.header("portreeve-context").unwrap();
    verifier.verify(token, &line, SystemClock.now()).unwrap()
}

/// Shows: P-59, P-17, P-18.
#[tokio::test]
async fn the_upstream_gets_its_own_credential_and_a_context_for_this_request() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let answered = world
        .call(
            "GET /shop/items?b=%32&a=x+y&%41=",
            "accept: text/plain\r\n",
            "",
        )
        .await;
    assert_eq!((answered.status, answered.body.as_str()), (200, "fine"));
    let got = upstream.only();
    assert_eq!(got.line(), "GET /base/items?b=2&a=x%20y&A= HTTP/1.1");
    assert_eq!(
        got.header("host"),
        Some(upstream.address.to_string().as_str())
    );
    assert_eq!(got.header("accept"), Some("text/plain"));
    let injected = client::basic("portreeve", "the upstream's");
    assert!(
        injected
            .to_lowercase()
            .contains(&got.header("authorization").unwrap().to_lowercase())
    );
    assert!(!got.head.contains(world.secret()));

    let verifier = Verifier::shared(CONTEXT_KEY.as_bytes()).unwrap();
    let verifier = verifier.audience(upstream.url()).issuer(ISSUER);
    let context = context(&verifier, &got);
    assert_eq!(
        (context.app.name.as_str(), context.developer.name.as_str()),
        ("till", "acme")
    );
    let account = context.account.as_ref().unwrap();
    assert_eq!(account.external_id.as_deref(), Some("AC-1"));
    assert!(context.require("READ").is_ok());
    let decision = context.decision.to_string();
    assert_eq!(
        answered.header("portreeve-decision"),
        Some(decision.as_str())
    );
    assert_eq!(got.header("portreeve-decision"), Some(decision.as_str()));
    let policy = answered.header("ratelimit-policy").unwrap();
    assert!(policy.contains("\"reads\";q=1000"), "{policy}");
    assert!(answered.header("ratelimit").unwrap().contains("r=999"));
    let admitted = world.admitted().await;
    assert_eq!(admitted.len(), 1);
    let outcomes = world.outcomes(1).await;
    let (
        CallOutcome::Served {
            status, bytes_out, ..
        },
        false,
    ) = outcomes[0]
    else {
        panic!("{outcomes:?}");
    };
    assert_eq!((status, bytes_out), (200, 4));
}

/// Shows: S-10, S-11, S-16.
#[tokio::test]
async fn nothing_of_ours_can_be_sent_by_anyone_else() {
    let lying = "portreeve-decision: dec_lie\r\nportreeve_context: lie\r\nconnection: x-hop\r\n\
                 x-hop: 1\r\nkeep-alive: timeout=9\r\nset-cookie: kept=1\r\n";
    let upstream = Upstream::start(move |_: &_| answer("200 OK", lying, "fine")).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let headers = "Portreeve-Context: lie\r\nPORTREEVE_CONTEXT: lie\r\nportreeve.context: lie\r\n\
                   portreeve-decision: lie\r\nPortreeve_Account: acme\r\nx_account: lie\r\n\
                   forwarded: for=6.6.6.6\r\nx-forwarded-for: 6.6.6.6\r\nx-real-ip: 6.6.6.6\r\n\
                   x-forwarded-host: lie\r\nte: trailers\r\nproxy-authorization: lie\r\n\
                   connection: x-nominated, portreeve-context\r\nx-nominated: lie\r\n\
                   tracestate: lie=1\r\nexpect: 100-continue\r\nx-kept: yes\r\n";
    let answered = world.call("GET /shop/items", headers, "").await;
    assert_eq!(answered.status, 200);
    let got = upstream.only();
    assert!(
        !got.head.contains("lie") && !got.head.contains("6.6.6.6"),
        "{}",
        got.head
    );
    assert_eq!(got.header("x-kept"), Some("yes"));
    assert_eq!(got.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(got.header("x-forwarded-host"), Some("gate.test"));
    assert_eq!(got.head.matches("portreeve").count(), 2, "{}", got.head);
    assert!(
        !answered.head.contains("lie") && !answered.head.contains("x-hop"),
        "{}",
        answered.head
    );
    assert_eq!(answered.header("set-cookie"), Some("kept=1"));
}

#[tokio::test]
async fn a_trace_is_continued_or_begun() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let given = "4bf92f3577b34da6a3ce929d0e0e4736";
    let headers = format!("traceparent: 00-{given}-00f067aa0ba902b7-01\r\ntracestate: a=1\r\n");
    world.call("GET /shop/items", &headers, "").await;
    world
        .call("GET /shop/items", "traceparent: rubbish\r\n", "")
        .await;
    let got = upstream.received();
    let parent = got[0].header("traceparent").unwrap();
    assert!(parent.starts_with(&format!("00-{given}-")) && !parent.contains("00f067aa0ba902b7"));
    assert_eq!(got[0].header("tracestate"), Some("a=1"));
    assert_eq!(got[1].header("traceparent").unwrap().len(), 55);
    assert_eq!(world.admitted().await[0].trace_id, given);
}

#[tokio::test]
async fn our_name_of_an_account_becomes_the_upstreams() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let by_path = world
        .call("GET /shop/accounts/acme/items.json?acme=acme", "", "")
        .await;
    assert_eq!(by_path.status, 200, "{by_path:?}");
    let body = r#"{"to": "acme", "from" : "acme", "n": 1.50}"#;
    let json = "content-type: application/json\r\n";
    let by_body = world.call("POST /shop/transfer", json, body).await;
    assert_eq!(by_body.status, 200, "{by_body:?}");
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let by_form = world
        .call("POST /shop/transfer", form, "to=acme&from=acme&n=1+2")
        .await;
    assert_eq!(by_form.status, 200, "{by_form:?}");
    let got = upstream.received();
    assert_eq!(
        got[0].line(),
        "GET /base/accounts/AC-1/items.json?acme=acme HTTP/1.1"
    );
    let body = String::from_utf8_lossy(&got[1].body);
    assert_eq!(body, r#"{"to": "acme", "from" : "AC-1", "n": 1.50}"#);
    assert_eq!(
        got[1].header("content-length"),
        Some(body.len().to_string().as_str())
    );
    let form = request::Query::parse(std::str::from_utf8(&got[2].body).unwrap()).unwrap();
    let form: Vec<_> = form.pairs().collect();
    assert_eq!(form, [("to", "acme"), ("from", "AC-1"), ("n", "1 2")]);
}

#[tokio::test]
async fn a_body_is_read_for_a_decision_only_and_forwarded_as_it_was() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let json = "content-type: application/json\r\n";
    let body = r#"{"amount": 99.99, "x":  [1,2]}"#;
    assert_eq!(world.call("POST /shop/items", json, body).await.status, 200);
    assert_eq!(upstream.only().body, body.as_bytes());
    for (headers, body, status, code) in [
        (json, r#"{"amount": 100.01}"#, 403, "limit_exceeded"),
        (json, r#"{"amount": "many"}"#, 403, "fact_unusable"),
        (json, "{}", 403, "fact_missing"),
        (
            json,
            r#"{"amount": 1, "amount": 500}"#,
            400,
            "malformed_request",
        ),
        (json, "{", 400, "malformed_request"),
        (
            "content-type: text/plain\r\n",
            r#"{"amount": 1}"#,
            400,
            "malformed_request",
        ),
        // JSON to an upstream that knows nothing else, and a form without the fact to us.
        (
            "content-type: application/x-www-form-urlencoded\r\n",
            r#"{"amount": 500}"#,
            400,
            "malformed_request",
        ),
        (
            "content-type: application/json\r\ncontent-type: text/plain\r\n",
            r#"{"amount": 1}"#,
            400,
            "malformed_request",
        ),
        (
            "content-type: application/json\r\ncontent-encoding: gzip\r\n",
            "x",
            400,
            "malformed_request",
        ),
    ] {
        let refused = world.call("POST /shop/items", headers, body).await;
        assert_eq!(
            (refused.status, refused.code().as_str()),
            (status, code),
            "{body}"
        );
        let decision = refused.json()["decision_id"].clone();
        assert_eq!(decision.as_str(), refused.header("portreeve-decision"));
        let twice = headers.matches("content-type").count() > 1;
        assert_eq!(decision.is_null(), twice, "{headers}");
    }
    let long = format!(r#"{{"amount": 1, "x": "{}"}}"#, "a".repeat(70_000));
    let refused = world.call("POST /shop/items", json, &long).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (413, "body_too_large")
    );
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn a_body_nobody_asks_about_streams_through() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let body = "0123456789".repeat(300_000);
    let length = format!("content-length: {}\r\n", body.len());
    let answered = world.call("PUT /shop/items", &length, "").await;
    assert_eq!(answered.status, 400, "the body never came");
    let mut whole = request("PUT /shop/items", &format!("{}{length}", world.key()), "");
    whole.push_str(&body);
    assert_eq!(send(world.address, whole).await.status, 200);
    let chunked = format!("{}transfer-encoding: chunked\r\n", world.key());
    let mut chunked = request("PUT /shop/items", &chunked, "");
    chunked.push_str("5\r\nhello\r\n6\r\n world\r\n0\r\nx-trailer: lie\r\n\r\n");
    assert_eq!(send(world.address, chunked).await.status, 200);
    let got = upstream.received();
    let last = &got[got.len() - 1];
    let text = String::from_utf8_lossy(&last.body);
    assert!(text.contains("hello") && text.contains(" world"), "{text}");
    assert!(!text.contains("lie"), "{text}");
    assert_eq!(got[got.len() - 2].body.len(), body.len());
    let outcomes = world.outcomes(3).await;
    let bytes: Vec<u64> = outcomes
        .iter()
        .filter_map(|(outcome, _)| match outcome {
            CallOutcome::Served { bytes_in, .. } => Some(*bytes_in),
            _ => None,
        })
        .collect();
    assert_eq!(bytes, [3_000_000, 11]);
}

#[tokio::test]
async fn a_body_of_any_length_passes_with_any_method() {
    let upstream = Upstream::start(ok).await;
    let world = World::start(Setup::to(upstream.url())).await;
    let chunked = format!("{}transfer-encoding: chunked\r\n", world.key());
    for method in ["GET", "PUT"] {
        let head = request(&format!("{method} /shop/items"), &chunked, "");
        let answered = send(world.address, head + "5\r\nhello\r\n0\r\n\r\n").await;
        assert_eq!(answered.status, 200, "{method}: {answered:?}");
        let got = upstream.received().pop().unwrap();
        assert_eq!(got.header("transfer-encoding"), Some("chunked"), "{method}");
        assert_eq!(got.body, b"5\r\nhello\r\n0\r\n\r\n", "{method}");
    }
}

/// Shows: S-08.
#[tokio::test]
async fn answers_without_bodies_do_not_spill_into_the_next() {
    let upstream = Upstream::start(|got: &Received| {
        let head = got.line().starts_with("HEAD");
        if head {
            return vec![crate::upstream::Step::Send(
                "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n".to_owned(),
            )];
        }
        if got.line().contains("n=304") {
            let head = "HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\n\r\n";
            return vec![crate::upstream::Step::Send(head.to_owned())];
        }
        answer("200 OK", "", "next")
    })
    .await;
    let world = World::start(Setup::to(upstream.url())).await;
    let key = world.key();
    let one =
        |line: &str, close: &str| format!("{line} HTTP/1.1\r\nhost: gate.test\r\n{key}{close}\r\n");
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let all = [
        one("HEAD /shop/items", ""),
        one("GET /shop/items?n=304", ""),
        one("GET /shop/items", "connection: close\r\n"),
    ];
    stream.write_all(all.concat().as_bytes()).await.unwrap();
    let Answer { head, body, .. } = client::read(&mut stream).await;
    assert!(
        head.starts_with("HTTP/1.1 200") && head.contains("content-length: 10"),
        "{head}"
    );
    assert!(body.starts_with("HTTP/1.1 304"), "{body}");
    assert!(body.ends_with("next"), "{body}");
    assert_eq!(world.outcomes(3).await.len(), 3);
}

#[tokio::test]
async fn the_host_name_of_an_api_is_another_way_in() {
    let upstream = Upstream::start(ok).await;
    let mut setup = Setup::to(upstream.url());
    setup.identity = "ed25519";
    let world = World::start(setup).await;
    let bytes = request("GET /items", &world.key(), "").replace("gate.test", "SHOP.test.");
    assert_eq!(send(world.address, bytes).await.status, 200);
    let got = upstream.only();
    assert_eq!(got.line(), "GET /base/items HTTP/1.1");
    let verifier = Verifier::ed25519(&world.jwks)
        .unwrap()
        .audience(upstream.url());
    assert_eq!(context(&verifier, &got).app.name, "till");
}

#[tokio::test]
async fn an_upstream_that_wants_no_context_learns_the_decision_alone() {
    let upstream = Upstream::start(ok).await;
    let mut setup = Setup::to(upstream.url());
    setup.identity = "none";
    let world = World::start(setup).await;
    let lie = "portreeve-context: lie\r\nportreeve-decision: lie\r\n";
    let answered = world.call("GET /shop/items", lie, "").await;
    assert_eq!(answered.status, 200);
    let got = upstream.only();
    assert_eq!(got.header("portreeve-context"), None);
    let decision = got.header("portreeve-decision").unwrap();
    assert!(decision.starts_with("dec_"), "{decision}");
    // Its own credential it gets all the same, and the caller's it does not.
    assert!(got.header("authorization").is_some());
    assert!(!got.head.contains(world.secret()));
    assert_eq!(world.outcomes(1).await.len(), 1);
}
