use std::collections::BTreeSet;

use accounts::persons::{Action, Duties, Email, Reach, Role, Standing, check_password};
use primitives::{AccountId, Name, PasskeyId, PersonId, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{EventAction, LinkPurpose, SignIn, WriteSet};

use crate::{
    Authority, Keep, KeptAnswer, Letter, Origins, Unable,
    authority::Offered,
    mails::written,
    sign_in::{INVITATION_SECONDS, NewLink, SKEW_SECONDS, make_link},
};

mod codes;
mod passkeys;
mod recovery_codes;
mod refused;

pub(crate) use codes::step_of_code;
pub use codes::{CodesSetUp, NewCodes, begin_codes, confirm_codes, end_codes};
pub use passkeys::{
    MOST_PASSKEYS, RefusedPasskeys, add_passkey, begin_passkey, passkeys_of, remove_passkey,
};
pub(crate) use passkeys::{Shower, tell_refused};
pub(crate) use recovery_codes::take_recovery_code;
pub use recovery_codes::{recovery_codes_left, renew_recovery_codes};
pub use refused::PersonRefused;

/// The word for persons in the event log.
pub const PERSON_KIND: &str = "person";

/// The longest name, in characters.
const LONGEST_NAME: usize = 100;

/// Somebody who signs in, as the rules see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// As it is kept.
    pub kept: store::Person,
    /// Whether they may sign in.
    pub standing: Standing,
    /// What they may do then.
    pub duties: Duties,
    /// What they agreed to when they registered.
    pub agreed: Option<Agreed>,
}

/// What is kept of standing and duties, as JSON. What a later version wrote is not guessed at.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    standing: String,
    roles: BTreeSet<String>,
    units: BTreeSet<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    developer: Option<AccountId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agreed: Option<Agreed>,
}

/// What somebody agreed to when they registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreed {
    /// The version of the terms.
    pub version: String,
    /// SHA-256 of their text, in hex.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

impl Person {
    /// A person from what is kept.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(kept: store::Person) -> Result<Self, Unable> {
        let unreadable = || Unable::Unreadable(kept.id.to_string());
        let body: Body = serde_json::from_str(&kept.body).map_err(|_| unreadable())?;
        let standing = Standing::ALL
            .into_iter()
            .find(|standing| standing.as_str() == body.standing);
        let roles: Result<BTreeSet<Role>, _> = body.roles.iter().map(|role| role.parse()).collect();
        Ok(Self {
            standing: standing.ok_or_else(unreadable)?,
            duties: Duties {
                roles: roles.map_err(|_| unreadable())?,
                units: body.units,
                developer: body.developer,
            },
            agreed: body.agreed,
            kept,
        })
    }

    /// Ends every sign-in that has begun, up to this very moment.
    fn end_sign_ins(&mut self, now: Timestamp) {
        // What a clock set in the future that was wrong would keep everybody out until then.
        let before = self.kept.sign_ins_from;
        let wrong = before > now.plus_seconds(SKEW_SECONDS);
        let last = if wrong { now } else { before.max(now) };
        self.kept.sign_ins_from = last.plus_micros(1);
    }

    /// As it is to be kept.
    pub(crate) fn row(&self) -> Result<store::Person, Unable> {
        let roles = self.duties.roles.iter().map(ToString::to_string).collect();
        let body = Body {
            standing: self.standing.as_str().to_owned(),
            roles,
            units: self.duties.units.clone(),
            developer: self.duties.developer,
            agreed: self.agreed.clone(),
        };
        let body = serde_json::to_string(&body);
        Ok(store::Person {
            body: body.map_err(|_| Unable::Unreadable(self.kept.id.to_string()))?,
            ..self.kept.clone()
        })
    }
}

/// Whoever does something here: an operator who signed in, a program of theirs, or whoever holds
/// the operator token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who; `None` for whoever holds the operator token.
    pub person: Option<Person>,
    /// By which sign-in; `None` with the operator token itself.
    pub sign_in: Option<SignIn>,
    duties: Duties,
}

impl Caller {
    /// Whoever holds the operator token, by a sign-in or with the token itself.
    #[must_use]
    pub fn owner(sign_in: Option<SignIn>) -> Self {
        Self {
            person: None,
            sign_in,
            duties: Duties::all(),
        }
    }

    /// Somebody who may nothing.
    #[must_use]
    pub const fn nobody() -> Self {
        Self {
            person: None,
            sign_in: None,
            duties: Duties {
                roles: BTreeSet::new(),
                units: BTreeSet::new(),
                developer: None,
            },
        }
    }

