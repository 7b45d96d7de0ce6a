use catalog::{Api, Facts};
use decision::{Call, Caller, Evidence, Likeness, PolicyVerdict};
use primitives::{Symbol, Timestamp};
use quota::{Calendar, Counters, Demand, Standing};
use snapshot::{PolicyEvidence, Snapshot};

/// What a decision is told: policies by the snapshot, counters as they stand.
pub(crate) struct Known<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) counters: &'a Counters,
    pub(crate) calendar: &'a Calendar,
    pub(crate) now: Timestamp,
    pub(crate) likeness: Likeness<'a>,
}

impl Known<'_> {
    /// Whether the counters cover the demands as they stand.
    pub(crate) fn cover(&self, demands: &[Demand]) -> bool {
        demands.iter().all(|demand| {
            let after = self.standing(demand).used.checked_add(demand.cost);
            let bounded = demand.most;
            bounded.is_none_or(|most| after.is_some_and(|after| after <= most))
        })
    }
}

impl Evidence for Known<'_> {
    fn permits(
        &self,
        policy: Symbol,
        capability: Symbol,
        call: &Call<'_>,
        facts: &Facts,
    ) -> PolicyVerdict {
        PolicyEvidence::permits(self.snapshot, policy, capability, call, facts)
    }

    fn permits_settled(
        &self,
        policy: Symbol,
        capability: Symbol,
        _: &Api,
        caller: &Caller<'_>,
    ) -> PolicyVerdict {
        PolicyEvidence::permits_settled(self.snapshot, policy, capability, caller)
    }

    fn standing(&self, demand: &Demand) -> Standing {
        self.counters.standing(demand, self.now, self.calendar)
    }

    fn likeness(&self) -> Likeness<'_> {
        self.likeness
    }
}
