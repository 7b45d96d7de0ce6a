//! The shipped state files are sound: they are read, compiled and agree with their descriptions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use decision::Vocabulary;
use primitives::{AccountId, AppId};
use state::{Documents, Members, Setup, Sharing, SourceFile, Sourced, Sources};
use store::Kind;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Ids by the place of an entry among its kind: any will do here.
struct ByPlace(Vec<String>, Vec<String>);

impl Members for ByPlace {
    fn account_id(&self, name: &str) -> Option<AccountId> {
        let at = self.0.iter().position(|known| known == name)?;
        Some(AccountId::from_u128(at as u128))
    }

    fn app_id(&self, name: &str) -> Option<AppId> {
        let at = self.1.iter().position(|known| known == name)?;
        Some(AppId::from_u128(at as u128))
    }
}

pub(crate) struct Loaded {
    pub(crate) documents: Documents,
    pub(crate) setup: Setup,
}

/// Reads and compiles state files of `examples/` as one state.
pub(crate) fn load(files: &[&str]) -> Loaded {
    let corpus = root().join("../shared/data/openapi");
    let variables = BTreeMap::from([
        ("dev_upstream".to_owned(), "http://127.0.0.1:9".to_owned()),
        ("corpus".to_owned(), corpus.display().to_string()),
    ]);
    let mut sources = Sources {
        variables,
        ..Sources::default()
    };
    for file in files {
        let path = root().join("examples").join(file);
        let file = SourceFile {
            text: fs::read_to_string(&path).unwrap(),
            path: path.display().to_string(),
        };
        for description in state::described(&file, &sources.variables) {
            let text = fs::read_to_string(&description).unwrap();
            sources.descriptions.insert(description, text);
        }
        sources.files.push(file);
    }
    let documents = state::parse(&sources).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let names = |kind| -> Vec<String> {
        let entries = documents.entries.iter().filter(|entry| entry.kind == kind);
        entries.map(|entry| entry.name.to_string()).collect()
    };
    let members = ByPlace(names(Kind::Account), names(Kind::App));
    let mut source = state::Source::new();
    for entry in &documents.entries {
        if matches!(entry.kind, Kind::Account | Kind::App) {
            continue;
        }
        let value = if entry.kind == Kind::Description {
            Sourced::Description(state::description(&entry.name, &entry.body).unwrap())
        } else {
            Sourced::Body(entry.body.as_str().into())
        };
        source.insert((entry.kind, entry.name.clone()), value);
    }
    let vocabulary = Arc::new(Vocabulary::default());
    let setup = state::setup(&source, &members, &vocabulary)
        .unwrap_or_else(|problems| panic!("{problems:#?}"));
    check_members(&documents, &setup, &members);
    Loaded { documents, setup }
}

fn check_members(documents: &Documents, setup: &Setup, members: &ByPlace) {
    let mut sharing = Sharing::default();
    for entry in &documents.entries {
        let name = entry.name.as_str();
        let problems = match entry.kind {
            Kind::Account => {
                let id = members.account_id(name).unwrap();
                state::account(setup, &mut sharing, (&entry.name, id), &entry.body).map_or_else(
                    |problems| problems,
                    |account| state::check_account(setup, &account),
                )
            }
            Kind::App => {
                let id = members.app_id(name).unwrap();
                state::app(setup, &mut sharing, members, (&entry.name, id), &entry.body)
                    .map_or_else(|problems| problems, |app| state::check_app(setup, &app))
            }
            _ => Vec::new(),
        };
        assert!(problems.is_empty(), "{name}: {problems:#?}");
    }
}

/// The operations of an API that no annotation opens.
fn closed(setup: &Setup, api: &str) -> Vec<String> {
    let symbol = setup.catalogue.vocabulary.apis.get(api).unwrap();
    let api = setup.catalogue.apis.get(symbol).unwrap();
    let closed = api
        .operations
        .iter()
        .filter(|operation| operation.uses.is_empty());
    closed.map(|operation| operation.id.to_string()).collect()
}

/// The capabilities that no operation uses.
fn idle(setup: &Setup) -> Vec<String> {
    let catalogue = &setup.catalogue;
    let operations = catalogue.apis.iter().flat_map(|(_, api)| &api.operations);
    let used: BTreeSet<_> = operations
        .flat_map(|operation| operation.uses.iter().map(|used| used.capability))
        .collect();
    catalogue
        .capabilities
        .iter()
        .filter(|(symbol, _)| !used.contains(symbol))
        .map(|(_, capability)| capability.name.to_string())
        .collect()
}

#[test]
fn what_dev_loads_is_sound() {
    let Loaded { documents, setup } = load(&["payments/state.yaml", "telephony/state.yaml"]);
    assert_eq!(idle(&setup), Vec::<String>::new());
    assert_eq!(closed(&setup, "payments"), ["GetTransactionDetails"]);
    assert_eq!(
        closed(&setup, "telephony"),
        ["DeleteIncomingPhoneNumber", "DeleteMessage"]
    );
    let apps = documents
        .entries
        .iter()
        .filter(|entry| entry.kind == Kind::App);
    assert_eq!(apps.count(), 23);
}

#[test]
fn the_tables_are_sound() {
    let Loaded { setup, .. } = load(&["tables/state.yaml"]);
    assert_eq!(idle(&setup), Vec::<String>::new());
    assert_eq!(closed(&setup, "t1"), ["GetTransactionDetails"]);
    for (title, name) in [
        ("Make Parallel Payment", "MAKE_PARALLEL_PAYMENT"),
        ("create personal account", "CREATE_PERSONAL_ACCOUNT"),
        ("AdaptiveDispute.CreateDispute", "CAN_CREATE_US_ACCOUNT"),
    ] {
        let found = setup.capability_spelled(title).unwrap();
        assert_eq!(&*setup.catalogue.vocabulary.capabilities.name(found), name);
    }
}

#[test]
fn the_real_descriptions_are_annotated() {
    if !root().join("../shared/data/openapi").is_dir() {
        println!("not run: ../shared/data/openapi is not there");
        return;
    }
    let Loaded { setup, .. } = load(&["real/paypal.state.yaml", "real/twilio.state.yaml"]);
    assert_eq!(idle(&setup), Vec::<String>::new());
    assert_eq!(closed(&setup, "paypal-orders").len(), 2);
    assert_eq!(closed(&setup, "twilio").len(), 182);
    let all = ["payments", "telephony"].map(|name| format!("{name}/state.yaml"));
    load(&[
        &all[0],
        &all[1],
        "real/paypal.state.yaml",
        "real/twilio.state.yaml",
    ]);
}
