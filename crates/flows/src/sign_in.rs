use accounts::persons::{Email, Standing};
use keys::{IssuedFor, OneTimeCode, issue};
use primitives::{PasskeyId, PersonId, Secret, SignInId, Timestamp};
use serde_json::json;
use store::{EventAction, LinkPurpose, SignIn, SignInKind, SignInLink, TryRate, WriteSet};

use crate::{
    Authority, Caller, Person, PersonRefused, Registered, Unable, authority::Offered,
    persons::set_password,
};

mod passkeys;
mod proof;

pub use passkeys::{begin_passkey_sign_in, sign_in_by_passkey};
use proof::Proved;

/// The word for sign-ins in the event log.
pub const SIGN_IN_KIND: &str = "sign_in";

/// How long a link works that signs in: long enough to be carried to a browser, no longer.
const LINK_SECONDS: i64 = 600;
/// How long an invitation can be taken.
pub(crate) const INVITATION_SECONDS: i64 = 3 * 86_400;
/// How long a link works that sets a password anew.
pub(crate) const RESET_SECONDS: i64 = 3_600;
/// How long one has for the code after the password, and for the answer to a challenge.
const CODE_SECONDS: i64 = 300;
/// How long a sign-in lasts, used or not.
const SIGN_IN_SECONDS: i64 = 12 * 3_600;
/// How many days an access token may live.
pub const MOST_TOKEN_DAYS: u16 = 366;
/// What was made further than this in the future was made by a clock that was wrong, and would
/// live longer than it may: it does not work.
pub(crate) const SKEW_SECONDS: i64 = 60;
/// Tries at somebody's password or code: ten, then one each minute (S-72).
const TRIES: TryRate = TryRate {
    at_once: 10,
    every_micros: 60_000_000,
};
/// The longest label, in characters.
const LONGEST_LABEL: usize = 100;

