//! What templates are given. Plain values, made from what store and snapshot say.

use primitives::Mode;
use serde::Serialize;

mod anomalies;
mod apis;
mod apps;
mod calls;
mod chart;
mod conditions;
mod decision;
mod developers;
mod events;
mod limits;
mod notices;
mod overview;
mod persons;
mod places;
mod reference;
mod try_it;
mod units;
mod vettings;

pub(crate) use anomalies::{AnomalyDetail, AnomalyRow};
pub(crate) use apis::{ApiRow, OperationRow, api_entries};
pub(crate) use apps::{AppRow, CapabilityRow, KeyRow, app_entries};
pub(crate) use calls::CallRow;
pub(crate) use chart::{ChartView, Stretch};
pub(crate) use decision::CallDetail;
pub(crate) use developers::{
    DeveloperRow, LadderRow, LimitEdit, SwitchRow, developer_entries, developer_href,
};
pub(crate) use events::EventRow;
pub(crate) use limits::QuotaBar;
pub(crate) use notices::{MailChoice, NoticeRow, notice_word};
pub(crate) use overview::{ExpiringKey, HourView, QuietApi};
pub(crate) use persons::{PasskeyRow, PersonRow, RoleChoice, SignInRow};
pub(crate) use places::{MapView, PLACES, RegionChoice, place_key, whose};
pub(crate) use reference::{AnswerView, FieldView, KeyChoice, ReferenceRow};
pub(crate) use try_it::first_call;
pub(crate) use units::grouped;
pub(crate) use vettings::{VettingDetail, VettingRow, doubt, state as vetting_state};

/// Something known of a thing, under a label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    pub(crate) label: String,
    pub(crate) text: String,
    /// Where the text leads.
    pub(crate) href: Option<String>,
    /// An identifier: set in code, with a button that copies it.
    pub(crate) id: bool,
    /// In our words, with names between backticks; otherwise it is shown as it is.
    pub(crate) words: bool,
}

impl Entry {
    pub(crate) fn text(label: &str, text: impl Into<String>) -> Self {
        Self {
            label: label.to_owned(),
            text: text.into(),
            ..Self::default()
        }
    }

    pub(crate) fn words(label: &str, text: impl Into<String>) -> Self {
        Self {
            words: true,
            ..Self::text(label, text)
        }
    }

    pub(crate) fn id(label: &str, text: impl Into<String>) -> Self {
        Self {
            id: true,
            ..Self::text(label, text)
        }
    }

    pub(crate) fn link(label: &str, text: impl Into<String>, href: String) -> Self {
        Self {
            href: Some(href),
            ..Self::text(label, text)
        }
    }

    /// Entries that say something.
    pub(crate) fn said(entries: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let says = |entry: &Self| !entry.text.trim().is_empty();
        entries.into_iter().filter(says).collect()
    }
}

/// One of several ways to look at the same list.
#[derive(Debug, Serialize)]
pub(crate) struct Tab {
    pub(crate) title: &'static str,
    pub(crate) count: usize,
    pub(crate) href: String,
    pub(crate) current: bool,
}

/// What stands where a list has nothing to show: why, and what to do about it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Empty {
    pub(crate) title: String,
    pub(crate) says: String,
    pub(crate) command: Option<String>,
    /// A link: where it leads and what it is called.
    pub(crate) action: Option<(String, &'static str)>,
}

/// Where a page stands: the way back, from the outermost.
#[derive(Debug, Serialize)]
pub(crate) struct Crumb {
    pub(crate) title: &'static str,
    pub(crate) href: String,
}

/// The colour of an outcome, always beside its word.
pub(crate) fn tone(word: &str) -> &'static str {
    match word {
        "passed" | "served" | "granted" => "good",
        "refused" | "rejected" => "bad",
        "unknown" | "not_sent" => "warn",
        _ => "mute",
    }
}

pub(crate) fn mode_word(mode: Option<Mode>) -> &'static str {
    mode.map(Mode::as_str).unwrap_or_default()
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
