use accounts::notices::{NoticeKind, unmailed};
use primitives::Timestamp;
use serde::Serialize;
use store::{Notice, NoticePlace, NoticeReader};

use crate::when::When;

/// Something that a developer is told.
#[derive(Debug, Serialize)]
pub(crate) struct NoticeRow {
    pub(crate) at: When,
    /// What it is about, in a word or two.
    pub(crate) title: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) says: String,
    pub(crate) unread: bool,
    /// Where one can do something about it.
    pub(crate) href: Option<String>,
    pub(crate) leads_to: &'static str,
}

/// What a kind is called in a list.
pub(crate) const fn notice_word(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::QuotaNearing => "limit 80 % used",
        NoticeKind::QuotaReached => "limit used up",
        NoticeKind::Level => "level",
        NoticeKind::Vetting => "application",
        NoticeKind::Key => "key",
        NoticeKind::Anomaly => "unusual calls",
        NoticeKind::Account => "account and apps",
        NoticeKind::Capability => "capability",
        NoticeKind::Api => "API",
    }
}

impl NoticeRow {
    pub(crate) fn of(notice: &Notice, read_to: NoticePlace, now: Timestamp) -> Self {
        let kind = NoticeKind::of(&notice.kind);
        let tone = match kind {
            Some(NoticeKind::QuotaReached | NoticeKind::Anomaly) => "bad",
            Some(NoticeKind::QuotaNearing | NoticeKind::Key) => "warn",
            _ => "mute",
        };
        let app = Some(&notice.app).filter(|app| !app.is_empty());
        let (href, leads_to) = match (app, kind) {
            (Some(app), _) => (Some(format!("/apps/{app}")), "the app"),
            (None, Some(NoticeKind::Capability | NoticeKind::Api)) => {
                (Some("/apps".to_owned()), "your apps")
            }
            _ => (Some("/developer".to_owned()), "your account"),
        };
        Self {
            at: When::of(notice.at, now),
            title: kind.map_or("notice", notice_word),
            tone,
            says: notice.says.clone(),
            unread: notice.place > read_to,
            href,
            leads_to,
        }
    }
}

/// A kind of notice that may be mailed.
#[derive(Debug, Serialize)]
pub(crate) struct MailChoice {
    pub(crate) kind: &'static str,
    pub(crate) title: &'static str,
    pub(crate) ticked: bool,
}

impl MailChoice {
    pub(crate) fn all(reader: &NoticeReader) -> Vec<Self> {
        let unwanted = unmailed(Some(&reader.no_mail));
        let all = NoticeKind::ALL.into_iter().filter(|kind| kind.is_mailed());
        all.map(|kind| Self {
            kind: kind.as_str(),
            title: kind.title(),
            ticked: !unwanted.contains(&kind),
        })
        .collect()
    }
}
