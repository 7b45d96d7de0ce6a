//! What is kept about accounts besides what state files say.

use std::sync::Arc;

use primitives::{DeveloperRecordId, PageSize, Revision};
use store::{Confidential, DeveloperRecord, Kind, ProfileLine, Store, WriteSet};

use crate::samples::{ALL, at, done, name, puts, resource, vetting};

fn confidential(account: &str, text: &str) -> Confidential {
    Confidential {
        account: name(account),
        name: name(text),
        kind: "card".to_owned(),
        mask: "•••• 1111".to_owned(),
        sealed: vec![0, 255, 7],
        updated_at: at(5),
    }
}

fn record(id: u128, account: &str, reference: &str) -> DeveloperRecord {
    DeveloperRecord {
        id: DeveloperRecordId::from_u128(id),
        account: name(account),
        source: name("ledger"),
        kind: name("payment"),
        reference: reference.to_owned(),
        at: at(-3),
        received_at: at(8),
        facts: "{\"amount\":5}".to_owned(),
    }
}

fn line(account: &str, fact: &str, count: i64) -> ProfileLine {
    ProfileLine {
        account: name(account),
        source: name("ledger"),
        kind: name("payment"),
        fact: fact.to_owned(),
        count,
        sum: i64::MAX,
        least: i64::MIN,
        most: 7,
        last_at: at(9),
        version: Revision::default(),
    }
}

/// Every field survives; what is dropped, replaced, or of a deleted account does not.
pub async fn what_is_kept_about_an_account_comes_back_and_goes_with_it(store: Arc<dyn Store>) {
    let accounts = ["shop", "Shop"].map(|text| resource(Kind::Account, text, "{}"));
    let mut changes = puts(accounts.to_vec());
    for account in ["shop", "Shop"] {
        let both = ["b", "a"].map(|text| confidential(account, text));
        changes.confidential.extend(both);
        let both = [line(account, "amount", 2), line(account, "", 3)];
        changes.profile_lines.extend(both);
    }
    let records = vec![record(1, "shop", "r é"), record(2, "Shop", "r é")];
    changes.developer_records.clone_from(&records);
    let version = done(&*store, changes).await;
    let (shop, other) = (name("shop"), name("Shop"));
    let kept = ["a", "b"].map(|text| confidential("shop", text));
    assert_eq!(store.confidential_of(&shop).await.unwrap(), kept);
    let found = store.developer_records(&shop, None, ALL).await.unwrap();
    assert_eq!(found, records[..1]);
    let with = |one: ProfileLine| ProfileLine { version, ..one };
    let kept = [line("shop", "", 3), line("shop", "amount", 2)].map(with);
    assert_eq!(store.profile_of(&shop).await.unwrap(), kept);

    let mut other_card = confidential("shop", "a");
    (other_card.kind, other_card.sealed) = ("other".to_owned(), vec![]);
    let changes = WriteSet {
        dropped_confidential: vec![(shop.clone(), name("b")), (shop.clone(), name("none"))],
        confidential: vec![other_card.clone()],
        profile_lines: vec![line("shop", "", 4)],
        ..WriteSet::default()
    };
    done(&*store, changes).await;
    assert_eq!(store.confidential_of(&shop).await.unwrap(), [other_card]);
    assert_eq!(store.confidential_of(&other).await.unwrap().len(), 2);
    let counts = store.profile_of(&shop).await.unwrap();
    let counts: Vec<i64> = counts.iter().map(|one| one.count).collect();
    assert_eq!(counts, [4, 2]);

    let gone = WriteSet {
        deletes: vec![(Kind::Account, shop.clone()), (Kind::App, other.clone())],
        ..WriteSet::default()
    };
    done(&*store, gone).await;
    assert_eq!(store.confidential_of(&shop).await.unwrap(), []);
    assert_eq!(store.developer_records(&shop, None, ALL).await.unwrap(), []);
    assert_eq!(store.profile_of(&shop).await.unwrap(), []);
    assert_eq!(store.confidential_of(&other).await.unwrap().len(), 2);
    assert_eq!(store.profile_of(&other).await.unwrap().len(), 2);
}

/// Records come newest first, page by page; the sender's id is found for its sender alone, and
/// is never there twice.
pub async fn pages_of_records_meet_and_none_is_there_twice(store: Arc<dyn Store>) {
    let changes = WriteSet {
        developer_records: (1..=5)
            .map(|id| record(id, "shop", &format!("r{id}")))
            .collect(),
        ..WriteSet::default()
    };
    done(&*store, changes).await;
    let shop = name("shop");
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = store.developer_records(&shop, before, PageSize::clamped(2));
        let page = page.await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(page.iter().map(|one| one.id.as_u128()));
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
    for (account, source, reference, there) in [
        ("shop", "ledger", "r3", true),
        ("shop", "ledger", "R3", false),
        ("shop", "bureau", "r3", false),
        ("Shop", "ledger", "r3", false),
    ] {
        let (account, source) = (name(account), name(source));
        let found = store.has_developer_record(&account, &source, reference);
        assert_eq!(
            found.await.unwrap(),
            there,
            "{account} {source} {reference}"
        );
    }
    let again = WriteSet {
        developer_records: vec![record(6, "shop", "r6"), record(7, "shop", "r3")],
        ..WriteSet::default()
    };
    assert!(store.commit(again).await.is_err());
    let found = store.developer_records(&shop, None, ALL).await.unwrap();
    assert_eq!(found.len(), 5, "nothing of the write set was applied");
}

/// A vetting is overtaken by what comes to be known of its account, until it is changed itself.
pub async fn a_changed_profile_overtakes_vettings(store: Arc<dyn Store>) {
    let accounts = ["a", "b"].map(|text| resource(Kind::Account, text, "{}"));
    done(&*store, puts(accounts.to_vec())).await;
    let vettings = || WriteSet {
        vettings: vec![vetting("a", "level", 1), vetting("b", "level", 1)],
        ..WriteSet::default()
    };
    done(&*store, vettings()).await;
    let overtaken = || async {
        let found = store
            .vettings_overtaken("waiting", None, ALL)
            .await
            .unwrap();
        found
            .iter()
            .map(|one| one.account.to_string())
            .collect::<Vec<_>>()
    };
    assert!(overtaken().await.is_empty());
    let arrives = WriteSet {
        profile_lines: vec![line("b", "", 1), line("b", "amount", 1), line("c", "", 1)],
        ..WriteSet::default()
    };
    done(&*store, arrives).await;
    assert_eq!(overtaken().await, ["b"]);
    done(&*store, vettings()).await;
    assert!(overtaken().await.is_empty());
}
