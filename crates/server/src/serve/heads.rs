use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use flows::{Head, read_heads};
use keys::{SigningKey, VerifyingKeys};
use primitives::{Clock, PageSize, Revision, Timestamp};
use store::Store;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, why};

mod signed;

pub(crate) use signed::Signed;

/// How often the log is looked at. Events of the last such while can be cut off unseen.
const EVERY: Duration = Duration::from_secs(1);

/// Adds signed heads of the event log to a file of their own.
pub(crate) struct Heads {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) key: SigningKey,
    pub(crate) file: PathBuf,
    pub(crate) signed: Signed,
}

impl Heads {
    /// Compares the log with the last head, then adds heads until `stop`.
    pub(crate) async fn follow(self, stop: CancellationToken) {
        let mut last = self.begin().await;
        loop {
            match self.add(last).await {
                Ok(added) => last = added,
                Err(problem) => tracing::warn!(%problem, "no head of the event log is signed"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// The revision of the last head in the file; a log that does not go through it is told of.
    async fn begin(&self) -> Option<Revision> {
        let last = match self.last() {
            Ok(last) => last?,
            Err(problem) => {
                tracing::error!(%problem, "the signed heads of the event log cannot be read");
                return None;
            }
        };
        let revision = Revision(last.revision);
        self.signed.head(revision, Timestamp::from_micros(last.at));
        let before = Revision(last.revision.saturating_sub(1));
        match self.store.events(before, PageSize::clamped(1)).await {
            Ok(events) if events.iter().any(|event| last.is_at(event)) => {}
            Ok(_) => tracing::error!(
                revision = revision.0,
                file = %self.file.display(),
                "the event log does not go through its last signed head: it was cut off or changed"
            ),
            Err(problem) => {
                tracing::warn!(%problem, "the event log is not compared with its heads");
            }
        }
        Some(revision)
    }

    fn last(&self) -> Result<Option<Head>, String> {
        let text = match fs::read_to_string(&self.file) {
            Ok(text) => self.whole(text).map_err(|problem| problem.to_string())?,
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(problem) => return Err(problem.to_string()),
        };
        let keys = VerifyingKeys::from_jwks(&self.key.jwks().to_string());
        let keys = keys.map_err(|problem| problem.to_string())?;
        let heads = read_heads(&text, &keys).map_err(|problem| problem.to_string())?;
        Ok(heads.into_iter().last())
    }

    /// The file without a last line that a crash tore off: its head is signed again.
    fn whole(&self, mut text: String) -> io::Result<String> {
        let end = text.rfind('\n').map_or(0, |at| at.saturating_add(1));
        if end < text.len() {
            text.truncate(end);
            let file = OpenOptions::new().write(true).open(&self.file)?;
            file.set_len(u64::try_from(end).unwrap_or(u64::MAX))?;
            file.sync_all()?;
        }
        Ok(text)
    }

    async fn add(&self, last: Option<Revision>) -> Result<Option<Revision>, Failure> {
        let newest = self.store.events_before(None, PageSize::clamped(1)).await;
        let newest = newest.map_err(why("the event log"))?;
        let Some(newest) = newest.first() else {
            return Ok(last);
        };
        self.signed.log(newest.revision);
        if last.is_some_and(|last| newest.revision <= last) {
            return Ok(last);
        }
        let now = self.clock.now();
        let Some(head) = Head::at(newest, now) else {
            return Ok(last);
        };
        let line = head.sign(&self.key).map_err(why("signing a head"))?;
        let path = self.file.clone();
        let written = spawn_blocking(move || {
            write(
                &path,
                &format!(
                    "{line}
"
                ),
            )
        })
        .await;
        written
            .map_err(why("the file of heads"))?
            .map_err(why("the file of heads"))?;
        self.signed.head(newest.revision, now);
        Ok(Some(newest.revision))
    }
}

fn write(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_data()
}
