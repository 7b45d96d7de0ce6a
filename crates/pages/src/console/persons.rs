use std::collections::BTreeSet;

use accounts::persons::{Duties, Role};
use axum::{
    extract::{Path, Query, RawForm},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use flows::{
    Invitation, NewLink, Person, PersonChange, PersonRefused, change_person, delete_person,
    find_person, invite_person, make_password_link, passkeys_of, sign_ins_of,
};
use primitives::{Name, PageSize, PersonId};
use serde::{Deserialize, Serialize};

use super::{Console, PageProblem, form::Fields};
use crate::{
    Mails,
    sign_in::sentence,
    views::{Crumb, PersonRow, RoleChoice, SignInRow, link},
    when::When,
};

const LIST: &str = "/console/persons";

/// Where the page before ended.
#[derive(Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    after: String,
}

#[derive(Serialize)]
struct ListView {
    section: &'static str,
    rows: Vec<PersonRow>,
    roles: Vec<RoleChoice>,
    /// What was typed into a form that was refused.
    typed: Typed,
    problem: Option<String>,
    invited: Option<LinkView>,
    newest: Option<String>,
    next: Option<String>,
}

#[derive(Default, Serialize)]
struct Typed {
    email: String,
    name: String,
    units: String,
}

/// A link to be handed to somebody.
#[derive(Serialize)]
struct LinkView {
    whom: String,
    /// None when it was mailed.
    url: Option<String>,
    expires: When,
}

#[derive(Serialize)]
struct PersonView {
    section: &'static str,
    crumbs: [Crumb; 1],
    person: PersonRow,
    roles: Vec<RoleChoice>,
    units: String,
    sign_ins: Vec<SignInRow>,
    /// How many passkeys they have.
    passkeys: usize,
    /// Nobody changes themselves here.
    oneself: bool,
    link: Option<LinkView>,
    problem: Option<String>,
}

/// The duties that are ticked; what cannot be read is refused, in words.
fn duties(fields: &Fields) -> Result<Duties, String> {
    let roles: Result<BTreeSet<Role>, _> = fields.all("role").map(str::parse).collect();
    let units = fields.text("units").split([',', ' ']);
    let units: Result<BTreeSet<Name>, _> = units
        .filter(|unit| !unit.is_empty())
        .map(str::parse)
        .collect();
    Ok(Duties {
        roles: roles.map_err(|why| why.to_string())?,
        units: units.map_err(|why| why.to_string())?,
        developer: None,
    })
}

fn link_view(console: &Console, person: &Person, (link, is_shown): (&NewLink, bool)) -> LinkView {
    let page = console.place.rules.origins.password_page(&person.duties);
    LinkView {
        whom: person.kept.name.clone(),
        url: is_shown.then(|| format!("{page}?code={}", link.code.expose())),
        expires: When::of(link.expires_at, console.now()),
    }
}

/// `GET /console/persons`: everybody who signs in, by address.
pub(super) async fn list(
    console: Console,
    Query(shown): Query<Shown>,
) -> Result<Response, PageProblem> {
    let outcome = (Typed::default(), None, None);
    list_page(&console, &shown.after, outcome).await
}

async fn list_page(
    console: &Console,
    after: &str,
    (typed, problem, invited): (Typed, Option<String>, Option<LinkView>),
) -> Result<Response, PageProblem> {
    let size = PageSize::default();
    let given = Some(after).filter(|after| !after.is_empty());
    let found = console.authority.store.persons(given, size).await?;
    let last = found.last().filter(|_| found.len() >= size.get() as usize);
    let next = last.map(|last| link(LIST, &[("after", &last.email)]));
    let mut rows = Vec::with_capacity(found.len());
    for row in found {
        rows.push(PersonRow::of(&flows::Person::read(row)?, console.now()));
    }
    let status = match problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let view = ListView {
        section: "persons",
        rows,
        roles: RoleChoice::all(&Duties::default()),
        typed,
        problem,
        invited,
        newest: given.map(|_| LIST.to_owned()),
        next,
    };
    Ok((status, console.page("persons.html", &view)).into_response())
}

