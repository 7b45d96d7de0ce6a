use accounts::persons::{Email, Standing};
use serde_json::json;
use store::{EventAction, LinkPurpose, WriteSet};

use crate::{
    Authority, Letter, Origins, Person, Rules, Unable,
    authority::Offered,
    mails::{Room, take_network_room, take_room, written},
    persons::PERSON_KIND,
    sign_in::{INVITATION_SECONDS, RESET_SECONDS, make_link, make_link_of_nobody},
};

/// What came of asking for a password link by mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// If somebody has the address, a mail is on its way.
    Done,
    /// Too many are asked for by everybody; nothing was done.
    TooMany,
    /// Too many are asked for from this network address; nothing was done.
    TooManyFromNetwork,
}

/// Mails a link that sets a password anew, if somebody has the address. What is answered and
/// done is the same if nobody has (S-73); a second factor is asked for as ever (S-72).
///
/// # Errors
/// When there is no randomness or the store fails.
pub async fn mail_password_link(
    at: &Authority,
    rules: &Rules,
    (email, network): (&Email, Option<&str>),
) -> Result<Asked, Unable> {
    let origins = &rules.origins;
    let free = take_network_room(at, rules.per_network_hour, network).await?;
    if free.is_err() {
        return Ok(Asked::TooManyFromNetwork);
    }
    match take_room(at, email.as_str()).await? {
        Room::Free => {}
        Room::Enough => return Ok(Asked::Done),
        Room::Full => return Ok(Asked::TooMany),
    }
    let found = at.store.person_by_email(email.as_str()).await?;
    let person = found.map(Person::read).transpose()?;
    let person = person.filter(|person| person.standing != Standing::Disabled);
    let purpose = match &person {
        Some(person) if person.standing == Standing::Invited => LinkPurpose::Invitation,
        _ => LinkPurpose::Password,
    };
    let link = match &person {
        Some(person) => make_link(at, purpose, Some(person)).await?,
        None => make_link_of_nobody(at, purpose).await?,
    };
    let letter = person
        .as_ref()
        .map(|person| letter(origins, person, link.code.expose()));
    let seconds = match purpose {
        LinkPurpose::Invitation => INVITATION_SECONDS,
        _ => RESET_SECONDS,
    };
    let (mail, event) = written(at, (letter.as_ref(), "password link"), seconds)?;
    let mut events = vec![event];
    if let Some(person) = &person {
        // Whoever reads the mail can become them: the log tells that a link was made.
        let id = person.kept.id.to_string();
        let detail = json!({ "what": "password link by mail" });
        let thing = (PERSON_KIND, id.as_str());
        events.push(at.event("site", EventAction::Updated, thing, &detail)?);
    }
    let changes = WriteSet {
        mails: vec![mail],
        events,
        at: at.clock.now(),
        ..WriteSet::default()
    };
    match at.offer(changes).await? {
        Offered::In(_) => Ok(Asked::Done),
        Offered::Again => Err(Unable::Crowded),
    }
}

fn letter(origins: &Origins, person: &Person, code: &str) -> Letter {
    let name = &origins.name;
    let page = origins.password_page(&person.duties);
    Letter {
        to: person.kept.email.clone(),
        subject: format!("{name}: choose a new password"),
        text: format!(
            "Somebody asked for a new password for your account with {name}.\n\n\
             If it was you, choose one here within the hour:\n\n{page}?code={code}\n\n\
             If it was not you, do nothing: your password stays as it is.\n"
        ),
    }
}
