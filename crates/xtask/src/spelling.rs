use crate::{
    fetch,
    run::{Outcome, command, quietly},
    workspace::Workspace,
};

/// Runs `typos`, fetching it first.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    let program = fetch::typos(workspace)?;
    quietly(command(&workspace.root, &[&program, "--format", "brief"]))
        .map(|_| "no misspelt word".to_owned())
        .map_err(|found| format!("{found}\nmend the word, or teach it to typos.toml"))
}
