//! Developers register by themselves: what they say waits, sealed, until the link that was mailed
//! to them is followed; person and account are made then, in one commit.

use accounts::persons::{Duties, Email, EmailProblem, PasswordProblem, Standing, check_password};
use keys::OneTimeCode;
use primitives::{AccountId, Name, PersonId, Revision, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use snapshot::{Changes, Loader, Snapshot};
use state::document::{Account, AccountKind, Developer, Document as _};
use store::{
    EventAction, Expected, Kind, LinkPurpose, NewEvent, Registration, Resource, SignInLink,
    WriteSet,
};

use crate::{
    Agreed, Authority, ChangeRefused, Letter, NewLink, Origins, Person, PersonRefused, Tried,
    Unable,
    apply::event_detail,
    authority::Offered,
    mails::{Room, TooManyFromNetwork, take_network_room, take_room, written},
    persons::{PERSON_KIND, checked_name},
    sign_in::{make_link_of_nobody, show_secret, sign_in_registered, take_link_of_nobody},
};

/// How long the mailed link works: a day.
const CONFIRM_SECONDS: i64 = 86_400;

/// Who may register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admits {
    /// Nobody.
    Nobody,
    /// Whoever has an invitation.
    Invited,
    /// Whoever can read mail at an address.
    Everybody,
}

/// What a developer agrees to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Their version.
    pub version: String,
    /// Their text.
    pub text: String,
}

/// How registration is set up.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Who may.
    pub admits: Admits,
    /// What they agree to; nothing when there are none.
    pub terms: Option<Terms>,
    /// How many registrations and mails may be asked for in an hour from one network address; 0
    /// does not count them.
    pub per_network_hour: u32,
    /// Whether a confirmed address is all it takes for the account to count as verified.
    pub email_verifies: bool,
    /// Where links lead.
    pub origins: Origins,
}

/// What somebody says who registers. Nothing else can be said: not a level, not a role, not that
/// anything is verified (S-76).
#[derive(Debug)]
pub struct Applicant {
    /// The address.
    pub email: String,
    /// What the developer is called.
    pub name: String,
    /// To sign in with.
    pub password: Secret,
    /// The version of the terms that was agreed to.
    pub terms: Option<String>,
    /// What an invitation carries.
    pub invitation: Option<String>,
}

