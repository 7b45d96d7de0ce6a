//! What developers are told: events of the log become notices, and the important ones mails.

use std::{collections::BTreeSet, sync::Arc};

use accounts::{
    notices::{NoticeKind, unmailed},
    persons::Standing,
};
use primitives::{
    AccountId, CredentialId, EventId, PageSize, PersonId, Revision, Timestamp, fingerprint,
};
use serde_json::json;
use snapshot::{Loader, Snapshot};
use store::{
    Event, EventAction, Folded, FoldedCalls, Kind, Mail, NewEvent, Notice, NoticeFilter,
    NoticePlace, NoticeReader, NoticeStep, TryRate, WriteSet,
};

use crate::{
    Authority, CREDENTIAL_KIND, Letter, Origins, PERSON_KIND, Person, Unable, VETTING_KIND,
    authority::Offered, mails,
};

mod telling;

use telling::{ALERT_KIND, KEY_ENDS, Known, Telling};

/// Notices are kept so long.
pub const NOTICE_DAYS: i64 = 90;
/// A key is told of so long before it ends.
const KEY_ENDS_SECONDS: i64 = 7 * 86_400;
/// A mail of a notice is of no use later.
const MAIL_SECONDS: i64 = 2 * 86_400;
/// So many events without a notice may be looked at again after a restart.
const MOST_UNKEPT: usize = 2_000;
/// Mails of notices to one person: ten, then one each five minutes. What is more stands on the
/// site alone.
const TO_ONE: TryRate = TryRate {
    at_once: 10,
    every_micros: 300_000_000,
};
/// Under whose name keys that are about to end are told once.
const KEYS: &str = "keys that end";
/// How many pages of notices one request looks at.
const LOOKS: usize = 10;

/// Makes notices of events, from where it or another process has come.
pub struct Notices {
    at: Authority,
    loader: Arc<Loader>,
    /// Where mails lead, if any go.
    origins: Option<Origins>,
    /// What was in force when it had told everything last.
    before: Arc<Snapshot>,
    /// Whose levels were told since.
    levels: BTreeSet<Option<AccountId>>,
    /// How far it has looked, beyond what is kept.
    seen: Option<(Option<Revision>, Revision, usize)>,
}

impl std::fmt::Debug for Notices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Notices")
    }
}

impl Notices {
    /// What follows the log; `origins` is `None` when no mail goes.
    #[must_use]
    pub fn new(at: Authority, loader: Arc<Loader>, origins: Option<Origins>) -> Self {
        Self {
            before: loader.handle().load_full(),
            at,
            loader,
            origins,
            levels: BTreeSet::new(),
            seen: None,
        }
    }

    /// Tells what has happened since it looked last.
    ///
    /// # Errors
    /// When the store fails; then the same is told the next time.
    pub async fn follow(&mut self) -> Result<usize, Unable> {
        let mut told = 0_usize;
        loop {
            let (kept, seen, unkept) = match self.seen {
                Some(seen) => seen,
                None => match self.at.store.notice_cursor().await? {
                    Some(kept) => (Some(kept), kept, 0),
                    None => self.begin().await?,
                },
            };
            // What is told is what is in force; read before the events, so that they hold all
            // that led to it.
            self.loader.refresh().await?;
            let now = self.loader.handle().load_full();
            let most = PageSize::clamped(PageSize::MOST);
            let mut events = self.at.store.events(seen, most).await?;
            let is_all = events.len() < most.get() as usize;
            events.retain(|event| event.revision <= now.revision());
            let Some(last) = events.last() else {
                self.seen = Some((kept, seen, unkept));
                return Ok(told);
            };
            let (mut step, levels) = self.step(&events, &now).await?;
            (step.from, step.to) = (kept, last.revision);
            let unkept = unkept.saturating_add(events.len());
            if step.notices.is_empty() && unkept < MOST_UNKEPT {
                self.seen = Some((kept, last.revision, unkept));
            } else {
                told = told.saturating_add(step.notices.len());
                let is_ours = self.at.store.keep_notices(step).await?;
                // Otherwise another process was first, and has told it.
                self.seen = is_ours.then_some((Some(last.revision), last.revision, 0));
            }
            self.levels.extend(levels);
            if is_all {
                self.before = now;
                self.levels.clear();
            }
        }
    }

