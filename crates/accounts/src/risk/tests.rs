use proptest::prelude::*;

use super::*;
use crate::profile::{Fact, Record};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn property(property: &str, test: Test, points: i64, missing: Option<i64>) -> Signal {
    Signal {
        name: name(&format!("{property}_signal")),
        question: Question::Property {
            name: name(property),
            test,
        },
        points,
        missing,
    }
}

fn step(level: &str, risk: i64) -> Step {
    Step {
        level: name(level),
        exact: false,
        riskiest: Some((name("cap"), risk)),
    }
}

fn ladder(risks: [i64; 3]) -> Vec<Step> {
    let names = ["standard", "entry", "advanced"];
    names
        .iter()
        .zip(risks)
        .map(|(level, risk)| step(level, risk))
        .collect()
}

static NO_RECORDS: std::sync::LazyLock<Profile> = std::sync::LazyLock::new(Profile::default);

fn known(properties: &Attributes) -> Known<'_> {
    Known {
        country: "DE".parse().ok(),
        properties,
        profile: &NO_RECORDS,
        service: None,
    }
}

#[test]
fn points_are_the_base_and_what_each_signal_gives_and_every_line_says_why() {
    let germany: Country = "DE".parse().unwrap();
    let model = Model {
        base: 50,
        signals: vec![
            property(
                "verified_business",
                Test::OneOf(vec![Attribute::Boolean(true)]),
                -30,
                None,
            ),
            property("years", Test::AtMost(2), 20, Some(25)),
            property("chargebacks", Test::AtLeast(10), 40, None),
            property(
                "sectors",
                Test::OneOf(vec![Attribute::Text("gambling".into())]),
                35,
                Some(0),
            ),
            Signal {
                name: name("at_home"),
                question: Question::Country(vec![germany]),
                points: -5,
                missing: None,
            },
        ],
        tolerance: 100,
        steps: ladder([10, 40, 60]),
        automatic: 1,
        ..Model::default()
    };
    let properties = Attributes::from([
        (name("verified_business"), Attribute::Boolean(true)),
        (
            name("sectors"),
            Attribute::Texts(vec!["retail".into(), "gambling".into()]),
        ),
    ]);
    let assessment = model.assess(known(&properties));
    let lines: Vec<_> = assessment
        .lines
        .iter()
        .map(|line| (line.signal.as_str(), line.found, line.points))
        .collect();
    assert_eq!(
        lines,
        [
            ("verified_business_signal", Found::Yes, -30),
            ("years_signal", Found::Missing, 25),
            ("chargebacks_signal", Found::Unknown, 0),
            ("sectors_signal", Found::Yes, 35),
            ("at_home", Found::Yes, -5),
        ]
    );
    assert_eq!(assessment.points, 75);
    let unknown: Vec<_> = assessment.unknown().map(Name::as_str).collect();
    assert_eq!(unknown, ["chargebacks_signal"]);
    let sums: Vec<_> = assessment.rooms.iter().map(|room| room.sum).collect();
    assert_eq!((sums, assessment.fits), (vec![85, 115, 135], 1));
}

#[test]
fn a_risk_service_that_does_not_answer_is_for_a_person_to_look_at() {
    let model = Model {
        base: 20,
        tolerance: 100,
        steps: ladder([0, 30, 60]),
        service: Some(name("bureau")),
        ..Model::default()
    };
    let nothing = Attributes::new();
    let silent = model.assess(known(&nothing));
    assert_eq!((silent.points, silent.unknown().count()), (20, 1));
    let answered = model.assess(Known {
        service: Some(-15),
        ..known(&nothing)
    });
    assert_eq!((answered.points, answered.unknown().count()), (5, 0));
}

#[test]
fn a_value_of_another_type_is_no_answer() {
    let years = property("years", Test::AtLeast(2), 5, None);
    for value in [Attribute::Text("3".into()), Attribute::Boolean(true)] {
        let properties = Attributes::from([(name("years"), value)]);
        assert_eq!(years.ask(known(&properties)).found, Found::Unknown);
    }
}

