use axum::{
    Form,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use flows::{
    MOST_PASSKEYS, MOST_TOKEN_DAYS, NewCodes, Person, PersonRefused, begin_codes, change_password,
    confirm_codes, end_codes, end_sign_in, make_access_token, notice_reader, passkeys_of,
    recovery_codes_left, renew_recovery_codes, sign_in_again, sign_ins_of,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use primitives::{Secret, SignInId};
use qrcode::{EcLevel, QrCode, render::svg};
use serde::{Deserialize, Serialize};

use super::{Console, PageProblem};
use crate::{
    side::Side,
    sign_in::{cookie, sentence},
    views::{MailChoice, PasskeyRow, PersonRow, RoleChoice, SignInRow},
};

mod passkeys;

pub(crate) use passkeys::{add_passkey, begin_passkey, remove_passkey};

#[derive(Serialize)]
struct YouView {
    section: &'static str,
    person: PersonRow,
    roles: Vec<RoleChoice>,
    sign_ins: Vec<SignInRow>,
    passkeys: Vec<PasskeyRow>,
    most_passkeys: usize,
    /// Recovery codes that have not been used.
    left: u32,
    most_days: u16,
    done: Option<&'static str>,
    problem: Option<String>,
    /// An access token that has just been made, shown this once.
    token: Option<String>,
    codes: Option<CodesView>,
    /// Recovery codes that have just been made, shown this once.
    recovery: Vec<String>,
    /// What a developer is mailed of notices.
    mails: Option<Vec<MailChoice>>,
}

/// One-time codes that are about to be set up.
#[derive(Serialize)]
struct CodesView {
    picture: String,
    seed: String,
    sealed: String,
}

/// What the page tells beside what stands there.
#[derive(Default)]
struct Told {
    done: Option<&'static str>,
    problem: Option<String>,
    token: Option<String>,
    codes: Option<NewCodes>,
    recovery: Vec<Secret>,
}

impl Told {
    fn problem(text: &str) -> Self {
        Self {
            problem: Some(sentence(text)),
            ..Self::default()
        }
    }

    fn done(done: &'static str) -> Self {
        Self {
            done: Some(done),
            ..Self::default()
        }
    }
}

/// The present password and the new one.
#[derive(Deserialize)]
pub(crate) struct Passwords {
    present: String,
    password: String,
}

/// What confirms the codes of an app.
#[derive(Deserialize)]
pub(crate) struct Confirmation {
    sealed: String,
    code: String,
}

/// The password once more.
#[derive(Deserialize)]
pub(crate) struct PasswordOnce {
    password: String,
}

/// An access token to be made, with the password once more.
#[derive(Deserialize)]
pub(crate) struct TokenWanted {
    password: String,
    label: String,
    days: u16,
}

/// `GET /console/you`: one's own roles, second factor, sign-ins and tokens.
pub(crate) async fn show(console: Console) -> Result<Response, PageProblem> {
    match console.caller().person.clone() {
        Some(person) => page(&console, person, Told::default()).await,
        None => Ok(nobody(&console)),
    }
}

fn nobody(console: &Console) -> Response {
    let says = "You are signed in with the operator token, which is nobody's: it has no password, no roles and no tokens of its own. Invite a person, and sign in as that person.";
    console.problem(
        StatusCode::NOT_FOUND,
        "The operator token has no page",
        says,
    )
}

async fn page(console: &Console, person: Person, told: Told) -> Result<Response, PageProblem> {
    let now = console.now();
    let sign_ins = sign_ins_of(&console.authority, &person).await?;
    let passkeys = passkeys_of(&console.authority, &person).await?;
    let left = recovery_codes_left(&console.authority, &person).await?;
    let own = console.caller().sign_in.as_ref().map(|own| own.id);
    let status = match told.problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let mails = match console.place.side {
        Side::Developers => {
            let reader = notice_reader(&console.authority, person.kept.id).await?;
            Some(MailChoice::all(&reader))
        }
        Side::Provider => None,
    };
    let view = YouView {
        section: "you",
        mails,
        roles: RoleChoice::all(&person.duties),
        sign_ins: SignInRow::all(&sign_ins, own, now),
        passkeys: PasskeyRow::all(&passkeys, now),
        most_passkeys: MOST_PASSKEYS,
        left,
        person: PersonRow::of(&person, now),
        most_days: MOST_TOKEN_DAYS,
        done: told.done,
        problem: told.problem,
        token: told.token,
        codes: told.codes.map(|codes| CodesView {
            picture: picture(codes.uri.expose()),
            seed: in_fours(codes.seed.expose()),
            sealed: codes.sealed,
        }),
        recovery: shown(&told.recovery),
    };
    Ok((status, console.page("you.html", &view)).into_response())
}

fn shown(codes: &[Secret]) -> Vec<String> {
    codes.iter().map(|code| code.expose().to_owned()).collect()
}

/// A QR code as the address of a picture; none when there is too much to say, and the seed is typed instead.
fn picture(uri: &str) -> String {
    let Ok(code) = QrCode::with_error_correction_level(uri, EcLevel::M) else {
        return String::new();
    };
    let drawing = code
        .render::<svg::Color<'_>>()
        .min_dimensions(200, 200)
        .build();
    let escaped = utf8_percent_encode(&drawing, NON_ALPHANUMERIC);
    format!("data:image/svg+xml,{escaped}")
}

fn in_fours(seed: &str) -> String {
    let letters: Vec<char> = seed.chars().collect();
    let fours: Vec<String> = letters
        .chunks(4)
        .map(|four| four.iter().collect())
        .collect();
    fours.join(" ")
}

async fn refused(
    console: &Console,
    person: Person,
    why: PersonRefused,
) -> Result<Response, PageProblem> {
    match why {
        PersonRefused::Unable(failure) => Err(failure.into()),
        why => page(console, person, Told::problem(&why.to_string())).await,
    }
}

/// `POST /console/you/password`: ends every other sign-in and token.
pub(crate) async fn password(
    console: Console,
    Form(given): Form<Passwords>,
) -> Result<Response, PageProblem> {
    let (Some(person), Some(own)) = (console.caller().person.clone(), console.own()) else {
        return Ok(nobody(&console));
    };
    let passwords = (Secret::new(given.present), Secret::new(given.password));
    match change_password(&console.authority, &person, passwords).await {
        Err(why) => refused(&console, person, why).await,
        Ok(changed) => match sign_in_again(&console.authority, changed, &own).await? {
            Some(new) => Ok((
                cookie(&console, &new),
                Redirect::to(&console.place.side.path("/you")),
            )
                .into_response()),
            None => Ok(Redirect::to(&console.place.side.path("/you")).into_response()),
        },
    }
}

/// `POST /console/you/codes`: shows a seed for an authenticator app.
pub(crate) async fn codes(
    console: Console,
    Form(given): Form<PasswordOnce>,
) -> Result<Response, PageProblem> {
    let Some(person) = console.caller().person.clone() else {
        return Ok(nobody(&console));
    };
    let (password, issuer) = (Secret::new(given.password), &console.place.name);
    match begin_codes(&console.authority, &person, password, issuer).await {
        Err(why) => refused(&console, person, why).await,
        Ok(codes) => {
            let told = Told {
                codes: Some(codes),
                ..Told::default()
            };
            page(&console, person, told).await
        }
    }
}

/// `POST /console/you/codes/confirm`: a code shows that the app has the seed.
pub(crate) async fn confirm(
    console: Console,
    Form(given): Form<Confirmation>,
) -> Result<Response, PageProblem> {
    let Some(person) = console.caller().person.clone() else {
        return Ok(nobody(&console));
    };
    let shown = (given.sealed.as_str(), given.code.as_str());
    let (at, issuer) = (&console.authority, &console.place.name);
    match confirm_codes(at, &person, shown, issuer).await {
        Err(why) => refused(&console, person, why).await,
        Ok(Ok(set_up)) => {
            let told = Told {
                recovery: set_up.recovery,
                ..Told::done("From now on a sign-in with your password asks for a code.")
            };
            page(&console, set_up.person, told).await
        }
        Ok(Err(again)) => {
            let told = Told {
                codes: Some(again),
                ..Told::problem(&PersonRefused::NotTheCode.to_string())
            };
            page(&console, person, told).await
        }
    }
}

/// `POST /console/you/codes/end`: takes one's second factor off.
pub(crate) async fn end_of_codes(
    console: Console,
    Form(given): Form<PasswordOnce>,
) -> Result<Response, PageProblem> {
    let Some(person) = console.caller().person.clone() else {
        return Ok(nobody(&console));
    };
    let password = Secret::new(given.password);
    match end_codes(&console.authority, &person, password).await {
        Err(why) => refused(&console, person, why).await,
        Ok(changed) => {
            let told = Told::done("Your sign-in asks for the password alone now.");
            page(&console, changed, told).await
        }
    }
}

/// `POST /console/you/codes/recovery`: new codes for when the device is lost, shown once.
pub(crate) async fn recovery(
    console: Console,
    Form(given): Form<PasswordOnce>,
) -> Result<Response, PageProblem> {
    let Some(person) = console.caller().person.clone() else {
        return Ok(nobody(&console));
    };
    let password = Secret::new(given.password);
    match renew_recovery_codes(&console.authority, &person, password).await {
        Err(why) => refused(&console, person, why).await,
        Ok(recovery) => {
            let told = Told {
                recovery,
                ..Told::done("The recovery codes from before do not work any more.")
            };
            page(&console, person, told).await
        }
    }
}

/// `POST /console/you/tokens`: makes an access token, shown once.
pub(crate) async fn token(
    console: Console,
    Form(wanted): Form<TokenWanted>,
) -> Result<Response, PageProblem> {
    let Some(person) = console.caller().person.clone() else {
        return Ok(nobody(&console));
    };
    let password = Secret::new(wanted.password);
    let token = (&*wanted.label, wanted.days);
    match make_access_token(&console.authority, &person, password, token).await {
        Err(why) => refused(&console, person, why).await,
        Ok(made) => {
            let told = Told {
                token: Some(made.secret.expose().to_owned()),
                ..Told::default()
            };
            page(&console, person, told).await
        }
    }
}

/// `POST /console/you/sign-ins/{id}/end`: ends one of one's own.
pub(crate) async fn end(console: Console, Path(id): Path<String>) -> Result<Response, PageProblem> {
    let Some(person) = console.caller().person.clone() else {
        return Ok(nobody(&console));
    };
    if let Ok(id) = id.parse::<SignInId>() {
        end_sign_in(&console.authority, person.kept.id, id).await?;
    }
    Ok(Redirect::to(&console.place.side.path("/you")).into_response())
}
