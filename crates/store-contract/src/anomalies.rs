//! What apps usually do, and what was unusual.

use std::sync::Arc;

use primitives::{AnomalyId, AppId, Mode, RecordId};
use store::{
    Anomaly, AnomalyFilter, AnomalyMark, AnomalyPlace, Folded, FoldedCalls, HabitRow, Kind, Store,
    WriteSet,
};

use crate::samples::{ALL, at, done, puts, resource, step};

fn habit(app: u128, mode: Mode, body: &str) -> HabitRow {
    HabitRow {
        gateway: "one".to_owned(),
        app: AppId::from_u128(app),
        mode,
        body: body.to_owned(),
    }
}

fn anomaly(id: u128, app: u128, first_at: i64) -> Anomaly {
    Anomaly {
        id: AnomalyId::from_u128(id),
        app: AppId::from_u128(app),
        app_name: "shop".to_owned(),
        mode: Mode::Live,
        rule: "night".to_owned(),
        signal: "hour".to_owned(),
        value: "2".to_owned(),
        state: Anomaly::OPEN.to_owned(),
        action: "alert".to_owned(),
        levels: 0,
        found: "02:00, in 0 of 20 calls é".to_owned(),
        wanted: "in 10 of 1000 calls".to_owned(),
        decision: RecordId {
            epoch: 1,
            sequence: u64::MAX,
        },
        calls: 1,
        first_at: at(first_at),
        last_at: at(first_at),
        until: None,
        marked_by: String::new(),
        note: String::new(),
        marked_at: None,
    }
}

async fn fold(store: &dyn Store, habits: Vec<HabitRow>, anomalies: Vec<Anomaly>) {
    let from = store.fold_cursor("one").await.unwrap();
    let to = format!("{}+", from.as_deref().unwrap_or("at"));
    let step = FoldedCalls {
        habits,
        anomalies,
        ..step(from.as_deref(), &to)
    };
    assert_eq!(store.fold_calls(step).await.unwrap(), Folded::Applied);
}

fn mark(id: u128) -> WriteSet {
    WriteSet {
        anomaly_marks: vec![AnomalyMark {
            id: AnomalyId::from_u128(id),
            state: Anomaly::FINE,
            by: "ann".to_owned(),
            note: "we know them".to_owned(),
            at: Some(at(99)),
        }],
        ..WriteSet::default()
    }
}

/// A habit is of one gateway, app and mode; the last one counts.
pub async fn a_habit_is_replaced_by_the_fold(store: Arc<dyn Store>) {
    let live = habit(1, Mode::Live, "{\"é\":1}");
    let (test, other) = (habit(1, Mode::Test, "{}"), habit(2, Mode::Live, "[]"));
    fold(&*store, vec![live, test.clone(), other.clone()], Vec::new()).await;
    let live = habit(1, Mode::Live, "{\"b\":2}");
    fold(&*store, vec![live.clone()], Vec::new()).await;
    let mut found = store.habits("one").await.unwrap();
    found.sort_by_key(|row| (row.app, row.mode));
    let mut wanted = vec![live, test, other];
    wanted.sort_by_key(|row| (row.app, row.mode));
    assert_eq!(found, wanted);
    assert_eq!(store.habits("two").await.unwrap(), []);
}

/// Every field survives; found again the calls are added, the newest explanation counts, and when
/// it was first found stays.
pub async fn an_anomaly_that_is_found_again_gets_its_calls_added(store: Arc<dyn Store>) {
    let first = Anomaly {
        until: Some(at(70)),
        levels: 2,
        ..anomaly(1, 7, 5)
    };
    fold(&*store, Vec::new(), vec![first.clone(), anomaly(2, 7, 5)]).await;
    let found = store.anomaly(first.id).await.unwrap();
    assert_eq!(found, Some(first.clone()));
    let again = Anomaly {
        calls: 3,
        found: "another".to_owned(),
        decision: RecordId {
            epoch: 2,
            sequence: 1,
        },
        ..anomaly(1, 7, 8)
    };
    fold(&*store, Vec::new(), vec![again.clone()]).await;
    let wanted = Anomaly {
        calls: 4,
        first_at: at(5),
        until: Some(at(70)),
        ..again
    };
    let found = store.anomaly(first.id).await.unwrap();
    assert_eq!(found, Some(wanted));
    let nobody = AnomalyId::from_u128(3);
    assert_eq!(store.anomaly(nobody).await.unwrap(), None);
}

