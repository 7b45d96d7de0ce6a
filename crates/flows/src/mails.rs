//! Mails: written with the change that causes them, sealed; sent by a job, and deleted then.

use std::sync::Arc;

use accounts::persons::Duties;
use async_trait::async_trait;
use passkeys::{NoParty, Party};
use primitives::{MailId, PageSize, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{EventAction, Mail, NewEvent, TryRate};

use crate::{Authority, Unable};

/// The word for mails in the event log.
pub const MAIL_KIND: &str = "mail";

/// A mail that is being sent is not another's for so long: longer than any sending takes.
const TAKEN_SECONDS: i64 = 120;
/// The first wait after a try that failed; each more doubles it.
const FIRST_WAIT_SECONDS: i64 = 15;
/// The longest wait between two tries.
const LONGEST_WAIT_SECONDS: i64 = 1_800;
/// The longest word on what went wrong, in characters.
const LONGEST_PROBLEM: usize = 200;

/// Mails that somebody may have sent to one address: three, then one each ten minutes.
const TO_ONE: TryRate = TryRate {
    at_once: 3,
    every_micros: 600_000_000,
};
const HOUR_MICROS: i64 = 3_600_000_000;
/// Mails that strangers may have sent to anybody: sixty, then one every two seconds.
const TO_ALL: TryRate = TryRate {
    at_once: 60,
    every_micros: 2_000_000,
};

/// A mail, as it is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letter {
    /// The address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text; may hold a one-time link.
    pub text: String,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Letter(…)")
    }
}

/// Where links of mails lead, and who they are from.
#[derive(Clone, Debug)]
pub struct Origins {
    /// What the installation is called.
    pub name: String,
    /// Scheme and authority of the site.
    pub site: String,
    /// Scheme and authority of the console.
    pub console: String,
}

impl Origins {
    /// Where somebody sets a password by a link.
    #[must_use]
    pub fn password_page(&self, duties: &Duties) -> String {
        if duties.developer.is_some() {
            format!("{}/password", self.site)
        } else {
            format!("{}/console/password", self.console)
        }
    }

    /// For whom somebody's passkeys are made: where they sign in.
    ///
    /// # Errors
    /// When there can be none there.
    pub fn party(&self, duties: &Duties) -> Result<Party, NoParty> {
        if duties.developer.is_some() {
            self.party_of_site()
        } else {
            self.party_of_console()
        }
    }

    /// For whom passkeys are made on the console.
    ///
    /// # Errors
    /// When there can be none there.
    pub fn party_of_console(&self) -> Result<Party, NoParty> {
        Party::at(&self.console, &self.name)
    }

    /// For whom passkeys are made on the site.
    ///
    /// # Errors
    /// When there can be none there.
    pub fn party_of_site(&self) -> Result<Party, NoParty> {
        Party::at(&self.site, &self.name)
    }
}

/// Why a mail is not out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// It may be tried again.
    Later(String),
    /// It never will be: the address does not take it.
    Never(String),
}

/// What brings mails out.
#[async_trait]
pub trait Post: Send + Sync {
    /// Hands a mail over, the same under the same id, within a time of its own. What it says never names the address.
    async fn send(&self, id: MailId, letter: &Letter) -> Result<(), NotSent>;
}

/// A mail that waits, and what it says if it can be read.
#[derive(Debug)]
pub struct Waiting {
    /// As it is kept.
    pub mail: Mail,
    /// What it says.
    pub letter: Option<Letter>,
}

/// A mail to be kept with a write set, and its event. Without a letter nothing will be sent, and
/// it is there so that nobody can tell from how long it took (S-73).
pub(crate) fn written(
    at: &Authority,
    (letter, what): (Option<&Letter>, &str),
    lives_seconds: i64,
) -> Result<(Mail, NewEvent), Unable> {
    let id = MailId::new(&*at.clock, &*at.entropy)?;
    let now = at.clock.now();
    let broken = || Unable::Unreadable(id.to_string());
    let text = serde_json::to_string(&letter).map_err(|_| broken())?;
    let text = Secret::new(text);
    let sealed = at.sealer.seal(&id.to_string(), &text, &*at.entropy);
    let mail = Mail {
        id,
        sealed: sealed.map_err(|_| broken())?,
        created_at: now,
        next_at: now,
        expires_at: letter.map_or(now, |_| now.plus_seconds(lives_seconds)),
        tries: 0,
        problem: String::new(),
    };
    let thing = (MAIL_KIND, &*id.to_string());
    let event = at.event(
        "site",
        EventAction::Created,
        thing,
        &json!({ "what": what }),
    )?;
    Ok((mail, event))
}

fn opened(at: &Authority, mail: &Mail) -> Option<Letter> {
    let text = at.sealer.open(&mail.id.to_string(), &mail.sealed).ok()?;
    serde_json::from_str::<Option<Letter>>(text.expose()).ok()?
}

