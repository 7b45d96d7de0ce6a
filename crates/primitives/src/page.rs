use std::fmt;

use serde::{Deserialize, Serialize};

/// How many changes the event log holds: the version of everything durable.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many rows one page may hold: 1 to 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(u32);

impl PageSize {
    /// The most rows a page may hold.
    pub const MOST: u32 = 500;

    /// `wanted`, brought into the range.
    #[must_use]
    pub const fn clamped(wanted: u32) -> Self {
        Self(if wanted == 0 {
            1
        } else if wanted > Self::MOST {
            Self::MOST
        } else {
            wanted
        })
    }

    /// The number of rows.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(50)
    }
}
