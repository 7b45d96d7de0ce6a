//! Reading resources back.

use std::sync::Arc;

use primitives::{PageSize, Revision};
use store::{Kind, Store};

use crate::samples::{ALL, credential, done, name, puts, resource};

/// Walking the pages of a kind gives each of its resources once, in order.
pub async fn pages_of_a_kind_hold_all_of_it_once(store: Arc<dyn Store>) {
    let mut all: Vec<_> = (0..25)
        .map(|n| resource(Kind::App, &format!("app-{n:02}"), "{}"))
        .collect();
    all.reverse();
    all.push(resource(Kind::Account, "app-03", "{}"));
    done(&*store, puts(all)).await;
    let mut names = Vec::new();
    loop {
        let after = names.last().cloned();
        let size = PageSize::clamped(10);
        let page = store.resources(Kind::App, after.as_ref(), size).await;
        let page = page.unwrap();
        assert!(page.len() <= 10);
        if page.is_empty() {
            break;
        }
        names.extend(page.into_iter().map(|resource| resource.name));
    }
    let wanted: Vec<_> = (0..25).map(|n| name(&format!("app-{n:02}"))).collect();
    assert_eq!(names, wanted);
}

/// Order is by bytes on every engine, whatever its locale: digits, capitals, small letters.
pub async fn names_are_ordered_by_their_bytes(store: Arc<dyn Store>) {
    let all = ["b", "A", "a-b", "a.b", "aB", "a_b", "B", "1", "a@b", "ab"];
    let put = all.map(|text| resource(Kind::App, text, "{}")).to_vec();
    done(&*store, puts(put)).await;
    let mut wanted = all.to_vec();
    wanted.sort_unstable();
    let found = store.resources(Kind::App, None, ALL).await.unwrap();
    let found: Vec<_> = found.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(found, wanted);
    let after = store.resources(Kind::App, Some(&name("B")), ALL).await;
    assert_eq!(after.unwrap()[0].name.as_str(), "a-b");
}

/// A write set may delete and make the same name: the new one stays, and is new.
pub async fn deletes_come_before_puts(store: Arc<dyn Store>) {
    done(&*store, puts(vec![resource(Kind::App, "shop", "1")])).await;
    let mut again = resource(Kind::App, "shop", "2");
    again.created_at = crate::samples::at(77);
    let mut changes = puts(vec![again]);
    changes.deletes = vec![(Kind::App, name("shop")), (Kind::App, name("never-there"))];
    done(&*store, changes).await;
    let kept = store.resource(Kind::App, &name("shop")).await.unwrap();
    let kept = kept.unwrap();
    assert_eq!(
        (kept.body.as_str(), kept.created_at.as_seconds()),
        ("2", 77)
    );
    let mut changes = puts(Vec::new());
    changes.deletes = vec![(Kind::App, name("shop"))];
    done(&*store, changes).await;
    assert_eq!(
        store.resource(Kind::App, &name("shop")).await.unwrap(),
        None
    );
}

/// A large installation comes back whole and unchanged, in the order of kinds and names.
pub async fn thousands_of_resources_come_back_whole(store: Arc<dyn Store>) {
    let body = format!("{{\"title\":\"{} é 😀\"}}", "x".repeat(300));
    let mut all: Vec<_> = (0..5_000_u128)
        .map(|n| {
            let mut one = resource(Kind::App, &format!("app-{n}"), &body);
            one.id = u128::MAX - n;
            one
        })
        .collect();
    let mut changes = puts(all.clone());
    changes.credentials = (0..1_000).map(|n| credential(n, "app-1")).collect();
    let revision = done(&*store, changes).await;
    let (found, resources, credentials) = store.everything().await.unwrap();
    assert_eq!(found, revision);
    assert_eq!(credentials.len(), 1_000);
    all.sort_by(|a, b| a.name.cmp(&b.name));
    for one in &mut all {
        one.version = revision;
    }
    assert!(resources == all, "resources came back changed");
}

/// While commits run, what is read belongs to the revision that is told with it.
pub async fn everything_is_of_one_revision(store: Arc<dyn Store>) {
    let writer = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for n in 0..60_u128 {
                let mut changes = puts(vec![resource(Kind::App, &format!("app-{n}"), "{}")]);
                changes.credentials = vec![credential(n, "app")];
                done(&*store, changes).await;
            }
        })
    };
    loop {
        let over = writer.is_finished();
        let (revision, resources, credentials) = store.everything().await.unwrap();
        let count = usize::try_from(revision.0).unwrap();
        assert_eq!((resources.len(), credentials.len()), (count, count));
        if over {
            assert_eq!(revision, Revision(60));
            break;
        }
    }
    writer.await.unwrap();
}
