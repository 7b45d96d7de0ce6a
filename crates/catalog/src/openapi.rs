//! Reading OpenAPI 3.0 and 3.1 documents, tolerant of all that a gateway does not use.

mod document;
mod fill;
mod names;
mod narrow;
mod operation;
mod reference;
mod resolve;
mod servers;

use std::collections::BTreeMap;

use serde_json::Value;

use self::{
    document::Document,
    names::Names,
    resolve::{At, Resolver},
    servers::Servers,
};
pub use fill::{FilledCall, Unfilled, fill, is_filled};
pub use narrow::{Narrowing, narrow};
pub use reference::{BodyExample, CallField, CallableOperation, reference};

use crate::{DescribedOperation, Description, PathTemplate, Routes, SameShape, TemplateProblem};

/// A text cannot be imported as a description. Places are JSON pointers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportProblem {
    /// Larger than 64 MiB.
    #[error("the description is larger than 64 MiB")]
    TooLarge,
    /// Neither JSON nor YAML.
    #[error("the description is neither JSON nor YAML: line {line} column {column}: {what}")]
    NotReadable {
        /// What the reader found.
        what: String,
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
    },
    /// Not a version this reads.
    #[error("`{0}` is not OpenAPI 3.0 or 3.1: convert the description first")]
    Version(String),
    /// Something that must be there is not.
    #[error("{at}: `{what}` is missing: {mend}")]
    Missing {
        /// Where it should be.
        at: String,
        /// What.
        what: &'static str,
        /// What to write.
        mend: &'static str,
    },
    /// Something is not of its type.
    #[error("{at}: this must be {wanted}")]
    WrongType {
        /// Where.
        at: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// A reference to nothing.
    #[error("{at}: there is nothing at `{target}`: add it, or correct the reference")]
    Dangling {
        /// The reference.
        at: String,
        /// Where it points.
        target: String,
    },
    /// A reference to another file.
    #[error("{at}: `{target}` is outside of this document: bundle the description into one file")]
    External {
        /// The reference.
        at: String,
        /// Where it points.
        target: String,
    },
    /// References that lead back to themselves.
    #[error("{at}: the references lead in a circle")]
    Circle {
        /// The first of them.
        at: String,
    },
    /// A path that is no template.
    #[error("{at}: {problem}")]
    Template {
        /// Where.
        at: String,
        /// What is wrong.
        problem: TemplateProblem,
    },
    /// Two operations match the same requests.
    #[error("{at}: {problem}")]
    SamePath {
        /// The second of them.
        at: String,
        /// Both.
        problem: SameShape,
    },
    /// Two operations with one `operationId`.
    #[error("{at}: the operationId `{id}` is also that of `{other}`: rename one of them")]
    SameId {
        /// The second of them.
        at: String,
        /// The `operationId`.
        id: String,
        /// The key of the first.
        other: String,
    },
    /// A server whose URL has no readable path.
    #[error("{at}: the server `{url}` cannot be read: write a URL or a path")]
    Server {
        /// Where.
        at: String,
        /// What stands there.
        url: String,
    },
}

impl ImportProblem {
    /// Line and column, from 1, when the text cannot even be read.
    #[must_use]
    pub const fn position(&self) -> Option<(u64, u64)> {
        match self {
            Self::NotReadable { line, column, .. } => Some((*line, *column)),
            _ => None,
        }
    }

    /// Where it is in a document that can be read, as a JSON pointer.
    #[must_use]
    pub fn pointer(&self) -> Option<&str> {
        match self {
            Self::TooLarge | Self::NotReadable { .. } => None,
            Self::Version(_) => Some("/openapi"),
            Self::Missing { at, .. }
            | Self::WrongType { at, .. }
            | Self::Dangling { at, .. }
            | Self::External { at, .. }
            | Self::Circle { at }
            | Self::Template { at, .. }
            | Self::SamePath { at, .. }
            | Self::SameId { at, .. }
            | Self::Server { at, .. } => Some(at),
        }
    }
}

