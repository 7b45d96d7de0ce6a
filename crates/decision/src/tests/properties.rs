//! What holds for every set-up, caller and request, found by drawing them at random.
//!
//! A set-up is drawn from a list of bytes, zero being the plainest choice, so that a
//! counterexample shrinks towards an open door.

use std::sync::Arc;

use catalog::{Condition, FactValue, Literal, UnusableFact};
use primitives::{Quantity, Symbol, SymbolSet};
use proptest::prelude::*;
use quota::Window;

use super::world::{
    DAY, Wants, World, at_most, country, fact, name, numeric, profile, quantity, refusals,
};
use crate::{
    Answer, CapabilityAnswer, Edit, Exhausted, GateAnswer, GeoRule, GeoSubject, GrantedLimit,
    Granting, LimitAnswer, LimitKind, LimitScope, LimitValue, ListEffect, ListSubject, Marks,
    Offer, Outcome, Overrides, Plan, Profile, Quick, Switches, Verdict, assess, capabilities_of,
    decide, grant, read_mark, used_capabilities,
};

const COUNTRIES: [&str; 3] = ["US", "DE", "JP"];
const FACES: usize = 4;

struct Dice<'a>(std::slice::Iter<'a, u8>);

impl Dice<'_> {
    fn roll(&mut self, sides: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % sides
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == sides - 1
    }

    fn subset(&mut self, of: &[Symbol], one_in: usize) -> SymbolSet {
        of.iter().copied().filter(|_| self.one_in(one_in)).collect()
    }

    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.roll(from.len())]
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..400)
}

fn draw(bytes: &[u8]) -> World {
    let mut dice = Dice(bytes.iter());
    let dice = &mut dice;
    let mut world = World::new();
    draw_facts(&mut world, dice);
    let capabilities: Vec<_> = (0..3)
        .map(|at| draw_capability(&mut world, dice, at))
        .collect();
    world.edit_ladder(|ladder| {
        for level in &mut ladder.levels {
            level.exact = dice.one_in(6);
        }
    });
    world.stand_on(dice.roll(FACES));
    draw_regions(&mut world, dice, &capabilities);
    draw_lists(&mut world, dice, &capabilities);
    draw_limits(&mut world, dice, &capabilities);
    draw_rights(&mut world, dice, &capabilities);
    draw_offers(&mut world, dice);
    world
}

fn draw_capability(world: &mut World, dice: &mut Dice<'_>, at: usize) -> Symbol {
    let rank = [Some(0), Some(1), Some(3), None][dice.roll(4)];
    let symbol = world.capability(&format!("C{at}"), rank);
    // Rarely, there is no way in at all.
    let (unit, non_risk) = (dice.one_in(3) || rank.is_none(), dice.one_in(4));
    let unit = unit && !dice.one_in(12);
    world.edit(symbol, |capability| {
        capability.business_unit = unit.then(|| name("unit"));
        capability.non_risk = non_risk;
    });
    let wants = [
        Wants::Nothing,
        Wants::Rank(2),
        Wants::Rank(3),
        Wants::NotSwitchedOff,
        Wants::NotSwitchedOff,
        Wants::AmountOf50,
        Wants::TheImpossible,
    ];
    if dice.one_in(3) {
        let wants = *dice.pick(&wants);
        world.policy(symbol, &format!("policy-{at}"), wants);
    }
    if dice.one_in(3) {
        let when = draw_condition(dice);
        world.uses(symbol, Some(when));
    }
    symbol
}

fn draw_condition(dice: &mut Dice<'_>) -> Condition {
    let legs = Condition::AtMost(fact("legs"), quantity("3"));
    match dice.roll(5) {
        0 => Condition::Not(Box::new(Condition::Present(fact("agreement")))),
        1 => legs,
        2 => Condition::All(vec![Condition::Present(fact("legs")), legs]),
        3 => Condition::Any(vec![Condition::Present(fact("agreement")), legs]),
        _ => Condition::OneOf(fact("currency"), vec![Literal::Text("USD".to_owned())]),
    }
}

