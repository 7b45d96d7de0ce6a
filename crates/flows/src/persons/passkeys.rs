//! Passkeys of persons: added and removed on one's own page, with the password shown once more.
//! Signing in by one is in `sign_in`.

use std::{fmt, sync::Arc};

use passkeys::{Holder, Party, Refusal, RegistrationAnswer};
use primitives::{PasskeyId, PersonId, Secret, sha256};
use serde_json::{Value, json};
use store::{EventAction, LinkPurpose, Passkey, WriteSet};

use super::{
    ALONE, PERSON_KIND, Person, PersonRefused, What, alter, checked_name, find_person, write_set,
};
use crate::{
    Authority, Unable,
    authority::Offered,
    sign_in::{make_link, taken_for},
};

/// How many passkeys a person may have.
pub const MOST_PASSKEYS: usize = 20;

/// What counts passkeys that are refused; by default nothing does.
#[derive(Clone)]
pub struct RefusedPasskeys(Arc<dyn Fn(Refusal) + Send + Sync>);

impl RefusedPasskeys {
    /// Counted so.
    pub fn counted(by: impl Fn(Refusal) + Send + Sync + 'static) -> Self {
        Self(Arc::new(by))
    }

    /// Counts one.
    pub fn count(&self, why: Refusal) {
        (self.0)(why);
    }
}

impl Default for RefusedPasskeys {
    fn default() -> Self {
        Self::counted(|_| {})
    }
}

impl fmt::Debug for RefusedPasskeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefusedPasskeys")
    }
}

/// The passkeys of a person, the oldest first.
///
/// # Errors
/// When the store fails.
pub async fn passkeys_of(at: &Authority, person: &Person) -> Result<Vec<Passkey>, Unable> {
    Ok(at.store.passkeys_of(person.kept.id).await?)
}

/// Begins to add a passkey, when the password is shown once more: what the browser is to be asked,
/// with a challenge that is this person's and works once.
///
/// # Errors
/// When the password is wrong, there are too many, or it could not be done.
pub async fn begin_passkey(
    at: &Authority,
    (person, party): (&Person, &Party),
    password: Secret,
) -> Result<Value, PersonRefused> {
    crate::sign_in::show_password(at, person, password).await?;
    let known = passkeys_of(at, person).await?;
    if known.len() >= MOST_PASSKEYS {
        return Err(PersonRefused::PasskeysFull);
    }
    let challenge = make_link(at, LinkPurpose::PasskeyAdd, Some(person)).await?;
    let holder = Holder {
        id: person.kept.id.as_u128(),
        account: &person.kept.email,
        name: &person.kept.name,
    };
    let known: Vec<Vec<u8>> = known.into_iter().map(|one| one.credential).collect();
    Ok(party.registration(challenge.code.expose(), holder, &known))
}

/// Adds the passkey that a browser has made. Its challenge is used up whatever comes of it.
///
/// # Errors
/// When anything of it is not as it has to be, which the log tells, or it could not be done.
pub async fn add_passkey(
    at: &Authority,
    (person, party): (&Person, &Party),
    (name, answer): (&str, &str),
) -> Result<Passkey, PersonRefused> {
    let name = checked_name(name).map_err(|_| PersonRefused::PasskeyName)?;
    let added = match made(at, (person, party), &name, answer).await? {
        Ok(passkey) => keep(at, passkey).await?,
        Err(why) => Err(why),
    };
    match added {
        Ok(passkey) => Ok(passkey),
        Err(why) => {
            tell_refused(at, Shower::Person(person.kept.id), why).await?;
            Err(why.into())
        }
    }
}

