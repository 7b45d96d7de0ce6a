use proptest::prelude::*;

use super::*;

const DAY: i64 = 86_400;
/// A Monday noon.
const NOON: Timestamp = Timestamp::from_seconds(1_767_614_400);

fn country(code: &str) -> Country {
    code.parse().unwrap()
}

fn rule(name: &str, test: Test) -> Rule {
    Rule {
        name: name.parse().unwrap(),
        apis: Vec::new(),
        test,
        after_calls: 20,
        after_days: 2,
        action: Action::Alert,
    }
}

fn every_rule() -> Vec<Rule> {
    vec![
        rule("technology", Test::Technology { below: 10 }),
        rule("location", Test::Location { below: 10 }),
        rule("hour", Test::Hour { below: 10 }),
        rule("season", Test::Season { below: 10 }),
        rule(
            "calls",
            Test::Calls {
                percent: 300,
                at_least: 5,
            },
        ),
        rule("travel", Test::Travel { faster_than: 1_000 }),
    ]
}

fn call(at: Timestamp, technology: &str, place: &str) -> (Timestamp, String, Option<Country>) {
    (at, technology.to_owned(), place.parse().ok())
}

fn seen(call: &(Timestamp, String, Option<Country>)) -> Seen<'_> {
    Seen {
        at: call.0,
        technology: &call.1,
        country: call.2,
        in_hour: 1,
    }
}

/// An app that called by day from Germany, with one client, for ten days.
fn settled() -> Habit {
    let mut habit = Habit::default();
    for day in 0..10 {
        for minute in 0..10 {
            let at = NOON.plus_seconds((day - 10) * DAY + minute * 60);
            habit.observe(&seen(&call(at, "acme-sdk", "DE")));
        }
    }
    habit
}

fn names(hits: &Hits<'_>) -> Vec<String> {
    hits.iter().map(|hit| hit.rule.name.to_string()).collect()
}

fn judged(
    habit: &Habit,
    call: &(Timestamp, String, Option<Country>),
    fine: &[Value],
) -> Vec<String> {
    names(&habit.judge(&every_rule(), (Symbol(0), &seen(call)), fine))
}

/// Shows: P-33, P-34.
#[test]
fn each_named_signal_is_a_hit_and_says_what_is_usual() {
    let habit = settled();
    assert_eq!(judged(&habit, &call(NOON, "acme-sdk", "DE"), &[]), [""; 0]);
    let night = NOON.plus_seconds(12 * 3_600);
    let summer = NOON.plus_seconds(170 * DAY);
    let soon = NOON.plus_seconds(-DAY + 1_200);
    for (call, wanted) in [
        (call(NOON, "curl", "DE"), vec!["technology"]),
        (call(NOON, "acme-sdk", "BR"), vec!["location"]),
        (call(night, "acme-sdk", "DE"), vec!["hour"]),
        (call(summer, "acme-sdk", "DE"), vec!["season"]),
        (call(soon, "acme-sdk", "BR"), vec!["location", "travel"]),
    ] {
        assert_eq!(judged(&habit, &call, &[]), wanted, "{call:?}");
    }
    let busy = call(NOON, "acme-sdk", "DE");
    let busy = Seen {
        in_hour: 31,
        ..seen(&busy)
    };
    let rules = every_rule();
    let hits = habit.judge(&rules, (Symbol(0), &busy), &[]);
    assert_eq!(names(&hits), ["calls"]);
    assert_eq!(hits[0].found, "31 calls within an hour");
    assert_eq!(
        hits[0].wanted,
        "at most 300 of 100 of the busiest hour, which had 10, or 5"
    );
    let other = call(NOON, "acme-sdk", "BR");
    let hits = habit.judge(&rules, (Symbol(0), &seen(&other)), &[]);
    assert_eq!(hits[0].found, "BR, in 0 of 100 calls");
    assert_eq!(hits[0].wanted, "in 10 of 1000 calls or more; usual: DE");
}

