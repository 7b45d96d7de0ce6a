//! What keeps a decision quick whatever a policy says: a policy that could cost too much is
//! refused when it is applied, a text too long to be looked through when it is asked about.

use primitives::Name;
use serde_json::Value;

use crate::PolicyProblem;

/// The longest text of a policy, in bytes.
const LONGEST_POLICY: usize = 16 * 1024;
/// How deep brackets may stand in each other. Cedar's parser needs some kilobytes of stack for
/// each, and an exhausted stack ends the process.
const MOST_BRACKETS: usize = 64;
/// How deep a condition may be nested; a chain of `||` is as deep as it is long. It is judged on
/// the stack of whoever serves the call.
const DEEPEST: usize = 100;
/// The stack on which a text is parsed and checked: far more than the longest text needs. Only
/// what is used of it is taken from memory.
const STACK: usize = 256 << 20;
/// The most signs of all patterns of a policy together. Finding a pattern takes as many steps as
/// it has signs for every character of the text.
const MOST_SIGNS: usize = 256;
/// The most parts of all conditions of a policy together: values, variables, operators. One takes
/// up to three quarters of a microsecond on a machine that is busy otherwise.
const MOST_PARTS: usize = 1_000;
/// The longest text of a request that a policy looks at, in bytes.
pub(crate) const LONGEST_TEXT: usize = 1024;

/// Runs what parses and checks a text where its nesting cannot exhaust the stack.
pub(crate) fn with_stack<T>(compile: impl FnOnce() -> T) -> T {
    stacker::grow(STACK, compile)
}

/// Refuses a text that is not even to be parsed.
pub(crate) fn check_text(name: &Name, text: &str) -> Result<(), Vec<PolicyProblem>> {
    let refuse =
        |message: String, mend: &str| Err(vec![PolicyProblem::of_policy(name, message, mend)]);
    if text.len() > LONGEST_POLICY {
        let length = text.len();
        let message =
            format!("it has {length} bytes, at most {LONGEST_POLICY} are judged on a call");
        return refuse(
            message,
            "say it shorter, or keep what it lists in a property of accounts",
        );
    }
    if brackets(text) > MOST_BRACKETS {
        let message = format!("its brackets are nested more than {MOST_BRACKETS} deep");
        return refuse(
            message,
            "take brackets away, or split the policy into statements",
        );
    }
    Ok(())
}

/// How deep brackets stand in each other, strings and comments left out.
fn brackets(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut string, mut comment) = (false, false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' => comment = false,
            _ if comment => {}
            '\\' if string => drop(rest.next()),
            '"' => string = !string,
            _ if string => {}
            '/' if rest.peek() == Some(&'/') => comment = true,
            '(' | '[' | '{' => {
                depth = depth.saturating_add(1);
                deepest = deepest.max(depth);
            }
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Refuses a statement, in its JSON form, whose conditions are nested too deep to be judged.
pub(crate) fn check_depth(name: &Name, json: &Value) -> Result<(), Vec<PolicyProblem>> {
    if depth(json) <= DEEPEST {
        return Ok(());
    }
    let message = format!("its conditions are nested more than {DEEPEST} deep");
    let mend = "write `[…].contains(…)` for a chain of `||`, or split it into statements";
    Err(vec![PolicyProblem::of_policy(name, message, mend)])
}

/// An expression is an object of its operator, which holds an object of its operands.
fn depth(json: &Value) -> usize {
    match json {
        Value::Array(items) => items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(members) => {
            let operands = members.values().map(depth).max().unwrap_or_default();
            operands.saturating_add(usize::from(members.len() == 1))
        }
        _ => 0,
    }
}

pub(crate) fn check_parts(name: &Name, parts: usize) -> Result<(), Vec<PolicyProblem>> {
    if parts <= MOST_PARTS {
        return Ok(());
    }
    let message = format!(
        "its conditions have {parts} parts together, at most {MOST_PARTS} are judged on a call"
    );
    let mend = "keep what it lists in a property of accounts, or split it into policies";
    Err(vec![PolicyProblem::of_policy(name, message, mend)])
}

/// How many parts the conditions of a statement have; from its JSON form, in which each is an
/// object.
pub(crate) fn parts(statement: &Value) -> usize {
    statement.get("conditions").map_or(0, values)
}

fn values(json: &Value) -> usize {
    let within = match json {
        Value::Array(items) => items.iter().map(values).sum(),
        Value::Object(members) => members
            .values()
            .filter(|value| value.is_array() || value.is_object())
            .map(values)
            .sum(),
        _ => 0,
    };
    within.saturating_add(usize::from(!json.is_array()))
}

pub(crate) fn check_patterns(name: &Name, signs: usize) -> Result<(), Vec<PolicyProblem>> {
    if signs <= MOST_SIGNS {
        return Ok(());
    }
    let message = format!(
        "its patterns (`like`) have {signs} signs together, at most {MOST_SIGNS} are looked for on a call"
    );
    let mend = "compare with whole values, or with shorter patterns";
    Err(vec![PolicyProblem::of_policy(name, message, mend)])
}

/// How many signs the patterns of a statement have; from its JSON form, in which a pattern is a
/// list.
pub(crate) fn signs(json: &Value) -> usize {
    match json {
        Value::Array(items) => items.iter().map(signs).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| match value.get("pattern") {
                Some(Value::Array(pattern)) if key == "like" => {
                    pattern.len().saturating_add(signs(value))
                }
                _ => signs(value),
            })
            .sum(),
        _ => 0,
    }
}
