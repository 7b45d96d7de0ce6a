use primitives::OperatorId;

use super::bench;
use crate::{find_sign_in, make_sign_in_link, sign_in, sign_out};

#[tokio::test]
async fn a_link_signs_in_exactly_one_of_many() {
    let bench = bench().await;
    let operator = OperatorId::from_u128(9);
    let link = make_sign_in_link(&bench.at, operator).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (at, code) = (bench.at.clone(), link.code.clone());
        tasks.spawn(async move { sign_in(&at, code.expose()).await.unwrap() });
    }
    let mut signed_in = Vec::new();
    while let Some(done) = tasks.join_next().await {
        signed_in.extend(done.unwrap());
    }
    assert_eq!(signed_in.len(), 1);
    let cookie = signed_in[0].cookie.expose();
    let found = find_sign_in(&bench.at, cookie).await.unwrap().unwrap();
    assert_eq!(found.operator, operator);
    sign_out(&bench.at, cookie).await.unwrap();
    assert!(find_sign_in(&bench.at, cookie).await.unwrap().is_none());
}

#[tokio::test]
async fn links_and_sign_ins_end_by_themselves() {
    let bench = bench().await;
    let at = &bench.at;
    let late = make_sign_in_link(at, OperatorId::from_u128(1))
        .await
        .unwrap();
    let used = make_sign_in_link(at, OperatorId::from_u128(1))
        .await
        .unwrap();
    let signed_in = sign_in(at, used.code.expose()).await.unwrap().unwrap();
    bench.clock.set(late.expires_at);
    assert!(sign_in(at, late.code.expose()).await.unwrap().is_none());
    let cookie = signed_in.cookie.expose();
    assert!(find_sign_in(at, cookie).await.unwrap().is_some());
    bench.clock.set(signed_in.sign_in.expires_at);
    assert!(find_sign_in(at, cookie).await.unwrap().is_none());
}

/// Shows: F-07, G-22.
#[tokio::test]
async fn what_a_wrong_clock_made_does_not_work_once_it_is_right() {
    let bench = bench().await;
    let at = &bench.at;
    let operator = OperatorId::from_u128(1);
    bench.clock.advance_seconds(86_400);
    let used = make_sign_in_link(at, operator).await.unwrap();
    let signed_in = sign_in(at, used.code.expose()).await.unwrap().unwrap();
    let link = make_sign_in_link(at, operator).await.unwrap();
    let cookie = signed_in.cookie.expose();
    bench.clock.advance_seconds(-60);
    assert!(find_sign_in(at, cookie).await.unwrap().is_some());
    bench.clock.advance_seconds(-1);
    assert!(find_sign_in(at, cookie).await.unwrap().is_none());
    assert!(sign_in(at, link.code.expose()).await.unwrap().is_none());
}
