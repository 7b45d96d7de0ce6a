use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use flows::{Caller, NewSignIn, PasswordSet, Tried, Unable};
use primitives::Secret;
use serde::{Deserialize, Serialize};
use store::SignInKind;

use crate::{Console, Side};

mod passkey;

pub(crate) use passkey::{asked, begin_passkey, passkey};

const HOURS: u32 = 12;
const WRONG: &str = "That address and password do not belong together, or the time for the code has run out. Try again.";
const TOO_OFTEN: &str =
    "Tried too often. Wait a minute, then try again, or ask an admin for a new password link.";
const LINK_GONE: &str = "This link has been used or has run out. Make a new one.";

/// What a one-time link carries.
#[derive(Deserialize)]
pub(crate) struct Link {
    #[serde(default)]
    code: String,
}

/// A form of the sign-in page.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Entry {
    /// The button of a one-time link.
    Link { code: String },
    /// Address and password.
    Password { email: String, password: String },
}

/// The form of the second factor.
#[derive(Deserialize)]
pub(crate) struct CodeEntry {
    ticket: String,
    code: String,
}

/// The form of a password link.
#[derive(Deserialize)]
pub(crate) struct NewPassword {
    code: String,
    password: String,
}

/// What the page asks for.
#[derive(Serialize)]
#[serde(tag = "asks", rename_all = "snake_case")]
pub(crate) enum Asks {
    /// The press of a button.
    Link { code: String },
    /// Address and password.
    Password { email: String },
    /// A one-time code.
    Code { ticket: String },
    /// A new password.
    NewPassword { code: String },
    /// An address to mail a password link to.
    Forgot,
    /// To look into the mailbox.
    Mailed,
}

#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    asks: Asks,
    problem: Option<&'a str>,
    hours: u32,
}

fn cookie_name(console: &Console) -> &'static str {
    console.place.side.cookie(console.place.tls)
}

/// Who is signed in, if the request carries a sign-in that counts; a failure is an answer.
pub(crate) async fn of(console: &Console, headers: &HeaderMap) -> Result<Option<Caller>, Response> {
    let jar = CookieJar::from_headers(headers);
    let Some(cookie) = jar.get(cookie_name(console)) else {
        return Ok(None);
    };
    let kind = SignInKind::Browser;
    let found = flows::find_caller(&console.authority, cookie.value(), kind).await;
    let found = found.map_err(|problem| failed(&problem))?;
    Ok(found.filter(|caller| console.place.side.lets_in(caller.duties())))
}

pub(crate) fn page(console: &Console, asks: Asks, problem: Option<&str>) -> Response {
    let view = View {
        asks,
        problem,
        hours: HOURS,
    };
    let page = console.templates().page("sign_in.html", &view, None);
    match problem {
        None => page,
        Some(_) => (StatusCode::FORBIDDEN, page).into_response(),
    }
}

const fn password(email: String) -> Asks {
    Asks::Password { email }
}

/// `GET /console/sign-in`. Does not use a link up, so that a preview of it cannot.
pub(crate) async fn ask(State(console): State<Console>, Query(link): Query<Link>) -> Response {
    let asks = if link.code.is_empty() {
        password(String::new())
    } else {
        Asks::Link { code: link.code }
    };
    page(&console, asks, None)
}

/// `POST /console/sign-in`: by a link, which is used up, or by address and password.
pub(crate) async fn begin(
    State(console): State<Console>,
    headers: HeaderMap,
    Form(entry): Form<Entry>,
) -> Response {
    let label = label(&headers);
    match entry {
        Entry::Link { code } => {
            match flows::sign_in_by_link(&console.authority, &code, &label).await {
                Ok(Some(new)) => welcome(&console, &new).await,
                Ok(None) => page(&console, password(String::new()), Some(LINK_GONE)),
                Err(problem) => failed(&problem),
            }
        }
        Entry::Password { email, password } => {
            let given = (email.as_str(), Secret::new(password));
            let tried = flows::sign_in_by_password(&console.authority, given, &label).await;
            after(&console, tried, email).await
        }
    }
}

/// `POST /console/sign-in/code`: the second factor.
pub(crate) async fn code(
    State(console): State<Console>,
    headers: HeaderMap,
    Form(entry): Form<CodeEntry>,
) -> Response {
    let given = (entry.ticket.as_str(), entry.code.as_str());
    let tried = flows::sign_in_by_code(&console.authority, given, &label(&headers)).await;
    after(&console, tried, String::new()).await
}

