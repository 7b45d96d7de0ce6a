//! What operations are annotated with: the capabilities they use, the facts they take, the
//! parameter that names an account.

use std::{collections::BTreeMap, sync::Arc};

use catalog::{
    CapabilityUse, DescribedOperation, Description, FactDefinition, FactSource, FactTable,
    FactType, Fold, Operation, ReadableBodies,
};
use primitives::Name;
use store::Kind;

use super::{
    condition::condition,
    names::{At, Names},
};
use crate::{document, problem::suggestion};

/// All operations of the description, those that are annotated with what they use.
pub(super) fn operations(
    names: &mut Names<'_>,
    at: At<'_>,
    entry: &document::Api,
    description: &Description,
) -> Vec<Arc<Operation>> {
    let mut annotated: BTreeMap<&str, (String, &document::Operation)> = BTreeMap::new();
    for (index, operation) in entry.operations.iter().enumerate() {
        let field = format!("operations[{index}]");
        let place = format!("{field}.operation");
        let at = at.field(&place);
        let Some(found) = description.find(&operation.operation) else {
            let ids = description.operations.iter().map(|op| op.id.as_str());
            let keys = description.operations.iter().map(|op| op.key.as_str());
            let mend = suggestion(&operation.operation, ids.chain(keys));
            let message = format!("the description has no operation `{}`", operation.operation);
            names.refuse(at.problem(message).mend(mend));
            continue;
        };
        if let Some(elsewhere) = &found.elsewhere {
            let message = format!("`{}` is served by `{elsewhere}`", operation.operation);
            names.refuse(at.problem(message).mend("describe it in an API of its own"));
        }
        if annotated.insert(&found.key, (field, operation)).is_some() {
            let message = format!("`{}` is annotated twice", operation.operation);
            names.refuse(at.problem(message).mend("keep one of them"));
        }
    }
    let all = (0_u32..).zip(&description.operations);
    all.map(|(index, described)| {
        let annotation = annotated.get(described.key.as_str());
        let operation = match annotation {
            Some((field, annotation)) => {
                let at = At { field, ..at };
                annotate(names, at, (index, described), (entry, annotation))
            }
            None => bare(index, described),
        };
        Arc::new(operation)
    })
    .collect()
}

fn bare(index: u32, described: &DescribedOperation) -> Operation {
    Operation {
        index,
        id: described.id.clone(),
        method: described.method.clone(),
        template: described.template.as_str().to_owned(),
        uses: Vec::new(),
        facts: FactTable::default(),
        account: None,
        bodies: ReadableBodies::of(&described.bodies),
    }
}

fn annotate(
    names: &mut Names<'_>,
    at: At<'_>,
    (index, described): (u32, &DescribedOperation),
    (api, annotation): (&document::Api, &document::Operation),
) -> Operation {
    let mut operation = bare(index, described);
    operation.facts = facts(names, at, described, (api, annotation));
    if annotation.uses.is_empty() {
        let field = format!("{}.uses", at.field);
        let problem = at.field(&field).problem("the operation uses no capability");
        names.refuse(problem.mend("name one, or take the annotation out: it is closed then"));
    }
    for (index, used) in annotation.uses.iter().enumerate() {
        let field = format!("{}.uses[{index}]", at.field);
        let at = at.field(&field);
        let when = used.when.as_ref().map(|when| {
            condition(when, &operation.facts).and_then(|when| {
                let checked = when.check(&operation.facts);
                let why = |problem: catalog::ConditionProblem| {
                    (String::new(), problem.to_string(), String::new())
                };
                checked.map(|()| when).map_err(why)
            })
        });
        let when = match when.transpose() {
            Ok(when) => when,
            Err((below, message, mend)) => {
                let field = format!("{field}.when.{below}");
                let problem = at.field(field.trim_end_matches('.')).problem(message);
                names.refuse(problem.mend(mend));
                None
            }
        };
        if let Some(capability) = names.symbol(Kind::Capability, &used.capability, at) {
            operation.uses.push(CapabilityUse { capability, when });
        }
    }
    operation.account = annotation
        .account
        .as_ref()
        .map(|parameter| account(names, at, described, parameter));
    operation
}