/// A link that works once.
#[derive(Debug)]
pub struct NewLink {
    /// What the link carries; only its hash is kept.
    pub code: Secret,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// A browser or program that has just been signed in.
#[derive(Debug)]
pub struct NewSignIn {
    /// What the cookie or token carries; only its hash is kept.
    pub secret: Secret,
    /// The sign-in.
    pub sign_in: SignIn,
}

/// What came of trying to sign in.
#[derive(Debug)]
pub enum Tried {
    /// Signed in.
    In(NewSignIn),
    /// The password was right; a one-time code is needed as well, with this.
    NeedsCode(NewLink),
    /// Not right. What of it is not said: not whether there is such a person either.
    Wrong,
    /// The code was not right; another may be tried with this.
    WrongCode(NewLink),
    /// Tried too often, right or not.
    TooOften,
    /// The passkey does not sign in.
    Passkey(::passkeys::Refusal),
}

/// What came of setting a password by a link.
#[derive(Debug)]
pub enum PasswordSet {
    /// As after signing in with it.
    Tried(Tried),
    /// The link has been used or has run out.
    LinkGone,
    /// The password cannot be one; the link works on as this one.
    Refused(PersonRefused, NewLink),
}

/// How long a link works that is for this.
const fn lifetime(purpose: LinkPurpose) -> i64 {
    match purpose {
        LinkPurpose::SignIn => LINK_SECONDS,
        LinkPurpose::Code | LinkPurpose::PasskeyAdd | LinkPurpose::PasskeySignIn => CODE_SECONDS,
        LinkPurpose::Invitation | LinkPurpose::Registration => INVITATION_SECONDS,
        LinkPurpose::Password => RESET_SECONDS,
    }
}

/// Whether a link was made since the person's sign-ins count: what ends those ends it as well.
fn counts(link: &SignInLink, person: &Person) -> bool {
    let from = person.kept.sign_ins_from;
    link.expires_at >= from.plus_seconds(lifetime(link.purpose))
}

pub(crate) async fn make_link(
    at: &Authority,
    purpose: LinkPurpose,
    person: Option<&Person>,
) -> Result<NewLink, Unable> {
    let expires_at = moment(at, person).plus_seconds(lifetime(purpose));
    let id = person.map(|person| person.kept.id);
    put_link(at, purpose, (id, expires_at)).await
}

/// A link that is nobody's: an invitation of somebody who is not there yet, or one that does
/// nothing, where none may tell from how long it took that there is no such person.
pub(crate) async fn make_link_of_nobody(
    at: &Authority,
    purpose: LinkPurpose,
) -> Result<NewLink, Unable> {
    let expires_at = at.clock.now().plus_seconds(lifetime(purpose));
    put_link(at, purpose, (None, expires_at)).await
}

/// Takes a link that is nobody's; `None` when it was taken, has run out or never was.
pub(crate) async fn take_link_of_nobody(
    at: &Authority,
    code: &str,
    purpose: LinkPurpose,
) -> Result<Option<SignInLink>, Unable> {
    let (hash, now) = (OneTimeCode::hash_of(code), at.clock.now());
    let taken = at.store.take_sign_in_link(&hash, purpose, now).await?;
    let latest = now.plus_seconds(lifetime(purpose) + SKEW_SECONDS);
    Ok(taken.filter(|link| link.person.is_none() && link.expires_at <= latest))
}

/// Another link in the place of one that was taken, which lives no longer.
async fn renew_link(at: &Authority, taken: &SignInLink) -> Result<NewLink, Unable> {
    put_link(at, taken.purpose, (taken.person, taken.expires_at)).await
}

async fn put_link(
    at: &Authority,
    purpose: LinkPurpose,
    (person, expires_at): (Option<PersonId>, Timestamp),
) -> Result<NewLink, Unable> {
    let code = OneTimeCode::new(&*at.entropy)?;
    let link = SignInLink {
        hash: code.hash,
        purpose,
        person,
        expires_at,
    };
    at.store.put_sign_in_link(link).await?;
    Ok(NewLink {
        code: code.secret,
        expires_at,
    })
}

/// Now, and not before what the person's sign-ins count from, which may be this very moment.
fn moment(at: &Authority, person: Option<&Person>) -> Timestamp {
    let now = at.clock.now();
    person.map_or(now, |person| person.kept.sign_ins_from.max(now))
}

/// Makes a one-time link that signs somebody in, or whoever holds the operator token.
///
/// # Errors
/// When there is no randomness or the store fails.
pub async fn make_sign_in_link(at: &Authority, person: Option<&Person>) -> Result<NewLink, Unable> {
    make_link(at, LinkPurpose::SignIn, person).await
}

/// Exchanges a link's code for a sign-in; `None` when the code was used before, has expired or
/// was never made. At most one caller ever succeeds with a code.
///
/// # Errors
/// When there is no randomness or the store fails.
pub async fn sign_in_by_link(
    at: &Authority,
    code: &str,
    label: &str,
) -> Result<Option<NewSignIn>, Unable> {
    match proof::by_link(at, code).await? {
        None => Ok(None),
        Some(proved) => Ok(Some(begin(at, proved, label).await?)),
    }
}

/// Tries a password. Everything that is wrong takes as long and says the same (S-73).
///
/// # Errors
/// When too many are tried at once, there is no randomness or the store fails.
pub async fn sign_in_by_password(
    at: &Authority,
    (email, password): (&str, Secret),
    label: &str,
) -> Result<Tried, Unable> {
    let email: Option<Email> = email.parse().ok();
    if let Some(email) = &email
        && !take_try(at, email).await?
    {
        return Ok(Tried::TooOften);
    }
    let found = match &email {
        Some(email) => at.store.person_by_email(email.as_str()).await?,
        None => None,
    };
    let person = found.map(Person::read).transpose()?;
    match proof::by_password(at, person, password).await? {
        None => Ok(Tried::Wrong),
        Some(proved) => go_on(at, proved, label).await,
    }
}

/// Tries a one-time code, or a recovery code in its place, after a password that was right.
///
/// # Errors
/// When there is no randomness or the store fails.
pub async fn sign_in_by_code(
    at: &Authority,
    (ticket, code): (&str, &str),
    label: &str,
) -> Result<Tried, Unable> {
    let Some((person, link)) = taken_for(at, ticket, LinkPurpose::Code).await? else {
        return Ok(Tried::Wrong);
    };
    let email = person.kept.email.parse();
    let email: Email = email.map_err(|_| Unable::Unreadable(person.kept.id.to_string()))?;
    if !take_try(at, &email).await? {
        return Ok(Tried::TooOften);
    }
    if let Some(proved) = proof::by_code(at, person, code).await? {
        return Ok(Tried::In(begin(at, proved, label).await?));
    }
    Ok(Tried::WrongCode(renew_link(at, &link).await?))
}

/// Sets a password by a link: of an invitation, or one that an admin made for somebody who lost
/// theirs. Their second factor is asked for as ever.
///
/// # Errors
/// When there is no randomness or the store fails.
pub async fn set_password_by_link(
    at: &Authority,
    (code, password): (&str, Secret),
    label: &str,
) -> Result<PasswordSet, Unable> {
    let invitation = taken_for(at, code, LinkPurpose::Invitation).await?;
    let taken = match invitation {
        None => taken_for(at, code, LinkPurpose::Password).await?,
        taken => taken,
    };
    let Some((person, link)) = taken else {
        return Ok(PasswordSet::LinkGone);
    };
    match set_password(at, &person, password).await {
        Ok(person) => {
            let proved = proof::after_setting(person);
            Ok(PasswordSet::Tried(go_on(at, proved, label).await?))
        }
        Err(PersonRefused::Unable(failure)) => Err(failure),
        Err(refused) => Ok(PasswordSet::Refused(refused, renew_link(at, &link).await?)),
    }
}

/// The person of a link that is taken with this; nobody who is shut out.
pub(crate) async fn taken_for(
    at: &Authority,
    code: &str,
    purpose: LinkPurpose,
) -> Result<Option<(Person, SignInLink)>, Unable> {
    let (hash, now) = (OneTimeCode::hash_of(code), at.clock.now());
    let Some(link) = at.store.take_sign_in_link(&hash, purpose, now).await? else {
        return Ok(None);
    };
    let Some(id) = link.person else {
        return Ok(None);
    };
    let person = at.store.person(id).await?.map(Person::read).transpose()?;
    let person = person.filter(|person| person.standing != Standing::Disabled);
    let person = person.filter(|person| counts(&link, person));
    Ok(person.map(|person| (person, link)))
}

/// After the password: signed in, unless there is a second factor.
async fn go_on(at: &Authority, proved: proof::First, label: &str) -> Result<Tried, Unable> {
    match proved {
        proof::First::Whole(proved) => Ok(Tried::In(begin(at, *proved, label).await?)),
        proof::First::NeedsCode(person) => {
            let link = make_link(at, LinkPurpose::Code, Some(&person)).await?;
            Ok(Tried::NeedsCode(link))
        }
    }
}

/// Counts a try at somebody's secret, whoever that is; false when there were too many.
async fn take_try(at: &Authority, email: &Email) -> Result<bool, Unable> {
    let principal = principal(at, email);
    Ok(at.store.take_try(&principal, TRIES, at.clock.now()).await?)
}

/// One for every spelling of an address, and for password and code alike.
fn principal(at: &Authority, email: &Email) -> [u8; 32] {
    at.hashing
        .fingerprint(&[b"tries", email.as_str().as_bytes()])
}

/// Has somebody who is signed in show their password once more.
pub(crate) async fn show_password(
    at: &Authority,
    person: &Person,
    password: Secret,
) -> Result<(), PersonRefused> {
    let stored = person.kept.password.clone();
    compare(at, &person.kept.email, (stored, password)).await
}

/// Has somebody who registered show the password they chose then.
pub(crate) async fn show_secret(
    at: &Authority,
    email: &str,
    (stored, password): (&str, Secret),
) -> Result<(), PersonRefused> {
    compare(at, email, (Some(stored.to_owned()), password)).await
}

async fn compare(
    at: &Authority,
    email: &str,
    (stored, password): (Option<String>, Secret),
) -> Result<(), PersonRefused> {
    let email: Email = email.parse()?;
    if !take_try(at, &email).await? {
        return Err(PersonRefused::TooOften);
    }
    if !at.passwords.matches(stored, password).await? {
        return Err(PersonRefused::NotShown);
    }
    let principal = principal(at, &email);
    Ok(at.store.forget_tries(&principal).await?)
}

/// Signs in whoever has just confirmed their registration with the password.
pub(crate) async fn sign_in_registered(
    at: &Authority,
    registered: Registered,
    label: &str,
) -> Result<Tried, Unable> {
    go_on(at, proof::after_registering(registered), label).await
}

/// The only way to a sign-in of a browser: by what a verifier has proved. The event stands in
/// the log before anybody is signed in (S-118).
async fn begin(at: &Authority, proved: Proved, label: &str) -> Result<NewSignIn, Unable> {
    let person = proved.person();
    if let Some(person) = person
        && let Ok(email) = person.kept.email.parse()
    {
        at.store.forget_tries(&principal(at, &email)).await?;
    }
    let cookie = OneTimeCode::new(&*at.entropy)?;
    let (kind, seconds) = (SignInKind::Browser, SIGN_IN_SECONDS);
    let sign_in = new_sign_in(at, (person, cookie.hash), (kind, label), seconds)?;
    keep_told(at, &sign_in, (proved.means(), proved.passkey())).await?;
    Ok(NewSignIn {
        secret: cookie.secret,
        sign_in,
    })
}

/// Signs a browser in again that was: after its person has changed the password. `None` when the
/// sign-in was not this person's.
///
/// # Errors
/// When there is no randomness or the store fails.
pub async fn sign_in_again(
    at: &Authority,
    person: Person,
    before: &SignIn,
) -> Result<Option<NewSignIn>, Unable> {
    match proof::again(person, before) {
        None => Ok(None),
        Some(proved) => Ok(Some(begin(at, proved, &before.label).await?)),
    }
}

fn new_sign_in(
    at: &Authority,
    (person, hash): (Option<&Person>, [u8; 32]),
    (kind, label): (SignInKind, &str),
    seconds: i64,
) -> Result<SignIn, Unable> {
    let now = moment(at, person);
    let person = person.map(|person| person.kept.id);
    Ok(SignIn {
        id: SignInId::new(&*at.clock, &*at.entropy)?,
        hash,
        kind,
        person,
        label: label
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST_LABEL)
            .collect(),
        created_at: now,
        expires_at: now.plus_seconds(seconds),
    })
}

