//! What proves who somebody is. A [`Proved`] is made here and nowhere else, and a sign-in of
//! nothing else (S-70).

use accounts::persons::Standing;
use keys::OneTimeCode;
use primitives::Secret;
use store::{LinkPurpose, SignIn, SignInKind};

use super::{LINK_SECONDS, SKEW_SECONDS, counts};
use crate::{Authority, Person, Registered, Unable, persons::step_of_code};

/// Somebody who has proved to be themselves.
pub(super) struct Proved {
    person: Option<Person>,
    means: &'static str,
}

/// What a right password leads to.
pub(super) enum First {
    /// There is no second factor.
    Whole(Box<Proved>),
    /// There is one, and it has not been shown.
    NeedsCode(Box<Person>),
}

impl Proved {
    /// Who; `None` for whoever holds the operator token.
    pub(super) const fn person(&self) -> Option<&Person> {
        self.person.as_ref()
    }

    /// By what, in words.
    pub(super) const fn means(&self) -> &'static str {
        self.means
    }
}

/// By a link that was made for signing in, once.
pub(super) async fn by_link(at: &Authority, code: &str) -> Result<Option<Proved>, Unable> {
    let (hash, now) = (OneTimeCode::hash_of(code), at.clock.now());
    let purpose = LinkPurpose::SignIn;
    let Some(link) = at.store.take_sign_in_link(&hash, purpose, now).await? else {
        return Ok(None);
    };
    if link.expires_at > now.plus_seconds(LINK_SECONDS + SKEW_SECONDS) {
        return Ok(None);
    }
    let means = "link";
    let Some(id) = link.person else {
        let person = None;
        return Ok(Some(Proved { person, means }));
    };
    let person = at.store.person(id).await?.map(Person::read).transpose()?;
    let person = person.filter(|person| person.standing == Standing::Active);
    let person = person.filter(|person| counts(&link, person));
    Ok(person.map(|person| Proved {
        person: Some(person),
        means,
    }))
}

/// By a password. It is compared whether there is such a person or not.
pub(super) async fn by_password(
    at: &Authority,
    person: Option<Person>,
    password: Secret,
) -> Result<Option<First>, Unable> {
    let active = person.filter(|person| person.standing == Standing::Active);
    let stored = active
        .as_ref()
        .and_then(|person| person.kept.password.clone());
    let matches = at.passwords.matches(stored, password).await?;
    Ok(active.filter(|_| matches).map(first))
}

/// After the person has set the password by a link that was theirs.
pub(super) fn after_setting(person: Person) -> First {
    first(person)
}

/// After somebody has confirmed a registration: with the link that was mailed, and the password.
pub(super) fn after_registering(registered: Registered) -> First {
    first(registered.person)
}

fn first(person: Person) -> First {
    if person.kept.code_seed.is_some() {
        return First::NeedsCode(Box::new(person));
    }
    First::Whole(Box::new(Proved {
        person: Some(person),
        means: "password",
    }))
}

/// By a one-time code, after the password. Each code works once.
pub(super) async fn by_code(
    at: &Authority,
    person: Person,
    code: &str,
) -> Result<Option<Proved>, Unable> {
    let Some(step) = step_of_code(at, &person, code)? else {
        return Ok(None);
    };
    let taken = at.store.take_code_step(person.kept.id, step).await?;
    Ok(taken.then_some(Proved {
        person: Some(person),
        means: "password and code",
    }))
}

/// By a sign-in that counted until its person changed the password, just now.
pub(super) fn again(person: Person, before: &SignIn) -> Option<Proved> {
    let theirs = before.person == Some(person.kept.id) && before.kind == SignInKind::Browser;
    theirs.then_some(Proved {
        person: Some(person),
        means: "new password",
    })
}
