//! Sign-ins and one-time links.

use std::sync::Arc;

use futures_util::future::join_all;
use primitives::{PersonId, SignInId};
use store::{LinkPurpose, SignIn, SignInKind, SignInLink, Store};

use crate::samples::at;

const SIGN_IN: LinkPurpose = LinkPurpose::SignIn;

fn link(byte: u8) -> SignInLink {
    SignInLink {
        hash: [byte; 32],
        purpose: LinkPurpose::SignIn,
        person: Some(PersonId::from_u128(u128::MAX)),
        expires_at: at(100),
    }
}

fn sign_in(byte: u8) -> SignIn {
    SignIn {
        id: SignInId::from_u128(byte.into()),
        hash: [byte; 32],
        kind: SignInKind::Browser,
        person: Some(PersonId::from_u128(9)),
        label: "Firefox, é 😀".to_owned(),
        created_at: at(50),
        expires_at: at(100),
    }
}

/// However many try at once, one gets the link.
pub async fn a_link_is_taken_at_most_once(store: Arc<dyn Store>) {
    store.put_sign_in_link(link(1)).await.unwrap();
    store.put_sign_in_link(link(2)).await.unwrap();
    let takers = (0..32).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store
                .take_sign_in_link(&[1; 32], SIGN_IN, at(60))
                .await
                .unwrap()
        })
    });
    let taken = join_all(takers).await.into_iter();
    let taken: Vec<_> = taken.filter_map(Result::unwrap).collect();
    assert_eq!(taken, [link(1)]);
    let other = store
        .take_sign_in_link(&[2; 32], SIGN_IN, at(60))
        .await
        .unwrap();
    assert_eq!(other, Some(link(2)));
}

/// At its end, not a moment later.
pub async fn an_expired_link_or_sign_in_is_not_found(store: Arc<dyn Store>) {
    store.put_sign_in_link(link(1)).await.unwrap();
    store.put_sign_in(sign_in(1)).await.unwrap();
    let late = store
        .take_sign_in_link(&[1; 32], SIGN_IN, at(100))
        .await
        .unwrap();
    assert_eq!(late, None);
    let late = store.sign_in(&[1; 32], at(100)).await.unwrap();
    assert_eq!(late, None);
    let just_before = at(100).plus_micros(-1);
    let in_time = store.sign_in(&[1; 32], just_before).await.unwrap();
    assert_eq!(in_time, Some(sign_in(1)));
    assert_eq!(store.drop_expired(at(100)).await.unwrap(), 0);
    assert_eq!(store.drop_expired(at(101)).await.unwrap(), 2);
    let gone = store.sign_in(&[1; 32], at(60)).await.unwrap();
    assert_eq!(gone, None);
}

/// A sign-in is found by its cookie until it is ended; others stay.
pub async fn sign_ins_are_found_until_they_end(store: Arc<dyn Store>) {
    for byte in [1, 2] {
        store.put_sign_in(sign_in(byte)).await.unwrap();
    }
    assert_eq!(store.sign_in(&[3; 32], at(60)).await.unwrap(), None);
    store.end_sign_in(&[1; 32]).await.unwrap();
    store.end_sign_in(&[1; 32]).await.unwrap();
    assert_eq!(store.sign_in(&[1; 32], at(60)).await.unwrap(), None);
    let other = store.sign_in(&[2; 32], at(60)).await.unwrap();
    assert_eq!(other, Some(sign_in(2)));
}

/// A link made for one thing does nothing else, and is there for what it was made for.
pub async fn a_link_is_taken_only_for_what_it_was_made(store: Arc<dyn Store>) {
    let purposes = [
        SIGN_IN,
        LinkPurpose::Code,
        LinkPurpose::Invitation,
        LinkPurpose::Password,
        LinkPurpose::Registration,
    ];
    for made in purposes {
        let one = SignInLink {
            purpose: made,
            person: None,
            ..link(1)
        };
        store.put_sign_in_link(one.clone()).await.unwrap();
        for other in purposes.into_iter().filter(|other| *other != made) {
            let taken = store.take_sign_in_link(&[1; 32], other, at(60)).await;
            assert_eq!(taken.unwrap(), None);
        }
        let taken = store.take_sign_in_link(&[1; 32], made, at(60)).await;
        assert_eq!(taken.unwrap(), Some(one));
    }
}

/// A person's come newest first, nobody else's, and end by their id only for that person.
pub async fn a_person_has_sign_ins(store: Arc<dyn Store>) {
    let of = |byte: u8, person: Option<u128>, seconds: i64| SignIn {
        person: person.map(PersonId::from_u128),
        created_at: at(seconds),
        kind: SignInKind::Token,
        ..sign_in(byte)
    };
    let all = [
        of(1, Some(9), 50),
        of(2, Some(9), 55),
        of(3, Some(8), 52),
        of(4, None, 53),
    ];
    for one in &all {
        store.put_sign_in(one.clone()).await.unwrap();
    }
    let nine = PersonId::from_u128(9);
    let found = store.sign_ins_of(nine, at(60)).await.unwrap();
    assert_eq!(found, [all[1].clone(), all[0].clone()]);
    assert_eq!(store.sign_ins_of(nine, at(100)).await.unwrap(), []);
    let not_theirs = store.end_sign_in_of(nine, all[2].id).await.unwrap();
    assert!(!not_theirs);
    assert!(store.end_sign_in_of(nine, all[0].id).await.unwrap());
    assert!(!store.end_sign_in_of(nine, all[0].id).await.unwrap());
    let found = store.sign_ins_of(nine, at(60)).await.unwrap();
    assert_eq!(found, [all[1].clone()]);
    let other = store.sign_in(&[3; 32], at(60)).await.unwrap();
    assert_eq!(other, Some(all[2].clone()));
}
