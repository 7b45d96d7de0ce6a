use accounts::{
    risk::{Assessment, Found, Line, Room},
    vetting::{Decider, Doubt, Vetting},
};
use decision::{Account, Attribute};
use primitives::Timestamp;
use serde::Serialize;

use super::{Entry, developers::developer_href};
use crate::when::When;

/// A vetting in the list and at the head of its page.
#[derive(Debug, Serialize)]
pub(crate) struct VettingRow {
    pub(crate) account: String,
    pub(crate) ladder: String,
    pub(crate) href: String,
    pub(crate) tone: &'static str,
    pub(crate) state: &'static str,
    /// The level given or applied for.
    pub(crate) level: String,
    pub(crate) points: Option<i64>,
    pub(crate) why: Vec<&'static str>,
    pub(crate) since: When,
}

impl VettingRow {
    pub(crate) fn of(kept: &store::Vetting, vetting: &Vetting, now: Timestamp) -> Self {
        let (account, ladder) = (kept.account.to_string(), kept.ladder.to_string());
        let level = match vetting {
            Vetting::InReview(review) => review.wanted.as_ref(),
            Vetting::Approved(approval) => Some(&approval.level),
            Vetting::Refused(_) | Vetting::Withdrawn => None,
        };
        let why = match vetting {
            Vetting::InReview(review) => review.why.iter().map(|one| doubt(*one)).collect(),
            _ => Vec::new(),
        };
        let (tone, state) = state(vetting);
        Self {
            href: format!("/console/vettings/{account}/{ladder}"),
            account,
            ladder,
            tone,
            state,
            level: level.map(ToString::to_string).unwrap_or_default(),
            points: assessment(vetting).map(|found| found.points),
            why,
            since: When::of(kept.since, now),
        }
    }
}

/// What the page of a vetting shows below its head.
#[derive(Debug, Serialize)]
pub(crate) struct VettingDetail {
    pub(crate) entries_of: Vec<Entry>,
    pub(crate) known: Vec<Entry>,
    pub(crate) signals: Vec<SignalRow>,
    pub(crate) levels: Vec<LevelRow>,
}

/// What one signal gave.
#[derive(Debug, Serialize)]
pub(crate) struct SignalRow {
    pub(crate) name: String,
    pub(crate) tone: &'static str,
    pub(crate) found: &'static str,
    /// Whether a person has to look at it.
    pub(crate) open: bool,
    pub(crate) points: String,
}

/// What one level asks.
#[derive(Debug, Serialize)]
pub(crate) struct LevelRow {
    pub(crate) name: String,
    pub(crate) riskiest: String,
    pub(crate) sum: i64,
    pub(crate) fits: bool,
}

impl VettingDetail {
    pub(crate) fn of(
        kept: &store::Vetting,
        vetting: &Vetting,
        account: Option<&Account>,
        now: Timestamp,
    ) -> Self {
        let found = assessment(vetting);
        let lines = found.map(|found| &*found.lines).unwrap_or_default();
        let rooms = found.map(|found| &*found.rooms).unwrap_or_default();
        Self {
            entries_of: entries(kept, vetting, now),
            known: account.map(known).unwrap_or_default(),
            signals: lines.iter().map(signal).collect(),
            levels: rooms.iter().map(level).collect(),
        }
    }
}

fn entries(kept: &store::Vetting, vetting: &Vetting, now: Timestamp) -> Vec<Entry> {
    let by = match vetting {
        Vetting::Approved(approval) => Some(&approval.by),
        Vetting::Refused(refusal) => Some(&refusal.by),
        Vetting::InReview(_) | Vetting::Withdrawn => None,
    };
    let (who, note) = match by {
        Some(Decider::Person { actor, note }) => (actor.clone(), note.clone()),
        Some(Decider::Model) => ("the risk model".to_owned(), String::new()),
        None => (String::new(), String::new()),
    };
    let due = kept.due_at.map(|at| When::of(at, now));
    let due = due.map(|due| format!("{} ({})", due.relative, due.absolute));
    Entry::said([
        Entry::link(
            "Developer",
            kept.account.to_string(),
            developer_href(kept.account.as_str()),
        ),
        Entry::text("Ladder", kept.ladder.to_string()),
        Entry::text("Decided by", who),
        Entry::text("Note", note),
        Entry::text("Looked at again", due.unwrap_or_default()),
    ])
}

/// What is known of the account now.
fn known(account: &Account) -> Vec<Entry> {
    let country = account.home.map(|home| home.to_string());
    let mut entries = vec![
        Entry::text("Verified", if account.verified { "yes" } else { "no" }),
        Entry::text("Country", country.unwrap_or_else(|| "not said".to_owned())),
    ];
    entries.extend(properties(account));
    Entry::said(entries)
}

/// The declared properties of an account.
pub(super) fn properties(account: &Account) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (name, value) in &*account.attributes {
        let text = match value {
            Attribute::Boolean(true) => "yes".to_owned(),
            Attribute::Boolean(false) => "no".to_owned(),
            Attribute::Integer(number) => number.to_string(),
            Attribute::Text(text) => text.clone(),
            Attribute::Texts(texts) => texts.join(", "),
        };
        entries.push(Entry::text(name.as_str(), text));
    }
    entries
}

const fn assessment(vetting: &Vetting) -> Option<&Assessment> {
    match vetting {
        Vetting::InReview(review) => Some(&review.assessment),
        Vetting::Approved(approval) => Some(&approval.assessment),
        Vetting::Refused(refusal) => Some(&refusal.assessment),
        Vetting::Withdrawn => None,
    }
}

pub(crate) const fn state(vetting: &Vetting) -> (&'static str, &'static str) {
    match vetting {
        Vetting::InReview(_) => ("warn", "in review"),
        Vetting::Approved(_) => ("good", "approved"),
        Vetting::Refused(_) => ("bad", "refused"),
        Vetting::Withdrawn => ("mute", "withdrawn"),
    }
}

pub(crate) const fn doubt(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Unknown => "the account does not say everything that the risk model asks",
        Doubt::TooRisky => "the points allow less than was applied for",
        Doubt::AboveAutomatic => "a person gives this level",
        Doubt::RiskRose => "the points rose, and allow less than was given before",
    }
}

fn signal(line: &Line) -> SignalRow {
    let (tone, found) = match line.found {
        Found::Yes if line.points > 0 => ("bad", "yes"),
        Found::Yes => ("good", "yes"),
        Found::No => ("mute", "no"),
        Found::Missing => ("mute", "not said"),
        Found::Unknown => ("warn", "not said"),
    };
    SignalRow {
        name: line.signal.to_string(),
        tone,
        found,
        open: line.found == Found::Unknown,
        points: format!("{:+}", line.points),
    }
}

fn level(room: &Room) -> LevelRow {
    let riskiest = room.riskiest.as_ref();
    LevelRow {
        name: room.level.to_string(),
        riskiest: riskiest.map(ToString::to_string).unwrap_or_default(),
        sum: room.sum,
        fits: room.tolerated,
    }
}
