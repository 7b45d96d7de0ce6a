//! Idempotency keys.

use std::sync::Arc;

use futures_util::future::join_all;
use store::{IdempotencyRow, Idempotent, Kind, Store, WriteSet};

use crate::samples::{at, done, key, name, puts, resource};

fn answered(changes: WriteSet, text: &str) -> WriteSet {
    WriteSet {
        answers: vec![(key(text, 1).scope, text.to_owned(), 201, b"made".to_vec())],
        ..changes
    }
}

/// Twins that arrive together: one is fresh, the others are told to wait.
pub async fn of_concurrent_twins_one_goes_ahead(store: Arc<dyn Store>) {
    let twins = (0..32).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.begin_idempotent(key("k", 1)).await.unwrap() })
    });
    let outcomes: Vec<_> = join_all(twins)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let fresh = outcomes.iter().filter(|o| **o == Idempotent::Fresh).count();
    let waiting = outcomes.iter().filter(|o| **o == Idempotent::InProgress);
    assert_eq!((fresh, waiting.count()), (1, 31));
    let other = store.begin_idempotent(key("another", 1)).await.unwrap();
    assert_eq!(other, Idempotent::Fresh);
    let mut elsewhere = key("k", 1);
    elsewhere.scope = "another caller".into();
    let elsewhere = store.begin_idempotent(elsewhere).await.unwrap();
    assert_eq!(elsewhere, Idempotent::Fresh);
}

/// The same key with another request is a mismatch, before and after the answer.
pub async fn a_key_with_another_request_is_a_mismatch(store: Arc<dyn Store>) {
    let much_later = IdempotencyRow {
        at: at(1_000_000),
        ..key("k", 2)
    };
    store.begin_idempotent(key("k", 1)).await.unwrap();
    let abandoned = store.begin_idempotent(much_later.clone()).await.unwrap();
    assert_eq!(abandoned, Idempotent::Mismatch);
    let other = store.begin_idempotent(key("k", 2)).await.unwrap();
    assert_eq!(other, Idempotent::Mismatch);
    let answer = Some((200, b"yes".to_vec()));
    store
        .finish_idempotent(&key("k", 1).scope, "k", answer)
        .await
        .unwrap();
    let other = store.begin_idempotent(key("k", 2)).await.unwrap();
    assert_eq!(other, Idempotent::Mismatch);
    let other = store.begin_idempotent(much_later).await.unwrap();
    assert_eq!(other, Idempotent::Mismatch);
}

/// An answer is replayed byte for byte; a key given free is fresh again.
pub async fn a_key_takes_one_answer(store: Arc<dyn Store>) {
    let scope = key("k", 1).scope;
    store.begin_idempotent(key("k", 1)).await.unwrap();
    store.finish_idempotent(&scope, "k", None).await.unwrap();
    let again = store.begin_idempotent(key("k", 1)).await.unwrap();
    assert_eq!(again, Idempotent::Fresh);
    let body = vec![0, 255, 10];
    let answer = Some((502, body.clone()));
    store.finish_idempotent(&scope, "k", answer).await.unwrap();
    let replayed = store.begin_idempotent(key("k", 1)).await.unwrap();
    assert_eq!(replayed, Idempotent::Done(502, body.clone()));
    let second = Some((200, Vec::new()));
    let second = store.finish_idempotent(&scope, "k", second).await;
    assert!(second.is_err(), "an answer was replaced");
    store.finish_idempotent(&scope, "k", None).await.unwrap();
    let replayed = store.begin_idempotent(key("k", 1)).await.unwrap();
    assert_eq!(replayed, Idempotent::Done(502, body));
}

/// Effect and answer are one: a second effect under the same key is not committed.
pub async fn an_answer_is_kept_with_the_commit_or_not_at_all(store: Arc<dyn Store>) {
    store.begin_idempotent(key("k", 1)).await.unwrap();
    let first = puts(vec![resource(Kind::App, "first", "{}")]);
    done(&*store, answered(first, "k")).await;
    let replayed = store.begin_idempotent(key("k", 1)).await.unwrap();
    assert_eq!(replayed, Idempotent::Done(201, b"made".to_vec()));
    for text in ["k", "never-begun"] {
        let second = puts(vec![resource(Kind::App, "second", "{}")]);
        assert!(store.commit(answered(second, text)).await.is_err());
    }
    let second = store.resource(Kind::App, &name("second")).await.unwrap();
    assert_eq!(second, None);
    assert_eq!(store.revision().await.unwrap().0, 1);
}

/// A key is not lost with the process that held it, and a late holder cannot do it twice.
pub async fn a_key_whose_holder_died_can_be_taken_over(store: Arc<dyn Store>) {
    store.begin_idempotent(key("k", 1)).await.unwrap();
    let at_once = |micros: i64| IdempotencyRow {
        at: key("k", 1).at.plus_micros(micros),
        ..key("k", 1)
    };
    let early = at_once(IdempotencyRow::HELD_MICROS);
    let early = store.begin_idempotent(early).await.unwrap();
    assert_eq!(early, Idempotent::InProgress);
    let late = at_once(IdempotencyRow::HELD_MICROS + 1);
    let late = store.begin_idempotent(late).await.unwrap();
    assert_eq!(late, Idempotent::Fresh);
    let twin = at_once(IdempotencyRow::HELD_MICROS + 2);
    let twin = store.begin_idempotent(twin).await.unwrap();
    assert_eq!(twin, Idempotent::InProgress, "taken over twice");
    done(&*store, answered(WriteSet::default(), "k")).await;
    let second = store.commit(answered(WriteSet::default(), "k")).await;
    assert!(second.is_err(), "the first holder did it again");
}

/// Retention drops what began before, and only that.
pub async fn old_keys_are_dropped(store: Arc<dyn Store>) {
    for (text, seconds) in [("old", 10), ("edge", 20), ("new", 30)] {
        let mut row = key(text, 1);
        row.at = at(seconds);
        store.begin_idempotent(row).await.unwrap();
    }
    assert_eq!(store.drop_idempotent(at(20)).await.unwrap(), 1);
    let kept = store.begin_idempotent(key("edge", 2)).await.unwrap();
    assert_eq!(kept, Idempotent::Mismatch);
    let gone = store.begin_idempotent(key("old", 2)).await.unwrap();
    assert_eq!(gone, Idempotent::Fresh);
}
