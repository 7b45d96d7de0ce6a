use std::path::Path;

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use crate::{
    key::{Key, unknown},
    origin::{Origin, Problem},
};

/// A value of the file with the line it stands on.
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// Reads a TOML file into entries of known keys, and what is wrong with the others.
pub(crate) fn read(path: &Path, keys: &[Key]) -> (Vec<Entry>, Vec<Problem>) {
    let at = |line| Origin::File {
        path: path.to_path_buf(),
        line,
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(problem) => {
            let message = format!("cannot be read: {problem}");
            return (Vec::new(), vec![Problem::new(at(1), message)]);
        }
    };
    let parsed = DeTable::parse(&text).map_err(|problem| {
        let line = line_of(&text, problem.span().map_or(0, |span| span.start));
        Problem::new(at(line), problem.message().to_lowercase())
    });
    let (table, values) = match (parsed, text.parse::<toml::Table>()) {
        (Ok(table), Ok(values)) => (table, values),
        (Err(problem), _) => return (Vec::new(), vec![problem]),
        (Ok(_), Err(problem)) => {
            let line = line_of(&text, problem.span().map_or(0, |span| span.start));
            let message = problem.message().to_lowercase();
            return (Vec::new(), vec![Problem::new(at(line), message)]);
        }
    };
    let mut reader = Reader {
        keys,
        text: &text,
        path,
        entries: Vec::new(),
        problems: Vec::new(),
    };
    reader.table(table.get_ref(), &values, "");
    (reader.entries, reader.problems)
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text
        .bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
}

struct Reader<'a> {
    keys: &'a [Key],
    text: &'a str,
    path: &'a Path,
    entries: Vec<Entry>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, values: &toml::Table, front: &str) {
        for (name, value) in table {
            let spelt = name.get_ref().as_ref();
            let path = if front.is_empty() {
                spelt.to_owned()
            } else {
                format!("{front}.{spelt}")
            };
            let origin = Origin::File {
                path: self.path.to_path_buf(),
                line: line_of(self.text, name.span().start),
            };
            let is_section = self
                .keys
                .iter()
                .any(|key| key.path.starts_with(&format!("{path}.")));
            let is_key = self.keys.iter().any(|key| key.path == path);
            match (value.get_ref(), values.get(spelt)) {
                (DeValue::Table(inner), Some(toml::Value::Table(inner_values))) if !is_key => {
                    if is_section {
                        self.table(inner, inner_values, &path);
                    } else {
                        self.problems.push(unknown(self.keys, &path, origin));
                    }
                }
                (_, Some(value)) if is_key => self.entries.push(Entry {
                    path,
                    value: serde_json::to_value(value).unwrap_or_default(),
                    origin,
                }),
                _ if is_section => self.problems.push(Problem::new(
                    origin,
                    format!("`{path}` is a section; write `[{path}]` and its keys below"),
                )),
                _ => self.problems.push(unknown(self.keys, &path, origin)),
            }
        }
    }
}
