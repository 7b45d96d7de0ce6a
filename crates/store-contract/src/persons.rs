//! Persons who sign in, and what bounds guessing at their secrets.

use std::sync::Arc;

use futures_util::future::join_all;
use primitives::{PageSize, PersonId, Revision, SignInId};
use store::{LinkPurpose, Person, SignIn, SignInKind, SignInLink, Store, TryRate, WriteSet};

use crate::samples::{ALL, at, done};

fn person(id: u128, email: &str) -> Person {
    Person {
        id: PersonId::from_u128(id),
        email: email.to_owned(),
        name: "Somebody".to_owned(),
        body: "{}".to_owned(),
        password: None,
        code_seed: None,
        sign_ins_from: at(5),
        created_at: at(5),
        version: Revision::default(),
    }
}

fn set(persons: Vec<Person>) -> WriteSet {
    WriteSet {
        persons,
        ..WriteSet::default()
    }
}

/// Every field survives, set or not, and a person is found by id and by address.
pub async fn a_person_comes_back_as_it_went(store: Arc<dyn Store>) {
    let mut full = Person {
        name: "Ünïcode 😀".to_owned(),
        body: r#"{"roles":["viewer"]}"#.to_owned(),
        password: Some("$argon2id$…".to_owned()),
        code_seed: Some(vec![0, 255, 7]),
        sign_ins_from: at(9).plus_micros(1),
        ..person(u128::MAX, "b@example.com")
    };
    let mut bare = person(1, "a@example.com");
    let version = done(&*store, set(vec![full.clone(), bare.clone()])).await;
    (full.version, bare.version) = (version, version);
    assert_eq!(store.person(full.id).await.unwrap(), Some(full.clone()));
    let found = store.person_by_email("a@example.com").await.unwrap();
    assert_eq!(found, Some(bare.clone()));
    assert_eq!(store.person_by_email("A@example.com").await.unwrap(), None);
    assert_eq!(store.person(PersonId::from_u128(2)).await.unwrap(), None);
    let all = store.persons(None, ALL).await.unwrap();
    assert_eq!(all, [bare.clone(), full.clone()]);
    let first = store.persons(None, PageSize::clamped(1)).await.unwrap();
    assert_eq!(first, [bare]);
    let rest = store.persons(Some("a@example.com"), ALL).await.unwrap();
    assert_eq!(rest, [full]);
}

/// All of a person is replaced but when they became known; the used codes stay used.
pub async fn a_replaced_person_keeps_when_they_became_known(store: Arc<dyn Store>) {
    let mut before = person(1, "a@example.com");
    before.password = Some("one".to_owned());
    before.code_seed = Some(vec![1]);
    done(&*store, set(vec![before.clone()])).await;
    assert!(store.take_code_step(before.id, 40).await.unwrap());
    let mut after = person(1, "new@example.com");
    (after.created_at, after.sign_ins_from) = (at(77), at(80));
    after.version = done(&*store, set(vec![after.clone()])).await;
    after.created_at = before.created_at;
    assert_eq!(store.person(after.id).await.unwrap(), Some(after.clone()));
    assert!(!store.take_code_step(after.id, 40).await.unwrap());
    assert!(store.take_code_step(after.id, 41).await.unwrap());
}

/// Two persons with one address are not kept, and nothing of such a commit is.
pub async fn an_address_has_one_person(store: Arc<dyn Store>) {
    done(&*store, set(vec![person(1, "a@example.com")])).await;
    let revision = store.revision().await.unwrap();
    let twice = set(vec![person(3, "c@example.com"), person(2, "a@example.com")]);
    assert!(store.commit(twice).await.is_err());
    assert_eq!(store.revision().await.unwrap(), revision);
    let left = store.persons(None, ALL).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].id, PersonId::from_u128(1));
}

/// What signs a person in goes with the person, and nobody else's.
pub async fn a_deleted_person_leaves_no_way_in(store: Arc<dyn Store>) {
    done(
        &*store,
        set(vec![person(1, "a@example.com"), person(2, "b@example.com")]),
    )
    .await;
    for id in [1_u8, 2] {
        let person = Some(PersonId::from_u128(id.into()));
        let link = SignInLink {
            hash: [id; 32],
            purpose: LinkPurpose::Password,
            person,
            expires_at: at(100),
        };
        store.put_sign_in_link(link).await.unwrap();
        let sign_in = SignIn {
            id: SignInId::from_u128(id.into()),
            hash: [id; 32],
            kind: SignInKind::Browser,
            person,
            label: String::new(),
            created_at: at(50),
            expires_at: at(100),
        };
        store.put_sign_in(sign_in).await.unwrap();
    }
    let gone = WriteSet {
        dropped_persons: vec![PersonId::from_u128(1)],
        ..WriteSet::default()
    };
    done(&*store, gone).await;
    for (id, there) in [(1_u8, false), (2, true)] {
        let found = store.person(PersonId::from_u128(id.into())).await.unwrap();
        assert_eq!(found.is_some(), there, "{id}");
        let sign_in = store.sign_in(&[id; 32], at(60)).await.unwrap();
        assert_eq!(sign_in.is_some(), there, "{id}");
        let hash = [id; 32];
        let taken = store.take_sign_in_link(&hash, LinkPurpose::Password, at(60));
        assert_eq!(taken.await.unwrap().is_some(), there, "{id}");
    }
}

/// However many try at once with the same code, one gets it; none gets an older one.
pub async fn a_code_is_taken_at_most_once(store: Arc<dyn Store>) {
    let one = person(1, "a@example.com");
    done(&*store, set(vec![one.clone()])).await;
    let takers = (0..16).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store
                .take_code_step(PersonId::from_u128(1), 7)
                .await
                .unwrap()
        })
    });
    let taken = join_all(takers).await.into_iter();
    assert_eq!(taken.filter(|taken| matches!(taken, Ok(true))).count(), 1);
    assert!(!store.take_code_step(one.id, 6).await.unwrap());
    assert!(store.take_code_step(one.id, 8).await.unwrap());
    assert!(
        !store
            .take_code_step(PersonId::from_u128(2), 8)
            .await
            .unwrap()
    );
}

/// So many tries at once and no more, then one for each while, whoever else tries.
pub async fn tries_are_bounded_for_each_principal(store: Arc<dyn Store>) {
    let rate = TryRate {
        at_once: 3,
        every_micros: 10_000_000,
    };
    let tries = (0..20).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.take_try(&[1; 32], rate, at(100)).await.unwrap() })
    });
    let taken = join_all(tries).await.into_iter();
    assert_eq!(taken.filter(|taken| matches!(taken, Ok(true))).count(), 3);
    for (seconds, free) in [
        (109, false),
        (110, true),
        (111, false),
        (119, false),
        (120, true),
    ] {
        let took = store.take_try(&[1; 32], rate, at(seconds)).await.unwrap();
        assert_eq!(took, free, "after {seconds} s");
    }
    assert!(store.take_try(&[2; 32], rate, at(120)).await.unwrap());
    store.forget_tries(&[1; 32]).await.unwrap();
    for free in [true, true, true, false] {
        let took = store.take_try(&[1; 32], rate, at(121)).await.unwrap();
        assert_eq!(took, free);
    }
    // After a while of peace all of them are there again, and not one more.
    for free in [true, true, true, false] {
        let took = store.take_try(&[1; 32], rate, at(500)).await.unwrap();
        assert_eq!(took, free);
    }
    assert_eq!(store.drop_expired(at(500)).await.unwrap(), 1);
}
