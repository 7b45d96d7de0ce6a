//! What developers are told of, by kind, and what of it is worth a mail.

/// A kind of notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoticeKind {
    /// A counter came near its limit.
    QuotaNearing,
    /// A counter reached its limit.
    QuotaReached,
    /// The developer's level changed.
    Level,
    /// An application was decided, or waits.
    Vetting,
    /// A key was made or ended by others, was reported as leaked, or is about to end.
    Key,
    /// Calls of an app unlike those that it usually makes.
    Anomaly,
    /// Switches, limits or places of the developer or of an app were changed.
    Account,
    /// A capability came, went or changed.
    Capability,
    /// An API or its description changed.
    Api,
}

impl NoticeKind {
    /// All of them, the urgent ones first.
    pub const ALL: [Self; 9] = [
        Self::QuotaReached,
        Self::QuotaNearing,
        Self::Key,
        Self::Anomaly,
        Self::Level,
        Self::Vetting,
        Self::Account,
        Self::Capability,
        Self::Api,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QuotaNearing => "quota_nearing",
            Self::QuotaReached => "quota_reached",
            Self::Level => "level",
            Self::Vetting => "vetting",
            Self::Key => "key",
            Self::Anomaly => "anomaly",
            Self::Account => "account",
            Self::Capability => "capability",
            Self::Api => "api",
        }
    }

    /// The kind of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What it is, for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::QuotaNearing => "a limit is 80 % used",
            Self::QuotaReached => "a limit is used up",
            Self::Level => "your level changed",
            Self::Vetting => "an application was decided or waits",
            Self::Key => "a key ends, leaked, or was changed by the provider",
            Self::Anomaly => "unusual calls of an app",
            Self::Account => "the provider changed your account or an app",
            Self::Capability => "a capability came, went or changed",
            Self::Api => "an API changed",
        }
    }

    /// Whether it can be mailed: what everybody is told at once is not.
    #[must_use]
    pub const fn is_mailed(self) -> bool {
        !matches!(self, Self::Capability | Self::Api)
    }

    /// Whether somebody who has chosen nothing is mailed it.
    #[must_use]
    pub const fn is_mailed_at_first(self) -> bool {
        self.is_mailed() && !matches!(self, Self::QuotaNearing | Self::Account)
    }
}

/// The kinds of which somebody wants no mail, out of what was kept; at first those that are not
/// important.
#[must_use]
pub fn unmailed(kept: Option<&str>) -> Vec<NoticeKind> {
    let all = NoticeKind::ALL.into_iter().filter(|kind| kind.is_mailed());
    match kept {
        None => all.filter(|kind| !kind.is_mailed_at_first()).collect(),
        Some(words) => {
            let named = |kind: &NoticeKind| words.split(' ').any(|word| word == kind.as_str());
            all.filter(named).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_their_kinds_and_choices_are_read_back() {
        for kind in NoticeKind::ALL {
            assert_eq!(NoticeKind::of(kind.as_str()), Some(kind));
        }
        assert_eq!(NoticeKind::of("other"), None);
        assert_eq!(
            unmailed(None),
            [NoticeKind::QuotaNearing, NoticeKind::Account]
        );
        assert_eq!(unmailed(Some("")), []);
        assert_eq!(unmailed(Some("key api nothing")), [NoticeKind::Key]);
    }
}
