//! What developers are told, and mailed.

use std::sync::Arc;

use accounts::notices::NoticeKind;
use primitives::{EventId, Mode};
use serde_json::json;
use snapshot::Loader;
use store::{CredentialKind, EventAction, NewEvent, NoticeFilter, WriteSet};
use store_contract::{Failing, Strikes};

use super::{
    Bench, bench,
    registration::{EMAIL, PASSWORD, applicant, codes, letters, rules},
};
use crate::{
    Admits, Authority, Notices, OwnApp, Registered, choose_mails, issue_key, make_own_app,
    own_notices, register, revoke_key, tell_of_ending_keys, unread_notices,
};

const LEAK: &str = "leak report";

struct Desk {
    bench: Bench,
    loader: Arc<Loader>,
    registered: Registered,
    app: primitives::Name,
}

async fn loader(at: &Authority) -> Arc<Loader> {
    let clock = Arc::clone(&at.clock);
    let loader = Loader::start(Arc::clone(&at.store), Arc::default(), clock);
    Arc::new(loader.await.unwrap())
}

fn telling(at: &Authority, loader: &Arc<Loader>) -> Notices {
    let origins = rules(Admits::Everybody).origins;
    Notices::new(at.clone(), Arc::clone(loader), Some(origins))
}

/// A developer with an app, whom nobody has told anything yet.
async fn desk() -> Desk {
    let bench = bench().await;
    let at = &bench.at;
    register(at, &rules(Admits::Everybody), (applicant(EMAIL), None))
        .await
        .unwrap();
    let code = codes(at, EMAIL, "/confirm?code=").await.remove(0);
    let registered = bench.confirm(&code, PASSWORD).await.unwrap();
    let loader = loader(at).await;
    telling(at, &loader).follow().await.unwrap();
    let who = (person(&bench).await, registered.account);
    let wanted = OwnApp {
        title: "Till".to_owned(),
        apis: Vec::new(),
    };
    let made = make_own_app(at, &loader, (&who.0, who.1), &wanted, &|_| Ok(None)).await;
    Desk {
        app: made.unwrap().resource.name,
        bench,
        loader,
        registered,
    }
}

async fn person(bench: &Bench) -> String {
    let person = bench.person_of(EMAIL).await.unwrap();
    person.kept.id.to_string()
}

impl Desk {
    async fn key(&self, actor: &str, lives: Option<i64>) -> primitives::CredentialId {
        let at = &self.bench.at;
        let wanted = crate::KeyWanted {
            app: self.app.clone(),
            mode: Mode::Test,
            permissions: None,
            expires_at: lives.map(|lives| at.clock.now().plus_seconds(lives)),
            kind: CredentialKind::Key,
            certificate: None,
        };
        let issued = issue_key(at, actor, &wanted, &|_| Ok(None)).await;
        issued.unwrap().credential.id
    }

    async fn alert(&self, id: u128, detail: serde_json::Value) {
        let event = NewEvent {
            id: EventId::from_u128(id),
            actor: "settlement".to_owned(),
            action: EventAction::Created,
            kind: "alert".to_owned(),
            name: "calls".to_owned(),
            detail: detail.to_string(),
        };
        let changes = WriteSet {
            events: vec![event],
            at: self.bench.at.clock.now(),
            ..WriteSet::default()
        };
        self.bench.at.store.commit(changes).await.unwrap().unwrap();
    }

    async fn told(&self) -> Vec<(String, String)> {
        let at = &self.bench.at;
        self.loader.refresh().await.unwrap();
        let snapshot = self.loader.handle().load_full();
        let wanted = (NoticeFilter::default(), 100);
        let page = own_notices(at, &snapshot, self.registered.account, wanted).await;
        let notices = page.unwrap().notices.into_iter();
        notices.map(|one| (one.kind, one.says)).collect()
    }

    async fn mailed(&self) -> Vec<String> {
        let all = letters(&self.bench.at).await.into_iter();
        let of_notices = all.filter(|one| one.text.contains("http://site/notices"));
        of_notices.map(|one| one.subject).collect()
    }
}

