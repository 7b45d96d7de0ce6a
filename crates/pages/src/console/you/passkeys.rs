use axum::{Form, extract::Path, http::StatusCode, response::Response};
use flows::PersonRefused;
use primitives::{PasskeyId, Secret};
use serde::Deserialize;

use super::{Console, PageProblem, PasswordOnce, Told, nobody, page, refused};
use crate::sign_in::asked;

/// A passkey that a browser has made, as its script wrote it into the form.
#[derive(Deserialize)]
pub(crate) struct NewPasskey {
    name: String,
    answer: String,
}

/// `POST …/you/passkeys/begin`: for the script, what the browser is to be asked.
pub(crate) async fn begin_passkey(
    console: Console,
    Form(given): Form<PasswordOnce>,
) -> Result<Response, PageProblem> {
    let Some(person) = console.caller().person.clone() else {
        return Ok(nobody(&console));
    };
    let party = match &*console.party {
        Ok(party) => party,
        Err(why) => return Ok(asked(Err((StatusCode::NOT_FOUND, why.to_string())))),
    };
    let password = Secret::new(given.password);
    match flows::begin_passkey(&console.authority, (&person, party), password).await {
        Ok(options) => Ok(asked(Ok(options))),
        Err(PersonRefused::Unable(failure)) => Err(failure.into()),
        Err(why) => Ok(asked(Err((
            StatusCode::UNPROCESSABLE_ENTITY,
            why.to_string(),
        )))),
    }
}

/// `POST …/you/passkeys`: adds the one that the browser has made.
pub(crate) async fn add_passkey(
    console: Console,
    Form(given): Form<NewPasskey>,
) -> Result<Response, PageProblem> {
    let Some(person) = console.caller().person.clone() else {
        return Ok(nobody(&console));
    };
    let party = match &*console.party {
        Ok(party) => party,
        Err(why) => return page(&console, person, Told::problem(&why.to_string())).await,
    };
    let made = (given.name.as_str(), given.answer.as_str());
    if let Err(why) = flows::add_passkey(&console.authority, (&person, party), made).await {
        if let PersonRefused::Passkey(why) = why {
            console.place.refused.count(why);
        }
        return refused(&console, person, why).await;
    }
    let told = "The passkey is added. It signs you in alone, without a password.";
    page(&console, person, Told::done(told)).await
}

/// `POST …/you/passkeys/{id}/remove`: from now on it signs nobody in.
pub(crate) async fn remove_passkey(
    console: Console,
    Path(id): Path<String>,
    Form(given): Form<PasswordOnce>,
) -> Result<Response, PageProblem> {
    let Some(person) = console.caller().person.clone() else {
        return Ok(nobody(&console));
    };
    let Ok(id) = id.parse::<PasskeyId>() else {
        return refused(&console, person, PersonRefused::PasskeyUnknown).await;
    };
    let password = Secret::new(given.password);
    let whose = (&person, id);
    if let Err(why) = flows::remove_passkey(&console.authority, whose, password).await {
        return refused(&console, person, why).await;
    }
    let told = "The passkey signs nobody in any more. Remove it on its device as well.";
    page(&console, person, Told::done(told)).await
}
