use proptest::{prelude::*, sample::select};

use super::*;
use crate::risk::{Found, Known, Line, Step};

const LEVELS: [&str; 4] = ["standard", "entry", "advanced", "partner"];

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// Levels that ask 0, 30, 60 and 90 points less than 100.
fn model(automatic: usize) -> Model {
    let step = |(level, risk): (&str, i64)| Step {
        level: name(level),
        exact: false,
        riskiest: Some((name("cap"), risk)),
    };
    Model {
        tolerance: 100,
        steps: LEVELS.into_iter().zip([0, 30, 60, 90]).map(step).collect(),
        automatic,
        refuse_above: Some(95),
        again_after_days: Some(30),
        ..Model::default()
    }
}

fn assessed(model: &Model, points: i64, unknown: bool) -> Assessment {
    let properties = decision::Attributes::new();
    let known = Known {
        country: None,
        properties: &properties,
        profile: &crate::profile::Profile::default(),
        service: None,
    };
    let mut assessment = Model {
        base: points,
        ..model.clone()
    }
    .assess(known);
    if unknown {
        assessment.lines.push(Line {
            signal: name("identity"),
            found: Found::Unknown,
            points: 0,
        });
    }
    assessment
}

fn around<'a>(model: &'a Model, level: Option<&'a Name>) -> Around<'a> {
    Around {
        model,
        level,
        now: Timestamp::from_micros(1_000_000),
    }
}

fn person() -> Decider {
    Decider::Person {
        actor: "operator".into(),
        note: "known to us".into(),
    }
}

#[test]
fn an_application_within_what_the_model_gives_is_decided_at_once() {
    let model = model(2);
    let assessment = assessed(&model, 20, false);
    let around = around(&model, None);
    let moved = Vetting::apply(None, Some(name("entry")), assessment.clone(), around).unwrap();
    assert_eq!(moved.level, Level::Is(name("entry")));
    let due = Timestamp::from_micros(1_000_000).plus_seconds(30 * 24 * 3_600);
    assert_eq!(moved.vetting.due_at(), Some(due));
    let Vetting::Approved(approval) = moved.vetting else {
        panic!("{:?}", moved.vetting);
    };
    assert_eq!(
        (approval.by, approval.assessment),
        (Decider::Model, assessment)
    );
}

#[test]
fn a_person_decides_what_the_model_may_not_and_may_give_another_level() {
    let model = model(2);
    let around = around(&model, None);
    for (wanted, points, unknown, why) in [
        (Some("advanced"), 20, false, vec![Doubt::AboveAutomatic]),
        (Some("entry"), 20, true, vec![Doubt::Unknown]),
        (Some("entry"), 80, false, vec![Doubt::TooRisky]),
        (None, 20, false, vec![Doubt::AboveAutomatic]),
    ] {
        let assessment = assessed(&model, points, unknown);
        let moved = Vetting::apply(None, wanted.map(name), assessment, around).unwrap();
        assert_eq!(moved.level, Level::Stays);
        let Vetting::InReview(review) = &moved.vetting else {
            panic!("{:?}", moved.vetting);
        };
        assert_eq!(review.why, why);
        let given = moved.vetting.approve(name("partner"), person(), around);
        assert_eq!(given.unwrap().level, Level::Is(name("partner")));
    }
}

#[test]
fn moves_that_make_no_sense_are_refused_with_what_to_do() {
    let model = model(2);
    let around = around(&model, None);
    let assessment = assessed(&model, 20, true);
    let unknown = Vetting::apply(None, Some(name("gold")), assessment.clone(), around);
    assert_eq!(unknown, Err(Immovable::LevelUnknown(name("gold"))));
    let review = Vetting::apply(None, None, assessment.clone(), around)
        .unwrap()
        .vetting;
    let twice = Vetting::apply(Some(&review), None, assessment.clone(), around);
    assert_eq!(twice, Err(Immovable::AlreadyInReview));
    let gold = review.clone().approve(name("gold"), person(), around);
    assert_eq!(gold, Err(Immovable::LevelUnknown(name("gold"))));
    let again = review.clone().look_again(assessment.clone(), around);
    assert_eq!(again, Err(Immovable::NotApproved));
    let ended = review.withdraw().unwrap().vetting;
    assert_eq!(ended.clone().withdraw(), Err(Immovable::NotInReview));
    assert_eq!(ended.clone().refuse(person()), Err(Immovable::NotInReview));
    let late = ended.clone().approve(name("entry"), person(), around);
    assert_eq!(late, Err(Immovable::NotInReview));
    // After an end one may apply again.
    assert!(Vetting::apply(Some(&ended), None, assessment, around).is_ok());
}

