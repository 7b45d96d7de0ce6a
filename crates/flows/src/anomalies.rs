//! What was unusual about calls: kept by the fold, marked as fine by a person, told in the log.

use accounts::anomalies::{Habit, Signal, Value};
use admission::{Habits, Lower, Whose};
use primitives::{AnomalyId, Timestamp};
use serde_json::json;
use store::{Anomaly, AnomalyMark, EventAction, Store, StoreFailure, WriteSet};

use crate::{Authority, ChangeRefused, Keep, Unable};

mod kept;

pub use kept::HabitDocument;

/// The word for anomalies in the event log.
pub const ANOMALY_KIND: &str = "anomaly";
/// Who ends what was for a time.
const JOB: &str = "anomalies";

/// Why an anomaly was not marked.
#[derive(Debug, thiserror::Error)]
pub enum MarkRefused {
    /// No such anomaly.
    #[error("there is no anomaly `{0}`; compare the id with the list of anomalies")]
    Unknown(AnomalyId),
    /// Nobody says why.
    #[error("say in `reason` why it is fine")]
    NoReason,
    /// It could not be done.
    #[error(transparent)]
    Change(#[from] ChangeRefused),
}

impl<T: Into<Unable>> From<T> for MarkRefused {
    fn from(failure: T) -> Self {
        Self::Change(ChangeRefused::Unable(failure.into()))
    }
}

/// Takes over what `gateway` learned, what was marked, and who stands lower.
///
/// # Errors
/// When the store fails.
pub async fn start_habits(
    store: &dyn Store,
    gateway: &str,
    (habits, now): (&Habits, Timestamp),
) -> Result<(), StoreFailure> {
    load_habits(store, gateway, habits).await?;
    follow_anomalies(store, habits, now).await
}

pub(crate) async fn load_habits(
    store: &dyn Store,
    gateway: &str,
    habits: &Habits,
) -> Result<(), StoreFailure> {
    let kept = store.habits(gateway).await?;
    let read = kept.into_iter().filter_map(|row| {
        // What a later version wrote is learned anew.
        let document: HabitDocument = serde_json::from_str(&row.body).ok()?;
        Some(((row.app, row.mode), Habit::from(document)))
    });
    habits.load(read);
    Ok(())
}

/// Takes over what was marked elsewhere, and who stands lower as others found.
///
/// # Errors
/// When the store fails.
pub async fn follow_anomalies(
    store: &dyn Store,
    habits: &Habits,
    now: Timestamp,
) -> Result<(), StoreFailure> {
    for one in store.anomalies_in_force().await? {
        in_force(&one, habits, now);
    }
    Ok(())
}

/// Puts one anomaly in force as its state says.
fn in_force(one: &Anomaly, habits: &Habits, now: Timestamp) {
    let whose: Whose = (one.app, one.mode);
    if one.state == Anomaly::FINE {
        if let Some(value) = value_of(one) {
            habits.mark_fine(whose, one.id, &value);
        }
    } else if let Some(until) = one.until {
        let lower = Lower {
            anomaly: one.id,
            levels: one.levels,
            until,
        };
        habits.stand_lower(whose, lower, now);
    }
}

/// What a mark as fine makes usual.
fn value_of(one: &Anomaly) -> Option<Value> {
    Value::read(Signal::of(&one.signal)?, &one.value)
}

/// Marks an anomaly as fine: its value is usual for its app from now on, and the app no longer
/// stands lower for it.
///
/// # Errors
/// When there is no such anomaly, nobody says why, or it could not be done.
pub async fn mark_fine(
    at: &Authority,
    habits: &Habits,
    (actor, id): (&str, AnomalyId),
    reason: &str,
    keep: Keep<'_, Anomaly>,
) -> Result<Anomaly, MarkRefused> {
    let found = at.store.anomaly(id).await?;
    let found = found.ok_or(MarkRefused::Unknown(id))?;
    if reason.trim().is_empty() {
        return Err(MarkRefused::NoReason);
    }
    let now = at.clock.now();
    let marked = Anomaly {
        state: Anomaly::FINE.to_owned(),
        until: None,
        marked_by: actor.to_owned(),
        note: reason.trim().to_owned(),
        marked_at: Some(now),
        ..found
    };
    let mark = AnomalyMark {
        id,
        state: Anomaly::FINE,
        by: marked.marked_by.clone(),
        note: marked.note.clone(),
        at: Some(now),
    };
    // Ids and words only: the reason, and the value, stay with the anomaly.
    let told = told(&marked, "anomaly.fine");
    let changes = WriteSet {
        anomaly_marks: vec![mark],
        events: vec![at.event(actor, EventAction::Updated, thing(&marked), &told)?],
        at: now,
        answers: Vec::from_iter(keep(&marked)?),
        ..WriteSet::default()
    };
    for _ in Authority::tries() {
        if let crate::authority::Offered::In(_) = at.offer(changes.clone()).await? {
            in_force(&marked, habits, now);
            return Ok(marked);
        }
    }
    Err(Unable::Crowded.into())
}

/// Ends, in the log too, what apps stood lower for until now; tells how many there were.
///
/// # Errors
/// When the store fails.
pub async fn end_step_downs(at: &Authority) -> Result<usize, Unable> {
    let now = at.clock.now();
    let mut ended = 0_usize;
    for one in at.store.anomalies_in_force().await? {
        if one.until.is_none_or(|until| now < until) {
            continue;
        }
        let mark = AnomalyMark {
            id: one.id,
            state: if one.state == Anomaly::FINE {
                Anomaly::FINE
            } else {
                Anomaly::OPEN
            },
            by: one.marked_by.clone(),
            note: one.note.clone(),
            at: one.marked_at,
        };
        let told = told(&one, "anomaly.step_down_ended");
        let changes = WriteSet {
            anomaly_marks: vec![mark],
            events: vec![at.event(JOB, EventAction::Updated, thing(&one), &told)?],
            at: now,
            ..WriteSet::default()
        };
        if let crate::authority::Offered::In(_) = at.offer(changes).await? {
            ended = ended.saturating_add(1);
        }
    }
    Ok(ended)
}

fn thing(one: &Anomaly) -> (&str, &str) {
    (ANOMALY_KIND, &one.app_name)
}

/// What the log tells of an anomaly: never the value, which the caller chose.
pub(crate) fn told(one: &Anomaly, alert: &str) -> serde_json::Value {
    let mut told = json!({
        "alert": alert,
        "anomaly": one.id.to_string(),
        "app": one.app.to_string(),
        "mode": one.mode.as_str(),
        "rule": one.rule,
        "signal": one.signal,
        "decision": one.decision.to_string(),
    });
    if let (Some(until), Some(told)) = (one.until, told.as_object_mut()) {
        told.insert("levels".to_owned(), one.levels.into());
        told.insert("until".to_owned(), until.to_string().into());
    }
    told
}
