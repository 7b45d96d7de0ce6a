//! The loader over a real store: what is committed is in force, what does not build is not.

use std::time::Duration;

use primitives::{EventId, ManualClock, SeededEntropy};
use store::{EventAction, NewEvent, Store, WriteSet};
use store_sqlite::SqliteStore;
use tokio::time::Instant;

use super::*;
use crate::Loader;

struct Following {
    store: Arc<SqliteStore>,
    loader: Loader,
    entropy: SeededEntropy,
    clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

async fn following() -> Following {
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::from_seconds(1_700_000_000);
    let clock = Arc::new(ManualClock::at(now));
    let store = SqliteStore::open(folder.path().join("db"), now)
        .await
        .unwrap();
    let store = Arc::new(store);
    let loader = Loader::start(
        Arc::clone(&store) as _,
        Arc::default(),
        Arc::clone(&clock) as _,
    );
    Following {
        loader: loader.await.unwrap(),
        store,
        entropy: SeededEntropy::new(3),
        clock,
        _folder: folder,
    }
}

impl Following {
    async fn commit(&self, puts: Vec<Resource>, deletes: Vec<(Kind, Name)>) {
        let event = |action, kind: Kind, name: &Name| NewEvent {
            id: EventId::new(&*self.clock, &self.entropy).unwrap(),
            actor: "test".to_owned(),
            action,
            kind: kind.as_str().to_owned(),
            name: name.to_string(),
            detail: "null".to_owned(),
        };
        let put = puts
            .iter()
            .map(|put| event(EventAction::Updated, put.kind, &put.name));
        let gone = deletes
            .iter()
            .map(|(kind, name)| event(EventAction::Deleted, *kind, name));
        let changes = WriteSet {
            events: put.chain(gone).collect(),
            puts,
            deletes,
            ..WriteSet::default()
        };
        self.store.commit(changes).await.unwrap().unwrap();
    }

