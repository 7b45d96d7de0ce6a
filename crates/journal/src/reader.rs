use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use crate::{
    Cursor, Entry,
    frame::{self, Found},
    segment::{FRAME, SegmentId},
};

/// How much is read at once.
const CHUNK: usize = 256 * 1024;

/// Why the journal cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadProblem {
    /// The disk.
    #[error("`{file}` cannot be read")]
    Disk {
        /// The file or directory.
        file: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A segment does not begin as it must, or a broken frame stands before whole ones.
    #[error(
        "`{file}` is damaged at byte {offset}: restore it, or move it away to go on without its calls"
    )]
    Damaged {
        /// The file.
        file: String,
        /// Where.
        offset: u64,
    },
    /// A segment that must be there is not.
    #[error("`{file}` is missing: restore it, or set the cursor behind it")]
    Missing {
        /// The file.
        file: String,
    },
}

/// An entry and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// Where it begins.
    pub at: Cursor,
    /// Where the next one begins: the cursor to resume from.
    pub next: Cursor,
    /// The entry.
    pub entry: Entry,
}

/// Reads entries in order over all segments, from a cursor on, also while they are written.
///
/// What a loss of power tore off the end of a run is skipped. Anything else that is broken is an
/// error: what was acknowledged is never passed over in silence. Reading blocks the thread.
#[derive(Debug)]
pub struct Reader {
    directory: PathBuf,
    cursor: Option<Cursor>,
    open: Option<OpenSegment>,
}

#[derive(Debug)]
struct OpenSegment {
    file: File,
    /// What was read and not yet returned; begins at the cursor.
    buffer: Vec<u8>,
    /// How much of the buffer has been returned.
    taken: usize,
    /// The segment after this one. Once there is one, nothing is added to this one.
    next: Option<SegmentId>,
}

enum Step {
    Entry(Box<Located>),
    Again,
    End,
}

impl Reader {
    /// A reader from `cursor` on, or from the oldest entry.
    #[must_use]
    pub fn new(directory: &Path, cursor: Option<Cursor>) -> Self {
        Self {
            directory: directory.to_owned(),
            cursor,
            open: None,
        }
    }

    /// Where the next entry will begin; `None` as long as there is no segment at all.
    #[must_use]
    pub const fn cursor(&self) -> Option<Cursor> {
        self.cursor
    }

    /// The next entry, or `None` when there is none yet.
    ///
    /// # Errors
    /// When a file cannot be read, is damaged or missing.
    pub fn next_entry(&mut self) -> Result<Option<Located>, ReadProblem> {
        loop {
            match self.step()? {
                Step::Entry(located) => return Ok(Some(*located)),
                Step::Again => {}
                Step::End => return Ok(None),
            }
        }
    }

    fn step(&mut self) -> Result<Step, ReadProblem> {
        let Some(cursor) = self
            .cursor
            .map_or_else(|| self.first(), |at| Ok(Some(at)))?
        else {
            return Ok(Step::End);
        };
        self.cursor = Some(cursor);
        if self.open.is_none() {
            self.open = Some(OpenSegment::at(&self.directory, cursor)?);
        }
        let Some(open) = &mut self.open else {
            return Ok(Step::End);
        };
        open.fill(&self.directory, cursor)?;
        let bytes = open.buffer.get(open.taken..).unwrap_or_default();
        match frame::read(bytes) {
            Found::Whole(payload) => {
                let entry = serde_json::from_slice(payload)
                    .map_err(|_| damaged(&self.directory, cursor))?;
                let length = FRAME.saturating_add(payload.len());
                open.taken = open.taken.saturating_add(length);
                let next = Cursor {
                    offset: cursor.offset.saturating_add(length as u64),
                    ..cursor
                };
                self.cursor = Some(next);
                Ok(Step::Entry(Box::new(Located {
                    at: cursor,
                    next,
                    entry,
                })))
            }
            Found::Broken | Found::End => self.at_end(cursor),
        }
    }

    /// No whole frame follows: more may come, or the next segment, or this one is damaged.
    fn at_end(&mut self, cursor: Cursor) -> Result<Step, ReadProblem> {
        let Some(open) = &mut self.open else {
            return Ok(Step::Again);
        };
        let Some(next) = open.next else {
            open.next = following(&self.directory, cursor.id())?;
            if open.next.is_some() {
                // More may have been added between the last look and the next segment's making.
                return Ok(Step::Again);
            }
            return open.torn(&self.directory, cursor).map(|_| Step::End);
        };
        let torn = open.torn(&self.directory, cursor)?;
        let expected = if next.epoch == cursor.epoch {
            if torn {
                return Err(damaged(&self.directory, cursor));
            }
            cursor.segment.saturating_add(1)
        } else {
            0
        };
        if next.segment != expected {
            let segment = expected;
            return Err(missing(&self.directory, SegmentId { segment, ..next }));
        }
        self.cursor = Some(Cursor::start_of(next));
        self.open = None;
        Ok(Step::Again)
    }