const MOST_BYTES: usize = 64 << 20;
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Reads an OpenAPI 3.0 or 3.1 document, JSON or YAML.
///
/// # Errors
/// When it is none, or is ambiguous in what a gateway needs: the error names the place and
/// the mend.
pub fn import(text: &str) -> Result<Description, ImportProblem> {
    if text.len() > MOST_BYTES {
        return Err(ImportProblem::TooLarge);
    }
    let Document(root) = Document::read(text)?;
    let resolver = Resolver::new(&root);
    let top = At::root(&root);
    check_version(&top)?;
    let info = top.required("info", "describe the API with a title and a version")?;
    let document = Servers::of(&top)?;
    let raw = read_paths(&resolver, &top, &document)?;
    let (base_paths, prefixes) = servers::common_base(&raw, &document);
    let mut operations = Vec::with_capacity(raw.len());
    for (raw, prefix) in raw.into_iter().zip(prefixes) {
        let template = [&prefix, raw.template.as_str()].concat();
        let template = PathTemplate::parse(&template).map_err(|problem| {
            let at = raw.at.clone();
            ImportProblem::Template { at, problem }
        })?;
        operations.push((raw, template));
    }
    refuse_same(&operations)?;
    let ids = Names::of(operations.iter().map(|(raw, template)| {
        let key = format!("{} {template}", raw.method);
        (raw.operation_id.clone(), key)
    }));
    let mut operations: Vec<DescribedOperation> = operations
        .into_iter()
        .zip(ids)
        .map(|((raw, template), (id, key))| raw.described(id, key, template))
        .collect();
    operations
        .sort_by(|a, b| (a.template.as_str(), &a.method).cmp(&(b.template.as_str(), &b.method)));
    Ok(Description {
        title: info.required_text("title", "give the API a title")?,
        version: info.required_text("version", "give the description a version")?,
        base_paths,
        operations,
    })
}

fn check_version(top: &At<'_>) -> Result<(), ImportProblem> {
    let Some(version) = top.scalar("openapi") else {
        return match top.scalar("swagger") {
            Some(version) => Err(ImportProblem::Version(format!("Swagger {version}"))),
            None => Err(ImportProblem::Missing {
                at: "/".to_owned(),
                what: "openapi",
                mend: "begin the description with `openapi: 3.1.0`",
            }),
        };
    };
    let known = ["3.0", "3.1"]
        .iter()
        .any(|known| version == *known || version.starts_with(&format!("{known}.")));
    known
        .then_some(())
        .ok_or(ImportProblem::Version(format!("OpenAPI {version}")))
}

fn read_paths<'d>(
    resolver: &Resolver<'d>,
    top: &At<'d>,
    document: &Servers,
) -> Result<Vec<operation::RawOperation>, ImportProblem> {
    let Some(paths) = top.get("paths") else {
        // OpenAPI 3.1 allows a document of webhooks or components only.
        let alone = top.get("webhooks").or_else(|| top.get("components"));
        return alone.map(|_| Vec::new()).ok_or(ImportProblem::Missing {
            at: "/".to_owned(),
            what: "paths",
            mend: "describe at least one path, or write `paths: {}`",
        });
    };
    let mut operations = Vec::new();
    for (template, item) in paths.members()? {
        if template.starts_with("x-") {
            continue;
        }
        PathTemplate::parse(&template).map_err(|problem| {
            let at = item.place().to_owned();
            ImportProblem::Template { at, problem }
        })?;
        let item = resolver.follow_beside(item)?;
        for method in METHODS {
            if let Some(operation) = item.iter().find_map(|part| part.get(method)) {
                let mut raw = operation::read(resolver, (&template, method), &item, &operation)?;
                raw.elsewhere = servers::elsewhere(raw.servers.as_ref(), document);
                operations.push(raw);
            }
        }
    }
    Ok(operations)
}

fn refuse_same(
    operations: &[(operation::RawOperation, PathTemplate)],
) -> Result<(), ImportProblem> {
    let mut routes = Routes::default();
    let mut ids = BTreeMap::new();
    for (raw, template) in operations {
        routes
            .insert(&raw.method, template, ())
            .map_err(|problem| ImportProblem::SamePath {
                at: raw.at.clone(),
                problem,
            })?;
        let Some(id) = &raw.operation_id else {
            continue;
        };
        let key = format!("{} {}", raw.method, raw.template);
        if let Some(other) = ids.insert(id.clone(), key) {
            return Err(ImportProblem::SameId {
                at: raw.at.clone(),
                id: id.clone(),
                other,
            });
        }
    }
    Ok(())
}

/// The text of a scalar, as YAML and JSON may write a version.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests;
