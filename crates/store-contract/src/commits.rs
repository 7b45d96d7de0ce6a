//! Write sets: whole or not at all, one revision each.

use std::sync::Arc;

use futures_util::future::join_all;
use primitives::Revision;
use store::{CommitRefused, Expected, Folded, Idempotent, Kind, NO_LINK, Store, WriteSet};

use crate::samples::{ALL, at, credential, done, event, key, name, puts, resource, step, vetting};

/// The first commit makes revision 1, an empty one still counts, and puts carry the revision.
pub async fn a_commit_moves_the_revision_by_one(store: Arc<dyn Store>) {
    assert_eq!(store.revision().await.unwrap(), Revision(0));
    let first = done(&*store, puts(vec![resource(Kind::App, "shop", "{}")])).await;
    assert_eq!(first, Revision(1));
    assert_eq!(done(&*store, WriteSet::default()).await, Revision(2));
    assert_eq!(store.revision().await.unwrap(), Revision(2));
    let kept = store.resource(Kind::App, &name("shop")).await.unwrap();
    assert_eq!(kept.unwrap().version, Revision(1));
    let nothing = store.resource(Kind::Api, &name("shop")).await.unwrap();
    assert_eq!(nothing, None, "a name is unique within its kind only");
    let installation = store.installation().await.unwrap();
    assert_eq!(installation.revision, Revision(2));
    assert_eq!(installation.incarnation, 1);
}

/// A write set made from anything but the newest revision is refused, with both numbers.
pub async fn a_stale_base_is_refused(store: Arc<dyn Store>) {
    done(&*store, WriteSet::default()).await;
    for base in [Revision(0), Revision(2)] {
        let mut changes = puts(vec![resource(Kind::App, "shop", "{}")]);
        changes.base = Some(base);
        let refused = store.commit(changes).await.unwrap().unwrap_err();
        let found = Revision(1);
        assert_eq!(refused, CommitRefused::Stale { base, found });
    }
    let changes = WriteSet {
        base: Some(Revision(1)),
        ..WriteSet::default()
    };
    assert_eq!(done(&*store, changes).await, Revision(2));
}

/// `Absent` and `At` are checked against what is there.
pub async fn unexpected_versions_are_refused(store: Arc<dyn Store>) {
    let there = done(&*store, puts(vec![resource(Kind::App, "shop", "{}")])).await;
    let cases = [
        ("shop", Expected::Absent, Some(there)),
        ("shop", Expected::At(Revision(9)), Some(there)),
        ("market", Expected::At(there), None),
    ];
    for (text, expected, found) in cases {
        let changes = WriteSet {
            expected: vec![(Kind::App, name(text), expected)],
            ..WriteSet::default()
        };
        let refused = store.commit(changes).await.unwrap().unwrap_err();
        let wanted = CommitRefused::Unexpected {
            kind: Kind::App,
            name: name(text),
            found,
        };
        assert_eq!(refused, wanted);
    }
    let changes = WriteSet {
        expected: vec![
            (Kind::App, name("shop"), Expected::At(there)),
            (Kind::App, name("market"), Expected::Absent),
            (Kind::Api, name("shop"), Expected::Absent),
        ],
        ..WriteSet::default()
    };
    assert_eq!(done(&*store, changes).await, Revision(2));
}

fn of_everything() -> WriteSet {
    WriteSet {
        puts: vec![resource(Kind::App, "new", "{}")],
        deletes: vec![(Kind::App, name("old"))],
        credentials: vec![credential(1, "new")],
        vettings: vec![vetting("new", "level", 1)],
        events: vec![event(50, "new")],
        at: at(30),
        answers: vec![(key("k", 1).scope, "k".to_owned(), 201, b"made".to_vec())],
        ..WriteSet::default()
    }
}

