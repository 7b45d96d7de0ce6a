use std::sync::Arc;

use async_trait::async_trait;
use primitives::{PageSize, Timestamp};
use snapshot::Loader;
use state::document::{Account, Document as _, PropertyValue};
use store::{IdempotencyRow, Idempotent};

use super::{Bench, apply::STATE, apply::bench_with, name};
use crate::{
    Application, Carrier, EntryChange, Fate, RiskServices, SecretBook, Vetted, VettingDesk,
    VettingRefused, apply_for_level, change_entry, find_vetting, look_again_where_needed,
};

/// A risk service that is away.
struct Away;

#[async_trait]
impl Carrier for Away {
    async fn post(
        &self,
        _: &str,
        _: [(&'static str, String); 3],
        _: Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        Err("away".to_owned())
    }
}

/// The market without its risk service.
async fn market() -> (Bench, Arc<Loader>, RiskServices) {
    let service = STATE
        .lines()
        .find(|line| line.contains("service: {"))
        .unwrap();
    let bench = bench_with(&STATE.replace(service, "")).await;
    let store = Arc::clone(&bench.at.store);
    let clock = Arc::clone(&bench.at.clock);
    let loader = Loader::start(store, Arc::default(), clock).await.unwrap();
    let services = RiskServices {
        carrier: Arc::new(Away),
        secrets: SecretBook::default(),
    };
    (bench, Arc::new(loader), services)
}

async fn has_staff(bench: &Bench, loader: &Loader, staff: i64) {
    let acme = name("acme");
    let entry = EntryChange {
        actor: "operator",
        kind: store::Kind::Account,
        name: &acme,
    };
    let decide = |before: Option<&store::Resource>, _: &snapshot::Snapshot| {
        let mut account = Account::from_body(&before.unwrap().body).unwrap();
        account
            .properties
            .insert(name("staff"), PropertyValue::Integer(staff));
        account
            .properties
            .insert(name("has_stall"), PropertyValue::Boolean(staff > 3));
        Ok(Fate::Body(account.to_body()))
    };
    change_entry(&bench.at, loader, entry, &decide, &|_| Ok(None))
        .await
        .unwrap();
}

/// Shows: J-6.
#[tokio::test]
async fn levels_are_looked_at_again_when_they_are_due_or_the_account_was_changed() {
    let (bench, loader, services) = market().await;
    let desk = VettingDesk {
        at: &bench.at,
        loader: &loader,
        services: &services,
    };
    let (acme, ladder) = (name("acme"), name("default"));
    let which = Application {
        account: &acme,
        ladder: &ladder,
    };
    let state = async || find_vetting(&bench.at, which).await.unwrap().unwrap().0;
    let looked = async || look_again_where_needed(desk).await.unwrap();
    let entry = name("entry");
    let applied = apply_for_level(desk, ("acme", which), Some(&entry), &|_| Ok(None)).await;
    let first = applied.unwrap().kept;
    assert_eq!((first.state.as_str(), looked().await), ("approved", 0));

    bench.clock.advance_seconds(24 * 3_600);
    has_staff(&bench, &loader, 60).await;
    assert_eq!((looked().await, looked().await), (1, 0));
    let second = state().await;
    assert!(second.state == "approved" && second.version > first.version);
    assert_eq!(second.since, first.since);
    assert!(
        second.due_at == first.due_at && first.due_at.is_some(),
        "a change of the account puts nothing off"
    );

    bench.clock.advance_seconds(91 * 24 * 3_600);
    assert_eq!((looked().await, looked().await), (1, 0));
    assert!(state().await.due_at > second.due_at);

    has_staff(&bench, &loader, 2).await;
    assert_eq!(
        (looked().await, state().await.state.as_str()),
        (1, "approved")
    );
    assert_eq!(looked().await, 0);
}

const MANY: usize = 64;

/// The market with more developers like `acme`, who have no level yet.
async fn crowd() -> Arc<(Bench, Arc<Loader>, RiskServices)> {
    let (bench, loader, services) = market().await;
    let store = &bench.at.store;
    let before = store.resource(store::Kind::Account, &name("acme")).await;
    let mut account = Account::from_body(&before.unwrap().unwrap().body).unwrap();
    account.developer.as_mut().unwrap().levels.0.clear();
    for at in 0..MANY {
        let another = name(&format!("dev-{at}"));
        let entry = EntryChange {
            actor: "operator",
            kind: store::Kind::Account,
            name: &another,
        };
        let body = account.to_body();
        let alike =
            move |_: Option<&store::Resource>, _: &snapshot::Snapshot| Ok(Fate::Body(body.clone()));
        let made = change_entry(&bench.at, &loader, entry, &alike, &|_| Ok(None));
        made.await.unwrap();
    }
    Arc::new((bench, loader, services))
}

fn repeatable(nth: usize) -> IdempotencyRow {
    IdempotencyRow {
        scope: "developers".to_owned(),
        key: nth.to_string(),
        fingerprint: [7; 32],
        at: Timestamp::from_seconds(0),
    }
}

/// Has all of them apply while another change is being made, and lets that end when all wait.
async fn apply_at_once(
    office: &Arc<(Bench, Arc<Loader>, RiskServices)>,
    developers: impl Iterator<Item = usize>,
) -> Vec<Result<String, VettingRefused>> {
    let (bench, loader, _) = &**office;
    let alone = loader.lane().await;
    let mut tasks = tokio::task::JoinSet::new();
    for (nth, at) in developers.enumerate() {
        let begun = bench.at.store.begin_idempotent(repeatable(nth));
        assert_eq!(begun.await.unwrap(), Idempotent::Fresh);
        let office = Arc::clone(office);
        tasks.spawn(async move {
            let (bench, loader, services) = &*office;
            let (account, ladder) = (name(&format!("dev-{at}")), name("default"));
            let which = Application {
                account: &account,
                ladder: &ladder,
            };
            let desk = VettingDesk {
                at: &bench.at,
                loader,
                services,
            };
            let entry = name("entry");
            let row = repeatable(nth);
            let keep = |vetted: &Vetted| {
                let told = vetted.kept.account.to_string().into_bytes();
                Ok(Some((row.scope.clone(), row.key.clone(), 200, told)))
            };
            let applied = apply_for_level(desk, ("acme", which), Some(&entry), &keep);
            applied.await.map(|vetted| vetted.kept.state)
        });
    }
    while bench.at.rounds.waiting() < tasks.len() {
        tokio::task::yield_now().await;
    }
    drop(alone);
    tasks.join_all().await
}

/// Many apply at once and each is answered, all by one commit, which is in force then.
#[tokio::test(flavor = "multi_thread")]
async fn those_who_apply_at_once_go_in_together() {
    let office = crowd().await;
    let (bench, loader, _) = &*office;
    let before = bench.at.store.revision().await.unwrap();
    let states = apply_at_once(&office, 0..MANY).await;
    assert_eq!(states.len(), MANY);
    for state in states {
        assert_eq!(state.unwrap(), "approved");
    }
    let after = bench.at.store.revision().await.unwrap();
    assert_eq!(after.0, before.0 + 1);
    let snapshot = loader.handle().load_full();
    assert_eq!(snapshot.revision(), after);
    let events = bench.at.store.events(before, PageSize::clamped(499)).await;
    let events = events.unwrap();
    for at in 0..MANY {
        let account = name(&format!("dev-{at}"));
        let vetting = bench.at.store.vetting(&account, &name("default")).await;
        assert_eq!(vetting.unwrap().unwrap().version, after);
        let again = bench
            .at
            .store
            .begin_idempotent(repeatable(at))
            .await
            .unwrap();
        assert_eq!(
            again,
            Idempotent::Done(200, account.to_string().into_bytes())
        );
        let told = events.iter().filter(|event| event.name == account.as_str());
        assert_eq!(
            told.count(),
            2,
            "the vetting, and the account with its level"
        );
    }
}

/// Two moves of one vetting are made one after the other, each from what the other left.
#[tokio::test(flavor = "multi_thread")]
async fn one_who_applies_twice_at_once_goes_in_once_at_a_time() {
    let office = crowd().await;
    let (bench, ..) = &*office;
    let before = bench.at.store.revision().await.unwrap();
    let states = apply_at_once(&office, [3, 3, 4].into_iter()).await;
    let (good, bad): (Vec<_>, Vec<_>) = states.into_iter().partition(Result::is_ok);
    let after = bench.at.store.revision().await.unwrap();
    assert_eq!((good.len(), bad.len(), after.0 - before.0), (3, 0, 2));
}