/// What was marked stays marked whatever is found again, and nobody stands lower for it.
pub async fn a_mark_outlives_what_is_found_later(store: Arc<dyn Store>) {
    let lower = |first_at| Anomaly {
        until: Some(at(70)),
        ..anomaly(1, 7, first_at)
    };
    let others = vec![lower(5), anomaly(2, 7, 5), anomaly(3, 8, 5)];
    fold(&*store, Vec::new(), others).await;
    let in_force = async || {
        let all = store.anomalies_in_force().await.unwrap();
        let all = all.into_iter();
        all.map(|one| (one.id.as_u128(), one.state, one.until))
            .collect::<Vec<_>>()
    };
    assert_eq!(in_force().await, [(1, "open".to_owned(), Some(at(70)))]);
    done(&*store, mark(1)).await;
    fold(&*store, Vec::new(), vec![lower(9)]).await;
    assert_eq!(in_force().await, [(1, "fine".to_owned(), None)]);
    let found = store
        .anomaly(AnomalyId::from_u128(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.calls, found.last_at), (2, at(9)));
    let marked = (
        found.marked_by.as_str(),
        found.note.as_str(),
        found.marked_at,
    );
    assert_eq!(marked, ("ann", "we know them", Some(at(99))));
    assert_eq!(store.count_anomalies("open", 9).await.unwrap(), 2);
    assert_eq!(store.count_anomalies("open", 1).await.unwrap(), 1);
    assert_eq!(store.count_anomalies("fine", 9).await.unwrap(), 1);
}

/// Pages go from the newest first finding to the oldest, without gap or overlap, and filters hold.
pub async fn pages_of_anomalies_meet_and_are_filtered(store: Arc<dyn Store>) {
    let mut all: Vec<Anomaly> = (1..=5).map(|id| anomaly(id, 7, 5)).collect();
    all.push(anomaly(6, 8, 1));
    all.push(Anomaly {
        rule: "day".to_owned(),
        ..anomaly(7, 7, 9)
    });
    fold(&*store, Vec::new(), all).await;
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let two = primitives::PageSize::clamped(2);
        let page = store
            .anomalies(&AnomalyFilter::default(), after, two)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some(AnomalyPlace {
            first_at: last.first_at,
            id: last.id,
        });
        seen.extend(page.iter().map(|one| one.id.as_u128()));
    }
    assert_eq!(seen, [7, 5, 4, 3, 2, 1, 6]);
    done(&*store, mark(3)).await;
    let ids = async |filter: AnomalyFilter| {
        let found = store.anomalies(&filter, None, ALL).await.unwrap();
        found.iter().map(|one| one.id.as_u128()).collect::<Vec<_>>()
    };
    let of = |app, rule: Option<&str>, state: Option<&str>| AnomalyFilter {
        app,
        rule: rule.map(str::to_owned),
        state: state.map(str::to_owned),
    };
    let app = Some(AppId::from_u128(7));
    assert_eq!(ids(of(Some(AppId::from_u128(8)), None, None)).await, [6]);
    assert_eq!(
        ids(of(app, Some("night"), Some("open"))).await,
        [5, 4, 2, 1]
    );
    assert_eq!(ids(of(None, Some("day"), None)).await, [7]);
    assert_eq!(ids(of(None, None, Some("fine"))).await, [3]);
}

/// With an app goes what is known of it.
pub async fn habits_of_nobody_are_dropped(store: Arc<dyn Store>) {
    let app = store::Resource {
        id: 7,
        ..resource(Kind::App, "shop", "{}")
    };
    done(&*store, puts(vec![app])).await;
    let habits = vec![habit(7, Mode::Live, "{}"), habit(8, Mode::Live, "{}")];
    fold(&*store, habits, vec![anomaly(1, 7, 5), anomaly(2, 8, 5)]).await;
    assert_eq!(store.drop_habits_of_nobody().await.unwrap(), 2);
    assert_eq!(
        store.habits("one").await.unwrap(),
        [habit(7, Mode::Live, "{}")]
    );
    let left = store
        .anomalies(&AnomalyFilter::default(), None, ALL)
        .await
        .unwrap();
    assert_eq!(left, [anomaly(1, 7, 5)]);
}
