use std::collections::HashMap;

use journal::{CallRecord, CounterSpend, Entry};
use primitives::{Mode, RecordId};
use quota::{CounterKey, Counters, Spend, Taken};

/// Brings counters to where they stood when the last process ended.
///
/// `folded` is what the store has counted up to the fold's cursor. `entries` are those of the
/// journal after it: an admitted call counts unless a settlement says that it was refunded. A
/// settlement whose call stands before the cursor has been folded with it, and is passed over.
pub fn load_counters(
    counters: &Counters,
    folded: impl IntoIterator<Item = Spend>,
    entries: impl IntoIterator<Item = Entry>,
) {
    counters.load(folded);
    let mut open: HashMap<RecordId, Vec<Spend>> = HashMap::new();
    for entry in entries {
        match entry {
            Entry::Admitted(call) => {
                let spends = spends(&call);
                counters.load(spends.iter().copied());
                open.insert(call.id, spends);
            }
            Entry::Settled(settlement) => {
                if let Some(spends) = open.remove(&settlement.id)
                    && settlement.refunded
                {
                    counters.unload(spends);
                }
            }
            Entry::Refused(_) => {}
        }
    }
}

/// What a call took of its counters, as its record tells.
#[must_use]
pub fn spends(call: &CallRecord) -> Vec<Spend> {
    let Some(mode) = call.mode else {
        return Vec::new();
    };
    let read = |spend: &CounterSpend| read_spend(spend, mode);
    call.counters.iter().filter_map(read).collect()
}

/// A spend of a record; `None` when its numbers cannot be read.
fn read_spend(spend: &CounterSpend, mode: Mode) -> Option<Spend> {
    Some(Spend {
        key: CounterKey {
            limit: spend.limit,
            mode,
            subject: u128::from_str_radix(&spend.subject, 16).ok()?,
            fact: u128::from_str_radix(&spend.fact, 16).ok()?,
        },
        begins_at: spend.begins_at,
        ends_at: spend.ends_at,
        cost: spend.cost,
    })
}

pub(crate) fn write_spend(taken: &Taken) -> CounterSpend {
    let Spend {
        key,
        begins_at,
        ends_at,
        cost,
    } = taken.spend;
    CounterSpend {
        limit: key.limit,
        subject: format!("{:x}", key.subject),
        fact: format!("{:x}", key.fact),
        begins_at,
        ends_at,
        cost,
    }
}
