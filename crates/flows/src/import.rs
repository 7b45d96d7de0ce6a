use serde_json::{Value, json};
use state::{SourceFile, Sources};

use crate::{Applied, ApplyRefused, ApplyRequest, Authority, Keep, apply};

/// What an import is called in problems.
pub const IMPORT: &str = "import";

/// Existing developers and their apps, as the lists of a state file have them; an app's `keys`
/// carry the hashes of the secrets their callers go on using.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// Entries of the list `accounts`.
    pub accounts: Vec<Value>,
    /// Entries of the list `apps`.
    pub apps: Vec<Value>,
    /// Whether only to say what would be done.
    pub dry_run: bool,
}

/// Takes existing developers over, whole or not at all. Repeating an import changes nothing;
/// a key that was revoked or replaced here stays so.
///
/// # Errors
/// When anything in it is wrong, or it could not be done.
pub async fn import(
    at: &Authority,
    actor: &str,
    wanted: Import,
    keep: Keep<'_, Applied>,
) -> Result<Applied, ApplyRefused> {
    // JSON is YAML, and the reader of state files is the one place that knows entries.
    let file = SourceFile {
        path: IMPORT.to_owned(),
        text: Lined::of(&wanted).text,
    };
    let request = ApplyRequest {
        sources: Sources {
            files: vec![file],
            ..Sources::default()
        },
        prune: false,
        dry_run: wanted.dry_run,
        actor: actor.to_owned(),
    };
    apply(at, request, keep).await
}

impl Import {
    /// What stands in each line of the state file made of it, as JSON Pointers into the import:
    /// who sent JSON is told places in it, not lines of a text never seen.
    #[must_use]
    pub fn pointers(&self) -> Vec<String> {
        Lined::of(self).pointers
    }
}

/// A JSON text that gives every value a line.
#[derive(Default)]
struct Lined {
    text: String,
    pointers: Vec<String>,
}

impl Lined {
    fn of(wanted: &Import) -> Self {
        let mut document = json!({
            "portreeve": 1,
            "accounts": wanted.accounts,
            "apps": wanted.apps,
        });
        keep_dollars(&mut document);
        let mut lined = Self::default();
        lined.value("", &document, "", "");
        lined
    }

    fn line(&mut self, pointer: &str, parts: [&str; 3]) {
        self.text.push_str(&parts.concat());
        self.text.push('\n');
        self.pointers.push(pointer.to_owned());
    }

    fn value(&mut self, key: &str, value: &Value, pointer: &str, end: &str) {
        let comma = |left: usize| if left > 0 { "," } else { "" };
        match value {
            Value::Array(items) if !items.is_empty() => {
                self.line(pointer, [key, "[", ""]);
                for (index, item) in items.iter().enumerate() {
                    let left = items.len().saturating_sub(index + 1);
                    self.value("", item, &format!("{pointer}/{index}"), comma(left));
                }
                self.line(pointer, ["]", end, ""]);
            }
            Value::Object(members) if !members.is_empty() => {
                self.line(pointer, [key, "{", ""]);
                for (index, (name, member)) in members.iter().enumerate() {
                    let left = members.len().saturating_sub(index + 1);
                    let step = name.replace('~', "~0").replace('/', "~1");
                    let key = format!("{}: ", Value::from(name.as_str()));
                    self.value(&key, member, &format!("{pointer}/{step}"), comma(left));
                }
                self.line(pointer, ["}", end, ""]);
            }
            single => self.line(pointer, [key, &single.to_string(), end]),
        }
    }
}

/// State files replace `${name}`; what is imported means what it says.
fn keep_dollars(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace("${", "$${"),
        Value::Array(items) => items.iter_mut().for_each(keep_dollars),
        Value::Object(members) => members.values_mut().for_each(keep_dollars),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
