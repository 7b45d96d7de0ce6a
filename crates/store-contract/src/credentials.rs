//! Credentials: found by id and by app.

use std::sync::Arc;

use primitives::{AppId, CredentialId, Mode};
use store::{CredentialKind, Store, WriteSet};

use crate::samples::{at, credential, done, name};

/// Every field survives, set or not, and a later write set replaces all but `created_at`.
pub async fn a_credential_comes_back_as_it_went(store: Arc<dyn Store>) {
    let bare = credential(u128::MAX, "shop");
    let mut full = credential(2, "shop");
    full.external_id = Some("AC0123 é".to_owned());
    full.app = AppId::from_u128(1 << 127);
    full.mode = Mode::Live;
    full.permissions = Some(name("read-only"));
    full.expires_at = Some(at(500));
    full.kind = CredentialKind::ThreeToken;
    full.signature = Some("sha256:01".to_owned());
    full.certificate = Some([7; 32]);
    let changes = WriteSet {
        credentials: vec![bare.clone(), full.clone()],
        ..WriteSet::default()
    };
    done(&*store, changes).await;
    assert_eq!(store.credential(bare.id).await.unwrap(), Some(bare));
    assert_eq!(store.credential(full.id).await.unwrap(), Some(full.clone()));
    let nobody = CredentialId::from_u128(3);
    assert_eq!(store.credential(nobody).await.unwrap(), None);
    let mut revoked = full.clone();
    (revoked.revoked_at, revoked.created_at) = (Some(at(600)), at(601));
    let changes = WriteSet {
        credentials: vec![revoked],
        ..WriteSet::default()
    };
    done(&*store, changes).await;
    full.revoked_at = Some(at(600));
    assert_eq!(store.credential(full.id).await.unwrap(), Some(full));
}

/// An app's credentials come newest first, and no other app's.
pub async fn an_apps_credentials_come_newest_first(store: Arc<dyn Store>) {
    let made = |id, app, seconds| {
        let mut one = credential(id, app);
        one.created_at = at(seconds);
        one
    };
    let changes = WriteSet {
        credentials: vec![
            made(1, "shop", 5),
            made(2, "shop", 9),
            made(3, "Shop", 7),
            made(4, "shop", 7),
        ],
        ..WriteSet::default()
    };
    done(&*store, changes).await;
    let found = store.credentials_of(&name("shop")).await.unwrap();
    let ids: Vec<_> = found.iter().map(|one| one.id.as_u128()).collect();
    assert_eq!(ids, [2, 4, 1]);
}

/// A credential is found by the hash of its secret or of its third token, by nothing else.
pub async fn a_credential_is_found_by_what_is_shown(store: Arc<dyn Store>) {
    let made = |id, hash: &str, signature: Option<&str>| {
        let mut one = credential(id, "shop");
        (one.hash, one.signature) = (hash.to_owned(), signature.map(str::to_owned));
        one
    };
    let changes = WriteSet {
        credentials: vec![
            made(1, "sha256:aa", None),
            made(2, "sha256:bb", Some("sha256:cc")),
            made(3, "sha256:dd", Some("sha256:aa")),
        ],
        ..WriteSet::default()
    };
    done(&*store, changes).await;
    for (hash, wanted) in [
        ("sha256:aa", vec![1, 3]),
        ("sha256:bb", vec![2]),
        ("sha256:cc", vec![2]),
        ("SHA256:AA", vec![]),
        ("sha256:", vec![]),
        ("", vec![]),
    ] {
        let found = store.credentials_hashed(hash).await.unwrap();
        let ids: Vec<_> = found.iter().map(|one| one.id.as_u128()).collect();
        assert_eq!(ids, wanted, "{hash}");
    }
}
