use std::{collections::BTreeMap, sync::Arc};

use decision::{Catalogue, Vocabulary};
use primitives::{AccountId, AppId};
use state::{
    Members, SourceFile, Sourced, Sources,
    document::{Developer, GeoRule, LimitValue, Number, Place},
};

use super::name;
use crate::{
    Panel, Switch, Toggle, ToggleRefused, assign_level, confine, panel, reset_to_level, set_limits,
    switch_app, switch_developer,
};

const STATE: &str = r"
portreeve: 1
ladders:
  - { name: default, levels: [ {name: standard}, {name: advanced}, {name: partner, exact: true} ] }
regions:
  - { name: EU, countries: [DE, FR] }
  - { name: CA, countries: [CA] }
capabilities:
  - { name: PAY, level: standard, geography: [ {subject: caller_home, regions: [EU, CA]} ] }
  - { name: CHAIN, level: advanced }
  - { name: CUSTOM, level: partner }
  - { name: NO_FEE, business_unit: payments }
  - { name: PING, non_risk: true }
limits:
  - name: per-day
    capabilities: [PAY]
    counted: { window: day, per: developer }
    value: 100
    by_level: { advanced: 1000 }
";

struct Nobody;

impl Members for Nobody {
    fn account_id(&self, _: &str) -> Option<AccountId> {
        None
    }
    fn app_id(&self, _: &str) -> Option<AppId> {
        None
    }
}

fn catalogue() -> Arc<Catalogue> {
    let sources = Sources {
        files: vec![SourceFile {
            path: "state.yaml".to_owned(),
            text: STATE.to_owned(),
        }],
        ..Sources::default()
    };
    let documents = state::parse(&sources).unwrap();
    let source = documents
        .entries
        .iter()
        .map(|entry| {
            let body = Sourced::Body(entry.body.as_str().into());
            ((entry.kind, entry.name.clone()), body)
        })
        .collect();
    let setup = state::setup(&source, &Nobody, &Arc::new(Vocabulary::default())).unwrap();
    setup.catalogue
}

fn toggle(capability: &str, switch: Switch) -> [Toggle; 1] {
    [Toggle {
        capability: name(capability),
        switch,
    }]
}

/// What is shown as on, as off, and how many overrides there are.
fn shown(panel: &Panel) -> (Vec<&str>, Vec<&str>, usize) {
    let names = |on: bool| {
        let of = panel.capabilities.iter().filter(|one| one.on == on);
        of.map(|one| one.name.as_str()).collect()
    };
    (names(true), names(false), panel.overrides)
}

/// Shows: P-61, P-62.
#[test]
fn a_level_switch_shows_the_new_level_on_and_keeps_what_was_switched_by_hand() {
    let catalogue = catalogue();
    let mut developer = Developer::default();
    let before = panel(&catalogue, &developer);
    assert_eq!(shown(&before), (vec!["PAY"], vec!["NO_FEE", "PING"], 0));
    assert_eq!(
        before.limits[0].default,
        LimitValue::AtMost(Number("100".parse().unwrap()))
    );

    switch_developer(&catalogue, &mut developer, &toggle("PAY", Switch::Off)).unwrap();
    let edited = LimitValue::AtMost(Number("5".parse().unwrap()));
    let edit = BTreeMap::from([(name("per-day"), Some(edited.clone()))]);
    set_limits(&mut developer.limits, &edit, |_| None);
    let (ladder, level) = (name("default"), name("advanced"));
    assign_level(&catalogue, &mut developer, &ladder, Some(&level)).unwrap();
    let after = panel(&catalogue, &developer);
    let off = vec!["NO_FEE", "PAY", "PING"];
    assert_eq!(shown(&after), (vec!["CHAIN"], off, 2));
    assert_eq!(after.limits[0].edited, Some(edited));
    assert_eq!(
        after.limits[0].default,
        LimitValue::AtMost(Number("1000".parse().unwrap()))
    );

    reset_to_level(&mut developer);
    let reset = panel(&catalogue, &developer);
    let on = vec!["CHAIN", "PAY"];
    assert_eq!(shown(&reset), (on, vec!["NO_FEE", "PING"], 0));
    assert_eq!(reset.levels[&ladder], level);
    assert_eq!(reset.limits[0].edited, None);
}

/// Shows: P-65.
#[test]
fn a_capability_is_confined_to_places_and_freed_again() {
    let catalogue = catalogue();
    let mut developer = Developer::default();
    let rule = |regions: &[&str]| GeoRule {
        subject: Place::CallerNow,
        regions: regions.iter().map(|region| name(region)).collect(),
    };
    let edit = |capability, rules: Vec<GeoRule>| BTreeMap::from([(name(capability), rules)]);
    confine(
        &catalogue,
        &mut developer,
        &edit("PAY", vec![rule(&["EU"])]),
    )
    .unwrap();
    let told = panel(&catalogue, &developer);
    let pay = told.capabilities.iter().find(|one| one.name == name("PAY"));
    let places = &pay.unwrap().geography;
    assert_eq!(places.own, [rule(&["EU"])]);
    assert_eq!(places.all[0].subject, Place::CallerHome);
    assert_eq!(places.all[0].regions, [name("EU"), name("CA")]);
    assert_eq!(told.overrides, 1);

    for (refused, why) in [
        (
            edit("PAY", vec![rule(&["EUR"])]),
            ToggleRefused::RegionUnknown(name("EUR")),
        ),
        (
            edit("PAY", vec![rule(&[])]),
            ToggleRefused::Nowhere(name("PAY")),
        ),
        (
            edit("PAYY", vec![rule(&["EU"])]),
            ToggleRefused::CapabilityUnknown(name("PAYY")),
        ),
    ] {
        let before = developer.clone();
        assert_eq!(confine(&catalogue, &mut developer, &refused), Err(why));
        assert_eq!(developer, before);
    }
    confine(&catalogue, &mut developer, &edit("PAY", Vec::new())).unwrap();
    assert_eq!(developer, Developer::default());
}

