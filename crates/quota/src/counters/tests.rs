use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering as AtomicOrdering},
    },
    thread,
    time::Duration,
};

use primitives::{Mode, Symbol};
use proptest::prelude::*;

use super::*;
use crate::{CalendarUnit, Window};

const DAY: Window = Window::Calendar(CalendarUnit::Day);
const SECOND: i64 = 1_000_000;

fn whole(number: i64) -> Quantity {
    Quantity::whole(number).unwrap()
}

fn key(limit: u64, subject: u128) -> CounterKey {
    CounterKey {
        limit,
        mode: Mode::Live,
        subject,
        fact: 0,
    }
}

fn demand(subject: u128, window: Window, most: i64, cost: i64) -> Demand {
    Demand {
        limit: Symbol(0),
        key: key(1, subject),
        window,
        most: Some(whole(most)),
        cost: whole(cost),
    }
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// What was admitted, as a plain list: the reference that the counters must agree with.
#[derive(Default)]
struct Model(Vec<(CounterKey, Timestamp, Quantity)>);

impl Model {
    fn used(&self, demand: &Demand, now: Timestamp, calendar: &Calendar) -> i64 {
        let counts = |then: Timestamp| match demand.window {
            Window::Lifetime => true,
            Window::Calendar(unit) => calendar.bounds(unit, then) == calendar.bounds(unit, now),
            Window::Rolling(length) => {
                let length = i64::try_from(length.as_micros()).unwrap();
                let width = (length + 23) / 24;
                let bucket_ends = (then.as_micros() / width + 1) * width;
                now.as_micros() < bucket_ends + length
            }
        };
        self.0
            .iter()
            .filter(|(key, then, _)| *key == demand.key && counts(*then))
            .map(|(_, _, cost)| cost.millionths())
            .sum()
    }

    /// The most that any window of exactly `length` holds: no buckets.
    fn fullest(&self, key: CounterKey, length: i64) -> i64 {
        let of_key = || self.0.iter().filter(|(other, ..)| *other == key);
        of_key()
            .map(|(_, end, _)| {
                of_key()
                    .filter(|(_, then, _)| then <= end && end.micros_since(*then) < length)
                    .map(|(_, _, cost)| cost.millionths())
                    .sum()
            })
            .max()
            .unwrap_or(0)
    }

    fn first_too_much(
        &self,
        demands: &[Demand],
        now: Timestamp,
        calendar: &Calendar,
    ) -> Option<usize> {
        (0..demands.len()).find(|&at| {
            let same = |other: &&Demand| other.key == demands[at].key;
            let wanted: i64 = demands[..=at]
                .iter()
                .filter(same)
                .map(|demand| demand.cost.millionths())
                .sum();
            let used = self.used(&demands[at], now, calendar);
            demands[at]
                .most
                .is_some_and(|most| used + wanted > most.millionths())
        })
    }
}

#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Call(Vec<(u128, i64)>),
    Refund(usize),
    Sweep,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0_i64..40_000).prop_map(Step::Wait),
        1 => (0_i64..3_000_000).prop_map(Step::Wait),
        8 => prop::collection::vec((0_u128..6, 0_i64..4), 1..4).prop_map(Step::Call),
        2 => any::<usize>().prop_map(Step::Refund),
        1 => Just(Step::Sweep),
    ];
    prop::collection::vec(step, 1..60)
}

/// Subjects 0 and 1 count days, 2 weeks, 3 a rolling day, 4 a rolling hour, 5 a lifetime.
fn wanted(subject: u128, cost: i64) -> Demand {
    let window = match subject {
        0 | 1 => DAY,
        2 => Window::Calendar(CalendarUnit::Week),
        3 => Window::Rolling(Duration::from_hours(24)),
        4 => Window::Rolling(Duration::from_hours(1)),
        _ => Window::Lifetime,
    };
    demand(subject, window, 9, cost)
}

