use store::{StoreFailure, rows::CorruptRow};

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
        Self::of(failure)
    }
}