async fn keep_told(
    at: &Authority,
    sign_in: &SignIn,
    (means, passkey): (&str, Option<PasskeyId>),
) -> Result<(), Unable> {
    let actor = sign_in
        .person
        .map_or_else(|| "operator".to_owned(), |person| person.to_string());
    let thing = (SIGN_IN_KIND, &*sign_in.id.to_string());
    let mut detail = json!({ "kind": sign_in.kind.as_str(), "by": means });
    if let (Some(passkey), Some(detail)) = (passkey, detail.as_object_mut()) {
        detail.insert("passkey".to_owned(), passkey.to_string().into());
    }
    let changes = WriteSet {
        events: vec![at.event(&actor, EventAction::Created, thing, &detail)?],
        at: at.clock.now(),
        ..WriteSet::default()
    };
    match at.offer(changes).await? {
        Offered::In(_) => Ok(at.store.put_sign_in(sign_in.clone()).await?),
        Offered::Again => Err(Unable::Crowded),
    }
}

/// Makes an access token of somebody who shows their password once more: a program may do with it
/// what they may.
///
/// # Errors
/// When the password is wrong, the label or the days are none, there is no randomness, or the
/// store fails.
pub async fn make_access_token(
    at: &Authority,
    person: &Person,
    password: Secret,
    (label, days): (&str, u16),
) -> Result<NewSignIn, PersonRefused> {
    let label = label.trim();
    if label.is_empty() || !(1..=MOST_TOKEN_DAYS).contains(&days) {
        return Err(PersonRefused::Token);
    }
    show_password(at, person, password).await?;
    let secret = issue(IssuedFor::Person, &*at.entropy)?;
    let hash = OneTimeCode::hash_of(secret.expose());
    let seconds = i64::from(days).saturating_mul(86_400);
    let kind = (SignInKind::Token, label);
    let sign_in = new_sign_in(at, (Some(person), hash), kind, seconds)?;
    keep_told(at, &sign_in, ("sign-in", None)).await?;
    Ok(NewSignIn { secret, sign_in })
}

