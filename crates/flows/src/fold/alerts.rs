//! What the event log tells of counters that come near their limits.
//!
//! A call says in its record how near it brought each counter. When it is settled and keeps what
//! it took, that is told: once for each window of each counter and each value of its limit,
//! because the id of the event is made of these.

use std::{collections::HashSet, sync::Arc};

use decision::LimitScope;
use journal::{CallRecord, CounterSpend, LimitStand};
use primitives::{
    AccountId, AppId, CredentialId, EventId, Mode, Name, Quantity, Timestamp, fingerprint,
};
use quota::{Near, Window};
use serde_json::{Value, json};
use store::{EventAction, NewEvent};

/// So many alerts are remembered as told, so that the store is not asked about each call of a
/// counter that stays near its limit.
const REMEMBERED: usize = 10_000;

/// A counted limit, as an alert tells of it.
#[derive(Clone, Debug)]
pub struct CountedLimit {
    /// Its name.
    pub name: Name,
    /// Whose counter.
    pub scope: LimitScope,
    /// How long it counts.
    pub window: Window,
}

/// Finds a counted limit by [`decision::Limit::stable`].
pub type FindLimit = Arc<dyn Fn(u64) -> Option<CountedLimit> + Send + Sync>;

/// Makes events of calls that came near limits.
#[derive(Default)]
pub(super) struct Alerts {
    find: Option<FindLimit>,
    told: HashSet<EventId>,
}

impl std::fmt::Debug for Alerts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Alerts({} told)", self.told.len())
    }
}

impl Alerts {
    pub(super) fn of(find: FindLimit) -> Self {
        Self {
            find: Some(find),
            told: HashSet::new(),
        }
    }

    /// What is to be told of a call that keeps what it took. What was handed out is not handed
    /// out again, so after a failure this must be thrown away with the step.
    pub(super) fn of_call(&mut self, call: &CallRecord, into: &mut Vec<NewEvent>) {
        let (Some(find), Some(mode)) = (&self.find, call.mode) else {
            return;
        };
        for spend in call.counters.iter().filter(|spend| spend.near > 0) {
            let Some(limit) = find(spend.limit) else {
                continue; // It is no more.
            };
            let alert = Alert {
                most: most(call, &limit.name),
                limit,
                mode,
                spend,
                call,
            };
            for near in Near::up_to(spend.near) {
                let id = alert.id(near);
                if self.told.len() >= REMEMBERED {
                    self.told.clear();
                }
                if self.told.insert(id) {
                    into.push(alert.event(id, near));
                }
            }
        }
    }
}

/// The most that the limit came to for the call.
fn most(call: &CallRecord, limit: &Name) -> Option<Quantity> {
    let granted = call.granted.as_ref()?;
    let of_capabilities = granted.capabilities.iter().flat_map(|(_, limits)| limits);
    let named = |stand: &&LimitStand| stand.limit == limit.as_str();
    let mut all = granted.limits.iter().chain(of_capabilities);
    all.find(named)?.most
}

struct Alert<'a> {
    limit: CountedLimit,
    most: Option<Quantity>,
    mode: Mode,
    spend: &'a CounterSpend,
    call: &'a CallRecord,
}

impl Alert<'_> {
    /// Fields of fixed width, so that no two alerts have the same.
    fn id(&self, near: Near) -> EventId {
        let mut told = b"a counter near its limit".to_vec();
        told.extend(self.spend.limit.to_be_bytes());
        told.push(u8::from(self.mode == Mode::Live));
        told.extend(self.spend.subject.to_be_bytes());
        told.extend(self.spend.fact.to_be_bytes());
        told.extend(self.window_begins().to_be_bytes());
        told.extend(self.most.map_or(0, Quantity::millionths).to_be_bytes());
        told.push(near.percent());
        EventId::from_u128(fingerprint(&told))
    }

    /// A rolling window has no beginning: of each stretch of its length one alert is enough.
    fn window_begins(&self) -> i64 {
        let begins = self.spend.begins_at.as_micros();
        match self.limit.window {
            Window::Calendar(_) | Window::Lifetime => begins,
            Window::Rolling(length) => {
                let length = i64::try_from(length.as_micros()).unwrap_or(i64::MAX);
                begins.div_euclid(length.max(1))
            }
        }
    }

    fn event(&self, id: EventId, near: Near) -> NewEvent {
        let alert = match near {
            Near::Nearing => "limit.nearing",
            Near::Reached => "limit.reached",
        };
        let mut detail = json!({
            "alert": alert,
            "percent": near.percent(),
            "most": self.most,
            "mode": self.mode.as_str(),
            "per": self.limit.scope.as_str(),
            "of": self.subject(),
            "decision": self.call.id.to_string(),
        });
        if let Some(detail) = detail.as_object_mut() {
            let text = |at: Timestamp| Value::from(at.to_string());
            match self.limit.window {
                Window::Calendar(_) => {
                    detail.insert("begins_at".to_owned(), text(self.spend.begins_at));
                    detail.insert("ends_at".to_owned(), text(self.spend.ends_at));
                }
                Window::Rolling(length) => {
                    detail.insert("rolling_seconds".to_owned(), length.as_secs().into());
                }
                Window::Lifetime => {}
            }
        }
        NewEvent {
            id,
            actor: "settlement".to_owned(),
            action: EventAction::Created,
            kind: "alert".to_owned(),
            name: self.limit.name.to_string(),
            detail: detail.to_string(),
        }
    }

    /// Whose counter it is: an id, or a capability's name.
    fn subject(&self) -> Option<String> {
        let number = self.spend.subject;
        Some(match self.limit.scope {
            LimitScope::Developer | LimitScope::Account => AccountId::from_u128(number).to_string(),
            LimitScope::App => AppId::from_u128(number).to_string(),
            LimitScope::Credential => CredentialId::from_u128(number).to_string(),
            LimitScope::Capability => {
                let mut used = self.call.capabilities.iter();
                used.find(|name| fingerprint(name.as_bytes()) == number)?
                    .clone()
            }
        })
    }
}

#[cfg(test)]
mod tests;