    /// What happened before there were notices is not told.
    async fn begin(&self) -> Result<(Option<Revision>, Revision, usize), Unable> {
        let to = self.at.store.revision().await?;
        let step = NoticeStep {
            to,
            ..NoticeStep::default()
        };
        self.at.store.keep_notices(step).await?;
        let kept = self.at.store.notice_cursor().await?;
        Ok((kept, kept.unwrap_or(to), 0))
    }

    /// What the events tell, and whose levels are among it.
    async fn step(
        &self,
        events: &[Event],
        now: &Snapshot,
    ) -> Result<(NoticeStep, BTreeSet<Option<AccountId>>), Unable> {
        let known = Known {
            before: &self.before,
            now,
        };
        let mut step = NoticeStep::default();
        let mut levels = BTreeSet::new();
        for event in events {
            let with_vetting = events.iter().any(|other| {
                let same = (&other.name, other.revision) == (&event.name, event.revision);
                same && other.kind == VETTING_KIND
            });
            let Some(telling) = known.telling(event, with_vetting) else {
                continue;
            };
            // Levels are compared with those before all of these events: once is enough.
            let whose = telling.account;
            let is_level = telling.kind == NoticeKind::Level;
            if is_level && (self.levels.contains(&whose) || !levels.insert(whose)) {
                continue;
            }
            let persons = self.persons(&telling).await?;
            let own = persons
                .iter()
                .any(|one| one.kept.id.to_string() == event.actor);
            if telling.unless_own && own {
                continue;
            }
            let mails = self.mails(&telling, &persons).await?;
            step.mails.extend(mails);
            step.notices.push(notice(telling, event));
        }
        Ok((step, levels))
    }

    async fn persons(&self, telling: &Telling) -> Result<Vec<Person>, Unable> {
        let Some(account) = telling.account else {
            return Ok(Vec::new());
        };
        let found = self.at.store.persons_of_developer(account).await?;
        found.into_iter().map(Person::read).collect()
    }

    async fn mails(&self, telling: &Telling, persons: &[Person]) -> Result<Vec<Mail>, Unable> {
        let Some(origins) = self.origins.as_ref().filter(|_| telling.kind.is_mailed()) else {
            return Ok(Vec::new());
        };
        let mut mails = Vec::new();
        for person in persons
            .iter()
            .filter(|one| one.standing == Standing::Active)
        {
            let reader = self.at.store.notice_reader(person.kept.id).await?;
            let kept = reader.as_ref().map(|reader| reader.no_mail.as_str());
            if unmailed(kept).contains(&telling.kind) {
                continue;
            }
            let at = &self.at;
            let email = person.kept.email.as_str();
            let whose = at.hashing.fingerprint(&[b"notices to", email.as_bytes()]);
            if !at.store.take_try(&whose, TO_ONE, at.clock.now()).await? {
                continue;
            }
            let letter = letter(origins, email, telling);
            let (mail, _) = mails::written(at, (Some(&letter), "notice"), MAIL_SECONDS)?;
            mails.push(mail);
        }
        Ok(mails)
    }
}

fn notice(telling: Telling, event: &Event) -> Notice {
    let apis: Vec<String> = telling.apis.into_iter().collect();
    Notice {
        account: telling.account,
        place: NoticePlace::of(event.revision, event.position),
        at: event.at,
        kind: telling.kind.as_str().to_owned(),
        app: telling.app,
        apis: format!(" {} ", apis.join(" ")),
        says: telling.says,
    }
}

