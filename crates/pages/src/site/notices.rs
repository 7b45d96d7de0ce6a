use accounts::notices::NoticeKind;
use axum::{
    Form,
    body::Bytes,
    extract::Query,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use flows::{choose_mails, notice_reader, own_apps, own_notices, read_notices, unread_notices};
use primitives::{AccountId, PersonId};
use serde::{Deserialize, Serialize};
use snapshot::Snapshot;
use store::{NoticeFilter, NoticePlace};

use crate::{
    console::{Console, PageProblem, form::Fields},
    views::{Empty, NoticeRow, Tab, link, notice_word},
};

const LIST: &str = "/notices";
/// How many a page shows.
const ROWS: usize = 30;

/// Which notices are asked for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    /// `unread`, or all.
    show: String,
    kind: String,
    app: String,
    /// Where the page before ended.
    before: String,
}

#[derive(Serialize)]
struct View {
    section: &'static str,
    tabs: Vec<Tab>,
    show: String,
    kinds: Vec<Choice>,
    apps: Vec<Choice>,
    rows: Vec<NoticeRow>,
    empty: Empty,
    /// What is read when all of it is.
    read_to: Option<i64>,
    newest: Option<String>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    title: String,
    chosen: bool,
}

/// How far somebody has read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Read {
    to: i64,
}

impl Console {
    /// Who is signed in, and their developer account.
    fn reader(&self) -> Option<(PersonId, AccountId)> {
        let person = self.caller().person.as_ref()?.kept.id;
        Some((person, self.developer()?))
    }
}

/// `GET /notices`: what the developer is told, the newest first.
pub(super) async fn list(
    site: Console,
    Query(shown): Query<Shown>,
) -> Result<Response, PageProblem> {
    let Some((person, developer)) = site.reader() else {
        return Ok(site.no_developer());
    };
    let snapshot = site.snapshots.load_full();
    let read_to = notice_reader(&site.authority, person).await?.read_to;
    let is_unread = shown.show == "unread";
    let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let before = shown.before.parse().ok().map(NoticePlace::from_number);
    let filter = NoticeFilter {
        after: if is_unread {
            read_to
        } else {
            NoticePlace::default()
        },
        before,
        kind: said(&shown.kind),
        app: said(&shown.app),
    };
    let page = own_notices(&site.authority, &snapshot, developer, (filter, ROWS)).await?;
    let unread = unread_notices(&site.authority, &snapshot, (person, developer)).await?;
    let now = site.now();
    let parts = [
        ("show", &*shown.show),
        ("kind", &shown.kind),
        ("app", &shown.app),
    ];
    let next = page.next.map(|place| {
        let before = place.number().to_string();
        link(LIST, &[parts[0], parts[1], parts[2], ("before", &before)])
    });
    let newest_shown = page.notices.first().map(|one| one.place.number());
    let view = View {
        section: "notices",
        tabs: tabs(&shown, unread),
        kinds: kinds(&shown.kind),
        apps: apps(&snapshot, developer, &shown.app),
        rows: page
            .notices
            .iter()
            .map(|one| NoticeRow::of(one, read_to, now))
            .collect(),
        empty: nothing(&shown),
        read_to: newest_shown.filter(|_| unread > 0 && before.is_none()),
        newest: before.map(|_| link(LIST, &parts)),
        next,
        show: shown.show,
    };
    Ok(site.page("own_notices.html", &view))
}

fn tabs(shown: &Shown, unread: usize) -> Vec<Tab> {
    let tab = |title, word: &str, count| Tab {
        title,
        count,
        href: link(
            LIST,
            &[("show", word), ("kind", &shown.kind), ("app", &shown.app)],
        ),
        current: shown.show == word,
    };
    vec![tab("Unread", "unread", unread)]
        .into_iter()
        .chain([Tab {
            current: shown.show != "unread",
            href: link(LIST, &[("kind", &shown.kind), ("app", &shown.app)]),
            ..tab("All", "", unread)
        }])
        .collect()
}

fn kinds(chosen: &str) -> Vec<Choice> {
    let all = NoticeKind::ALL.into_iter();
    all.map(|kind| Choice {
        value: kind.as_str().to_owned(),
        title: notice_word(kind).to_owned(),
        chosen: kind.as_str() == chosen,
    })
    .collect()
}

fn apps(snapshot: &Snapshot, developer: AccountId, chosen: &str) -> Vec<Choice> {
    let all = own_apps(snapshot, developer).into_iter();
    all.map(|app| Choice {
        value: app.name.to_string(),
        title: app.name.to_string(),
        chosen: app.name.as_str() == chosen,
    })
    .collect()
}

fn nothing(shown: &Shown) -> Empty {
    let is_filtered = !(shown.kind.is_empty() && shown.app.is_empty() && shown.show.is_empty());
    Empty {
        title: if is_filtered {
            "Nothing of that kind"
        } else {
            "Nothing to tell yet"
        }
        .to_owned(),
        says: "Here stands what you should know: limits that are used up, keys that end, your level, and what changed for your apps.".to_owned(),
        command: None,
        action: is_filtered.then(|| (LIST.to_owned(), "Show all")),
    }
}

/// `POST /notices/read`: marks what was shown as read.
pub(super) async fn read(site: Console, Form(read): Form<Read>) -> Result<Response, PageProblem> {
    let Some((person, _)) = site.reader() else {
        return Ok(site.no_developer());
    };
    read_notices(&site.authority, person, NoticePlace::from_number(read.to)).await?;
    Ok(Redirect::to(LIST).into_response())
}

/// `POST /you/mails`: chooses what is mailed. Fields that are not of the form are refused (S-76).
pub(super) async fn mails(site: Console, body: Bytes) -> Result<Response, PageProblem> {
    let Some((person, _)) = site.reader() else {
        return Ok(site.no_developer());
    };
    let fields = Fields::read(&body);
    let wanted: Option<Vec<NoticeKind>> = fields.all("kind").map(NoticeKind::of).collect();
    let Some(wanted) = wanted.filter(|_| fields.all_known(|name| name == "kind")) else {
        return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response());
    };
    choose_mails(&site.authority, person, &wanted).await?;
    Ok(Redirect::to("/you#mails").into_response())
}
