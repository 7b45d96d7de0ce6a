use std::sync::Arc;

use async_trait::async_trait;
use snapshot::Loader;
use state::document::{Account, Document as _, PropertyValue};

use super::{Bench, apply::STATE, apply::bench_with, name};
use crate::{
    Application, Carrier, EntryChange, Fate, RiskServices, SecretBook, VettingDesk,
    apply_for_level, change_entry, find_vetting, look_again_where_needed,
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
async fn market() -> (Bench, Loader, RiskServices) {
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
    (bench, loader, services)
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

/// Many apply at once and each is answered: none is sent away because the others kept changing
/// the state.
#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_apply_at_once() {
    const MANY: usize = 64;
    let (bench, loader, services) = market().await;
    let before = bench
        .at
        .store
        .resource(store::Kind::Account, &name("acme"))
        .await;
    let before = before.unwrap().unwrap();
    for at in 0..MANY {
        let another = name(&format!("dev-{at}"));
        let entry = EntryChange {
            actor: "operator",
            kind: store::Kind::Account,
            name: &another,
        };
        let body = before.body.clone();
        let alike =
            move |_: Option<&store::Resource>, _: &snapshot::Snapshot| Ok(Fate::Body(body.clone()));
        let made = change_entry(&bench.at, &loader, entry, &alike, &|_| Ok(None));
        made.await.unwrap();
    }
    let office = Arc::new((bench, loader, services));
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..MANY {
        let office = Arc::clone(&office);
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
            let applied = apply_for_level(desk, ("acme", which), Some(&entry), &|_| Ok(None));
            applied.await.map(|vetted| vetted.kept.state)
        });
    }
    while let Some(done) = tasks.join_next().await {
        assert_eq!(done.unwrap().unwrap(), "approved");
    }
}
