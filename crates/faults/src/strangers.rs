use std::path::{Path, PathBuf};

use differential::{Options, Poisoned, poison_telling, run_telling};
use tokio::task::spawn_blocking;

use crate::{Report, progress};

/// F-28: pushes `states` damaged states to a running node. It refuses each with a reason within a
/// second and goes on by the last good one, or takes it because it means something.
///
/// # Panics
/// When the node does not start.
pub async fn poisoned(binary: &Path, states: usize, seed: u64) -> Report {
    let mut report = Report::new("poison", &["F-28"], (seed, seed));
    let binary = binary.to_owned();
    let told = move |found: &Poisoned| {
        let Poisoned {
            pushed, refused, ..
        } = found;
        progress::note(format!("{pushed} pushed, {refused} refused"));
    };
    let found = spawn_blocking(move || poison_telling(&binary, states, seed, &told)).await;
    let found = found.expect("it ends").expect("the node starts");
    let slowest = u64::try_from(found.slowest.as_millis()).unwrap_or(u64::MAX);
    report.count("pushed", found.pushed);
    report.count("refused", found.refused);
    report.count("taken", found.pushed.saturating_sub(found.refused));
    report.count("slowest_refusal_millis", slowest);
    report.demand(found.pushed >= states && found.refused > 0, || {
        format!("{} pushed, {} refused", found.pushed, found.refused)
    });
    report.demand(slowest <= 1_000, || {
        format!("a state was refused after {slowest} ms")
    });
    for problem in found.problems.into_iter().take(10) {
        report.demand(false, || problem);
    }
    report
}

/// S-07: sends mutated request streams through the node to servers that other people wrote, and
/// compares what they ran with what was decided. `None` when no such server is here.
///
/// # Panics
/// When the node does not start.
pub async fn streams(binary: &Path, streams: u64, seed: u64) -> Option<Report> {
    let mut report = Report::new("streams", &["S-07"], (seed, seed));
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/venv");
    let python: PathBuf = venv.join("bin/python");
    let options = Options {
        binary: binary.to_owned(),
        python: Some(python).filter(|python| python.is_file()),
        streams,
        seed,
    };
    let told = |done: u64, found: &differential::Report| {
        let disagreements = found.disagreements.len();
        progress::note(format!("{done} streams, {disagreements} disagreements"));
    };
    let found = spawn_blocking(move || run_telling(&options, &told)).await;
    let found = match found.expect("it ends") {
        Ok(found) => found,
        Err(problem) if problem.starts_with("no server") => {
            crate::missing(&problem);
            return None;
        }
        Err(problem) => {
            report.demand(false, || problem);
            return Some(report);
        }
    };
    report.count("streams", found.streams);
    report.count("requests", found.requests);
    report.count("ran", found.ran);
    report.count("refused", found.refused);
    report.count("disagreements", found.disagreements.len());
    report.count("servers", found.origins);
    report.count("not_taking_part", found.missing);
    for disagreement in found.disagreements.into_iter().take(10) {
        report.demand(false, || disagreement);
    }
    Some(report)
}