fn draw_regions(world: &mut World, dice: &mut Dice<'_>, capabilities: &[Symbol]) {
    let regions = [
        world.region("first", &["US"]),
        world.region("second", &["DE", "US"]),
    ];
    let subjects = [
        GeoSubject::CallerHome,
        GeoSubject::CallerNow,
        GeoSubject::UserHome,
        GeoSubject::Target,
    ];
    for &symbol in capabilities {
        if dice.one_in(3) {
            let subject = *dice.pick(&subjects);
            let regions = dice.subset_of(&regions);
            world.edit(symbol, |capability| {
                capability.geography = vec![GeoRule { subject, regions }];
            });
        }
    }
    let mut own = Vec::new();
    for &symbol in capabilities {
        if dice.one_in(5) {
            let subject = *dice.pick(&subjects);
            let regions = dice.subset_of(&regions);
            own.push((symbol, vec![GeoRule { subject, regions }]));
        }
    }
    own.sort_by_key(|(symbol, _)| *symbol);
    world.edit_developer(|developer| developer.geography = own);
    let mut place = || (!dice.one_in(6)).then(|| country(COUNTRIES[dice.roll(3)]));
    world.developer.home = place();
    world.places.now = place();
    world.account.as_mut().unwrap().home = place();
}

impl Dice<'_> {
    fn subset_of(&mut self, symbols: &[Symbol]) -> Vec<Symbol> {
        symbols
            .iter()
            .copied()
            .filter(|_| !self.one_in(4))
            .collect()
    }
}

fn draw_lists(world: &mut World, dice: &mut Dice<'_>, capabilities: &[Symbol]) {
    if dice.one_in(8) {
        world.places.address = None;
    }
    let (developer, app) = (world.developer.id, world.app.id);
    let user = world.account.as_ref().unwrap().id;
    for at in 0..dice.roll(4) {
        let on = dice.one_in(2);
        let subject = match dice.roll(4) {
            0 => ListSubject::Developers(on.then_some(developer).into_iter().collect()),
            1 => ListSubject::Apps(on.then_some(app).into_iter().collect()),
            2 => ListSubject::Accounts(on.then_some(user).into_iter().collect()),
            _ => ListSubject::networks(if on { vec![(0, u128::MAX)] } else { vec![] }),
        };
        let of = [None, Some(capabilities[0]), Some(capabilities[1])][dice.roll(3)];
        let effect = [ListEffect::Deny, ListEffect::Allow][dice.roll(2)];
        world.list(&format!("list-{at}"), of, effect, subject);
    }
}

/// A value by currency fits only a limit that knows the currency of a call.
fn draw_value(dice: &mut Dice<'_>, kind: &LimitKind) -> LimitValue {
    match dice.roll(5) {
        0 => LimitValue::Unlimited,
        1 => at_most("100"),
        2 => at_most("20"),
        4 if matches!(
            kind,
            LimitKind::Numeric {
                currency: Some(_),
                ..
            }
        ) =>
        {
            LimitValue::ByCurrency(vec![("USD".to_owned(), quantity("30"))])
        }
        _ => at_most("2"),
    }
}

fn draw_limits(world: &mut World, dice: &mut Dice<'_>, capabilities: &[Symbol]) {
    for at in 0..dice.roll(5) {
        let of = [None, Some(capabilities[0]), Some(capabilities[1])][dice.roll(3)];
        let kind = draw_kind(dice);
        let default = draw_value(dice, &kind);
        let limit = world.limit(&format!("limit-{at}"), of, kind.clone(), default);
        if dice.one_in(3) {
            let values = [(dice.roll(FACES), draw_value(dice, &kind))];
            world.by_level(limit, &values);
        }
        if dice.one_in(3) {
            let value = draw_value(dice, &kind);
            world
                .edit_developer(|developer| Arc::make_mut(&mut developer.limits).set(limit, value));
        }
        if dice.one_in(3) {
            Arc::make_mut(&mut world.app.limits).set(limit, draw_value(dice, &kind));
        }
        if dice.one_in(2) {
            let used = ["0", "1", "20", "100"][dice.roll(4)];
            world.witness.used.insert(limit, quantity(used));
        }
    }
}