/// Shows: P-48.
#[test]
fn raising_one_currency_leaves_the_others_as_they_were() {
    let by_currency = |values: &[(&str, &str)]| {
        let number = |text: &str| Number(text.parse().unwrap());
        let values = values
            .iter()
            .map(|(currency, most)| ((*currency).to_owned(), number(most)));
        LimitValue::ByCurrency(values.collect())
    };
    let limit = name("amount");
    let level = by_currency(&[("EUR", "1800"), ("USD", "2000")]);
    let mut limits = BTreeMap::new();
    let mut edit = |value: Option<LimitValue>| {
        let edits = BTreeMap::from([(limit.clone(), value)]);
        set_limits(&mut limits, &edits, |_| Some(level.clone()));
        limits.get(&limit).cloned()
    };
    let usd = |most| Some(by_currency(&[("USD", most)]));
    assert_eq!(
        edit(usd("3000")),
        Some(by_currency(&[("EUR", "1800"), ("USD", "3000")]))
    );
    assert_eq!(
        edit(Some(by_currency(&[("EUR", "1"), ("JPY", "9")]))),
        Some(by_currency(&[("EUR", "1"), ("JPY", "9"), ("USD", "3000")]))
    );
    assert_eq!(
        edit(Some(LimitValue::Unlimited)),
        Some(LimitValue::Unlimited)
    );
    assert_eq!(edit(usd("7")), usd("7"));
    assert_eq!(edit(None), None);
}

/// Shows: P-62.
#[test]
fn an_exact_level_shows_on_that_level_only() {
    let catalogue = catalogue();
    let mut developer = Developer::default();
    let (ladder, level) = (name("default"), name("partner"));
    assign_level(&catalogue, &mut developer, &ladder, Some(&level)).unwrap();
    let panel = panel(&catalogue, &developer);
    assert_eq!(shown(&panel).0, ["CHAIN", "CUSTOM", "PAY"]);
    let refused = assign_level(&catalogue, &mut developer, &ladder, Some(&name("king")));
    assert!(matches!(refused, Err(ToggleRefused::LevelUnknown { .. })));
    let refused = assign_level(&catalogue, &mut developer, &name("stairs"), None);
    assert!(matches!(refused, Err(ToggleRefused::LadderUnknown(_))));
}

/// Shows: P-63, P-64.
#[test]
fn a_switch_opens_only_what_it_may_and_off_wins_without_ending_it() {
    let catalogue = catalogue();
    let mut developer = Developer::default();
    let mut set = |capability: &str, switch| {
        switch_developer(&catalogue, &mut developer, &toggle(capability, switch))
    };
    assert_eq!(
        set("PAY", Switch::On),
        Err(ToggleRefused::NotNonRisk(name("PAY")))
    );
    let refused = set("PING", Switch::BusinessUnit);
    assert_eq!(refused, Err(ToggleRefused::NoBusinessUnit(name("PING"))));
    let refused = set("NOTHING", Switch::Off);
    assert_eq!(
        refused,
        Err(ToggleRefused::CapabilityUnknown(name("NOTHING")))
    );
    set("PING", Switch::On).unwrap();
    set("NO_FEE", Switch::BusinessUnit).unwrap();
    set("PING", Switch::Off).unwrap();
    assert_eq!(shown(&panel(&catalogue, &developer)).0, ["NO_FEE", "PAY"]);
    let again = toggle("PING", Switch::On);
    switch_developer(&catalogue, &mut developer, &again).unwrap();
    assert_eq!(
        shown(&panel(&catalogue, &developer)).0,
        ["NO_FEE", "PAY", "PING"]
    );
    let back = toggle("NO_FEE", Switch::Default);
    switch_developer(&catalogue, &mut developer, &back).unwrap();
    assert_eq!(shown(&panel(&catalogue, &developer)).0, ["PAY", "PING"]);
}

#[test]
fn an_app_only_narrows() {
    let catalogue = catalogue();
    let mut app = state::document::App {
        title: None,
        developer: name("acme"),
        account: None,
        apis: Vec::new(),
        off: Vec::new(),
        profile: None,
        limits: BTreeMap::new(),
        active: true,
        provider: false,
        keys: Vec::new(),
    };
    switch_app(&catalogue, &mut app, &toggle("PAY", Switch::Off)).unwrap();
    switch_app(&catalogue, &mut app, &toggle("PAY", Switch::Off)).unwrap();
    assert_eq!(app.off, [name("PAY")]);
    let refused = switch_app(&catalogue, &mut app, &toggle("PING", Switch::On));
    assert_eq!(refused, Err(ToggleRefused::OnlyNarrows(name("PING"))));
    switch_app(&catalogue, &mut app, &toggle("PAY", Switch::Default)).unwrap();
    assert!(app.off.is_empty());
}
