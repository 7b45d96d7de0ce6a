use std::fmt;

/// What a command ends with when it could not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What a person reads.
    pub(crate) message: String,
    /// Exit status.
    pub(crate) status: u8,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            status: 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Puts what was being done in front of what went wrong.
pub(crate) fn why<E: fmt::Display>(doing: impl fmt::Display) -> impl FnOnce(E) -> Failure {
    move |problem| Failure::new(format!("{doing}: {problem}"))
}
