use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use primitives::{Mode, Name};
use store::Kind;

use crate::{
    document::{self, Document, KeyMode, body_of},
    documents::{Documents, Entry, KeyEntry, SourceFile, Sources},
    problem::{Place, Problem, suggestion},
    yaml::{self, Node, Value},
};

/// The list that holds a kind's entries; `None` for what has no list of its own.
pub(crate) const fn list_of(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Settings | Kind::Description => return None,
        Kind::Property => "properties",
        Kind::Ladder => "ladders",
        Kind::Region => "regions",
        Kind::Policy => "policies",
        Kind::Profile => "profiles",
        Kind::Capability => "capabilities",
        Kind::RiskModel => "risk_models",
        Kind::Limit => "limits",
        Kind::List => "lists",
        Kind::Plan => "plans",
        Kind::Api => "apis",
        Kind::AnomalyRule => "anomaly_rules",
        Kind::Account => "accounts",
        Kind::App => "apps",
    })
}

/// The key that says which format a file is in, and the one format there is.
pub(crate) const FORMAT: (&str, &str) = ("portreeve", "1");

/// Reads state files into entries. All problems are collected, not only the first.
///
/// # Errors
/// When anything in the files is wrong; every problem has its place.
pub fn parse(sources: &Sources) -> Result<Documents, Vec<Problem>> {
    let mut reader = Reader {
        sources,
        documents: Documents::default(),
        seen: BTreeMap::new(),
        keys: HashSet::new(),
        problems: Vec::new(),
    };
    for file in &sources.files {
        reader.file(file);
    }
    if reader.problems.is_empty() {
        let mut documents = reader.documents;
        documents
            .entries
            .sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        Ok(documents)
    } else {
        Err(reader.problems)
    }
}

/// The canonical body of an entry that is given as JSON.
///
/// # Errors
/// When it is not JSON, or not of the kind.
pub fn canonical(kind: Kind, name: &Name, json: &str) -> Result<String, Box<Problem>> {
    let wrong = |problem: serde_json::Error| {
        Box::new(Problem::of(kind, name.as_str(), "", problem.to_string()))
    };
    let mut source = serde_json::Deserializer::from_str(json);
    let body = body_of(kind, &mut source).map_err(wrong)?;
    source.end().map_err(wrong)?;
    Ok(body)
}

/// The paths of the descriptions that a state file names, relative to where the file's own
/// path is; what cannot be read is left out (reading it as a state says why).
#[must_use]
pub fn described(file: &SourceFile, variables: &BTreeMap<String, String>) -> Vec<String> {
    let Ok(Some(mut root)) = yaml::read(&file.text) else {
        return Vec::new();
    };
    yaml::substitute(&mut root, variables, &mut Vec::new());
    let Some(Value::List(apis)) = root.get("apis").map(|apis| &apis.value) else {
        return Vec::new();
    };
    let texts = apis
        .iter()
        .filter_map(|api| match &api.get("description")?.value {
            Value::Scalar { text, .. } => Some(beside(&file.path, text)),
            _ => None,
        });
    texts.collect()
}

/// The path of a file named relative to another file.
fn beside(file: &str, path: &str) -> String {
    match file.rsplit_once('/') {
        Some((directory, _)) if !path.starts_with('/') => {
            format!("{directory}/{}", path.strip_prefix("./").unwrap_or(path))
        }
        _ => path.strip_prefix("./").unwrap_or(path).to_owned(),
    }
}