async fn assert_untouched(store: &dyn Store, revision: Revision) {
    assert_eq!(store.revision().await.unwrap(), revision);
    let (_, resources, credentials) = store.everything().await.unwrap();
    let names: Vec<_> = resources.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["old"]);
    assert!(credentials.is_empty());
    assert_eq!(store.vettings(None, None, ALL).await.unwrap(), []);
    assert_eq!(store.events(revision, ALL).await.unwrap(), []);
    let held = store.begin_idempotent(key("k", 1)).await.unwrap();
    assert_eq!(held, Idempotent::InProgress);
}

/// A refused write set moves nothing: no put, delete, credential, vetting, event, answer or
/// revision.
pub async fn a_refused_commit_leaves_nothing(store: Arc<dyn Store>) {
    let revision = done(&*store, puts(vec![resource(Kind::App, "old", "{}")])).await;
    store.begin_idempotent(key("k", 1)).await.unwrap();
    let mut changes = of_everything();
    changes.expected = vec![(Kind::App, name("new"), Expected::At(revision))];
    store.commit(changes).await.unwrap().unwrap_err();
    assert_untouched(&*store, revision).await;
    done(&*store, of_everything()).await;
}

/// A write set that fails at its last statement moves nothing either.
pub async fn a_failed_commit_leaves_nothing(store: Arc<dyn Store>) {
    let mut first = puts(vec![resource(Kind::App, "old", "{}")]);
    first.events = vec![event(1, "old")];
    let revision = done(&*store, first).await;
    store.begin_idempotent(key("k", 1)).await.unwrap();
    let mut changes = of_everything();
    changes.events = vec![event(2, "new"), event(1, "an id that is taken")];
    assert!(store.commit(changes).await.is_err());
    assert_untouched(&*store, revision).await;
    assert_eq!(done(&*store, of_everything()).await, Revision(2));
}

/// `created_at` is the first one, whatever later write sets say; the rest is replaced.
pub async fn a_replaced_resource_keeps_when_it_was_made(store: Arc<dyn Store>) {
    done(&*store, puts(vec![resource(Kind::Plan, "free", "1")])).await;
    let mut later = resource(Kind::Plan, "free", "2");
    (later.created_at, later.updated_at, later.id) = (at(99), at(100), 8);
    let version = done(&*store, puts(vec![later.clone()])).await;
    (later.created_at, later.version) = (at(10), version);
    let kept = store.resource(Kind::Plan, &name("free")).await.unwrap();
    assert_eq!(kept, Some(later));
}

/// A write set that puts a name twice keeps the later of both, of resources and credentials.
pub async fn the_last_put_of_a_name_counts(store: Arc<dyn Store>) {
    let mut changes = puts(vec![
        resource(Kind::Plan, "free", "1"),
        resource(Kind::Plan, "paid", "1"),
        resource(Kind::Plan, "free", "2"),
        resource(Kind::Plan, "paid", "2"),
    ]);
    let (mut first, mut last) = (credential(1, "shop"), credential(1, "shop"));
    (first.hint, last.hint) = ("first".to_owned(), "last".to_owned());
    changes.credentials = vec![first, credential(2, "shop"), last.clone()];
    done(&*store, changes).await;
    let (_, resources, credentials) = store.everything().await.unwrap();
    let bodies: Vec<_> = resources.iter().map(|one| one.body.as_str()).collect();
    assert_eq!(bodies, ["2", "2"]);
    assert_eq!(credentials.len(), 2);
    assert!(credentials.contains(&last));
}

