use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

/// A disk of its own that can be filled; unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts it at `folder`, which is made. `None` when this process may not mount, which has
    /// then been said.
    ///
    /// # Panics
    /// When the folder cannot be made.
    #[must_use]
    pub fn mount(folder: &Path, megabytes: u32) -> Option<Self> {
        fs::create_dir_all(folder).expect("a folder can be made");
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder)
            .output();
        if mounted.is_ok_and(|mounted| mounted.status.success()) {
            return Some(Self(folder.to_owned()));
        }
        crate::forbidden("the right to mount a small disk");
        None
    }

    /// Takes all that is left of it.
    ///
    /// # Panics
    /// When no file can be made there.
    pub fn fill(&self) {
        let mut filler = File::create(self.0.join("filler")).expect("a file can be made");
        let block = vec![0x5a; 64 * 1024];
        while filler.write_all(&block).is_ok() {}
        // To the last page.
        while filler.write_all(&[0x5a; 512]).is_ok() {}
    }

    /// Gives back what [`SmallDisk::fill`] took.
    ///
    /// # Panics
    /// When it was not filled.
    pub fn free(&self) {
        fs::remove_file(self.0.join("filler")).expect("the file can be removed");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because what was killed may still be on its way out.
        let _unmounted = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