    async fn whole(&self) -> String {
        let (revision, resources, credentials) = self.store.everything().await.unwrap();
        let vocabulary = Arc::clone(self.loader.handle().load().vocabulary());
        dump(&Snapshot::build(vocabulary, revision, &resources, &credentials).unwrap())
    }
}

#[tokio::test]
async fn what_is_committed_is_in_force_after_a_refresh() {
    let following = following().await;
    let handle = Arc::clone(following.loader.handle());
    assert_eq!(handle.load().revision(), Revision(0));
    following
        .commit(market().into_values().collect(), Vec::new())
        .await;
    assert_eq!(following.loader.refresh().await.unwrap(), Revision(1));
    let mut shop = market()[&(Kind::App, name("shop"))].clone();
    shop.body = r#"{"developer":"acme","apis":["market"],"off":["PING"]}"#.to_owned();
    following.commit(vec![shop], Vec::new()).await;
    following
        .commit(Vec::new(), vec![(Kind::App, name("meter"))])
        .await;
    following.clock.advance_seconds(5);
    assert_eq!(following.loader.refresh().await.unwrap(), Revision(3));
    assert_eq!(dump(&handle.load()), following.whole().await);
    assert!(handle.load().app_named("meter").is_none());
    assert_eq!(
        handle.confirmed_at(),
        Timestamp::from_seconds(1_700_000_005)
    );
}

/// What this process has committed itself comes to the same as reading it: also when somebody else
/// was faster, and when it is in force already.
#[tokio::test]
async fn what_was_committed_here_is_in_force_without_reading() {
    let following = following().await;
    let (loader, handle) = (&following.loader, Arc::clone(following.loader.handle()));
    following
        .commit(market().into_values().collect(), Vec::new())
        .await;
    // Of an empty snapshot everything is read.
    assert_eq!(loader.advance(Revision(1), &[]).await.unwrap(), Revision(1));
    assert_eq!(dump(&handle.load()), following.whole().await);
    let shop = |body: &str, revision| Resource {
        body: body.to_owned(),
        version: Revision(revision),
        ..market()[&(Kind::App, name("shop"))].clone()
    };
    let first = shop(
        r#"{"developer":"acme","apis":["market"],"off":["PING"]}"#,
        2,
    );
    following.commit(vec![first.clone()], Vec::new()).await;
    let advanced = loader.advance(Revision(2), &[first]).await;
    assert_eq!(advanced.unwrap(), Revision(2));
    assert_eq!(dump(&handle.load()), following.whole().await);
    following
        .commit(Vec::new(), vec![(Kind::App, name("meter"))])
        .await;
    let second = shop(r#"{"developer":"acme","apis":["market"]}"#, 4);
    following.commit(vec![second.clone()], Vec::new()).await;
    let second = [second];
    for _ in 0..2 {
        let advanced = loader.advance(Revision(4), &second).await;
        assert_eq!(advanced.unwrap(), Revision(4));
        assert_eq!(dump(&handle.load()), following.whole().await);
    }
    assert!(handle.load().app_named("meter").is_none());
}

#[tokio::test]
async fn a_state_that_does_not_build_leaves_the_good_one_in_force_until_it_is_mended() {
    let following = following().await;
    let handle = Arc::clone(following.loader.handle());
    following
        .commit(market().into_values().collect(), Vec::new())
        .await;
    following.loader.refresh().await.unwrap();
    let good = dump(&handle.load());
    let shop = market()[&(Kind::App, name("shop"))].clone();
    let mut bad = shop.clone();
    bad.body = r#"{"developer":"nobody"}"#.to_owned();
    following.commit(vec![bad], Vec::new()).await;
    assert_eq!(following.loader.refresh().await.unwrap(), Revision(1));
    assert_eq!(dump(&handle.load()), good);
    let told = handle.last_problem().unwrap();
    assert!(
        told.contains("app `shop`, developer: there is no account `nobody`"),
        "{told}"
    );
    following.commit(vec![shop], Vec::new()).await;
    assert_eq!(following.loader.refresh().await.unwrap(), Revision(3));
    assert_eq!(handle.last_problem(), None);
    assert_eq!(dump(&handle.load()), following.whole().await);
}

#[tokio::test]
async fn a_commit_larger_than_a_page_of_events_is_followed_whole() {
    let following = following().await;
    following
        .commit(market().into_values().collect(), Vec::new())
        .await;
    following.loader.refresh().await.unwrap();
    let many = (0..700_u128).map(|i| {
        let body = r#"{"developer":"acme"}"#.to_owned();
        resource(Kind::App, name(&format!("app-{i}")), 10_000 + i, body)
    });
    following.commit(many.collect(), Vec::new()).await;
    assert_eq!(following.loader.refresh().await.unwrap(), Revision(2));
    assert_eq!(following.loader.handle().load().app_count(), 702);
}

#[tokio::test]
async fn a_notice_is_enough() {
    let following = Arc::new(following().await);
    let run = {
        let following = Arc::clone(&following);
        tokio::spawn(async move { following.loader.run().await })
    };
    following
        .commit(market().into_values().collect(), Vec::new())
        .await;
    following.loader.notify();
    for _ in 0..500 {
        if following.loader.handle().load().revision() == Revision(1) {
            run.abort();
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the snapshot was not replaced");
}

/// Shows: F-28.
#[tokio::test]
async fn what_was_read_long_ago_opens_nothing() {
    let following = following().await;
    let loader = following.loader.stale_after(Duration::from_secs(5));
    let handle = Arc::clone(loader.handle());
    let now = Instant::now();
    let long_ago = now.checked_sub(Duration::from_secs(5)).unwrap();
    handle.close();
    *loader.heard.lock() = long_ago;
    loader.hear(long_ago);
    assert!(handle.is_stale(), "building took as long as may pass");
    loader.hear(now);
    assert!(!handle.is_stale());
    loader.hear(long_ago);
    assert!(!handle.is_stale(), "a later reading was heard");
}
