use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use primitives::{Mode, Name};
use store::Kind;

use crate::{problem::Problem, yaml::Node};

/// A file of a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// What it is called; descriptions are named relative to it.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Everything a state is read from. The reader opens no file itself.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The state files.
    pub files: Vec<SourceFile>,
    /// The API descriptions that the files name, by path (see [`described`](crate::described)).
    pub descriptions: BTreeMap<String, String>,
    /// Values of `${name}`.
    pub variables: BTreeMap<String, String>,
}

/// One entry of a state: a resource, with the place it was read from.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: Name,
    /// Its canonical body.
    pub body: String,
    pub(crate) file: Arc<str>,
    pub(crate) node: Option<Arc<Node>>,
}

impl Entry {
    /// An entry that came from no file.
    #[must_use]
    pub fn made(kind: Kind, name: Name, body: String) -> Self {
        Self {
            kind,
            name,
            body,
            file: "".into(),
            node: None,
        }
    }
}

/// An existing key of an app that a state takes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// The app.
    pub app: Name,
    /// The id it was known by.
    pub external_id: String,
    /// Test or live.
    pub mode: Mode,
    /// Hash of the secret with its scheme in front.
    pub hash: String,
    /// The permission profile it is bound to.
    pub profile: Option<Name>,
}

/// A state as read: every entry once.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// The entries, in the order in which state is written.
    pub entries: Vec<Entry>,
    /// Existing keys to take over.
    pub keys: Vec<KeyEntry>,
    /// The kinds that the files mention, even with an empty list.
    pub mentioned: BTreeSet<Kind>,
}

impl Documents {
    /// Adds the place to a problem of an entry, when the entry came from a file; of others, it
    /// says why they have none.
    #[must_use]
    pub fn located(&self, mut problem: Problem) -> Problem {
        let Some((kind, name)) = &problem.entry else {
            return problem;
        };
        if !problem.file.is_empty() {
            return problem;
        }
        let Some(entry) = self.entry(*kind, name) else {
            problem
                .message
                .push_str(" (in force, and not in these files)");
            return problem;
        };
        problem.file = entry.file.to_string();
        // Without a node it is a description, whose problems know their line.
        if let Some(node) = &entry.node {
            let place = node.locate(&problem.field);
            (problem.line, problem.column) = (place.line, place.column);
        }
        problem
    }

    /// The entry of a kind and name.
    #[must_use]
    pub fn entry(&self, kind: Kind, name: &str) -> Option<&Entry> {
        let wanted = (kind, name);
        let at = self
            .entries
            .binary_search_by(|entry| (entry.kind, entry.name.as_str()).cmp(&wanted));
        self.entries.get(at.ok()?)
    }
}
