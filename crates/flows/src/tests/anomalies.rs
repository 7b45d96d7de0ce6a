//! Marks as fine, and step-downs that end.

use accounts::anomalies::{Action, Habit, Rule, Seen, Test, Value};
use admission::{Coming, Habits, anomaly_id};
use primitives::{AnomalyId, Mode, PageSize, RecordId, Revision, Symbol};
use store::{Anomaly, FoldedCalls};

use super::*;
use crate::{MarkRefused, end_step_downs, follow_anomalies, mark_fine};

const WHOSE: (AppId, Mode) = (AppId::from_u128(7), Mode::Live);

fn found() -> AnomalyId {
    anomaly_id(WHOSE, "strange-client", "curl")
}

/// The app stands a level lower for an hour.
async fn lowered(at: &Authority) {
    let now = at.clock.now();
    let anomaly = Anomaly {
        id: found(),
        app: WHOSE.0,
        app_name: "shop".to_owned(),
        mode: WHOSE.1,
        rule: "strange-client".to_owned(),
        signal: "technology".to_owned(),
        value: "curl".to_owned(),
        state: Anomaly::OPEN.to_owned(),
        action: "step_down".to_owned(),
        levels: 1,
        found: String::new(),
        wanted: String::new(),
        decision: RecordId {
            epoch: 1,
            sequence: 1,
        },
        calls: 1,
        first_at: now,
        last_at: now,
        until: Some(now.plus_seconds(3_600)),
        marked_by: String::new(),
        note: String::new(),
        marked_at: None,
    };
    let step = FoldedCalls {
        gateway: "one".to_owned(),
        to_cursor: "a".to_owned(),
        anomalies: vec![anomaly],
        ..FoldedCalls::default()
    };
    let _ = at.store.fold_calls(step).await.unwrap();
}

/// What the log tells of anomalies: who, and what.
async fn told(at: &Authority) -> Vec<(String, String)> {
    let events = at.store.events(Revision(0), PageSize::clamped(100)).await;
    let alert = |detail: &str| {
        let detail: serde_json::Value = serde_json::from_str(detail).unwrap();
        detail["alert"].as_str().unwrap_or_default().to_owned()
    };
    let of_anomalies = events
        .unwrap()
        .into_iter()
        .filter(|one| one.kind == "anomaly");
    of_anomalies
        .map(|one| (one.actor, alert(&one.detail)))
        .collect()
}

fn entry(actor: &str, alert: &str) -> (String, String) {
    (actor.to_owned(), alert.to_owned())
}

/// Shows: P-33.
#[tokio::test]
async fn a_step_down_holds_in_every_process_and_its_end_is_told_once() {
    let bench = bench().await;
    lowered(&bench.at).await;
    let habits = Habits::default();
    follow_anomalies(&*bench.at.store, &habits, bench.at.clock.now())
        .await
        .unwrap();
    let stands = || {
        habits
            .lower(WHOSE, bench.at.clock.now())
            .map(|lower| lower.levels)
    };
    assert_eq!(stands(), Some(1));
    assert_eq!(end_step_downs(&bench.at).await.unwrap(), 0);
    bench.clock.advance_seconds(3_600);
    assert_eq!(stands(), None);
    assert_eq!(end_step_downs(&bench.at).await.unwrap(), 1);
    assert_eq!(end_step_downs(&bench.at).await.unwrap(), 0);
    assert_eq!(
        told(&bench.at).await,
        [entry("anomalies", "anomaly.step_down_ended")]
    );
    let kept = bench.at.store.anomaly(found()).await.unwrap().unwrap();
    assert_eq!((kept.state.as_str(), kept.until), ("open", None));
}

/// Shows: P-33.
#[tokio::test]
async fn a_mark_as_fine_holds_at_once_here_and_soon_elsewhere() {
    let bench = bench().await;
    lowered(&bench.at).await;
    let (here, there) = (Habits::default(), Habits::default());
    for habits in [&here, &there] {
        follow_anomalies(&*bench.at.store, habits, bench.at.clock.now())
            .await
            .unwrap();
    }
    let mark = |reason: &'static str, id| {
        let by = ("ann", id);
        mark_fine(&bench.at, &here, by, reason, &|_| Ok(None))
    };
    let refused = mark(" ", found()).await.unwrap_err();
    assert!(matches!(refused, MarkRefused::NoReason));
    let refused = mark("why", AnomalyId::from_u128(1)).await.unwrap_err();
    assert!(matches!(refused, MarkRefused::Unknown(_)));
    let marked = mark("our own test", found()).await.unwrap();
    assert_eq!(marked.state, Anomaly::FINE);
    let now = bench.at.clock.now();
    assert_eq!(here.lower(WHOSE, now), None);
    assert!(there.lower(WHOSE, now).is_some());
    follow_anomalies(&*bench.at.store, &there, now)
        .await
        .unwrap();
    assert_eq!(there.lower(WHOSE, now), None);
    assert_eq!(there.fine(WHOSE), [Value::Technology("curl".to_owned())]);
    assert_eq!(told(&bench.at).await, [entry("ann", "anomaly.fine")]);
}

/// The next call of the kind that was marked is no hit any more; of another kind, and of another
/// app, it is.
///
/// Shows: P-33.
#[tokio::test]
async fn what_is_marked_as_fine_is_no_hit_any_more() {
    const OTHER: (AppId, Mode) = (AppId::from_u128(8), Mode::Live);
    let bench = bench().await;
    lowered(&bench.at).await;
    let now = bench.at.clock.now();
    let mut habit = Habit::default();
    for _ in 0..100 {
        habit.observe(&Seen {
            at: now,
            technology: "acme-sdk",
            country: None,
            in_hour: 1,
        });
    }
    let habits = Habits::default();
    habits.load([WHOSE, OTHER].map(|whose| (whose, habit.clone())));
    let rules = [Rule {
        name: name("strange-client"),
        apis: Vec::new(),
        test: Test::Technology { below: 10 },
        after_calls: 20,
        after_days: 0,
        action: Action::Refuse,
    }];
    let hits = |whose, technology| {
        let coming = Coming {
            whose,
            api: Symbol(0),
            at: now,
            technology,
            country: None,
        };
        habits.judge(&rules, coming).hits.len()
    };
    assert_eq!((hits(WHOSE, "curl"), hits(WHOSE, "acme-sdk")), (1, 0));
    let by = ("ann", found());
    mark_fine(&bench.at, &habits, by, "our own test", &|_| Ok(None))
        .await
        .unwrap();
    assert_eq!((hits(WHOSE, "curl"), hits(WHOSE, "wget")), (0, 1));
    assert_eq!(hits(OTHER, "curl"), 1);
}
