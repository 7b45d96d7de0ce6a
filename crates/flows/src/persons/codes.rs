use keys::CodeSeed;
use primitives::Secret;

use super::{ALONE, Person, PersonRefused, What, alter, recovery_codes};
use crate::{Authority, Unable};

/// One-time codes that are about to be set up.
#[derive(Debug)]
pub struct NewCodes {
    /// For typing into an authenticator app.
    pub seed: Secret,
    /// For a QR code.
    pub uri: Secret,
    /// What is carried through the form that confirms them: sealed, and for this person alone.
    pub sealed: String,
}

/// One-time codes that have been set up.
#[derive(Debug)]
pub struct CodesSetUp {
    /// Who has them now.
    pub person: Person,
    /// What stands in for them, shown this once.
    pub recovery: Vec<Secret>,
}

/// Begins to set one-time codes up, when the password is shown once more. They count once a code
/// has shown that the app has the seed.
///
/// # Errors
/// When the password is wrong, there is no randomness, or the seed cannot be sealed.
pub async fn begin_codes(
    at: &Authority,
    person: &Person,
    password: Secret,
    issuer: &str,
) -> Result<NewCodes, PersonRefused> {
    crate::sign_in::show_password(at, person, password).await?;
    Ok(codes_of(at, person, &CodeSeed::new(&*at.entropy)?, issuer)?)
}

fn codes_of(
    at: &Authority,
    person: &Person,
    codes: &CodeSeed,
    issuer: &str,
) -> Result<NewCodes, Unable> {
    let name = pending_name(person);
    let sealed = at.sealer.seal(&name, &codes.text(), &*at.entropy);
    let sealed = sealed.map_err(|_| Unable::Unreadable(name))?;
    Ok(NewCodes {
        uri: codes.uri(issuer, &person.kept.email),
        seed: codes.text(),
        sealed: primitives::hex(&sealed),
    })
}

/// Sets them up, once a code shows that the app has the seed. When it does not, the same seed is
/// to be confirmed again.
///
/// # Errors
/// When the form is not this person's, or it could not be done.
pub async fn confirm_codes(
    at: &Authority,
    person: &Person,
    (sealed, code): (&str, &str),
    issuer: &str,
) -> Result<Result<CodesSetUp, NewCodes>, PersonRefused> {
    let name = pending_name(person);
    let bytes = keys::unhex(sealed).ok_or(PersonRefused::NotShown)?;
    let opened = at.sealer.open(&name, &bytes);
    let seed = opened.ok().and_then(|text| CodeSeed::read(&text));
    let seed = seed.ok_or(PersonRefused::NotShown)?;
    let Some(step) = seed.step_of(code, at.clock.now()) else {
        return Ok(Err(codes_of(at, person, &seed, issuer)?));
    };
    let id = person.kept.id;
    // The code that confirms is used with it.
    at.store.take_code_step(id, step).await?;
    let kept = at
        .sealer
        .seal(&seed_name(person), &seed.text(), &*at.entropy);
    let kept = kept.map_err(|_| Unable::Unreadable(seed_name(person)))?;
    let change = |mut person: Person| {
        person.kept.code_seed = Some(kept.clone());
        Ok(person)
    };
    // With the codes in one commit, and in the place of any from before.
    let (recovery, hashes) = recovery_codes::new_set(at, id)?;
    let beside = |changes: &mut store::WriteSet| changes.recovery_codes.push(hashes.clone());
    let what = What::of("codes set up");
    let who = (&*id.to_string(), id);
    let person = alter(at, who, what, &change, (ALONE.0, &beside)).await?;
    Ok(Ok(CodesSetUp { person, recovery }))
}

/// Takes one's own one-time codes off, when the password is shown once more.
///
/// # Errors
/// When the password is wrong, or it could not be done.
pub async fn end_codes(
    at: &Authority,
    person: &Person,
    password: Secret,
) -> Result<Person, PersonRefused> {
    crate::sign_in::show_password(at, person, password).await?;
    let id = person.kept.id;
    let change = |mut person: Person| {
        person.kept.code_seed = None;
        Ok(person)
    };
    let beside =
        |changes: &mut store::WriteSet| changes.recovery_codes.push(recovery_codes::none(id));
    let what = What::of("codes ended");
    let who = (&*id.to_string(), id);
    alter(at, who, what, &change, (ALONE.0, &beside)).await
}

/// The time step of a code of this person's app, when there is one and the code is one of now.
pub(crate) fn step_of_code(
    at: &Authority,
    person: &Person,
    code: &str,
) -> Result<Option<i64>, Unable> {
    let Some(sealed) = &person.kept.code_seed else {
        return Ok(None);
    };
    let name = seed_name(person);
    let opened = at.sealer.open(&name, sealed);
    let seed = opened.ok().and_then(|text| CodeSeed::read(&text));
    let seed = seed.ok_or(Unable::Unreadable(name))?;
    Ok(seed.step_of(code, at.clock.now()))
}

fn seed_name(person: &Person) -> String {
    format!("one-time codes of {}", person.kept.id)
}

fn pending_name(person: &Person) -> String {
    format!("one-time codes to confirm of {}", person.kept.id)
}