/// What came of asking for a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// There is room for it.
    Free,
    /// This address has had enough for now; whoever asks is not told.
    Enough,
    /// Too many are asked for by everybody.
    Full,
}

/// Too many registrations and mails were asked for from one network address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many are asked for from this network address; try again in some minutes")]
pub struct TooManyFromNetwork;

/// Counts what a stranger asks for by where they ask from. Counted in the store, where it is one
/// count for all processes and is there after a restart, and where a row goes when it is spent.
pub(crate) async fn take_network_room(
    at: &Authority,
    per_hour: u32,
    network: Option<&str>,
) -> Result<Result<(), TooManyFromNetwork>, Unable> {
    let Some(network) = network.filter(|_| per_hour > 0) else {
        return Ok(Ok(()));
    };
    let rate = TryRate {
        at_once: per_hour,
        every_micros: HOUR_MICROS
            .checked_div(i64::from(per_hour))
            .unwrap_or(HOUR_MICROS),
    };
    let principal = at
        .hashing
        .fingerprint(&[b"asked for from", network.as_bytes()]);
    let free = at.store.take_try(&principal, rate, at.clock.now()).await?;
    Ok(if free {
        Ok(())
    } else {
        Err(TooManyFromNetwork)
    })
}

/// Counts a mail that a stranger has sent to this address.
pub(crate) async fn take_room(at: &Authority, email: &str) -> Result<Room, Unable> {
    let now = at.clock.now();
    let one = at.hashing.fingerprint(&[b"mails to", email.as_bytes()]);
    let all = at.hashing.fingerprint(&[b"mails"]);
    if !at.store.take_try(&all, TO_ALL, now).await? {
        return Ok(Room::Full);
    }
    let free = at.store.take_try(&one, TO_ONE, now).await?;
    Ok(if free { Room::Free } else { Room::Enough })
}

/// Sends what is due, one after the other; tells how many are out. What cannot be sent now is
/// tried again, later each time, until it is of no use.
///
/// # Errors
/// When the store fails.
pub async fn send_mails(at: &Authority, post: &Arc<dyn Post>) -> Result<usize, Unable> {
    let mut sent = 0_usize;
    loop {
        let now = at.clock.now();
        let next = now.plus_seconds(TAKEN_SECONDS);
        let Some(mail) = at.store.take_mail(now, next).await? else {
            return Ok(sent);
        };
        let Some(letter) = opened(at, &mail) else {
            tracing::error!(mail = %mail.id, "a mail cannot be read: its key is not this installation's");
            let why = "it cannot be read: its key is not this installation's";
            put_off(at, &mail, why).await?;
            continue;
        };
        match post.send(mail.id, &letter).await {
            Ok(()) => {
                at.store.delete_mail(mail.id).await?;
                sent = sent.saturating_add(1);
            }
            Err(NotSent::Never(problem)) => {
                tracing::warn!(mail = %mail.id, %problem, "a mail is not taken; it is given up");
                at.store.delete_mail(mail.id).await?;
            }
            Err(NotSent::Later(problem)) => {
                tracing::warn!(mail = %mail.id, tries = mail.tries, %problem, "a mail is not out yet");
                put_off(at, &mail, &problem).await?;
            }
        }
    }
}

/// When a mail is tried again that was tried so often.
fn wait_seconds(tries: u32) -> i64 {
    let doubled = 1_i64.checked_shl(tries.saturating_sub(1).min(32));
    let wait = doubled
        .unwrap_or(i64::MAX)
        .saturating_mul(FIRST_WAIT_SECONDS);
    wait.min(LONGEST_WAIT_SECONDS)
}

async fn put_off(at: &Authority, mail: &Mail, problem: &str) -> Result<(), Unable> {
    let next = at.clock.now().plus_seconds(wait_seconds(mail.tries));
    if next >= mail.expires_at {
        tracing::warn!(mail = %mail.id, %problem, "a mail ran out before it was taken");
        return Ok(at.store.delete_mail(mail.id).await?);
    }
    let shown = problem.chars().filter(|c| !c.is_control());
    let shown: String = shown.take(LONGEST_PROBLEM).collect();
    Ok(at.store.put_mail_off(mail.id, next, &shown).await?)
}

/// Mails that wait, the newest first, before `before`.
///
/// # Errors
/// When the store fails.
pub async fn waiting_mails(
    at: &Authority,
    before: Option<MailId>,
    size: PageSize,
) -> Result<Vec<Waiting>, Unable> {
    let now: Timestamp = at.clock.now();
    let mails = at.store.mails(before, now, size).await?.into_iter();
    Ok(mails
        .map(|mail| Waiting {
            letter: opened(at, &mail),
            mail,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_half_an_hour() {
        let waits: Vec<i64> = (0..9).map(wait_seconds).collect();
        assert_eq!(waits, [15, 15, 30, 60, 120, 240, 480, 960, 1_800]);
        assert_eq!(wait_seconds(u32::MAX), 1_800);
    }
}