struct Reader<'s> {
    sources: &'s Sources,
    documents: Documents,
    seen: BTreeMap<(Kind, Name), (Arc<str>, Place)>,
    keys: HashSet<String>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn file(&mut self, file: &SourceFile) {
        let mut root = match yaml::read(&file.text) {
            Ok(Some(root)) => root,
            Ok(None) => {
                let place = Place { line: 1, column: 1 };
                self.problems.push(
                    Problem::at(&file.path, place, "the file is empty")
                        .mend("begin it with `portreeve: 1`"),
                );
                return;
            }
            Err(wrong) => {
                let problem = Problem::at(&file.path, wrong.place, wrong.message);
                self.problems.push(problem.mend(wrong.mend));
                return;
            }
        };
        let mut unknown = Vec::new();
        yaml::substitute(&mut root, &self.sources.variables, &mut unknown);
        for variable in unknown {
            let names = self.sources.variables.keys().map(String::as_str);
            let mend = match suggestion(&variable.name, names) {
                none if none.is_empty() => format!("give it with `--var {}=…`", variable.name),
                near => near,
            };
            let message = format!("the variable `{}` has no value", variable.name);
            self.problems
                .push(Problem::at(&file.path, variable.place, message).mend(mend));
        }
        self.root(&Arc::from(file.path.as_str()), root);
    }

    fn root(&mut self, file: &Arc<str>, root: Node) {
        let word = root.word();
        let Value::Map(entries) = root.value else {
            self.problems.push(
                Problem::at(file, root.place, format!("the file is {word}, not a map"))
                    .mend("begin it with `portreeve: 1`"),
            );
            return;
        };
        self.format(file, root.place, &entries);
        for (key, node) in entries {
            let kind = Kind::ALL
                .into_iter()
                .find(|kind| list_of(*kind) == Some(&key.text));
            match (kind, key.text.as_str()) {
                (Some(kind), _) => self.list(file, kind, node),
                (None, "settings") => {
                    self.documents.mentioned.insert(Kind::Settings);
                    if let Ok(name) = "settings".parse() {
                        self.entry(file, Kind::Settings, name, node);
                    }
                }
                (None, text) if text == FORMAT.0 => {}
                (None, text) => {
                    let keys = Kind::ALL.into_iter().filter_map(list_of);
                    let mend = suggestion(text, keys.chain(["settings", FORMAT.0]));
                    let message = format!("there is no key `{text}` in a state file");
                    self.problems
                        .push(Problem::at(file, key.place, message).mend(mend));
                }
            }
        }
    }

    fn format(&mut self, file: &str, top: Place, entries: &[(yaml::Key, Node)]) {
        let found = entries.iter().find(|(key, _)| key.text == FORMAT.0);
        let problem = match found.map(|(_, node)| (node.place, &node.value)) {
            Some((_, Value::Scalar { text, .. })) if text == FORMAT.1 => return,
            Some((place, Value::Scalar { text, .. })) => {
                let message = format!("`{text}` is not a format version this release reads");
                Problem::at(file, place, message).mend("write `portreeve: 1`")
            }
            Some((place, _)) => Problem::at(file, place, "the format version is a number")
                .mend("write `portreeve: 1`"),
            None => Problem::at(file, top, "the format version is missing")
                .mend("begin the file with `portreeve: 1`"),
        };
        self.problems.push(problem);
    }

    fn list(&mut self, file: &Arc<str>, kind: Kind, node: Node) {
        self.documents.mentioned.insert(kind);
        if node.is_null() {
            return;
        }
        let word = node.word();
        let Value::List(items) = node.value else {
            let message = format!("this is {word}, and a list is wanted");
            self.problems.push(
                Problem::at(file, node.place, message).mend("write each entry with `- name: …`"),
            );
            return;
        };
        for mut item in items {
            match take_name(&mut item) {
                Ok(name) => self.entry(file, kind, name, item),
                Err((place, message)) => {
                    let problem = Problem::at(file, place, message);
                    self.problems.push(problem.mend("write `name: …`"));
                }
            }
        }
    }

    fn entry(&mut self, file: &Arc<str>, kind: Kind, name: Name, mut node: Node) {
        if let Some((other, at)) = self.seen.get(&(kind, name.clone())) {
            let message = format!("{kind} `{name}` stands twice");
            self.problems.push(
                Problem::at(file, node.place, message)
                    .mend(format!("the other is at {other}:{}; keep one", at.line)),
            );
            return;
        }
        self.seen
            .insert((kind, name.clone()), (Arc::clone(file), node.place));
        if kind == Kind::Api {
            self.description(file, &name, &mut node);
        }
        if kind == Kind::App {
            self.keys(file, &name, &node);
        }
        match body_of(kind, &node) {
            Ok(body) => self.documents.entries.push(Entry {
                kind,
                name,
                body,
                file: Arc::clone(file),
                node: Some(Arc::new(node)),
            }),
            Err(misfit) => self.problems.push(Problem {
                entry: Some((kind, name.to_string())),
                mend: misfit.mend,
                ..Problem::at(file, misfit.place.unwrap_or(node.place), misfit.message)
            }),
        }
    }

    /// A description named by path becomes an entry `api@version`, and the API refers to that.
    fn description(&mut self, file: &Arc<str>, api: &Name, node: &mut Node) {
        let version = match node.get("version").map(|version| &version.value) {
            Some(Value::Scalar { text, .. }) => text.clone(),
            _ => "1".to_owned(),
        };
        let Value::Map(entries) = &mut node.value else {
            return;
        };
        let found = entries
            .iter_mut()
            .find(|(key, _)| key.text == "description");
        let Some((_, described)) = found else { return };
        let place = described.place;
        let Value::Scalar { text, .. } = &mut described.value else {
            return;
        };
        let Ok(name) = format!("{api}@{version}").parse::<Name>() else {
            let message = format!("`{version}` cannot be a version");
            self.problems
                .push(Problem::at(file, place, message).mend("use letters, digits and . _ - only"));
            return;
        };
        let path = beside(file, text);
        match self.sources.descriptions.get(&path) {
            Some(content) => {
                let body = document::Description {
                    text: content.clone(),
                }
                .to_body();
                name.as_str().clone_into(text);
                self.documents.entries.push(Entry {
                    kind: Kind::Description,
                    name,
                    body,
                    file: path.into(),
                    node: None,
                });
            }
            None if text.contains('@') => {}
            None => {
                let message = format!("the description `{text}` did not come with the files");
                let known = self.sources.descriptions.keys().map(String::as_str);
                let problem = Problem::at(file, place, message);
                self.problems.push(problem.mend(suggestion(text, known)));
            }
        }
    }

    fn keys(&mut self, file: &str, app: &Name, node: &Node) {
        use serde::Deserialize;
        let Ok(read) = document::App::deserialize(node) else {
            return; // The entry itself says what is wrong.
        };
        for (index, key) in read.keys.into_iter().enumerate() {
            let mut refuse = |field: &str, message: String, mend: &str| {
                let place = node.locate(&format!("keys[{index}].{field}"));
                self.problems.push(Problem {
                    entry: Some((Kind::App, app.to_string())),
                    mend: mend.to_owned(),
                    ..Problem::at(file, place, message)
                });
            };
            if !is_user_name(&key.id) {
                let message = format!("`{}` cannot be the id of a key", key.id.escape_debug());
                refuse("id", message, USER_NAME);
            }
            if !self.keys.insert(key.id.clone()) {
                let message = format!("the key `{}` stands twice", key.id.escape_debug());
                refuse("id", message, "keep one");
            }
            if !is_hash(&key.hash) {
                // What was given is not shown: it may be a secret written here by mistake.
                let message = "this is not the hash of a key's secret".to_owned();
                refuse("hash", message, HASH);
            }
            self.documents.keys.push(KeyEntry {
                app: app.clone(),
                external_id: key.id,
                mode: match key.mode {
                    KeyMode::Test => Mode::Test,
                    KeyMode::Live => Mode::Live,
                },
                hash: key.hash,
                profile: key.profile,
            });
        }
    }
}

