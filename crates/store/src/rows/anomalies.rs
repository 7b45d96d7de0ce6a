use primitives::{AnomalyId, AppId, Timestamp};

use super::{CorruptRow, Reader, record, shown};
use crate::{Anomaly, HabitRow};

/// A row of `habits`.
#[derive(Debug)]
pub struct HabitColumns {
    /// The gateway.
    pub gateway: String,
    /// 16 bytes.
    pub app: Vec<u8>,
    /// Mode word.
    pub mode: String,
    /// JSON.
    pub body: String,
}

impl TryFrom<HabitColumns> for HabitRow {
    type Error = CorruptRow;

    fn try_from(row: HabitColumns) -> Result<Self, CorruptRow> {
        let id = shown(&row.app);
        let reader = Reader {
            table: "habits",
            id: &id,
        };
        Ok(Self {
            app: AppId::from_u128(reader.number(&row.app, "app")?),
            mode: reader.mode(&row.mode, "mode")?,
            gateway: row.gateway,
            body: row.body,
        })
    }
}

/// A row of `anomalies`.
#[derive(Debug)]
pub struct AnomalyColumns {
    /// 16 bytes.
    pub id: Vec<u8>,
    /// 16 bytes.
    pub app: Vec<u8>,
    /// The app's name.
    pub app_name: String,
    /// Mode word.
    pub mode: String,
    /// The rule.
    pub rule: String,
    /// What it looks at.
    pub signal: String,
    /// The value.
    pub value: String,
    /// State word.
    pub state: String,
    /// Action word.
    pub action: String,
    /// Levels lower.
    pub levels: i64,
    /// What was found.
    pub found: String,
    /// What was wanted.
    pub wanted: String,
    /// 16 bytes.
    pub decision: Vec<u8>,
    /// How many calls.
    pub calls: i64,
    /// The first.
    pub first_at: i64,
    /// The newest.
    pub last_at: i64,
    /// Until when the app stands lower.
    pub lower_until: Option<i64>,
    /// Who marked it.
    pub marked_by: String,
    /// Why.
    pub note: String,
    /// When.
    pub marked_at: Option<i64>,
}

impl TryFrom<AnomalyColumns> for Anomaly {
    type Error = CorruptRow;

    fn try_from(row: AnomalyColumns) -> Result<Self, CorruptRow> {
        let id = shown(&row.id);
        let reader = Reader {
            table: "anomalies",
            id: &id,
        };
        Ok(Self {
            id: AnomalyId::from_u128(reader.number(&row.id, "id")?),
            app: AppId::from_u128(reader.number(&row.app, "app")?),
            app_name: row.app_name,
            mode: reader.mode(&row.mode, "mode")?,
            rule: row.rule,
            signal: row.signal,
            value: row.value,
            state: row.state,
            action: row.action,
            levels: reader.or(u32::try_from(row.levels).ok(), "levels")?,
            found: row.found,
            wanted: row.wanted,
            decision: reader.or(record(&row.decision), "decision")?,
            calls: reader.or(u64::try_from(row.calls).ok(), "calls")?,
            first_at: Timestamp::from_micros(row.first_at),
            last_at: Timestamp::from_micros(row.last_at),
            until: row.lower_until.map(Timestamp::from_micros),
            marked_by: row.marked_by,
            note: row.note,
            marked_at: row.marked_at.map(Timestamp::from_micros),
        })
    }
}