proptest! {
    /// Shows: P-51.
    #[test]
    fn agrees_with_a_list_of_calls(steps in steps(), start in 0_i64..1_000_000_000) {
        let calendar = Calendar::new("America/Los_Angeles").unwrap();
        let counters = Counters::new();
        let mut model = Model::default();
        let mut kept: Vec<Reservation> = Vec::new();
        let mut calls = Vec::new();
        let mut now = seconds(start);
        for step in steps {
            match step {
                Step::Wait(by) => now = now.plus_seconds(by),
                Step::Sweep => counters.sweep(now),
                Step::Call(wants) => {
                    let demands: Vec<_> = wants.iter().map(|&(s, c)| wanted(s, c)).collect();
                    let expected = model.first_too_much(&demands, now, &calendar);
                    match counters.reserve(&demands, now, &calendar) {
                        Ok(reservation) => {
                            prop_assert_eq!(expected, None);
                            let first = model.0.len();
                            model.0.extend(demands.iter().map(|d| (d.key, now, d.cost)));
                            calls.push(first..model.0.len());
                            kept.push(reservation);
                        }
                        Err(exhausted) => {
                            prop_assert_eq!(expected, Some(exhausted.at));
                        }
                    }
                }
                Step::Refund(which) if !kept.is_empty() => {
                    let which = which % kept.len();
                    counters.refund(kept.swap_remove(which));
                    for at in calls.swap_remove(which) {
                        model.0[at].2 = Quantity::ZERO;
                    }
                }
                Step::Refund(_) => {}
            }
            for subject in 0..6 {
                let demand = wanted(subject, 1);
                let standing = counters.standing(&demand, now, &calendar);
                prop_assert_eq!(standing.used.millionths(), model.used(&demand, now, &calendar));
            }
        }
        for (subject, length) in [(3, 86_400), (4, 3_600)] {
            let fullest = model.fullest(key(1, subject), length * SECOND);
            prop_assert!(fullest <= whole(9).millionths());
        }
    }

    /// However the clock jumps, no day, no hour and no life holds more than its limit.
    #[test]
    fn a_jumping_clock_opens_nothing_twice(
        jumps in prop::collection::vec((-200_000_i64..200_000, 0_i64..4, 0_u8..8), 1..80),
    ) {
        let calendar = Calendar::utc();
        let counters = Counters::new();
        let mut now = seconds(1_000_000_000);
        let mut spends: Vec<Spend> = Vec::new();
        for (jump, cost, action) in jumps {
            now = now.plus_seconds(jump);
            if action == 0 {
                counters.sweep(now);
            }
            for subject in [0, 5] {
                if let Ok(taken) = counters.reserve(&[wanted(subject, cost)], now, &calendar) {
                    if action == 1 {
                        counters.refund(taken);
                    } else {
                        spends.extend(taken.taken().iter().map(|taken| taken.spend));
                    }
                }
            }
        }
        for spend in &spends {
            let total: i64 = spends
                .iter()
                .filter(|other| other.key == spend.key && other.begins_at == spend.begins_at)
                .map(|other| other.cost.millionths())
                .sum();
            prop_assert!(total <= whole(9).millionths());
        }
    }

    /// However the clock jumps and whatever the time zone does there, no day holds more than its
    /// limit, also across a restart from what was written down.
    ///
    /// Shows: F-07.
    #[test]
    fn a_day_is_granted_once_across_jumps_of_years_and_restarts(
        steps in prop::collection::vec(
            (
                prop::sample::select(vec![
                    0_i64, 1, 3_600, -3_600, 86_400, -86_400, 315_360_000, -315_360_000,
                    -1_790_000_000,
                ]),
                0_u8..6,
            ),
            1..60,
        ),
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/Havana"]),
    ) {
        let calendar = Calendar::new(zone).unwrap();
        let mut counters = Counters::new();
        let mut now = seconds(1_790_000_000);
        let mut spends: Vec<Spend> = Vec::new();
        for (jump, action) in steps {
            now = now.plus_seconds(jump);
            match action {
                0 => {
                    counters = Counters::new();
                    counters.load(spends.iter().copied());
                }
                1 => counters.sweep(now),
                _ => {}
            }
            for _ in 0..4 {
                if let Ok(taken) = counters.reserve(&[wanted(0, 2)], now, &calendar) {
                    spends.extend(taken.taken().iter().map(|taken| taken.spend));
                }
            }
        }
        for spend in &spends {
            let same = spends.iter().filter(|other| other.begins_at == spend.begins_at);
            let total: i64 = same.map(|other| other.cost.millionths()).sum();
            prop_assert!(total <= whole(9).millionths());
            let bounds = calendar.bounds(CalendarUnit::Day, spend.begins_at);
            prop_assert_eq!(bounds, Some((spend.begins_at, spend.ends_at)));
        }
    }

    /// Costs and limits of any size and sign: what is below nothing is refused, what cannot be
    /// counted is refused, nothing wraps around, and a refused call changes nothing.
    ///
    /// Shows: S-106.
    #[test]
    fn hostile_quantities_never_give_quota(
        calls in prop::collection::vec(
            (
                prop_oneof![
                    any::<i64>(),
                    Just(0),
                    Just(-1),
                    Just(1),
                    Just(i64::MAX),
                    Just(i64::MIN),
                    Just(i64::MAX - 1),
                ],
                prop::option::of(prop_oneof![any::<i64>(), Just(i64::MAX), Just(0), Just(-1)]),
                any::<bool>(),
            ),
            1..40,
        ),
        window in prop::sample::select(vec![
            DAY, Window::Lifetime, Window::Rolling(Duration::from_hours(1)),
        ]),
    ) {
        let (counters, calendar) = (Counters::new(), Calendar::utc());
        let now = seconds(1_790_000_000);
        let mut used = 0_i128;
        for (cost, most, refund) in calls {
            let demand = Demand {
                window,
                cost: Quantity::from_millionths(cost),
                most: most.map(Quantity::from_millionths),
                ..demand(1, DAY, 0, 0)
            };
            let beside = Demand { key: key(2, 1), cost: whole(1), most: None, ..demand };
            let after = used + i128::from(cost);
            let fits = cost >= 0
                && after <= i128::from(i64::MAX)
                && most.is_none_or(|most| after <= i128::from(most));
            match counters.reserve(&[beside, demand], now, &calendar) {
                Ok(taken) => {
                    prop_assert!(fits, "{cost} of {most:?} beyond {used}");
                    if refund {
                        counters.refund(taken);
                    } else {
                        used = after;
                    }
                }
                Err(refused) => prop_assert!(!fits && refused.at == 1),
            }
            let standing = counters.standing(&demand, now, &calendar);
            prop_assert_eq!(i128::from(standing.used.millionths()), used);
        }
    }

    /// What one process wrote down, the next one stands at.
    #[test]
    fn loading_the_spends_restores_the_standings(
        calls in prop::collection::vec((0_u128..6, 1_i64..3, 0_i64..50_000), 0..40),
    ) {
        let calendar = Calendar::utc();
        let (first, second) = (Counters::new(), Counters::new());
        let mut now = seconds(1_000_000_000);
        let mut spends = Vec::new();
        for (subject, cost, wait) in calls {
            now = now.plus_seconds(wait);
            if let Ok(taken) = first.reserve(&[wanted(subject, cost)], now, &calendar) {
                spends.extend(taken.taken().iter().map(|taken| taken.spend));
            }
        }
        spends.reverse();
        second.load(spends);
        for subject in 0..6 {
            let demand = wanted(subject, 1);
            prop_assert_eq!(
                first.standing(&demand, now, &calendar),
                second.standing(&demand, now, &calendar)
            );
        }
    }
}

