//! Rules over how apps call, as they are written.

use accounts::anomalies::{Action, Rule, Test};

use super::*;

fn with(rules: &str) -> String {
    STATE.replacen(
        "accounts:\n",
        &format!("anomaly_rules:\n{rules}accounts:\n"),
        1,
    )
}

fn compiled(rules: &str) -> Vec<Rule> {
    let documents = parse(&sources(&with(rules))).unwrap_or_else(|told| panic!("{told:?}"));
    let compiled = compile(&documents).unwrap_or_else(|told| panic!("{told:?}"));
    compiled.setup.anomaly_rules.clone()
}

/// Shows: P-33, P-34.
#[test]
fn what_is_left_out_of_a_rule_is_filled_in() {
    let rules = compiled(
        "  - { name: a, looks_at: technology, action: note }\n\
         \x20 - { name: b, looks_at: season, below: 20, action: alert }\n\
         \x20 - { name: c, looks_at: calls, percent: 200, at_least: 5, after_calls: 7, after_days: 0, action: refuse }\n\
         \x20 - { name: d, looks_at: travel, action: { step_down: { for: 2h } } }\n",
    );
    let told: Vec<_> = rules
        .iter()
        .map(|rule| {
            (
                rule.name.as_str(),
                rule.test,
                rule.after_calls,
                rule.after_days,
                rule.action,
            )
        })
        .collect();
    let step_down = Action::StepDown {
        levels: 1,
        seconds: 7_200,
    };
    assert_eq!(
        told,
        [
            ("a", Test::Technology { below: 10 }, 500, 14, Action::Note),
            ("b", Test::Season { below: 20 }, 500, 365, Action::Alert),
            (
                "c",
                Test::Calls {
                    percent: 200,
                    at_least: 5
                },
                7,
                0,
                Action::Refuse
            ),
            ("d", Test::Travel { faster_than: 1_000 }, 500, 14, step_down),
        ]
    );
}

#[test]
fn what_a_rule_cannot_mean_is_refused() {
    for (rule, says) in [
        (
            "looks_at: hour, percent: 200, action: note",
            "has no `percent`",
        ),
        (
            "looks_at: travel, below: 10, action: note",
            "has no `below`",
        ),
        ("looks_at: hour, below: 0, action: note", "finds everybody"),
        (
            "looks_at: hour, below: 501, action: note",
            "finds everybody",
        ),
        (
            "looks_at: calls, percent: 99, action: note",
            "finds everybody",
        ),
        (
            "looks_at: hour, apis: [nothing], action: note",
            "there is no api `nothing`",
        ),
        (
            "looks_at: hour, action: { step_down: { for: 30s } }",
            "steps down",
        ),
        (
            "looks_at: hour, action: { step_down: { for: 366d } }",
            "steps down",
        ),
        (
            "looks_at: hour, action: { step_down: { levels: 0, for: 1h } }",
            "steps down",
        ),
        ("looks_at: mood, action: note", "mood"),
        ("looks_at: hour, action: shout", "shout"),
        ("looks_at: hour", "action"),
    ] {
        let text = with(&format!("  - {{ name: odd, {rule} }}\n"));
        let told = match parse(&sources(&text)) {
            Err(told) => told,
            Ok(documents) => match compile(&documents) {
                Err(told) => told,
                Ok(_) => panic!("{rule} is taken"),
            },
        };
        let told: Vec<String> = told.iter().map(ToString::to_string).collect();
        assert!(
            told.iter().any(|one| one.contains(says)),
            "{rule}: {told:?}"
        );
    }
}
