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
    let mut document = json!({
        "portreeve": 1,
        "accounts": wanted.accounts,
        "apps": wanted.apps,
    });
    keep_dollars(&mut document);
    // JSON is YAML, and the reader of state files is the one place that knows entries.
    let file = SourceFile {
        path: IMPORT.to_owned(),
        text: document.to_string(),
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
    apply(at, &request, keep).await
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
