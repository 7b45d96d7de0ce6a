use std::fmt::Write as _;

use decision::spoken_level;
use serde_json::Value;

use crate::{
    cli::{Form, ShowArguments},
    client::{Client, escaped},
    failure::Failure,
    output::{self, cell},
};

pub(crate) async fn run(id: &str, show: &ShowArguments) -> Result<(), Failure> {
    let client = Client::connect(&show.connect)?;
    let answer = client
        .get(&format!("/v1/decisions/{}", escaped(id)), &[])
        .await?;
    if show.output != Form::Table {
        return output::document(&answer, show.output);
    }
    print!("{}", told(&answer));
    Ok(())
}

/// An explanation for a person.
fn told(explanation: &Value) -> String {
    let call = explanation.pointer("/record/call").unwrap_or(&Value::Null);
    let of = |key: &str| cell(call.get(key));
    let who = |key: &str| cell(call.pointer(&format!("/{key}/1")));
    let outcome = cell(explanation.pointer("/call/outcome"));
    let code = of("code");
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "{}  {outcome}  {code}", of("id"));
    let _ = writeln!(
        text,
        "{} {}  at {}",
        of("method"),
        of("path"),
        cell(explanation.pointer("/call/at"))
    );
    let _ = writeln!(
        text,
        "API {}, operation {}, {} mode, {}",
        or_none(&of("api")),
        or_none(&of("operation")),
        or_none(&of("mode")),
        of("enforcement"),
    );
    let _ = writeln!(
        text,
        "app {}, developer {}, account {}",
        or_none(&who("app")),
        or_none(&who("developer")),
        or_none(&who("account")),
    );
    facts(&mut text, call);
    let answer = explanation.get("answer").cloned().unwrap_or_default();
    because(&mut text, &answer);
    if answer.get("gates").is_none() {
        return text;
    }
    gates(&mut text, "call", answer.get("gates"));
    for capability in items(answer.get("capabilities")) {
        let granted = capability.get("granted") == Some(&Value::Bool(true));
        let word = match answer.get("verdict").and_then(Value::as_str) {
            Some("undecided") => "undecided",
            _ if granted => "granted",
            _ => "refused",
        };
        let head = format!("{} {word}", cell(capability.get("capability")));
        gates(&mut text, &head, capability.get("gates"));
        limits(&mut text, capability.get("limits"));
    }
    limits(&mut text, answer.get("limits"));
    edits(&mut text, &answer);
    offers(&mut text, &answer);
    text
}

/// What was taken from the request.
fn facts(text: &mut String, call: &Value) {
    let recorded: Vec<_> = items(call.get("facts")).collect();
    if recorded.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nfacts");
    for fact in recorded {
        let of = |key: &str| cell(fact.get(key));
        let said = match fact.get("unusable") {
            Some(why) => format!("unusable: {}", cell(Some(why))),
            None if fact.get("cut") == Some(&Value::Bool(true)) => {
                format!("{}… (cut)", visible(&of("value")))
            }
            None => visible(&of("value")),
        };
        let _ = writeln!(text, "  {:24} {:10} {said}", of("name"), of("type"));
    }
    let left_out = cell(call.get("facts_left_out"));
    if !left_out.is_empty() {
        let _ = writeln!(text, "  and {left_out} more");
    }
}

/// A caller's own text with nothing in it that a terminal obeys.
fn visible(text: &str) -> String {
    let escaped = text.chars().map(|c| match c {
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    });
    escaped.collect()
}

/// What no gate says: why the call could not be decided, or not even be asked about.
fn because(text: &mut String, answer: &Value) {
    let because = cell(answer.get("because"));
    if because.is_empty() {
        return;
    }
    let undecided = answer.get("verdict").and_then(Value::as_str) == Some("undecided");
    let head = if undecided {
        "could not be decided because"
    } else {
        "refused because"
    };
    let _ = writeln!(text, "\n{head} {because}");
}

fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

