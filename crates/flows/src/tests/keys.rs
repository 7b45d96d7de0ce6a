use ::keys::HashedSecret;
use primitives::{CredentialId, Mode, PageSize};

use super::{bench, name};
use crate::{
    Authority, Begun, IssuedKey, KeptAnswer, KeyRefused, KeyWanted, Repeatable, Unable, begin,
    issue_key, keep_shown_once, replay, revoke_key, rotate_key,
};

fn wanted(app: &str) -> KeyWanted {
    KeyWanted {
        app: name(app),
        mode: Mode::Live,
        permissions: None,
        expires_at: None,
        kind: store::CredentialKind::Key,
        certificate: None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape is the flow's")]
fn no_answer(_: &IssuedKey) -> Result<Option<KeptAnswer>, Unable> {
    Ok(None)
}

fn matches(at: &Authority, hash: &str, secret: &str) -> bool {
    hash.parse::<HashedSecret>()
        .unwrap()
        .matches(secret, &at.hashing)
}

#[tokio::test]
async fn an_issued_key_keeps_only_its_hash() {
    let bench = bench().await;
    bench.put_app("shop", 1).await;
    let wanted = wanted("shop");
    let issued = issue_key(&bench.at, "test", &wanted, &no_answer).await;
    let issued = issued.unwrap();
    let kept = bench
        .at
        .store
        .credential(issued.credential.id)
        .await
        .unwrap();
    let kept = kept.unwrap();
    assert!(
        issued
            .secret
            .as_ref()
            .unwrap()
            .expose()
            .starts_with("ptr_live_")
    );
    assert!(matches(
        &bench.at,
        &kept.hash,
        issued.secret.as_ref().unwrap().expose()
    ));
    assert!(!format!("{kept:?}").contains(issued.secret.as_ref().unwrap().expose()));
    assert_eq!(issued.revision, bench.at.store.revision().await.unwrap());
    let events = bench
        .at
        .store
        .events_before(None, PageSize::default())
        .await;
    let events = events.unwrap();
    assert!(!events[0].detail.contains("hmac") && events[0].kind == "credential");
}

#[tokio::test]
async fn a_key_of_nothing_is_not_issued() {
    let bench = bench().await;
    let refused = issue_key(&bench.at, "test", &wanted("none"), &no_answer).await;
    assert!(matches!(refused, Err(KeyRefused::AppUnknown(_))));
    bench.put_app("shop", 1).await;
    let mut bound = wanted("shop");
    bound.permissions = Some(name("nobody"));
    let refused = issue_key(&bench.at, "test", &bound, &no_answer).await;
    assert!(matches!(refused, Err(KeyRefused::ProfileUnknown(_))));
    assert!(
        bench
            .at
            .store
            .credentials_of(&name("shop"))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_replaced_key_works_until_the_overlap_ends_and_no_longer() {
    let bench = bench().await;
    bench.put_app("shop", 1).await;
    let (at, shop) = (&bench.at, name("shop"));
    let old = issue_key(at, "test", &wanted("shop"), &no_answer)
        .await
        .unwrap();
    let which = (&shop, old.credential.id);
    let new = rotate_key(at, "test", which, 3_600, &no_answer)
        .await
        .unwrap();
    let kept = at
        .store
        .credential(old.credential.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.expires_at, Some(at.clock.now().plus_seconds(3_600)));
    assert_eq!(new.credential.mode, old.credential.mode);
    assert_ne!(
        new.secret.as_ref().unwrap().expose(),
        old.secret.as_ref().unwrap().expose()
    );

    // A second replacement of the same key cannot lengthen its life.
    bench.clock.advance_seconds(1_800);
    rotate_key(at, "test", which, 86_400, &no_answer)
        .await
        .unwrap();
    let again = at
        .store
        .credential(old.credential.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(again.expires_at, kept.expires_at);

    bench.clock.advance_seconds(1_800);
    let refused = rotate_key(at, "test", which, 0, &no_answer).await;
    assert!(matches!(refused, Err(KeyRefused::Ended(_))));
    for overlap in [-1, crate::LONGEST_OVERLAP_SECONDS + 1] {
        let which = (&shop, new.credential.id);
        let refused = rotate_key(at, "test", which, overlap, &no_answer).await;
        assert!(matches!(refused, Err(KeyRefused::Overlap(_))));
    }
}

#[tokio::test]
async fn revoking_is_for_ever_and_only_for_the_apps_own_keys() {
    let bench = bench().await;
    bench.put_app("shop", 1).await;
    bench.put_app("other", 2).await;
    let (at, shop, other) = (&bench.at, name("shop"), name("other"));
    let id = issue_key(at, "test", &wanted("shop"), &no_answer)
        .await
        .unwrap()
        .credential
        .id;
    for which in [(&other, id), (&shop, CredentialId::from_u128(5))] {
        let refused = revoke_key(at, "test", which).await;
        assert!(matches!(refused, Err(KeyRefused::KeyUnknown { .. })));
    }
    let (first, _) = revoke_key(at, "test", (&shop, id)).await.unwrap();
    bench.clock.advance_seconds(60);
    let (second, _) = revoke_key(at, "test", (&shop, id)).await.unwrap();
    assert_eq!(second.revoked_at, first.revoked_at);
    let refused = rotate_key(at, "test", (&shop, id), 0, &no_answer).await;
    assert!(matches!(refused, Err(KeyRefused::Ended(_))));
}

#[tokio::test]
async fn a_repeated_request_issues_nothing_and_shows_the_secret_for_a_day_only() {
    let bench = bench().await;
    bench.put_app("shop", 1).await;
    let at = &bench.at;
    let request = || Repeatable {
        scope: "operator POST /keys".to_owned(),
        key: "k1".to_owned(),
        fingerprint: [1; 32],
    };
    let Begun::Fresh(held) = begin(at, request()).await.unwrap() else {
        panic!("the key is new");
    };
    assert!(matches!(
        begin(at, request()).await.unwrap(),
        Begun::Running
    ));
    let keep = |issued: &IssuedKey| {
        let whole = issued.secret.as_ref().unwrap().expose().to_owned();
        let kept = keep_shown_once(at, whole, "nothing".to_owned())?;
        Ok(Some(held.answer(201, kept)))
    };
    let issued = issue_key(at, "test", &wanted("shop"), &keep).await.unwrap();
    let Begun::Done(201, kept) = begin(at, request()).await.unwrap() else {
        panic!("the request was done");
    };
    assert!(!String::from_utf8_lossy(&kept).contains(issued.secret.as_ref().unwrap().expose()));
    assert_eq!(
        replay(at, kept.clone()).unwrap(),
        issued.secret.as_ref().unwrap().expose().as_bytes()
    );
    bench.clock.advance_seconds(24 * 3_600);
    assert_eq!(replay(at, kept).unwrap(), b"nothing");
    let mut other = request();
    other.fingerprint = [2; 32];
    assert!(matches!(begin(at, other).await.unwrap(), Begun::Reused));
    assert_eq!(
        at.store.credentials_of(&name("shop")).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn keys_issued_at_the_same_time_are_all_there() {
    let bench = bench().await;
    bench.put_app("shop", 1).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let at = bench.at.clone();
        tasks.spawn(async move { issue_key(&at, "test", &wanted("shop"), &no_answer).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    let kept = bench.at.store.credentials_of(&name("shop")).await.unwrap();
    assert_eq!(kept.len(), 8);
}

/// Nobody fills the memory of every call with keys of one app; ended ones make room.
///
/// Shows: S-85.
#[tokio::test]
async fn an_app_has_so_many_keys_and_no_more() {
    let bench = bench().await;
    bench.put_app("shop", 1).await;
    let wanted = wanted("shop");
    let mut last = None;
    for _ in 0..crate::keys::MOST_KEYS {
        let issued = issue_key(&bench.at, "test", &wanted, &no_answer).await;
        last = Some(issued.unwrap().credential.id);
    }
    let refused = issue_key(&bench.at, "test", &wanted, &no_answer).await;
    assert!(matches!(refused, Err(KeyRefused::TooMany)));
    let which = (&wanted.app, last.unwrap());
    let refused = rotate_key(&bench.at, "test", which, 60, &no_answer).await;
    assert!(matches!(refused, Err(KeyRefused::TooMany)));
    revoke_key(&bench.at, "test", which).await.unwrap();
    issue_key(&bench.at, "test", &wanted, &no_answer)
        .await
        .unwrap();
}