    pub(crate) fn of(person: Person, sign_in: SignIn) -> Self {
        Self {
            duties: person.duties.clone(),
            person: Some(person),
            sign_in: Some(sign_in),
        }
    }

    /// Who, as the event log says it: an id, which is no personal data.
    #[must_use]
    pub fn actor(&self) -> String {
        match &self.person {
            None => "operator".to_owned(),
            Some(person) => person.kept.id.to_string(),
        }
    }

    /// What they are called.
    #[must_use]
    pub fn name(&self) -> &str {
        self.person
            .as_ref()
            .map_or("operator", |person| &person.kept.name)
    }

    /// What they may do.
    #[must_use]
    pub const fn duties(&self) -> &Duties {
        &self.duties
    }

    /// How far they may do something; `None` when they may not.
    #[must_use]
    pub fn may(&self, action: Action) -> Option<Reach<'_>> {
        self.duties.may(action)
    }
}

/// Who is to be invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The address.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// What they are to be allowed.
    pub duties: Duties,
}

/// Somebody who was invited, and the link that takes the invitation.
#[derive(Debug)]
pub struct Invited {
    /// Who.
    pub person: Person,
    /// To be handed to them; works once.
    pub link: NewLink,
    /// Whether it is on its way to them by mail, and nobody else is to see it.
    pub mailed: bool,
}

/// What is to become of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonChange {
    /// Other duties.
    Duties(Duties),
    /// Shuts them out: every sign-in and token ends with it.
    Disable,
    /// Lets them in again.
    Enable,
    /// Takes their one-time codes off, because the device is lost.
    RemoveCodes,
    /// Takes all of their passkeys off, because a device is lost.
    RemovePasskeys,
    /// Ends every sign-in and token.
    SignOutEverywhere,
}

/// Finds a person.
///
/// # Errors
/// When there is none, or it could not be done.
pub async fn find_person(at: &Authority, id: PersonId) -> Result<Person, PersonRefused> {
    let found = at.store.person(id).await?;
    Ok(Person::read(found.ok_or(PersonRefused::Unknown)?)?)
}

/// Invites somebody: they are there, and may sign in once they have taken the link. With `post`,
/// where links lead, it is mailed to them in the same commit.
///
/// # Errors
/// When the address is taken or anything said of them cannot be, or it could not be done.
pub async fn invite_person(
    at: &Authority,
    (actor, post): (&str, Option<&Origins>),
    invitation: &Invitation,
    keep: Keep<'_, Invited>,
) -> Result<Invited, PersonRefused> {
    let email: Email = invitation.email.parse()?;
    let name = checked_name(&invitation.name)?;
    checked_units(&invitation.duties)?;
    let now = at.clock.now();
    let id = PersonId::new(&*at.clock, &*at.entropy)?;
    for _ in Authority::tries() {
        let base = at.store.revision().await?;
        if at.store.person_by_email(email.as_str()).await?.is_some() {
            return Err(PersonRefused::EmailTaken);
        }
        let person = Person {
            kept: store::Person {
                id,
                email: email.to_string(),
                name: name.clone(),
                body: String::new(),
                password: None,
                code_seed: None,
                sign_ins_from: now,
                created_at: now,
                version: base,
            },
            standing: Standing::Invited,
            duties: invitation.duties.clone(),
            agreed: None,
        };
        // Before the commit that keeps the answer: without its person a link does nothing.
        let link = make_link(at, LinkPurpose::Invitation, Some(&person)).await?;
        let mailed = post.is_some();
        let invited = Invited {
            person,
            link,
            mailed,
        };
        let answer = keep(&invited)?;
        let event = (EventAction::Created, What::of("invited"));
        let mut changes = write_set(at, (actor, &invited.person), event, (base, answer))?;
        if let Some(origins) = post {
            let letter = letter(origins, &invited);
            let (mail, mut event) = written(at, (Some(&letter), "invitation"), INVITATION_SECONDS)?;
            actor.clone_into(&mut event.actor);
            changes.mails.push(mail);
            changes.events.push(event);
        }
        if let Offered::In(_) = at.offer(changes).await? {
            return Ok(invited);
        }
    }
    Err(Unable::Crowded.into())
}

