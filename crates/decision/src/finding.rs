//! What gates find: facts, not words. Words are made of them only when somebody reads them.

use primitives::{Country, Mode, Name, Quantity, Symbol, Timestamp};
use quota::{Demand, Standing};

use crate::{
    Gate, GeoRule, Limit, Unusual,
    scene::{Obstacle, Stand},
};

/// What one gate, or one rule of it, found.
#[derive(Clone, Debug)]
pub(crate) enum Finding<'a> {
    Passed,
    NotApplicable,
    /// It cannot be known before the body is read, or before there is a call.
    Unread,
    Refused(Refusal<'a>),
}

/// Why a gate is closed.
#[derive(Clone, Debug)]
pub(crate) enum Refusal<'a> {
    Unusual(Box<Unusual>),
    ApiInactive,
    NoUpstream(Mode),
    AppInactive,
    NotSubscribed,
    NotAnnotated,
    NoCapabilityApplies,
    /// A condition, or the limit named, needs a fact that cannot be had.
    Fact {
        rule: Option<&'a Name>,
        obstacle: Obstacle<'a>,
    },
    Unverified,
    NoWayIn,
    Level {
        stand: Stand,
        wants: Symbol,
        exact: bool,
    },
    NoBusinessUnitGrant(&'a Name),
    NotSwitchedOn,
    OffForDeveloper,
    OffForApp,
    DeveloperProfile(Option<&'a Name>),
    AppProfile(Option<&'a Name>),
    KeyPermissions(Option<&'a Name>),
    Plan(Symbol),
    OnDenyList(Symbol),
    NotOnAllowList(&'a [Symbol]),
    Policy {
        policy: Symbol,
        conditions: Vec<String>,
    },
    PlaceUnknown(&'a GeoRule),
    Place(&'a GeoRule, Country),
    NoAccount(&'a Limit),
    Currency {
        limit: &'a Limit,
        currency: Option<&'a str>,
    },
    Exceeded {
        limit: &'a Limit,
        currency: Option<&'a str>,
        value: Quantity,
        most: Quantity,
    },
    Exhausted {
        limit: &'a Limit,
        standing: Standing,
        cost: Quantity,
        most: Quantity,
    },
}

/// A limit as it holds for the caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LimitView<'a> {
    pub limit: Symbol,
    pub currency: Option<&'a str>,
    pub most: Option<Quantity>,
    pub used: Option<Quantity>,
    pub resets_at: Option<Timestamp>,
}

/// Who listens to the gates. The gates are the same for every listener, so that the quick
/// answer and the full one cannot differ.
pub(crate) trait Listener<'a> {
    /// Until the next call of this, findings concern `capability`.
    fn enter(&mut self, capability: Symbol);
    /// Whether the capability is used cannot be said, so none of its gates is asked.
    fn skip(&mut self, capability: Symbol);
    /// A gate answered. A gate with several rules may answer several times.
    fn hear(&mut self, gate: Gate, finding: Finding<'a>);
    /// A limit holds.
    fn limit(&mut self, limit: LimitView<'a>);
    /// A counter is wanted. Answers where it stands, if the listener cares to know.
    fn demand(&mut self, demand: Demand) -> Option<Standing>;
    /// Nothing further can change what the listener will say.
    fn is_done(&self) -> bool;
}

impl<'a> From<Obstacle<'a>> for Finding<'a> {
    fn from(obstacle: Obstacle<'a>) -> Self {
        Self::of_obstacle(None, obstacle)
    }
}

impl<'a> Finding<'a> {
    /// An unread fact leaves the gate open to question; any other obstacle closes it.
    pub(crate) fn of_obstacle(rule: Option<&'a Name>, obstacle: Obstacle<'a>) -> Self {
        match obstacle {
            Obstacle::Unread => Self::Unread,
            obstacle => Self::Refused(Refusal::Fact { rule, obstacle }),
        }
    }

    /// `Passed` when the question is answered with yes.
    #[inline]
    pub(crate) fn or_refused(open: bool, refusal: Refusal<'a>) -> Self {
        if open {
            Self::Passed
        } else {
            Self::Refused(refusal)
        }
    }
}
