use std::time::Duration;

use journal::{CallOutcome, Entry, Granted, Journal, Options, Settlement};
use primitives::{Enforcement, ManualClock, PageSize, RecordId, Revision};
use quota::CalendarUnit;
use store::{Event, Store as _};
use store_sqlite::SqliteStore;
use tempfile::TempDir;

use super::*;
use crate::Fold;

const DAY: i64 = 86_400;
const NOW: Timestamp = Timestamp::from_seconds(20 * DAY);

fn limit(scope: LimitScope, window: Window) -> FindLimit {
    Arc::new(move |stable| {
        (stable == 7).then(|| CountedLimit {
            name: "calls".parse().unwrap(),
            scope,
            window,
        })
    })
}

fn daily() -> FindLimit {
    limit(LimitScope::App, Window::Calendar(CalendarUnit::Day))
}

fn call(id: u64, near: u8, most: i64) -> CallRecord {
    CallRecord {
        id: RecordId {
            epoch: 1,
            sequence: id,
        },
        at: NOW,
        mode: Some(Mode::Live),
        api: "payments".to_owned(),
        operation: "Pay".to_owned(),
        method: "POST".to_owned(),
        path: "/Pay".to_owned(),
        credential: None,
        app: None,
        developer: None,
        account: None,
        capabilities: vec!["PAY".to_owned()],
        facts: Vec::new(),
        facts_left_out: 0,
        enforcement: Enforcement::Enforce,
        status: 0,
        code: String::new(),
        answer: String::new(),
        granted: Some(Granted {
            capabilities: vec![(
                journal::GateMarks::default(),
                vec![LimitStand {
                    limit: "calls".to_owned(),
                    currency: None,
                    most: Quantity::whole(most),
                    used: Some(Quantity::ZERO),
                    resets_at: None,
                }],
            )],
            ..Granted::default()
        }),
        counters: vec![CounterSpend {
            limit: 7,
            subject: 5,
            fact: 0,
            begins_at: NOW,
            ends_at: NOW.plus_seconds(DAY),
            cost: Quantity::whole(1).unwrap(),
            near,
        }],
        revision: Revision(1),
        trace_id: String::new(),
        manner: None,
    }
}

fn told(alerts: &mut Alerts, call: &CallRecord) -> Vec<(EventId, String)> {
    let mut events = Vec::new();
    alerts.of_call(call, &mut events);
    let alert = |event: &NewEvent| {
        let detail: Value = serde_json::from_str(&event.detail).unwrap();
        detail["alert"].as_str().unwrap().to_owned()
    };
    events
        .iter()
        .map(|event| (event.id, alert(event)))
        .collect()
}

fn names(told: &[(EventId, String)]) -> Vec<&str> {
    told.iter().map(|(_, alert)| alert.as_str()).collect()
}

#[test]
fn each_threshold_is_told_once_for_each_window_counter_and_value() {
    let mut alerts = Alerts::of(daily());
    assert_eq!(told(&mut alerts, &call(1, 0, 10)), []);
    let first = told(&mut alerts, &call(2, 1, 10));
    assert_eq!(names(&first), ["limit.nearing"]);
    assert_eq!(told(&mut alerts, &call(3, 1, 10)), []);
    assert_eq!(
        names(&told(&mut alerts, &call(4, 2, 10))),
        ["limit.reached"]
    );
    assert_eq!(told(&mut alerts, &call(5, 2, 10)), []);
    // Whoever has nothing left at once has passed 80 of 100, too.
    let mut other = call(6, 2, 10);
    other.counters[0].subject = 6;
    assert_eq!(
        names(&told(&mut alerts, &other)),
        ["limit.nearing", "limit.reached"]
    );
    other.counters[0].begins_at = NOW.plus_seconds(DAY);
    assert_eq!(told(&mut alerts, &other).len(), 2, "another day");
    other.mode = Some(Mode::Test);
    assert_eq!(told(&mut alerts, &other).len(), 2, "another mode");
    other.counters[0].fact = 1;
    assert_eq!(told(&mut alerts, &other).len(), 2, "another key");
    assert_eq!(told(&mut alerts, &call(7, 1, 20)).len(), 1, "another value");
    // Another process comes to the same id, so the log has the alert once.
    let again = told(&mut Alerts::of(daily()), &call(8, 1, 10));
    assert_eq!(again, first);
    let mut gone = call(9, 2, 10);
    gone.counters[0].limit = 8;
    assert_eq!(told(&mut alerts, &gone), [], "a limit that is no more");
    assert_eq!(told(&mut Alerts::default(), &call(1, 2, 10)), []);
}