/// Nothing that the inviter wrote is in it: the address has not been confirmed.
fn letter(origins: &Origins, invited: &Invited) -> Letter {
    let name = &origins.name;
    let page = origins.password_page(&invited.person.duties);
    let code = invited.link.code.expose();
    Letter {
        to: invited.person.kept.email.clone(),
        subject: format!("{name}: an invitation"),
        text: format!(
            "You are invited to sign in to the console of {name}.\n\n\
             Choose a password here; this link works once, for three days:\n\n{page}?code={code}\n\n\
             If you do not expect this, do nothing.\n"
        ),
    }
}

/// Changes a person, in force at once: with the next request they make.
///
/// # Errors
/// When there is none, it may not be so, or it could not be done.
pub async fn change_person(
    at: &Authority,
    (caller, id): (&Caller, PersonId),
    change: &PersonChange,
    keep: Keep<'_, Person>,
) -> Result<Person, PersonRefused> {
    let oneself = caller.person.as_ref().is_some_and(|own| own.kept.id == id);
    if oneself && !matches!(change, PersonChange::SignOutEverywhere) {
        return Err(PersonRefused::Oneself);
    }
    if let PersonChange::Duties(duties) = change {
        checked_units(duties)?;
    }
    let (actor, word) = (caller.actor(), word_of(change));
    alter(
        at,
        (&actor, id),
        What::of(word),
        &|person| {
            let is_of_developer = person.duties.developer.is_some();
            if is_of_developer && matches!(change, PersonChange::Duties(_)) {
                return Err(PersonRefused::OfDeveloper);
            }
            Ok(carried_out(at.clock.now(), person, change))
        },
        (keep, &|changes| match change {
            PersonChange::RemoveCodes => changes.recovery_codes.push(recovery_codes::none(id)),
            PersonChange::RemovePasskeys => changes.dropped_passkeys_of.push(id),
            _ => {}
        }),
    )
    .await
}

const fn word_of(change: &PersonChange) -> &'static str {
    match change {
        PersonChange::Duties(_) => "duties",
        PersonChange::Disable => "disabled",
        PersonChange::Enable => "enabled",
        PersonChange::RemoveCodes => "codes removed",
        PersonChange::RemovePasskeys => "passkeys removed",
        PersonChange::SignOutEverywhere => "signed out everywhere",
    }
}

fn carried_out(now: Timestamp, mut person: Person, change: &PersonChange) -> Person {
    match change {
        PersonChange::Duties(duties) => person.duties = duties.clone(),
        PersonChange::Disable => {
            person.standing = Standing::Disabled;
            person.end_sign_ins(now);
        }
        PersonChange::Enable => {
            person.standing = match person.kept.password {
                Some(_) => Standing::Active,
                None => Standing::Invited,
            };
            // What was begun while they were being shut out is not let in with them.
            person.end_sign_ins(now);
        }
        PersonChange::RemoveCodes => person.kept.code_seed = None,
        PersonChange::RemovePasskeys => {}
        PersonChange::SignOutEverywhere => person.end_sign_ins(now),
    }
    person
}

/// Deletes a person: who they were is gone, what they did stays in the event log by their id.
///
/// # Errors
/// When there is none, it is oneself, or it could not be done.
pub async fn delete_person(
    at: &Authority,
    caller: &Caller,
    id: PersonId,
) -> Result<(), PersonRefused> {
    if caller.person.as_ref().is_some_and(|own| own.kept.id == id) {
        return Err(PersonRefused::Oneself);
    }
    find_person(at, id).await?;
    let thing = (PERSON_KIND, &*id.to_string());
    let event = at.event(&caller.actor(), EventAction::Deleted, thing, &json!({}))?;
    let changes = WriteSet {
        dropped_persons: vec![id],
        events: vec![event],
        at: at.clock.now(),
        ..WriteSet::default()
    };
    match at.offer(changes).await? {
        Offered::In(_) => Ok(()),
        Offered::Again => Err(Unable::Crowded.into()),
    }
}

/// A link that lets somebody set a password anew. Their second factor stays: it is asked for
/// after the new password as it was after the old one. Whoever has the link can become them, so
/// the log tells who had it made, before there is one.
///
/// # Errors
/// When there is no such person, or it could not be done.
pub async fn make_password_link(
    at: &Authority,
    actor: &str,
    id: PersonId,
) -> Result<NewLink, PersonRefused> {
    let what = What::of("password link");
    let person = alter(at, (actor, id), what, &Ok, ALONE).await?;
    let purpose = match person.standing {
        Standing::Invited => LinkPurpose::Invitation,
        Standing::Active | Standing::Disabled => LinkPurpose::Password,
    };
    Ok(make_link(at, purpose, Some(&person)).await?)
}