/// What others do to one's keys is told and mailed, what one does oneself is not.
#[tokio::test]
async fn what_others_do_is_told_and_mailed_once() {
    let desk = desk().await;
    let at = &desk.bench.at;
    let mut notices = telling(at, &desk.loader);
    let mut elsewhere = telling(at, &desk.loader);
    let own = person(&desk.bench).await;
    let key = desk.key(&own, None).await;
    notices.follow().await.unwrap();
    assert_eq!((desk.told().await, desk.mailed().await), (vec![], vec![]));
    revoke_key(at, LEAK, (&desk.app, key)).await.unwrap();
    desk.key("operator", None).await;
    assert_eq!(notices.follow().await.unwrap(), 2);
    elsewhere.follow().await.unwrap();
    notices.follow().await.unwrap();
    let told = desk.told().await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].1.contains("was made") && told[1].1.contains("leaked"),
        "{told:?}"
    );
    let mailed = desk.mailed().await;
    assert_eq!(mailed.len(), 2, "{mailed:?}");
    assert!(mailed[0].contains("a key ends, leaked"), "{mailed:?}");
    let person = desk.bench.person_of(EMAIL).await.unwrap().kept.id;
    let snapshot = desk.loader.handle().load_full();
    let who = (person, desk.registered.account);
    assert_eq!(unread_notices(at, &snapshot, who).await.unwrap(), 2);
}

/// Off means no mail, whatever happens; it is told all the same.
#[tokio::test]
async fn a_kind_that_is_off_is_not_mailed() {
    let desk = desk().await;
    let at = &desk.bench.at;
    let mut notices = telling(at, &desk.loader);
    let person = desk.bench.person_of(EMAIL).await.unwrap().kept.id;
    let of = desk.registered.account.to_string();
    let detail =
        |alert: &str| json!({ "alert": alert, "per": "developer", "of": of, "mode": "live" });
    desk.alert(1, detail("limit.nearing")).await;
    desk.alert(2, detail("limit.reached")).await;
    notices.follow().await.unwrap();
    assert_eq!(
        desk.mailed().await.len(),
        1,
        "at first only what is used up"
    );
    choose_mails(at, person, &[NoticeKind::QuotaNearing])
        .await
        .unwrap();
    desk.alert(3, detail("limit.reached")).await;
    desk.key("operator", None).await;
    notices.follow().await.unwrap();
    assert_eq!(desk.mailed().await.len(), 1);
    desk.alert(4, detail("limit.nearing")).await;
    notices.follow().await.unwrap();
    assert_eq!(desk.mailed().await.len(), 2);
    let told = desk.told().await;
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    let expected = [
        "quota_nearing",
        "key",
        "quota_reached",
        "quota_reached",
        "quota_nearing",
    ];
    assert_eq!(kinds, expected);
    // A limit of another is not told, and one person is not flooded.
    let other = json!({ "alert": "limit.reached", "per": "developer", "of": "acct_00000000000000000000000001", "mode": "live" });
    desk.alert(5, other).await;
    choose_mails(at, person, &NoticeKind::ALL).await.unwrap();
    for id in 6..40 {
        desk.alert(id, detail("limit.reached")).await;
    }
    notices.follow().await.unwrap();
    assert_eq!(desk.told().await.len(), 39);
    assert_eq!(desk.mailed().await.len(), 10);
}

/// A key that ends within a week is told once, and not one that was made for less.
#[tokio::test]
async fn a_key_that_is_about_to_end_is_told_once() {
    let desk = desk().await;
    let at = &desk.bench.at;
    let own = person(&desk.bench).await;
    desk.key(&own, Some(86_400)).await;
    let long = desk.key(&own, Some(30 * 86_400)).await;
    let mut notices = telling(at, &desk.loader);
    let look = async || {
        desk.loader.refresh().await.unwrap();
        tell_of_ending_keys(at, &desk.loader.handle().load_full())
            .await
            .unwrap();
    };
    look().await;
    notices.follow().await.unwrap();
    assert_eq!(desk.told().await, []);
    desk.bench
        .clock
        .set(at.clock.now().plus_seconds(24 * 86_400));
    for _ in 0..3 {
        look().await;
        notices.follow().await.unwrap();
    }
    let told = desk.told().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].1.contains(&long.to_string()), "{told:?}");
    assert_eq!(desk.mailed().await.len(), 1);
}

/// Whatever fails meanwhile, it is told once and mailed once.
///
/// Shows: F-45.
#[tokio::test]
async fn what_fails_is_told_the_next_time_and_once() {
    for strikes in [Strikes::Before, Strikes::After] {
        for number in 1..40 {
            let desk = desk().await;
            let failing = Arc::new(Failing::over(Arc::clone(&desk.bench.at.store)));
            let at = Authority {
                store: Arc::clone(&failing) as _,
                ..desk.bench.at.clone()
            };
            let mut notices = telling(&at, &desk.loader);
            desk.key("operator", None).await;
            failing.plant(number, strikes);
            let done = notices.follow().await;
            let struck = failing.clear();
            notices.follow().await.unwrap();
            let (told, mailed) = (desk.told().await, desk.mailed().await);
            assert_eq!(
                (told.len(), mailed.len()),
                (1, 1),
                "{number} {strikes:?}: {done:?}"
            );
            if !struck {
                assert!(number > 4, "{number} calls of the store");
                break;
            }
        }
    }
}
