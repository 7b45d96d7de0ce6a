use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use crate::{
    cli::Form,
    failure::{Failure, why},
};

/// A column: its head and the JSON Pointer of its cells.
pub(crate) type Column = (&'static str, &'static str);

/// Prints a list of rows, or the whole answer in another form.
///
/// # Errors
/// When the answer cannot be written in that form.
pub(crate) fn list(answer: &Value, columns: &[Column], form: Form) -> Result<(), Failure> {
    match form {
        Form::Table => {
            let rows = rows(answer);
            if rows.is_empty() {
                println!("none");
            } else {
                println!("{}", table(rows, columns));
            }
            if answer.pointer("/next").is_some_and(Value::is_string) {
                println!("there are more; ask with -o json for `next`, or narrow the list");
            }
            Ok(())
        }
        Form::Json | Form::Yaml => document(answer, form),
    }
}

/// Prints an answer as JSON or YAML.
///
/// # Errors
/// When it cannot be written in that form.
pub(crate) fn document(answer: &Value, form: Form) -> Result<(), Failure> {
    let text = match form {
        Form::Yaml => serde_saphyr::to_string(answer).map_err(why("as YAML"))?,
        Form::Json | Form::Table => serde_json::to_string_pretty(answer).map_err(why("as JSON"))?,
    };
    println!("{}", text.trim_end());
    Ok(())
}

/// The rows of a listing.
fn rows(answer: &Value) -> &[Value] {
    answer
        .get("items")
        .or(Some(answer))
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn table(rows: &[Value], columns: &[Column]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(columns.iter().map(|(head, _)| *head));
    for row in rows {
        table.add_row(
            columns
                .iter()
                .map(|(_, pointer)| cell(row.pointer(pointer))),
        );
    }
    table
}

/// A value in few characters.
pub(crate) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => visible(text),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| cell(Some(item)))
            .collect::<Vec<_>>()
            .join(" "),
        Some(Value::Object(members)) => members
            .iter()
            .map(|(name, value)| format!("{}={}", visible(name), cell(Some(value))))
            .collect::<Vec<_>>()
            .join(" "),
        Some(other) => other.to_string(),
    }
}

/// A text as a terminal may have it: what would steer it, or end a line, is written out. Facts of
/// calls are written by callers, and titles by developers.
pub(crate) fn visible(text: &str) -> String {
    text.chars().fold(String::new(), |mut shown, letter| {
        if steers(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
        shown
    })
}

/// Whether some reader ends a line there, or does what it says, or reads on the other way round.
pub(crate) fn steers(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Shows: S-118, S-112.
    #[test]
    fn a_terminal_is_told_nothing_by_a_cell() {
        let said =
            json!({ "a\u{1b}b": ["x\u{1b}[2J", "one\ntwo", "\u{202e}cba", "\u{9b}1m", "=1+1"] });
        let shown = cell(Some(&said));
        assert!(!shown.chars().any(steers), "{shown:?}");
        assert!(
            shown.contains("x\\u{1b}[2J") && shown.contains("=1+1"),
            "{shown}"
        );
    }
}
