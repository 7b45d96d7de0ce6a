//! An API that only observes.

use crate::{
    client::{basic, request, send},
    upstream::{Upstream, ok},
    world::{Setup, World},
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
