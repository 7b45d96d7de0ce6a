//! How developers are judged, as it is written.

use accounts::risk::{Question, Test};
use decision::Attribute;

use super::*;

fn compiled() -> Setup {
    compile(&parse(&sources(STATE)).unwrap()).unwrap().setup
}

/// Shows: P-27, P-28.
#[test]
fn a_risk_model_knows_its_ladder_and_the_risk_of_what_each_level_opens() {
    let setup = compiled();
    let model = &setup.risk_models[&"default".parse::<Name>().unwrap()];
    let steps: Vec<_> = model
        .steps
        .iter()
        .map(|step| {
            let riskiest = step.riskiest.as_ref();
            let riskiest = riskiest.map(|(name, risk)| (name.as_str(), *risk));
            (step.level.as_str(), step.exact, riskiest)
        })
        .collect();
    assert_eq!(
        steps,
        [
            ("standard", false, None),
            ("entry", false, Some(("SELL", 40))),
            ("advanced", true, Some(("SELL_BULK", 70))),
        ]
    );
    assert_eq!((model.automatic, model.signals.len()), (2, 6));
    let text = |text: &str| Attribute::Text(text.to_owned());
    let of = |signal: usize| match &model.signals[signal].question {
        Question::Property { test, .. } => test.clone(),
        Question::Country(_) | Question::Records { .. } => panic!("no property"),
    };
    assert_eq!(of(3), Test::OneOf(vec![text("10115"), text("harbour")]));
    assert_eq!(of(4), Test::OneOf(vec![text("rope")]));
    let Question::Country(countries) = &model.signals[5].question else {
        panic!("not a country");
    };
    let countries: Vec<String> = countries.iter().map(ToString::to_string).collect();
    assert_eq!(countries, ["DE", "DK", "NO", "SE"]);
    assert_eq!(model.service.as_ref().map(Name::as_str), Some("bureau"));
    assert_eq!(setup.risk_services.len(), 1);
}

/// What is changed, into what, and what is told of it.
const MISTAKES: [(&str, &str, &str); 20] = [
    (
        "property: staff, at_most: 3",
        "records: { kind: sale }, equals: 3",
        "is a number",
    ),
    (
        "property: staff, at_most: 3",
        "records: { kind: sale, measure: sum }, at_most: 3",
        "only a fact",
    ),
    (
        "property: staff, at_most: 3",
        "records: { kind: sale }, property: staff, at_most: 3",
        "exactly one question",
    ),
    (
        "property: staff, at_most: 3",
        "records: { kind: sale }",
        "exactly one question",
    ),
    (
        "  - name: default\n    title: How",
        "  - name: rope\n    title: How",
        "there is no ladder `rope`",
    ),
    ("automatic: entry", "automatic: entri", "`entri`"),
    ("again_after_days: 90", "again_after_days: 0", "without end"),
    (
        "name: small, property: staff",
        "name: no-stall, property: staff",
        "stands twice",
    ),
    (
        "property: staff, at_most: 3",
        "property: stuff, at_most: 3",
        "there is no property `stuff`",
    ),
    (
        "property: staff, at_most: 3",
        "property: quarter, at_most: 3",
        "`integer`",
    ),
    (
        "property: staff, at_most: 3",
        "property: staff, at_most: 3, at_least: 1",
        "exactly one question",
    ),
    (
        "property: staff, at_most: 3",
        "property: staff",
        "exactly one question",
    ),
    (
        "property: has_stall, equals: false",
        "property: has_stall, equals: 1",
        "never has such a value",
    ),
    (
        "one_of: [10115, harbour]",
        "one_of: []",
        "never has such a value",
    ),
    ("equals: rope", "equals: [rope]", "never has such a value"),
    (
        "country: [north, home]",
        "country: [north, hone]",
        "there is no region `hone`",
    ),
    (
        "country: [north, home]",
        "country: []",
        "no country is meant",
    ),
    (
        "country: [north, home]",
        "country: [north], equals: x",
        "exactly one question",
    ),
    ("name: bureau, url", "name: large, url", "`large` already"),
    (
        "https://bureau.example/points",
        "ftp://bureau.example",
        "not the URL of a server",
    ),
];

#[test]
fn what_a_risk_model_cannot_mean_is_refused_with_its_place() {
    for (from, to, says) in MISTAKES {
        let told = changed(from, to);
        assert_eq!(told.len(), 1, "{to}: {told:?}");
        assert!(told[0].contains(says), "{to}: {told:?}");
        assert!(told[0].contains("market.yaml:"), "{to}: {told:?}");
    }
}
