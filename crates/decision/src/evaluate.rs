//! The full answer: every gate, every limit, and the smallest set of edits that opens them.

use catalog::{Api, Facts};
use primitives::Symbol;
use quota::{Demand, Standing};

use crate::{
    Answer, Call, Caller, CapabilityAnswer, Catalogue, Evidence, Gate, GateAnswer, Likeness,
    LimitAnswer, Outcome, PolicyVerdict, Verdict, edits,
    finding::{Finding, LimitView, Listener},
    gates, offers, passing,
    scene::Scene,
    words,
};

/// Decides a call: every gate answers, and the answer names what would open the closed ones and
/// what the limits that do not cover the call offer.
#[must_use]
pub fn evaluate(
    catalogue: &Catalogue,
    call: &Call<'_>,
    facts: &Facts,
    evidence: &impl Evidence,
) -> Answer {
    let mut answer = assess(catalogue, call, facts, evidence);
    if answer.verdict == Verdict::Refused {
        let scene = Scene::of_call(catalogue, call, facts);
        passing::tell(&scene, &mut answer);
        answer.edits = edits::smallest(&scene, evidence);
        answer.offers = offers::offers(&scene, evidence);
    }
    answer
}

/// Decides a call as [`evaluate()`] does, without looking for edits and offers, and without the
/// values of gates that passed.
#[must_use]
pub fn assess(
    catalogue: &Catalogue,
    call: &Call<'_>,
    facts: &Facts,
    evidence: &impl Evidence,
) -> Answer {
    let scene = Scene::of_call(catalogue, call, facts);
    let mut recorder = Recorder::new(scene, evidence);
    gates::ask(&scene, evidence, &mut recorder);
    recorder.into_answer()
}

/// The answer to a call that every gate would let pass, but whose counters another call took
/// in the meantime: `lost` says where those stood when the reservation failed.
#[must_use]
pub fn refuse_exhausted(
    catalogue: &Catalogue,
    call: &Call<'_>,
    facts: &Facts,
    evidence: &impl Evidence,
    lost: &[(Demand, Standing)],
) -> Answer {
    evaluate(catalogue, call, facts, &Lost { evidence, lost })
}

/// Every capability of the catalogue as the caller has it on an API, before there is a call
/// (P-54). Granted means that no gate refuses; gates that look at a request are
/// [`Outcome::NotEvaluated`].
#[must_use]
pub fn capabilities_of(
    catalogue: &Catalogue,
    api: &Api,
    caller: Caller<'_>,
    evidence: &impl Evidence,
) -> Vec<CapabilityAnswer> {
    let scene = Scene::of_caller(catalogue, api, caller);
    let mut recorder = Recorder::new(scene, evidence);
    for (symbol, _) in catalogue.capabilities.iter() {
        gates::ask_capability(&scene, evidence, symbol, &mut recorder);
    }
    recorder.capabilities
}

/// Writes down what the gates say.
struct Recorder<'a, 'e, E> {
    scene: Scene<'a>,
    evidence: &'e E,
    gates: Vec<GateAnswer>,
    capabilities: Vec<CapabilityAnswer>,
    limits: Vec<LimitAnswer>,
    demands: Vec<Demand>,
    refused: bool,
    unread: bool,
}

impl<'a, 'e, E: Evidence> Recorder<'a, 'e, E> {
    fn new(scene: Scene<'a>, evidence: &'e E) -> Self {
        Self {
            scene,
            evidence,
            gates: Vec::new(),
            capabilities: Vec::new(),
            limits: Vec::new(),
            demands: Vec::new(),
            refused: false,
            unread: false,
        }
    }

    fn into_answer(self) -> Answer {
        let verdict = match (self.refused, self.unread) {
            (true, _) => Verdict::Refused,
            (false, true) => Verdict::NeedsBody,
            (false, false) => Verdict::Granted,
        };
        let demands = match verdict {
            Verdict::Granted => self.demands,
            Verdict::Refused | Verdict::NeedsBody => Vec::new(),
        };
        Answer {
            verdict,
            gates: self.gates,
            capabilities: self.capabilities,
            limits: self.limits,
            demands,
            edits: (verdict != Verdict::Refused).then(Vec::new),
            offers: Vec::new(),
        }
    }

    fn open(&mut self, capability: Symbol, granted: bool, gates: Vec<GateAnswer>) {
        self.capabilities.push(CapabilityAnswer {
            capability,
            granted,
            gates,
            limits: Vec::new(),
        });
    }
}

impl<'a, E: Evidence> Listener<'a> for Recorder<'a, '_, E> {
    fn enter(&mut self, capability: Symbol) {
        self.open(
            capability,
            true,
            Vec::with_capacity(Gate::OF_CAPABILITY.len()),
        );
    }

    fn skip(&mut self, capability: Symbol) {
        let silent = |gate| words::silent(gate, Outcome::NotEvaluated);
        self.open(capability, false, Gate::OF_CAPABILITY.map(silent).into());
    }

    fn hear(&mut self, gate: Gate, finding: Finding<'a>) {
        let refused = matches!(finding, Finding::Refused(_));
        self.refused |= refused;
        self.unread |= matches!(finding, Finding::Unread);
        let answer = words::gate_answer(&self.scene, gate, finding);
        match self.capabilities.last_mut() {
            None => self.gates.push(answer),
            Some(capability) => {
                capability.granted &= !refused;
                capability.gates.push(answer);
            }
        }
    }

    fn limit(&mut self, limit: LimitView<'a>) {
        let limits = match self.capabilities.last_mut() {
            None => &mut self.limits,
            Some(capability) => &mut capability.limits,
        };
        limits.push(LimitAnswer {
            limit: limit.limit,
            currency: limit.currency.map(str::to_owned),
            most: limit.most,
            used: limit.used,
            resets_at: limit.resets_at,
        });
    }

    fn demand(&mut self, demand: Demand) -> Option<Standing> {
        // One call counts once in a counter that several of its capabilities share.
        if self.demands.iter().all(|known| known.key != demand.key) {
            self.demands.push(demand);
        }
        Some(self.evidence.standing(&demand))
    }

    fn is_done(&self) -> bool {
        false
    }
}

/// Evidence in which some counters stand where a failed reservation found them.
struct Lost<'e, E> {
    evidence: &'e E,
    lost: &'e [(Demand, Standing)],
}

impl<E: Evidence> Evidence for Lost<'_, E> {
    fn permits(
        &self,
        policy: Symbol,
        capability: Symbol,
        call: &Call<'_>,
        facts: &Facts,
    ) -> PolicyVerdict {
        self.evidence.permits(policy, capability, call, facts)
    }

    fn permits_settled(
        &self,
        policy: Symbol,
        capability: Symbol,
        api: &Api,
        caller: &Caller<'_>,
    ) -> PolicyVerdict {
        self.evidence
            .permits_settled(policy, capability, api, caller)
    }

    fn standing(&self, demand: &Demand) -> Standing {
        let mut lost = self.lost.iter();
        lost.find(|(taken, _)| taken.key == demand.key && taken.window == demand.window)
            .map_or_else(|| self.evidence.standing(demand), |(_, standing)| *standing)
    }

    fn likeness(&self) -> Likeness<'_> {
        self.evidence.likeness()
    }
}
