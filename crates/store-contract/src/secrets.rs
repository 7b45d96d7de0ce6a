//! Sealed secrets.

use std::sync::Arc;

use primitives::Revision;
use store::{CommitRefused, NewEvent, SealedSecret, Store, WriteSet};

use crate::samples::{ALL, at, done, event};

fn secret(name: &str, sealed: &[u8], seconds: i64) -> SealedSecret {
    SealedSecret {
        name: name.to_owned(),
        sealed: sealed.to_vec(),
        updated_at: at(seconds),
    }
}

fn set(secret: SealedSecret, event: NewEvent) -> WriteSet {
    WriteSet {
        secrets: vec![secret],
        events: vec![event],
        ..WriteSet::default()
    }
}

async fn event_names(store: &dyn Store) -> Vec<String> {
    let events = store.events(Revision(0), ALL).await.unwrap();
    events.into_iter().map(|event| event.name).collect()
}

/// A name holds one secret, the last one put, also within a write set.
pub async fn secrets_are_replaced_by_name(store: Arc<dyn Store>) {
    assert_eq!(store.secrets().await.unwrap(), []);
    let sets = [
        vec![secret("b", &[0, 255], 1)],
        vec![secret("a", &[], 2), secret("b", &[7], 3)],
        vec![secret("c", &[8], 4), secret("c", &[9], 5)],
    ];
    for secrets in sets {
        let changes = WriteSet {
            secrets,
            ..WriteSet::default()
        };
        done(&*store, changes).await;
    }
    let wanted = [
        secret("a", &[], 2),
        secret("b", &[7], 3),
        secret("c", &[9], 5),
    ];
    assert_eq!(store.secrets().await.unwrap(), wanted);
}

/// A secret is there with the event that tells of it, or neither is: not of a write set that is
/// refused, nor of one that fails at its event, nor of one that fails after both.
pub async fn a_secret_is_never_without_its_event(store: Arc<dyn Store>) {
    let first = done(&*store, set(secret("a", &[1], 1), event(1, "a"))).await;
    let stale = WriteSet {
        base: Some(Revision(0)),
        ..set(secret("b", &[2], 2), event(2, "b"))
    };
    let refused = store.commit(stale).await.unwrap();
    assert!(matches!(refused, Err(CommitRefused::Stale { .. })));
    let taken = set(secret("b", &[2], 2), event(1, "an id that is taken"));
    assert!(store.commit(taken).await.is_err());
    assert_eq!(store.secrets().await.unwrap(), [secret("a", &[1], 1)]);
    assert_eq!(event_names(&*store).await, ["a"]);
    assert_eq!(store.revision().await.unwrap(), first);
    let answered = WriteSet {
        answers: vec![("nobody".to_owned(), "holds it".to_owned(), 204, Vec::new())],
        ..set(secret("b", &[2], 2), event(2, "b"))
    };
    assert!(store.commit(answered).await.is_err());
    assert_eq!(store.secrets().await.unwrap().len(), 1);
    assert_eq!(event_names(&*store).await, ["a"]);
    done(&*store, set(secret("b", &[2], 2), event(2, "b"))).await;
    assert_eq!(store.secrets().await.unwrap().len(), 2);
    assert_eq!(event_names(&*store).await, ["a", "b"]);
}

/// Dropped secrets are gone with their event, others stay, and a drop that is refused drops
/// nothing. Drops come before puts.
pub async fn secrets_are_dropped_with_their_event(store: Arc<dyn Store>) {
    let both = WriteSet {
        secrets: vec![secret("a", &[1], 1), secret("b", &[2], 1)],
        ..WriteSet::default()
    };
    let first = done(&*store, both).await;
    let drop_a = WriteSet {
        base: Some(first),
        dropped_secrets: vec!["a".to_owned(), "never there".to_owned()],
        events: vec![event(1, "a")],
        ..WriteSet::default()
    };
    done(&*store, drop_a.clone()).await;
    assert_eq!(store.secrets().await.unwrap(), [secret("b", &[2], 1)]);
    assert_eq!(event_names(&*store).await, ["a"]);
    let stale = WriteSet {
        dropped_secrets: vec!["b".to_owned()],
        ..drop_a
    };
    store.commit(stale).await.unwrap().unwrap_err();
    assert_eq!(store.secrets().await.unwrap(), [secret("b", &[2], 1)]);
    let again = WriteSet {
        dropped_secrets: vec!["b".to_owned()],
        secrets: vec![secret("b", &[3], 9)],
        ..WriteSet::default()
    };
    done(&*store, again).await;
    assert_eq!(store.secrets().await.unwrap(), [secret("b", &[3], 9)]);
}
