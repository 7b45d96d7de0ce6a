use std::{collections::BTreeMap, fmt};

use crate::{BodyFormat, DescribedOperation, Description, Parameter};

/// What changed between two versions of a description. Operations are the same when method and
/// the shape of the template are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DescriptionDiff {
    /// Keys of operations that are new: closed until they are annotated.
    pub added: Vec<String>,
    /// Keys of operations that are gone.
    pub removed: Vec<String>,
    /// Keys (in the new description) of operations that changed, and how.
    pub changed: Vec<(String, Vec<OperationChange>)>,
}

/// One change of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationChange {
    /// Another `operationId`, or none.
    Id {
        /// Before.
        old: Option<String>,
        /// Now.
        new: Option<String>,
    },
    /// Path parameters have other names.
    Template {
        /// Before.
        old: String,
        /// Now.
        new: String,
    },
    /// A parameter that is new.
    ParameterAdded(Parameter),
    /// A parameter that is gone.
    ParameterRemoved(Parameter),
    /// A parameter that must now be given, or no longer.
    ParameterRequired(Parameter),
    /// A body format that is new.
    BodyAdded(String),
    /// A body format that is gone.
    BodyRemoved(String),
    /// A top-level property of a body format that is new.
    PropertyAdded(String, String),
    /// A top-level property of a body format that is gone.
    PropertyRemoved(String, String),
    /// Now deprecated, or no longer.
    Deprecated(bool),
}

impl DescriptionDiff {
    /// Whether the two descriptions are the same to a gateway.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

impl fmt::Display for OperationChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |id: &Option<String>| id.clone().unwrap_or_else(|| "none".to_owned());
        match self {
            Self::Id { old, new } => {
                write!(f, "operationId {} is now {}", shown(old), shown(new))
            }
            Self::Template { old, new } => write!(f, "template {old} is now {new}"),
            Self::ParameterAdded(p) => write!(f, "parameter {} is new", p.name),
            Self::ParameterRemoved(p) => write!(f, "parameter {} is gone", p.name),
            Self::ParameterRequired(p) if p.required => {
                write!(f, "parameter {} is now required", p.name)
            }
            Self::ParameterRequired(p) => write!(f, "parameter {} is now optional", p.name),
            Self::BodyAdded(media_type) => write!(f, "body {media_type} is new"),
            Self::BodyRemoved(media_type) => write!(f, "body {media_type} is gone"),
            Self::PropertyAdded(media_type, name) => {
                write!(f, "property {name} of {media_type} is new")
            }
            Self::PropertyRemoved(media_type, name) => {
                write!(f, "property {name} of {media_type} is gone")
            }
            Self::Deprecated(true) => f.write_str("is now deprecated"),
            Self::Deprecated(false) => f.write_str("is no longer deprecated"),
        }
    }
}

/// What changed from `old` to `new`.
#[must_use]
pub fn diff(old: &Description, new: &Description) -> DescriptionDiff {
    let by_shape = |description| -> BTreeMap<(String, String), &DescribedOperation> {
        let Description { operations, .. }: &Description = description;
        operations
            .iter()
            .map(|operation| {
                (
                    (operation.template.shape(), operation.method.clone()),
                    operation,
                )
            })
            .collect()
    };
    let (before, now) = (by_shape(old), by_shape(new));
    let mut result = DescriptionDiff::default();
    for (shape, operation) in &now {
        match before.get(shape) {
            None => result.added.push(operation.key.clone()),
            Some(known) => {
                let changes = changes(known, operation);
                if !changes.is_empty() {
                    result.changed.push((operation.key.clone(), changes));
                }
            }
        }
    }
    result.removed = before
        .iter()
        .filter(|(shape, _)| !now.contains_key(*shape))
        .map(|(_, operation)| operation.key.clone())
        .collect();
    result
}

fn changes(old: &DescribedOperation, new: &DescribedOperation) -> Vec<OperationChange> {
    let mut changes = Vec::new();
    if old.operation_id != new.operation_id {
        changes.push(OperationChange::Id {
            old: old.operation_id.clone(),
            new: new.operation_id.clone(),
        });
    }
    if old.template != new.template {
        changes.push(OperationChange::Template {
            old: old.template.to_string(),
            new: new.template.to_string(),
        });
    }
    parameters(old, new, &mut changes);
    let same = |a: &BodyFormat, b: &BodyFormat| a.media_type == b.media_type;
    for body in missing(&new.bodies, &old.bodies, same) {
        changes.push(OperationChange::BodyAdded(body.media_type.clone()));
    }
    for body in missing(&old.bodies, &new.bodies, same) {
        changes.push(OperationChange::BodyRemoved(body.media_type.clone()));
    }
    for before in &old.bodies {
        let Some(now) = new.bodies.iter().find(|now| same(before, now)) else {
            continue;
        };
        let of = |name: &String| (before.media_type.clone(), name.clone());
        for (media_type, name) in missing(&now.properties, &before.properties, String::eq).map(of) {
            changes.push(OperationChange::PropertyAdded(media_type, name));
        }
        for (media_type, name) in missing(&before.properties, &now.properties, String::eq).map(of) {
            changes.push(OperationChange::PropertyRemoved(media_type, name));
        }
    }
    if old.deprecated != new.deprecated {
        changes.push(OperationChange::Deprecated(new.deprecated));
    }
    changes
}

/// Parameters outside the path; those of the path are part of the template.
fn parameters(
    old: &DescribedOperation,
    new: &DescribedOperation,
    changes: &mut Vec<OperationChange>,
) {
    use crate::ParameterPlace::Path;
    let of = |operation: &DescribedOperation| -> Vec<Parameter> {
        let outside = operation.parameters.iter().filter(|p| p.place != Path);
        outside.cloned().collect()
    };
    let same = |a: &Parameter, b: &Parameter| (a.place, &a.name) == (b.place, &b.name);
    let (before, now) = (of(old), of(new));
    for parameter in missing(&now, &before, same) {
        changes.push(OperationChange::ParameterAdded(parameter.clone()));
    }
    for parameter in missing(&before, &now, same) {
        changes.push(OperationChange::ParameterRemoved(parameter.clone()));
    }
    let flipped = now.iter().filter(|p| {
        before
            .iter()
            .any(|known| same(known, p) && known.required != p.required)
    });
    changes.extend(flipped.cloned().map(OperationChange::ParameterRequired));
}

/// What of `all` is not among `known`.
fn missing<'a, T>(
    all: &'a [T],
    known: &'a [T],
    same: impl Fn(&T, &T) -> bool,
) -> impl Iterator<Item = &'a T> {
    all.iter()
        .filter(move |one| !known.iter().any(|other| same(one, other)))
}
