use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use serde::{Deserialize, Serialize};

use crate::Console;

const HOURS: u32 = 12;

/// What a one-time link carries.
#[derive(Deserialize)]
pub(crate) struct Link {
    #[serde(default)]
    code: String,
}

#[derive(Serialize)]
struct View {
    code: String,
    problem: Option<&'static str>,
    hours: u32,
}

fn cookie_name(console: &Console) -> &'static str {
    // The `__Host-` prefix demands Secure, which plain http on localhost cannot always have.
    if console.place.tls {
        "__Host-portreeve"
    } else {
        "portreeve"
    }
}

/// Whether the request carries a sign-in that has not ended; a failure is an answer.
pub(crate) async fn of(console: &Console, headers: &HeaderMap) -> Result<bool, Response> {
    let jar = CookieJar::from_headers(headers);
    let Some(cookie) = jar.get(cookie_name(console)) else {
        return Ok(false);
    };
    match flows::find_sign_in(&console.authority, cookie.value()).await {
        Ok(found) => Ok(found.is_some()),
        Err(problem) => Err(failed(&problem)),
    }
}

/// `GET /console/sign-in`. Does not use the link up, so that a preview of it cannot.
pub(crate) async fn ask(State(console): State<Console>, Query(link): Query<Link>) -> Response {
    let view = View {
        code: link.code,
        problem: None,
        hours: HOURS,
    };
    console.templates().page("sign_in.html", &view)
}

/// `POST /console/sign-in`: uses the link up.
pub(crate) async fn begin(State(console): State<Console>, Form(link): Form<Link>) -> Response {
    match flows::sign_in(&console.authority, &link.code).await {
        Ok(Some(new)) => {
            let cookie = Cookie::build((cookie_name(&console), new.cookie.expose().to_owned()))
                .path("/")
                .http_only(true)
                .secure(console.place.tls)
                .same_site(SameSite::Strict)
                .build();
            let set = AppendHeaders([(header::SET_COOKIE, cookie.to_string())]);
            (set, Redirect::to("/console")).into_response()
        }
        Ok(None) => {
            let problem = Some("This link has been used or has run out. Make a new one.");
            let view = View {
                code: String::new(),
                problem,
                hours: HOURS,
            };
            (
                StatusCode::FORBIDDEN,
                console.templates().page("sign_in.html", &view),
            )
                .into_response()
        }
        Err(problem) => failed(&problem),
    }
}

/// `POST /console/sign-out`.
pub(crate) async fn end(State(console): State<Console>, jar: CookieJar) -> Response {
    if let Some(cookie) = jar.get(cookie_name(&console))
        && let Err(problem) = flows::sign_out(&console.authority, cookie.value()).await
    {
        return failed(&problem);
    }
    let gone = Cookie::build((cookie_name(&console), ""))
        .path("/")
        .removal()
        .build();
    let set = AppendHeaders([(header::SET_COOKIE, gone.to_string())]);
    (set, Redirect::to("/console/sign-in")).into_response()
}

fn failed(problem: &flows::Unable) -> Response {
    tracing::error!(%problem, "a sign-in could not be read or written");
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "the store does not answer; try again",
    )
        .into_response()
}