/// What one statement may not take at once arrives whole all the same, events in their order.
pub async fn large_write_sets_arrive_whole_and_in_order(store: Arc<dyn Store>) {
    const MANY: u128 = 12_001;
    let text = |n: u128| format!("app-{n:05}");
    let made = |body: &str| -> Vec<_> {
        let one = |n| resource(Kind::App, &text(n), body);
        (0..MANY).map(one).collect()
    };
    let mut changes = puts(made("1"));
    changes.events = (0..MANY).map(|n| event(n + 1, &text(n))).collect();
    changes.credentials = (0..MANY).map(|n| credential(n, &text(n))).collect();
    done(&*store, changes).await;
    let events = store.events(Revision(0), ALL).await.unwrap();
    let told: Vec<_> = events.iter().map(|event| event.name.clone()).collect();
    assert!(told == (0..MANY).map(text).collect::<Vec<_>>());
    assert!((0..).zip(&events).all(|(n, event)| event.position == n));
    let mut changes = puts(made("2").split_off(6_000));
    changes.deletes = (0..MANY - 1).map(|n| (Kind::App, name(&text(n)))).collect();
    done(&*store, changes).await;
    let (_, resources, credentials) = store.everything().await.unwrap();
    assert_eq!((resources.len(), credentials.len()), (6_001, 12_001));
    assert!(resources.iter().all(|one| one.body == "2"));
    assert_eq!(resources[0].name.as_str(), text(6_000));
}

/// Concurrent writers without a base all go through, each with a revision of its own.
pub async fn sixty_four_writers_lose_nothing(store: Arc<dyn Store>) {
    let writers = (0..64_u128).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let text = format!("app-{number}");
            let mut changes = puts(vec![resource(Kind::App, &text, "{}")]);
            changes.events = vec![event(number * 2, &text), event(number * 2 + 1, &text)];
            done(&*store, changes).await
        })
    });
    let mut revisions: Vec<u64> = join_all(writers)
        .await
        .into_iter()
        .map(|revision| revision.unwrap().0)
        .collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=64).collect::<Vec<_>>());
    let events = store.events(Revision(0), ALL).await.unwrap();
    let places: Vec<_> = events.iter().map(|e| (e.revision.0, e.position)).collect();
    let wanted: Vec<_> = (1..=64).flat_map(|r| [(r, 0), (r, 1)]).collect();
    assert_eq!(places, wanted);
    assert!(events.chunks(2).all(|pair| pair[0].name == pair[1].name));
    let apps = store.resources(Kind::App, None, ALL).await.unwrap();
    assert_eq!(apps.len(), 64);
}

/// Of writers that start from the same revision one goes through, the others are told.
pub async fn of_writers_from_one_base_one_wins(store: Arc<dyn Store>) {
    let writers = (0..16).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut changes = puts(vec![resource(Kind::App, &format!("app-{number}"), "{}")]);
            changes.base = Some(Revision(0));
            store.commit(changes).await.unwrap()
        })
    });
    let outcomes: Vec<_> = join_all(writers)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.iter().partition(|o| o.is_ok());
    assert_eq!((won.len(), lost.len()), (1, 15));
    let stale = CommitRefused::Stale {
        base: Revision(0),
        found: Revision(1),
    };
    assert!(lost.iter().all(|o| o.as_ref().unwrap_err() == &stale));
    let apps = store.resources(Kind::App, None, ALL).await.unwrap();
    assert_eq!(apps.len(), 1);
}

/// Each event is linked to the one before, whichever way it came, over commits of many events.
pub async fn events_are_linked_in_their_order(store: Arc<dyn Store>) {
    for round in 0..3_u128 {
        let events = (1..=3)
            .map(|number| event(round * 10 + number, "a"))
            .collect();
        let changes = WriteSet {
            events,
            at: at(5),
            ..WriteSet::default()
        };
        done(&*store, changes).await;
        let from = (round > 0).then(|| round.to_string());
        let mut calls = step(from.as_deref(), &(round + 1).to_string());
        calls.events = vec![event(round * 10 + 7, "alert")];
        assert_eq!(store.fold_calls(calls).await.unwrap(), Folded::Applied);
    }
    let events = store.events(Revision(0), ALL).await.unwrap();
    assert_eq!(events.len(), 12);
    let mut before = NO_LINK;
    for event in &events {
        let link = store::link(&before, event);
        assert_eq!(
            event.link,
            Some(link),
            "{} {}",
            event.revision.0,
            event.position
        );
        before = link;
    }
    let mut backwards = store.events_before(None, ALL).await.unwrap();
    backwards.reverse();
    assert_eq!(backwards, events);
}
