//! The event log.

use std::sync::Arc;

use primitives::{PageSize, Revision};
use store::{Event, EventAction, EventPlace, Store, WriteSet};

use crate::samples::{ALL, at, done, event};

fn of(first: u128, count: u128) -> WriteSet {
    WriteSet {
        events: (first..first + count)
            .map(|n| event(n, &format!("app-{n}")))
            .collect(),
        at: at(first.try_into().unwrap()),
        ..WriteSet::default()
    }
}

fn numbers(events: &[Event]) -> Vec<u128> {
    events.iter().map(|event| event.id.as_u128()).collect()
}

/// Events keep what they were given and come in order; backwards in reverse order.
pub async fn events_come_in_order_and_backwards(store: Arc<dyn Store>) {
    let mut told = of(1, 1);
    told.events[0].action = EventAction::Deleted;
    told.events[0].detail = "{\"é\":\"😀\"}".into();
    done(&*store, told).await;
    done(&*store, WriteSet::default()).await;
    done(&*store, of(2, 2)).await;
    let events = store.events(Revision(0), ALL).await.unwrap();
    assert_eq!(numbers(&events), [1, 2, 3]);
    assert_eq!(events[0].action, EventAction::Deleted);
    assert_eq!(events[0].detail, "{\"é\":\"😀\"}");
    assert_eq!((events[0].at, events[2].at), (at(1), at(2)));
    assert_eq!((events[2].revision, events[2].position), (Revision(3), 1));
    assert_eq!(store.events(Revision(3), ALL).await.unwrap(), []);
    let back = store.events_before(None, ALL).await.unwrap();
    assert_eq!(numbers(&back), [3, 2, 1]);
    let place = |revision, position| {
        Some(EventPlace {
            revision: Revision(revision),
            position,
        })
    };
    let back = store.events_before(place(3, 1), ALL).await.unwrap();
    assert_eq!(numbers(&back), [2, 1]);
    let back = store.events_before(place(3, 0), ALL).await.unwrap();
    assert_eq!(numbers(&back), [1]);
    let back = store.events_before(place(1, 0), ALL).await.unwrap();
    assert_eq!(back, []);
}

/// The events of some things are found by kind and name together, the newest first.
pub async fn events_of_things_are_theirs_alone(store: Arc<dyn Store>) {
    done(&*store, of(1, 6)).await;
    done(&*store, of(1, 0)).await;
    let mut again = of(11, 1);
    again.events[0].name = "app-2".into();
    done(&*store, again).await;
    let mut other = of(12, 1);
    other.events[0].name = "app-2".into();
    other.events[0].kind = "account".into();
    done(&*store, other).await;
    let thing = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
    let asked = async |things: &[(String, String)], size| {
        let found = store.events_of(things, PageSize::clamped(size)).await;
        numbers(&found.unwrap())
    };
    let two = [thing("app", "app-2"), thing("app", "app-5")];
    assert_eq!(asked(&two, 10).await, [11, 5, 2]);
    assert_eq!(asked(&two, 2).await, [11, 5]);
    assert_eq!(asked(&[thing("account", "app-2")], 10).await, [12]);
    assert_eq!(asked(&[thing("account", "app-5")], 10).await, [0_u128; 0]);
    assert_eq!(asked(&[], 10).await, [0_u128; 0]);
}

/// A page is full, or overfull by no more than the rest of its last commit.
fn assert_small(page: &[Event], size: PageSize) {
    let last = page.last().map(|event| event.revision);
    let before = page.iter().filter(|event| Some(event.revision) != last);
    assert!(before.count() < size.get().try_into().unwrap());
}

/// Forwards the last event's revision is a whole cursor, however small the page; backwards its
/// place is, and no page is longer than was asked for.
pub async fn pages_of_events_leave_nothing_out(store: Arc<dyn Store>) {
    for (first, count) in [(0, 3), (3, 1), (4, 5), (9, 1)] {
        done(&*store, of(first, count)).await;
    }
    for size in 1..6 {
        let size = PageSize::clamped(size);
        let (mut forward, mut after) = (Vec::new(), Revision(0));
        while let page @ [.., last] = &store.events(after, size).await.unwrap()[..] {
            assert_small(page, size);
            after = last.revision;
            forward.extend(numbers(page));
        }
        assert_eq!(forward, (0..10).collect::<Vec<_>>());
        let (mut backward, mut before) = (Vec::new(), None);
        while let page @ [.., last] = &store.events_before(before, size).await.unwrap()[..] {
            assert!(page.len() <= size.get() as usize);
            before = Some(last.place());
            backward.extend(numbers(page));
        }
        assert_eq!(backward, (0..10).rev().collect::<Vec<_>>());
    }
}

/// Whoever follows the log by revision misses nothing while commits race.
pub async fn readers_never_see_a_later_commit_before_an_earlier_one(store: Arc<dyn Store>) {
    let writers: Vec<_> = (0..8_u128)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for n in 0..10 {
                    done(&*store, of(writer * 1_000 + n, 1)).await;
                }
            })
        })
        .collect();
    let mut seen = 0;
    while seen < 80 {
        let page = store.events(Revision(seen), PageSize::clamped(7)).await;
        for event in page.unwrap() {
            seen += 1;
            assert_eq!(event.revision, Revision(seen), "a commit was overtaken");
        }
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
}