fn draw_kind(dice: &mut Dice<'_>) -> LimitKind {
    let optional = |dice: &mut Dice<'_>, text| dice.one_in(3).then(|| name(text));
    match dice.roll(4) {
        0 => numeric("legs", None),
        1 => numeric("amount", Some("currency")),
        _ => LimitKind::Counted {
            window: [DAY, Window::Lifetime][dice.roll(2)],
            scope: [
                LimitScope::Developer,
                LimitScope::App,
                LimitScope::Account,
                LimitScope::Credential,
                LimitScope::Capability,
            ][dice.roll(5)],
            key: optional(dice, "agreement"),
            cost: optional(dice, "amount"),
        },
    }
}

fn draw_rights(world: &mut World, dice: &mut Dice<'_>, all: &[Symbol]) {
    let switches = Switches {
        off: dice.subset(all, 6),
        business_unit: dice.subset(all, 2),
        on: dice.subset(all, 2),
    };
    let narrow = |dice: &mut Dice<'_>| {
        if dice.one_in(4) {
            profile(&dice.subset_of(all))
        } else {
            None
        }
    };
    let developer_profile = narrow(dice);
    world.edit_developer(|developer| {
        developer.switches = Arc::new(switches);
        developer.profile = developer_profile;
    });
    world.app.off = Arc::new(dice.subset(all, 6));
    world.app.profile = narrow(dice);
    if dice.one_in(4) {
        let profile = narrow(dice);
        let plan = world.plan("free", profile);
        let mut limits = Overrides::default();
        for (symbol, limit) in world.catalogue.limits.iter() {
            if dice.one_in(3) {
                limits.set(symbol, draw_value(dice, &limit.kind));
            }
        }
        edit_plan(world, plan, |plan| plan.limits = Arc::new(limits));
    }
    if dice.one_in(6) {
        world.app.subscriptions = Arc::default();
    }
    world.developer.verified = !dice.one_in(40);
    world.app.active = !dice.one_in(40);
    world.api.active = !dice.one_in(40);
    if dice.one_in(16) {
        world.permissions = narrow(dice).map(|profile| Profile::clone(&profile));
    }
    if dice.one_in(16) {
        world.account = None;
    }
}

fn draw_offers(world: &mut World, dice: &mut Dice<'_>) {
    if world.account.is_none() || !dice.one_in(2) {
        return;
    }
    let limits: Vec<_> = world
        .catalogue
        .limits
        .iter()
        .map(|(symbol, limit)| (symbol, limit.kind.clone()))
        .collect();
    let values: Vec<_> = limits
        .iter()
        .filter(|_| dice.one_in(2))
        .map(|(symbol, _)| (*symbol, at_most("60")))
        .collect();
    let plan = world.other_plan("offered", &values);
    for (limit, kind) in limits {
        if !dice.one_in(2) {
            continue;
        }
        world.offers(limit, plan);
        // Most limits have room enough without a plan, and then there is nothing to offer.
        if let Some(own) = world.account.as_ref().and_then(|account| account.plan) {
            let value = draw_value(dice, &kind);
            edit_plan(world, own, |plan| {
                Arc::make_mut(&mut plan.limits).set(limit, value);
            });
        }
    }
}

fn draw_facts(world: &mut World, dice: &mut Dice<'_>) {
    let unread = dice.one_in(4);
    for text in ["amount", "legs", "agreement", "currency", "target"] {
        let value = if unread {
            FactValue::Unread
        } else {
            draw_fact(dice, text)
        };
        world.has(text, value);
    }
}

