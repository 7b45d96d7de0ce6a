use store::SignInKind::Browser;

use super::bench;
use crate::{Authority, NewSignIn, find_caller, make_sign_in_link, sign_in_by_link, sign_out};

async fn sign_in(at: &Authority, code: &str) -> Option<NewSignIn> {
    sign_in_by_link(at, code, "a browser").await.unwrap()
}

async fn is_in(at: &Authority, cookie: &str) -> bool {
    find_caller(at, cookie, Browser).await.unwrap().is_some()
}

#[tokio::test]
async fn a_link_signs_in_exactly_one_of_many() {
    let bench = bench().await;
    let link = make_sign_in_link(&bench.at, None).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (at, code) = (bench.at.clone(), link.code.clone());
        tasks.spawn(async move { sign_in(&at, code.expose()).await });
    }
    let mut signed_in = Vec::new();
    while let Some(done) = tasks.join_next().await {
        signed_in.extend(done.unwrap());
    }
    assert_eq!(signed_in.len(), 1);
    let cookie = signed_in[0].secret.expose();
    let found = find_caller(&bench.at, cookie, Browser).await.unwrap();
    assert_eq!(found.unwrap().actor(), "operator");
    sign_out(&bench.at, cookie).await.unwrap();
    assert!(!is_in(&bench.at, cookie).await);
}

#[tokio::test]
async fn links_and_sign_ins_end_by_themselves() {
    let bench = bench().await;
    let at = &bench.at;
    let late = make_sign_in_link(at, None).await.unwrap();
    let used = make_sign_in_link(at, None).await.unwrap();
    let signed_in = sign_in(at, used.code.expose()).await.unwrap();
    bench.clock.set(late.expires_at);
    assert!(sign_in(at, late.code.expose()).await.is_none());
    let cookie = signed_in.secret.expose();
    assert!(is_in(at, cookie).await);
    bench.clock.set(signed_in.sign_in.expires_at);
    assert!(!is_in(at, cookie).await);
}

/// Shows: F-07, G-22.
#[tokio::test]
async fn what_a_wrong_clock_made_does_not_work_once_it_is_right() {
    let bench = bench().await;
    let at = &bench.at;
    bench.clock.advance_seconds(86_400);
    let used = make_sign_in_link(at, None).await.unwrap();
    let signed_in = sign_in(at, used.code.expose()).await.unwrap();
    let link = make_sign_in_link(at, None).await.unwrap();
    let cookie = signed_in.secret.expose();
    bench.clock.advance_seconds(-60);
    assert!(is_in(at, cookie).await);
    bench.clock.advance_seconds(-1);
    assert!(!is_in(at, cookie).await);
    assert!(sign_in(at, link.code.expose()).await.is_none());
}
