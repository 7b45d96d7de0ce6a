//! The shipped state files are sound: they are read, compiled and agree with their descriptions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use decision::{Account, App, Vocabulary};
use primitives::{AccountId, AppId};
use state::{Documents, Members, Setup, Sharing, SourceFile, Sourced, Sources};
use store::Kind;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Whether the real descriptions are there; else says so.
pub(crate) fn corpus_is_there() -> bool {
    let there = root().join("../shared/data/openapi").is_dir();
    if !there {
        println!("not run: ../shared/data/openapi is not there");
    }
    there
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
    pub(crate) setup: Setup,
    pub(crate) accounts: BTreeMap<AccountId, Account>,
    pub(crate) apps: BTreeMap<String, App>,
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
    let mut loaded = Loaded {
        setup,
        accounts: BTreeMap::new(),
        apps: BTreeMap::new(),
    };
    loaded.add_members(&documents, &members);
    loaded
}

impl Loaded {
    fn add_members(&mut self, documents: &Documents, members: &ByPlace) {
        let mut sharing = Sharing::default();
        for entry in &documents.entries {
            let name = &entry.name;
            if entry.kind == Kind::Account {
                let id = members.account_id(name.as_str()).unwrap();
                let account = state::account(&self.setup, &mut sharing, (name, id), &entry.body);
                let account = account.unwrap_or_else(|problems| panic!("{problems:#?}"));
                assert_eq!(state::check_account(&self.setup, &account), []);
                self.accounts.insert(id, account);
            } else if entry.kind == Kind::App {
                let id = members.app_id(name.as_str()).unwrap();
                let app = state::app(&self.setup, &mut sharing, members, (name, id), &entry.body);
                let app = app.unwrap_or_else(|problems| panic!("{problems:#?}"));
                assert_eq!(state::check_app(&self.setup, &app), []);
                self.apps.insert(name.to_string(), app);
            }
        }
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
    let Loaded { setup, apps, .. } = load(&["payments/state.yaml", "telephony/state.yaml"]);
    assert_eq!(idle(&setup), Vec::<String>::new());
    assert_eq!(closed(&setup, "payments"), ["GetTransactionDetails"]);
    assert_eq!(
        closed(&setup, "telephony"),
        ["DeleteIncomingPhoneNumber", "DeleteMessage"]
    );
    assert_eq!(apps.len(), 23);
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
    if !corpus_is_there() {
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