fn draw_fact(dice: &mut Dice<'_>, text: &str) -> FactValue {
    match dice.roll(12) {
        10 => FactValue::Absent,
        11 => FactValue::Unusable(UnusableFact::Ambiguous),
        _ => match text {
            "amount" => FactValue::Quantity(quantity(["10", "30", "60"][dice.roll(3)])),
            "legs" => FactValue::Quantity(quantity(["1", "3", "25"][dice.roll(3)])),
            "agreement" => FactValue::Text("a-1".into()),
            "currency" => FactValue::Text(["USD", "EUR"][dice.roll(2)].into()),
            _ => FactValue::Country(country(COUNTRIES[dice.roll(3)])),
        },
    }
}

fn edit_plan(world: &mut World, plan: Symbol, edit: impl FnOnce(&mut Plan)) {
    let mut edited = world.catalogue.plans.get(plan).unwrap().clone();
    edit(&mut edited);
    world.catalogue.plans.insert(plan, edited);
}

// The edits as an operator would make them: on the set-up itself, by rules of their own.

fn make(world: &mut World, edit: &Edit) {
    match edit {
        Edit::Subscribe { api, .. } => Arc::make_mut(&mut world.app.subscriptions).insert(*api),
        Edit::AssignLevel { ladder, level, .. } => {
            world.edit_developer(|developer| developer.levels = vec![(*ladder, *level)]);
        }
        Edit::SwitchOn { capability, .. } => {
            toggle(world, |switches| switches.on.insert(*capability));
        }
        Edit::GrantBusinessUnit { capability, .. } => {
            toggle(world, |switches| switches.business_unit.insert(*capability));
        }
        Edit::ClearDeveloperOff { capability, .. } => {
            toggle(world, |switches| switches.off.remove(*capability));
        }
        Edit::ClearAppOff { capability, .. } => {
            Arc::make_mut(&mut world.app.off).remove(*capability);
        }
        Edit::WidenDeveloperProfile { capability, .. } => {
            world.edit_developer(|developer| widen(&mut developer.profile, *capability));
        }
        Edit::WidenAppProfile { capability, .. } => widen(&mut world.app.profile, *capability),
        Edit::WidenPlan { plan, capability } => {
            edit_plan(world, *plan, |plan| widen(&mut plan.profile, *capability));
        }
        Edit::ChangeList { list } => change_list(world, *list),
        Edit::AddToRegion { region, country } => {
            let mut drawn = world.catalogue.regions.get(*region).unwrap().clone();
            drawn.countries.push(*country);
            drawn.countries.sort_unstable();
            world.catalogue.regions.insert(*region, drawn);
        }
        edit => make_room(world, edit),
    }
}

fn make_room(world: &mut World, edit: &Edit) {
    match edit {
        Edit::RaiseDeveloperLimit {
            limit,
            to,
            currency,
            ..
        } => {
            let standing = developer_value(world, *limit);
            let value = raise(standing, *to, currency.as_deref());
            world.edit_developer(|developer| {
                Arc::make_mut(&mut developer.limits).set(*limit, value);
            });
        }
        Edit::RaiseAppLimit {
            limit,
            to,
            currency,
            ..
        } => {
            let limits = Arc::make_mut(&mut world.app.limits);
            let value = raise(
                limits.get(*limit).unwrap().clone(),
                *to,
                currency.as_deref(),
            );
            limits.set(*limit, value);
        }
        Edit::RaisePlanLimit {
            plan,
            limit,
            to,
            currency,
        } => {
            edit_plan(world, *plan, |plan| {
                let limits = Arc::make_mut(&mut plan.limits);
                let value = raise(
                    limits.get(*limit).unwrap().clone(),
                    *to,
                    currency.as_deref(),
                );
                limits.set(*limit, value);
            });
        }
        _ => unreachable!(),
    }
}

fn toggle(world: &mut World, change: impl FnOnce(&mut Switches)) {
    world.edit_developer(|developer| change(Arc::make_mut(&mut developer.switches)));
}

fn widen(profile: &mut Option<Arc<Profile>>, capability: Symbol) {
    Arc::make_mut(profile.as_mut().unwrap())
        .capabilities
        .insert(capability);
}

