//! The document of the API is kept, so that every change of it is seen.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi/management.json")
}

/// `UPDATE_GOLDEN=1` writes the file anew.
#[test]
fn the_document_is_the_one_that_is_kept() {
    let text = serde_json::to_string_pretty(&management::openapi()).unwrap() + "\n";
    #[expect(
        clippy::disallowed_methods,
        reason = "how one asks for the file to be written"
    )]
    let update = std::env::var("UPDATE_GOLDEN").is_ok();
    if update {
        fs::create_dir_all(golden().parent().unwrap()).unwrap();
        fs::write(golden(), &text).unwrap();
    }
    let kept = fs::read_to_string(golden()).unwrap_or_default();
    assert!(
        kept == text,
        "openapi/management.json is not what the code says: run `cargo xtask generate`"
    );
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.insert(reference.clone());
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_operation_is_told_apart() {
    let document = management::openapi();
    assert_eq!(document["openapi"], "3.1.0");
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 40);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(
            document.pointer(pointer).is_some(),
            "{reference} leads nowhere"
        );
    }
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} stands twice");
            assert!(
                operation["summary"].is_string(),
                "{method} {path} has no summary"
            );
            assert!(
                operation["tags"][0].is_string(),
                "{method} {path} has no tag"
            );
            let responses = &operation["responses"];
            assert!(
                responses["default"].is_object(),
                "{method} {path} has no problem"
            );
        }
    }
}

/// A quantity is text; only counts, versions, statuses and lines are numbers.
#[test]
fn no_schema_has_a_float() {
    fn look(value: &Value, at: &str) {
        match value {
            Value::Object(members) => {
                let kind = members.get("type");
                assert!(kind != Some(&"number".into()), "a float at {at}");
                for (name, value) in members {
                    look(value, &format!("{at}/{name}"));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| look(item, at)),
            _ => {}
        }
    }
    look(&management::openapi()["components"], "components");
}

#[test]
fn every_code_of_a_decision_is_on_the_page_that_explains_codes() {
    for (code, _) in decision::codes::ALL {
        assert!(
            http_kit::codes::find(code).is_some(),
            "`{code}` is not explained"
        );
    }
}
