use state::Rendered;

use crate::{Authority, Unable};

/// Everything a state file can say, as files: applied to an empty installation they make the
/// same state. Keys are not among them.
///
/// # Errors
/// When the store failed or holds what cannot be read.
pub async fn export(at: &Authority) -> Result<Rendered, Unable> {
    let (_, resources, _) = at.store.everything().await?;
    let entries = resources
        .iter()
        .map(|one| (one.kind, &one.name, one.body.as_str()));
    state::render(entries).map_err(|problem| Unable::Unreadable(problem.to_string()))
}
