use flows::CallDocument;
use primitives::{Enforcement, Mode, Quantity};
use serde::Serialize;
use serde_json::Value;
use store::CallIndexRow;

use super::{Entries, tone};

/// A call in a list of decisions.
#[derive(Debug, Serialize)]
pub(crate) struct CallRow {
    pub(crate) id: String,
    pub(crate) time: String,
    pub(crate) outcome: String,
    pub(crate) tone: &'static str,
    pub(crate) code: String,
    pub(crate) app: String,
    pub(crate) api: String,
    pub(crate) operation: String,
    pub(crate) capabilities: Vec<String>,
    pub(crate) mode: &'static str,
}

impl CallRow {
    pub(crate) fn of(row: &CallIndexRow) -> Self {
        let known = document(row);
        let named = known
            .as_ref()
            .and_then(|document| document.call.app.clone());
        let id = row.app.map(|id| id.to_string()).unwrap_or_default();
        Self {
            id: row.id.to_string(),
            time: seconds(&row.at.to_string()),
            outcome: row.outcome.clone(),
            tone: tone(&row.outcome),
            code: row.code.clone(),
            app: named.map_or(id, |(_, name)| name),
            api: row.api.clone(),
            operation: row.operation.clone(),
            capabilities: row
                .capabilities
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            mode: row.mode.map(Mode::as_str).unwrap_or_default(),
        }
    }
}

/// All that is known of a call; `None` when the row was written by a newer version.
fn document(row: &CallIndexRow) -> Option<CallDocument> {
    serde_json::from_str(&row.record).ok()
}

/// `2026-11-22T03:04:05.678901Z` as `2026-11-22 03:04:05`.
fn seconds(rfc_3339: &str) -> String {
    rfc_3339
        .chars()
        .take(19)
        .map(|c| if c == 'T' { ' ' } else { c })
        .collect()
}

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

/// One limit of an explanation.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LimitRow {
    pub(crate) limit: String,
    pub(crate) used: String,
    pub(crate) most: String,
    pub(crate) resets_at: String,
}

impl LimitRow {
    pub(crate) fn new(limit: &str, used: Option<Quantity>, most: Option<Quantity>) -> Self {
        Self {
            limit: limit.to_owned(),
            used: used.map(|used| used.to_string()).unwrap_or_default(),
            most: most.map_or_else(|| "unlimited".to_owned(), |most| most.to_string()),
            resets_at: String::new(),
        }
    }
}

/// A capability of an explanation.
#[derive(Debug, Serialize)]
pub(crate) struct CapabilityDetail {
    pub(crate) name: String,
    pub(crate) granted: bool,
    pub(crate) gates: Vec<GateRow>,
    pub(crate) limits: Vec<LimitRow>,
}

/// An edit that would help.
#[derive(Debug, Serialize)]
pub(crate) struct EditRow {
    pub(crate) words: String,
    pub(crate) by: String,
}

/// One decision with everything about it.
#[derive(Debug, Serialize)]
pub(crate) struct CallDetail {
    pub(crate) section: &'static str,
    pub(crate) call: CallRow,
    pub(crate) refused: bool,
    pub(crate) facts: Entries,
    pub(crate) edits: Vec<EditRow>,
    pub(crate) call_gates: Vec<GateRow>,
    pub(crate) capabilities: Vec<CapabilityDetail>,
}

impl CallDetail {
    pub(crate) fn of(row: &CallIndexRow) -> Self {
        let document = document(row);
        let answer: Value = document
            .as_ref()
            .and_then(|known| serde_json::from_str(&known.call.answer).ok())
            .unwrap_or_default();
        Self {
            section: "decisions",
            refused: !row.code.is_empty() && document.is_some(),
            facts: document
                .as_ref()
                .map(|known| entries(row, known))
                .unwrap_or_default(),
            edits: list(&answer, "edits")
                .map(|edit| EditRow {
                    words: field(edit, "text"),
                    by: maker(edit),
                })
                .collect(),
            call_gates: gates(&answer),
            capabilities: list(&answer, "capabilities").map(capability).collect(),
            call: CallRow::of(row),
        }
    }
}

fn entries(row: &CallIndexRow, known: &CallDocument) -> Entries {
    let call = &known.call;
    let status = if row.status == 0 {
        "none".to_owned()
    } else {
        row.status.to_string()
    };
    let enforcement = match call.enforcement {
        Enforcement::Enforce => "enforce",
        Enforcement::Observe => "observe: the decision did not bind",
    };
    [
        ("Request", format!("{} {}", call.method, call.path)),
        ("Operation", format!("{} {}", row.api, row.operation)),
        (
            "App",
            call.app
                .as_ref()
                .map(|(_, name)| name.clone())
                .unwrap_or_default(),
        ),
        (
            "Developer",
            call.developer
                .as_ref()
                .map(|(_, name)| name.clone())
                .unwrap_or_default(),
        ),
        (
            "Account",
            call.account
                .as_ref()
                .map(|(_, name)| name.clone())
                .unwrap_or_default(),
        ),
        ("Status", status),
        ("Enforcement", enforcement.to_owned()),
        ("State revision", call.revision.to_string()),
        ("Trace", call.trace_id.clone()),
    ]
    .into_iter()
    .filter(|(_, value)| !value.trim().is_empty())
    .collect()
}

/// Who may make an edit, in words.
fn maker(edit: &Value) -> String {
    match field(edit, "business_unit") {
        unit if unit.is_empty() => format!("the {}", field(edit, "by")),
        unit => format!("the business unit {unit}"),
    }
}

fn capability(value: &Value) -> CapabilityDetail {
    CapabilityDetail {
        name: field(value, "capability"),
        granted: value
            .get("granted")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        gates: gates(value),
        limits: list(value, "limits")
            .map(|limit| LimitRow {
                limit: field(limit, "limit"),
                used: field(limit, "used"),
                most: Some(field(limit, "most"))
                    .filter(|most| !most.is_empty())
                    .unwrap_or_else(|| "unlimited".to_owned()),
                resets_at: seconds(&field(limit, "resets_at")),
            })
            .collect(),
    }
}

fn gates(of: &Value) -> Vec<GateRow> {
    list(of, "gates")
        .map(|gate| {
            let outcome = field(gate, "outcome");
            GateRow {
                gate: field(gate, "gate"),
                tone: tone(&outcome),
                outcome: outcome.replace('_', " "),
                code: field(gate, "code"),
                rule: field(gate, "rule"),
                value: field(gate, "value"),
                threshold: field(gate, "threshold"),
            }
        })
        .collect()
}

fn list<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn field(of: &Value, key: &str) -> String {
    of.get(key).map(text).unwrap_or_default()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
