use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    requirements,
    run::{Outcome, command, quietly},
    workspace::Workspace,
};

/// Writes every generated file, or with `check_only` names the stale ones.
pub(crate) fn run(workspace: &Workspace, check_only: bool) -> Outcome {
    let mut wanted = from_binary(workspace)?;
    wanted.push((
        PathBuf::from("docs/requirements.md"),
        requirements::page(workspace)?,
    ));
    let mut stale = Vec::new();
    for (path, text) in &wanted {
        let full = workspace.root.join(path);
        if fs::read_to_string(&full).is_ok_and(|found| found == *text) {
            continue;
        }
        stale.push(path.display().to_string());
        if !check_only {
            write(&full, text)?;
        }
    }
    match (stale.is_empty(), check_only) {
        (true, _) => Ok(format!("{} generated files are current", wanted.len())),
        (false, false) => Ok(format!("wrote {}", stale.join(", "))),
        (false, true) => Err(format!(
            "stale: {}; run `cargo xtask generate` and commit",
            stale.join(", ")
        )),
    }
}

/// What the binary knows about itself: configuration, schemas, API documents, codes.
fn from_binary(workspace: &Workspace) -> Result<Vec<(PathBuf, String)>, String> {
    let folder = workspace.target.join("generated");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let into = folder.to_string_lossy().into_owned();
    quietly(command(
        &workspace.root,
        &[
            "cargo",
            "run",
            "--quiet",
            "--package",
            "server",
            "--",
            "generate",
            &into,
        ],
    ))?;
    let mut files = Vec::new();
    collect(&folder, &folder, &mut files)?;
    Ok(files)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(PathBuf, String)>) -> Result<(), String> {
    let name = |e: std::io::Error| format!("{}: {e}", folder.display());
    for entry in fs::read_dir(folder).map_err(name)? {
        let path = entry.map_err(name)?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            let text = fs::read_to_string(&path).map_err(name)?;
            files.push((path.strip_prefix(root).unwrap_or(&path).to_path_buf(), text));
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))
}