/// Sets one's own password, which ends every other sign-in. The caller begins a new one.
///
/// # Errors
/// When the present one is wrong, the new one cannot be one, or it could not be done.
pub async fn change_password(
    at: &Authority,
    person: &Person,
    (present, wanted): (Secret, Secret),
) -> Result<Person, PersonRefused> {
    crate::sign_in::show_password(at, person, present).await?;
    set_password(at, person, wanted).await
}

/// Sets a password of somebody who has shown that they may.
pub(crate) async fn set_password(
    at: &Authority,
    person: &Person,
    wanted: Secret,
) -> Result<Person, PersonRefused> {
    check_password(wanted.expose(), &person.kept.email.parse()?)?;
    let hash = at.passwords.hash(wanted).await?;
    let id = person.kept.id;
    let change = |mut person: Person| {
        if person.standing == Standing::Disabled {
            return Err(PersonRefused::NotShown);
        }
        person.standing = Standing::Active;
        person.kept.password = Some(hash.clone());
        person.end_sign_ins(at.clock.now());
        Ok(person)
    };
    let what = What::of("password");
    alter(at, (&id.to_string(), id), what, &change, ALONE).await
}

type Alter<'a> = &'a (dyn Fn(Person) -> Result<Person, PersonRefused> + Send + Sync);

/// The answer that is kept with a change of a person, and what else is in the same commit.
type Beside<'a> = (Keep<'a, Person>, &'a (dyn Fn(&mut WriteSet) + Send + Sync));

/// No answer, and nothing else.
const ALONE: Beside<'static> = (&|_| Ok(None), &|_| {});

/// What was done, as the event log says it, and to which passkey if to one.
#[derive(Clone, Copy)]
struct What<'a> {
    word: &'a str,
    passkey: Option<PasskeyId>,
}

impl<'a> What<'a> {
    const fn of(word: &'a str) -> Self {
        Self {
            word,
            passkey: None,
        }
    }
}

/// Alters a person as they are now, with an event that says what, and not to what.
async fn alter(
    at: &Authority,
    (actor, id): (&str, PersonId),
    what: What<'_>,
    change: Alter<'_>,
    (keep, beside): Beside<'_>,
) -> Result<Person, PersonRefused> {
    for _ in Authority::tries() {
        let base = at.store.revision().await?;
        let person = change(find_person(at, id).await?)?;
        let answer = keep(&person)?;
        let event = (EventAction::Updated, what);
        let mut changes = write_set(at, (actor, &person), event, (base, answer))?;
        beside(&mut changes);
        if let Offered::In(_) = at.offer(changes).await? {
            return Ok(person);
        }
    }
    Err(Unable::Crowded.into())
}

fn write_set(
    at: &Authority,
    (actor, person): (&str, &Person),
    (action, what): (EventAction, What<'_>),
    (base, answer): (primitives::Revision, Option<KeptAnswer>),
) -> Result<WriteSet, Unable> {
    let roles: Vec<&str> = person
        .duties
        .roles
        .iter()
        .map(|role| role.as_str())
        .collect();
    let mut detail = json!({
        "what": what.word,
        "standing": person.standing.as_str(),
        "roles": roles,
        "units": person.duties.units,
        "developer": person.duties.developer,
    });
    if let (Some(passkey), Some(detail)) = (what.passkey, detail.as_object_mut()) {
        detail.insert("passkey".to_owned(), passkey.to_string().into());
    }
    let thing = (PERSON_KIND, &*person.kept.id.to_string());
    Ok(WriteSet {
        base: Some(base),
        persons: vec![person.row()?],
        events: vec![at.event(actor, action, thing, &detail)?],
        at: at.clock.now(),
        answers: Vec::from_iter(answer),
        ..WriteSet::default()
    })
}

/// Whether a sign has what stands beside it read the other way round, past the end of the name.
const fn turns_text_round(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

pub(crate) fn checked_name(name: &str) -> Result<String, PersonRefused> {
    let name = name.trim();
    let fits = (1..=LONGEST_NAME).contains(&name.chars().count());
    if !fits || name.chars().any(|c| c.is_control() || turns_text_round(c)) {
        return Err(PersonRefused::Name);
    }
    Ok(name.to_owned())
}

fn checked_units(duties: &Duties) -> Result<(), PersonRefused> {
    if duties.roles.contains(&Role::BusinessUnit) == duties.units.is_empty() {
        return Err(PersonRefused::Units);
    }
    Ok(())
}
