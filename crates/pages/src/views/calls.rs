use flows::CallDocument;
use primitives::Timestamp;
use serde::Serialize;
use store::CallIndexRow;

use super::{link, mode_word, tone};
use crate::when::When;

/// How many of a call's capabilities a row names.
const SHOWN: usize = 3;

/// A call in a list of decisions.
#[derive(Debug, Serialize)]
pub(crate) struct CallRow {
    pub(crate) id: String,
    pub(crate) href: String,
    pub(crate) when: When,
    pub(crate) outcome: String,
    pub(crate) tone: &'static str,
    pub(crate) code: String,
    /// It passed although a gate refused, because its API only observes.
    pub(crate) observed: bool,
    pub(crate) app: String,
    pub(crate) api: String,
    /// The operation, or the request when none matched.
    pub(crate) request: String,
    /// The first few; its page has them all.
    pub(crate) capabilities: Vec<String>,
    pub(crate) more_capabilities: usize,
    pub(crate) mode: &'static str,
}

impl CallRow {
    /// In a list of its own, at `list`.
    pub(crate) fn within(row: &CallIndexRow, now: Timestamp, list: &str) -> Self {
        Self {
            href: format!("{list}/{}", row.id),
            ..Self::of(row, now, &[])
        }
    }

    /// `filters` are kept in the row's link, so that its page leads back to the same list.
    pub(crate) fn of(row: &CallIndexRow, now: Timestamp, filters: &[(&str, &str)]) -> Self {
        let known = document(row);
        let id = row.id.to_string();
        let named = known
            .as_ref()
            .and_then(|document| document.call.app.clone());
        let request = match &known {
            Some(document) if row.operation.is_empty() => {
                format!("{} {}", document.call.method, document.call.path)
            }
            _ => row.operation.clone(),
        };
        let capabilities = || row.capabilities.split_whitespace();
        Self {
            href: link(&format!("/console/decisions/{id}"), filters),
            when: When::of(row.at, now),
            tone: tone(&row.outcome),
            outcome: outcome_words(&row.outcome),
            code: row.code.clone(),
            observed: !row.code.is_empty() && row.outcome != "refused",
            app: named.map_or_else(
                || row.app.map(|id| id.to_string()).unwrap_or_default(),
                |(_, name)| name,
            ),
            api: row.api.clone(),
            request: if request.is_empty() {
                id.clone()
            } else {
                request
            },
            capabilities: capabilities().take(SHOWN).map(str::to_owned).collect(),
            more_capabilities: capabilities().count().saturating_sub(SHOWN),
            mode: mode_word(row.mode),
            id,
        }
    }
}

/// An outcome as people say it.
pub(crate) fn outcome_words(word: &str) -> String {
    word.replace('_', " ")
}

/// All that is known of a call; `None` when the row was written by a newer version.
pub(crate) fn document(row: &CallIndexRow) -> Option<CallDocument> {
    CallDocument::read(&row.record)
}
