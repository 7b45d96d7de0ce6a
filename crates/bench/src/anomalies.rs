//! What it costs to hold a call against what its app usually does.

use std::{error::Error, hint::black_box};

use accounts::anomalies::{Action, Habit, Rule, Seen, Test, technology};
use admission::{Coming, Habits, Whose};
use bench::zipf;
use primitives::{AppId, Country, Mode, Symbol, Timestamp};
use serde_json::{Value, json};

use super::{CALLS, Cost, NOON, clock_nanos, now};

/// How many apps have a habit.
const APPS: usize = 100_000;
const CLIENT: &str = "Acme-SDK/2.4.1 (linux; x86_64) hyper/1.0";

/// One rule of every kind.
fn rules() -> Result<Vec<Rule>, Box<dyn Error>> {
    let tests = [
        ("technology", Test::Technology { below: 10 }),
        ("location", Test::Location { below: 10 }),
        ("hour", Test::Hour { below: 10 }),
        ("season", Test::Season { below: 10 }),
        (
            "calls",
            Test::Calls {
                percent: 300,
                at_least: 100,
            },
        ),
        ("travel", Test::Travel { faster_than: 1_000 }),
    ];
    let rule = |(name, test): (&str, Test)| {
        Ok(Rule {
            name: name.parse()?,
            apis: Vec::new(),
            test,
            after_calls: 10,
            after_days: 7,
            action: Action::Note,
        })
    };
    tests.into_iter().map(rule).collect()
}

fn whose(app: usize) -> Whose {
    let number = u128::try_from(app)
        .unwrap_or(0)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (AppId::from_u128(number), Mode::Live)
}

/// Apps that called from many countries with many clients, so that nothing is found at once.
fn habits(home: &[Country]) -> Habits {
    let mut habit = Habit::default();
    for day in 0..30 {
        for (at, country) in home.iter().enumerate() {
            let client = format!("client-{at}");
            let name = if at == 0 { "acme-sdk" } else { &client };
            habit.observe(&Seen {
                at: NOON.plus_seconds(-86_400 * (30 - day)),
                technology: name,
                country: Some(*country),
                in_hour: 1,
            });
        }
    }
    let habits = Habits::default();
    habits.load((0..APPS).map(|app| (whose(app), habit.clone())));
    habits
}

/// The cost of calls that come `from` somewhere at a time, and how many were unusual.
fn cost(
    (habits, rules): (&Habits, &[Rule]),
    (from, at): (Country, Timestamp),
    clock: f64,
) -> Result<(Cost, usize), Box<dyn Error>> {
    let callers = zipf(APPS, CALLS)?;
    let (mut nanos, mut unusual) = (Vec::with_capacity(callers.len()), 0);
    let mut moment = at;
    for round in 0..2 {
        let mut before = now();
        for &app in &callers {
            moment = moment.plus_micros(10);
            let name = technology(Some(black_box(CLIENT)));
            let judged = habits.judge(
                rules,
                Coming {
                    whose: whose(app),
                    api: Symbol(0),
                    at: moment,
                    technology: &name,
                    country: Some(from),
                },
            );
            unusual += usize::from(round > 0 && !black_box(judged).hits.is_empty());
            let after = now();
            if round > 0 {
                let taken = after.duration_since(before).as_nanos();
                nanos.push(u32::try_from(taken).unwrap_or(u32::MAX));
            }
            before = after;
        }
    }
    Ok((Cost::of(nanos, clock), unusual))
}

pub(crate) fn run(as_json: bool) -> Result<(), Box<dyn Error>> {
    let codes = [
        "DE", "FR", "GB", "US", "CA", "BR", "JP", "IN", "AU", "ZA", "SE", "ES", "IT", "PL", "NL",
        "CH",
    ];
    let home: Vec<Country> = codes
        .iter()
        .map(|code| code.parse())
        .collect::<Result<_, _>>()?;
    let (habits, rules, clock) = (habits(&home), rules()?, clock_nanos()?);
    let last = *home.last().ok_or("no country")?;
    let all = (&habits, &*rules);
    let elsewhere: Country = "NZ".parse()?;
    // The newest call of a habit is a day older than `NOON`.
    let soon = NOON.plus_seconds(600 - 86_400);
    let costs = [
        ("usual_us", "as usual", cost(all, (last, NOON), clock)?),
        (
            "unusual_us",
            "from elsewhere",
            cost(all, (elsewhere, NOON), clock)?,
        ),
        (
            "travelled_us",
            "and too soon",
            cost(all, (elsewhere, soon), clock)?,
        ),
    ];
    println!("judge a call by six rules, {APPS} apps, microseconds of a call:");
    println!("                      median      mean   unusual");
    for (_, name, (cost, found)) in &costs {
        println!(
            "  {name:16}  {:>8.2}  {:>8.2}  {found:>8}",
            cost.median, cost.mean
        );
    }
    if as_json {
        let cost = |cost: &Cost| json!({ "median": cost.median, "mean": cost.mean });
        let told = costs
            .iter()
            .map(|(key, _, (of, _))| ((*key).to_owned(), cost(of)));
        println!("{}", Value::Object(told.collect()));
    }
    Ok(())
}
