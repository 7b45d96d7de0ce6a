use super::*;

const NOON: Timestamp = Timestamp::from_seconds(1_767_614_400);
const WHOSE: Whose = (AppId::from_u128(7), Mode::Live);

fn lower(levels: u32, until: i64) -> Lower {
    Lower {
        anomaly: anomaly_id(WHOSE, "night", "2"),
        levels,
        until: NOON.plus_seconds(until),
    }
}

#[test]
fn calls_are_counted_by_the_hour_and_never_twice() {
    let running = Running::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for second in 0..500 {
                    running.count(NOON.plus_seconds(second));
                }
            });
        }
    });
    assert_eq!(running.count(NOON), 2_001);
    assert_eq!(running.count(NOON.plus_seconds(3_600)), 1);
    assert_eq!(
        running.count(NOON),
        2,
        "an hour that is over is not opened again"
    );
}

#[test]
fn who_stands_lower_does_so_until_the_end_and_no_longer_for_more_calls() {
    let habits = Habits::default();
    let stands = |at: i64| {
        habits
            .lower(WHOSE, NOON.plus_seconds(at))
            .map(|one| one.levels)
    };
    habits.stand_lower(WHOSE, lower(1, 60), NOON);
    habits.stand_lower(WHOSE, lower(1, 90), NOON.plus_seconds(30));
    assert_eq!(
        (stands(0), stands(59), stands(60)),
        (Some(1), Some(1), None)
    );
    habits.stand_lower(WHOSE, lower(2, 40), NOON.plus_seconds(30));
    assert_eq!((stands(39), stands(40)), (Some(2), None));
    assert_eq!(
        habits.lower((WHOSE.0, Mode::Test), NOON),
        None,
        "test and live share nothing"
    );
}

#[test]
fn a_mark_as_fine_ends_what_it_was_about_and_nothing_else() {
    let habits = Habits::default();
    habits.stand_lower(WHOSE, lower(1, 60), NOON);
    habits.mark_fine(WHOSE, anomaly_id(WHOSE, "night", "3"), &Value::Hour(3));
    assert!(habits.lower(WHOSE, NOON).is_some());
    habits.mark_fine(WHOSE, anomaly_id(WHOSE, "night", "2"), &Value::Hour(2));
    assert_eq!(habits.lower(WHOSE, NOON), None);
}
