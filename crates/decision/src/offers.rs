//! What limits that do not cover a call offer (J-5): tried, like every edit, by the same gates.

use primitives::{Quantity, Symbol};
use quota::{Demand, Standing};

use crate::{
    Evidence, Exhausted, Gate, Limit, Offer,
    edits::{Draft, is_open},
    finding::{Finding, LimitView, Listener, Refusal},
    gates::{self, limits::most},
    scene::Scene,
};

/// What the limits that refuse the call offer, each limit once.
pub(crate) fn offers(scene: &Scene<'_>, evidence: &impl Evidence) -> Vec<Offer> {
    let mut shortages = Shortages {
        evidence,
        found: Vec::new(),
    };
    gates::ask(scene, evidence, &mut shortages);
    let found = shortages.found.iter();
    found
        .filter_map(|shortage| offer(scene, evidence, shortage))
        .collect()
}

fn offer(scene: &Scene<'_>, evidence: &impl Evidence, shortage: &Shortage<'_>) -> Option<Offer> {
    match shortage.limit.exhausted {
        Exhausted::Refuse => None,
        Exhausted::OfferPlan(plan) => offer_plan(scene, evidence, shortage, plan),
    }
}

/// A plan is offered only where it helps: to an account that is not on it or better already.
fn offer_plan(
    scene: &Scene<'_>,
    evidence: &impl Evidence,
    shortage: &Shortage<'_>,
    plan: Symbol,
) -> Option<Offer> {
    scene.catalogue.plans.get(plan)?;
    let draft = Draft::on_plan(scene, plan);
    let (limit, currency) = (shortage.limit, shortage.currency);
    let offered = draft.look(|scene| most(scene, limit, currency)).ok()?;
    if offered.is_some_and(|offered| offered <= shortage.most) {
        return None;
    }
    Some(Offer::Plan {
        limit: limit.symbol,
        currency: currency.map(str::to_owned),
        plan,
        current: shortage.most,
        offered,
        admits: draft.look(|scene| is_open(scene, evidence)),
    })
}

/// A limit that does not cover the call.
struct Shortage<'a> {
    limit: &'a Limit,
    currency: Option<&'a str>,
    most: Quantity,
}

/// Notes the limits that do not cover the call.
struct Shortages<'a, 'e, E> {
    evidence: &'e E,
    found: Vec<Shortage<'a>>,
}

impl<'a, E: Evidence> Listener<'a> for Shortages<'a, '_, E> {
    fn enter(&mut self, _: Symbol) {}

    fn skip(&mut self, _: Symbol) {}

    fn hear(&mut self, _: Gate, finding: Finding<'a>) {
        let (limit, currency, most) = match finding {
            Finding::Refused(Refusal::Exhausted { limit, most, .. }) => (limit, None, most),
            Finding::Refused(Refusal::Exceeded {
                limit,
                currency,
                most,
                ..
            }) => (limit, currency, most),
            _ => return,
        };
        // Several capabilities of a call may share the limit.
        let mut known = self.found.iter();
        if known.all(|known| known.limit.symbol != limit.symbol) {
            self.found.push(Shortage {
                limit,
                currency,
                most,
            });
        }
    }

    fn limit(&mut self, _: LimitView<'a>) {}

    fn demand(&mut self, demand: Demand) -> Option<Standing> {
        Some(self.evidence.standing(&demand))
    }

    fn is_done(&self) -> bool {
        false
    }
}
