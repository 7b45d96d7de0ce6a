//! Folded calls: the index, the counters and the cursor move together.

use std::sync::Arc;

use futures_util::future::join_all;
use primitives::{AccountId, AppId, EventId, Mode, PageSize, Quantity, RecordId, Timestamp};
use store::{
    CallFilter, CallIndexRow, CallSlot, CallTally, CallsWanted, ChartWanted, CounterRow,
    EventAction, Folded, FoldedCalls, NewEvent, Store,
};

use crate::samples::{ALL, DAY, at, call, step};

fn counter(limit: u64, millionths: i64) -> CounterRow {
    CounterRow {
        limit,
        mode: Mode::Live,
        subject: 4,
        fact: 0,
        begins_at: at(0),
        ends_at: at(DAY),
        used: Quantity::from_millionths(millionths),
    }
}

async fn fold(store: &dyn Store, calls: Vec<CallIndexRow>) {
    let from = store.fold_cursor("one").await.unwrap();
    let to = format!("{}+", from.as_deref().unwrap_or("at"));
    let step = FoldedCalls {
        calls,
        ..step(from.as_deref(), &to)
    };
    assert_eq!(store.fold_calls(step).await.unwrap(), Folded::Applied);
}

async fn found(store: &dyn Store, filter: CallFilter) -> Vec<u64> {
    let wanted = CallsWanted::new(filter, None, ALL);
    let page = store.calls(&wanted).await.unwrap();
    assert_eq!(page.next, None);
    page.calls.iter().map(|row| row.id.sequence).collect()
}

/// The same step applied again finds the cursor moved on and changes nothing.
pub async fn folding_twice_counts_once(store: Arc<dyn Store>) {
    assert_eq!(store.fold_cursor("one").await.unwrap(), None);
    let first = FoldedCalls {
        calls: vec![call(1)],
        counters: vec![counter(1, 5)],
        ..step(None, "a")
    };
    assert_eq!(
        store.fold_calls(first.clone()).await.unwrap(),
        Folded::Applied
    );
    assert_eq!(store.fold_calls(first).await.unwrap(), Folded::NotAtCursor);
    let second = FoldedCalls {
        calls: vec![call(1), call(2)],
        counters: vec![counter(1, 6)],
        ..step(Some("a"), "b")
    };
    assert_eq!(
        store.fold_calls(second.clone()).await.unwrap(),
        Folded::Applied
    );
    assert_eq!(store.fold_calls(second).await.unwrap(), Folded::NotAtCursor);
    assert_eq!(store.counters().await.unwrap(), [counter(1, 11)]);
    assert_eq!(found(&*store, CallFilter::default()).await, [2, 1]);
    let cursor = store.fold_cursor("one").await.unwrap();
    assert_eq!(cursor.as_deref(), Some("b"));
    assert_eq!(store.fold_cursor("two").await.unwrap(), None);
}

/// An event of a fold is in the log once, whatever tells of it again, and moves the revision
/// only when it is new.
pub async fn a_fold_tells_an_event_once(store: Arc<dyn Store>) {
    let before = store.revision().await.unwrap();
    let telling = |from, to, told: &[u128]| FoldedCalls {
        events: told.iter().map(|&id| alert(id)).collect(),
        at: at(7),
        ..step(from, to)
    };
    for step in [
        telling(None, "a", &[1, 1, 2]),
        telling(Some("a"), "b", &[2]),
        telling(Some("b"), "c", &[2, 3]),
        telling(Some("c"), "d", &[]),
    ] {
        assert_eq!(store.fold_calls(step).await.unwrap(), Folded::Applied);
    }
    let again = telling(Some("nowhere"), "e", &[4]);
    assert_eq!(store.fold_calls(again).await.unwrap(), Folded::NotAtCursor);
    let events = store.events(before, ALL).await.unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.id.as_u128(),
                event.revision.0 - before.0,
                event.position,
            )
        })
        .collect();
    assert_eq!(told, [(1, 1, 0), (2, 1, 1), (3, 2, 0)]);
    assert!(events.iter().all(|event| event.at == at(7)));
    assert_eq!(store.revision().await.unwrap().0, before.0 + 2);
}