#[test]
fn a_rule_of_one_api_judges_no_other() {
    let rules = [Rule {
        apis: vec![Symbol(7)],
        ..rule("technology", Test::Technology { below: 10 })
    }];
    let (habit, odd) = (settled(), call(NOON, "curl", "DE"));
    let hits = |api| habit.judge(&rules, (Symbol(api), &seen(&odd)), &[]).len();
    assert_eq!((hits(7), hits(8)), (1, 0));
}

#[test]
fn nobody_is_judged_before_enough_is_known() {
    let odd = call(NOON, "curl", "BR");
    let mut habit = Habit::default();
    assert_eq!(
        judged(&habit, &odd, &[]),
        [""; 0],
        "nothing is known at all"
    );
    for second in 0..19 {
        let at = NOON.plus_seconds(second - 3 * DAY);
        habit.observe(&seen(&call(at, "acme-sdk", "DE")));
    }
    assert_eq!(judged(&habit, &odd, &[]), [""; 0], "19 calls");
    habit.observe(&seen(&call(
        NOON.plus_seconds(20 - 3 * DAY),
        "acme-sdk",
        "DE",
    )));
    assert_eq!(judged(&habit, &odd, &[]), ["technology", "location"]);
    let early = NOON.plus_seconds(-DAY - 60);
    assert_eq!(
        judged(&habit, &call(early, "curl", "BR"), &[]),
        [""; 0],
        "one day"
    );
}

#[test]
fn between_two_homes_nobody_travels() {
    let mut habit = settled();
    for minute in 0..10 {
        let at = NOON.plus_seconds(minute * 60 - 5 * DAY);
        habit.observe(&seen(&call(at, "acme-sdk", "BR")));
    }
    let soon = NOON.plus_seconds(-DAY + 1_200);
    assert_eq!(judged(&habit, &call(soon, "acme-sdk", "BR"), &[]), [""; 0]);
    let set_back = NOON.plus_seconds(-DAY - 1_200);
    assert_eq!(
        judged(&habit, &call(set_back, "acme-sdk", "NZ"), &[]),
        ["location"],
        "a clock that was set back moves nobody"
    );
}

#[test]
fn what_is_no_longer_done_is_forgotten() {
    let mut habit = settled();
    let years = NOON.plus_seconds(3 * 365 * DAY);
    for minute in 0..200 {
        habit.observe(&seen(&call(years.plus_seconds(minute), "curl", "BR")));
    }
    assert_eq!(habit.technologies, [("curl".to_owned(), 200)]);
    assert_eq!(habit.countries, [(country("BR"), 200)]);
    assert_eq!(
        judged(&habit, &call(years, "acme-sdk", "BR"), &[]),
        ["technology"]
    );
}

#[test]
fn a_client_is_known_by_its_name_alone() {
    for (sent, wanted) in [
        (None, "none"),
        (Some("  "), "none"),
        (Some("curl/8.5.0"), "curl"),
        (Some("Acme-SDK/2 (linux) python/3"), "acme-sdk"),
        (Some("(weird)"), "other"),
        (Some("ünicode/1"), "other"),
        (
            Some("a-name-that-goes-on-and-on-without-any-end/1"),
            "other",
        ),
    ] {
        assert_eq!(technology(sent), wanted);
    }
}

#[test]
fn values_are_read_as_they_are_written() {
    for value in [
        Value::Technology("curl".to_owned()),
        Value::Location(country("DE")),
        Value::Hour(3),
        Value::Season(12),
        Value::Calls(512),
        Value::between(country("DE"), country("BR")),
    ] {
        let read = Value::read(value.signal(), &value.to_string());
        assert_eq!(read.as_ref(), Some(&value));
        assert_eq!(Signal::of(value.signal().as_str()), Some(value.signal()));
    }
    assert_eq!(Value::read(Signal::Hour, "24"), None);
    assert!(Value::Calls(512).covers(&Value::Calls(256)));
    assert!(!Value::Calls(256).covers(&Value::Calls(512)));
}