/// Names of the provider's and of ours stand in it, and nothing that somebody wrote.
fn letter(origins: &Origins, email: &str, telling: &Telling) -> Letter {
    let Origins { name, site, .. } = origins;
    let says = telling.says.replace('`', "");
    Letter {
        to: email.to_owned(),
        subject: format!("{name}: {}", telling.kind.title()),
        text: format!(
            "{says}\n\nAll that you are told: {site}/notices\nWhat you are mailed: {site}/you\n"
        ),
    }
}

/// Tells of keys that end within a week, each once; those that were made for less are left out.
///
/// # Errors
/// When the store fails; then they are told the next time.
pub async fn tell_of_ending_keys(at: &Authority, snapshot: &Snapshot) -> Result<usize, Unable> {
    let now = at.clock.now();
    let soon = now.plus_seconds(KEY_ENDS_SECONDS);
    let mut events = Vec::new();
    for key in snapshot.credentials() {
        let ends = key.expires_at().filter(|ends| *ends > now && *ends <= soon);
        let Some(ends) = ends.filter(|_| key.revoked_at().is_none()) else {
            continue;
        };
        let Some(kept) = at.store.credential(key.id()).await? else {
            continue;
        };
        if ends > kept.created_at.plus_seconds(KEY_ENDS_SECONDS) {
            events.push(key_ends(key.id(), kept.app_name.as_str(), ends));
        }
    }
    if events.is_empty() {
        return Ok(0);
    }
    let told = events.len();
    let step = FoldedCalls {
        gateway: KEYS.to_owned(),
        from_cursor: at.store.fold_cursor(KEYS).await?,
        to_cursor: now.to_string(),
        calls: Vec::new(),
        counters: Vec::new(),
        habits: Vec::new(),
        anomalies: Vec::new(),
        events,
        at: now,
    };
    match at.store.fold_calls(step).await? {
        Folded::Applied => Ok(told),
        // Another process tells of them.
        Folded::NotAtCursor => Ok(0),
    }
}

/// The id is made of the key and its end, so that it is told once.
fn key_ends(key: CredentialId, app: &str, ends: Timestamp) -> NewEvent {
    let mut text = b"a key that ends".to_vec();
    text.extend(key.as_u128().to_be_bytes());
    text.extend(ends.as_micros().to_be_bytes());
    let detail = json!({
        "alert": KEY_ENDS,
        "app": app,
        "expires_at": ends.to_string(),
        "of": CREDENTIAL_KIND,
    });
    NewEvent {
        id: EventId::from_u128(fingerprint(&text)),
        actor: "keys".to_owned(),
        action: EventAction::Created,
        kind: ALERT_KIND.to_owned(),
        name: key.to_string(),
        detail: detail.to_string(),
    }
}

/// Notices of a developer, and whether there may be more.
#[derive(Debug)]
pub struct NoticePage {
    /// The newest first.
    pub notices: Vec<Notice>,
    /// Where to go on, if there may be more.
    pub next: Option<NoticePlace>,
}

/// What concerns a developer of what all are told.
struct Concern {
    developer: AccountId,
    /// Since when the developer is here.
    since: Option<Timestamp>,
    /// The APIs that its apps are subscribed to.
    used: BTreeSet<String>,
}

impl Concern {
    async fn of(
        at: &Authority,
        snapshot: &Snapshot,
        (developer, about): (AccountId, Option<&str>),
    ) -> Result<Self, Unable> {
        let own = crate::own_apps(snapshot, developer).into_iter();
        let own = own.filter(|app| about.is_none_or(|about| app.name.as_str() == about));
        let names = &snapshot.vocabulary().apis;
        let used = own.flat_map(|app| app.subscriptions.iter());
        let used = used.map(|api| names.name(api).to_string()).collect();
        let kept = match snapshot.account(developer) {
            Some(account) => at.store.resource(Kind::Account, &account.name).await?,
            None => None,
        };
        Ok(Self {
            developer,
            since: kept.map(|account| account.created_at),
            used,
        })
    }

