//! What of a call a policy looks at, found in its parsed form once, when it is applied.

use std::collections::BTreeSet;

use serde_json::Value;

/// The parts of a call that a policy's conditions mention.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// Anything of the account acted for.
    pub resource: bool,
    /// Attributes of the context by name.
    pub context: BTreeSet<String>,
    /// The context as a whole.
    pub whole_context: bool,
    /// Facts by name.
    pub facts: BTreeSet<String>,
    /// The record of facts as a whole.
    pub all_facts: bool,
}

impl Reads {
    /// Adds what a statement mentions, given in Cedar's JSON form.
    pub(crate) fn add_statement(&mut self, statement: &Value) {
        if let Some(conditions) = statement.get("conditions") {
            self.add(conditions);
        }
    }

    /// Whether anything of the request is mentioned.
    pub(crate) fn request(&self) -> bool {
        self.whole_context || !self.context.is_empty()
    }

    /// Whether that attribute of the context is mentioned.
    pub(crate) fn context(&self, attribute: &str) -> bool {
        self.whole_context || self.context.contains(attribute)
    }

    fn add(&mut self, expression: &Value) {
        if let Some((variable, path)) = path(expression) {
            return self.mention(variable, &path);
        }
        match expression {
            Value::Array(parts) => parts.iter().for_each(|part| self.add(part)),
            Value::Object(parts) => parts.values().for_each(|part| self.add(part)),
            _ => {}
        }
    }

    fn mention(&mut self, variable: &str, path: &[&str]) {
        match (variable, path) {
            ("resource", _) => self.resource = true,
            ("context", []) => {
                self.whole_context = true;
                self.all_facts = true;
            }
            ("context", [attribute, rest @ ..]) => {
                self.context.insert((*attribute).to_owned());
                match (*attribute, rest) {
                    ("facts", []) => self.all_facts = true,
                    ("facts", [fact, ..]) => {
                        self.facts.insert((*fact).to_owned());
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

/// A variable with the attributes taken from it, or asked for with `has`.
fn path(expression: &Value) -> Option<(&str, Vec<&str>)> {
    let object = expression.as_object()?;
    if let Some(variable) = object.get("Var") {
        return Some((variable.as_str()?, Vec::new()));
    }
    let access = object.get(".").or_else(|| object.get("has"))?;
    let (variable, mut path) = path(access.get("left")?)?;
    path.push(access.get("attr")?.as_str()?);
    Some((variable, path))
}
