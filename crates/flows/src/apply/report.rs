use catalog::DescriptionDiff;
use primitives::Name;
use snapshot::Snapshot;
use state::Documents;
use store::Kind;

use super::Plan;

/// What of an API is open: an operation without annotation is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiReport {
    /// The API.
    pub api: Name,
    /// The version of its description.
    pub version: String,
    /// Ids of annotated operations.
    pub annotated: Vec<Name>,
    /// Ids of closed operations.
    pub closed: Vec<Name>,
}

/// What changed in a description that was there before.
#[derive(Clone, Debug)]
pub struct Reimport {
    /// The description, `api@version`.
    pub description: Name,
    /// The changes.
    pub changes: DescriptionDiff,
}

/// A report for each API that the files mention.
pub(super) fn apis(documents: &Documents, built: &Snapshot) -> Vec<ApiReport> {
    let mentioned = documents
        .entries
        .iter()
        .filter(|entry| entry.kind == Kind::Api);
    mentioned
        .filter_map(|entry| {
            let (_, api) = built
                .catalogue()
                .apis
                .iter()
                .find(|(_, api)| api.name == entry.name)?;
            let of = |annotated: bool| {
                let operations = api.operations.iter();
                operations
                    .filter(|one| one.uses.is_empty() != annotated)
                    .map(|one| one.id.clone())
                    .collect()
            };
            Some(ApiReport {
                api: api.name.clone(),
                version: api.version.clone(),
                annotated: of(true),
                closed: of(false),
            })
        })
        .collect()
}

/// The changes of descriptions that replace one of the same name.
pub(super) fn reimports(plan: &Plan) -> Vec<Reimport> {
    plan.differences()
        .into_iter()
        .filter(|((kind, _), _, _)| *kind == Kind::Description)
        .filter_map(|((_, name), before, after)| {
            let old = state::description(name, before?).ok()?;
            let new = state::description(name, after?).ok()?;
            Some(Reimport {
                description: name.clone(),
                changes: catalog::diff(&old, &new),
            })
        })
        .collect()
}
