use std::fmt;

use store::Kind;

/// One thing that is wrong with a state, where it stands, and what would mend it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was called when it was sent; empty when the thing came from no file.
    pub file: String,
    /// The line, from 1; 0 when there is no file.
    pub line: u32,
    /// The column, from 1; 0 when there is no file.
    pub column: u32,
    /// The entry it is about: its kind and its name.
    pub entry: Option<(Kind, String)>,
    /// Where in the entry, such as `operations[2].uses[0].capability`; empty for the whole.
    pub field: String,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What would mend it; empty when the message says it.
    pub mend: String,
}

impl Problem {
    /// A problem of a file at a place.
    pub(crate) fn at(file: &str, place: Place, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: place.line,
            column: place.column,
            message: message.into(),
            ..Self::default()
        }
    }

    /// A problem of a field of an entry.
    pub(crate) fn of(kind: Kind, name: &str, field: &str, message: impl Into<String>) -> Self {
        Self {
            entry: Some((kind, name.to_owned())),
            field: field.to_owned(),
            message: message.into(),
            ..Self::default()
        }
    }

    /// The same, with what would mend it.
    #[must_use]
    pub(crate) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = mend.into();
        self
    }
}

impl fmt::Display for Problem {
    /// `file:line:column: kind `name`, field: message; mend`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        }
        if let Some((kind, name)) = &self.entry {
            write!(f, "{kind} `{name}`")?;
            let sep = if self.field.is_empty() { "" } else { ", " };
            write!(f, "{sep}{}: ", self.field)?;
        }
        f.write_str(&self.message)?;
        if !self.mend.is_empty() {
            write!(f, "; {}", self.mend)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// A place in a file, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// `did you mean …?`, or the choices when nothing is near and they are few.
pub(crate) fn suggestion<'a>(given: &str, choices: impl Iterator<Item = &'a str>) -> String {
    let choices: Vec<&str> = choices.collect();
    let nearest = choices
        .iter()
        .map(|choice| {
            let score = strsim::jaro_winkler(&given.to_lowercase(), &choice.to_lowercase());
            (score, *choice)
        })
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((score, choice)) if score >= 0.8 => format!("did you mean `{choice}`?"),
        Some(_) if choices.len() <= 12 => format!("write one of `{}`", choices.join("`, `")),
        _ => String::new(),
    }
}