/// `POST /console/persons`: invites somebody, by mail or with a link to hand to them.
pub(super) async fn invite(
    console: Console,
    RawForm(bytes): RawForm,
) -> Result<Response, PageProblem> {
    let fields = Fields::read(&bytes);
    let typed = Typed {
        email: fields.text("email").to_owned(),
        name: fields.text("name").to_owned(),
        units: fields.text("units").to_owned(),
    };
    let wanted = duties(&fields).map(|duties| Invitation {
        email: typed.email.clone(),
        name: typed.name.clone(),
        duties,
    });
    let outcome = match wanted {
        Err(why) => (typed, Some(sentence(&why)), None),
        Ok(wanted) => {
            let by = console.caller().actor();
            let mails = console.place.mails == Mails::Sent;
            let post = mails.then_some(&console.place.rules.origins);
            let by = (by.as_str(), post);
            match invite_person(&console.authority, by, &wanted, &|_| Ok(None)).await {
                Ok(invited) => {
                    let link = (&invited.link, !invited.mailed);
                    let shown = link_view(&console, &invited.person, link);
                    (Typed::default(), None, Some(shown))
                }
                Err(PersonRefused::Unable(failure)) => return Err(failure.into()),
                Err(why) => (typed, Some(sentence(&why.to_string())), None),
            }
        }
    };
    list_page(&console, "", outcome).await
}

/// `GET /console/persons/{id}`: what they may do, and what is signed in.
pub(super) async fn show(
    console: Console,
    Path(id): Path<String>,
) -> Result<Response, PageProblem> {
    match id.parse() {
        Ok(id) => person_page(&console, id, (None, None)).await,
        Err(_) => Ok(console.not_found("person")),
    }
}

async fn person_page(
    console: &Console,
    id: PersonId,
    (problem, shown): (Option<String>, Option<NewLink>),
) -> Result<Response, PageProblem> {
    let person = match find_person(&console.authority, id).await {
        Ok(person) => person,
        Err(PersonRefused::Unable(failure)) => return Err(failure.into()),
        Err(_) => return Ok(console.not_found("person")),
    };
    let now = console.now();
    let sign_ins = sign_ins_of(&console.authority, &person).await?;
    let passkeys = passkeys_of(&console.authority, &person).await?.len();
    let own = console.caller().person.as_ref().map(|own| own.kept.id);
    let units: Vec<&str> = person.duties.units.iter().map(Name::as_str).collect();
    let status = match problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let view = PersonView {
        section: "persons",
        crumbs: [Crumb {
            title: "Persons",
            href: LIST.to_owned(),
        }],
        roles: RoleChoice::all(&person.duties),
        units: units.join(", "),
        sign_ins: SignInRow::all(&sign_ins, None, now),
        passkeys,
        oneself: own == Some(id),
        link: shown.map(|link| link_view(console, &person, (&link, true))),
        person: PersonRow::of(&person, now),
        problem,
    };
    Ok((status, console.page("person.html", &view)).into_response())
}

/// `POST /console/persons/{id}`: changes somebody. What cannot be read changes nothing.
pub(super) async fn change(
    console: Console,
    Path(id): Path<String>,
    RawForm(bytes): RawForm,
) -> Result<Response, PageProblem> {
    let Ok(id) = id.parse::<PersonId>() else {
        return Ok(console.not_found("person"));
    };
    let fields = Fields::read(&bytes);
    let change = match fields.text("change") {
        "duties" => duties(&fields).map(PersonChange::Duties),
        "disable" => Ok(PersonChange::Disable),
        "enable" => Ok(PersonChange::Enable),
        "remove_codes" => Ok(PersonChange::RemoveCodes),
        "remove_passkeys" => Ok(PersonChange::RemovePasskeys),
        "sign_out" => Ok(PersonChange::SignOutEverywhere),
        "password_link" => {
            let by = console.caller().actor();
            return match make_password_link(&console.authority, &by, id).await {
                Ok(link) => person_page(&console, id, (None, Some(link))).await,
                Err(refused) => refused_page(&console, id, refused).await,
            };
        }
        "delete" => {
            return match delete_person(&console.authority, console.caller(), id).await {
                Ok(()) => Ok(Redirect::to(LIST).into_response()),
                Err(refused) => refused_page(&console, id, refused).await,
            };
        }
        _ => Err("the form cannot be read; nothing was changed".to_owned()),
    };
    let change = match change {
        Ok(change) => change,
        Err(why) => return person_page(&console, id, (Some(sentence(&why)), None)).await,
    };
    let by = (console.caller(), id);
    match change_person(&console.authority, by, &change, &|_| Ok(None)).await {
        Ok(_) => Ok(Redirect::to(&format!("{LIST}/{id}")).into_response()),
        Err(refused) => refused_page(&console, id, refused).await,
    }
}

async fn refused_page(
    console: &Console,
    id: PersonId,
    refused: PersonRefused,
) -> Result<Response, PageProblem> {
    match refused {
        PersonRefused::Unable(failure) => Err(failure.into()),
        why => person_page(console, id, (Some(sentence(&why.to_string())), None)).await,
    }
}