/// What was made, if it is right: for a challenge of this person, which is taken before anything
/// else is believed.
async fn made(
    at: &Authority,
    (person, party): (&Person, &Party),
    name: &str,
    answer: &str,
) -> Result<Result<Passkey, Refusal>, Unable> {
    let answer = match RegistrationAnswer::read(answer) {
        Ok(answer) => answer,
        Err(why) => return Ok(Err(why)),
    };
    let taken = taken_for(at, answer.challenge(), LinkPurpose::PasskeyAdd).await?;
    if taken.is_none_or(|(holder, _)| holder.kept.id != person.kept.id) {
        return Ok(Err(Refusal::Challenge));
    }
    let new = match party.register(&answer) {
        Ok(new) => new,
        Err(why) => return Ok(Err(why)),
    };
    Ok(Ok(Passkey {
        id: PasskeyId::new(&*at.clock, &*at.entropy)?,
        person: person.kept.id,
        hash: sha256(&new.credential),
        credential: new.credential,
        name: name.to_owned(),
        body: new.body,
        counter: new.counter,
        backed_up: new.backed_up,
        created_at: at.clock.now(),
        used_at: None,
    }))
}

/// Keeps it, unless its credential is somebody's already: theirs or another's.
async fn keep(at: &Authority, passkey: Passkey) -> Result<Result<Passkey, Refusal>, PersonRefused> {
    let id = passkey.person;
    let what = What {
        word: "passkey added",
        passkey: Some(passkey.id),
    };
    for _ in Authority::tries() {
        // INVARIANT: what is looked at is looked at after `base`, so nothing comes between.
        let base = at.store.revision().await?;
        if at.store.passkey(&passkey.hash).await?.is_some() {
            return Ok(Err(Refusal::KnownAlready));
        }
        if at.store.passkeys_of(id).await?.len() >= MOST_PASSKEYS {
            return Err(PersonRefused::PasskeysFull);
        }
        let person = find_person(at, id).await?;
        let who = (&*id.to_string(), &person);
        let mut changes = write_set(at, who, (EventAction::Updated, what), (base, None))?;
        changes.passkeys.push(passkey.clone());
        if let Offered::In(_) = at.offer(changes).await? {
            return Ok(Ok(passkey));
        }
    }
    Err(Unable::Crowded.into())
}

/// Removes one of one's own passkeys, when the password is shown once more.
///
/// # Errors
/// When the password is wrong, there is no such passkey, or it could not be done.
pub async fn remove_passkey(
    at: &Authority,
    (person, passkey): (&Person, PasskeyId),
    password: Secret,
) -> Result<(), PersonRefused> {
    crate::sign_in::show_password(at, person, password).await?;
    let own = passkeys_of(at, person).await?;
    if own.iter().all(|one| one.id != passkey) {
        return Err(PersonRefused::PasskeyUnknown);
    }
    let id = person.kept.id;
    let what = What {
        word: "passkey removed",
        passkey: Some(passkey),
    };
    let beside = |changes: &mut WriteSet| changes.dropped_passkeys.push(passkey);
    let who = (&*id.to_string(), id);
    alter(at, who, what, &Ok, (ALONE.0, &beside)).await?;
    Ok(())
}

/// Who showed a passkey that was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shower {
    /// Somebody who is signed in.
    Person(PersonId),
    /// Whoever has a passkey of this person, or its id.
    Holder(PersonId, PasskeyId),
    /// It cannot be said.
    Nobody,
}

/// Tells that a passkey was refused: in the event log when it is somebody's, so that a copy of a
/// passkey does not go unseen, and in the process log always. What anybody can send as often as
/// they like has no place in the event log.
pub(crate) async fn tell_refused(
    at: &Authority,
    shower: Shower,
    why: Refusal,
) -> Result<(), Unable> {
    tracing::warn!(why = why.as_str(), ?shower, "a passkey was refused");
    let (actor, person, passkey) = match shower {
        Shower::Nobody => return Ok(()),
        Shower::Person(person) => (person.to_string(), person, None),
        Shower::Holder(person, passkey) => ("nobody".to_owned(), person, Some(passkey)),
    };
    let detail = json!({
        "what": "passkey refused",
        "why": why.as_str(),
        "passkey": passkey.map(|id| id.to_string()),
    });
    let thing = (PERSON_KIND, &*person.to_string());
    let changes = WriteSet {
        events: vec![at.event(&actor, EventAction::Updated, thing, &detail)?],
        at: at.clock.now(),
        ..WriteSet::default()
    };
    match at.offer(changes).await? {
        Offered::In(_) => Ok(()),
        Offered::Again => Err(Unable::Crowded),
    }
}