const CLIENTS: [&str; 4] = ["acme-sdk", "curl", "none", "other"];
const PLACES: [&str; 5] = ["DE", "BR", "NZ", "US", ""];

prop_compose! {
    fn any_call()(
        seconds in -400 * DAY..400 * DAY,
        client in 0..CLIENTS.len(),
        place in 0..PLACES.len(),
    ) -> (Timestamp, String, Option<Country>) {
        call(NOON.plus_seconds(seconds), CLIENTS[client], PLACES[place])
    }
}

proptest! {
    /// Shows: P-33.
    #[test]
    fn what_was_seen_often_enough_is_never_a_hit(
        calls in prop::collection::vec(any_call(), 1..80),
        again in any_call(),
    ) {
        let mut habit = Habit::default();
        for call in &calls {
            habit.observe(&seen(call));
        }
        // So often that the other 80 make less than 99 of 100.
        for _ in 0..10 {
            habit.observe(&seen(&again));
        }
        let found = judged(&habit, &again, &[]);
        let forgiven = |name: &String| name == "travel" || name == "calls";
        prop_assert!(found.iter().all(forgiven), "{found:?}");
    }

    /// Shows: P-33.
    #[test]
    fn what_was_marked_as_fine_is_no_hit(
        calls in prop::collection::vec(any_call(), 1..80),
        odd in any_call(),
        in_hour in 0_u32..,
    ) {
        let mut habit = Habit::default();
        for call in &calls {
            habit.observe(&seen(call));
        }
        let rules = every_rule();
        let odd = Seen { in_hour, ..seen(&odd) };
        let hits = habit.judge(&rules, (Symbol(0), &odd), &[]);
        let fine: Vec<Value> = hits.iter().map(|hit| hit.value.clone()).collect();
        prop_assert!(habit.judge(&rules, (Symbol(0), &odd), &fine).is_empty());
        for hit in &hits {
            let others: Vec<Value> = fine.iter().filter(|one| **one != hit.value).cloned().collect();
            let left = habit.judge(&rules, (Symbol(0), &odd), &others);
            prop_assert!(left.iter().any(|one| one == hit), "one mark covers one value");
            prop_assert!(!hit.found.is_empty() && !hit.wanted.is_empty());
        }
    }

    #[test]
    fn within_an_hour_the_order_of_calls_does_not_matter(
        mut calls in prop::collection::vec((0_i64..3_600, 0..CLIENTS.len(), 0..PLACES.len()), 1..40),
    ) {
        let learned = |calls: &[(i64, usize, usize)]| {
            let mut habit = Habit::default();
            for (second, client, place) in calls {
                let at = NOON.plus_seconds(*second);
                habit.observe(&seen(&call(at, CLIENTS[*client], PLACES[*place])));
            }
            habit.technologies.sort();
            habit.countries.sort();
            habit
        };
        let one = learned(&calls);
        calls.reverse();
        prop_assert_eq!(one, learned(&calls));
    }

    #[test]
    fn nothing_overflows(
        calls in prop::collection::vec((any::<i64>(), any::<u32>()), 0..40),
        bounds in prop::array::uniform6(any::<u32>()),
    ) {
        let [below, location, hour, season, percent, faster_than] = bounds;
        let tests = [
            Test::Technology { below },
            Test::Location { below: location },
            Test::Hour { below: hour },
            Test::Season { below: season },
            Test::Calls { percent, at_least: 0 },
            Test::Travel { faster_than },
        ];
        let rules: Vec<Rule> = tests.into_iter().map(|test| Rule {
            after_calls: 0,
            after_days: 0,
            ..rule("any", test)
        }).collect();
        let mut habit = Habit::default();
        for (at, in_hour) in calls {
            let place = PLACES[usize::try_from(in_hour % 5).unwrap()];
            let call = call(Timestamp::from_micros(at), "curl", place);
            let seen = Seen { in_hour, ..seen(&call) };
            let _ = habit.judge(&rules, (Symbol(0), &seen), &[]);
            habit.observe(&seen);
        }
    }
}
