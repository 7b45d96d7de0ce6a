use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use catalog::DescriptionDiff;
use flows::{ApplyRequest, apply, diff, export};
use http_kit::{Json, Problem, Problems};
use primitives::Name;
use serde::{Deserialize, Serialize};
use state::{SourceFile, Sources};
use store::Kind;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    operator::By,
    posted::{Instead, Posted},
    refusals::{apply_refused, unable},
};

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(put_in_force))
        .routes(routes!(compare))
        .routes(routes!(write))
}

/// A file with its text.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// What it is called in problems; descriptions are named relative to it.
    path: String,
    /// Its text.
    text: String,
}

/// A state to be put in force, or to be compared with.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateRequest {
    /// The state files, YAML.
    files: Vec<File>,
    /// The API descriptions that they name.
    #[serde(default)]
    descriptions: Vec<File>,
    /// Values of `${name}` in the files.
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// Whether entries that the files do not mention are deleted. Accounts and apps only when
    /// the files mention that kind at all.
    #[serde(default)]
    prune: bool,
    /// Whether only to say what would be done.
    #[serde(default)]
    dry_run: bool,
}

/// An entry by kind and name.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryName {
    /// Its kind.
    #[schema(example = "capability")]
    kind: &'static str,
    /// Its name.
    name: String,
}

/// What applying did, or would do.
#[derive(Serialize, ToSchema)]
pub(crate) struct Applied {
    /// Whether the state in force differed.
    changed: bool,
    /// The revision that has it.
    revision: u64,
    /// New entries.
    created: Vec<EntryName>,
    /// Changed entries.
    updated: Vec<EntryName>,
    /// Deleted entries.
    deleted: Vec<EntryName>,
    /// How many entries were in force already.
    unchanged: usize,
    /// How many existing keys were taken over or changed.
    keys: usize,
    /// What of each API that the files mention is open, and what is closed.
    apis: Vec<ApiReport>,
    /// What changed in each description that was there before.
    reimports: Vec<Reimport>,
}

/// What of an API is open.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiReport {
    /// The API.
    api: String,
    /// The version of its description.
    version: String,
    /// Annotated operations.
    annotated: Vec<String>,
    /// Operations without annotation: closed.
    closed: Vec<String>,
}

/// What changed in a description.
#[derive(Serialize, ToSchema)]
pub(crate) struct Reimport {
    /// The description: the API, `@` and the version.
    description: String,
    /// The changes.
    changes: Changes,
}

/// The changes from one description to another.
#[derive(Serialize, ToSchema)]
pub(crate) struct Changes {
    /// Operations that are new: closed until they are annotated.
    added: Vec<String>,
    /// Operations that are gone.
    removed: Vec<String>,
    /// Operations that changed, with what changed in words.
    changed: BTreeMap<String, Vec<String>>,
}

/// How what is in force differs from files.
#[derive(Serialize, ToSchema)]
pub(crate) struct Difference {
    /// What applying the files would do.
    applied: Applied,
    /// The same as a unified difference of state files: `-` in force, `+` in the files.
    text: String,
}

/// Everything a state file can say.
#[derive(Serialize, ToSchema)]
pub(crate) struct Exported {
    /// The state file.
    state: String,
    /// The descriptions it names.
    descriptions: Vec<File>,
}

impl StateRequest {
    fn request(&self, by: &By) -> ApplyRequest {
        let file = |file: &File| SourceFile {
            path: file.path.clone(),
            text: file.text.clone(),
        };
        let described = |file: &File| (file.path.clone(), file.text.clone());
        ApplyRequest {
            sources: Sources {
                files: self.files.iter().map(file).collect(),
                descriptions: self.descriptions.iter().map(described).collect(),
                variables: self.variables.clone(),
            },
            prune: self.prune,
            dry_run: self.dry_run,
            actor: by.actor(),
        }
    }
}

impl From<&DescriptionDiff> for Changes {
    fn from(diff: &DescriptionDiff) -> Self {
        let changed = diff.changed.iter().map(|(operation, changes)| {
            let words = changes.iter().map(ToString::to_string).collect();
            (operation.clone(), words)
        });
        Self {
            added: diff.added.clone(),
            removed: diff.removed.clone(),
            changed: changed.collect(),
        }
    }
}

impl From<&flows::Applied> for Applied {
    fn from(applied: &flows::Applied) -> Self {
        let names = |entries: &[(Kind, Name)]| {
            let entry = |(kind, name): &(Kind, Name)| EntryName {
                kind: kind.as_str(),
                name: name.to_string(),
            };
            entries.iter().map(entry).collect()
        };
        let texts = |names: &[Name]| names.iter().map(ToString::to_string).collect();
        let report = |api: &flows::ApiReport| ApiReport {
            api: api.api.to_string(),
            version: api.version.clone(),
            annotated: texts(&api.annotated),
            closed: texts(&api.closed),
        };
        let reimport = |one: &flows::Reimport| Reimport {
            description: one.description.to_string(),
            changes: Changes::from(&one.changes),
        };
        Self {
            changed: applied.changed_anything(),
            revision: applied.revision.0,
            created: names(&applied.created),
            updated: names(&applied.updated),
            deleted: names(&applied.deleted),
            unchanged: applied.unchanged,
            keys: applied.keys,
            apis: applied.apis.iter().map(report).collect(),
            reimports: applied.reimports.iter().map(reimport).collect(),
        }
    }
}

/// Put a state in force
///
/// Whole or not at all. What is wrong is told with file, line and what would mend it.
#[utoipa::path(post, path = "/v1/state/apply", tag = "state", operation_id = "applyState",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = StateRequest,
    responses((status = 200, body = Applied), Problems))]
async fn put_in_force(
    State(desk): State<Management>,
    posted: Posted<StateRequest>,
) -> Result<Response, Instead> {
    let applied = async {
        let keep = |applied: &flows::Applied| posted.answer(200, &Applied::from(applied));
        let applied = apply(&desk.authority, posted.body.request(&posted.by), &keep).await;
        let applied = applied.map_err(apply_refused)?;
        desk.settle().await?;
        if posted.body.dry_run || !applied.changed_anything() {
            posted.keep(&desk, keep(&applied).map_err(unable)?).await?;
        }
        Ok(Applied::from(&applied))
    };
    Ok(posted.end(&desk, 200, applied.await).await?)
}

/// Compare what is in force with a state
///
/// Changes nothing.
#[utoipa::path(post, path = "/v1/state/diff", tag = "state", operation_id = "diffState",
    request_body = StateRequest,
    responses((status = 200, body = Difference), Problems))]
async fn compare(
    State(desk): State<Management>,
    by: By,
    Json(wanted): Json<StateRequest>,
) -> Result<Json<Difference>, Problem> {
    let difference = diff(&desk.authority, wanted.request(&by)).await;
    let difference = difference.map_err(apply_refused)?;
    Ok(Json(Difference {
        applied: Applied::from(&difference.applied),
        text: difference.text,
    }))
}

/// Everything a state file can say, as files
///
/// Applied to an empty installation they make the same state. Keys and secrets are not in them.
#[utoipa::path(get, path = "/v1/state/export", tag = "state", operation_id = "exportState",
    responses((status = 200, body = Exported), Problems))]
async fn write(State(desk): State<Management>) -> Result<Json<Exported>, Problem> {
    let rendered = export(&desk.authority).await.map_err(unable)?;
    let file = |file: SourceFile| File {
        path: file.path,
        text: file.text,
    };
    Ok(Json(Exported {
        state: rendered.state,
        descriptions: rendered.descriptions.into_iter().map(file).collect(),
    }))
}
