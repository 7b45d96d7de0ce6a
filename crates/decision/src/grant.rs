//! The granted answer, as short as it can be written down: the same gates, no words.

use catalog::Facts;
use primitives::{Quantity, Symbol};
use quota::{Demand, Standing};
use smallvec::SmallVec;

use crate::{
    Call, Catalogue, Evidence, Gate, Outcome,
    finding::{Finding, LimitView, Listener},
    gates,
    scene::Scene,
};

/// How every gate let a call pass. Nothing is allocated for calls with few capabilities and
/// limits.
#[derive(Clone, Debug, Default)]
pub struct Grant<'a> {
    /// The gates that do not depend on a capability.
    pub gates: Marks,
    /// The limits that hold for every call of the API.
    pub limits: Limits<'a>,
    /// Every capability the call uses.
    pub capabilities: SmallVec<[GrantedCapability<'a>; 2]>,
    /// The counters to take.
    pub demands: SmallVec<[Demand; 4]>,
}

/// How the gates of one capability let a call pass.
#[derive(Clone, Debug)]
pub struct GrantedCapability<'a> {
    /// The capability.
    pub capability: Symbol,
    /// Its gates.
    pub gates: Marks,
    /// Its limits.
    pub limits: Limits<'a>,
}

/// A limit that a granted call is under.
#[derive(Clone, Copy, Debug)]
pub struct GrantedLimit<'a> {
    /// The limit.
    pub limit: Symbol,
    /// The currency `most` is in, when it is an amount of one.
    pub currency: Option<&'a str>,
    /// The most; `None` is unlimited.
    pub most: Option<Quantity>,
}

/// Gates in the order in which they answered, as [`mark`] writes them.
pub type Marks = SmallVec<[u8; 16]>;
type Limits<'a> = SmallVec<[GrantedLimit<'a>; 4]>;

/// A gate that passed or did not apply, as a number that stays the same as long as gates are
/// only added at the end.
#[must_use]
pub const fn mark(gate: Gate, applies: bool) -> u8 {
    gate as u8 * 2 + !applies as u8
}

/// What a mark says; `None` for one of a later version.
#[must_use]
pub fn read_mark(mark: u8) -> Option<(Gate, Outcome)> {
    let gate = *Gate::ALL.get(usize::from(mark / 2))?;
    let outcome = if mark.is_multiple_of(2) {
        Outcome::Passed
    } else {
        Outcome::NotApplicable
    };
    Some((gate, outcome))
}

/// What [`grant`] comes to.
#[derive(Debug)]
pub enum Granting<'a> {
    /// Every gate is open. Whether the counters cover the call, the reservation says.
    Granted(Grant<'a>),
    /// No gate is closed, and some cannot answer before the body is read: what is known so far,
    /// demands included.
    NeedsBody(Grant<'a>),
    /// A gate is closed: [`crate::evaluate()`] knows which.
    Closed,
}

/// Decides a call as [`crate::decide`] does, and keeps how each gate let it pass.
///
/// Counters are not asked where they stand: they are reserved next anyway, and tell then.
#[must_use]
pub fn grant<'a>(
    catalogue: &'a Catalogue,
    call: &'a Call<'a>,
    facts: &'a Facts,
    evidence: &impl Evidence,
) -> Granting<'a> {
    let scene = Scene::of_call(catalogue, call, facts);
    let mut recorder = Recorder {
        grant: Grant::default(),
        refused: false,
        unread: false,
    };
    gates::ask(&scene, evidence, &mut recorder);
    match (recorder.refused, recorder.unread) {
        (true, _) => Granting::Closed,
        (false, true) => Granting::NeedsBody(recorder.grant),
        (false, false) => Granting::Granted(recorder.grant),
    }
}

struct Recorder<'a> {
    grant: Grant<'a>,
    refused: bool,
    unread: bool,
}

impl<'a> Listener<'a> for Recorder<'a> {
    fn enter(&mut self, capability: Symbol) {
        self.grant.capabilities.push(GrantedCapability {
            capability,
            gates: Marks::new(),
            limits: Limits::new(),
        });
    }

    fn skip(&mut self, _: Symbol) {
        self.unread = true;
    }

    fn hear(&mut self, gate: Gate, finding: Finding<'a>) {
        let mark = match finding {
            Finding::Passed => mark(gate, true),
            Finding::NotApplicable => mark(gate, false),
            Finding::Unread => {
                self.unread = true;
                return;
            }
            Finding::Refused(_) => {
                self.refused = true;
                return;
            }
        };
        match self.grant.capabilities.last_mut() {
            None => self.grant.gates.push(mark),
            Some(capability) => capability.gates.push(mark),
        }
    }

    fn limit(&mut self, limit: LimitView<'a>) {
        let limits = match self.grant.capabilities.last_mut() {
            None => &mut self.grant.limits,
            Some(capability) => &mut capability.limits,
        };
        limits.push(GrantedLimit {
            limit: limit.limit,
            currency: limit.currency,
            most: limit.most,
        });
    }

    fn demand(&mut self, demand: Demand) -> Option<Standing> {
        self.limit(LimitView {
            limit: demand.limit,
            currency: None,
            most: demand.most,
            used: None,
            resets_at: None,
        });
        let demands = &mut self.grant.demands;
        if demands.iter().all(|known| known.limit != demand.limit) {
            demands.push(demand);
        }
        None
    }

    fn is_done(&self) -> bool {
        self.refused
    }
}