#[test]
fn a_rolling_window_is_told_of_once_in_its_length() {
    let hour = Window::Rolling(Duration::from_hours(1));
    let mut alerts = Alerts::of(limit(LimitScope::App, hour));
    let mut at = |seconds: i64| {
        let mut call = call(1, 1, 10);
        call.counters[0].begins_at = NOW.plus_seconds(seconds);
        told(&mut alerts, &call).len()
    };
    assert_eq!(
        [at(0), at(150), at(3_450), at(3_600), at(3_750)],
        [1, 0, 0, 1, 0]
    );
}

#[test]
fn it_says_whose_counter_it_is_and_nothing_of_what_the_request_held() {
    let of = |scope, subject| {
        let mut alerts = Alerts::of(limit(scope, Window::Lifetime));
        let mut call = call(1, 1, 10);
        call.counters[0].subject = subject;
        let mut events = Vec::new();
        alerts.of_call(&call, &mut events);
        let event = events.remove(0);
        assert_eq!(
            (event.kind.as_str(), event.name.as_str()),
            ("alert", "calls")
        );
        serde_json::from_str::<Value>(&event.detail).unwrap()
    };
    let detail = of(LimitScope::Capability, fingerprint(b"PAY"));
    assert_eq!(detail["of"], "PAY");
    assert_eq!(detail["per"], "capability");
    assert_eq!(detail["most"], "10");
    assert!(detail.get("begins_at").is_none());
    let id = AppId::from_u128(9).to_string();
    assert_eq!(of(LimitScope::App, 9)["of"], id.as_str());
    assert!(
        of(LimitScope::Account, 9)["of"]
            .as_str()
            .unwrap()
            .starts_with("acct_")
    );
    assert!(
        of(LimitScope::Credential, 9)["of"]
            .as_str()
            .unwrap()
            .starts_with("key_")
    );
}

struct Place {
    folder: TempDir,
    store: SqliteStore,
}

impl Place {
    fn journal(&self) -> Journal {
        let directory = self.folder.path().join("journal");
        let clock = Arc::new(ManualClock::at(NOW));
        Journal::open(&directory, clock, Options::default()).unwrap()
    }

    /// Folds everything, as a process does that starts anew.
    async fn fold(&self) {
        let directory = self.folder.path().join("journal");
        let fold = Fold::resume(&self.store, &directory, "one").await.unwrap();
        let (mut fold, mut count) = (fold.telling(daily()), 1);
        while count > 0 {
            (fold, count) = fold.step(&self.store).await.unwrap();
        }
    }

    async fn alerts(&self) -> Vec<Event> {
        let all = PageSize::clamped(PageSize::MOST);
        let events = self.store.events(Revision(0), all).await.unwrap();
        events
            .into_iter()
            .filter(|event| event.kind == "alert")
            .collect()
    }
}

/// Shows: P-51.
#[tokio::test]
async fn an_alert_is_in_the_log_once_across_restarts_and_only_of_calls_that_keep_what_they_took() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("portreeve.db"), NOW)
        .await
        .unwrap();
    let place = Place { folder, store };
    let run = async |calls: &[(u8, bool)]| {
        let journal = place.journal();
        for &(near, refunded) in calls {
            let mut call = call(0, near, 10);
            call.id = journal.next_id();
            let settled = Entry::Settled(Settlement {
                id: call.id,
                at: NOW.plus_seconds(1),
                outcome: CallOutcome::NotSent,
                refunded,
            });
            journal
                .append_now(&Entry::Admitted(Box::new(call)))
                .unwrap();
            journal.append_now(&settled).unwrap();
        }
        journal.close().unwrap();
        place.fold().await;
        place.alerts().await.len()
    };
    assert_eq!(run(&[(0, false), (1, true), (2, true)]).await, 0);
    assert_eq!(run(&[(1, false), (1, false)]).await, 1);
    assert_eq!(run(&[(1, false)]).await, 1);
    assert_eq!(run(&[(2, false), (2, false)]).await, 2);
    assert_eq!(run(&[(1, false), (2, false)]).await, 2);
    assert!(
        place
            .alerts()
            .await
            .iter()
            .all(|event| event.at == NOW.plus_seconds(1))
    );
    // What a crash left open is settled as unknown, keeps what it took, and is told of.
    let journal = place.journal();
    let mut open = call(0, 1, 20);
    open.id = journal.next_id();
    journal
        .append_now(&Entry::Admitted(Box::new(open)))
        .unwrap();
    journal.close().unwrap();
    drop(journal);
    assert_eq!(run(&[]).await, 3);
}
