use store::{FailureKind, StoreFailure, rows::CorruptRow};

/// Why a statement or a row could not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    #[error("rows cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
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

/// `SQLITE_FULL`: the disk has no room, and the transaction was rolled back.
const FULL: i32 = 13;

fn kind(failure: &Failure) -> FailureKind {
    let Failure::Sql(sqlx::Error::Database(told)) = failure else {
        return FailureKind::Other;
    };
    // Extended codes have the primary one in their lowest byte.
    let code = told.code().and_then(|code| code.parse::<i32>().ok());
    match code.map(|code| code & 0xff) {
        Some(FULL) => FailureKind::Full,
        _ => FailureKind::Other,
    }
}
