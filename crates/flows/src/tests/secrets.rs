use primitives::{PageSize, Secret};

use super::{bench, name};
use crate::{SecretBook, secret_names, set_secret};

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
    at.store.put_secret(moved).await.unwrap();
    assert_eq!(book.refresh(at).await.unwrap(), ["moved"]);
    assert_eq!(book.get("good").unwrap().expose(), "g");
    assert!(book.get("moved").is_none());
}
