use store::{FailureKind, StoreFailure, rows::CorruptRow};

/// Why a statement or a row could not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error(transparent)]
    Corrupt(#[from] CorruptRow),
    #[error("the idempotency key `{key}` of `{scope}` is not held or is answered already")]
    KeyNotHeld { scope: String, key: String },
}

impl From<Failure> for StoreFailure {
    fn from(failure: Failure) -> Self {
        Self::as_kind(kind(&failure), failure)
    }
}

/// `disk_full`: the transaction was rolled back.
const FULL: &str = "53100";
/// Classes of errors that say the server is not there for us: connections, resources, an
/// operator's doing.
const AWAY: [&str; 3] = ["08", "53", "57"];

fn kind(failure: &Failure) -> FailureKind {
    let Failure::Sql(problem) = failure else {
        return FailureKind::Other;
    };
    match problem {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => FailureKind::Away,
        sqlx::Error::Database(told) => match told.code().as_deref() {
            Some(FULL) => FailureKind::Full,
            Some(code) if AWAY.iter().any(|class| code.starts_with(class)) => FailureKind::Away,
            _ => FailureKind::Other,
        },
        _ => FailureKind::Other,
    }
}
