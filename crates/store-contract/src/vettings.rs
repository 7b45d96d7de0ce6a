//! Where developers stand in vetting: one row for an account and a ladder.

use std::sync::Arc;

use primitives::{PageSize, Revision};
use store::{CommitRefused, Kind, Store, Vetting, VettingPlace, WriteSet};

use crate::samples::{ALL, at, done, name, puts, resource, vetting};

fn set(vettings: Vec<Vetting>) -> WriteSet {
    WriteSet {
        vettings,
        ..WriteSet::default()
    }
}

fn approved(one: Vetting) -> Vetting {
    Vetting {
        state: "approved".to_owned(),
        ..one
    }
}

fn place(of: &Vetting) -> VettingPlace {
    VettingPlace {
        since: of.since,
        account: of.account.clone(),
        ladder: of.ladder.clone(),
    }
}

fn keys(vettings: &[Vetting]) -> Vec<(&str, &str)> {
    vettings
        .iter()
        .map(|one| (one.account.as_str(), one.ladder.as_str()))
        .collect()
}

/// Every field survives, set or not, and an account's come by ladder, no other account's.
pub async fn a_vetting_comes_back_as_it_went(store: Arc<dyn Store>) {
    let mut full = Vetting {
        body: r#"{"by":"é 😀","a":"\u0000"}"#.to_owned(),
        due_at: Some(at(500).plus_micros(1)),
        ..approved(vetting("shop", "reach", -1))
    };
    let mut bare = vetting("shop", "Level", 5);
    let others = [vetting("Shop", "level", 1), vetting("shop-2", "level", 1)];
    let mut all = vec![full.clone(), bare.clone()];
    all.extend(others);
    let version = done(&*store, set(all)).await;
    (full.version, bare.version) = (version, version);
    let (shop, reach) = (name("shop"), name("reach"));
    let found = store.vetting(&shop, &reach).await.unwrap();
    assert_eq!(found, Some(full.clone()));
    let nothing = store.vetting(&reach, &shop).await.unwrap();
    assert_eq!(nothing, None);
    let found = store.vettings_of(&shop).await.unwrap();
    assert_eq!(found, [bare, full]);
    let nobody = store.vettings_of(&name("nobody")).await.unwrap();
    assert_eq!(nobody, []);
}

/// All of a vetting is replaced, also by what is absent; its version is the revision that did it,
/// and others keep theirs.
pub async fn a_replaced_vetting_moves_its_version(store: Arc<dyn Store>) {
    let mut before = vetting("shop", "level", 5);
    before.due_at = Some(at(9));
    let first = done(&*store, set(vec![before, vetting("shop", "reach", 5)])).await;
    let mut after = vetting("shop", "level", 7);
    (after.state, after.body) = ("refused".to_owned(), "[1]".to_owned());
    // What a caller says of the version does not count.
    after.version = Revision(77);
    let second = done(&*store, set(vec![after.clone()])).await;
    assert!(second > first);
    after.version = second;
    let mut other = vetting("shop", "reach", 5);
    other.version = first;
    let found = store.vettings_of(&name("shop")).await.unwrap();
    assert_eq!(found, [after, other]);
    assert_eq!(store.count_vettings("waiting", 9).await.unwrap(), 1);
    assert_eq!(store.vettings_due(at(99), ALL).await.unwrap(), []);
}

/// A write set that puts a vetting twice keeps the later of both.
pub async fn the_last_put_of_a_vetting_counts(store: Arc<dyn Store>) {
    let all = vec![
        vetting("shop", "level", 9),
        vetting("shop", "reach", 9),
        vetting("shop", "level", 5),
    ];
    done(&*store, set(all)).await;
    let found = store.vettings_of(&name("shop")).await.unwrap();
    let since: Vec<_> = found.iter().map(|one| one.since.as_seconds()).collect();
    assert_eq!(since, [5, 9]);
}

async fn walk(store: &dyn Store, state: Option<&str>, size: u32) -> Vec<Vetting> {
    let mut found: Vec<Vetting> = Vec::new();
    loop {
        let after = found.last().map(place);
        let page = PageSize::clamped(size);
        let page = store.vettings(state, after.as_ref(), page).await.unwrap();
        assert!(page.len() <= usize::try_from(size).unwrap());
        if page.is_empty() {
            return found;
        }
        found.extend(page);
        assert!(found.len() < 100, "pages overlap: {:?}", keys(&found));
    }
}

