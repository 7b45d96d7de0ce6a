use decision::{Catalogue, Gate, spoken_level};
use flows::CallDocument;
use journal::{CallOutcome, CallRecord, Manner, Settlement};
use primitives::{Country, Enforcement, Timestamp};
use serde::Serialize;
use serde_json::Value;
use snapshot::Snapshot;
use store::CallIndexRow;

use super::{
    CallRow, Crumb, Entry, calls,
    limits::LimitRow,
    link, tone,
    units::{counted, duration, size},
};
use crate::when::When;

/// One gate of an explanation.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct GateRow {
    pub(crate) gate: String,
    pub(crate) outcome: String,
    pub(crate) tone: &'static str,
    pub(crate) code: String,
    pub(crate) rule: String,
    pub(crate) value: String,
    pub(crate) threshold: String,
}

/// A capability of an explanation.
#[derive(Debug, Serialize)]
pub(crate) struct CapabilityDetail {
    pub(crate) name: String,
    pub(crate) granted: bool,
    /// At least one gate was.
    pub(crate) evaluated: bool,
    pub(crate) gates: Vec<GateRow>,
    pub(crate) limits: Vec<LimitRow>,
}

/// A change that would help, with who may make it, or an offer, with whom it is for.
#[derive(Debug, Serialize)]
pub(crate) struct EditRow {
    pub(crate) words: String,
    pub(crate) who: String,
}

/// What a call took of a counter.
#[derive(Debug, Serialize)]
pub(crate) struct CounterRow {
    pub(crate) limit: String,
    pub(crate) cost: String,
    pub(crate) begins: When,
    /// `None` for a lifetime.
    pub(crate) ends: Option<When>,
}

/// One decision with everything about it.
#[derive(Debug, Serialize)]
pub(crate) struct CallDetail {
    pub(crate) section: &'static str,
    pub(crate) crumbs: [Crumb; 1],
    pub(crate) call: CallRow,
    /// Refused, and the explanation is there to say more.
    pub(crate) refused: bool,
    pub(crate) request: Vec<Entry>,
    pub(crate) record: Vec<Entry>,
    pub(crate) facts: Vec<Entry>,
    pub(crate) edits: Vec<EditRow>,
    pub(crate) offers: Vec<EditRow>,
    /// What no gate says: why there is no whole answer.
    pub(crate) because: String,
    pub(crate) call_gates: Vec<GateRow>,
    pub(crate) call_limits: Vec<LimitRow>,
    pub(crate) capabilities: Vec<CapabilityDetail>,
    pub(crate) counters: Vec<CounterRow>,
    pub(crate) given_back: bool,
    /// The record as it is kept, for people who read JSON.
    pub(crate) raw: String,
}

impl CallDetail {
    pub(crate) fn of(
        row: &CallIndexRow,
        snapshot: &Snapshot,
        now: Timestamp,
        filters: &[(&str, &str)],
    ) -> Self {
        let known = calls::document(row);
        let kept = flows::record_in_words(&row.record);
        let answer = answer_of(&kept);
        let catalogue = snapshot.catalogue();
        let settled = known.as_ref().and_then(|known| known.settled.as_ref());
        Self {
            section: "decisions",
            crumbs: [Crumb {
                title: "Decisions",
                href: link("/console/decisions", filters),
            }],
            refused: !row.code.is_empty() && known.is_some(),
            request: known.as_ref().map(request).unwrap_or_default(),
            record: record(row, known.as_ref(), now),
            facts: facts(&kept),
            edits: list(&answer, "edits").map(edit).collect(),
            offers: list(&answer, "offers").map(offer).collect(),
            because: field(&answer, "because"),
            call_gates: gates(&answer),
            call_limits: LimitRow::all_stored(&answer, catalogue, now),
            capabilities: list(&answer, "capabilities")
                .map(|one| capability(one, catalogue, now))
                .collect(),
            counters: known
                .as_ref()
                .map(|known| counters(&known.call, snapshot, now))
                .unwrap_or_default(),
            given_back: settled.is_some_and(|settled| settled.refunded),
            raw: readable(kept, answer),
            call: CallRow::of(row, now, filters),
        }
    }
}

