use std::{fs, path::Path, process};

use sd_notify::NotifyState;

/// The file in the data directory that tells the id of the serving process.
const PID_FILE: &str = "portreeve.pid";

/// Tells the service manager, and whoever wants to signal, which process takes calls now.
pub(crate) fn serving(directory: &Path) {
    let id = process::id();
    // Written aside, so that nobody ever reads half of it.
    let aside = directory.join(format!("{PID_FILE}.{id}"));
    let written = fs::write(&aside, format!("{id}\n"));
    let named = written.and_then(|()| fs::rename(&aside, directory.join(PID_FILE)));
    if let Err(problem) = named {
        tracing::warn!(%problem, "the file with the process id cannot be written");
    }
    tell(&[NotifyState::MainPid(id), NotifyState::Ready]);
}

/// Tells that this process is about to end without a successor.
pub(crate) fn stopping(directory: &Path) {
    tell(&[NotifyState::Stopping]);
    let file = directory.join(PID_FILE);
    let ours = fs::read_to_string(&file).is_ok_and(|id| id.trim() == process::id().to_string());
    if ours {
        // One that stays is only out of date.
        let _ = fs::remove_file(file);
    }
}

fn tell(state: &[NotifyState]) {
    if let Err(problem) = sd_notify::notify(state) {
        tracing::warn!(%problem, "the service manager cannot be told");
    }
}
