use std::{
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{CargoOpt, Metadata, MetadataCommand, Package};

/// Directories that hold nothing of ours.
const SKIPPED: [&str; 5] = ["target", ".git", ".cache", "data", "node_modules"];

/// The checked-out repository and what cargo says about it.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    metadata: Metadata,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self, String> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = here
            .ancestors()
            .nth(2)
            .ok_or("the crate `xtask` is not two levels below the root")?;
        let metadata = MetadataCommand::new()
            .current_dir(root)
            .features(CargoOpt::AllFeatures)
            .no_deps()
            .exec()
            .map_err(|problem| format!("cargo metadata: {problem}"))?;
        Ok(Self {
            root: root.to_path_buf(),
            target: metadata.target_directory.clone().into_std_path_buf(),
            metadata,
        })
    }

    /// Our own crates.
    pub(crate) fn crates(&self) -> &[Package] {
        &self.metadata.packages
    }

    /// Where things that the tests need are kept.
    pub(crate) fn cache(&self) -> PathBuf {
        self.root.join(".cache")
    }

    /// Where cargo puts a program of ours when it is built in release mode.
    pub(crate) fn release(&self, program: &str) -> PathBuf {
        self.target.join("release").join(program)
    }

    /// Where cargo puts the report of the profile `ci`.
    pub(crate) fn junit(&self) -> PathBuf {
        self.target.join("nextest/ci/junit.xml")
    }

    /// Every text file of ours with one of the `endings`, by path from the root.
    pub(crate) fn files(&self, endings: &[&str]) -> Result<Vec<(String, String)>, String> {
        let mut found = Vec::new();
        collect(&self.root, &self.root, endings, &mut found)?;
        found.sort();
        Ok(found)
    }
}

fn collect(
    root: &Path,
    directory: &Path,
    endings: &[&str],
    found: &mut Vec<(String, String)>,
) -> Result<(), String> {
    let entries = fs::read_dir(directory).map_err(|e| format!("{}: {e}", directory.display()))?;
    for entry in entries {
        let entry = entry.map_err(|e| format!("{}: {e}", directory.display()))?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if !SKIPPED.contains(&name.as_str()) {
                collect(root, &path, endings, found)?;
            }
        } else if endings.iter().any(|ending| name.ends_with(ending))
            && let Ok(text) = fs::read_to_string(&path)
        {
            let relative = path.strip_prefix(root).unwrap_or(&path);
            found.push((relative.to_string_lossy().into_owned(), text));
        }
    }
    Ok(())
}
