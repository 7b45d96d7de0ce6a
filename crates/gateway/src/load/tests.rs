use std::{cmp::Reverse, collections::BinaryHeap};

use proptest::prelude::*;

use super::rule::{Rule, Sample};

/// An upstream with `workers` that take `service` microseconds for each call, in order.
struct Upstream {
    workers: usize,
    service: u64,
    /// When each worker is free again.
    free: BinaryHeap<Reverse<u64>>,
}

/// What a stretch of load came to.
#[derive(Default)]
struct Came {
    took: Vec<u64>,
    shed: usize,
    micros: u64,
}

impl Came {
    fn p99(&self) -> u64 {
        let mut took = self.took.clone();
        took.sort_unstable();
        took[took.len() * 99 / 100]
    }

    /// Calls served, of 1,000 that could have been.
    fn goodput(&self, upstream: &Upstream) -> u64 {
        let possible = upstream.workers as u64 * self.micros / upstream.service;
        self.took.len() as u64 * 1_000 / possible
    }
}

impl Upstream {
    fn new(workers: usize, service: u64) -> Self {
        Self {
            workers,
            service,
            free: (0..workers).map(|_| Reverse(0)).collect(),
        }
    }

    /// Offers `percent` of what it can do, by a clock that waits for nobody.
    fn offer(&mut self, rule: &mut Rule, from: u64, seconds: u64, percent: u64) -> Came {
        let mut came = Came {
            micros: seconds * 1_000_000,
            ..Came::default()
        };
        let every = (self.service * 100_000 / (self.workers as u64 * percent)).max(1);
        let mut ends: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
        let mut thousandths = from * 1_000;
        while thousandths / 1_000 < from + came.micros {
            let now = thousandths / 1_000;
            thousandths += every;
            while let Some(Reverse((end, took))) = ends.peek().copied() {
                if end > now {
                    break;
                }
                let in_progress = u32::try_from(ends.len()).unwrap();
                ends.pop();
                came.took.push(took);
                rule.learn(Sample {
                    at: end,
                    took,
                    own: 0,
                    in_progress,
                });
            }
            if ends.len() >= rule.limit() as usize {
                came.shed += 1;
                continue;
            }
            let Reverse(free) = self.free.pop().unwrap();
            let end = free.max(now) + self.service;
            self.free.push(Reverse(end));
            ends.push(Reverse((end, end - now)));
        }
        came
    }
}

/// What is promised of an upstream that is offered so many times what it can do.
fn overload(workers: usize, millis: u64, times: u64) -> Result<(), TestCaseError> {
    let mut upstream = Upstream::new(workers, millis * 1_000);
    let mut rule = Rule::new(8, 4_096);
    let calm = upstream.offer(&mut rule, 0, 5, 80);
    prop_assert_eq!(calm.shed, 0);
    upstream.offer(&mut rule, 5_000_000, 10, times * 100);
    let over = upstream.offer(&mut rule, 15_000_000, 10, times * 100);
    prop_assert!(
        over.goodput(&upstream) >= 900,
        "goodput {}",
        over.goodput(&upstream)
    );
    prop_assert!(
        over.p99() <= 3 * calm.p99(),
        "{} after {}",
        over.p99(),
        calm.p99()
    );
    upstream.offer(&mut rule, 25_000_000, 5, 95);
    let after = upstream.offer(&mut rule, 30_000_000, 5, 95);
    prop_assert_eq!(after.shed, 0);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Shows: F-22.
    #[test]
    fn an_overloaded_upstream_does_what_it_can_and_no_call_waits_long(
        workers in 6_usize..48,
        millis in 8_u64..60,
        times in 2_u64..9,
    ) {
        overload(workers, millis, times)?;
    }

    /// The queue that a flood finds room for at its beginning is a short one, too.
    ///
    /// Shows: F-22.
    #[test]
    fn a_flood_out_of_calm_makes_no_call_wait_long(
        workers in 20_usize..48,
        millis in 20_u64..60,
        times in 2_u64..9,
        percent in 50_u64..95,
    ) {
        let mut upstream = Upstream::new(workers, millis * 1_000);
        let mut rule = Rule::new(32, 4_096);
        let calm = upstream.offer(&mut rule, 0, 10, percent);
        prop_assert_eq!(calm.shed, 0);
        let over = upstream.offer(&mut rule, 10_000_000, 30, times * 100);
        prop_assert!(over.goodput(&upstream) >= 900, "goodput {}", over.goodput(&upstream));
        prop_assert!(over.p99() <= 3 * calm.p99(), "{} after {}", over.p99(), calm.p99());
    }

    /// As many calls as before, to an upstream that needs longer for each and could take them all.
    #[test]
    fn calls_to_a_slower_upstream_are_not_shed_for_long(
        times in 2_u64..6,
        percent in 5_u64..16,
        least in 8_u32..33,
    ) {
        let mut upstream = Upstream::new(300, 10_000);
        let mut rule = Rule::new(least, 4_096);
        upstream.offer(&mut rule, 0, 5, percent);
        upstream.service *= times;
        upstream.offer(&mut rule, 5_000_000, 20, percent * times);
        let after = upstream.offer(&mut rule, 25_000_000, 5, percent * times);
        prop_assert_eq!(after.shed, 0);
    }

    /// An upstream that needs longer than it did is not an overloaded one.
    #[test]
    fn a_slower_upstream_is_believed_in_the_end(times in 2_u64..20) {
        let mut upstream = Upstream::new(300, 10_000);
        let mut rule = Rule::new(8, 4_096);
        // 30 in progress of 300.
        upstream.offer(&mut rule, 0, 5, 10);
        upstream.service *= times;
        upstream.offer(&mut rule, 5_000_000, 40, 10);
        let after = upstream.offer(&mut rule, 45_000_000, 5, 10);
        prop_assert_eq!(after.shed, 0);
    }

    #[test]
    fn a_limit_stays_within_its_bounds(
        least in 1_u32..64,
        more in 0_u32..1_000,
        samples in prop::collection::vec((0_u64..1_000_000, any::<u64>(), any::<u64>(), any::<u32>()), 1..500),
    ) {
        let mut rule = Rule::new(least, least + more);
        let mut at = 0;
        for (later, took, own, in_progress) in samples {
            at += later;
            rule.learn(Sample { at, took, own, in_progress });
            prop_assert!((least..=least + more).contains(&rule.limit()));
        }
    }
}

