use std::path::PathBuf;

use flows::{Applied, ApplyRefused, ApplyRequest};
use state::Sources;

use crate::{
    failure::{Failure, why},
    serve::house::House,
    source,
};

/// Who applies the files of `serve`, for the event log.
const ACTOR: &str = "serve";

/// Puts the files that `serve` was given in force.
///
/// # Errors
/// When a file cannot be read or anything in them is wrong; nothing is half-applied.
pub(crate) async fn apply_files(
    house: &House,
    files: &[PathBuf],
    variables: &[(String, String)],
) -> Result<(), Failure> {
    if files.is_empty() {
        return Ok(());
    }
    let sources = source::read(files, variables.iter().cloned())?;
    apply(house, sources).await.map(drop)
}

/// Puts a state in force.
///
/// # Errors
/// Everything that is wrong in it, a line each.
pub(crate) async fn apply(house: &House, sources: Sources) -> Result<Applied, Failure> {
    let request = ApplyRequest {
        sources,
        prune: false,
        dry_run: false,
        actor: ACTOR.to_owned(),
    };
    let applied = flows::apply(&house.authority, request, &|_| Ok(None)).await;
    let applied = applied.map_err(|refused| match refused {
        ApplyRefused::Wrong(problems) => {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure::new(lines.join("\n"))
        }
        ApplyRefused::Unable(unable) => why("applying the state")(unable),
    })?;
    tracing::info!(
        created = applied.created.len(),
        updated = applied.updated.len(),
        unchanged = applied.unchanged,
        revision = %applied.revision,
        "state applied"
    );
    Ok(applied)
}
