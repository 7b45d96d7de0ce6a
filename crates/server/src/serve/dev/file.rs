use std::{
    fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use primitives::Mode;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, why};

/// `dev.json`: where a `serve --dev` is, and the secrets to use it. Only its owner may read it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct DevFile {
    pub(crate) public: String,
    pub(crate) site: String,
    pub(crate) management: String,
    pub(crate) ops: String,
    pub(crate) upstream: String,
    /// The state files it was started with; none means the examples.
    #[serde(default)]
    pub(crate) states: Vec<PathBuf>,
    /// The variables given with them.
    #[serde(default)]
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) operator_token: String,
    pub(crate) apps: Vec<Key>,
}

/// A key of an app.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Key {
    /// The app's name.
    pub(crate) name: String,
    /// The key's id: the user name of HTTP Basic.
    pub(crate) id: String,
    /// Its password.
    pub(crate) secret: String,
    /// The level of the app's developer, on the ladder of the app's first API.
    pub(crate) level: Option<String>,
    /// Test or live.
    pub(crate) mode: Mode,
    /// The app's id.
    pub(crate) app: String,
    /// The app's developer.
    pub(crate) developer: Option<String>,
    /// The app's APIs.
    pub(crate) apis: Vec<String>,
}

impl DevFile {
    /// What an earlier start left; `None` when there is nothing that can be used.
    pub(super) fn read(directory: &Path) -> Option<Self> {
        let text = fs::read_to_string(directory.join("dev.json")).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Replaces the file as a whole, so that a reader never sees half of it.
    pub(super) fn write(&self, directory: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).map_err(why("dev.json"))?;
        let fresh = directory.join("dev.json.new");
        let write = || {
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            fs::rename(&fresh, directory.join("dev.json"))
        };
        write().map_err(why("dev.json"))
    }
}