    fn holds(&self, notice: &Notice) -> bool {
        if let Some(account) = notice.account {
            return account == self.developer;
        }
        let of_before = self.since.is_some_and(|since| notice.at < since);
        !of_before && notice.apis.split(' ').any(|api| self.used.contains(api))
    }
}

/// What a developer is told, the newest first: what is for it alone, and what is for all who use an API that one of its
/// apps is subscribed to.
///
/// # Errors
/// When the store fails.
pub async fn own_notices(
    at: &Authority,
    snapshot: &Snapshot,
    developer: AccountId,
    (mut filter, wanted): (NoticeFilter, usize),
) -> Result<NoticePage, Unable> {
    let concern = Concern::of(at, snapshot, (developer, filter.app.as_deref())).await?;
    let mut notices = Vec::new();
    let size = PageSize::default();
    for _ in 0..LOOKS {
        let found = at.store.notices(developer, &filter, size).await?;
        let more = found.len() >= size.get() as usize;
        for notice in found {
            filter.before = Some(notice.place);
            if concern.holds(&notice) {
                notices.push(notice);
            }
            if notices.len() >= wanted {
                return Ok(NoticePage {
                    notices,
                    next: filter.before,
                });
            }
        }
        if !more {
            return Ok(NoticePage {
                notices,
                next: None,
            });
        }
    }
    Ok(NoticePage {
        notices,
        next: filter.before,
    })
}

/// More unread notices than this are counted as this.
pub const MOST_UNREAD: usize = 100;

/// How many notices somebody has not read, up to [`MOST_UNREAD`].
///
/// # Errors
/// When the store fails.
pub async fn unread_notices(
    at: &Authority,
    snapshot: &Snapshot,
    (person, developer): (PersonId, AccountId),
) -> Result<usize, Unable> {
    let filter = NoticeFilter {
        after: notice_reader(at, person).await?.read_to,
        ..NoticeFilter::default()
    };
    let page = own_notices(at, snapshot, developer, (filter, MOST_UNREAD)).await?;
    Ok(page.notices.len())
}

/// What somebody has read, and of what they want no mail.
///
/// # Errors
/// When the store fails.
pub async fn notice_reader(at: &Authority, person: PersonId) -> Result<NoticeReader, Unable> {
    let known = at.store.notice_reader(person).await?;
    Ok(known.unwrap_or_else(|| NoticeReader {
        person,
        read_to: NoticePlace::default(),
        no_mail: words(&unmailed(None)),
    }))
}

fn words(kinds: &[NoticeKind]) -> String {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    words.join(" ")
}

/// Marks all up to a place as read; what was read stays read.
///
/// # Errors
/// When the store fails.
pub async fn read_notices(
    at: &Authority,
    person: PersonId,
    to: NoticePlace,
) -> Result<NoticeReader, Unable> {
    let mut reader = notice_reader(at, person).await?;
    reader.read_to = reader.read_to.max(to);
    at.store.put_notice_reader(&reader).await?;
    Ok(reader)
}

/// Keeps the kinds that somebody wants mails of.
///
/// # Errors
/// When the store fails.
pub async fn choose_mails(
    at: &Authority,
    person: PersonId,
    wanted: &[NoticeKind],
) -> Result<NoticeReader, Unable> {
    let all = NoticeKind::ALL.into_iter();
    let unwanted: Vec<NoticeKind> = all
        .filter(|kind| kind.is_mailed() && !wanted.contains(kind))
        .collect();
    let mut reader = notice_reader(at, person).await?;
    reader.no_mail = words(&unwanted);
    let (actor, detail) = (person.to_string(), json!({ "what": "notice mails" }));
    let thing = (PERSON_KIND, &*actor);
    let changes = WriteSet {
        events: vec![at.event(&actor, EventAction::Updated, thing, &detail)?],
        at: at.clock.now(),
        ..WriteSet::default()
    };
    // The event stands in the log before the choice counts.
    match at.offer(changes).await? {
        Offered::In(_) => at.store.put_notice_reader(&reader).await?,
        Offered::Again => return Err(Unable::Crowded),
    }
    Ok(reader)
}
