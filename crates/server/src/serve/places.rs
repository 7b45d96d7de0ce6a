use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use config::Settings;
use snapshot::GeoHandle;
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, why};

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Where callers are, by the GeoIP file of the configuration.
#[derive(Clone, Default)]
pub(crate) struct Places {
    pub(crate) handle: Arc<GeoHandle>,
    file: Option<PathBuf>,
}

impl Places {
    /// Reads the file that the configuration names, if it names one.
    ///
    /// # Errors
    /// When it is not a usable country database.
    pub(crate) fn open(settings: &Settings) -> Result<Self, Failure> {
        let places = Self {
            handle: Arc::default(),
            file: settings.geo.mmdb_path.clone(),
        };
        if let Some(file) = &places.file {
            let read = places.handle.replace(file);
            read.map_err(why("`geo.mmdb_path`"))?;
        }
        Ok(places)
    }

    /// What is in use, for the readiness report; `None` when no file is configured.
    pub(crate) fn told(&self) -> Option<String> {
        let file = self.file.as_ref()?.display();
        Some(match self.handle.last_problem() {
            None => format!("`{file}`"),
            Some(problem) => format!("the file before stays in use: {problem}"),
        })
    }

    /// Reads the file again whenever it has changed, until `stop`. One that cannot be used never
    /// replaces one that can.
    pub(crate) async fn watch(self, stop: CancellationToken) {
        let Some(file) = self.file else {
            return;
        };
        let mut seen = Look::at(&file);
        let mut told = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let now = Look::at(&file);
            if now == seen {
                continue;
            }
            match reload(&self.handle, &file).await {
                Ok(()) => {
                    (seen, told) = (now, None);
                    tracing::info!(file = %file.display(), "GeoIP file reloaded");
                }
                // Looked at again, for it may still be on its way; told once for each state of it.
                Err(problem) if told != Some(now) => {
                    told = Some(now);
                    tracing::warn!(%problem, "the GeoIP file before stays in use");
                }
                Err(_) => {}
            }
        }
    }
}

/// Beside the calls, for checking a file of the size that vendors ship takes a while.
async fn reload(handle: &Arc<GeoHandle>, file: &Path) -> Result<(), String> {
    let (handle, file) = (Arc::clone(handle), file.to_owned());
    let read = tokio::task::spawn_blocking(move || handle.replace(&file)).await;
    match read {
        Ok(replaced) => replaced.map_err(|problem| problem.to_string()),
        Err(problem) => Err(format!("its reader ended: {problem}")),
    }
}

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    changed: Option<SystemTime>,
    length: Option<u64>,
}

impl Look {
    fn at(file: &Path) -> Self {
        let found = fs::metadata(file).ok();
        Self {
            changed: found.as_ref().and_then(|file| file.modified().ok()),
            length: found.map(|file| file.len()),
        }
    }
}
