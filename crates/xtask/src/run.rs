use std::{
    io::IsTerminal,
    path::Path,
    process::{Command, Stdio},
};

/// A line that tells what was found, or what failed with its mend.
pub(crate) type Outcome = Result<String, String>;

/// Whether a person watches.
pub(crate) fn watched() -> bool {
    std::io::stderr().is_terminal()
}

/// A command in `directory`; the first word is the program.
pub(crate) fn command(directory: &Path, words: &[&str]) -> Command {
    let (program, rest) = words.split_first().unwrap_or((&"true", &[]));
    let mut command = Command::new(program);
    command.args(rest).current_dir(directory);
    command
}

/// Runs with the terminal's streams; a failure names the command.
pub(crate) fn openly(mut command: Command) -> Result<(), String> {
    let shown = shown(&command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{shown}` ended with {status}")),
        Err(problem) => Err(format!("`{shown}` did not start: {problem}")),
    }
}

/// Runs unseen and returns standard output; a failure carries what was written.
pub(crate) fn quietly(mut command: Command) -> Outcome {
    let shown = shown(&command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|problem| format!("`{shown}` did not start: {problem}"))?;
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(out);
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{out}{error}`{shown}` ended with {}",
        output.status
    ))
}

/// Whether a program of this name can be started.
pub(crate) fn on_path(program: &str) -> bool {
    find_program(program).is_some()
}

fn find_program(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}

fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
