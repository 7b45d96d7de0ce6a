//! A window of a file that is written as memory: what is put there is in the kernel's hands at
//! once, without a system call, and survives the end of the process.
//!
//! What it never does: wait for the disk ([`File::sync_data`] does), read what others wrote, or
//! map a byte whose block is not there: a full disk is told when the window is made, never when
//! it is written to.
//!
//! It is the only crate with unsafe code; keep it as small as it is.

use std::{fs::File, io, os::unix::fs::FileExt as _};

use memmap2::{MmapMut, MmapOptions};
use rustix::{fs::FallocateFlags, io::Errno};

/// Where windows begin and end: a multiple of every page size in use.
pub const GRAIN: u64 = 64 * 1024;

/// A part of a file, in memory, with room on the disk for all of it.
#[derive(Debug)]
pub struct Window {
    at: u64,
    map: MmapMut,
}

impl Window {
    /// Makes room on the disk from the grain that `from` stands in up to `until` at least, and
    /// maps it. The file grows if need be; what it holds stays.
    ///
    /// The caller must be the only one who shortens the file, and must not do so while the
    /// window is there: a lock file and a private folder see to that.
    ///
    /// # Errors
    /// When there is no room ([`io::ErrorKind::StorageFull`] among others), or the file cannot
    /// be mapped.
    pub fn make(file: &File, from: u64, until: u64) -> io::Result<Self> {
        let at = from / GRAIN * GRAIN;
        let end = until.div_ceil(GRAIN).saturating_mul(GRAIN);
        let length = end.saturating_sub(at).max(GRAIN);
        allocate(file, at, length)?;
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut options = MmapOptions::new();
        options.offset(at).len(length);
        #[expect(unsafe_code, reason = "mapping a file is unsafe")]
        // SAFETY: memory of a mapped file must not change under a reference, and a file that
        // shrinks must not be touched. The journal holds an exclusive lock on its folder, which
        // only its user may enter, maps each part once, and shortens a file only after dropping
        // its window. Readers of the same file use `read`, not memory.
        let map = unsafe { options.map_mut(file)? };
        Ok(Self { at, map })
    }

    /// The first byte after it.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.at.saturating_add(self.map.len() as u64)
    }

    /// Puts `bytes` at a place of the file; whether they lie within the window.
    #[must_use]
    pub fn put(&mut self, at: u64, bytes: &[u8]) -> bool {
        let place = at
            .checked_sub(self.at)
            .and_then(|at| usize::try_from(at).ok())
            .and_then(|at| self.map.get_mut(at..at.checked_add(bytes.len())?));
        let Some(place) = place else {
            return false;
        };
        place.copy_from_slice(bytes);
        true
    }
}

/// Makes sure that every block of the range is there.
fn allocate(file: &File, at: u64, length: u64) -> io::Result<()> {
    loop {
        return match rustix::fs::fallocate(file, FallocateFlags::empty(), at, length) {
            Err(Errno::INTR) => continue,
            Err(Errno::OPNOTSUPP) => write_zeros(file, at, length),
            other => Ok(other?),
        };
    }
}

/// For file systems that cannot allocate ahead: beyond the end, zeros are written.
fn write_zeros(file: &File, at: u64, length: u64) -> io::Result<()> {
    let zeros = [0; 4096];
    let mut next = at.max(file.metadata()?.len());
    let end = at.saturating_add(length);
    while next < end {
        let most = usize::try_from(end - next).unwrap_or(usize::MAX);
        let part = zeros.get(..most.min(zeros.len())).unwrap_or(&zeros);
        file.write_all_at(part, next)?;
        next = next.saturating_add(part.len() as u64);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _, Write as _};

    use super::*;

    #[test]
    fn what_is_put_is_in_the_file_and_the_rest_stays() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"before").unwrap();
        let mut window = Window::make(&file, 3, 10).unwrap();
        assert_eq!(window.end(), GRAIN);
        assert!(window.put(6, b" and after"));
        assert!(!window.put(GRAIN - 1, b"xy"), "over the end");
        assert!(!window.put(u64::MAX, b"x"));
        let mut next = Window::make(&file, GRAIN, 3 * GRAIN + 1).unwrap();
        assert_eq!(next.end(), 4 * GRAIN);
        assert!(!next.put(GRAIN - 1, b"x"), "before the beginning");
        assert!(next.put(GRAIN, b"next"));
        let mut text = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut text).unwrap();
        assert!(text.starts_with(b"before and after\0"));
        assert_eq!(text.get(65_536..65_540), Some(&b"next"[..]));
        assert_eq!(text.len(), 4 * 65_536);
    }

    #[test]
    fn without_allocation_the_room_is_written() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"kept").unwrap();
        write_zeros(&file, 0, 5_000).unwrap();
        let mut text = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut text).unwrap();
        assert_eq!(text.len(), 5_000);
        assert!(text.starts_with(b"kept\0"));
    }
}
