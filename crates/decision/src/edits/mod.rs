//! The smallest admitting change: an inclusion-minimal set of edits from a fixed list.
//!
//! Every candidate set is tried on a draft of the caller and the set-up, by the same gates that
//! refused: what a policy makes of a changed level, or a limit of a changed plan, needs no rule
//! here. Where several ways lead in, the first of switch, business unit, lowest level is kept.

mod draft;
mod remedy;

use primitives::Symbol;
use quota::{Demand, Standing};

use crate::{
    Edit, Evidence, Gate,
    finding::{Finding, LimitView, Listener, Refusal},
    gates,
    scene::Scene,
};

use self::remedy::{Remedy, remedy};

pub(crate) use self::draft::Draft;

/// Opening one gate may reach another; more turns than this are no small change any more.
const TURNS: usize = 6;

/// The edits after which no gate refuses, or `None` when no set of them does that.
pub(crate) fn smallest(scene: &Scene<'_>, evidence: &impl Evidence) -> Option<Vec<Edit>> {
    let search = Search { scene, evidence };
    match search.grow(None) {
        Growth::Open(edits) => Some(search.shrink(edits)),
        Growth::Hopeless => None,
        Growth::Stuck => search
            .levels()
            .find_map(|level| match search.grow(Some(level)) {
                Growth::Open(edits) => Some(search.shrink(edits)),
                Growth::Stuck | Growth::Hopeless => None,
            }),
    }
}

enum Growth {
    /// Every gate that was closed is open.
    Open(Vec<Edit>),
    /// Some gate stays closed; another level might open it.
    Stuck,
    /// Some gate stays closed whatever is edited.
    Hopeless,
}

struct Search<'s, 'a, E> {
    scene: &'s Scene<'a>,
    evidence: &'s E,
}

impl<E: Evidence> Search<'_, '_, E> {
    /// The levels to try, the lowest first.
    fn levels(&self) -> impl Iterator<Item = Edit> {
        let ladder = self.scene.api.ladder;
        let developer = self.scene.caller.developer.id;
        let levels = self.scene.ladder.map_or(&[][..], |ladder| &ladder.levels);
        levels.iter().map(move |level| Edit::AssignLevel {
            developer,
            ladder,
            level: level.symbol,
        })
    }

    /// Adds for every closed gate the edits that open it, until none is closed.
    fn grow(&self, level: Option<Edit>) -> Growth {
        let mut edits: Vec<Edit> = level.into_iter().collect();
        for _ in 0..TURNS {
            let known = edits.len();
            let draft = Draft::with(self.scene, &edits);
            let remedies = draft.look(|scene| {
                let mut doctor = Doctor::new(scene, self.evidence);
                gates::ask(scene, self.evidence, &mut doctor);
                doctor.closed.then_some(doctor.remedies)
            });
            let Some(remedies) = remedies else {
                return Growth::Open(edits);
            };
            for remedy in remedies {
                match remedy {
                    Remedy::Hopeless => return Growth::Hopeless,
                    Remedy::Level | Remedy::Elsewhere => {}
                    Remedy::Edit(edit) if edits.contains(&edit) => {}
                    Remedy::Edit(edit) => edits.push(edit),
                }
            }
            if edits.len() == known {
                break;
            }
        }
        Growth::Stuck
    }

    /// Leaves out every edit without which the gates are open just as well. Taken out one by
    /// one until none can be: a set may shrink further after another edit is gone.
    fn shrink(&self, mut edits: Vec<Edit>) -> Vec<Edit> {
        let mut at = 0;
        while at < edits.len() {
            let mut fewer = edits.clone();
            fewer.remove(at);
            if self.opens(&fewer) {
                edits = fewer;
                at = 0;
            } else {
                at += 1;
            }
        }
        edits
    }

    fn opens(&self, edits: &[Edit]) -> bool {
        Draft::with(self.scene, edits).look(|scene| is_open(scene, self.evidence))
    }
}

/// Whether no gate refuses.
pub(crate) fn is_open(scene: &Scene<'_>, evidence: &impl Evidence) -> bool {
    let mut probe = Probe {
        evidence,
        closed: false,
    };
    gates::ask(scene, evidence, &mut probe);
    !probe.closed
}

/// Notes for every refusal what would mend it.
struct Doctor<'s, 'a, E> {
    scene: &'s Scene<'a>,
    evidence: &'s E,
    capability: Option<Symbol>,
    remedies: Vec<Remedy>,
    closed: bool,
}

impl<'s, 'a, E> Doctor<'s, 'a, E> {
    fn new(scene: &'s Scene<'a>, evidence: &'s E) -> Self {
        Self {
            scene,
            evidence,
            capability: None,
            remedies: Vec::new(),
            closed: false,
        }
    }

    fn treat(&mut self, refusal: &Refusal<'_>) {
        self.closed = true;
        remedy(self.scene, self.capability, refusal, &mut self.remedies);
    }
}

impl<'a, E: Evidence> Listener<'a> for Doctor<'_, 'a, E> {
    fn enter(&mut self, capability: Symbol) {
        self.capability = Some(capability);
    }

    fn skip(&mut self, _: Symbol) {}

    fn hear(&mut self, _: Gate, finding: Finding<'a>) {
        if let Finding::Refused(refusal) = finding {
            self.treat(&refusal);
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

/// Only asks whether anything is closed.
struct Probe<'s, E> {
    evidence: &'s E,
    closed: bool,
}

impl<'a, E: Evidence> Listener<'a> for Probe<'_, E> {
    fn enter(&mut self, _: Symbol) {}

    fn skip(&mut self, _: Symbol) {}

    fn hear(&mut self, _: Gate, finding: Finding<'a>) {
        self.closed |= matches!(finding, Finding::Refused(_));
    }

    fn limit(&mut self, _: LimitView<'a>) {}

    fn demand(&mut self, demand: Demand) -> Option<Standing> {
        (!self.closed).then(|| self.evidence.standing(&demand))
    }

    fn is_done(&self) -> bool {
        self.closed
    }
}
