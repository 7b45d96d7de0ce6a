use axum::{extract::Query, response::Response};
use flows::{Waiting, waiting_mails};
use primitives::{MailId, PageSize, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Console, PageProblem};
use crate::{
    Mails,
    views::{Empty, link},
    when::When,
};

const LIST: &str = "/console/mail";

/// Where the page before ended.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct From {
    before: String,
}

#[derive(Serialize)]
struct View {
    section: &'static str,
    /// Whether what a mail says is shown, because none goes out.
    shown: bool,
    off: bool,
    rows: Vec<Row>,
    empty: Empty,
    newest: Option<String>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Row {
    id: String,
    written: When,
    tries: u32,
    problem: String,
    due: When,
    subject: String,
    to: String,
    /// Text and links, in turn.
    parts: Vec<Part>,
}

/// A part of a mail's text.
#[derive(Serialize)]
struct Part {
    text: String,
    is_link: bool,
}

impl Row {
    fn of(waiting: Waiting, shown: bool, now: Timestamp) -> Self {
        let mail = waiting.mail;
        let letter = waiting.letter.filter(|_| shown);
        let (subject, to, text) = letter.map_or_else(
            || (String::new(), String::new(), String::new()),
            |letter| (letter.subject, letter.to, letter.text),
        );
        Self {
            id: mail.id.to_string(),
            written: When::of(mail.created_at, now),
            tries: mail.tries,
            problem: mail.problem,
            due: When::of(mail.next_at, now),
            subject,
            to,
            parts: parts(&text),
        }
    }
}

/// Our links stand alone on their lines, or at the end of one.
fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for line in text.split_inclusive('\n') {
        for word in line.split_inclusive(' ') {
            let bare = word.trim_end();
            if bare.starts_with("http://") || bare.starts_with("https://") {
                let (text, is_link) = (bare.to_owned(), true);
                parts.push(Part { text, is_link });
                let text = word.chars().skip(bare.chars().count()).collect();
                parts.push(Part {
                    text,
                    is_link: false,
                });
            } else {
                let text = word.to_owned();
                parts.push(Part {
                    text,
                    is_link: false,
                });
            }
        }
    }
    parts
}

/// `GET /console/mail`: what waits to be sent; with `--dev` and no mail server, what it says.
pub(super) async fn list(
    console: Console,
    Query(from): Query<From>,
) -> Result<Response, PageProblem> {
    let before: Option<MailId> = from.before.parse().ok();
    let size = PageSize::default();
    let waiting = waiting_mails(&console.authority, before, size).await?;
    let next = waiting
        .last()
        .filter(|_| waiting.len() >= size.get() as usize)
        .map(|last| link(LIST, &[("before", &last.mail.id.to_string())]));
    let (now, mails) = (console.now(), console.place.mails);
    let shown = mails == Mails::Shown;
    let rows = waiting.into_iter().map(|one| Row::of(one, shown, now));
    let view = View {
        section: "mail",
        shown,
        off: mails == Mails::Off,
        rows: rows.collect(),
        empty: Empty {
            title: "No mail waits".to_owned(),
            says: "Mails are written when developers register, when somebody is invited or has forgotten a password, and go once they are sent.".to_owned(),
            command: None,
            action: None,
        },
        newest: before.map(|_| LIST.to_owned()),
        next,
    };
    Ok(console.page("mails.html", &view))
}