const HASH: &str =
    "write `sha256:<64 hex digits>` or `sha256-salted:<salt in hex>:<64 hex digits>`";
const USER_NAME: &str = "give it 1 to 200 characters without `:` and control characters, not \
                         beginning with `key_`";

/// Whether callers can send it as user name of HTTP Basic, and nobody takes it for an id that
/// was given here.
fn is_user_name(text: &str) -> bool {
    let fits = |one: char| one != ':' && !one.is_control();
    (1..=200).contains(&text.chars().count()) && text.chars().all(fits) && !text.starts_with("key_")
}

/// Whether keys can be taken over with it: a hash that needs none of our keys.
fn is_hash(text: &str) -> bool {
    text.parse::<keys::HashedSecret>()
        .is_ok_and(|hash| !hash.is_issued_here())
}

/// Takes the name out of an entry.
fn take_name(node: &mut Node) -> Result<Name, (Place, String)> {
    let word = node.word();
    let Value::Map(entries) = &mut node.value else {
        return Err((node.place, format!("this entry is {word}, not a map")));
    };
    let Some(at) = entries.iter().position(|(key, _)| key.text == "name") else {
        return Err((node.place, "this entry has no name".to_owned()));
    };
    let (_, name) = entries.remove(at);
    match name.value {
        Value::Scalar { text, .. } => text
            .parse()
            .map_err(|problem: primitives::NameProblem| (name.place, problem.to_string())),
        _ => Err((name.place, "a name is a single value".to_owned())),
    }
}
