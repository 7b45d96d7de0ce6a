//! What one evaluation looks at, with the set-up seen through the changes being tried.

use catalog::{Api, FactValue, Facts, UnusableFact};
use primitives::{Country, Name, Quantity, Symbol};

use crate::{Call, Caller, Catalogue, Developer, Ladder, LimitValue, ListEffect, Plan};

/// Changes to the provider's set-up that an evaluation tries without making them.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Allow lists the caller is put on, and deny lists it is taken off.
    pub lists: Vec<Symbol>,
    /// Capabilities added to a plan: (plan, capability).
    pub plan_capabilities: Vec<(Symbol, Symbol)>,
    /// Limits edited in a plan: (plan, limit, value).
    pub plan_limits: Vec<(Symbol, Symbol, LimitValue)>,
    /// Countries added to a region: (region, country).
    pub countries: Vec<(Symbol, Country)>,
}

/// No change at all.
pub(crate) static UNCHANGED: Changes = Changes {
    lists: Vec::new(),
    plan_capabilities: Vec::new(),
    plan_limits: Vec::new(),
    countries: Vec::new(),
};

/// The call and what was read of it.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub call: &'a Call<'a>,
    pub facts: &'a Facts,
}

/// Where a developer stands on the ladder of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// On the level of this rank.
    Rank(usize),
    /// Assigned a level that the ladder does not have: on none of it.
    Nowhere(Symbol),
}

/// Everything the gates look at.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub catalogue: &'a Catalogue,
    pub changes: &'a Changes,
    pub api: &'a Api,
    pub caller: Caller<'a>,
    /// `None` when the question is what the caller may do before there is a call.
    pub request: Option<Request<'a>>,
    pub ladder: Option<&'a Ladder>,
    pub stand: Stand,
}

/// Why a value cannot be had from the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle<'a> {
    /// It stands in a body that was not read.
    Unread,
    /// The request does not have it.
    Missing(&'a Name),
    /// The request has it in a form that cannot be used.
    Unusable(&'a Name, UnusableFact),
}

impl<'a> Scene<'a> {
    pub(crate) fn of_call(catalogue: &'a Catalogue, call: &'a Call<'a>, facts: &'a Facts) -> Self {
        let scene = Self::of_caller(catalogue, call.api, call.caller);
        Self {
            request: Some(Request { call, facts }),
            ..scene
        }
    }

    pub(crate) fn of_caller(catalogue: &'a Catalogue, api: &'a Api, caller: Caller<'a>) -> Self {
        let ladder = catalogue.ladders.get(api.ladder);
        let assigned = caller
            .developer
            .developer
            .as_deref()
            .and_then(|developer| assigned_level(developer, api.ladder));
        let stand = match (assigned, ladder) {
            (None, _) => Stand::Rank(0),
            (Some(level), None) => Stand::Nowhere(level),
            (Some(level), Some(ladder)) => ladder
                .rank(level)
                .map_or(Stand::Nowhere(level), Stand::Rank),
        };
        Self {
            catalogue,
            changes: &UNCHANGED,
            api,
            caller,
            request: None,
            ladder,
            stand,
        }
    }

    /// The developer's part of the account; `None` when the account is nobody's developer.
    pub(crate) fn developer(&self) -> Option<&'a Developer> {
        self.caller.developer.developer.as_deref()
    }

    /// The plan of the account acted for. The symbol alone when the plan is gone.
    pub(crate) fn plan(&self) -> Option<(Symbol, Option<&'a Plan>)> {
        let symbol = self.caller.account?.plan?;
        Some((symbol, self.catalogue.plans.get(symbol)))
    }

    pub(crate) fn region_has(&self, region: Symbol, country: Country) -> bool {
        let drawn = self.catalogue.regions.get(region);
        drawn.is_some_and(|region| region.countries.binary_search(&country).is_ok())
            || self.changes.countries.contains(&(region, country))
    }

    /// Whether being on the list is what lets in.
    pub(crate) fn allows(&self, list: Symbol) -> bool {
        let list = self.catalogue.lists.get(list);
        list.is_some_and(|list| list.effect == ListEffect::Allow)
    }

    /// What the request has under the name of a fact. Nothing is read before there is a call.
    pub(crate) fn fact(&self, name: &Name) -> &'a FactValue {
        match self.request {
            None => &FactValue::Unread,
            Some(Request { call, facts }) => match call.operation.facts.find(name.as_str()) {
                None => &FactValue::Absent,
                Some(index) => facts.get(index),
            },
        }
    }

    pub(crate) fn quantity(&self, name: &'a Name) -> Result<Quantity, Obstacle<'a>> {
        match usable(name, self.fact(name))? {
            FactValue::Quantity(quantity) => Ok(*quantity),
            _ => Err(Obstacle::Unusable(
                name,
                UnusableFact::WrongType("quantity"),
            )),
        }
    }

    pub(crate) fn text(&self, name: &'a Name) -> Result<&'a str, Obstacle<'a>> {
        match usable(name, self.fact(name))? {
            FactValue::Text(text) => Ok(text),
            _ => Err(Obstacle::Unusable(name, UnusableFact::WrongType("text"))),
        }
    }
}

/// Any value that can be compared.
pub(crate) fn usable<'a>(
    name: &'a Name,
    value: &'a FactValue,
) -> Result<&'a FactValue, Obstacle<'a>> {
    match value {
        FactValue::Unread => Err(Obstacle::Unread),
        FactValue::Absent => Err(Obstacle::Missing(name)),
        FactValue::Unusable(why) => Err(Obstacle::Unusable(name, why.clone())),
        value => Ok(value),
    }
}

/// The level assigned on a ladder.
pub(crate) fn assigned_level(developer: &Developer, ladder: Symbol) -> Option<Symbol> {
    let assigned = developer.levels.iter().find(|(on, _)| *on == ladder)?;
    Some(assigned.1)
}