impl CallDetail {
    /// What the app that called may know of it: what it was answered, and no more.
    pub(crate) fn of_app(
        row: &CallIndexRow,
        snapshot: &Snapshot,
        now: Timestamp,
        list: Crumb,
    ) -> Self {
        let answer = answer_of(&flows::record_in_words(&row.record));
        let answer = admission::cut(answer, admission::Audience::App);
        let catalogue = snapshot.catalogue();
        let status = Some(row.status).filter(|status| *status > 0);
        Self {
            section: "apps",
            refused: !row.code.is_empty(),
            request: Vec::new(),
            record: Entry::said([
                Entry::id("Decision", row.id.to_string()),
                Entry::text("API", row.api.clone()),
                Entry::text("Operation", row.operation.clone()),
                Entry::text(
                    "Answered",
                    status.map(|status| status.to_string()).unwrap_or_default(),
                ),
            ]),
            facts: Vec::new(),
            edits: self::list(&answer, "edits").map(edit).collect(),
            offers: self::list(&answer, "offers").map(offer).collect(),
            because: field(&answer, "because"),
            call_gates: gates(&answer),
            call_limits: LimitRow::all_stored(&answer, catalogue, now),
            capabilities: self::list(&answer, "capabilities")
                .map(|one| capability(one, catalogue, now))
                .collect(),
            counters: Vec::new(),
            given_back: false,
            raw: String::new(),
            call: CallRow::within(row, now, &list.href),
            crumbs: [list],
        }
    }
}

fn capability(told: &Value, catalogue: &Catalogue, now: Timestamp) -> CapabilityDetail {
    let gates = gates(told);
    CapabilityDetail {
        name: field(told, "capability"),
        granted: told.get("granted").and_then(Value::as_bool) == Some(true),
        evaluated: gates.iter().any(|gate| gate.outcome != "not evaluated"),
        gates,
        limits: LimitRow::all_stored(told, catalogue, now),
    }
}

