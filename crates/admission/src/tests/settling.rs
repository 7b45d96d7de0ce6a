use std::sync::Arc;

use journal::{CallOutcome, Entry};
use primitives::{Quantity, Symbol};
use proptest::prelude::*;
use quota::{CalendarUnit, CounterKey, Counters, Demand, Spend, Window};

use super::{
    fixture::{NOON, Town},
    passing::permit,
    refusing::refusal,
};
use crate::Arrived;

fn served(status: u16) -> CallOutcome {
    CallOutcome::Served {
        status,
        bytes_in: 0,
        bytes_out: 0,
        micros: 1,
    }
}

fn outcomes(entries: &[Entry]) -> Vec<(CallOutcome, bool)> {
    entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Settled(settlement) => Some((settlement.outcome, settlement.refunded)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_permit_that_nobody_settles_is_unknown_and_consumes() {
    let town = Town::new();
    for _ in 0..3 {
        drop(permit(town.call("POST", "/pay/send").await));
    }
    assert_eq!(refusal(town.call("POST", "/pay/send").await).status, 429);
    assert_eq!(
        outcomes(&town.entries()),
        [(CallOutcome::Unknown, false); 3]
    );
}

#[tokio::test]
async fn what_did_not_run_is_given_back_and_can_be_used_again() {
    let town = Town::new();
    for _ in 0..5 {
        for outcome in [CallOutcome::NotSent, served(500), served(503)] {
            permit(town.call("POST", "/pay/send").await).settle(outcome);
        }
    }
    for status in [200, 404, 499] {
        permit(town.call("POST", "/pay/send").await).settle(served(status));
    }
    assert_eq!(refusal(town.call("POST", "/pay/send").await).status, 429);
    let refunded = outcomes(&town.entries())
        .iter()
        .filter(|(_, back)| *back)
        .count();
    assert_eq!(refunded, 15);
}

#[tokio::test]
async fn a_server_error_consumes_where_the_upstream_is_not_set_up_otherwise() {
    let town = Town::new();
    permit(town.call("POST", "/watched/send").await).settle(served(500));
    assert_eq!(outcomes(&town.entries()), [(served(500), false)]);
}

#[tokio::test]
async fn without_a_journal_nobody_is_admitted_and_nothing_is_counted() {
    let town = Town::new();
    town.journal.close().unwrap();
    let refused = refusal(town.call("POST", "/pay/send").await);
    assert_eq!((refused.status, refused.code), (503, "overloaded"));
    town.counters.sweep(NOON);
    assert!(town.counters.is_empty(), "what was taken was given back");
    // A refusal needs no journal.
    assert_eq!(
        refusal(town.call("POST", "/pay/bulk").await).code,
        "level_too_low"
    );
}

#[tokio::test]
async fn a_caller_who_goes_away_before_the_permit_leaves_nothing_counted() {
    let town = Arc::new(Town::new());
    for _ in 0..10 {
        // The journal answers a strict entry only after a while: the call is cancelled there.
        let mut call = Box::pin(town.call("POST", "/pay/send"));
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        match call.as_mut().poll(&mut context) {
            std::task::Poll::Pending => drop(call),
            std::task::Poll::Ready(Arrived::Permitted(permit)) => {
                permit.settle(CallOutcome::NotSent);
            }
            std::task::Poll::Ready(other) => panic!("{other:?}"),
        }
    }
    for _ in 0..3 {
        permit(town.call("POST", "/pay/send").await).settle(served(200));
    }
    let entries = town.entries();
    let admitted = entries
        .iter()
        .filter(|entry| matches!(entry, Entry::Admitted(_)))
        .count();
    assert_eq!(
        outcomes(&entries).len(),
        admitted,
        "each admitted call is settled once"
    );
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Send,
    Agree(u8, u8),
    Bulk,
    Settle(usize, u8),
    Wait(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Send),
        4 => (0_u8..3, 1_u8..6).prop_map(|(who, much)| Step::Agree(who, much)),
        1 => Just(Step::Bulk),
        4 => (any::<usize>(), 0_u8..5).prop_map(|(which, how)| Step::Settle(which, how)),
        1 => (1_u32..100_000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..40)
}

async fn live(town: &Town, steps: Vec<Step>) {
    let mut open = Vec::new();
    for step in steps {
        let arrived = match step {
            Step::Send => town.call("POST", "/pay/send").await,
            Step::Bulk => town.call("POST", "/pay/bulk").await,
            Step::Agree(who, much) => {
                let body = format!(r#"{{"agreement": "{who}", "amount": {much}}}"#);
                town.call_with("/pay/agreements", &body).await
            }
            Step::Wait(seconds) => {
                town.clock.advance_seconds(i64::from(seconds));
                continue;
            }
            Step::Settle(which, how) => {
                if !open.is_empty() {
                    let permit: crate::Permit = open.swap_remove(which % open.len());
                    match how {
                        0 => drop(permit),
                        1 => permit.settle(CallOutcome::NotSent),
                        2 => permit.settle(served(502)),
                        _ => permit.settle(served(200)),
                    }
                }
                continue;
            }
        };
        if let Arrived::Permitted(permit) = arrived {
            open.push(*permit);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The journal and the counters tell the same number, and a process that begins with what
    /// the journal tells stands where this one stands.
    /// Shows: J-4.
    #[test]
    fn the_spends_of_the_journal_are_the_counters(steps in steps()) {
        let town = Town::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(live(&town, steps));
        let now = primitives::Clock::now(&*town.clock);
        let (taken, kept) = spends(&town.entries());
        let restarted = Counters::new();
        restarted.load(kept.iter().copied());
        for spend in &taken {
            let window = if spend.ends_at.as_micros() == i64::MAX {
                Window::Lifetime
            } else {
                Window::Calendar(CalendarUnit::Day)
            };
            let demand = Demand {
                limit: Symbol(0),
                key: spend.key,
                window,
                most: None,
                cost: Quantity::ZERO,
            };
            let stands = town.counters.standing(&demand, now, &town.calendar).used;
            let told = kept
                .iter()
                .filter(|other| other.key == spend.key && now < other.ends_at)
                .try_fold(Quantity::ZERO, |sum, other| sum.checked_add(other.cost));
            prop_assert_eq!(told, Some(stands));
            prop_assert_eq!(restarted.standing(&demand, now, &town.calendar).used, stands);
        }
    }
}

/// Everything that was taken, and what of it was not given back.
fn spends(entries: &[Entry]) -> (Vec<Spend>, Vec<Spend>) {
    let (mut taken, mut kept) = (Vec::new(), Vec::new());
    for entry in entries {
        let Entry::Admitted(call) = entry else {
            continue;
        };
        let spends: Vec<_> = call
            .counters
            .iter()
            .map(|spend| Spend {
                key: CounterKey {
                    limit: spend.limit,
                    mode: call.mode.unwrap(),
                    subject: spend.subject,
                    fact: spend.fact,
                },
                begins_at: spend.begins_at,
                ends_at: spend.ends_at,
                cost: spend.cost,
            })
            .collect();
        let refunded = entries
            .iter()
            .any(|entry| matches!(entry, Entry::Settled(end) if end.id == call.id && end.refunded));
        taken.extend(spends.iter().copied());
        if !refunded {
            kept.extend(spends);
        }
    }
    (taken, kept)
}
