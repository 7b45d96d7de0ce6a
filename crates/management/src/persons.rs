use std::collections::BTreeSet;

use accounts::persons::{Duties, NotARole, Role};
use axum::{extract::State, response::Response};
use flows::{
    Invitation, Invited, NewLink, PersonChange, change_person, delete_person, find_person,
    invite_person, make_password_link,
};
use http::StatusCode;
use http_kit::{Json, Listing, Page, PageParameters, Path, Problem, Problems, codes};
use primitives::{Name, PersonId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    audit::Whole,
    instant::Instant,
    names::malformed,
    operator::By,
    posted::{Instead, Posted},
    refusals::{failed, person_refused, unable},
};

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(list, invite))
        .routes(routes!(show, delete))
        .routes(routes!(duties))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(remove_codes))
        .routes(routes!(remove_passkeys))
        .routes(routes!(sign_out))
        .routes(routes!(password_link))
        .merge(crate::own_sign_ins::routes())
}

/// Somebody who signs in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Person {
    /// Its id.
    #[schema(example = "person_01k0000000000000000000000")]
    id: String,
    /// The e-mail address, in lower case.
    email: String,
    /// What they are called.
    name: String,
    /// `invited`, `active` or `disabled`.
    standing: &'static str,
    /// `viewer`, `support`, `risk`, `business_unit`, `admin`.
    roles: Vec<&'static str>,
    /// The business units of the role `business_unit`.
    units: Vec<String>,
    /// The developer account that they belong to; they have no roles then.
    developer: Option<String>,
    /// Whether they have a second factor.
    one_time_codes: bool,
    /// When they were invited.
    created_at: Instant,
    /// The revision that last changed them.
    version: u64,
}

impl From<&flows::Person> for Person {
    fn from(person: &flows::Person) -> Self {
        let (kept, duties) = (&person.kept, &person.duties);
        Self {
            id: kept.id.to_string(),
            email: kept.email.clone(),
            name: kept.name.clone(),
            standing: person.standing.as_str(),
            roles: duties.roles.iter().map(|role| role.as_str()).collect(),
            units: duties.units.iter().map(ToString::to_string).collect(),
            developer: duties.developer.map(|account| account.to_string()),
            one_time_codes: kept.code_seed.is_some(),
            created_at: kept.created_at.into(),
            version: kept.version.0,
        }
    }
}

/// Somebody who has been invited.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitedPerson {
    /// Who.
    person: Person,
    /// What they open to choose a password; works once.
    link: PersonLink,
    /// Whether the link was mailed to them; its `url` is not in the answer then.
    mailed: bool,
}

/// A link for a person, to be handed to them.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonLink {
    /// The address to open; `null` when it was mailed, and in the answer to a repetition after 24
    /// hours.
    url: Option<String>,
    /// When it stops working.
    expires_at: Instant,
}

impl PersonLink {
    fn of(desk: &Management, duties: &Duties, link: &NewLink, shown: bool) -> Self {
        let (page, code) = (desk.rules.origins.password_page(duties), link.code.expose());
        Self {
            url: shown.then(|| format!("{page}?code={code}")),
            expires_at: link.expires_at.into(),
        }
    }
}

/// Who is to be invited.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvitationRequest {
    /// The e-mail address.
    #[schema(example = "kim@example.com")]
    email: String,
    /// What they are called.
    name: String,
    /// What they are to be allowed: `viewer`, `support`, `risk`, `business_unit`, `admin`.
    roles: BTreeSet<String>,
    /// The business units of the role `business_unit`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    units: BTreeSet<Name>,
}

/// What somebody is to be allowed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DutiesRequest {
    /// `viewer`, `support`, `risk`, `business_unit`, `admin`.
    roles: BTreeSet<String>,
    /// The business units of the role `business_unit`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    units: BTreeSet<Name>,
}

/// Nothing has to be said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonRequest {}

fn duties_of(roles: &BTreeSet<String>, units: &BTreeSet<Name>) -> Result<Duties, Problem> {
    let roles: Result<BTreeSet<Role>, NotARole> = roles.iter().map(|role| role.parse()).collect();
    let roles =
        roles.map_err(|why| Problem::of(&codes::CHANGE_REFUSED).because(why.to_string()))?;
    Ok(Duties {
        roles,
        units: units.clone(),
        developer: None,
    })
}

