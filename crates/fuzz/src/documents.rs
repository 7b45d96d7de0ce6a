//! What providers and callers write: state files, descriptions, paths, bodies.

use std::collections::BTreeMap;

use catalog::{
    Body, CompiledFacts, FactDefinition, FactSource, FactTable, FactType, FactValue, Facts, Fold,
    openapi, replace_text_field,
};
use state::{Documents, SourceFile, Sources, parse, render};

/// A state that is taken is written and read as the same state; one that is refused is refused
/// with places.
pub(crate) fn state(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let file = |text: &str| SourceFile {
        path: "state.yaml".to_owned(),
        text: text.to_owned(),
    };
    let sources = Sources {
        files: vec![file(text)],
        descriptions: BTreeMap::from([("a.yaml".to_owned(), DESCRIPTION.to_owned())]),
        variables: BTreeMap::from([("v".to_owned(), "value: [${v}]".to_owned())]),
    };
    let named = state::described(&file(text), &sources.variables);
    match parse(&sources) {
        Ok(documents) => same_when_written(&documents, &sources),
        Err(problems) => {
            assert!(!problems.is_empty(), "refused without a reason");
            for problem in problems {
                assert!(!problem.message.is_empty(), "no message");
                assert!(
                    problem.line > 0 && problem.file == "state.yaml",
                    "{problem}"
                );
            }
        }
    }
    assert!(named.len() <= text.len(), "descriptions out of nothing");
}

const DESCRIPTION: &str = "openapi: 3.0.0\ninfo: {title: t, version: '1'}\npaths: {}\n";

fn bodies(documents: &Documents) -> Vec<(store::Kind, String, String)> {
    let entries = documents.entries.iter();
    entries
        .map(|entry| (entry.kind, entry.name.to_string(), entry.body.clone()))
        .collect()
}

fn same_when_written(documents: &Documents, sources: &Sources) {
    let entries = documents.entries.iter();
    let rendered = render(entries.map(|e| (e.kind, &e.name, e.body.as_str())));
    let Ok(rendered) = rendered else {
        broken("what was read cannot be written");
        return;
    };
    let given = sources.descriptions.clone().into_iter();
    let written = rendered.descriptions.iter();
    let again = parse(&Sources {
        files: vec![SourceFile {
            path: "state.yaml".to_owned(),
            text: rendered.state.clone(),
        }],
        descriptions: given
            .chain(written.map(|d| (d.path.clone(), d.text.clone())))
            .collect(),
        variables: BTreeMap::new(),
    });
    match again {
        Ok(again) => assert_eq!(bodies(&again), bodies(documents), "{}", rendered.state),
        Err(problems) => broken(&format!("{problems:?}\n{}", rendered.state)),
    }
}

#[expect(clippy::panic, reason = "this is how a broken promise is told")]
fn broken(why: &str) {
    panic!("{why}");
}

/// A description that is taken has operations with ids of their own and one template each.
pub(crate) fn openapi(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match openapi::import(text) {
        Ok(description) => {
            let mut ids: Vec<_> = description
                .operations
                .iter()
                .map(|o| o.id.clone())
                .collect();
            let before = ids.len();
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), before, "two operations of one id");
            for operation in &description.operations {
                let template = operation.template.as_str();
                let again = catalog::PathTemplate::parse(template);
                assert!(again.is_ok_and(|t| t.as_str() == template), "{template}");
            }
        }
        Err(problem) => assert!(!problem.to_string().is_empty(), "no message"),
    }
}

fn fact(name: &str, path: &str, kind: FactType, fold: Fold) -> Option<FactDefinition> {
    Some(FactDefinition {
        name: name.parse().ok()?,
        source: FactSource::Body(path.to_owned()),
        kind,
        fold,
    })
}

/// A path that is taken is asked in bounded work, and gives the same facts each time. The first
/// line is the path, the rest the body.
pub(crate) fn jsonpath(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (path, body) = text.split_once('\n').unwrap_or((text, DEEP));
    let table: Option<Vec<_>> = [
        fact("text", path, FactType::Text, Fold::Single),
        fact("count", path, FactType::Quantity, Fold::Count),
        fact("sum", path, FactType::Quantity, Fold::Sum),
        fact("most", path, FactType::Quantity, Fold::Max),
    ]
    .into_iter()
    .collect();
    let Some(Ok(compiled)) = table.map(|table| CompiledFacts::compile(&FactTable(table))) else {
        return;
    };
    let read = || {
        let mut facts = Facts(vec![FactValue::Unread; 4]);
        let read = compiled.read_body(&mut facts, Some("application/json"), body.as_bytes());
        (read, facts)
    };
    let (first, facts) = read();
    assert_eq!(read(), (first.clone(), facts.clone()), "another answer");
    if first.is_ok() {
        assert!(!facts.any_unread(), "a fact was passed over");
    } else {
        assert_eq!(
            facts.0,
            vec![FactValue::Unread; 4],
            "facts of a refused body"
        );
    }
}

const DEEP: &str = r#"{"a":[{"b":[1,2,{"c":"x"}]},{"b":[3]}],"amount":"1.50"}"#;

/// A body that is taken as JSON is JSON without a key twice; a field that is replaced is the
/// only thing that changes. The first byte says which sort of body.
pub(crate) fn body(bytes: &[u8]) {
    let Some((&sort, bytes)) = bytes.split_first() else {
        return;
    };
    let content_type = match sort % 3 {
        0 => "application/json",
        1 => "application/x-www-form-urlencoded",
        _ => "application/json; charset=utf-8",
    };
    let Ok(read) = Body::read(Some(content_type), bytes) else {
        return;
    };
    if sort % 3 != 1 && !bytes.is_empty() {
        // `serde_json` gives up on numbers that no float holds; ours are exact decimals.
        let other = serde_json::from_slice::<&serde_json::value::RawValue>(bytes);
        assert!(other.is_ok(), "taken, and no JSON: {other:?}");
    }
    let before = read.field("account");
    let replaced = replace_text_field(Some(content_type), bytes, "account", "AC 1&\"");
    let Ok(replaced) = replaced else {
        return;
    };
    if before == catalog::BodyField::Absent {
        assert_eq!(&*replaced, bytes, "changed without the field");
    } else {
        let Ok(again) = Body::read(Some(content_type), &replaced) else {
            broken("replacing a field broke the body");
            return;
        };
        let now = again.field("account");
        let ambiguous = matches!(before, catalog::BodyField::Unusable(_))
            && matches!(now, catalog::BodyField::Unusable(_));
        assert!(
            ambiguous || now == catalog::BodyField::Text("AC 1&\""),
            "{now:?}"
        );
    }
}