    fn first(&self) -> Result<Option<Cursor>, ReadProblem> {
        let all = SegmentId::list(&self.directory).map_err(|e| disk(&self.directory, e))?;
        Ok(all.first().map(|&id| Cursor::start_of(id)))
    }
}

impl OpenSegment {
    fn at(directory: &Path, cursor: Cursor) -> Result<Self, ReadProblem> {
        let id = cursor.id();
        let path = id.path(directory);
        let mut file = match File::open(&path) {
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => {
                return Err(missing(directory, id));
            }
            opened => opened.map_err(|problem| disk(&path, problem))?,
        };
        let start = Cursor::start_of(id);
        let header = id.made_at(&mut file).map_err(|e| disk(&path, e))?;
        let length = file.metadata().map_err(|e| disk(&path, e))?.len();
        // A loss of power can leave a last segment without its header: then it has no entries.
        let unborn = header.is_none() && length < start.offset;
        if (header.is_none() && !unborn) || cursor.offset < start.offset {
            return Err(damaged(
                directory,
                Cursor {
                    offset: 0,
                    ..cursor
                },
            ));
        }
        file.seek(SeekFrom::Start(cursor.offset))
            .map_err(|e| disk(&path, e))?;
        Ok(Self {
            file,
            buffer: Vec::new(),
            taken: 0,
            next: None,
        })
    }

    /// Reads until a whole frame is there, or the file is at its end.
    fn fill(&mut self, directory: &Path, cursor: Cursor) -> Result<(), ReadProblem> {
        while !self.has_stated_length() {
            if self.taken > CHUNK || self.taken == self.buffer.len() {
                self.buffer.drain(..self.taken);
                self.taken = 0;
            }
            let limit = CHUNK as u64;
            let read = (&mut self.file)
                .take(limit)
                .read_to_end(&mut self.buffer)
                .map_err(|problem| disk(&cursor.id().path(directory), problem))?;
            if read == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Whether as many bytes are there as the frame's head states; a head that states what no
    /// frame has is not waited for.
    fn has_stated_length(&self) -> bool {
        let bytes = self.buffer.get(self.taken..).unwrap_or_default();
        bytes.len() >= FRAME
            && frame::stated_length(bytes).is_none_or(|length| bytes.len() - FRAME >= length)
    }

    /// Whether a part of a frame follows the cursor, and nothing whole after it. Whole frames
    /// after a broken one are damage.
    fn torn(&mut self, directory: &Path, cursor: Cursor) -> Result<bool, ReadProblem> {
        self.file
            .read_to_end(&mut self.buffer)
            .map_err(|problem| disk(&cursor.id().path(directory), problem))?;
        let rest = self.buffer.get(self.taken..).unwrap_or_default();
        match frame::read(rest) {
            Found::Broken if frame::any_later(rest) => Err(damaged(directory, cursor)),
            Found::Broken => Ok(true),
            Found::Whole(_) | Found::End => Ok(false),
        }
    }
}

/// The entry that begins at `at`.
///
/// # Errors
/// When the file cannot be read, or no whole entry begins there.
pub fn read_at(directory: &Path, at: Cursor) -> Result<Entry, ReadProblem> {
    let mut open = OpenSegment::at(directory, at)?;
    open.fill(directory, at)?;
    match frame::read(&open.buffer) {
        Found::Whole(payload) => {
            serde_json::from_slice(payload).map_err(|_| damaged(directory, at))
        }
        Found::Broken | Found::End => Err(damaged(directory, at)),
    }
}

fn following(directory: &Path, id: SegmentId) -> Result<Option<SegmentId>, ReadProblem> {
    let all = SegmentId::list(directory).map_err(|problem| disk(directory, problem))?;
    Ok(all.into_iter().find(|&other| other > id))
}

fn disk(file: &Path, source: io::Error) -> ReadProblem {
    let file = file.display().to_string();
    ReadProblem::Disk { file, source }
}

fn damaged(directory: &Path, at: Cursor) -> ReadProblem {
    ReadProblem::Damaged {
        file: at.id().path(directory).display().to_string(),
        offset: at.offset,
    }
}

fn missing(directory: &Path, id: SegmentId) -> ReadProblem {
    ReadProblem::Missing {
        file: id.path(directory).display().to_string(),
    }
}