fn alert(id: u128) -> NewEvent {
    NewEvent {
        id: EventId::from_u128(id),
        actor: "limits".to_owned(),
        action: EventAction::Created,
        kind: "alert".to_owned(),
        name: "calls-per-day".to_owned(),
        detail: "{}".to_owned(),
    }
}

/// A step that begins elsewhere applies nothing, at the very start too.
pub async fn folding_from_another_cursor_applies_nothing(store: Arc<dyn Store>) {
    let astray = FoldedCalls {
        calls: vec![call(1)],
        counters: vec![counter(1, 5)],
        ..step(Some("nowhere"), "a")
    };
    assert_eq!(
        store.fold_calls(astray.clone()).await.unwrap(),
        Folded::NotAtCursor
    );
    assert_eq!(store.fold_cursor("one").await.unwrap(), None);
    fold(&*store, vec![call(9)]).await;
    assert_eq!(store.fold_calls(astray).await.unwrap(), Folded::NotAtCursor);
    assert_eq!(store.counters().await.unwrap(), []);
    assert_eq!(found(&*store, CallFilter::default()).await, [9]);
}

/// Of folds that race from one cursor one applies.
pub async fn racing_folds_apply_once(store: Arc<dyn Store>) {
    for (from, to) in [(None, "a"), (Some("a"), "b")] {
        let folds = (0..16).map(|_| {
            let store = Arc::clone(&store);
            let step = FoldedCalls {
                counters: vec![counter(1, 1)],
                ..step(from, to)
            };
            tokio::spawn(async move { store.fold_calls(step).await.unwrap() })
        });
        let outcomes = join_all(folds).await;
        let applied = outcomes
            .iter()
            .filter(|o| *o.as_ref().unwrap() == Folded::Applied);
        assert_eq!(applied.count(), 1);
    }
    assert_eq!(store.counters().await.unwrap(), [counter(1, 2)]);
}

/// Gateways that fold at once, each its own journal, add to the same counters without loss.
pub async fn gateways_fold_beside_each_other(store: Arc<dyn Store>) {
    let folds = (0..8_i32).map(|gateway| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut counters: Vec<_> = (0..40).map(|limit| counter(limit, 1)).collect();
            if gateway % 2 == 0 {
                counters.reverse();
            }
            for round in 0..5 {
                let from = (round > 0).then(|| round.to_string());
                let step = FoldedCalls {
                    gateway: format!("gateway-{gateway}"),
                    from_cursor: from,
                    to_cursor: (round + 1).to_string(),
                    counters: counters.clone(),
                    ..FoldedCalls::default()
                };
                assert_eq!(store.fold_calls(step).await.unwrap(), Folded::Applied);
            }
        })
    });
    for fold in join_all(folds).await {
        fold.unwrap();
    }
    let kept = store.counters().await.unwrap();
    assert_eq!(kept.len(), 40);
    assert!(kept.iter().all(|row| row.used.millionths() == 40));
}

/// Counters of other windows, modes, subjects and facts stay apart; the sum never wraps.
pub async fn counters_add_up_and_saturate(store: Arc<dyn Store>) {
    let mut others = vec![counter(1, 1); 5];
    others[0].mode = Mode::Test;
    others[1].subject = u128::MAX;
    others[2].fact = 1;
    others[3].begins_at = at(1);
    others[4].ends_at = Timestamp::from_micros(i64::MAX);
    let large = counter(2, i64::MAX - 1);
    let step = FoldedCalls {
        counters: [
            others.clone(),
            vec![large.clone(), large, counter(u64::MAX, 3)],
        ]
        .concat(),
        ..step(None, "a")
    };
    assert_eq!(store.fold_calls(step).await.unwrap(), Folded::Applied);
    let kept = store.counters().await.unwrap();
    assert_eq!(kept.len(), 7);
    assert!(others.iter().all(|other| kept.contains(other)));
    assert!(kept.contains(&counter(2, i64::MAX)));
    assert!(kept.contains(&counter(u64::MAX, 3)));
}

