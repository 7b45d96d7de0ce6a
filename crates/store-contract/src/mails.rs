//! Mails that wait to be sent, and registrations that wait for one.

use std::sync::Arc;

use futures_util::future::join_all;
use primitives::{MailId, PageSize, Revision};
use store::{Mail, Registration, Store, WriteSet};

use crate::samples::{ALL, at, done};

fn mail(id: u128, next: i64) -> Mail {
    Mail {
        id: MailId::from_u128(id),
        sealed: vec![0, 255, 7],
        created_at: at(5),
        next_at: at(next),
        expires_at: at(1_000),
        tries: 0,
        problem: String::new(),
    }
}

fn set(mails: Vec<Mail>) -> WriteSet {
    WriteSet {
        mails,
        ..WriteSet::default()
    }
}

/// Every field survives; those that have expired are not shown, and go.
pub async fn mails_come_back_newest_first(store: Arc<dyn Store>) {
    let full = Mail {
        tries: 7,
        problem: "it answered 451 é".to_owned(),
        ..mail(3, 60)
    };
    let expired = Mail {
        expires_at: at(50),
        ..mail(2, 10)
    };
    let all = vec![mail(1, 10), expired, full.clone()];
    done(&*store, set(all)).await;
    let found = store.mails(None, at(50), ALL).await.unwrap();
    assert_eq!(found, [full.clone(), mail(1, 10)]);
    let first = store.mails(None, at(50), PageSize::clamped(1)).await;
    assert_eq!(first.unwrap(), std::slice::from_ref(&full));
    let rest = store.mails(Some(full.id), at(50), ALL).await.unwrap();
    assert_eq!(rest, [mail(1, 10)]);
    assert_eq!(store.drop_expired(at(51)).await.unwrap(), 1);
    store.delete_mail(full.id).await.unwrap();
    store.delete_mail(full.id).await.unwrap();
    let found = store.mails(None, at(49), ALL).await.unwrap();
    assert_eq!(found, [mail(1, 10)]);
}

/// However many take at once, each gets another; what was taken and not deleted comes again.
pub async fn a_mail_is_taken_by_one_and_comes_again(store: Arc<dyn Store>) {
    let all = vec![mail(1, 30), mail(2, 20), mail(3, 100)];
    done(&*store, set(all)).await;
    let takers = (0..16).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.take_mail(at(50), at(80)).await.unwrap() })
    });
    let taken = join_all(takers).await.into_iter();
    let mut taken: Vec<Mail> = taken.filter_map(Result::unwrap).collect();
    taken.sort_by_key(|mail| mail.id);
    let tried = |mail: Mail, tries: u32, next: i64| Mail {
        tries,
        next_at: at(next),
        ..mail
    };
    assert_eq!(taken, [tried(mail(1, 0), 1, 80), tried(mail(2, 0), 1, 80)]);
    assert_eq!(store.take_mail(at(79), at(90)).await.unwrap(), None);
    store.delete_mail(taken[0].id).await.unwrap();
    store
        .put_mail_off(taken[1].id, at(70), "it answered 451")
        .await
        .unwrap();
    let again = store.take_mail(at(70), at(90)).await.unwrap().unwrap();
    let problem = "it answered 451".to_owned();
    let wanted = Mail {
        problem,
        ..tried(mail(2, 0), 2, 90)
    };
    assert_eq!(again, wanted);
    assert_eq!(store.take_mail(at(1_000), at(2_000)).await.unwrap(), None);
}

/// A mail is there with what causes it, or not at all.
pub async fn a_refused_commit_writes_no_mail(store: Arc<dyn Store>) {
    let refused = WriteSet {
        base: Some(Revision(77)),
        registrations: vec![registration(1)],
        ..set(vec![mail(1, 10)])
    };
    store.commit(refused).await.unwrap().unwrap_err();
    assert_eq!(store.mails(None, at(0), ALL).await.unwrap(), []);
    assert_eq!(store.registration(&[1; 32], at(0)).await.unwrap(), None);
}

fn registration(byte: u8) -> Registration {
    Registration {
        hash: [byte; 32],
        sealed: vec![byte, 0, 255],
        expires_at: at(100),
    }
}

/// Until its end, or until it is followed.
pub async fn a_registration_is_found_until_it_ends(store: Arc<dyn Store>) {
    let changes = WriteSet {
        registrations: vec![registration(1), registration(2)],
        ..WriteSet::default()
    };
    done(&*store, changes).await;
    let found = store.registration(&[1; 32], at(99)).await.unwrap();
    assert_eq!(found, Some(registration(1)));
    assert_eq!(store.registration(&[1; 32], at(100)).await.unwrap(), None);
    assert_eq!(store.registration(&[3; 32], at(99)).await.unwrap(), None);
    let changes = WriteSet {
        dropped_registrations: vec![[1; 32]],
        ..WriteSet::default()
    };
    done(&*store, changes).await;
    assert_eq!(store.registration(&[1; 32], at(99)).await.unwrap(), None);
    let other = store.registration(&[2; 32], at(99)).await.unwrap();
    assert_eq!(other, Some(registration(2)));
    assert_eq!(store.drop_expired(at(101)).await.unwrap(), 1);
}
