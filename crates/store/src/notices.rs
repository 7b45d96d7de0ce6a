use primitives::{AccountId, PersonId, Revision, Timestamp};

use crate::Mail;

/// Where a notice stands among all: after those of earlier events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoticePlace(i64);

/// Positions within a commit stand below this.
const POSITIONS: i64 = 1 << 24;

impl NoticePlace {
    /// The place of what an event is told by.
    #[must_use]
    pub fn of(revision: Revision, position: u32) -> Self {
        let revision = i64::try_from(revision.0).unwrap_or(i64::MAX);
        let position = i64::from(position).min(POSITIONS.saturating_sub(1));
        Self(revision.saturating_mul(POSITIONS).saturating_add(position))
    }

    /// As it is kept.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// What was kept.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }
}

/// Something that a developer is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whom it is for; `None` for everybody who uses one of `apis`.
    pub account: Option<AccountId>,
    /// Its place. An account has one notice of an event.
    pub place: NoticePlace,
    /// When it happened.
    pub at: Timestamp,
    /// Its kind.
    pub kind: String,
    /// Name of the app; empty when it is about no single one.
    pub app: String,
    /// Names of the APIs it is about, separated and surrounded by spaces.
    pub apis: String,
    /// What it says.
    pub says: String,
}

/// What a person has read of notices, and of what they want no mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeReader {
    /// Who.
    pub person: PersonId,
    /// The newest notice they have read.
    pub read_to: NoticePlace,
    /// Kinds, separated by spaces.
    pub no_mail: String,
}

/// Which notices are asked for.
#[derive(Clone, Debug, Default)]
pub struct NoticeFilter {
    /// After this one.
    pub after: NoticePlace,
    /// Before this one; from the newest on when `None`.
    pub before: Option<NoticePlace>,
    /// Of this kind.
    pub kind: Option<String>,
    /// About this app, or about none that is named.
    pub app: Option<String>,
}

/// Events that become notices, and the mails that tell of them: all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct NoticeStep {
    /// How far events had become notices, so that two cannot both tell; `None` at the very start.
    pub from: Option<Revision>,
    /// How far they have then.
    pub to: Revision,
    /// Notices; one that is there already stays as it is.
    pub notices: Vec<Notice>,
    /// Mails.
    pub mails: Vec<Mail>,
}
