use accounts::anomalies::{Action, Rule, Test};
use store::Kind;

use super::{
    Setup,
    names::{At, Names},
    setup::each,
};
use crate::document::{self, AnomalyAction, AnomalyRule, LooksAt};

/// The longest time that an app stands lower: a year.
const LONGEST_SECONDS: u64 = 365 * 86_400;

/// Compiles the rules over how apps call; the APIs stand already.
pub(super) fn anomaly_rules(names: &mut Names<'_>, setup: &mut Setup) {
    let mut rules = Vec::new();
    for (name, entry) in each::<AnomalyRule>(names) {
        let at = At::new(Kind::AnomalyRule, &name);
        let apis = names.symbols(Kind::Api, &entry.apis, at.field("apis"));
        check_fields(names, &entry, at);
        let Some(action) = action(names, &entry.action, at) else {
            continue;
        };
        let days = if entry.looks_at == LooksAt::Season {
            365
        } else {
            14
        };
        rules.push(Rule {
            test: test(&entry),
            apis,
            after_calls: entry.after_calls.unwrap_or(500),
            after_days: entry.after_days.unwrap_or(days),
            action,
            name: name.clone(),
        });
    }
    setup.anomaly_rules = rules;
}

fn test(entry: &AnomalyRule) -> Test {
    let below = entry.below.unwrap_or(10);
    match entry.looks_at {
        LooksAt::Technology => Test::Technology { below },
        LooksAt::Location => Test::Location { below },
        LooksAt::Hour => Test::Hour { below },
        LooksAt::Season => Test::Season { below },
        LooksAt::Calls => Test::Calls {
            percent: entry.percent.unwrap_or(300),
            at_least: entry.at_least.unwrap_or(100),
        },
        LooksAt::Travel => Test::Travel {
            faster_than: entry.faster_than.unwrap_or(1_000),
        },
    }
}

/// A bound that the rule does not look at would be read for one that it does.
fn check_fields(names: &mut Names<'_>, entry: &AnomalyRule, at: At<'_>) {
    let shares = [
        LooksAt::Technology,
        LooksAt::Location,
        LooksAt::Hour,
        LooksAt::Season,
    ];
    let fields = [
        ("below", entry.below, &shares[..], 1..=500),
        (
            "percent",
            entry.percent,
            &[LooksAt::Calls][..],
            100..=u32::MAX,
        ),
        (
            "at_least",
            entry.at_least,
            &[LooksAt::Calls][..],
            0..=u32::MAX,
        ),
        (
            "faster_than",
            entry.faster_than,
            &[LooksAt::Travel][..],
            1..=u32::MAX,
        ),
    ];
    for (field, value, of, range) in fields {
        let Some(value) = value else {
            continue;
        };
        let at = at.field(field);
        if !of.contains(&entry.looks_at) {
            let problem = at.problem(format!("a rule that looks at this has no `{field}`"));
            names.refuse(problem.mend(format!("take `{field}` out")));
        } else if !range.contains(&value) {
            let (least, most) = (range.start(), range.end());
            let mend = if *most == u32::MAX {
                format!("write {least} or more")
            } else {
                format!("write {least} to {most}")
            };
            names.refuse(at.problem(format!("{value} finds everybody")).mend(mend));
        }
    }
}

fn action(names: &mut Names<'_>, entry: &AnomalyAction, at: At<'_>) -> Option<Action> {
    let document::StepDown { levels, r#for } = match entry {
        AnomalyAction::Note => return Some(Action::Note),
        AnomalyAction::Alert => return Some(Action::Alert),
        AnomalyAction::Refuse => return Some(Action::Refuse),
        AnomalyAction::StepDown(step_down) => step_down,
    };
    let seconds = r#for.0.as_secs();
    let short = !(60..=LONGEST_SECONDS).contains(&seconds);
    if short || *levels == 0 {
        let problem = at.field("action.step_down");
        let problem = problem.problem("it steps down by no level, or for no such time");
        names.refuse(problem.mend("write 1 level or more, and `1m` to `365d`"));
        return None;
    }
    Some(Action::StepDown {
        levels: *levels,
        seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
    })
}