#[test]
fn all_or_nothing_and_a_refused_call_leaves_no_trace() {
    let (counters, calendar) = (Counters::new(), Calendar::utc());
    let now = seconds(1_000);
    let plenty = demand(1, DAY, 10, 1);
    let none = demand(2, Window::Lifetime, 0, 1);
    let refused = counters
        .reserve(&[plenty, none], now, &calendar)
        .unwrap_err();
    assert_eq!(refused.at, 1);
    assert_eq!(counters.len(), 0);
    assert_eq!(
        counters.standing(&plenty, now, &calendar).used,
        Quantity::ZERO
    );
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let (counters, calendar) = (Counters::new(), Calendar::utc());
    let now = seconds(1_000);
    let unlimited = |cost| Demand {
        most: None,
        cost: Quantity::from_millionths(cost),
        ..demand(1, DAY, 0, 0)
    };
    assert!(counters.reserve(&[unlimited(-1)], now, &calendar).is_err());
    assert!(
        counters
            .reserve(&[unlimited(i64::MAX)], now, &calendar)
            .is_ok()
    );
    assert!(counters.reserve(&[unlimited(1)], now, &calendar).is_err());
    let twice = [unlimited(i64::MAX), unlimited(1)];
    assert!(Counters::new().reserve(&twice, now, &calendar).is_err());
    let nowhere = Timestamp::from_micros(i64::MAX);
    assert!(
        Counters::new()
            .reserve(&[unlimited(1)], nowhere, &calendar)
            .is_err()
    );
}

#[test]
fn a_refund_after_the_window_turned_goes_to_the_old_window() {
    let (counters, calendar) = (Counters::new(), Calendar::utc());
    let one = demand(1, DAY, 1, 1);
    let (today, tomorrow) = (seconds(86_399), seconds(86_400));
    let before = counters.reserve(&[one], today, &calendar).unwrap();
    let after = counters.reserve(&[one], tomorrow, &calendar).unwrap();
    counters.refund(before);
    assert!(counters.reserve(&[one], tomorrow, &calendar).is_err());
    counters.refund(after);
    assert!(counters.reserve(&[one], tomorrow, &calendar).is_ok());
}

