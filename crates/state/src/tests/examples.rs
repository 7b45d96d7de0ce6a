//! The states that are shipped, and those over real descriptions, read and compile.

use std::path::{Path, PathBuf};

use super::*;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Reads and compiles a state file of the repository; `None` when a description is not here.
#[track_caller]
fn compiled(file: &str) -> Option<Compiled> {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let file = SourceFile {
        path: file.to_owned(),
        text,
    };
    let variables: BTreeMap<String, String> = [
        ("dev_upstream", "http://127.0.0.1:9"),
        ("corpus", "../../../shared/data/openapi"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let mut descriptions = BTreeMap::new();
    for path in described(&file, &variables) {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else {
            println!("`{path}` is not here; {} is not read", file.path);
            return None;
        };
        descriptions.insert(path, text);
    }
    let sources = Sources {
        files: vec![file],
        descriptions,
        variables,
    };
    let documents = parse(&sources).unwrap_or_else(|problems| panic!("{}", told(&problems)));
    assert_same_when_rendered(&documents);
    Some(compile(&documents).unwrap_or_else(|problems| {
        let located = problems
            .into_iter()
            .map(|problem| documents.located(problem));
        panic!("{}", told(&located.collect::<Vec<_>>()))
    }))
}

fn told(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn the_payments_example_compiles() {
    let compiled = compiled("examples/payments/state.yaml").unwrap();
    assert!(compiled.apps.len() > 1);
}

#[test]
fn the_telephony_example_compiles() {
    let compiled = compiled("examples/telephony/state.yaml").unwrap();
    assert!(compiled.apps.len() > 1);
}

#[test]
fn the_tables_compile() {
    compiled("examples/tables/state.yaml").unwrap();
}

#[test]
fn the_real_descriptions_compile() {
    compiled("examples/real/paypal.state.yaml");
    compiled("examples/real/twilio.state.yaml");
}
