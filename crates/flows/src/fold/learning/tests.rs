use std::sync::Arc;

use admission::Habits;
use journal::{CallRecord, Manner, RecordedAnomaly};
use primitives::{AppId, Enforcement, Mode, RecordId, Revision};

use super::*;

const NOON: Timestamp = Timestamp::from_seconds(1_767_614_400);
const WHOSE: Whose = (AppId::from_u128(7), Mode::Live);

fn anomaly(action: &str) -> RecordedAnomaly {
    RecordedAnomaly {
        rule: "strange-client".to_owned(),
        signal: "technology".to_owned(),
        value: "curl".to_owned(),
        action: action.to_owned(),
        found: "curl, in 0 of 20 calls".to_owned(),
        wanted: "in 10 of 1000 calls or more".to_owned(),
        until: (action == "step_down").then(|| NOON.plus_seconds(60)),
    }
}

fn call(sequence: u64, anomalies: Vec<RecordedAnomaly>) -> CallRecord {
    CallRecord {
        id: RecordId { epoch: 1, sequence },
        at: NOON.plus_micros(i64::try_from(sequence).unwrap()),
        mode: Some(Mode::Live),
        api: "pay".to_owned(),
        operation: String::new(),
        method: "GET".to_owned(),
        path: "/".to_owned(),
        credential: None,
        app: Some((WHOSE.0, "shop".to_owned())),
        developer: None,
        account: None,
        capabilities: Vec::new(),
        facts: Vec::new(),
        facts_left_out: 0,
        enforcement: Enforcement::Enforce,
        status: 0,
        code: String::new(),
        answer: String::new(),
        granted: None,
        counters: Vec::new(),
        revision: Revision(1),
        trace_id: String::new(),
        manner: Some(Manner {
            technology: "curl".to_owned(),
            country: None,
            anomalies,
            levels_down: 2,
        }),
    }
}

/// What a step hands over of these calls, and the alerts of its events.
fn step(learning: &mut Learning, calls: &[CallRecord]) -> (FoldedCalls, Vec<String>) {
    let (mut step, mut events) = (FoldedCalls::default(), Vec::new());
    for call in calls {
        learning.of_call(call, &mut events);
    }
    learning.hand_over(&mut step);
    learning.publish();
    let alert = |event: &NewEvent| {
        let detail: serde_json::Value = serde_json::from_str(&event.detail).unwrap();
        assert!(!event.detail.contains("curl"), "{}", event.detail);
        detail["alert"].as_str().unwrap().to_owned()
    };
    (step, events.iter().map(alert).collect())
}

fn learned(habits: &Habits) -> u64 {
    let habit = habits.habit(WHOSE);
    habit.map_or(0, |habit| habit.known(NOON).calls)
}

/// Shows: P-33.
#[test]
fn what_a_person_has_to_look_at_teaches_nothing() {
    let habits = Arc::new(Habits::default());
    let mut learning = Learning::of(Arc::clone(&habits));
    let of = |action: &str| [call(1, vec![anomaly("note"), anomaly(action)])];
    for action in ["alert", "step_down", "refuse"] {
        let (step, _) = step(&mut learning, &of(action));
        assert_eq!((learned(&habits), step.habits.len()), (0, 0), "{action}");
    }
    step(&mut learning, &of("note"));
    assert_eq!(learned(&habits), 1);
    step(&mut learning, &[call(2, Vec::new())]);
    assert_eq!(learned(&habits), 2);
    let nobody = CallRecord {
        app: None,
        ..call(3, Vec::new())
    };
    let unjudged = CallRecord {
        manner: None,
        ..call(4, Vec::new())
    };
    step(&mut learning, &[nobody, unjudged]);
    assert_eq!(learned(&habits), 2);
}

#[test]
fn what_was_learned_is_kept_and_goes_on_where_it_was() {
    let habits = Arc::new(Habits::default());
    let mut learning = Learning::of(Arc::clone(&habits));
    let (first, _) = step(&mut learning, &[call(1, Vec::new()), call(2, Vec::new())]);
    let [row] = first.habits.as_slice() else {
        panic!("{:?}", first.habits);
    };
    let kept: HabitDocument = serde_json::from_str(&row.body).unwrap();
    let again = Arc::new(Habits::default());
    again.load([((row.app, row.mode), Habit::from(kept))]);
    assert_eq!(again.habit(WHOSE), habits.habit(WHOSE));
    let mut learning = Learning::of(Arc::clone(&again));
    step(&mut learning, &[call(3, Vec::new())]);
    assert_eq!(learned(&again), 3);
}

#[test]
fn an_anomaly_is_counted_and_told_once_a_day_or_once_a_step_down() {
    let mut learning = Learning::of(Arc::default());
    let of = |sequence, action: &str| call(sequence, vec![anomaly(action)]);
    let calls = [
        of(1, "alert"),
        of(2, "alert"),
        of(3, "step_down"),
        of(4, "step_down"),
    ];
    let (step_, events) = step(&mut learning, &calls);
    assert_eq!(events, ["anomaly.alert", "anomaly.step_down"]);
    let [found] = step_.anomalies.as_slice() else {
        panic!("{:?}", step_.anomalies);
    };
    assert_eq!(
        (found.calls, found.decision.sequence, found.levels),
        (4, 4, 2)
    );
    assert_eq!((found.first_at, found.last_at), (calls[0].at, calls[3].at));
    assert_eq!(found.until, Some(NOON.plus_seconds(60)));
    let tomorrow = CallRecord {
        at: NOON.plus_seconds(86_400),
        ..of(5, "alert")
    };
    let (_, events) = step(&mut learning, &[of(6, "alert"), tomorrow]);
    assert_eq!(events, ["anomaly.alert"]);
    let (_, events) = step(&mut learning, &[of(7, "note"), of(8, "refuse")]);
    assert_eq!(events, ["anomaly.refused"]);
}
