//! What templates are given. Plain values, made from what store and snapshot say.

use catalog::{Api, Condition, Mount, Operation};
use decision::{App, Catalogue};
use primitives::Enforcement;
use serde::Serialize;
use snapshot::Snapshot;

mod calls;

pub(crate) use calls::{CallDetail, CallRow, LimitRow};

/// A number with a link, on the overview.
#[derive(Debug, Serialize)]
pub(crate) struct Card {
    pub(crate) title: &'static str,
    pub(crate) number: usize,
    pub(crate) href: &'static str,
}

/// An API in the list.
#[derive(Debug, Serialize)]
pub(crate) struct ApiRow {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) active: bool,
    pub(crate) enforcement: &'static str,
    pub(crate) mounts: Vec<String>,
    pub(crate) operations: usize,
    pub(crate) annotated: usize,
}

impl ApiRow {
    pub(crate) fn of(api: &Api) -> Self {
        Self {
            name: api.name.to_string(),
            version: api.version.clone(),
            active: api.active,
            enforcement: match api.enforcement {
                Enforcement::Enforce => "enforce",
                Enforcement::Observe => "observe",
            },
            mounts: api.mounts.iter().map(mount_text).collect(),
            operations: api.operations.len(),
            annotated: api.operations.iter().filter(|o| !o.uses.is_empty()).count(),
        }
    }
}

fn mount_text(mount: &Mount) -> String {
    match mount {
        Mount::Host(host) => format!("host {host}"),
        Mount::Path(path) => path.clone(),
    }
}

/// An operation of an API.
#[derive(Debug, Serialize)]
pub(crate) struct OperationRow {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) template: String,
    pub(crate) uses: Vec<UseRow>,
    pub(crate) facts: Vec<String>,
}

/// A capability that an operation uses.
#[derive(Debug, Serialize)]
pub(crate) struct UseRow {
    pub(crate) name: String,
    pub(crate) conditional: bool,
}

impl OperationRow {
    pub(crate) fn of(operation: &Operation, catalogue: &Catalogue) -> Self {
        let name = |symbol| catalogue.vocabulary.capabilities.name(symbol).to_string();
        Self {
            id: operation.id.to_string(),
            method: operation.method.clone(),
            template: operation.template.clone(),
            uses: operation
                .uses
                .iter()
                .map(|used| UseRow {
                    name: name(used.capability),
                    conditional: used.when.as_ref().is_some_and(|when| !always(when)),
                })
                .collect(),
            facts: operation
                .facts
                .0
                .iter()
                .map(|fact| fact.name.to_string())
                .collect(),
        }
    }
}

fn always(condition: &Condition) -> bool {
    matches!(condition, Condition::All(parts) if parts.is_empty())
}

/// An app in the list and at the head of its page.
#[derive(Debug, Serialize)]
pub(crate) struct AppRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) developer: String,
    pub(crate) level: String,
    pub(crate) apis: Vec<String>,
    pub(crate) active: bool,
    pub(crate) provider: bool,
}

impl AppRow {
    pub(crate) fn of(app: &App, snapshot: &Snapshot) -> Self {
        let vocabulary = snapshot.vocabulary();
        let account = snapshot.account(app.developer);
        let levels: Vec<String> = account
            .and_then(|account| account.developer.as_ref())
            .map(|developer| {
                developer
                    .levels
                    .iter()
                    .map(|(_, level)| vocabulary.levels.name(*level).to_string())
                    .map(|level| level.strip_prefix("default/").unwrap_or(&level).to_owned())
                    .collect()
            })
            .unwrap_or_default();
        Self {
            id: app.id.to_string(),
            name: app.name.to_string(),
            developer: account.map_or_else(|| "unknown".to_owned(), |a| a.name.to_string()),
            level: if levels.is_empty() {
                "lowest".to_owned()
            } else {
                levels.join(", ")
            },
            apis: app
                .subscriptions
                .iter()
                .map(|api| vocabulary.apis.name(api).to_string())
                .collect(),
            active: app.active,
            provider: app.provider,
        }
    }
}

/// A capability of an app, with the answer.
#[derive(Debug, Serialize)]
pub(crate) struct CapabilityRow {
    pub(crate) name: String,
    pub(crate) granted: bool,
    pub(crate) reasons: Vec<String>,
    pub(crate) limits: Vec<LimitRow>,
}

/// What the filter form was given.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct FilterView {
    pub(crate) app: String,
    pub(crate) api: String,
    pub(crate) outcome: String,
    pub(crate) mode: String,
    pub(crate) capability: String,
}

/// Label and value pairs, in order.
pub(crate) type Entries = Vec<(&'static str, String)>;

/// The colour of an outcome, always beside its word.
pub(crate) fn tone(word: &str) -> &'static str {
    match word {
        "passed" | "served" | "granted" => "good",
        "refused" | "rejected" => "bad",
        "unknown" | "not_sent" => "warn",
        _ => "mute",
    }
}

/// `path` with the pairs that have a value as its query.
pub(crate) fn link(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}
