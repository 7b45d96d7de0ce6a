//! What proves who somebody is. A [`Proved`] is made here and nowhere else, and a sign-in of
//! nothing else (S-70).

use accounts::persons::Standing;
use keys::OneTimeCode;
use passkeys::{Party, Refusal, SignInAnswer};
use primitives::{PasskeyId, Secret, sha256};
use store::{LinkPurpose, Passkey, PasskeyUse, SignIn, SignInKind};

use super::{LINK_SECONDS, SKEW_SECONDS, counts, take_link_of_nobody};
use crate::{
    Authority, Person, Registered, Unable,
    persons::{Shower, step_of_code, take_recovery_code, tell_refused},
};

/// Somebody who has proved to be themselves.
pub(super) struct Proved {
    person: Option<Person>,
    means: &'static str,
    passkey: Option<PasskeyId>,
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

    /// By which passkey, if by one.
    pub(super) const fn passkey(&self) -> Option<PasskeyId> {
        self.passkey
    }

    const fn by(person: Person, means: &'static str) -> Self {
        Self {
            person: Some(person),
            means,
            passkey: None,
        }
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
        return Ok(Some(Proved {
            person: None,
            means,
            passkey: None,
        }));
    };
    let person = at.store.person(id).await?.map(Person::read).transpose()?;
    let person = person.filter(|person| person.standing == Standing::Active);
    let person = person.filter(|person| counts(&link, person));
    Ok(person.map(|person| Proved::by(person, means)))
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
    First::Whole(Box::new(Proved::by(person, "password")))
}

/// By a one-time code, or a recovery code in its place, after the password. Each works once.
pub(super) async fn by_code(
    at: &Authority,
    person: Person,
    code: &str,
) -> Result<Option<Proved>, Unable> {
    if let Some(step) = step_of_code(at, &person, code)? {
        let taken = at.store.take_code_step(person.kept.id, step).await?;
        return Ok(taken.then(|| Proved::by(person, "password and code")));
    }
    let taken = take_recovery_code(at, &person, code).await?;
    Ok(taken.then(|| Proved::by(person, "password and recovery code")))
}

/// By a passkey that has verified who is there, which is both factors: it is had, and its PIN is
/// known or its finger there. What is refused is told.
pub(super) async fn by_passkey(
    at: &Authority,
    party: &Party,
    answer: &str,
) -> Result<Result<Proved, Refusal>, Unable> {
    let answer = match SignInAnswer::read(answer) {
        Ok(answer) => answer,
        Err(why) => return refused(at, Shower::Nobody, why).await,
    };
    // First of all, so that no answer is looked at twice, right or wrong (S-67).
    let taken = take_link_of_nobody(at, answer.challenge(), LinkPurpose::PasskeySignIn).await?;
    if taken.is_none() {
        return refused(at, Shower::Nobody, Refusal::Challenge).await;
    }
    let Some(kept) = at.store.passkey(&sha256(answer.credential())).await? else {
        return refused(at, Shower::Nobody, Refusal::Unknown).await;
    };
    let shower = Shower::Holder(kept.person, kept.id);
    match verified(at, (party, &answer), &kept).await? {
        Err(why) => refused(at, shower, why).await,
        Ok(person) => Ok(Ok(Proved {
            passkey: Some(kept.id),
            ..Proved::by(person, "passkey")
        })),
    }
}

async fn verified(
    at: &Authority,
    (party, answer): (&Party, &SignInAnswer),
    kept: &Passkey,
) -> Result<Result<Person, Refusal>, Unable> {
    let person = at.store.person(kept.person).await?;
    let person = person.map(Person::read).transpose()?;
    let Some(person) = person.filter(|person| person.standing == Standing::Active) else {
        return Ok(Err(Refusal::Unknown));
    };
    if answer.holder() != kept.person.as_u128() {
        return Ok(Err(Refusal::Holder));
    }
    let shown = match party.verify(answer, &kept.body) {
        Ok(shown) => shown,
        Err(why) => return Ok(Err(why)),
    };
    let shown = PasskeyUse {
        counter: shown.counter,
        backed_up: shown.backed_up,
        at: at.clock.now(),
    };
    let counts_on = at.store.use_passkey(kept.id, shown).await?;
    Ok(counts_on.then_some(person).ok_or(Refusal::Counter))
}

async fn refused<T>(
    at: &Authority,
    shower: Shower,
    why: Refusal,
) -> Result<Result<T, Refusal>, Unable> {
    tell_refused(at, shower, why).await?;
    Ok(Err(why))
}

/// By a sign-in that counted until its person changed the password, just now.
pub(super) fn again(person: Person, before: &SignIn) -> Option<Proved> {
    let theirs = before.person == Some(person.kept.id) && before.kind == SignInKind::Browser;
    theirs.then(|| Proved::by(person, "new password"))
}