/// Whom a cookie or token stands for, as they are now; `None` when it has ended, or the person
/// has been shut out or signed out everywhere since.
///
/// # Errors
/// When the store fails.
pub async fn find_caller(
    at: &Authority,
    secret: &str,
    kind: SignInKind,
) -> Result<Option<Caller>, Unable> {
    let (hash, now) = (OneTimeCode::hash_of(secret), at.clock.now());
    let Some(sign_in) = at.store.sign_in(&hash, now).await? else {
        return Ok(None);
    };
    if sign_in.kind != kind || sign_in.created_at > now.plus_seconds(SKEW_SECONDS) {
        return Ok(None);
    }
    let Some(id) = sign_in.person else {
        return Ok(Some(Caller::owner(Some(sign_in))));
    };
    let Some(person) = at.store.person(id).await?.map(Person::read).transpose()? else {
        return Ok(None);
    };
    let counts =
        person.standing == Standing::Active && sign_in.created_at >= person.kept.sign_ins_from;
    Ok(counts.then(|| Caller::of(person, sign_in)))
}

/// The sign-ins and tokens of a person that count, the newest first.
///
/// # Errors
/// When the store fails.
pub async fn sign_ins_of(at: &Authority, person: &Person) -> Result<Vec<SignIn>, Unable> {
    let all = at.store.sign_ins_of(person.kept.id, at.clock.now()).await?;
    let from = person.kept.sign_ins_from;
    let counts = all.into_iter().filter(|one| one.created_at >= from);
    Ok(counts.collect())
}

/// Ends a sign-in or token of a person; false when there is none of this id.
///
/// # Errors
/// When the store fails.
pub async fn end_sign_in(at: &Authority, person: PersonId, id: SignInId) -> Result<bool, Unable> {
    Ok(at.store.end_sign_in_of(person, id).await?)
}

/// Ends the sign-in a cookie stands for.
///
/// # Errors
/// When the store fails.
pub async fn sign_out(at: &Authority, cookie: &str) -> Result<(), Unable> {
    let hash = OneTimeCode::hash_of(cookie);
    Ok(at.store.end_sign_in(&hash).await?)
}

/// Drops links, sign-ins and counted tries that have ended.
///
/// # Errors
/// When the store fails.
pub async fn drop_ended_sign_ins(at: &Authority) -> Result<u64, Unable> {
    Ok(at.store.drop_expired(at.clock.now()).await?)
}
