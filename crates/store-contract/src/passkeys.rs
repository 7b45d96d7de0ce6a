//! Passkeys, and the codes that stand in for a second factor that is lost.

use std::sync::Arc;

use futures_util::future::join_all;
use primitives::{PasskeyId, PersonId};
use store::{Passkey, PasskeyUse, RecoveryCodes, Store, WriteSet};

use crate::samples::{at, done};

const KIM: PersonId = PersonId::from_u128(1);
const SAM: PersonId = PersonId::from_u128(2);

fn passkey(id: u8, person: PersonId) -> Passkey {
    Passkey {
        id: PasskeyId::from_u128(id.into()),
        person,
        hash: [id; 32],
        credential: vec![id],
        name: "phone".to_owned(),
        body: "{}".to_owned(),
        counter: 0,
        backed_up: false,
        created_at: at(10),
        used_at: None,
    }
}

fn set(passkeys: Vec<Passkey>) -> WriteSet {
    WriteSet {
        passkeys,
        ..WriteSet::default()
    }
}

fn codes(person: PersonId, hashes: &[u8]) -> WriteSet {
    WriteSet {
        recovery_codes: vec![RecoveryCodes {
            person,
            hashes: hashes.iter().map(|&one| [one; 32]).collect(),
        }],
        ..WriteSet::default()
    }
}

fn shown(counter: u32, seconds: i64) -> PasskeyUse {
    PasskeyUse {
        counter,
        backed_up: true,
        at: at(seconds),
    }
}

/// Every field survives at its widest, and a passkey is found by its person and its credential.
pub async fn a_passkey_comes_back_as_it_went(store: Arc<dyn Store>) {
    let full = Passkey {
        credential: vec![255; 1_023],
        name: "Ünïcode 😀".to_owned(),
        counter: u32::MAX,
        backed_up: true,
        used_at: Some(at(11)),
        ..passkey(9, KIM)
    };
    let bare = passkey(3, KIM);
    done(
        &*store,
        set(vec![full.clone(), bare.clone(), passkey(4, SAM)]),
    )
    .await;
    let all = store.passkeys_of(KIM).await.unwrap();
    assert_eq!(all, [bare.clone(), full.clone()]);
    assert_eq!(store.passkey(&[9; 32]).await.unwrap(), Some(full));
    assert_eq!(store.passkey(&[8; 32]).await.unwrap(), None);
    let gone = WriteSet {
        dropped_passkeys: vec![PasskeyId::from_u128(9)],
        ..WriteSet::default()
    };
    done(&*store, gone).await;
    assert_eq!(store.passkeys_of(KIM).await.unwrap(), [bare]);
    let gone = WriteSet {
        dropped_passkeys_of: vec![KIM],
        ..WriteSet::default()
    };
    done(&*store, gone).await;
    assert!(store.passkeys_of(KIM).await.unwrap().is_empty());
    assert_eq!(store.passkeys_of(SAM).await.unwrap().len(), 1);
}

/// A credential that is there already is nobody else's, and nothing of such a commit is kept.
pub async fn a_credential_is_there_once(store: Arc<dyn Store>) {
    done(&*store, set(vec![passkey(1, KIM)])).await;
    let mut again = passkey(2, SAM);
    again.hash = [1; 32];
    let revision = store.revision().await.unwrap();
    let twice = set(vec![passkey(3, SAM), again]);
    assert!(store.commit(twice).await.is_err());
    assert_eq!(store.revision().await.unwrap(), revision);
    assert!(store.passkeys_of(SAM).await.unwrap().is_empty());
}

/// However many show the same number, one is noted; none that is not greater; 0 is no number.
pub async fn a_counter_only_goes_on(store: Arc<dyn Store>) {
    let (counts, does_not) = (passkey(1, KIM), passkey(2, KIM));
    done(&*store, set(vec![counts.clone(), does_not.clone()])).await;
    let uses = (0..16).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let id = PasskeyId::from_u128(1);
            store.use_passkey(id, shown(7, 20)).await.unwrap()
        })
    });
    let noted = join_all(uses).await.into_iter();
    assert_eq!(noted.filter(|noted| matches!(noted, Ok(true))).count(), 1);
    for (counter, goes_on) in [
        (7, false),
        (6, false),
        (0, false),
        (8, true),
        (u32::MAX, true),
    ] {
        let noted = store.use_passkey(counts.id, shown(counter, 30)).await;
        assert_eq!(noted.unwrap(), goes_on, "{counter}");
    }
    for seconds in [40, 50] {
        let noted = store.use_passkey(does_not.id, shown(0, seconds)).await;
        assert!(noted.unwrap());
    }
    let kept = store.passkeys_of(KIM).await.unwrap();
    let told = |one: &Passkey| (one.counter, one.backed_up, one.used_at);
    assert_eq!(told(&kept[0]), (u32::MAX, true, Some(at(30))));
    assert_eq!(told(&kept[1]), (0, true, Some(at(50))));
    let nobody = PasskeyId::from_u128(77);
    assert!(!store.use_passkey(nobody, shown(9, 60)).await.unwrap());
}

/// However many try at once with a code, one gets it; a new set ends the one before.
pub async fn a_recovery_code_is_taken_at_most_once(store: Arc<dyn Store>) {
    done(&*store, codes(KIM, &[1, 2, 3])).await;
    done(&*store, codes(SAM, &[1])).await;
    assert_eq!(store.count_recovery_codes(KIM).await.unwrap(), 3);
    let takers = (0..16).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.take_recovery_code(KIM, &[1; 32]).await.unwrap() })
    });
    let taken = join_all(takers).await.into_iter();
    assert_eq!(taken.filter(|taken| matches!(taken, Ok(true))).count(), 1);
    assert_eq!(store.count_recovery_codes(KIM).await.unwrap(), 2);
    assert!(!store.take_recovery_code(KIM, &[9; 32]).await.unwrap());
    assert!(store.take_recovery_code(SAM, &[1; 32]).await.unwrap());
    done(&*store, codes(KIM, &[4])).await;
    assert!(!store.take_recovery_code(KIM, &[2; 32]).await.unwrap());
    assert_eq!(store.count_recovery_codes(KIM).await.unwrap(), 1);
    done(&*store, codes(KIM, &[])).await;
    assert!(!store.take_recovery_code(KIM, &[4; 32]).await.unwrap());
}

/// What signs a person in goes with the person, and nobody else's.
pub async fn a_deleted_person_leaves_no_passkey(store: Arc<dyn Store>) {
    done(&*store, set(vec![passkey(1, KIM), passkey(2, SAM)])).await;
    done(&*store, codes(KIM, &[1])).await;
    done(&*store, codes(SAM, &[1])).await;
    let gone = WriteSet {
        dropped_persons: vec![KIM],
        ..WriteSet::default()
    };
    done(&*store, gone).await;
    assert_eq!(store.passkey(&[1; 32]).await.unwrap(), None);
    assert_eq!(store.count_recovery_codes(KIM).await.unwrap(), 0);
    assert!(store.passkey(&[2; 32]).await.unwrap().is_some());
    assert_eq!(store.count_recovery_codes(SAM).await.unwrap(), 1);
}
