use axum::{extract::State, response::Response};
use flows::{ApplyRefused, import};
use http_kit::{Problem, Problems, codes};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    documents::Applied,
    posted::{Instead, Posted},
    refusals::{unable, with_places},
};

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new().routes(routes!(take_over))
}

/// Existing developers and their apps.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportRequest {
    /// Entries of `accounts` as a state file has them.
    #[serde(default)]
    accounts: Vec<Value>,
    /// Entries of `apps` as a state file has them; `keys` carry the hashes of the secrets that
    /// callers go on using.
    #[serde(default)]
    apps: Vec<Value>,
    /// Whether only to say what would be done.
    #[serde(default)]
    dry_run: bool,
}

/// Take existing developers over, with the hashed keys of their apps
///
/// Whole or not at all. Callers go on using the key ids and secrets they have; repeating an
/// import changes nothing.
#[utoipa::path(post, path = "/v1/import", tag = "state", operation_id = "importDevelopers",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = ImportRequest,
    responses((status = 200, body = Applied), Problems))]
async fn take_over(
    State(desk): State<Management>,
    posted: Posted<ImportRequest>,
) -> Result<Response, Instead> {
    let applied = async {
        let wanted = flows::Import {
            accounts: posted.body.accounts.clone(),
            apps: posted.body.apps.clone(),
            dry_run: posted.body.dry_run,
        };
        let keep = |applied: &flows::Applied| posted.answer(200, &Applied::from(applied));
        let applied = import(&desk.authority, &posted.by.actor(), wanted.clone(), &keep).await;
        let applied = applied.map_err(|why| refused(why, &wanted))?;
        desk.settle().await?;
        if posted.body.dry_run || !applied.changed_anything() {
            posted.keep(&desk, keep(&applied).map_err(unable)?).await?;
        }
        Ok(Applied::from(&applied))
    };
    Ok(posted.end(&desk, 200, applied.await).await?)
}

/// The entries came as JSON: lines of the text made of them would mean nothing to the sender.
fn refused(refused: ApplyRefused, wanted: &flows::Import) -> Problem {
    match refused {
        ApplyRefused::Unable(failure) => unable(failure),
        ApplyRefused::Wrong(mut problems) => {
            let pointers = wanted.pointers();
            for problem in &mut problems {
                problem.file.clear();
            }
            let pointer = |problem: &state::Problem| {
                let line = usize::try_from(problem.line).ok()?;
                Some(pointers.get(line.checked_sub(1)?)?.clone())
            };
            with_places(Problem::of(&codes::STATE_INVALID), &problems, pointer)
        }
    }
}
