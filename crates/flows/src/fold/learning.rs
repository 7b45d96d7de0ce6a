//! What a step of the fold learns of how apps call, and what was unusual about it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use accounts::anomalies::{Action, Habit, Seen};
use admission::{Habits, Whose, anomaly_id};
use journal::{CallRecord, Manner, RecordedAnomaly};
use primitives::{AnomalyId, EventId, Timestamp, fingerprint};
use store::{Anomaly, EventAction, FoldedCalls, HabitRow, NewEvent};

use crate::anomalies::{ANOMALY_KIND, HabitDocument, told};

use super::day_of;

/// So many events are remembered as told.
const REMEMBERED: usize = 10_000;

/// Learns call by call. What was learned counts once its step is committed.
#[derive(Debug)]
pub(super) struct Learning {
    habits: Arc<Habits>,
    touched: HashMap<Whose, Habit>,
    found: BTreeMap<AnomalyId, Anomaly>,
    told: HashSet<EventId>,
}

impl Learning {
    pub(super) fn of(habits: Arc<Habits>) -> Self {
        Self {
            habits,
            touched: HashMap::new(),
            found: BTreeMap::new(),
            told: HashSet::new(),
        }
    }

    /// Learns from a call whose caller was identified, whatever became of it. One that a person
    /// has to look at teaches nothing: else whoever has taken a key would teach how he calls.
    pub(super) fn of_call(&mut self, call: &CallRecord, events: &mut Vec<NewEvent>) {
        let (Some(manner), Some((app, name)), Some(mode)) = (&call.manner, &call.app, call.mode)
        else {
            return;
        };
        let whose = (*app, mode);
        for one in &manner.anomalies {
            self.find(whose, (name, call), (manner, one), events);
        }
        if !manner.anomalies.iter().all(teaches) {
            return;
        }
        let known = || self.habits.habit(whose).map(|habit| Habit::clone(&habit));
        let habit = self
            .touched
            .entry(whose)
            .or_insert_with(|| known().unwrap_or_default());
        habit.observe(&Seen {
            at: call.at,
            technology: &manner.technology,
            country: manner.country,
            in_hour: 0,
        });
    }

    fn find(
        &mut self,
        whose: Whose,
        (name, call): (&str, &CallRecord),
        (manner, one): (&Manner, &RecordedAnomaly),
        events: &mut Vec<NewEvent>,
    ) {
        let id = anomaly_id(whose, &one.rule, &one.value);
        let new = Anomaly {
            id,
            app: whose.0,
            app_name: name.to_owned(),
            mode: whose.1,
            rule: one.rule.clone(),
            signal: one.signal.clone(),
            value: one.value.clone(),
            state: Anomaly::OPEN.to_owned(),
            action: one.action.clone(),
            levels: one.until.map_or(0, |_| manner.levels_down),
            found: one.found.clone(),
            wanted: one.wanted.clone(),
            decision: call.id,
            calls: 1,
            first_at: call.at,
            last_at: call.at,
            until: one.until,
            marked_by: String::new(),
            note: String::new(),
            marked_at: None,
        };
        if let Some(event) = self.event(&new) {
            events.push(event);
        }
        match self.found.get_mut(&id) {
            None => {
                self.found.insert(id, new);
            }
            Some(known) => {
                *known = Anomaly {
                    calls: known.calls.saturating_add(1),
                    first_at: known.first_at.min(new.first_at),
                    last_at: known.last_at.max(new.last_at),
                    until: new.until.or(known.until),
                    ..new
                };
            }
        }
    }

    /// What the log tells: each step-down once, everything else once a day. The id of the event
    /// is made of these.
    fn event(&mut self, one: &Anomaly) -> Option<NewEvent> {
        let alert = match one.action.as_str() {
            word if word == Action::Alert.as_str() => "anomaly.alert",
            word if word == Action::Refuse.as_str() => "anomaly.refused",
            _ if one.until.is_some() => "anomaly.step_down",
            _ => return None,
        };
        let when = one.until.map_or(day_of(one.last_at), Timestamp::as_micros);
        let mut text = b"an anomaly told".to_vec();
        text.extend(one.id.as_u128().to_be_bytes());
        text.extend(when.to_be_bytes());
        text.extend(alert.as_bytes());
        let id = EventId::from_u128(fingerprint(&text));
        if self.told.len() >= REMEMBERED {
            self.told.clear();
        }
        self.told.insert(id).then(|| NewEvent {
            id,
            actor: "settlement".to_owned(),
            action: EventAction::Created,
            kind: ANOMALY_KIND.to_owned(),
            name: one.app_name.clone(),
            detail: told(one, alert).to_string(),
        })
    }

    /// Puts what was learned and found into a step.
    pub(super) fn hand_over(&mut self, step: &mut FoldedCalls) {
        let mut touched: Vec<(&Whose, &Habit)> = self.touched.iter().collect();
        // Two gateways fold at once: rows are taken in one order.
        touched.sort_by_key(|(whose, _)| **whose);
        step.habits = touched
            .into_iter()
            .filter_map(|((app, mode), habit)| {
                Some(HabitRow {
                    gateway: step.gateway.clone(),
                    app: *app,
                    mode: *mode,
                    body: serde_json::to_string(&HabitDocument::from(habit)).ok()?,
                })
            })
            .collect();
        step.anomalies = std::mem::take(&mut self.found).into_values().collect();
    }

    /// Puts in force what was learned: its step is committed.
    pub(super) fn publish(&mut self) {
        for (whose, habit) in self.touched.drain() {
            self.habits.publish(whose, habit);
        }
    }
}

fn teaches(one: &RecordedAnomaly) -> bool {
    one.action == Action::Note.as_str()
}

#[cfg(test)]
mod tests;
