use state::Rendered;

use crate::{Authority, Unable, apart::apart};

/// Everything a state file can say, as files: applied to an empty installation they make the
/// same state. Keys are not among them.
///
/// # Errors
/// When the store failed or holds what cannot be read.
pub async fn export(at: &Authority) -> Result<Rendered, Unable> {
    let (_, resources, _) = at.store.everything().await?;
    let rendered = apart(move || {
        let entries = resources
            .iter()
            .map(|one| (one.kind, &one.name, one.body.as_str()));
        state::render(entries)
    });
    let rendered = rendered.await?;
    rendered.map_err(|problem| Unable::Unreadable(problem.to_string()))
}
