use std::fmt;

use cedar_policy::ValidationError;
use miette::Diagnostic;
use primitives::Name;

/// Why a policy cannot be applied, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyProblem {
    /// The policy; `None` when the declarations around it are at fault.
    pub policy: Option<Name>,
    /// The line of its text, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead, when it can be said.
    pub mend: Option<String>,
}

impl PolicyProblem {
    /// A problem of the whole text.
    pub(crate) fn of_policy(policy: &Name, message: String, mend: &str) -> Self {
        Self {
            policy: Some(policy.clone()),
            line: 1,
            column: 1,
            message,
            mend: Some(mend.to_owned()),
        }
    }

    /// What Cedar found in `text`.
    pub(crate) fn of_cedar(policy: &Name, text: &str, found: &dyn Diagnostic) -> Self {
        let label = found.labels().and_then(|mut labels| labels.next());
        let (line, column) = place(text, label.as_ref().map_or(0, miette::LabeledSpan::offset));
        Self {
            policy: Some(policy.clone()),
            line,
            column,
            message: without_policy_id(&found.to_string()),
            mend: found.help().map(|help| help.to_string()),
        }
    }

    /// A finding of Cedar's validation. It cannot say how the text spells what it speaks of.
    pub(crate) fn of_validation(policy: &Name, text: &str, found: &ValidationError) -> Self {
        let problem = Self::of_cedar(policy, text, found);
        let label = found.labels().and_then(|mut labels| labels.next());
        let access = label
            .and_then(|label| text.get(label.offset()..label.offset() + label.len()))
            .and_then(|access| access.rsplit_once('.'));
        match (found, access) {
            (ValidationError::UnsafeOptionalAttributeAccess(_), Some((of, attribute))) => Self {
                mend: Some(format!("ask first: `{of} has {attribute} && …`")),
                ..problem
            },
            _ => problem,
        }
    }
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.policy {
            None => f.write_str(&self.message)?,
            Some(policy) => write!(
                f,
                "policy `{policy}`, line {}, column {}: {}",
                self.line, self.column, self.message
            )?,
        }
        match &self.mend {
            None => Ok(()),
            Some(mend) => write!(f, "; {mend}"),
        }
    }
}

impl std::error::Error for PolicyProblem {}

/// Cedar numbers the statements of a text; the provider knows the policy by its name.
fn without_policy_id(message: &str) -> String {
    let said = message
        .strip_prefix("for policy `")
        .and_then(|rest| rest.split_once("`, "))
        .map_or(message, |(_, said)| said);
    said.to_owned()
}

fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.char_indices().take_while(|(at, _)| *at < offset);
    before.fold((1, 1), |(line, column), (_, c)| match c {
        '\n' => (line + 1, 1),
        _ => (line, column + 1),
    })
}