#[test]
fn what_a_level_opens_below_it_counts_for_it_too_unless_it_is_open_there_alone() {
    let mut model = Model {
        tolerance: 50,
        steps: ladder([0, 90, 10]),
        ..Model::default()
    };
    let nothing = Attributes::new();
    assert_eq!(model.assess(known(&nothing)).fits, 1);
    model.steps[1].exact = true;
    let assessment = model.assess(known(&nothing));
    assert_eq!(assessment.fits, 3);
    let allowed: Vec<_> = (0..4).map(|rank| assessment.allows(rank)).collect();
    assert_eq!(allowed, [true, false, true, false]);
}

proptest! {
    #[test]
    fn more_points_never_allow_more(
        base in -50_i64..200, more in 0_i64..200, risks in any::<[u8; 3]>(), tolerance in 0_i64..300,
    ) {
        let model = |base| Model {
            base,
            tolerance,
            steps: ladder(risks.map(i64::from)),
            ..Model::default()
        };
        let nothing = Attributes::new();
        let low = model(base).assess(known(&nothing));
        let high = model(base + more).assess(known(&nothing));
        prop_assert!(high.fits <= low.fits);
        for rank in 0..3 {
            prop_assert!(low.allows(rank) || !high.allows(rank));
        }
    }

    #[test]
    fn no_points_break_the_sum(base: i64, points in proptest::collection::vec(any::<i64>(), 0..4)) {
        let signal = |points| Signal {
            name: name("one"),
            question: Question::Country(vec!["DE".parse().unwrap()]),
            points,
            missing: None,
        };
        let model = Model {
            base,
            signals: points.into_iter().map(signal).collect(),
            steps: ladder([i64::MAX, 1, i64::MAX]),
            ..Model::default()
        };
        let nothing = Attributes::new();
        prop_assert!(model.assess(known(&nothing)).points >= 0);
    }
}

fn of_records(
    (signal, source, fact): (&str, Option<&str>, Option<&str>),
    measure: Measure,
    test: Test,
) -> Signal {
    Signal {
        name: name(signal),
        question: Question::Records {
            source: source.map(name),
            kind: name("payment"),
            fact: fact.map(name),
            measure,
            test,
        },
        points: 10,
        missing: None,
    }
}

/// Shows: P-24, P-26.
#[test]
fn records_answer_and_what_there_is_none_of_is_not_taken_for_little() {
    let partner = ("partner", Some("bureau"), Some("amount"));
    let small = ("small", Some("ledger"), Some("amount"));
    let lost = ("lost", None, Some("disputed"));
    let model = Model {
        signals: vec![
            of_records(("many", None, None), Measure::Count, Test::AtLeast(3)),
            of_records(lost, Measure::Sum, Test::AtLeast(2)),
            of_records(partner, Measure::Most, Test::AtLeast(50)),
            of_records(small, Measure::Least, Test::AtMost(5)),
        ],
        tolerance: 100,
        steps: ladder([0, 0, 0]),
        ..Model::default()
    };
    let found = |profile: &Profile| {
        let nothing = Attributes::new();
        let assessment = model.assess(Known {
            profile,
            ..known(&nothing)
        });
        assessment
            .lines
            .iter()
            .map(|line| line.found)
            .collect::<Vec<_>>()
    };
    let mut profile = Profile::default();
    let none = [Found::No, Found::No, Found::Unknown, Found::Unknown];
    assert_eq!(found(&profile), none);
    let mut add = |source: &str, amount, disputed| {
        let record = Record {
            source: name(source),
            kind: name("payment"),
            at: primitives::Timestamp::from_seconds(1),
            facts: std::collections::BTreeMap::from([
                (name("amount"), Fact::Integer(amount)),
                (name("disputed"), Fact::Boolean(disputed)),
            ]),
        };
        profile.add(&record).unwrap();
    };
    add("ledger", 9, true);
    add("ledger", 5, false);
    add("bureau", 49, true);
    let all = [Found::Yes, Found::Yes, Found::No, Found::Yes];
    assert_eq!(found(&profile), all);
}
