//! What stands in, once each, for a second factor that is lost. A code of these takes the place of
//! the one-time code and of nothing else: the password is asked for before it, as ever (S-72).

use keys::RecoveryCode;
use primitives::{PersonId, Secret};
use store::RecoveryCodes;

use super::{ALONE, Person, PersonRefused, What, alter};
use crate::{Authority, Unable};

/// How many there are of a set.
const SET: usize = 10;

/// A new set, to be shown, and what is kept of it.
pub(super) fn new_set(
    at: &Authority,
    person: PersonId,
) -> Result<(Vec<Secret>, RecoveryCodes), Unable> {
    let mut texts = Vec::with_capacity(SET);
    let mut hashes = Vec::with_capacity(SET);
    for _ in 0..SET {
        let code = RecoveryCode::new(&*at.entropy)?;
        hashes.push(code.hash(&at.hashing, person));
        texts.push(code.text());
    }
    Ok((texts, RecoveryCodes { person, hashes }))
}

/// No set at all.
pub(super) const fn none(person: PersonId) -> RecoveryCodes {
    RecoveryCodes {
        person,
        hashes: Vec::new(),
    }
}

/// Makes a new set in the place of the one before, when the password is shown once more.
///
/// # Errors
/// When the password is wrong, there are no one-time codes that they could stand in for, or it could not be done.
pub async fn renew_recovery_codes(
    at: &Authority,
    person: &Person,
    password: Secret,
) -> Result<Vec<Secret>, PersonRefused> {
    crate::sign_in::show_password(at, person, password).await?;
    let id = person.kept.id;
    let (texts, hashes) = new_set(at, id)?;
    let change = |person: Person| match person.kept.code_seed {
        None => Err(PersonRefused::NoCodes),
        Some(_) => Ok(person),
    };
    let beside = |changes: &mut store::WriteSet| changes.recovery_codes.push(hashes.clone());
    let what = What::of("recovery codes renewed");
    let who = (&*id.to_string(), id);
    alter(at, who, what, &change, (ALONE.0, &beside)).await?;
    Ok(texts)
}

/// How many a person has left.
///
/// # Errors
/// When the store fails.
pub async fn recovery_codes_left(at: &Authority, person: &Person) -> Result<u32, Unable> {
    Ok(at.store.count_recovery_codes(person.kept.id).await?)
}

/// Takes one of a person's, if what was typed is one. The caller has counted the try.
pub(crate) async fn take_recovery_code(
    at: &Authority,
    person: &Person,
    typed: &str,
) -> Result<bool, Unable> {
    let Some(code) = RecoveryCode::read(typed) else {
        return Ok(false);
    };
    let id = person.kept.id;
    Ok(at
        .store
        .take_recovery_code(id, &code.hash(&at.hashing, id))
        .await?)
}
