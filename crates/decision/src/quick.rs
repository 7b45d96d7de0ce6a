//! The quick answer: the same gates, nothing written down, nothing allocated when granted.

use catalog::Facts;
use primitives::Symbol;
use quota::{Demand, Standing};

use crate::{
    Call, Catalogue, Evidence, Gate,
    finding::{Finding, LimitView, Listener},
    gates::{self, operation},
    scene::{Request, Scene},
};

/// What the quick look says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Quick {
    /// Every gate is open. Whether the counters cover the call, the reservation says.
    Granted,
    /// Some gate is closed, or the body must be read: [`crate::evaluate()`] knows which.
    Other,
}

/// Decides a call without explaining it. When granted, `demands` holds the counters to take.
///
/// Counters are not asked where they stand: they are reserved next anyway.
pub fn decide(
    catalogue: &Catalogue,
    call: &Call<'_>,
    facts: &Facts,
    evidence: &impl Evidence,
    demands: &mut Vec<Demand>,
) -> Quick {
    demands.clear();
    let scene = Scene::of_call(catalogue, call, facts);
    let mut glance = Glance {
        demands,
        open: true,
    };
    gates::ask(&scene, evidence, &mut glance);
    if glance.open {
        Quick::Granted
    } else {
        demands.clear();
        Quick::Other
    }
}

/// The capabilities that a call uses, as far as its facts tell.
pub fn used_capabilities<'a>(
    call: &'a Call<'a>,
    facts: &'a Facts,
) -> impl Iterator<Item = Symbol> + use<'a> {
    operation::capabilities(Request { call, facts })
        .filter_map(|(capability, used)| (used == Ok(true)).then_some(capability))
}

struct Glance<'d> {
    demands: &'d mut Vec<Demand>,
    open: bool,
}

impl<'a> Listener<'a> for Glance<'_> {
    fn enter(&mut self, _: Symbol) {}

    fn skip(&mut self, _: Symbol) {
        self.open = false;
    }

    fn hear(&mut self, _: Gate, finding: Finding<'a>) {
        self.open &= matches!(finding, Finding::Passed | Finding::NotApplicable);
    }

    fn limit(&mut self, _: LimitView<'a>) {}

    fn demand(&mut self, demand: Demand) -> Option<Standing> {
        if self.demands.iter().all(|known| known.key != demand.key) {
            self.demands.push(demand);
        }
        None
    }

    fn is_done(&self) -> bool {
        !self.open
    }
}