fn gates(text: &mut String, head: &str, gates: Option<&Value>) {
    let _ = writeln!(text, "\n{head}");
    for gate in items(gates) {
        let of = |key: &str| cell(gate.get(key));
        let mut line = format!("  {:24} {:14}", of("gate"), of("outcome"));
        for (word, key) in [
            ("", "code"),
            ("rule ", "rule"),
            ("has ", "value"),
            ("wants ", "threshold"),
        ] {
            let part = if of("gate") == "level" {
                spoken_level(&of(key))
            } else {
                of(key)
            };
            if !part.is_empty() {
                let _ = write!(line, " {word}{part} ");
            }
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

fn limits(text: &mut String, limits: Option<&Value>) {
    for limit in items(limits) {
        let of = |key: &str| cell(limit.get(key));
        let most = of("most");
        let mut line = format!(
            "  limit {:18} at most {}",
            of("limit"),
            if most.is_empty() { "anything" } else { &most }
        );
        for (word, key) in [
            ("", "currency"),
            ("used ", "used"),
            ("left ", "remaining"),
            ("until ", "resets_at"),
        ] {
            let part = of(key);
            if !part.is_empty() {
                let _ = write!(line, ", {word}{part}");
            }
        }
        let _ = writeln!(text, "{line}");
    }
}

fn edits(text: &mut String, answer: &Value) {
    let verdict = answer.get("verdict").and_then(Value::as_str);
    if matches!(verdict, Some("granted" | "undecided")) {
        return;
    }
    match answer.get("edits") {
        Some(Value::Array(edits)) if !edits.is_empty() => {
            let _ = writeln!(text, "\nall of this together would admit the call:");
            for edit in edits {
                let _ = writeln!(
                    text,
                    "  - {} (by {})",
                    cell(edit.get("text")),
                    cell(edit.get("by"))
                );
            }
        }
        _ => {
            let _ = writeln!(
                text,
                "\nno change that Portreeve knows of would admit the call"
            );
        }
    }
}

fn offers(text: &mut String, answer: &Value) {
    let mut offers = items(answer.get("offers")).peekable();
    if offers.peek().is_some() {
        let _ = writeln!(text, "\nthe caller was offered:");
    }
    for offer in offers {
        let admits = if offer.get("admits") == Some(&Value::Bool(true)) {
            "would admit this call"
        } else {
            "would not admit this call"
        };
        let _ = writeln!(
            text,
            "  - {} (by {}; {admits})",
            cell(offer.get("text")),
            cell(offer.get("who"))
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_could_not_be_decided_says_why_and_proposes_nothing() {
        let text = told(&json!({
            "call": { "outcome": "served", "at": "2026-01-01T00:00:00Z" },
            "answer": {
                "verdict": "undecided", "because": "the body is longer than 1048576 bytes",
                "gates": [],
                "capabilities": [{ "capability": "PAY", "granted": false, "gates": [] }],
                "edits": [],
            },
            "record": { "call": { "id": "dec_1", "code": "body_too_large" } },
        }));
        assert!(
            text.contains("could not be decided because the body is longer"),
            "{text}"
        );
        assert!(
            text.contains("PAY undecided") && !text.contains("admit"),
            "{text}"
        );
        let text = told(&json!({
            "call": { "outcome": "refused", "at": "2026-01-01T00:00:00Z" },
            "answer": { "verdict": "refused", "because": "no key has this id and secret" },
            "record": { "call": { "id": "dec_2", "code": "credential_unknown" } },
        }));
        assert!(
            text.ends_with("refused because no key has this id and secret\n"),
            "{text}"
        );
    }

    #[test]
    fn facts_and_offers_are_told_and_a_caller_s_text_commands_no_terminal() {
        let text = told(&json!({
            "call": { "outcome": "refused" },
            "answer": {
                "verdict": "refused",
                "gates": [{ "gate": "level", "outcome": "refused", "value": "default/entry",
                    "threshold": "exactly default/advanced" }],
                "edits": [],
                "offers": [{ "offer": "plan", "text": "on the plan `pro` it is 9", "who": "account",
                    "admits": true }],
            },
            "record": { "call": { "facts_left_out": 3, "facts": [
                { "name": "amount", "type": "quantity", "value": "12.5" },
                { "name": "note", "type": "text", "value": "\u{1b}[2Jhi", "cut": true },
                { "name": "legs", "type": "quantity", "unusable": "it is not a quantity" },
            ] } },
        }));
        for part in [
            "has entry  wants exactly advanced\n",
            "  amount                   quantity   12.5\n",
            "  note                     text       \\u{1b}[2Jhi… (cut)\n",
            "  legs                     quantity   unusable: it is not a quantity\n",
            "  and 3 more\n",
            "the caller was offered:\n  - on the plan `pro` it is 9 (by account; would admit this call)",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn a_refusal_is_told_with_gates_and_the_change_that_admits() {
        let answer = json!({
            "verdict": "refused",
            "gates": [{ "gate": "api_active", "outcome": "passed" }],
            "capabilities": [{
                "capability": "PREAPPROVALS", "granted": false,
                "gates": [{ "gate": "level", "outcome": "refused", "code": "level_too_low",
                    "value": "entry", "threshold": "advanced-plus" }],
                "limits": [{ "limit": "legs", "most": "3", "used": "1", "remaining": "2" }],
            }],
            "edits": [{ "edit": "assign_level", "text": "assign the level", "by": "operator" }],
        });
        let text = told(&json!({
            "call": { "outcome": "refused", "at": "2026-01-01T00:00:00Z" },
            "answer": answer,
            "record": { "call": {
                "id": "dec_1", "code": "level_too_low", "method": "POST", "path": "/p",
                "api": "payments", "operation": "Preapproval", "mode": "live",
                "app": ["app_1", "shop"],
            }},
        }));
        for part in [
            "dec_1  refused  level_too_low",
            "app shop, developer none",
            "PREAPPROVALS refused",
            "has entry  wants advanced-plus",
            "at most 3, used 1, left 2",
            "  - assign the level (by operator)",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}
