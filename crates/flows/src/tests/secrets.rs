use std::{sync::Arc, time::Duration};

use primitives::{PageSize, Secret};
use snapshot::Loader;
use store::{EventAction, Kind, WriteSet};

use super::{
    Bench,
    apply::{STATE, bench_with},
    bench, name,
};
use crate::{Authority, RemoveRefused, SecretBook, remove_secret, secret_names, set_secret};

#[tokio::test]
async fn a_secret_is_kept_sealed_and_opened_for_those_who_use_it() {
    let bench = bench().await;
    let (at, book) = (&bench.at, SecretBook::default());
    let value = Secret::new("upstream password".to_owned());
    set_secret(at, "test", &name("payments-upstream"), &value)
        .await
        .unwrap();
    assert!(book.get("payments-upstream").is_none());
    assert!(book.refresh(at).await.unwrap().is_empty());
    assert_eq!(
        book.get("payments-upstream").unwrap().expose(),
        value.expose()
    );
    assert_eq!(secret_names(at).await.unwrap(), ["payments-upstream"]);
    let kept = at.store.secrets().await.unwrap();
    assert!(!String::from_utf8_lossy(&kept[0].sealed).contains(value.expose()));
    let events = at
        .store
        .events_before(None, PageSize::default())
        .await
        .unwrap();
    assert_eq!(events[0].name, "payments-upstream");
    assert!(!format!("{events:?}").contains(value.expose()));
}

#[tokio::test]
async fn a_secret_moved_to_another_name_does_not_open_and_the_others_do() {
    let bench = bench().await;
    let (at, book) = (&bench.at, SecretBook::default());
    set_secret(at, "test", &name("good"), &Secret::new("g".into()))
        .await
        .unwrap();
    let mut moved = at.store.secrets().await.unwrap().remove(0);
    moved.name = "moved".to_owned();
    let changes = WriteSet {
        secrets: vec![moved],
        ..WriteSet::default()
    };
    at.store.commit(changes).await.unwrap().unwrap();
    assert_eq!(book.refresh(at).await.unwrap(), ["moved"]);
    assert_eq!(book.get("good").unwrap().expose(), "g");
    assert!(book.get("moved").is_none());
}

async fn set(at: &Authority, secret: &str, value: &str) {
    let value = Secret::new(value.to_owned());
    set_secret(at, "test", &name(secret), &value).await.unwrap();
}

async fn loader(bench: &Bench) -> Loader {
    let (store, clock) = (Arc::clone(&bench.at.store), Arc::clone(&bench.clock));
    Loader::start(store, Arc::default(), clock).await.unwrap()
}

#[tokio::test]
async fn a_secret_is_removed_only_when_nothing_names_it() {
    let own = "plan: free, upstream_credentials: { market: { live: { header: { name: x-key, secret: anns-key } } } }";
    let bench = bench_with(&STATE.replace("plan: free", own)).await;
    let (at, loader) = (&bench.at, loader(&bench).await);
    let book = SecretBook::default();
    let naming = [
        ("market-context", (Kind::Api, name("market"))),
        ("market-upstream", (Kind::Api, name("market"))),
        ("market-test", (Kind::Api, name("market"))),
        ("anns-key", (Kind::Account, name("ann"))),
    ];
    for (secret, named_by) in naming {
        set(at, secret, "value").await;
        match remove_secret(at, &loader, "test", &name(secret)).await {
            Err(RemoveRefused::InUse { by, .. }) => assert_eq!(by, [named_by]),
            other => panic!("{secret}: {other:?}"),
        }
    }
    set(at, "spare", "value").await;
    remove_secret(at, &loader, "test", &name("spare"))
        .await
        .unwrap();
    let again = remove_secret(at, &loader, "test", &name("spare")).await;
    assert!(matches!(again, Err(RemoveRefused::Unknown(_))), "{again:?}");
    book.refresh(at).await.unwrap();
    assert!(book.get("spare").is_none() && book.get("market-context").is_some());
    let told = at.store.events_before(None, PageSize::clamped(3)).await;
    let told: Vec<_> = told
        .unwrap()
        .into_iter()
        .map(|e| (e.name, e.action))
        .collect();
    assert_eq!(told[0], ("spare".to_owned(), EventAction::Deleted));
    assert_eq!(told[1], ("spare".to_owned(), EventAction::Created));
}

/// What one process sets, replaces and removes, the others learn within a second.
#[tokio::test]
async fn another_process_learns_of_secrets_within_a_second() {
    let bench = bench().await;
    let (here, there) = (&bench.at, bench.elsewhere().await);
    let book = SecretBook::default();
    let following = {
        let book = book.clone();
        tokio::spawn(async move { book.follow(&there).await })
    };
    let learns = async |wanted: Option<&str>| {
        let learned = async {
            while book.get("upstream").as_ref().map(Secret::expose) != wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let bound = Duration::from_secs(1);
        assert!(
            tokio::time::timeout(bound, learned).await.is_ok(),
            "{wanted:?}"
        );
    };
    for value in ["first", "second"] {
        set(here, "upstream", value).await;
        learns(Some(value)).await;
    }
    let loader = loader(&bench).await;
    remove_secret(here, &loader, "test", &name("upstream"))
        .await
        .unwrap();
    learns(None).await;
    following.abort();
}
