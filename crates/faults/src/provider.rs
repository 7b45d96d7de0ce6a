use std::{fs, path::Path};

use tempfile::TempDir;

use crate::{Launch, Node, Origin};

/// How many calls of each shelf the state of a campaign admits, ever.
pub const SCARCE: usize = 50;

const STATE: &str = include_str!("../state/gate.state.yaml");
const DESCRIPTION: &str = include_str!("../state/gate.openapi.yaml");

/// A provider that faults are tried on: an origin, and a folder for the node in front of it.
///
/// Its API is at `/gate`. `POST /gate/free/{id}` takes of no counter, `POST /gate/metered/{id}` of
/// two that never end, `POST /gate/scarce/{shelf}/{id}` of one that ends after [`SCARCE`] calls of
/// a shelf. Apps: `front` for calls, `minted` and `other` for keys.
#[derive(Debug)]
pub struct Provider {
    /// What stands behind the node.
    pub origin: Origin,
    folder: TempDir,
}

impl Provider {
    /// An origin and an empty folder.
    pub async fn new() -> Self {
        Self::in_folder(tempfile::tempdir().expect("a temporary folder can be made")).await
    }

    /// An origin, and a folder that is there already.
    pub async fn in_folder(folder: TempDir) -> Self {
        let state = folder.path().join("state");
        fs::create_dir_all(&state).expect("a folder can be made");
        write(&state.join("gate.state.yaml"), STATE);
        write(&state.join("gate.openapi.yaml"), DESCRIPTION);
        Self {
            origin: Origin::start().await,
            folder,
        }
    }

    /// Changes the state before the node is started with it.
    pub fn edit(&self, from: &str, to: &str) {
        let file = self.folder().join("state/gate.state.yaml");
        let text = fs::read_to_string(&file).expect("the state can be read");
        assert!(text.contains(from), "the state has no `{from}`");
        write(&file, &text.replace(from, to));
    }

    /// Where the node is started.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How a node in front of this origin is started first; later starts need only
    /// [`Launch::dev`] or [`Launch::plain`], because the state is kept.
    #[must_use]
    pub fn launch(&self, launch: Launch) -> Launch {
        self.launch_before(launch, &self.origin.url())
    }

    /// The same in front of another origin.
    #[must_use]
    pub fn launch_before(&self, launch: Launch, origin: &str) -> Launch {
        let state = self.folder().join("state/gate.state.yaml");
        let origin = format!("origin={origin}");
        launch
            .arguments(["--state".into(), state.into_os_string()])
            .arguments(["--var".to_owned(), origin])
    }

    /// A node with `--dev` in front of this origin.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub async fn start(&self, launch: Launch) -> Result<Node, String> {
        Node::start(&self.launch(launch), self.folder()).await
    }
}

fn write(file: &Path, text: &str) {
    fs::write(file, text).expect("a file can be written");
}