/// What was answered first had found the queue still short: that it takes as long now that the
/// limit is smaller does not make the upstream a slower one.
///
/// Shows: F-22.
#[test]
fn a_queue_that_is_still_filling_is_not_believed_to_be_a_slower_upstream() {
    for (workers, millis) in [
        (6, 28),
        (6, 38),
        (6, 39),
        (6, 40),
        (6, 50),
        (7, 50),
        (7, 51),
    ] {
        overload(workers, millis, 2).unwrap();
    }
}

/// Shows: F-22.
#[test]
fn little_use_is_never_shed_however_slow_an_upstream_becomes() {
    let mut rule = Rule::new(8, 4_096);
    for second in 0..1_000_u64 {
        let took = if second < 100 { 5_000 } else { 30_000_000 };
        rule.learn(Sample {
            at: second * 1_000_000,
            took,
            own: 0,
            in_progress: 20,
        });
        assert!(rule.limit() > 20, "{} at {second}", rule.limit());
    }
}

/// A gate that is short of its own processor makes every call slow, also towards an upstream that
/// does nothing for most of that time.
///
/// Shows: F-22.
#[test]
fn an_upstream_is_not_blamed_for_what_the_gate_waits_for_itself() {
    let least_of = |own: bool| {
        let mut rule = Rule::new(8, 4_096);
        let mut least = rule.limit();
        for number in 0..200_000_u64 {
            let slow = number > 20_000;
            let waited = if slow { 15_000 } else { 0 };
            rule.learn(Sample {
                at: number * 1_000,
                took: 300 + waited,
                own: if own { waited } else { 0 },
                in_progress: if slow { rule.limit() } else { 20 },
            });
            least = least.min(rule.limit());
        }
        least
    };
    assert!(least_of(true) >= 48, "{}", least_of(true));
    assert!(least_of(false) < 32, "{}", least_of(false));
}

/// A collection of garbage, say: what arrives meanwhile is in progress at once.
#[test]
fn calls_are_not_shed_for_a_short_pause_of_a_busy_upstream() {
    let mut upstream = Upstream::new(8, 200);
    let mut rule = Rule::new(32, 4_096);
    // 4,000 calls a second, one in progress.
    let calm = upstream.offer(&mut rule, 0, 10, 10);
    assert_eq!(calm.shed, 0);
    upstream.free = (0..8).map(|_| Reverse(10_040_000)).collect();
    let paused = upstream.offer(&mut rule, 10_000_000, 1, 10);
    assert_eq!(paused.shed, 0);
}