/// The longest in their state come first, of equals by the bytes of account and ladder; pages of
/// any size give each once, of one state or of all, and go on where a row was that moved away.
pub async fn pages_of_vettings_meet_without_gap_or_overlap(store: Arc<dyn Store>) {
    let mut all = Vec::new();
    for (n, since) in [30, -20, 10, 20, 20, 20].into_iter().enumerate() {
        for account in ["b", "A", "a-b", "ab"] {
            let mut one = vetting(account, &format!("ladder-{}", 9 - n), since);
            if n % 2 == 1 {
                one = approved(one);
            }
            all.push(one);
        }
    }
    let version = done(&*store, set(all.clone())).await;
    all.sort_by_key(|one| (one.since, one.account.clone(), one.ladder.clone()));
    for one in &mut all {
        one.version = version;
    }
    for size in [1, 3, 24, 100] {
        assert_eq!(walk(&*store, None, size).await, all);
        for state in ["waiting", "approved", "Waiting"] {
            let wanted: Vec<_> = all.iter().filter(|one| one.state == state).collect();
            let found = walk(&*store, Some(state), size).await;
            assert_eq!(found.iter().collect::<Vec<_>>(), wanted);
        }
    }
    let mut moved = all[5].clone();
    let after = place(&moved);
    moved.since = at(99);
    done(&*store, set(vec![moved])).await;
    let found = store.vettings(None, Some(&after), ALL).await.unwrap();
    assert_eq!(found[..18], all[6..]);
    assert_eq!(found.len(), 19);
}

/// Due is what is to be looked at before the moment, not at it; what waits for nothing never is.
pub async fn due_vettings_come_earliest_first(store: Arc<dyn Store>) {
    let due = |account, ladder, seconds| {
        let mut one = vetting(account, ladder, 1_000 - seconds);
        one.due_at = Some(at(seconds));
        one
    };
    let all = vec![
        due("c", "level", 20),
        vetting("a", "level", 0),
        due("b", "reach", 30),
        due("b", "level", 20),
        due("a", "reach", -10),
        due("B", "level", 20),
        due("d", "level", 40),
    ];
    done(&*store, set(all)).await;
    let found = store.vettings_due(at(30), ALL).await.unwrap();
    let wanted = [
        ("a", "reach"),
        ("B", "level"),
        ("b", "level"),
        ("c", "level"),
    ];
    assert_eq!(keys(&found), wanted);
    let size = PageSize::clamped(2);
    let found = store.vettings_due(at(30), size).await.unwrap();
    assert_eq!(keys(&found), wanted[..2]);
    let later = at(30).plus_micros(1);
    let found = store.vettings_due(later, ALL).await.unwrap();
    assert_eq!(keys(&found).last(), Some(&("b", "reach")));
    let never = store.vettings_due(at(-10), ALL).await.unwrap();
    assert_eq!(never, []);
}

/// A state is counted up to the most that is asked for, however many there are.
pub async fn counting_stops_at_the_most(store: Arc<dyn Store>) {
    let one = |n| vetting(&format!("dev-{n}"), "level", n);
    let mut all: Vec<_> = (0..5_999).map(one).collect();
    all.push(approved(one(5_999)));
    done(&*store, set(all)).await;
    let cases = [
        ("waiting", 0, 0),
        ("waiting", 1, 1),
        ("waiting", 5_998, 5_998),
        ("waiting", 5_999, 5_999),
        ("waiting", u32::MAX, 5_999),
        ("approved", 10, 1),
        ("nowhere", 10, 0),
    ];
    for (state, most, wanted) in cases {
        let counted = store.count_vettings(state, most).await.unwrap();
        assert_eq!(counted, wanted, "{state}, {most} at most");
    }
}

/// A write set that is refused, or fails at its end, neither puts nor takes away a vetting.
pub async fn a_refused_commit_leaves_vettings_alone(store: Arc<dyn Store>) {
    let mut first = puts(vec![resource(Kind::Account, "shop", "{}")]);
    first.vettings = vec![vetting("shop", "level", 1)];
    let version = done(&*store, first).await;
    let mut wanted = vetting("shop", "level", 1);
    wanted.version = version;
    let changes = WriteSet {
        deletes: vec![(Kind::Account, name("shop"))],
        ..set(vec![vetting("shop", "reach", 2), vetting("b", "level", 2)])
    };
    let base = Revision(0);
    let stale = WriteSet {
        base: Some(base),
        ..changes.clone()
    };
    let refused = store.commit(stale).await.unwrap().unwrap_err();
    let found = version;
    assert_eq!(refused, CommitRefused::Stale { base, found });
    let failing = WriteSet {
        answers: vec![("nobody".to_owned(), "holds it".to_owned(), 204, Vec::new())],
        ..changes.clone()
    };
    assert!(store.commit(failing).await.is_err());
    let found = store.vettings(None, None, ALL).await.unwrap();
    assert_eq!(found, [wanted]);
    done(&*store, changes).await;
    let found = store.vettings(None, None, ALL).await.unwrap();
    assert_eq!(keys(&found), [("b", "level"), ("shop", "reach")]);
}