/// Why somebody cannot register so. None of it says whether an address is known.
#[derive(Debug, thiserror::Error)]
pub enum RegisterRefused {
    /// Nobody can.
    #[error("nobody can register here")]
    Closed,
    /// The invitation is missing, used or has run out.
    #[error("registering here needs an invitation that has not been used; ask for one")]
    NotInvited,
    /// The address cannot be used.
    #[error(transparent)]
    Email(#[from] EmailProblem),
    /// The name is empty or too long.
    #[error("a developer has a name of 1 to 100 characters on one line")]
    Name,
    /// The password cannot be one.
    #[error(transparent)]
    Password(#[from] PasswordProblem),
    /// The terms in force were not agreed to.
    #[error("agree to the terms as they are now, version `{0}`")]
    Terms(String),
    /// Too many register from one network address.
    #[error(transparent)]
    Network(#[from] TooManyFromNetwork),
    /// Too many register.
    #[error("too many register at once; try again in some minutes")]
    TooMany,
    /// It could not be done.
    #[error(transparent)]
    Unable(#[from] Unable),
}

/// Why a registration was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmRefused {
    /// The link has been used or has run out, or the account is there already.
    #[error("this link has been used or has run out; sign in, or register again")]
    LinkGone,
    /// Not the password that was chosen.
    #[error("that is not the password that was chosen with this registration")]
    WrongPassword,
    /// Tried too often.
    #[error("tried too often; wait a minute, then try again")]
    TooOften,
    /// It could not be done.
    #[error(transparent)]
    Change(#[from] ChangeRefused),
}

impl<T: Into<Unable>> From<T> for ConfirmRefused {
    fn from(failure: T) -> Self {
        Self::Change(ChangeRefused::Unable(failure.into()))
    }
}

/// What waits for the link to be followed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pending {
    email: String,
    name: String,
    password: String,
    agreed: Option<Agreed>,
}

/// A developer who has just come to be: made here and nowhere else.
#[derive(Debug)]
pub struct Registered {
    pub(crate) person: Person,
    /// The identifier that was assigned (P-21).
    pub account: AccountId,
    /// The account's name.
    pub name: Name,
}

/// Takes a registration, and mails a link to the address. The same is done and answered when the
/// address is somebody's already: only what the mail says differs (S-73).
///
/// # Errors
/// When registration is closed, something said cannot be, or it could not be done.
pub async fn register(
    at: &Authority,
    rules: &Rules,
    (applicant, network): (Applicant, Option<&str>),
) -> Result<(), RegisterRefused> {
    let email: Email = applicant.email.parse()?;
    let name = checked_name(&applicant.name).map_err(|_| RegisterRefused::Name)?;
    check_password(applicant.password.expose(), &email)?;
    let agreed = agreed(at.clock.now(), rules.terms.as_ref(), &applicant)?;
    if rules.admits == Admits::Everybody {
        // Whoever was invited has an invitation to show for each.
        take_network_room(at, rules.per_network_hour, network).await??;
    }
    let invitation = admitted(at, rules.admits, &applicant).await?;
    let pending = PendingOf {
        email,
        name,
        agreed,
    };
    let kept = keep(at, rules, pending, applicant.password).await;
    if let (Err(_), Some(invitation)) = (&kept, invitation) {
        // It came to nothing, and may be taken again.
        at.store
            .put_sign_in_link(invitation)
            .await
            .map_err(Unable::from)?;
    }
    kept
}

/// What was checked of an applicant.
struct PendingOf {
    email: Email,
    name: String,
    agreed: Option<Agreed>,
}

async fn keep(
    at: &Authority,
    rules: &Rules,
    of: PendingOf,
    password: Secret,
) -> Result<(), RegisterRefused> {
    let room = take_room(at, of.email.as_str()).await?;
    if room == Room::Full {
        return Err(RegisterRefused::TooMany);
    }
    let password = at.passwords.hash(password).await?;
    let found = at.store.person_by_email(of.email.as_str()).await;
    let known = found.map_err(Unable::from)?.is_some();
    let code = OneTimeCode::new(&*at.entropy).map_err(Unable::from)?;
    let pending = Pending {
        email: of.email.to_string(),
        name: of.name,
        password,
        agreed: of.agreed,
    };
    let registration = sealed(at, &code, &pending)?;
    let letter = letter(&rules.origins, &of.email, (known, code.secret.expose()));
    let letter = Some(&letter).filter(|_| room == Room::Free);
    let (mail, event) = written(at, (letter, "registration"), CONFIRM_SECONDS)?;
    let changes = WriteSet {
        mails: vec![mail],
        registrations: vec![registration],
        events: vec![event],
        at: at.clock.now(),
        ..WriteSet::default()
    };
    match at.offer(changes).await? {
        Offered::In(_) => Ok(()),
        Offered::Again => Err(Unable::Crowded.into()),
    }
}

fn agreed(
    now: Timestamp,
    terms: Option<&Terms>,
    applicant: &Applicant,
) -> Result<Option<Agreed>, RegisterRefused> {
    let Some(terms) = terms else {
        return Ok(None);
    };
    if applicant.terms.as_deref() != Some(&terms.version) {
        return Err(RegisterRefused::Terms(terms.version.clone()));
    }
    Ok(Some(Agreed {
        version: terms.version.clone(),
        text: primitives::hex(&keys::sha256(terms.text.as_bytes())),
        at: now,
    }))
}

/// Whether somebody may register, and the invitation that was taken for it.
async fn admitted(
    at: &Authority,
    admits: Admits,
    applicant: &Applicant,
) -> Result<Option<SignInLink>, RegisterRefused> {
    match admits {
        Admits::Nobody => Err(RegisterRefused::Closed),
        Admits::Everybody => Ok(None),
        Admits::Invited => {
            let code = applicant.invitation.as_deref().unwrap_or_default();
            let taken = take_link_of_nobody(at, code, LinkPurpose::Registration).await?;
            Ok(Some(taken.ok_or(RegisterRefused::NotInvited)?))
        }
    }
}

/// Makes an invitation for a developer, and mails it. The log tells who did.
///
/// # Errors
/// When the address cannot be used, or it could not be done.
pub async fn invite_developer(
    at: &Authority,
    origins: &Origins,
    (actor, email): (&str, &Email),
) -> Result<NewLink, Unable> {
    let link = make_link_of_nobody(at, LinkPurpose::Registration).await?;
    let name = &origins.name;
    let letter = Letter {
        to: email.to_string(),
        subject: format!("{name}: an invitation"),
        text: format!(
            "You are invited to register as a developer with {name}.\n\n\
             This link works once, for three days:\n\n{}/register?invitation={}\n",
            origins.site,
            link.code.expose()
        ),
    };
    let seconds = crate::sign_in::INVITATION_SECONDS;
    let (mail, mut event) = written(at, (Some(&letter), "invitation"), seconds)?;
    actor.clone_into(&mut event.actor);
    let changes = WriteSet {
        mails: vec![mail],
        events: vec![event],
        at: at.clock.now(),
        ..WriteSet::default()
    };
    match at.offer(changes).await? {
        Offered::In(_) => Ok(link),
        Offered::Again => Err(Unable::Crowded),
    }
}

fn seal_name(hash: &[u8; 32]) -> String {
    format!("registration {}", primitives::hex(hash))
}

fn sealed(at: &Authority, code: &OneTimeCode, pending: &Pending) -> Result<Registration, Unable> {
    let broken = || Unable::Unreadable("a registration".to_owned());
    let text = Secret::new(serde_json::to_string(pending).map_err(|_| broken())?);
    let name = seal_name(&code.hash);
    let sealed = at.sealer.seal(&name, &text, &*at.entropy);
    Ok(Registration {
        hash: code.hash,
        sealed: sealed.map_err(|_| broken())?,
        expires_at: at.clock.now().plus_seconds(CONFIRM_SECONDS),
    })
}

/// Nothing that the applicant wrote is in it: whoever registers another's address cannot have
/// texts of theirs sent to it.
fn letter(origins: &Origins, email: &Email, (known, code): (bool, &str)) -> Letter {
    let Origins { name, site, .. } = origins;
    let text = if known {
        format!(
            "Somebody registered with this address at {name}, where you have an account already.\n\n\
             If it was you, sign in: {site}/sign-in\n\
             A forgotten password is set anew there.\n\n\
             If it was not you, do nothing: nothing was changed.\n"
        )
    } else {
        format!(
            "Somebody registered as a developer at {name} with this address.\n\n\
             If it was you, confirm it within a day, with the password you chose:\n\n\
             {site}/confirm?code={code}\n\n\
             If it was not you, do nothing: without it nothing comes of it.\n"
        )
    };
    Letter {
        to: email.to_string(),
        subject: format!("{name}: your registration"),
        text,
    }
}

/// Follows the mailed link: makes the person and the developer account that they belong to, in
/// one commit. The password shows that whoever reads the mail is who registered: nobody confirms
/// what a stranger registered with their address.
///
/// # Errors
/// When the link or the password is not right, or it could not be done.
pub async fn confirm_registration(
    at: &Authority,
    (loader, rules): (&Loader, &Rules),
    (code, password): (&str, Secret),
) -> Result<Registered, ConfirmRefused> {
    let hash = OneTimeCode::hash_of(code);
    let pending = pending(at, &hash).await?;
    match show_secret(at, &pending.email, (&pending.password, password)).await {
        Ok(()) => {}
        Err(PersonRefused::TooOften) => return Err(ConfirmRefused::TooOften),
        Err(PersonRefused::Unable(failure)) => return Err(failure.into()),
        Err(_) => return Err(ConfirmRefused::WrongPassword),
    }
    let _alone = loader.lane().await;
    for _ in Authority::tries() {
        loader.refresh().await?;
        let snapshot = loader.handle().load_full();
        let pending = self::pending(at, &hash).await?;
        let found = at.store.person_by_email(&pending.email).await?;
        if found.is_some() {
            return Err(ConfirmRefused::LinkGone);
        }
        let (registered, resource) = made(at, rules, &pending, snapshot.revision())?;
        let changes = whole(at, &snapshot, (&registered, resource, hash))?;
        if let Offered::In(_) = at.offer(changes).await? {
            loader.refresh().await?;
            return Ok(registered);
        }
    }
    Err(Unable::Crowded.into())
}

/// Signs in whoever has just confirmed their registration, with the password.
///
/// # Errors
/// When there is no randomness or the store fails.
pub async fn sign_in_after_registering(
    at: &Authority,
    registered: Registered,
    label: &str,
) -> Result<Tried, Unable> {
    sign_in_registered(at, registered, label).await
}

async fn pending(at: &Authority, hash: &[u8; 32]) -> Result<Pending, ConfirmRefused> {
    let found = at.store.registration(hash, at.clock.now()).await?;
    let kept = found.ok_or(ConfirmRefused::LinkGone)?;
    let broken = || Unable::Unreadable("a registration".to_owned());
    let opened = at.sealer.open(&seal_name(hash), &kept.sealed);
    let text = opened.map_err(|_| broken())?;
    Ok(serde_json::from_str(text.expose()).map_err(|_| broken())?)
}

/// Person and account as they are to be.
fn made(
    at: &Authority,
    rules: &Rules,
    pending: &Pending,
    base: Revision,
) -> Result<(Registered, Resource), ConfirmRefused> {
    let now = at.clock.now();
    let account = AccountId::new(&*at.clock, &*at.entropy)?;
    let name = assigned_name("dev", &account.to_string())?;
    let person = Person {
        kept: store::Person {
            id: PersonId::new(&*at.clock, &*at.entropy)?,
            email: pending.email.clone(),
            name: pending.name.clone(),
            body: String::new(),
            password: Some(pending.password.clone()),
            code_seed: None,
            sign_ins_from: now,
            created_at: now,
            version: base,
        },
        standing: Standing::Active,
        duties: Duties::of_developer(account),
        agreed: pending.agreed.clone(),
    };
    let body = Account {
        title: Some(pending.name.clone()),
        kind: AccountKind::Company,
        verified: rules.email_verifies,
        country: None,
        plan: None,
        properties: std::collections::BTreeMap::new(),
        external_ids: std::collections::BTreeMap::new(),
        upstream_credentials: std::collections::BTreeMap::new(),
        developer: Some(Developer::default()),
    };
    let resource = Resource {
        kind: Kind::Account,
        name: name.clone(),
        id: account.as_u128(),
        version: Revision(base.0.saturating_add(1)),
        body: body.to_body(),
        created_at: now,
        updated_at: now,
    };
    let registered = Registered {
        person,
        account,
        name,
    };
    Ok((registered, resource))
}

/// A name nobody chose: a word and the end of the id, which is random.
pub(crate) fn assigned_name(word: &str, id: &str) -> Result<Name, Unable> {
    let skipped = id.chars().count().saturating_sub(12);
    let end: String = id.chars().skip(skipped).collect();
    let name = format!("{word}-{end}");
    name.parse().map_err(|_| Unable::Unreadable(name))
}

fn whole(
    at: &Authority,
    snapshot: &Snapshot,
    (registered, resource, hash): (&Registered, Resource, [u8; 32]),
) -> Result<WriteSet, ConfirmRefused> {
    let built = snapshot.changed(&Changes {
        revision: resource.version,
        puts: std::slice::from_ref(&resource),
        deletes: &[],
        credentials: &[],
    });
    built.map_err(ChangeRefused::Wrong)?;
    let events = told(at, registered, &resource)?;
    Ok(WriteSet {
        base: Some(snapshot.revision()),
        expected: vec![(Kind::Account, registered.name.clone(), Expected::Absent)],
        puts: vec![resource],
        persons: vec![registered.person.row()?],
        dropped_registrations: vec![hash],
        events,
        at: at.clock.now(),
        ..WriteSet::default()
    })
}

fn told(
    at: &Authority,
    registered: &Registered,
    resource: &Resource,
) -> Result<Vec<NewEvent>, Unable> {
    let id = registered.person.kept.id.to_string();
    let terms = registered.person.agreed.as_ref();
    let detail = json!({
        "what": "registered",
        "developer": registered.account,
        "terms": terms.map(|agreed| &agreed.version),
    });
    let account = event_detail(Kind::Account, &resource.body);
    let thing = (Kind::Account.as_str(), resource.name.as_str());
    Ok(vec![
        at.event(&id, EventAction::Created, thing, &account)?,
        at.event(&id, EventAction::Created, (PERSON_KIND, &*id), &detail)?,
    ])
}