fn account(
    names: &mut Names<'_>,
    at: At<'_>,
    described: &DescribedOperation,
    parameter: &document::AccountParameter,
) -> catalog::AccountParameter {
    match parameter.clone() {
        document::AccountParameter::Path(name) => {
            let field = format!("{}.account.path", at.field);
            in_template(names, at.field(&field), described, &name);
            catalog::AccountParameter::Path(name)
        }
        document::AccountParameter::Query(name) => catalog::AccountParameter::Query(name),
        document::AccountParameter::Header(name) => {
            catalog::AccountParameter::Header(name.to_ascii_lowercase())
        }
        document::AccountParameter::Body(name) => catalog::AccountParameter::Body(name),
    }
}

fn in_template(names: &mut Names<'_>, at: At<'_>, described: &DescribedOperation, given: &str) {
    if !described.template.parameters().any(|name| name == given) {
        let mend = suggestion(given, described.template.parameters());
        let message = format!("`{}` has no parameter `{given}`", described.key);
        names.refuse(at.problem(message).mend(mend));
    }
}

/// The facts of the API that the operation can have, and its own in place of them.
fn facts(
    names: &mut Names<'_>,
    at: At<'_>,
    described: &DescribedOperation,
    (api, annotation): (&document::Api, &document::Operation),
) -> FactTable {
    let mut table: BTreeMap<&Name, FactDefinition> = BTreeMap::new();
    for (name, fact) in &api.facts {
        let in_path = |path: &String| described.template.parameters().any(|name| name == path);
        let possible = fact.path.as_ref().is_none_or(in_path)
            && (fact.body.is_none() || !described.bodies.is_empty());
        let field = format!("facts.{name}");
        let definition = definition(
            names,
            At {
                field: &field,
                ..at
            },
            name,
            fact,
        );
        if let Some(definition) = definition.filter(|_| possible) {
            table.insert(name, definition);
        }
    }
    for (name, fact) in &annotation.facts {
        let field = format!("{}.facts.{name}", at.field);
        let at = at.field(&field);
        if let Some(path) = &fact.path {
            in_template(names, at, described, path);
        }
        if let Some(definition) = definition(names, at, name, fact) {
            table.insert(name, definition);
        }
    }
    FactTable(table.into_values().collect())
}

fn definition(
    names: &mut Names<'_>,
    at: At<'_>,
    name: &Name,
    fact: &document::Fact,
) -> Option<FactDefinition> {
    let source = match (&fact.path, &fact.query, &fact.header, &fact.body) {
        (Some(path), None, None, None) => FactSource::Path(path.clone()),
        (None, Some(query), None, None) => FactSource::Query(query.clone()),
        (None, None, Some(header), None) => FactSource::Header(header.to_ascii_lowercase()),
        (None, None, None, Some(body)) => FactSource::Body(body.clone()),
        _ => {
            let message = "a fact is taken from `path`, `query`, `header` or `body`";
            names.refuse(at.problem(message).mend("write exactly one of them"));
            return None;
        }
    };
    let fold = match fact.fold {
        document::FactFold::Single => Fold::Single,
        document::FactFold::Count => Fold::Count,
        document::FactFold::Sum => Fold::Sum,
        document::FactFold::Min => Fold::Min,
        document::FactFold::Max => Fold::Max,
    };
    let kind = match (fold, fact.kind) {
        // A number of matches is a number, whatever matched.
        (Fold::Count, _) | (_, document::FactKind::Quantity) => FactType::Quantity,
        (_, document::FactKind::Text) => FactType::Text,
        (_, document::FactKind::Boolean) => FactType::Boolean,
        (_, document::FactKind::Country) => FactType::Country,
    };
    Some(FactDefinition {
        name: name.clone(),
        source,
        kind,
        fold,
    })
}