#[test]
fn more_risk_narrows_at_once_and_what_a_person_gave_stays_unless_it_rose() {
    let model = model(4);
    let partner = name("partner");
    let at_partner = around(&model, Some(&partner));
    let automatic = Vetting::apply(None, None, assessed(&model, 5, false), around(&model, None));
    let automatic = automatic.unwrap().vetting;
    let lower = automatic
        .clone()
        .look_again(assessed(&model, 35, false), at_partner)
        .unwrap();
    assert_eq!(lower.level, Level::Is(name("advanced")));
    let Vetting::InReview(review) = lower.vetting else {
        panic!("{:?}", lower.vetting);
    };
    assert_eq!(
        (review.wanted, review.why),
        (Some(partner.clone()), vec![Doubt::RiskRose])
    );
    let hopeless = automatic
        .look_again(assessed(&model, 96, false), at_partner)
        .unwrap();
    assert_eq!(hopeless.level, Level::Lowest);
    assert!(matches!(hopeless.vetting, Vetting::Refused(_)));

    let risky = assessed(&model, 80, false);
    let review = Vetting::apply(
        None,
        Some(partner.clone()),
        risky.clone(),
        around(&model, None),
    );
    let by_person = review
        .unwrap()
        .vetting
        .approve(partner.clone(), person(), at_partner);
    let by_person = by_person.unwrap().vetting;
    let same = by_person.clone().look_again(risky, at_partner).unwrap();
    assert_eq!(
        (same.level, same.vetting == by_person),
        (Level::Stays, true)
    );
    let rose = by_person
        .look_again(assessed(&model, 81, false), at_partner)
        .unwrap();
    assert_eq!(rose.level, Level::Is(name("standard")));
}

#[test]
fn what_a_person_gave_without_knowing_all_stays_until_more_is_unknown() {
    let model = model(4);
    let entry = name("entry");
    let around = around(&model, Some(&entry));
    let unsure = assessed(&model, 20, true);
    let review = Vetting::apply(None, Some(entry.clone()), unsure.clone(), around).unwrap();
    let given = review
        .vetting
        .approve(entry.clone(), person(), around)
        .unwrap()
        .vetting;
    let same = given.clone().look_again(unsure.clone(), around).unwrap();
    assert!(matches!(same.vetting, Vetting::Approved(_)));
    let mut more = unsure.clone();
    more.lines.push(Line {
        signal: name("bureau"),
        found: Found::Unknown,
        points: 0,
    });
    let again = given.look_again(more, around).unwrap();
    let Vetting::InReview(review) = again.vetting else {
        panic!("{:?}", again.vetting);
    };
    assert_eq!(
        (review.why, again.level),
        (vec![Doubt::Unknown], Level::Stays)
    );
    // The model itself never gives anything without knowing all.
    let sure = Vetting::apply(
        None,
        Some(name("entry")),
        assessed(&model, 20, false),
        around,
    );
    let again = sure.unwrap().vetting.look_again(unsure, around).unwrap();
    assert!(matches!(again.vetting, Vetting::InReview(_)));
}

proptest! {
    #[test]
    fn only_what_the_points_allow_is_given_without_a_person(
        points in 0_i64..130, unknown: bool, automatic in 0_usize..5,
        wanted in proptest::option::of(select(LEVELS.to_vec())),
        stands in proptest::option::of(select(LEVELS.to_vec())),
    ) {
        let model = model(automatic);
        let assessment = assessed(&model, points, unknown);
        let stands = stands.map(name);
        let around = around(&model, stands.as_ref());
        let moved = Vetting::apply(None, wanted.map(name), assessment.clone(), around).unwrap();
        if let Vetting::Approved(approval) = &moved.vetting {
            let rank = model.rank(&approval.level).unwrap();
            prop_assert!(assessment.allows(rank) && rank < automatic && !unknown && points <= 95);
        }
        match moved.level {
            Level::Stays => {}
            Level::Lowest => prop_assert!(false, "an application never narrows"),
            Level::Is(level) => {
                let before = stands.and_then(|level| model.rank(&level));
                prop_assert!(model.rank(&level) > before);
            }
        }
    }

    #[test]
    fn looking_again_never_widens(
        first in 0_i64..96, second in 0_i64..130, unknown: bool,
        given in select(LEVELS.to_vec()), stands in select(LEVELS.to_vec()), by_person: bool,
    ) {
        let model = model(4);
        let stands = name(stands);
        let around = around(&model, Some(&stands));
        let approval = Vetting::Approved(Approval {
            level: name(given),
            by: if by_person { person() } else { Decider::Model },
            due_at: None,
            assessment: assessed(&model, first, false),
        });
        let again = assessed(&model, second, unknown);
        let moved = approval.look_again(again.clone(), around).unwrap();
        let after = match &moved.level {
            Level::Stays => model.rank(&stands),
            Level::Lowest => Some(0),
            Level::Is(level) => model.rank(level),
        };
        prop_assert!(after <= model.rank(&stands));
        if !by_person && matches!(moved.vetting, Vetting::InReview(_)) {
            let given = model.rank(&name(given)).unwrap();
            prop_assert!(unknown || !again.allows(given));
        }
        if let Vetting::Approved(approval) = &moved.vetting {
            let rank = model.rank(&approval.level).unwrap();
            prop_assert!(!unknown && (again.allows(rank) || (by_person && second <= first)));
        }
    }
}