/// The explanation travels as text inside the record.
fn answer_of(kept: &Value) -> Value {
    let answer = kept.get("call").and_then(|call| call.get("answer"));
    answer
        .and_then(Value::as_str)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn readable(mut kept: Value, answer: Value) -> String {
    if let Some(place) = kept.get_mut("call").and_then(|call| call.get_mut("answer")) {
        *place = answer;
    }
    if kept.is_null() {
        return String::new();
    }
    serde_json::to_string_pretty(&kept).unwrap_or_default()
}

fn request(known: &CallDocument) -> Vec<Entry> {
    let call = &known.call;
    let name = |named: Option<&String>| named.cloned().unwrap_or_default();
    let app = name(call.app.as_ref().map(|(_, name)| name));
    Entry::said([
        Entry::id("Request", format!("{} {}", call.method, call.path)),
        Entry::link(
            "API",
            call.api.clone(),
            format!("/console/apis/{}", call.api),
        ),
        Entry::text("Operation", call.operation.clone()),
        Entry::link("App", app.clone(), format!("/console/apps/{app}")),
        Entry::text(
            "Developer",
            name(call.developer.as_ref().map(|(_, name)| name)),
        ),
        Entry::text("Account", name(call.account.as_ref().map(|(_, name)| name))),
        Entry::id(
            "Key",
            call.credential.map(|id| id.to_string()).unwrap_or_default(),
        ),
    ])
}

fn record(row: &CallIndexRow, known: Option<&CallDocument>, now: Timestamp) -> Vec<Entry> {
    let when = When::of(row.at, now);
    let mut entries = vec![
        Entry::id("Decision", row.id.to_string()),
        Entry::text("Decided", format!("{}, {}", when.absolute, when.relative)),
    ];
    let Some(known) = known else {
        return entries;
    };
    let call = &known.call;
    let enforcement = match call.enforcement {
        Enforcement::Enforce => "enforce",
        Enforcement::Observe => "observe: the decision did not bind",
    };
    entries.extend([
        Entry::text("Answered", answered(row, known.settled.as_ref())),
        Entry::text("Enforcement", enforcement),
        Entry::text(
            "Made with",
            manner(call, |manner| manner.technology.clone()),
        ),
        Entry::text("From", manner(call, |manner| place(manner.country))),
        Entry::text("Unusual", manner(call, unusual)),
        Entry::text("Stands lower", manner(call, lower)),
        Entry::text("State revision", call.revision.to_string()),
        Entry::id("Trace", call.trace_id.clone()),
    ]);
    Entry::said(entries)
}

/// Something of how a call was made; nothing where no rule about anomalies looked at it.
fn manner(call: &CallRecord, told: impl Fn(&Manner) -> String) -> String {
    call.manner.as_ref().map(told).unwrap_or_default()
}

fn place(country: Option<Country>) -> String {
    country
        .map(|country| country.to_string())
        .unwrap_or_default()
}

fn unusual(manner: &Manner) -> String {
    let all = manner.anomalies.iter();
    let told = all.map(|one| format!("{}: {}; wanted {}", one.rule, one.found, one.wanted));
    told.collect::<Vec<_>>().join(" · ")
}

fn lower(manner: &Manner) -> String {
    match manner.levels_down {
        0 => String::new(),
        1 => "by a level".to_owned(),
        levels => format!("by {levels} levels"),
    }
}

fn answered(row: &CallIndexRow, settled: Option<&Settlement>) -> String {
    match settled.map(|settled| settled.outcome) {
        None if row.status == 0 => String::new(),
        None => format!("{} by the gate", row.status),
        Some(CallOutcome::Served {
            status,
            bytes_in,
            bytes_out,
            micros,
        }) => format!(
            "{status} by the upstream after {}; {} in, {} out",
            duration(micros),
            size(bytes_in),
            size(bytes_out)
        ),
        Some(CallOutcome::NotSent) => "by the gate: the upstream was not reached".to_owned(),
        Some(CallOutcome::Unknown) => {
            "unknown: forwarded, and no answer came; it counts, and is never billed".to_owned()
        }
    }
}

/// The facts that were taken from the request, with the reason where one could not be used.
fn facts(kept: &Value) -> Vec<Entry> {
    let Some(call) = kept.get("call") else {
        return Vec::new();
    };
    let fact = |fact| {
        let unusable = field(fact, "unusable");
        let value = field(fact, "value");
        let told = match fact.get("cut").and_then(Value::as_bool) {
            _ if !unusable.is_empty() => format!("unusable: {unusable}"),
            Some(true) => format!("{value}…"),
            _ => value,
        };
        Entry::text(&field(fact, "name"), told)
    };
    let mut entries: Vec<_> = list(call, "facts").map(fact).collect();
    let left_out = call.get("facts_left_out").and_then(Value::as_u64);
    if let Some(count) = left_out.filter(|count| *count > 0) {
        let told = counted(count, "fact, left out", "facts, left out");
        entries.push(Entry::text("and", told));
    }
    entries
}

fn edit(edit: &Value) -> EditRow {
    let who = match (field(edit, "business_unit"), field(edit, "by")) {
        (unit, _) if !unit.is_empty() => format!("by the business unit `{unit}`"),
        (_, by) if by.is_empty() => String::new(),
        (_, by) => format!("by the {}", by.replace('_', " ")),
    };
    let words = field(edit, "text");
    EditRow { words, who }
}

fn offer(offer: &Value) -> EditRow {
    let who = match field(offer, "who") {
        who if who.is_empty() => who,
        who => format!("for the {who} to take up"),
    };
    let words = field(offer, "text");
    EditRow { words, who }
}

fn counters(call: &CallRecord, snapshot: &Snapshot, now: Timestamp) -> Vec<CounterRow> {
    let limits = &snapshot.catalogue().limits;
    let named = |stable| {
        let found = limits.iter().find(|(_, limit)| limit.stable == stable);
        found.map_or_else(
            || "a limit that is gone".to_owned(),
            |(_, limit)| limit.name.to_string(),
        )
    };
    call.counters
        .iter()
        .map(|spend| CounterRow {
            limit: named(spend.limit),
            cost: spend.cost.to_string(),
            begins: When::of(spend.begins_at, now),
            ends: (spend.ends_at.as_micros() != i64::MAX).then(|| When::of(spend.ends_at, now)),
        })
        .collect()
}

fn gates(of: &Value) -> Vec<GateRow> {
    list(of, "gates")
        .map(|gate| {
            let outcome = field(gate, "outcome");
            let name = field(gate, "gate");
            let told = |part| gate_words(&name, &field(gate, part));
            GateRow {
                tone: tone(&outcome),
                outcome: outcome.replace('_', " "),
                code: field(gate, "code"),
                rule: told("rule"),
                value: told("value"),
                threshold: told("threshold"),
                gate: name,
            }
        })
        .collect()
}

/// What a gate says, for people.
pub(super) fn gate_words(gate: &str, said: &str) -> String {
    if gate == Gate::Level.as_str() {
        spoken_level(said)
    } else {
        said.to_owned()
    }
}

pub(super) fn list<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of.get(key).and_then(Value::as_array).into_iter().flatten()
}

pub(super) fn field(of: &Value, key: &str) -> String {
    of.get(key).map(text).unwrap_or_default()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