/// Ten calls that differ in one thing each.
fn varied() -> Vec<CallIndexRow> {
    let mut rows: Vec<_> = (0..10).map(call).collect();
    rows[0].mode = Some(Mode::Test);
    rows[1].mode = None;
    rows[2].api = "telephony".into();
    rows[3].app = Some(AppId::from_u128(1));
    rows[4].developer = Some(AccountId::from_u128(2));
    rows[5].account = Some(AccountId::from_u128(2));
    rows[6].capabilities = " SIMPLE_SEND_MONEYS SIMPLExSEND_MONEY ".into();
    rows[7].capabilities = " A_B simple_send_money C% ".into();
    rows[8].outcome = "refused".into();
    rows[9].code = "level_too_low".into();
    rows
}

/// Each part of a filter, and two together.
pub async fn every_filter_finds_its_calls_and_no_others(store: Arc<dyn Store>) {
    fold(&*store, varied()).await;
    let mut asked = Vec::new();
    let mut ask = |change: fn(&mut CallFilter), wanted: &[u64]| {
        let mut filter = CallFilter::default();
        change(&mut filter);
        asked.push((filter, wanted.to_vec()));
    };
    ask(|f| f.mode = Some(Mode::Live), &[9, 8, 7, 6, 5, 4, 3, 2]);
    ask(|f| f.mode = Some(Mode::Test), &[0]);
    ask(|f| f.api = Some("telephony".into()), &[2]);
    ask(|f| f.app = Some(AppId::from_u128(1)), &[3]);
    ask(|f| f.developer = Some(AccountId::from_u128(2)), &[4]);
    ask(|f| f.account = Some(AccountId::from_u128(2)), &[5]);
    ask(
        |f| f.capability = Some("SIMPLE_SEND_MONEY".into()),
        &[9, 8, 5, 4, 3, 2, 1, 0],
    );
    ask(|f| f.capability = Some("C%".into()), &[7]);
    ask(|f| f.capability = Some("%".into()), &[]);
    ask(|f| f.outcome = Some("refused".into()), &[8]);
    ask(|f| f.code = Some("level_too_low".into()), &[9]);
    ask(
        |f| (f.from, f.until) = (Some(at(DAY + 3)), Some(at(DAY + 5))),
        &[4, 3],
    );
    ask(
        |f| (f.from, f.account) = (Some(at(DAY + 3)), Some(AccountId::from_u128(2))),
        &[5],
    );
    ask(
        |f| (f.outcome, f.mode) = (Some("refused".into()), Some(Mode::Test)),
        &[],
    );
    for (filter, wanted) in asked {
        assert_eq!(found(&*store, filter.clone()).await, wanted, "{filter:?}");
    }
}

/// Walking the pages gives every call once, the newest first, under a filter too.
pub async fn pages_of_calls_meet_without_gap_or_overlap(store: Arc<dyn Store>) {
    let mut rows: Vec<_> = (0..23).map(call).collect();
    rows.push(CallIndexRow {
        id: RecordId {
            epoch: 2,
            sequence: 900,
        },
        ..call(0)
    });
    fold(&*store, rows).await;
    let live = CallFilter {
        mode: Some(Mode::Live),
        ..CallFilter::default()
    };
    for filter in [CallFilter::default(), live] {
        let mut wanted = CallsWanted::new(filter, None, PageSize::clamped(5));
        let pages = walked(&*store, &mut wanted).await;
        assert!(pages.iter().all(|page| (1..=5).contains(&page.len())));
        let expected: Vec<_> = (0..23).rev().chain([900]).collect();
        assert_eq!(pages.concat(), expected);
    }
}

/// All pages, one after the other.
async fn walked(store: &dyn Store, wanted: &mut CallsWanted) -> Vec<Vec<u64>> {
    let mut pages = Vec::new();
    loop {
        let page = store.calls(wanted).await.unwrap();
        pages.push(page.calls.iter().map(|call| call.id.sequence).collect());
        wanted.before = page.next;
        if page.next.is_none() {
            return pages;
        }
    }
}