#[test]
fn a_rolling_window_tells_when_the_call_would_fit() {
    let (counters, calendar) = (Counters::new(), Calendar::utc());
    let hour = Window::Rolling(Duration::from_hours(1));
    let one = demand(1, hour, 2, 1);
    for at in [0, 600] {
        assert!(counters.reserve(&[one], seconds(at), &calendar).is_ok());
    }
    let refused = counters
        .reserve(&[one], seconds(1_200), &calendar)
        .unwrap_err();
    let resets_at = refused.standing.resets_at.unwrap();
    assert_eq!(resets_at, seconds(3_600 + 150));
    let before = resets_at.plus_micros(-1);
    assert!(counters.reserve(&[one], before, &calendar).is_err());
    assert!(counters.reserve(&[one], resets_at, &calendar).is_ok());
}

/// Shows: P-51.
#[test]
fn k_concurrent_calls_against_a_limit_of_l_admit_exactly_l() {
    for round in 0..20 {
        let counters = Arc::new(Counters::new());
        let admitted = Arc::new(AtomicUsize::new(0));
        let start = Arc::new(Barrier::new(8));
        let threads: Vec<_> = (0..8_u128)
            .map(|thread| {
                let (counters, admitted) = (Arc::clone(&counters), Arc::clone(&admitted));
                let start = Arc::clone(&start);
                thread::spawn(move || {
                    let calendar = Calendar::utc();
                    start.wait();
                    for _ in 0..50 {
                        // A counter of its own with room, and two that all share, in an order
                        // that differs from thread to thread.
                        let mut demands = [
                            demand(100 + thread, DAY, 1_000, 1),
                            demand(1, DAY, 123, 1),
                            demand(2, Window::Lifetime, 200, 1),
                        ];
                        demands.rotate_left(usize::try_from(thread).unwrap() % 3);
                        if let Ok(taken) = counters.reserve(&demands, seconds(1), &calendar) {
                            // One in ten is given back, and must then be there for another.
                            if admitted.fetch_add(1, AtomicOrdering::SeqCst) % 10 == 9 {
                                admitted.fetch_sub(1, AtomicOrdering::SeqCst);
                                counters.refund(taken);
                            }
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let calendar = Calendar::utc();
        while counters
            .reserve(&[demand(1, DAY, 123, 1)], seconds(1), &calendar)
            .is_ok()
        {
            admitted.fetch_add(1, AtomicOrdering::SeqCst);
        }
        assert_eq!(admitted.load(AtomicOrdering::SeqCst), 123, "round {round}");
        let own: i64 = (0..8)
            .map(|thread| {
                let standing =
                    counters.standing(&demand(100 + thread, DAY, 0, 0), seconds(1), &calendar);
                standing.used.as_whole().unwrap()
            })
            .sum();
        let shared = counters.standing(&demand(2, Window::Lifetime, 0, 0), seconds(1), &calendar);
        assert_eq!(shared.used, whole(own), "all counters of a call together");
    }
}

#[test]
fn sweeping_forgets_what_ended_and_nothing_else() {
    let (counters, calendar) = (Counters::new(), Calendar::utc());
    for subject in 0..1_000 {
        let demands = [demand(subject, DAY, 5, 1)];
        assert!(counters.reserve(&demands, seconds(10), &calendar).is_ok());
    }
    let for_ever = demand(5_000, Window::Lifetime, 5, 1);
    assert!(
        counters
            .reserve(&[for_ever], seconds(10), &calendar)
            .is_ok()
    );
    counters.sweep(seconds(86_399));
    assert_eq!(counters.len(), 1_001);
    counters.sweep(seconds(86_400));
    assert_eq!(counters.len(), 1);
    // The clock goes back: yesterday stays closed, the call counts today.
    let taken = counters
        .reserve(&[demand(0, DAY, 1, 1)], seconds(20), &calendar)
        .unwrap();
    assert_eq!(taken.taken()[0].spend.begins_at, seconds(86_400));
}

#[test]
fn counters_are_found_again_after_a_sweep_gave_room_back() {
    let (counters, calendar) = (Counters::new(), Calendar::utc());
    for subject in 0..40_000 {
        let of_today = demand(subject, DAY, 5, 1);
        let for_ever = Demand {
            key: key(2, subject),
            ..demand(subject, Window::Lifetime, 5, 1)
        };
        let demands = [of_today, for_ever];
        let wanted = if subject % 400 == 0 { 2 } else { 1 };
        assert!(
            counters
                .reserve(&demands[..wanted], seconds(10), &calendar)
                .is_ok()
        );
    }
    assert_eq!(counters.len(), 40_100);
    counters.sweep(seconds(86_400));
    assert_eq!(counters.len(), 100);
    for subject in 0..40_000 {
        let for_ever = Demand {
            key: key(2, subject),
            ..demand(subject, Window::Lifetime, 5, 1)
        };
        let used = counters
            .standing(&for_ever, seconds(86_400), &calendar)
            .used;
        assert_eq!(used, whole(i64::from(subject % 400 == 0)));
    }
}
