//! Developers, apps, vettings and calls, written into a database file as the product writes them.

use std::path::Path;

use primitives::{
    AccountId, AppId, Clock as _, EventId, Mode, Name, PageSize, RecordId, Revision, SystemClock,
    SystemEntropy, Timestamp,
};
use serde_json::json;
use store::{
    CallIndexRow, EventAction, Folded, FoldedCalls, Kind, NewEvent, Resource, Store as _, Vetting,
    WriteSet,
};
use store_sqlite::SqliteStore;

use super::Failed;

/// How many are written at once.
const RESOURCES: u32 = 5_000;
const CALLS: u64 = 10_000;
const DAYS: i64 = 30;
/// One call of so many is refused, and one of these by a rare capability.
const REFUSED: u64 = 13;
const RARE: u64 = 1_009;

pub(super) fn developer(number: u32) -> String {
    format!("dev-{number:07}")
}

pub(super) fn app(number: u32) -> String {
    format!("app-{number:07}")
}

const fn account_id(number: u32) -> u128 {
    0x0190_0000_0000_0000_0000_0000_0000_0000 + number as u128
}

const fn app_id(number: u32) -> u128 {
    0x0191_0000_0000_0000_0000_0000_0000_0000 + number as u128
}

/// Writes everything.
pub(super) fn seed(database: &Path, developers: u32, calls: u64) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let now = SystemClock.now();
        let store = SqliteStore::open(database, now).await?;
        let mut first = 0;
        while first < developers {
            let end = developers.min(first + RESOURCES);
            members(&store, first..end, now).await?;
            first = end;
        }
        eprintln!("{developers} developers are written");
        let mut cursor = None;
        let mut first = 0;
        while first < calls {
            let end = calls.min(first + CALLS);
            let rows = (first..end).map(|at| call(at, calls, developers, now));
            let to = format!("bench-{end}");
            let step = FoldedCalls {
                gateway: "bench".to_owned(),
                from_cursor: cursor.replace(to.clone()),
                to_cursor: to,
                calls: rows.collect(),
                at: now,
                ..FoldedCalls::default()
            };
            if store.fold_calls(step).await? != Folded::Applied {
                return Err("calls were not folded".into());
            }
            if end.is_multiple_of(500_000) || end == calls {
                eprintln!("{end} of {calls} calls are written");
            }
            first = end;
        }
        let first = store
            .resources(Kind::Account, None, PageSize::clamped(1))
            .await?;
        if first.is_empty() {
            return Err("nothing was written".into());
        }
        Ok(())
    })
}

/// Developers with an app each, their vettings and their events.
async fn members(
    store: &SqliteStore,
    numbers: std::ops::Range<u32>,
    now: Timestamp,
) -> Result<(), Failed> {
    let mut changes = WriteSet {
        at: now,
        ..WriteSet::default()
    };
    for number in numbers {
        let name: Name = developer(number).parse()?;
        let account = json!({
            "kind": "company", "verified": true, "country": "US",
            "properties": { "approved": number.is_multiple_of(2) },
            "developer": { "levels": { "default": "standard" }, "off": ["REFUND"] },
        });
        let of = json!({
            "developer": name.as_str(), "account": name.as_str(), "apis": ["pay"],
        });
        let resource = |kind, name: &Name, id, body: &serde_json::Value| Resource {
            kind,
            name: name.clone(),
            id,
            version: Revision(0),
            body: super::body(body),
            created_at: now,
            updated_at: now,
        };
        changes
            .puts
            .push(resource(Kind::Account, &name, account_id(number), &account));
        let app: Name = app(number).parse()?;
        changes
            .puts
            .push(resource(Kind::App, &app, app_id(number), &of));
        changes.vettings.push(Vetting {
            account: name.clone(),
            ladder: "default".parse()?,
            state: "in_review".to_owned(),
            body: json!({
                "state": "in_review", "wanted": null, "why": ["unknown"],
                "assessment": { "points": 40, "signals": [], "levels": [], "fits": 0 },
            })
            .to_string(),
            since: now.plus_seconds(-i64::from(number)),
            due_at: None,
            version: Revision(0),
        });
        changes.events.push(NewEvent {
            id: EventId::new(&SystemClock, &SystemEntropy::new())?,
            actor: "operator".to_owned(),
            action: EventAction::Created,
            kind: "account".to_owned(),
            name: name.to_string(),
            detail: super::body(&account),
        });
    }
    store.commit(changes).await??;
    Ok(())
}

/// A call; the last one was just now.
fn call(at: u64, calls: u64, developers: u32, now: Timestamp) -> CallIndexRow {
    let span = DAYS * 86_400 * 1_000_000;
    let ago = i128::from(span) * i128::from(calls - at) / i128::from(calls.max(1));
    let ago = i64::try_from(ago).unwrap_or(0);
    // Spread over all developers, a few of them calling most.
    let mixed = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let of = if at.is_multiple_of(2) {
        mixed % 97
    } else {
        mixed
    };
    let number = u32::try_from(of % u64::from(developers.max(1))).unwrap_or(0);
    let refused = at.is_multiple_of(REFUSED);
    let capability = if at.is_multiple_of(RARE) {
        "REFUND"
    } else {
        "PLAIN"
    };
    let id = RecordId {
        epoch: 1,
        sequence: at,
    };
    CallIndexRow {
        id,
        at: now.plus_micros(-ago),
        mode: Some(Mode::Live),
        api: "pay".to_owned(),
        operation: "Plain".to_owned(),
        app: Some(AppId::from_u128(app_id(number))),
        developer: Some(AccountId::from_u128(account_id(number))),
        account: Some(AccountId::from_u128(account_id(number))),
        capabilities: format!(" {capability} "),
        outcome: if refused { "refused" } else { "served" }.to_owned(),
        status: if refused { 403 } else { 200 },
        code: if refused { "level_too_low" } else { "" }.to_owned(),
        record: record(id, number, capability).into_bytes(),
    }
}

/// As long as the record of a call with four limits is.
fn record(id: RecordId, number: u32, capability: &str) -> String {
    json!({ "call": {
        "id": id, "at": 0, "mode": "live", "api": "pay", "operation": "Plain", "method": "GET",
        "path": "/pay/plain/ac_10422/charges", "credential": null,
        "app": [AppId::from_u128(app_id(number)).to_string(), app(number)],
        "developer": [AccountId::from_u128(account_id(number)).to_string(), developer(number)],
        "account": null, "capabilities": [capability], "enforcement": "enforce", "status": 200,
        "code": "", "answer": "{}", "revision": 3, "facts": [], "facts_left_out": 0,
        "counters": [], "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }, "settled": null })
    .to_string()
}
