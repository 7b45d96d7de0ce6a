//! The use-cases against the embedded store.

mod anomalies;
mod apply;
mod failing;
mod keys;
mod notices;
mod passkeys;
mod persons;
mod registration;
mod secrets;
mod sign_in;
mod toggles;
mod vetting;

use std::sync::Arc;

use ::keys::InstallationKeys;
use primitives::{AppId, Entropy, ManualClock, Name, SeededEntropy, Timestamp};
use store::{Kind, Resource, WriteSet};
use store_sqlite::SqliteStore;

use crate::{Authority, Passwords};

/// An authority over a new database, with a clock that the test moves.
struct Bench {
    at: Authority,
    clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

async fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::from_seconds(1_700_000_000);
    let clock = Arc::new(ManualClock::at(now));
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(7));
    let keys = InstallationKeys::generate(&*entropy).unwrap();
    let store = SqliteStore::open(folder.path().join("db"), now)
        .await
        .unwrap();
    let at = Authority {
        store: Arc::new(store),
        clock: Arc::clone(&clock) as _,
        passwords: Passwords::new(&keys.hashing_key(), Arc::clone(&entropy)).unwrap(),
        entropy,
        hashing: Arc::new(keys.hashing_key()),
        sealer: Arc::new(keys.sealer()),
        rounds: crate::Rounds::default(),
    };
    Bench { at, clock, folder }
}

impl Bench {
    /// The same installation, as another process has it.
    async fn elsewhere(&self) -> Authority {
        let file = self.folder.path().join("db");
        let store = SqliteStore::open(file, self.at.clock.now()).await.unwrap();
        Authority {
            store: Arc::new(store),
            ..self.at.clone()
        }
    }

    async fn put_app(&self, app: &str, id: u128) {
        let now = self.at.clock.now();
        let app = Resource {
            kind: Kind::App,
            name: name(app),
            id: AppId::from_u128(id).as_u128(),
            version: primitives::Revision(0),
            body: "{\"developer\":\"acme\"}".to_owned(),
            created_at: now,
            updated_at: now,
        };
        let changes = WriteSet {
            puts: vec![app],
            at: now,
            ..WriteSet::default()
        };
        self.at.store.commit(changes).await.unwrap().unwrap();
    }
}
