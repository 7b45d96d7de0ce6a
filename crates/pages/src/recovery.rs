use accounts::persons::Email;
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use flows::{Asked, mail_password_link};
use http_kit::Network;
use serde::Deserialize;

use crate::{
    Console, Mails,
    sign_in::{Asks, failed, page, sentence},
};

/// The form of somebody who has forgotten the password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forgotten {
    email: String,
}

/// `GET /forgot`.
pub(crate) async fn ask(State(console): State<Console>) -> Response {
    if console.place.mails == Mails::Off {
        return (StatusCode::NOT_FOUND, "no mails go out from here").into_response();
    }
    page(&console, Asks::Forgot, None)
}

/// `POST /forgot`: answers the same whether somebody has the address or not.
pub(crate) async fn mail(
    State(console): State<Console>,
    Network(network): Network,
    Form(forgotten): Form<Forgotten>,
) -> Response {
    if console.place.mails == Mails::Off {
        return (StatusCode::NOT_FOUND, "no mails go out from here").into_response();
    }
    let email: Email = match forgotten.email.parse() {
        Ok(email) => email,
        Err(why) => {
            let why: accounts::persons::EmailProblem = why;
            return page(&console, Asks::Forgot, Some(&sentence(&why.to_string())));
        }
    };
    let (rules, who) = (&console.place.rules, (&email, network.as_deref()));
    match mail_password_link(&console.authority, rules, who).await {
        Ok(Asked::Done) => page(&console, Asks::Mailed, None),
        Ok(Asked::TooMany | Asked::TooManyFromNetwork) => {
            let says = "Too many mails are asked for. Try again in some minutes.";
            page(&console, Asks::Forgot, Some(says))
        }
        Err(problem) => failed(&problem),
    }
}