fn person_id(given: &str) -> Result<PersonId, Problem> {
    given.parse().map_err(|why| malformed(&why))
}

/// Persons, by e-mail address
#[utoipa::path(get, path = "/v1/persons", tag = "persons", operation_id = "listPersons",
    params(PageParameters),
    responses((status = 200, body = Page<Person>), Problems))]
async fn list(
    State(desk): State<Management>,
    listing: Listing<Whole>,
) -> Result<Json<Page<Person>>, Problem> {
    let after = listing.position::<String>()?;
    let store = &desk.authority.store;
    let rows = store.persons(after.as_deref(), listing.rows()).await;
    let mark = |row: &store::Person| row.email.clone();
    let read = |row| flows::Person::read(row).map_err(unable);
    let page = listing.page(rows.map_err(failed)?, mark, read);
    let items: Result<Vec<flows::Person>, Problem> = page.items.into_iter().collect();
    Ok(Json(Page {
        items: items?.iter().map(Person::from).collect(),
        next: page.next,
    }))
}

/// Invite somebody
///
/// They choose a password with the link. Where mails go out it is mailed to them; otherwise it is
/// in the answer and nowhere else: hand it to them.
#[utoipa::path(post, path = "/v1/persons", tag = "persons", operation_id = "invitePerson",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = InvitationRequest,
    responses((status = 201, body = InvitedPerson), Problems))]
async fn invite(
    State(desk): State<Management>,
    posted: Posted<InvitationRequest>,
) -> Result<Response, Instead> {
    let told = |invited: &Invited, shown: bool| InvitedPerson {
        person: Person::from(&invited.person),
        link: PersonLink::of(
            &desk,
            &invited.person.duties,
            &invited.link,
            shown && !invited.mailed,
        ),
        mailed: invited.mailed,
    };
    let invited = async {
        let wanted = Invitation {
            email: posted.body.email.clone(),
            name: posted.body.name.clone(),
            duties: duties_of(&posted.body.roles, &posted.body.units)?,
        };
        let keep = |invited: &Invited| {
            let bodies = (told(invited, true), told(invited, false));
            posted.answer_once(&desk, 201, (&bodies.0, &bodies.1))
        };
        let by = posted.by.actor();
        let post = desk.sends_mails.then_some(&desk.rules.origins);
        let invited = invite_person(&desk.authority, (&by, post), &wanted, &keep).await;
        Ok(told(&invited.map_err(person_refused)?, true))
    };
    Ok(posted.end(&desk, 201, invited.await).await?)
}

/// A person
#[utoipa::path(get, path = "/v1/persons/{person}", tag = "persons", operation_id = "getPerson",
    params(("person" = String, Path, description = "Id of the person")),
    responses((status = 200, body = Person), Problems))]
async fn show(
    State(desk): State<Management>,
    Path(given): Path<String>,
) -> Result<Json<Person>, Problem> {
    let found = find_person(&desk.authority, person_id(&given)?).await;
    Ok(Json(Person::from(&found.map_err(person_refused)?)))
}

/// Delete a person
///
/// Who they were is gone; what they did stays in the event log under their id.
#[utoipa::path(delete, path = "/v1/persons/{person}", tag = "persons",
    operation_id = "deletePerson",
    params(("person" = String, Path, description = "Id of the person")),
    responses((status = 204, description = "They are gone"), Problems))]
