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
    let statements = statements(workspace)?;
    let mut stale = obsolete(workspace, &statements, check_only)?;
    wanted.extend(statements);
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
    let folder = fresh(workspace.target.join("generated"))?;
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

/// What the compiler must know about SQL statements, from both databases. PostgreSQL's part is
/// left as it is where PostgreSQL is not installed.
fn statements(workspace: &Workspace) -> Result<Vec<(PathBuf, String)>, String> {
    let folder = fresh(workspace.target.join("statements"))?;
    let into = folder.to_string_lossy().into_owned();
    let words = [
        "cargo",
        "run",
        "--quiet",
        "--package",
        "testkit",
        "--example",
        "statements",
        "--",
        &into,
    ];
    quietly(command(&workspace.root, &words))?;
    let mut files = Vec::new();
    collect(&folder, &folder, &mut files)?;
    let placed = files.into_iter().filter_map(|(path, text)| {
        let name = path.file_name()?.to_owned();
        let crate_name = path.parent()?.to_owned();
        let place = Path::new("crates")
            .join(crate_name)
            .join(".sqlx")
            .join(name);
        Some((place, text))
    });
    Ok(placed.collect())
}

/// Descriptions of statements that no longer exist, removed unless only looked at.
fn obsolete(
    workspace: &Workspace,
    statements: &[(PathBuf, String)],
    check_only: bool,
) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let mut folders: Vec<&Path> = statements
        .iter()
        .filter_map(|(path, _)| path.parent())
        .collect();
    folders.dedup();
    for folder in folders {
        let full = workspace.root.join(folder);
        let entries = fs::read_dir(&full).map_err(|e| format!("{}: {e}", full.display()))?;
        for entry in entries.flatten() {
            let path = folder.join(entry.file_name());
            if statements.iter().any(|(kept, _)| *kept == path) {
                continue;
            }
            found.push(path.display().to_string());
            if !check_only {
                fs::remove_file(entry.path()).map_err(|e| format!("{}: {e}", path.display()))?;
            }
        }
    }
    Ok(found)
}

fn fresh(folder: PathBuf) -> Result<PathBuf, String> {
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    Ok(folder)
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
