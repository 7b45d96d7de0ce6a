use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use primitives::Timestamp;

/// What every segment begins with.
const MAGIC: [u8; 8] = *b"PTRVJRNL";
const VERSION: u32 = 2;
/// Magic, version, segment, epoch, time of making, check sum.
pub(crate) const HEADER: usize = 36;
/// Length and check sum of a frame.
pub(crate) const FRAME: usize = 8;
/// The most bytes one entry may have; a longer frame is no frame.
pub(crate) const MOST_PAYLOAD: usize = 16 * 1024 * 1024;

/// A segment file: which run of the gateway made it, and its place within the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentId {
    pub(crate) epoch: u64,
    pub(crate) segment: u32,
}

impl SegmentId {
    pub(crate) fn file_name(self) -> String {
        format!("{:016x}-{:08}.seg", self.epoch, self.segment)
    }

    fn of_file_name(name: &str) -> Option<Self> {
        let (epoch, segment) = name.strip_suffix(".seg")?.split_once('-')?;
        let id = Self {
            epoch: u64::from_str_radix(epoch, 16).ok()?,
            segment: segment.parse().ok()?,
        };
        (id.file_name() == name).then_some(id)
    }

    /// All segments of a directory, in the order in which they were written.
    pub(crate) fn list(directory: &Path) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        for file in fs::read_dir(directory)? {
            let name = file?.file_name();
            found.extend(name.to_str().and_then(Self::of_file_name));
        }
        found.sort_unstable();
        Ok(found)
    }

    pub(crate) fn path(self, directory: &Path) -> PathBuf {
        directory.join(self.file_name())
    }

    /// Makes the file, with its header, so that it is there after a loss of power.
    pub(crate) fn create(self, directory: &Path, at: Timestamp) -> io::Result<File> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.path(directory))?;
        file.write_all(&self.header(at))?;
        file.sync_all()?;
        File::open(directory)?.sync_all()?;
        Ok(file)
    }

    fn header(self, at: Timestamp) -> Vec<u8> {
        let mut header = Vec::with_capacity(HEADER);
        header.extend(MAGIC);
        header.extend(VERSION.to_le_bytes());
        header.extend(self.segment.to_le_bytes());
        header.extend(self.epoch.to_le_bytes());
        header.extend(at.as_micros().to_le_bytes());
        header.extend(crc32fast::hash(&header).to_le_bytes());
        header
    }

    /// Reads a header: when the segment was made, or `None` when it is not this segment's.
    pub(crate) fn made_at(self, mut file: impl Read) -> io::Result<Option<Timestamp>> {
        let mut found = [0; HEADER];
        match file.read_exact(&mut found) {
            Err(problem) if problem.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let made_at = found
            .get(24..32)
            .and_then(|bytes| bytes.try_into().ok())
            .map(|bytes| Timestamp::from_micros(i64::from_le_bytes(bytes)));
        Ok(made_at.filter(|&at| self.header(at) == found))
    }
}

/// A place in the journal: before the first entry, between two, or after the last.
///
/// Text form: `epoch.segment.offset`, the epoch in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// The run of the gateway.
    pub epoch: u64,
    /// The segment within the run, from 0.
    pub segment: u32,
    /// The byte within the segment.
    pub offset: u64,
}

/// The text is not a place in a journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a place in a journal: it has the form `epoch.segment.offset`")]
pub struct NotACursor(pub String);

impl Cursor {
    pub(crate) fn start_of(id: SegmentId) -> Self {
        Self {
            epoch: id.epoch,
            segment: id.segment,
            offset: HEADER as u64,
        }
    }

    pub(crate) fn id(self) -> SegmentId {
        SegmentId {
            epoch: self.epoch,
            segment: self.segment,
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}.{}", self.epoch, self.segment, self.offset)
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('.');
        let mut cursor = || {
            let cursor = Self {
                epoch: u64::from_str_radix(parts.next()?, 16).ok()?,
                segment: parts.next()?.parse().ok()?,
                offset: parts.next()?.parse().ok()?,
            };
            (parts.next().is_none() && cursor.to_string() == text).then_some(cursor)
        };
        cursor().ok_or_else(|| NotACursor(text.chars().take(80).collect()))
    }
}
