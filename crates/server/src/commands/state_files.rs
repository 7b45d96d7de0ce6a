use std::{
    fmt::Write as _,
    fs,
    path::{Component, Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    cli::{ConnectArguments, FilesArguments},
    client::Client,
    failure::{Failure, why},
    output::{cell, visible},
    progress::Progress,
    source,
};

/// The exit status that tells of a difference.
const DRIFT: u8 = 2;
/// What the state file of an export is called.
const STATE_FILE: &str = "state.yaml";

/// Puts the files in force and tells what that changed.
pub(crate) async fn apply(files: &FilesArguments, dry_run: bool) -> Result<(), Failure> {
    let then = if dry_run {
        "the server checks all of it"
    } else {
        "the server checks all of it and puts it in force"
    };
    let applied = sent("/v1/state/apply", (files, dry_run), then).await?;
    print!("{}", told(&applied, dry_run));
    Ok(())
}

/// Reads the files, sends them, and waits for what the server makes of them.
async fn sent(
    path: &str,
    (files, dry_run): (&FilesArguments, bool),
    then: &'static str,
) -> Result<Value, Failure> {
    let client = Client::connect(&files.connect)?;
    let progress = Progress::begin("reading the state files");
    let answer = async {
        let request = request(files, dry_run)?;
        client.post_shown((path, &request), &progress, then).await
    };
    let answer = answer.await;
    progress.end();
    answer
}

/// Tells the differences between what is in force and the files.
pub(crate) async fn diff(files: &FilesArguments) -> Result<(), Failure> {
    let then = "the server compares all of it";
    let answer = sent("/v1/state/diff", (files, false), then).await?;
    if answer.pointer("/applied/changed") != Some(&Value::Bool(true)) {
        println!("no difference");
        return Ok(());
    }
    for line in text(answer.get("text")).lines() {
        println!("{}", visible(line));
    }
    Err(Failure {
        message: String::new(),
        status: DRIFT,
    })
}

/// Writes the state in force: to standard output, or with its descriptions into a directory.
pub(crate) async fn export(connect: &ConnectArguments, into: Option<&Path>) -> Result<(), Failure> {
    let client = Client::connect(connect)?;
    let exported = client.get("/v1/state/export", &[]).await?;
    let state = text(exported.get("state"));
    let Some(folder) = into else {
        // As it is, for whoever applies it: YAML writes out what would steer a terminal.
        print!("{state}");
        return Ok(());
    };
    write(folder, STATE_FILE, state)?;
    for file in items(exported.get("descriptions")) {
        write(folder, text(file.get("path")), text(file.get("text")))?;
    }
    println!("wrote {}", folder.join(STATE_FILE).display());
    Ok(())
}

/// A text as it came.
fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

/// Writes a file below `folder` and nowhere else.
fn write(folder: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let name = PathBuf::from(name);
    let inside = name
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside {
        let shown = name.display();
        return Err(Failure::new(format!(
            "`{shown}` is not below the directory"
        )));
    }
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(why(parent.display()))?;
    }
    fs::write(&path, text).map_err(why(path.display()))
}

fn request(files: &FilesArguments, dry_run: bool) -> Result<Value, Failure> {
    let sources = source::read(&files.files, files.variables.iter().cloned())?;
    let file = |path: &String, text: &String| json!({ "path": path, "text": text });
    let states = sources.files.iter().map(|one| file(&one.path, &one.text));
    let described = sources.descriptions.iter();
    let described = described.map(|(path, text)| file(path, text));
    Ok(json!({
        "files": states.collect::<Vec<_>>(),
        "descriptions": described.collect::<Vec<_>>(),
        "variables": sources.variables,
        "prune": files.prune,
        "dry_run": dry_run,
    }))
}

fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// What applying did: a line for each entry, then what is open of each API.
fn told(applied: &Value, dry_run: bool) -> String {
    let mut text = String::new();
    for (mark, list) in [("+", "created"), ("~", "updated"), ("-", "deleted")] {
        for entry in items(applied.get(list)) {
            // Writing to a `String` cannot fail.
            let _ = writeln!(
                text,
                "{mark} {} {}",
                cell(entry.get("kind")),
                cell(entry.get("name"))
            );
        }
    }
    for api in items(applied.get("apis")) {
        let count = |key: &str| items(api.get(key)).count();
        let _ = writeln!(
            text,
            "API {}: {} operations annotated, {} not and closed",
            cell(api.get("api")),
            count("annotated"),
            count("closed"),
        );
    }
    for again in items(applied.get("reimports")) {
        let _ = writeln!(
            text,
            "{} was imported again",
            cell(again.get("description"))
        );
        for (mark, list) in [("+", "added"), ("-", "removed")] {
            for operation in items(again.pointer(&format!("/changes/{list}"))) {
                let _ = writeln!(text, "  {mark} {}", cell(Some(operation)));
            }
        }
        let changed = again.pointer("/changes/changed").and_then(Value::as_object);
        for (operation, changes) in changed.into_iter().flatten() {
            let _ = writeln!(text, "  ~ {operation}: {}", cell(Some(changes)));
        }
    }
    let count = |key: &str| items(applied.get(key)).count();
    let _ = writeln!(
        text,
        "{}{} new, {} changed, {} deleted, {} as before, {} keys taken over; revision {}",
        if dry_run { "would be: " } else { "" },
        count("created"),
        count("updated"),
        count("deleted"),
        cell(applied.get("unchanged")),
        cell(applied.get("keys")),
        cell(applied.get("revision")),
    );
    text
}
