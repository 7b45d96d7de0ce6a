use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use crate::{
    Cursor, Entry,
    frame::{self, Found, MARK_FRAME},
    segment::{FRAME, SegmentId},
    wire,
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
        let found = open.frame(&self.directory, cursor)?;
        let (length, entry) = match found {
            Found::Entry(payload) => {
                let entry = wire::read(payload).ok_or_else(|| damaged(&self.directory, cursor))?;
                (FRAME + 1 + payload.len(), Some(entry))
            }
            Found::Mark(_) => (MARK_FRAME, None),
            Found::Broken => return self.at_end(cursor, true),
            Found::End => return self.at_end(cursor, false),
        };
        open.taken = open.taken.saturating_add(length);
        let next = Cursor {
            offset: cursor.offset.saturating_add(length as u64),
            ..cursor
        };
        self.cursor = Some(next);
        Ok(entry.map_or(Step::Again, |entry| {
            Step::Entry(Box::new(Located {
                at: cursor,
                next,
                entry,
            }))
        }))
    }

    /// No whole frame follows: more may come, or the next segment, or this one is damaged.
    fn at_end(&mut self, cursor: Cursor, broken: bool) -> Result<Step, ReadProblem> {
        let Some(open) = &mut self.open else {
            return Ok(Step::Again);
        };
        let Some(next) = open.next else {
            open.next = following(&self.directory, cursor.id())?;
            if open.next.is_some() {
                // More may have been added between the last look and the next segment's making.
                return Ok(Step::Again);
            }
            if broken {
                // Somebody may be writing it this very moment; only a mark proves more.
                open.rest(&self.directory, cursor)?;
            }
            return Ok(Step::End);
        };
        let torn = open.rest(&self.directory, cursor)?;
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
        let file = match File::open(&path) {
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => {
                return Err(missing(directory, id));
            }
            opened => opened.map_err(|problem| disk(&path, problem))?,
        };
        let start = Cursor::start_of(id);
        let header = id.made_at(&file).map_err(|e| disk(&path, e))?;
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
        Ok(Self {
            file,
            buffer: Vec::new(),
            taken: 0,
            next: None,
        })
    }

    /// What stands at the cursor. Nothing is remembered of what was not whole: it may be by now.
    fn frame(&mut self, directory: &Path, cursor: Cursor) -> Result<Found<'_>, ReadProblem> {
        let known = self.buffer.get(self.taken..).unwrap_or_default();
        if !matches!(frame::read(known), Found::Entry(_) | Found::Mark(_)) {
            self.load(cursor.offset)
                .map_err(|problem| disk(&cursor.id().path(directory), problem))?;
        }
        Ok(frame::read(
            self.buffer.get(self.taken..).unwrap_or_default(),
        ))
    }

    /// Reads a frame's head, and if there is one as much as is worth reading at once.
    fn load(&mut self, offset: u64) -> io::Result<()> {
        self.taken = 0;
        self.read(offset, FRAME)?;
        if !matches!(frame::read(&self.buffer), Found::End) {
            let stated = frame::stated_length(&self.buffer).unwrap_or(0);
            self.read(offset, CHUNK.max(FRAME.saturating_add(stated)))?;
        }
        Ok(())
    }

    /// Reads up to so many bytes into the buffer, fewer only at the end of the file.
    fn read(&mut self, offset: u64, most: usize) -> io::Result<()> {
        self.buffer.resize(most, 0);
        let mut filled = 0;
        while let Some(room) = self
            .buffer
            .get_mut(filled..)
            .filter(|room| !room.is_empty())
        {
            match self
                .file
                .read_at(room, offset.saturating_add(filled as u64))
            {
                Ok(0) => break,
                Ok(read) => filled = filled.saturating_add(read),
                Err(problem) if problem.kind() == io::ErrorKind::Interrupted => {}
                Err(problem) => return Err(problem),
            }
        }
        self.buffer.truncate(filled);
        Ok(())
    }

    /// Looks at all that follows the cursor: whether there is anything but zeros, which a loss of
    /// power tore off if no mark says that the disk had it.
    fn rest(&mut self, directory: &Path, cursor: Cursor) -> Result<bool, ReadProblem> {
        let failed = |problem| disk(&cursor.id().path(directory), problem);
        let length = self.file.metadata().map_err(failed)?.len();
        let rest = length.saturating_sub(cursor.offset);
        self.taken = 0;
        self.read(cursor.offset, usize::try_from(rest).unwrap_or(usize::MAX))
            .map_err(failed)?;
        if frame::is_marked(&self.buffer, cursor.offset) {
            return Err(damaged(directory, cursor));
        }
        Ok(self.buffer.iter().any(|&byte| byte != 0))
    }
}

/// The entry that begins at `at`.
///
/// # Errors
/// When the file cannot be read, or no whole entry begins there.
pub fn read_at(directory: &Path, at: Cursor) -> Result<Entry, ReadProblem> {
    let mut open = OpenSegment::at(directory, at)?;
    match open.frame(directory, at)? {
        Found::Entry(payload) => wire::read(payload).ok_or_else(|| damaged(directory, at)),
        Found::Mark(_) | Found::Broken | Found::End => Err(damaged(directory, at)),
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