async fn delete(
    State(desk): State<Management>,
    by: By,
    Path(given): Path<String>,
) -> Result<StatusCode, Problem> {
    let deleted = delete_person(&desk.authority, &by, person_id(&given)?).await;
    deleted.map_err(person_refused)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn change<T: Sync>(
    desk: &Management,
    given: &str,
    posted: &Posted<T>,
    change: Result<PersonChange, Problem>,
) -> Result<Response, Instead> {
    let changed = async {
        let (id, change) = (person_id(given)?, change?);
        let keep = |person: &flows::Person| posted.answer(200, &Person::from(person));
        let changed = change_person(&desk.authority, (&posted.by, id), &change, &keep).await;
        Ok(Person::from(&changed.map_err(person_refused)?))
    };
    Ok(posted.end(desk, 200, changed.await).await?)
}

/// Give a person other roles
///
/// In force with the next request they make. Nobody changes their own.
#[utoipa::path(post, path = "/v1/persons/{person}/duties", tag = "persons",
    operation_id = "setDuties",
    params(("person" = String, Path, description = "Id of the person"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = DutiesRequest,
    responses((status = 200, body = Person), Problems))]
async fn duties(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<DutiesRequest>,
) -> Result<Response, Instead> {
    let duties = duties_of(&posted.body.roles, &posted.body.units);
    change(&desk, &given, &posted, duties.map(PersonChange::Duties)).await
}

/// Shut a person out
///
/// Every sign-in and token of theirs ends with it.
#[utoipa::path(post, path = "/v1/persons/{person}/disable", tag = "persons",
    operation_id = "disablePerson",
    params(("person" = String, Path, description = "Id of the person"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = PersonRequest,
    responses((status = 200, body = Person), Problems))]
async fn disable(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<PersonRequest>,
) -> Result<Response, Instead> {
    change(&desk, &given, &posted, Ok(PersonChange::Disable)).await
}

/// Let a person in again
///
/// What was signed in before stays ended.
#[utoipa::path(post, path = "/v1/persons/{person}/enable", tag = "persons",
    operation_id = "enablePerson",
    params(("person" = String, Path, description = "Id of the person"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = PersonRequest,
    responses((status = 200, body = Person), Problems))]
async fn enable(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<PersonRequest>,
) -> Result<Response, Instead> {
    change(&desk, &given, &posted, Ok(PersonChange::Enable)).await
}

/// Take a person's one-time codes off
///
/// For somebody who has lost the device and has no recovery code left. They sign in with the
/// password alone until they set codes up again.
#[utoipa::path(post, path = "/v1/persons/{person}/remove-codes", tag = "persons",
    operation_id = "removeCodes",
    params(("person" = String, Path, description = "Id of the person"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = PersonRequest,
    responses((status = 200, body = Person), Problems))]
async fn remove_codes(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<PersonRequest>,
) -> Result<Response, Instead> {
    change(&desk, &given, &posted, Ok(PersonChange::RemoveCodes)).await
}

/// Take all passkeys of a person off
///
/// For somebody who has lost a device that signs in by itself. The password stays as it is.
#[utoipa::path(post, path = "/v1/persons/{person}/remove-passkeys", tag = "persons",
    operation_id = "removePasskeys",
    params(("person" = String, Path, description = "Id of the person"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = PersonRequest,
    responses((status = 200, body = Person), Problems))]
async fn remove_passkeys(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<PersonRequest>,
) -> Result<Response, Instead> {
    change(&desk, &given, &posted, Ok(PersonChange::RemovePasskeys)).await
}

/// End every sign-in and token of a person
#[utoipa::path(post, path = "/v1/persons/{person}/sign-out", tag = "persons",
    operation_id = "signOutEverywhere",
    params(("person" = String, Path, description = "Id of the person"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = PersonRequest,
    responses((status = 200, body = Person), Problems))]
async fn sign_out(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<PersonRequest>,
) -> Result<Response, Instead> {
    change(&desk, &given, &posted, Ok(PersonChange::SignOutEverywhere)).await
}

/// Make a link with which a person sets a password anew
///
/// Their one-time codes stay, and are asked for after it.
#[utoipa::path(post, path = "/v1/persons/{person}/password-link", tag = "persons",
    operation_id = "makePasswordLink",
    params(("person" = String, Path, description = "Id of the person"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = PersonRequest,
    responses((status = 201, body = PersonLink), Problems))]
async fn password_link(
    State(desk): State<Management>,
    Path(given): Path<String>,
    posted: Posted<PersonRequest>,
) -> Result<Response, Instead> {
    let made = async {
        let (by, id) = (posted.by.actor(), person_id(&given)?);
        let link = make_password_link(&desk.authority, &by, id).await;
        let link = link.map_err(person_refused)?;
        let person = find_person(&desk.authority, id).await;
        let duties = person.map_err(person_refused)?.duties;
        let told = |shown: bool| PersonLink::of(&desk, &duties, &link, shown);
        let answer = posted.answer_once(&desk, 201, (&told(true), &told(false)));
        posted.keep(&desk, answer.map_err(unable)?).await?;
        Ok(told(true))
    };
    Ok(posted.end(&desk, 201, made.await).await?)
}