fn change_list(world: &mut World, symbol: Symbol) {
    let (developer, app) = (world.developer.id, world.app.id);
    let mut list = world.catalogue.lists.get(symbol).unwrap().clone();
    let joins = list.effect == ListEffect::Allow;
    list.subject = match list.subject {
        ListSubject::Developers(_) => {
            ListSubject::Developers(joins.then_some(developer).into_iter().collect())
        }
        ListSubject::Apps(_) => ListSubject::Apps(joins.then_some(app).into_iter().collect()),
        ListSubject::Accounts(_) => {
            let user = world.account.as_ref().map(|account| account.id);
            ListSubject::Accounts(user.filter(|_| joins).into_iter().collect())
        }
        ListSubject::Networks(_) => {
            assert!(world.places.address.is_some());
            ListSubject::networks(if joins { vec![(0, u128::MAX)] } else { vec![] })
        }
    };
    world.catalogue.lists.insert(symbol, list);
}

/// What the developer has before the edit: edited, or by level, or the default.
fn developer_value(world: &World, limit: Symbol) -> LimitValue {
    let developer = world.developer.developer.as_ref().unwrap();
    if let Some(edited) = developer.limits.get(limit) {
        return edited.clone();
    }
    let ladder = world.catalogue.ladders.get(world.api.ladder).unwrap();
    let limit = world.catalogue.limits.get(limit).unwrap();
    let held: Vec<_> = ladder.held(Some(developer.levels[0].1)).collect();
    let of = |level: Symbol| limit.by_level.iter().find(|(of, _)| *of == level);
    let highest = held.iter().rev().find_map(|level| of(level.symbol));
    highest.map_or(limit.default.clone(), |(_, value)| value.clone())
}

/// At least this. What is no bound stays none, and so does what the edit does not speak of.
fn raise(value: LimitValue, to: Quantity, currency: Option<&str>) -> LimitValue {
    match (value, currency) {
        (LimitValue::ByCurrency(mut values), Some(currency)) => {
            let listed = values.iter().find(|(listed, _)| listed == currency);
            let to = listed.map_or(to, |(_, most)| to.max(*most));
            values.retain(|(listed, _)| listed != currency);
            values.push((currency.to_owned(), to));
            LimitValue::ByCurrency(values)
        }
        (LimitValue::AtMost(most), _) => LimitValue::AtMost(most.max(to)),
        (value, _) => value,
    }
}

/// Everything an edit could do, done at once, on one of the levels.
fn open_everything(world: &mut World, level: Option<usize>) {
    let all: Vec<Symbol> = world
        .catalogue
        .capabilities
        .iter()
        .map(|(symbol, _)| symbol)
        .collect();
    Arc::make_mut(&mut world.app.subscriptions).insert(world.api.symbol);
    toggle(world, |switches| {
        for &symbol in &all {
            switches.on.insert(symbol);
            switches.business_unit.insert(symbol);
            switches.off.remove(symbol);
        }
    });
    world.app.off = Arc::default();
    world.edit_developer(|developer| developer.profile = None);
    world.app.profile = None;
    if let Some(level) = level {
        world.stand_on(level);
    }
    open_setup(world, &all);
}

fn open_setup(world: &mut World, all: &[Symbol]) {
    let lists: Vec<_> = world
        .catalogue
        .lists
        .iter()
        .map(|(symbol, list)| (symbol, list.clone()))
        .collect();
    for (symbol, list) in lists {
        let networks = matches!(list.subject, ListSubject::Networks(_));
        if !networks || world.places.address.is_some() {
            change_list(world, symbol);
        }
    }
    let plans: Vec<_> = world
        .catalogue
        .plans
        .iter()
        .map(|(symbol, _)| symbol)
        .collect();
    for plan in plans {
        edit_plan(world, plan, |plan| {
            plan.profile = profile(all);
            raise_all(Arc::make_mut(&mut plan.limits));
        });
    }
    for region in ["first", "second"] {
        world.region(region, &COUNTRIES);
    }
    raise_all(Arc::make_mut(&mut world.app.limits));
    let limits: Vec<_> = world
        .catalogue
        .limits
        .iter()
        .map(|(symbol, _)| symbol)
        .collect();
    for limit in limits {
        let value = developer_value(world, limit);
        world.edit_developer(|developer| {
            let limits = Arc::make_mut(&mut developer.limits);
            limits.set(limit, value);
            raise_all(limits);
        });
    }
}