/// Of a deleted account no vetting stays, of others all do; a kind that shares the name takes
/// nothing along, and what the same write set puts is kept.
pub async fn vettings_go_with_their_account(store: Arc<dyn Store>) {
    let accounts = ["shop", "Shop", "shop-2"];
    let mut changes = puts(accounts.map(|n| resource(Kind::Account, n, "{}")).to_vec());
    changes.puts.push(resource(Kind::App, "shop", "{}"));
    for account in accounts {
        changes.vettings.push(vetting(account, "level", 1));
        changes.vettings.push(vetting(account, "reach", 1));
    }
    done(&*store, changes).await;
    let delete = |gone: Vec<(Kind, &str)>| WriteSet {
        deletes: gone.into_iter().map(|(k, n)| (k, name(n))).collect(),
        ..WriteSet::default()
    };
    done(&*store, delete(vec![(Kind::App, "shop")])).await;
    assert_eq!(store.count_vettings("waiting", 9).await.unwrap(), 6);
    let gone = vec![(Kind::App, "shop-2"), (Kind::Account, "shop")];
    done(&*store, delete(gone)).await;
    assert_eq!(store.vettings_of(&name("shop")).await.unwrap(), []);
    let found = store.vettings(None, None, ALL).await.unwrap();
    let wanted = [
        ("Shop", "level"),
        ("Shop", "reach"),
        ("shop-2", "level"),
        ("shop-2", "reach"),
    ];
    assert_eq!(keys(&found), wanted);
    let mut again = delete(vec![(Kind::Account, "Shop"), (Kind::Account, "shop-2")]);
    again.puts = vec![resource(Kind::Account, "Shop", "{}")];
    again.vettings = vec![vetting("Shop", "reach", 3)];
    let version = done(&*store, again).await;
    let found = store.vettings(None, None, ALL).await.unwrap();
    assert_eq!(keys(&found), [("Shop", "reach")]);
    assert_eq!(found[0].version, version);
}

/// Overtaken is what was changed before its account was, in a later commit; pages go on after a
/// place.
pub async fn a_change_of_the_account_overtakes_its_vettings(store: Arc<dyn Store>) {
    let account = |text, body| resource(Kind::Account, text, body);
    let all = ["a", "b", "c"].map(|text| account(text, "{}"));
    done(&*store, puts(all.to_vec())).await;
    let of = |text, ladder| approved(vetting(text, ladder, 1));
    let all = vec![
        of("a", "reach"),
        of("a", "level"),
        of("b", "level"),
        vetting("b", "reach", 1),
        of("nobody", "level"),
    ];
    done(&*store, set(all)).await;
    let found = store.vettings_overtaken("approved", None, ALL).await;
    assert_eq!(found.unwrap(), []);
    done(
        &*store,
        puts(vec![account("a", "{\"x\":1}"), account("b", "{\"x\":1}")]),
    )
    .await;
    let found = store
        .vettings_overtaken("approved", None, ALL)
        .await
        .unwrap();
    let wanted = [("a", "level"), ("a", "reach"), ("b", "level")];
    assert_eq!(keys(&found), wanted);
    let size = PageSize::clamped(2);
    let first = store
        .vettings_overtaken("approved", None, size)
        .await
        .unwrap();
    let after = first.last().map(place);
    let rest = store
        .vettings_overtaken("approved", after.as_ref(), size)
        .await
        .unwrap();
    assert_eq!(
        (keys(&first), keys(&rest)),
        (wanted[..2].to_vec(), wanted[2..].to_vec())
    );
    // Together with its account is not overtaken.
    let mut both = set(vec![of("a", "level")]);
    both.puts = vec![account("a", "{\"x\":2}")];
    done(&*store, both).await;
    let found = store
        .vettings_overtaken("approved", None, ALL)
        .await
        .unwrap();
    assert_eq!(keys(&found), [("a", "reach"), ("b", "level")]);
}
