use primitives::{AnomalyId, AppId, Mode, RecordId, Timestamp};

/// What an app usually does in one mode, as one gateway has seen it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HabitRow {
    /// The gateway that learned it.
    pub gateway: String,
    /// The app.
    pub app: AppId,
    /// Its mode.
    pub mode: Mode,
    /// What it usually does, as JSON.
    pub body: String,
}

/// Something unusual in how an app calls: one for an app, a mode, a rule and a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// Its id, made of app, mode, rule and value.
    pub id: AnomalyId,
    /// The app.
    pub app: AppId,
    /// The app's name when it was found.
    pub app_name: String,
    /// Its mode.
    pub mode: Mode,
    /// The rule that found it.
    pub rule: String,
    /// What the rule looks at.
    pub signal: String,
    /// The unusual value.
    pub value: String,
    /// `open`, or `fine` once a person marked it.
    pub state: String,
    /// What followed.
    pub action: String,
    /// So many levels lower the app stands for it.
    pub levels: u32,
    /// The value and how often it was seen, of the newest call.
    pub found: String,
    /// What the rule wants and what is usual, of the newest call.
    pub wanted: String,
    /// The newest call.
    pub decision: RecordId,
    /// How many calls had it. The fold adds, it does not replace.
    pub calls: u64,
    /// The first call.
    pub first_at: Timestamp,
    /// The newest call.
    pub last_at: Timestamp,
    /// Until when the app stands lower for it; `None` when it does not.
    pub until: Option<Timestamp>,
    /// Who marked it; empty when nobody did.
    pub marked_by: String,
    /// Why.
    pub note: String,
    /// When.
    pub marked_at: Option<Timestamp>,
}

impl Anomaly {
    /// The state of one that nobody marked.
    pub const OPEN: &'static str = "open";
    /// The state of one that a person marked as fine.
    pub const FINE: &'static str = "fine";
}

/// A change of an anomaly's state. In any case the app no longer stands lower for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnomalyMark {
    /// The anomaly.
    pub id: AnomalyId,
    /// The state that it gets.
    pub state: &'static str,
    /// Who; empty for nobody.
    pub by: String,
    /// Why.
    pub note: String,
    /// When; `None` for nobody.
    pub at: Option<Timestamp>,
}

/// Which anomalies to list; every part that is set must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnomalyFilter {
    /// The app.
    pub app: Option<AppId>,
    /// The rule.
    pub rule: Option<String>,
    /// The state.
    pub state: Option<String>,
}

/// A place in the list of anomalies, to go on after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnomalyPlace {
    /// When it was found first.
    pub first_at: Timestamp,
    /// Its id.
    pub id: AnomalyId,
}