/// As far as limits can be raised. None becomes unlimited: that is no edit.
fn raise_all(limits: &mut Overrides) {
    let plenty = quantity("1000000");
    for (_, value) in &mut limits.0 {
        match value {
            LimitValue::Unlimited => {}
            LimitValue::AtMost(most) => *most = plenty,
            LimitValue::ByCurrency(values) => {
                *values = ["USD", "EUR"]
                    .map(|currency| (currency.to_owned(), plenty))
                    .into();
            }
        }
    }
}

fn is_open(world: &World) -> bool {
    world.verdict() != Verdict::Refused
}

/// What the answer says of a limit.
fn told(answer: &Answer, limit: Symbol) -> Option<LimitAnswer> {
    let of_capabilities = answer.capabilities.iter().flat_map(|one| &one.limits);
    let mut all = answer.limits.iter().chain(of_capabilities);
    all.find(|one| one.limit == limit).cloned()
}

fn granted(capabilities: &[CapabilityAnswer]) -> SymbolSet {
    let granted = capabilities.iter().filter(|capability| capability.granted);
    granted.map(|capability| capability.capability).collect()
}

/// Ways to take a right away.
fn narrow(world: &mut World, dice: &mut Dice<'_>) {
    let all: Vec<Symbol> = world
        .catalogue
        .capabilities
        .iter()
        .map(|(symbol, _)| symbol)
        .collect();
    let capability = *dice.pick(&all);
    let without = |profile: &Option<Arc<Profile>>| {
        let mut left = profile
            .as_ref()
            .map_or(all.iter().copied().collect(), |profile| {
                profile.capabilities.clone()
            });
        left.remove(capability);
        Some(Arc::new(Profile {
            name: None,
            capabilities: left,
        }))
    };
    match dice.roll(10) {
        0 => toggle(world, |switches| switches.off.insert(capability)),
        1 => toggle(world, |switches| switches.on.remove(capability)),
        2 => toggle(world, |switches| switches.business_unit.remove(capability)),
        3 => Arc::make_mut(&mut world.app.off).insert(capability),
        4 => world.app.profile = without(&world.app.profile),
        5 => world.edit_developer(|developer| developer.profile = without(&developer.profile)),
        6 => {
            let everybody = ListSubject::networks(vec![(0, u128::MAX)]);
            world.list("deny", Some(capability), ListEffect::Deny, everybody);
        }
        7 => world.app.subscriptions = Arc::default(),
        8 => {
            for (limit, _) in world.catalogue.limits.iter() {
                Arc::make_mut(&mut world.app.limits).set(limit, at_most("1"));
            }
        }
        _ => world.developer.verified = false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Apply the suggested edits and the call passes; leave any one out and it does not.
    #[test]
    fn suggested_edits_admit_and_none_of_them_is_idle(bytes in bytes()) {
        let world = draw(&bytes);
        let Some(edits) = world.answer().edits else {
            return Ok(());
        };
        prop_assert_eq!(edits.is_empty(), is_open(&world));
        let with = |left_out: Option<usize>| {
            let mut changed = draw(&bytes);
            for (at, edit) in edits.iter().enumerate() {
                if Some(at) != left_out {
                    make(&mut changed, edit);
                }
            }
            is_open(&changed)
        };
        prop_assert!(with(None), "{edits:?} do not admit");
        for left_out in 0..edits.len() {
            prop_assert!(!with(Some(left_out)), "{edits:?}: {left_out} is idle");
        }
    }

    /// No edits are promised only where nothing would help: not even everything at once, on any
    /// level.
    #[test]
    fn no_suggestion_means_that_nothing_helps(bytes in bytes()) {
        let world = draw(&bytes);
        if world.answer().edits.is_some() {
            return Ok(());
        }
        for level in std::iter::once(None).chain((0..FACES).map(Some)) {
            let mut opened = draw(&bytes);
            open_everything(&mut opened, level);
            prop_assert!(!is_open(&opened), "open on {level:?}: {:?}", world.codes());
        }
    }

    /// Taking a right away never grants more.
    #[test]
    fn removing_a_right_never_grants_more(bytes in bytes(), how in bytes()) {
        let before = draw(&bytes);
        let mut after = draw(&bytes);
        narrow(&mut after, &mut Dice(how.iter()));
        prop_assert!(is_open(&before) || !is_open(&after));
        let (before, after) = (before.answer(), after.answer());
        let (before, after) = (granted(&before.capabilities), granted(&after.capabilities));
        for capability in after.iter() {
            prop_assert!(before.contains(capability));
        }
    }

    /// The quick look grants what the full one grants, and wants the same of the counters.
    #[test]
    fn the_quick_look_agrees_with_the_full_one(bytes in bytes()) {
        let world = draw(&bytes);
        let (call, facts) = (world.call(), &world.facts);
        let full = assess(&world.catalogue, &call, facts, &world.witness);
        let mut demands = Vec::new();
        let quick = decide(&world.catalogue, &call, facts, &world.witness, &mut demands);
        // Whether the counters cover the call is for the reservation to say.
        let only_quota = refusals(&full).all(|gate| gate.code == "quota_exhausted")
            && super::world::gates(&full).all(|gate| gate.outcome != Outcome::NotEvaluated);
        prop_assert_eq!(quick == Quick::Granted, only_quota);
        let written = grant(&world.catalogue, &call, facts, &world.witness);
        let unread = refusals(&full).next().is_none() && full.verdict == Verdict::NeedsBody;
        prop_assert_eq!(matches!(written, Granting::Granted(_)), only_quota);
        prop_assert!(!unread || matches!(written, Granting::NeedsBody(_)));
        if full.verdict == Verdict::Granted {
            prop_assert_eq!(&demands, &full.demands);
            let used: Vec<_> = used_capabilities(&call, facts).collect();
            let listed: Vec<_> = full.capabilities.iter().map(|answer| answer.capability).collect();
            prop_assert_eq!(used, listed);
            let Granting::Granted(written) = written else {
                panic!("it was granted");
            };
            prop_assert_eq!(&written.demands[..], &full.demands[..]);
            let marks = |gates: &[GateAnswer]| -> Vec<_> {
                gates.iter().map(|gate| (gate.gate, gate.outcome)).collect()
            };
            let read = |marks: &Marks| -> Vec<_> {
                marks.iter().filter_map(|&mark| read_mark(mark)).collect()
            };
            let limits = |limits: &[LimitAnswer]| -> Vec<_> {
                let told = limits.iter();
                told.map(|one| (one.limit, one.currency.clone(), one.most)).collect()
            };
            let stood = |limits: &[GrantedLimit<'_>]| -> Vec<_> {
                let told = limits.iter();
                told.map(|one| (one.limit, one.currency.map(str::to_owned), one.most)).collect()
            };
            prop_assert_eq!(read(&written.gates), marks(&full.gates));
            prop_assert_eq!(stood(&written.limits), limits(&full.limits));
            prop_assert_eq!(written.capabilities.len(), full.capabilities.len());
            for (written, full) in written.capabilities.iter().zip(&full.capabilities) {
                prop_assert_eq!(written.capability, full.capability);
                prop_assert_eq!(read(&written.gates), marks(&full.gates));
                prop_assert_eq!(stood(&written.limits), limits(&full.limits));
            }
        }
    }

    /// What is refused before the body is read is refused after it, whatever it says.
    #[test]
    fn reading_the_body_never_rescues_a_refused_call(bytes in bytes(), body in bytes()) {
        let mut world = draw(&bytes);
        for text in ["amount", "legs", "agreement", "currency", "target"] {
            world.has(text, FactValue::Unread);
        }
        let open_before = is_open(&world);
        let mut dice = Dice(body.iter());
        for text in ["amount", "legs", "agreement", "currency", "target"] {
            let value = draw_fact(&mut dice, text);
            world.has(text, value);
        }
        prop_assert!(world.verdict() != Verdict::NeedsBody);
        prop_assert!(open_before || !is_open(&world));
    }

    /// A capability that the listing rejects is not granted to any call that uses it.
    #[test]
    fn the_listing_rejects_nothing_that_a_call_would_get(bytes in bytes()) {
        let world = draw(&bytes);
        let listed = capabilities_of(&world.catalogue, &world.api, world.caller(), &world.witness);
        let listed = granted(&listed);
        let mut answer = world.answer();
        answer.capabilities.retain(|answer| {
            answer.gates.iter().all(|gate| gate.outcome != Outcome::NotEvaluated)
        });
        for capability in granted(&answer.capabilities).iter() {
            prop_assert!(listed.contains(capability));
        }
    }

    /// Put the account on the plan that is offered: the limit comes to what was promised, and the
    /// call passes where that was promised, and only there. What helps is offered.
    #[test]
    fn an_offer_promises_what_its_plan_gives(bytes in bytes()) {
        let world = draw(&bytes);
        let answer = world.answer();
        let short: Vec<_> = refusals(&answer)
            .filter(|gate| ["quota_exhausted", "limit_exceeded"].contains(&gate.code))
            .filter_map(|gate| gate.rule.clone())
            .collect();
        for (symbol, limit) in world.catalogue.limits.iter() {
            let offers: Vec<_> = answer
                .offers
                .iter()
                .filter(|Offer::Plan { limit, .. }| *limit == symbol)
                .collect();
            let may_offer = short.iter().any(|rule| *rule == limit.name.as_str());
            let Exhausted::OfferPlan(plan) = limit.exhausted else {
                prop_assert!(offers.is_empty());
                continue;
            };
            if !may_offer || world.account.is_none() {
                prop_assert!(offers.is_empty(), "{offers:?} without need");
                continue;
            }
            let mut moved = draw(&bytes);
            moved.put_on(plan);
            let before = told(&answer, symbol).and_then(|told| told.most);
            // Without a word of the limit, the plan has no value in the currency of the call.
            let after = told(&moved.answer(), symbol).map(|told| told.most);
            let helps = after.is_some_and(|after| after.is_none_or(|after| Some(after) > before));
            prop_assert_eq!(offers.len(), usize::from(helps));
            for Offer::Plan { plan: promised, current, offered, admits, .. } in offers {
                prop_assert_eq!(*promised, plan);
                prop_assert_eq!((Some(*current), Some(*offered)), (before, after));
                prop_assert_eq!(*admits, is_open(&moved));
            }
        }
    }

    /// No amount below zero is let through by a limit on amounts, whatever its value.
    #[test]
    fn a_negative_amount_passes_no_numeric_limit(
        bytes in bytes(), amount in i64::MIN..0, most in 0..i64::MAX,
    ) {
        let mut world = draw(&bytes);
        let most = LimitValue::AtMost(Quantity::from_millionths(most));
        world.limit("fence", None, numeric("years", None), most);
        world.has("years", FactValue::Quantity(Quantity::from_millionths(amount)));
        let answer = world.answer();
        prop_assert_eq!(answer.verdict, Verdict::Refused);
        let fence = refusals(&answer).find(|gate| gate.rule.as_deref() == Some("fence"));
        prop_assert_eq!(fence.map(|gate| gate.code), Some("fact_unusable"));
    }

    /// Every gate of every capability used answers, in the order of the gates.
    #[test]
    fn every_gate_answers_in_order(bytes in bytes()) {
        let answer = draw(&bytes).answer();
        for capability in &answer.capabilities {
            let mut gates: Vec<_> = capability.gates.iter().map(|gate| gate.gate).collect();
            prop_assert!(gates.is_sorted());
            gates.dedup();
            prop_assert_eq!(gates, crate::Gate::OF_CAPABILITY);
        }
        prop_assert!(answer.gates.iter().map(|gate| gate.gate.turn()).is_sorted());
    }
}