/// A search that no index answers looks at so many calls for a page and no more, and goes on after
/// them; along an index nothing is looked at in vain.
pub async fn a_search_looks_at_so_many_calls_for_a_page(store: Arc<dyn Store>) {
    let mut rows: Vec<_> = (0..20).map(call).collect();
    for at in [2, 3, 11] {
        rows[at].code = "level_too_low".into();
        rows[at].outcome = "refused".into();
    }
    // Of the same time: these are told apart by id.
    let same = rows[12].at;
    rows[13].at = same;
    rows[14].at = same;
    fold(&*store, rows).await;
    let by_code = CallFilter {
        code: Some("level_too_low".into()),
        ..CallFilter::default()
    };
    let mut wanted = CallsWanted::new(by_code.clone(), None, PageSize::clamped(2));
    wanted.look_at = 6;
    let pages = walked(&*store, &mut wanted).await;
    assert_eq!(pages, [vec![], vec![11], vec![3, 2], vec![]]);

    let refused = CallFilter {
        outcome: Some("refused".into()),
        ..by_code
    };
    let mut wanted = CallsWanted::new(refused, None, PageSize::clamped(2));
    wanted.look_at = 6;
    assert_eq!(walked(&*store, &mut wanted).await, [vec![11, 3], vec![2]]);
}

/// Two filters with an index each, in a time: both hold.
pub async fn filters_hold_together_whatever_index_is_used(store: Arc<dyn Store>) {
    let app = Some(AppId::from_u128(1));
    let mut rows: Vec<_> = (0..12).map(call).collect();
    for row in rows.iter_mut().step_by(2) {
        row.app = app;
    }
    for row in rows.iter_mut().step_by(3) {
        row.outcome = "refused".into();
    }
    fold(&*store, rows).await;
    let filter = |outcome: &str| CallFilter {
        app,
        mode: Some(Mode::Live),
        outcome: Some(outcome.into()),
        from: Some(at(DAY + 1)),
        until: Some(at(DAY + 10)),
        ..CallFilter::default()
    };
    assert_eq!(found(&*store, filter("refused")).await, [6]);
    assert_eq!(found(&*store, filter("served")).await, [8, 4, 2]);
}

/// Calls are counted by outcome and code, and only the newest when there are too many.
pub async fn tallies_count_the_newest_by_outcome_and_code(store: Arc<dyn Store>) {
    let mut rows: Vec<_> = (0..9).map(call).collect();
    for row in &mut rows[2..5] {
        (row.outcome, row.code) = ("refused".into(), "quota_exhausted".into());
    }
    rows[5].code = "level_too_low".into();
    fold(&*store, rows).await;
    let tallied = async |since, most| -> Vec<_> {
        let tallies = store.tally_calls(at(DAY + since), most).await.unwrap();
        let told = |one: CallTally| (one.outcome, one.code, one.calls, one.newest);
        tallies.into_iter().map(told).collect()
    };
    let row = |outcome: &str, code: &str, calls, newest| {
        let (outcome, code) = (outcome.to_owned(), code.to_owned());
        (outcome, code, calls, at(DAY + newest))
    };
    let served = |calls| row("served", "", calls, 8);
    let observed = row("served", "level_too_low", 1, 5);
    let refused = |calls| row("refused", "quota_exhausted", calls, 4);
    assert_eq!(
        tallied(0, 100).await,
        [served(5), refused(3), observed.clone()]
    );
    assert_eq!(
        tallied(4, 100).await,
        [served(3), refused(1), observed.clone()]
    );
    assert_eq!(tallied(0, 4).await, [served(3), observed]);
    assert_eq!(tallied(9, 100).await, []);
}