/// What becomes of a try to sign in.
pub(crate) async fn after(
    console: &Console,
    tried: Result<Tried, Unable>,
    email: String,
) -> Response {
    let tried = match tried {
        Ok(tried) => tried,
        Err(problem) => return failed(&problem),
    };
    let ticket = |link: &flows::NewLink| Asks::Code {
        ticket: link.code.expose().to_owned(),
    };
    match tried {
        Tried::In(new) => welcome(console, &new).await,
        Tried::NeedsCode(link) => page(console, ticket(&link), None),
        Tried::WrongCode(link) => {
            let problem = "That is not the code of now, or it was used. Wait for the next one, or type a recovery code.";
            page(console, ticket(&link), Some(problem))
        }
        Tried::Wrong => page(console, password(email), Some(WRONG)),
        Tried::TooOften => page(console, password(email), Some(TOO_OFTEN)),
        Tried::Passkey(why) => {
            console.place.refused.count(why);
            page(console, password(email), Some(&passkey::told(why)))
        }
    }
}

/// `GET /console/password`: an invitation, or a password to be set anew.
pub(crate) async fn ask_password(
    State(console): State<Console>,
    Query(link): Query<Link>,
) -> Response {
    page(&console, Asks::NewPassword { code: link.code }, None)
}

/// `POST /console/password`.
pub(crate) async fn set_password(
    State(console): State<Console>,
    headers: HeaderMap,
    Form(entry): Form<NewPassword>,
) -> Response {
    let given = (entry.code.as_str(), Secret::new(entry.password));
    let set = flows::set_password_by_link(&console.authority, given, &label(&headers)).await;
    match set {
        Ok(PasswordSet::Tried(tried)) => after(&console, Ok(tried), String::new()).await,
        Ok(PasswordSet::LinkGone) => {
            let problem = "This link has been used or has run out. Ask an admin for another.";
            page(&console, password(String::new()), Some(problem))
        }
        Ok(PasswordSet::Refused(why, link)) => {
            let code = link.code.expose().to_owned();
            page(
                &console,
                Asks::NewPassword { code },
                Some(&sentence(&why.to_string())),
            )
        }
        Err(problem) => failed(&problem),
    }
}

/// A refusal as a sentence of a page.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first
        .into_iter()
        .flatten()
        .chain(letters)
        .chain(['.'])
        .collect()
}

/// The cookie of a new sign-in; the one of before, whoever set it, is not taken over.
pub(crate) fn cookie(
    console: &Console,
    new: &NewSignIn,
) -> AppendHeaders<[(header::HeaderName, String); 1]> {
    let cookie = Cookie::build((cookie_name(console), new.secret.expose().to_owned()))
        .path("/")
        .http_only(true)
        .secure(console.place.tls)
        .same_site(SameSite::Strict)
        .build();
    AppendHeaders([(header::SET_COOKIE, cookie.to_string())])
}

/// Whoever belongs to the other side is signed out again, and told where to go.
async fn welcome(console: &Console, new: &NewSignIn) -> Response {
    let (at, secret) = (&console.authority, new.secret.expose());
    let side = console.place.side;
    match flows::find_caller(at, secret, SignInKind::Browser).await {
        Ok(Some(caller)) if side.lets_in(caller.duties()) => {
            (cookie(console, new), Redirect::to(side.home())).into_response()
        }
        Ok(_) => {
            if let Err(problem) = flows::sign_out(at, secret).await {
                return failed(&problem);
            }
            let origins = &console.place.rules.origins;
            let says = match side {
                Side::Provider => format!("You are a developer here: sign in at {}.", origins.site),
                Side::Developers => {
                    "You belong to no developer account: sign in at the operator's console."
                        .to_owned()
                }
            };
            page(console, password(String::new()), Some(&says))
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
    let there = console.place.side.path("/sign-in");
    (set, Redirect::to(&there)).into_response()
}

/// What a browser calls itself, in two words: for telling one's own sign-ins apart.
pub(crate) fn label(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or("");
    let first = |known: &[(&str, &'static str)], other: &'static str| {
        let found = known.iter().find(|(mark, _)| agent.contains(mark));
        found.map_or(other, |(_, name)| name)
    };
    let browser = first(
        &[
            ("Edg/", "Edge"),
            ("Firefox/", "Firefox"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
        ],
        "a browser",
    );
    let system = first(
        &[
            ("Android", "Android"),
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Windows", "Windows"),
            ("Mac OS", "macOS"),
            ("Linux", "Linux"),
        ],
        "another system",
    );
    format!("{browser} on {system}")
}

pub(crate) fn failed(problem: &Unable) -> Response {
    tracing::error!(%problem, "a sign-in could not be read or written");
    let says = match problem {
        Unable::Busy => "too many sign in at once; try again",
        _ => "the store does not answer; try again",
    };
    (StatusCode::SERVICE_UNAVAILABLE, says).into_response()
}
