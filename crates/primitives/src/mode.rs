use std::fmt;

use serde::{Deserialize, Serialize};

/// The two worlds of an installation. No call crosses between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// For trying things out: goes to the API's test upstream only.
    Test,
    /// For real.
    Live,
}

impl Mode {
    /// The word used in every public text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether an API's decisions bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// Decide and record, but never refuse.
    Observe,
    /// Refuse what is not granted.
    Enforce,
}