/// Calls are counted by slot of time, of all apps or of one, and only the newest of too many.
pub async fn charts_count_by_slots_of_time(store: Arc<dyn Store>) {
    let mut rows: Vec<_> = (0..9).map(call).collect();
    for row in &mut rows[2..5] {
        (row.outcome, row.code) = ("refused".into(), "quota_exhausted".into());
    }
    let app = AppId::from_u128(7);
    rows[8].app = Some(app);
    rows[4].app = Some(app);
    fold(&*store, rows).await;
    let charted = async |app, since, most| -> Vec<_> {
        let wanted = ChartWanted {
            app,
            since: at(DAY + since),
            slot_seconds: 4,
            most,
        };
        let slots = store.chart_calls(wanted).await.unwrap();
        let told = |one: CallSlot| {
            let (second, rest) = (one.begins_at.as_micros() / 1_000_000 - DAY, one.calls);
            (second, one.outcome, rest)
        };
        slots.into_iter().map(told).collect()
    };
    let row = |second, outcome: &str, calls| (second, outcome.to_owned(), calls);
    assert_eq!(
        charted(None, 0, 100).await,
        [
            row(0, "refused", 2),
            row(0, "served", 2),
            row(4, "refused", 1),
            row(4, "served", 3),
            row(8, "served", 1)
        ]
    );
    assert_eq!(charted(None, 8, 100).await, [row(8, "served", 1)]);
    assert_eq!(
        charted(None, 0, 2).await,
        [row(4, "served", 1), row(8, "served", 1)]
    );
    assert_eq!(
        charted(Some(app), 0, 100).await,
        [row(4, "refused", 1), row(8, "served", 1)]
    );
    assert_eq!(charted(Some(app), 0, 1).await, [row(8, "served", 1)]);
    assert_eq!(charted(Some(AppId::from_u128(8)), 0, 100).await, []);
}

/// Days go whole and counters go when their window is over; a lifetime stays.
pub async fn days_and_counters_are_dropped_whole(store: Arc<dyn Store>) {
    let on = |seconds, sequence| CallIndexRow {
        at: at(seconds),
        ..call(sequence)
    };
    let calls = [
        on(DAY, 1),
        on(2 * DAY, 2),
        on(3 * DAY - 1, 3),
        on(3 * DAY, 4),
    ];
    fold(&*store, calls.to_vec()).await;
    assert_eq!(store.drop_call_days(i64::MIN).await.unwrap(), 0);
    assert_eq!(store.drop_call_days(3).await.unwrap(), 3);
    assert_eq!(store.drop_call_days(3).await.unwrap(), 0);
    assert_eq!(found(&*store, CallFilter::default()).await, [4]);
    let mut lifetime = counter(2, 1);
    lifetime.ends_at = Timestamp::from_micros(i64::MAX);
    let counters = FoldedCalls {
        counters: vec![counter(1, 1), lifetime.clone()],
        ..step(Some("at+"), "z")
    };
    assert_eq!(store.fold_calls(counters).await.unwrap(), Folded::Applied);
    assert_eq!(store.drop_counters(at(DAY)).await.unwrap(), 0);
    assert_eq!(store.drop_counters(at(DAY + 1)).await.unwrap(), 1);
    assert_eq!(store.counters().await.unwrap(), [lifetime]);
}

/// The ends of every range and texts of any alphabet.
pub async fn the_widest_values_come_back_as_they_went(store: Arc<dyn Store>) {
    let wide = CallIndexRow {
        id: RecordId {
            epoch: u64::MAX,
            sequence: u64::MAX,
        },
        at: Timestamp::from_micros(i64::MIN),
        app: Some(AppId::from_u128(u128::MAX)),
        developer: Some(AccountId::from_u128(1 << 127)),
        account: Some(AccountId::from_u128(0)),
        operation: "\u{1}'\"; -- 😀".to_owned(),
        status: u16::MAX,
        code: "quota_exhausted".to_owned(),
        record: [&[0xff, 0, 0x7b][..], "/é".repeat(40_000).as_bytes()].concat(),
        ..call(0)
    };
    fold(&*store, vec![wide.clone(), call(0)]).await;
    assert_eq!(store.call(wide.id).await.unwrap(), Some(wide.clone()));
    let nobody = RecordId {
        epoch: 1,
        sequence: 1,
    };
    assert_eq!(store.call(nobody).await.unwrap(), None);
    let all = CallsWanted::new(CallFilter::default(), None, ALL);
    let page = store.calls(&all).await.unwrap();
    // In order of time: the wide one is of the first moment there is.
    assert_eq!(page.calls, [call(0), wide]);
}
