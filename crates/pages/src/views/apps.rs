use decision::{App, CapabilityAnswer, Gate, GateAnswer, Outcome, spoken_level};
use primitives::{Mode, Timestamp};
use serde::Serialize;
use snapshot::Snapshot;
use store::Credential;

use super::{
    Entry, decision::gate_words, developers::developer_href, limits::LimitRow, units::counted,
};
use crate::when::When;

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
                    .map(|(_, level)| spoken_level(&vocabulary.levels.name(*level)))
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

/// What is known of an app, at the head of its page.
pub(crate) fn app_entries(app: &App, row: &AppRow, snapshot: &Snapshot) -> Vec<Entry> {
    let developer = snapshot.account(app.developer);
    let account = app.account.and_then(|id| snapshot.account(id));
    let plan = account.and_then(|account| account.plan);
    let plan = plan.map(|plan| snapshot.vocabulary().plans.name(plan).to_string());
    let profile = app.profile.as_ref().map(|profile| match &profile.name {
        Some(name) => name.to_string(),
        None => "of its own".to_owned(),
    });
    let off = app.off.iter().count() as u64;
    let verified = match developer {
        Some(developer) if !developer.verified => " (unverified)",
        _ => "",
    };
    Entry::said([
        Entry::id("App", row.id.clone()),
        Entry::link(
            "Developer",
            format!("{}{verified}", row.developer),
            developer_href(&row.developer),
        ),
        Entry::text("Level", row.level.clone()),
        Entry::text(
            "Acts for",
            account.map(|a| a.name.to_string()).unwrap_or_default(),
        ),
        Entry::text("Plan", plan.unwrap_or_default()),
        Entry::text("Profile", profile.unwrap_or_default()),
        Entry::text(
            "Switched off",
            match off {
                0 => String::new(),
                many => counted(many, "capability", "capabilities"),
            },
        ),
        Entry::text(
            "Class",
            if row.provider {
                "the provider's own traffic: passes and is metered"
            } else {
                ""
            },
        ),
    ])
}

/// A gate that keeps a capability from an app.
#[derive(Debug, Serialize)]
pub(crate) struct ReasonRow {
    pub(crate) code: String,
    pub(crate) value: String,
    pub(crate) threshold: String,
    /// Whether a policy refuses; its text is the threshold.
    #[serde(skip)]
    of_policy: bool,
}

/// A capability of an app, with the answer.
#[derive(Debug, Serialize)]
pub(crate) struct CapabilityRow {
    pub(crate) name: String,
    pub(crate) granted: bool,
    pub(crate) reasons: Vec<ReasonRow>,
    pub(crate) limits: Vec<LimitRow>,
    /// Whether it is on for this app, which can only narrow.
    pub(crate) on: bool,
    /// Whether it was switched off for this app.
    pub(crate) overridden: bool,
    /// How it is to stand when its switch is pressed.
    pub(crate) next: &'static str,
}

impl CapabilityRow {
    /// Takes the texts of policies out: they are the provider's.
    pub(crate) fn hide_policies(&mut self) {
        for reason in self.reasons.iter_mut().filter(|reason| reason.of_policy) {
            reason.threshold.clear();
        }
    }

    pub(crate) fn of(answer: &CapabilityAnswer, app: &App, snapshot: &Snapshot) -> Self {
        let off = app.off.contains(answer.capability);
        let text = |gate: &GateAnswer, part: &Option<String>| {
            gate_words(gate.gate.as_str(), part.as_deref().unwrap_or_default())
        };
        let name = snapshot.vocabulary().capabilities.name(answer.capability);
        Self {
            name: name.to_string(),
            granted: answer.granted,
            reasons: answer
                .gates
                .iter()
                .filter(|gate| gate.outcome == Outcome::Refused)
                .map(|gate| ReasonRow {
                    code: gate.code.to_owned(),
                    of_policy: gate.gate == Gate::Policy,
                    value: text(gate, &gate.value),
                    threshold: text(gate, &gate.threshold),
                })
                .collect(),
            limits: answer
                .limits
                .iter()
                .map(|one| LimitRow::of(one, snapshot.catalogue()))
                .collect(),
            on: !off,
            overridden: off,
            next: if off { "default" } else { "off" },
        }
    }
}

/// A key of an app.
#[derive(Debug, Serialize)]
pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) hint: String,
    pub(crate) mode: &'static str,
    pub(crate) permissions: String,
    pub(crate) created: When,
    pub(crate) tone: &'static str,
    pub(crate) state: &'static str,
    /// When it stopped or stops working.
    pub(crate) ends: Option<When>,
}

impl KeyRow {
    pub(crate) fn of(key: &Credential, now: Timestamp) -> Self {
        let over = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        let (tone, state, ends) = if over(key.revoked_at) {
            ("mute", "revoked", key.revoked_at)
        } else if over(key.expires_at) {
            ("mute", "expired", key.expires_at)
        } else if key.expires_at.is_some() {
            ("warn", "works until", key.expires_at)
        } else {
            ("good", "works", None)
        };
        Self {
            id: key.id.to_string(),
            hint: key.hint.clone(),
            mode: Mode::as_str(key.mode),
            permissions: key
                .permissions
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            created: When::of(key.created_at, now),
            tone,
            state,
            ends: ends.map(|at| When::of(at, now)),
        }
    }
}
