use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use flows::{
    Admits, Applicant, ChangeRefused, ConfirmRefused, RegisterRefused, confirm_registration,
    register as take_registration, sign_in_after_registering,
};
use http_kit::Network;
use primitives::Secret;
use serde::{Deserialize, Serialize};

use crate::{
    Console,
    sign_in::{after, failed, label, sentence},
};

/// What a link carries.
#[derive(Deserialize)]
pub(super) struct Carried {
    #[serde(default)]
    code: String,
    #[serde(default)]
    invitation: String,
}

/// The form of the registration page. A field that is not here is refused (S-76).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    email: String,
    name: String,
    password: String,
    #[serde(default)]
    terms: Option<String>,
    #[serde(default)]
    invitation: Option<String>,
}

/// The form that confirms it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Confirmation {
    code: String,
    password: String,
}

#[derive(Serialize)]
#[serde(tag = "asks", rename_all = "snake_case")]
enum Asks {
    /// Who one is.
    Register {
        email: String,
        name: String,
        invitation: String,
    },
    /// To look into the mailbox.
    Look,
    /// The password that was chosen.
    Confirm { code: String },
    /// Nothing: nobody registers here.
    Closed,
}

#[derive(Serialize)]
struct View {
    #[serde(flatten)]
    asks: Asks,
    terms: Option<TermsView>,
    problem: Option<String>,
    /// Whether the mail is shown in the console, because none goes out.
    shown: bool,
}

#[derive(Serialize)]
struct TermsView {
    version: String,
    paragraphs: Vec<String>,
}

fn page(site: &Console, asks: Asks, problem: Option<String>) -> Response {
    let place = &site.place;
    let status = match &problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let terms = place.rules.terms.as_ref().map(|terms| TermsView {
        version: terms.version.clone(),
        paragraphs: terms.text.split("\n\n").map(str::to_owned).collect(),
    });
    let view = View {
        asks,
        terms,
        problem,
        shown: place.mails == crate::Mails::Shown,
    };
    (status, site.templates().page("register.html", &view, None)).into_response()
}

/// `GET /register`.
pub(super) async fn ask(State(site): State<Console>, Query(carried): Query<Carried>) -> Response {
    let admits = site.place.rules.admits;
    let invited = !carried.invitation.is_empty();
    let asks = match admits {
        Admits::Everybody => register_form(carried.invitation),
        Admits::Invited if invited => register_form(carried.invitation),
        Admits::Invited | Admits::Nobody => Asks::Closed,
    };
    page(&site, asks, None)
}

const fn register_form(invitation: String) -> Asks {
    Asks::Register {
        email: String::new(),
        name: String::new(),
        invitation,
    }
}

/// `POST /register`: answers the same whether somebody has the address or not.
pub(super) async fn register(
    State(site): State<Console>,
    Network(network): Network,
    Form(entry): Form<Entry>,
) -> Response {
    let applicant = Applicant {
        email: entry.email.clone(),
        name: entry.name.clone(),
        password: Secret::new(entry.password),
        terms: entry.terms,
        invitation: entry.invitation.clone(),
    };
    let taken = take_registration(
        &site.authority,
        &site.place.rules,
        (applicant, network.as_deref()),
    )
    .await;
    match taken {
        Ok(()) => page(&site, Asks::Look, None),
        Err(RegisterRefused::Unable(problem)) => failed(&problem),
        Err(RegisterRefused::Closed) => page(&site, Asks::Closed, None),
        Err(why) => {
            let asks = Asks::Register {
                email: entry.email,
                name: entry.name,
                invitation: entry.invitation.unwrap_or_default(),
            };
            page(&site, asks, Some(sentence(&why.to_string())))
        }
    }
}

/// `GET /confirm`. Does not use the link up, so that a preview of it cannot.
pub(super) async fn ask_password(
    State(site): State<Console>,
    Query(carried): Query<Carried>,
) -> Response {
    let code = carried.code;
    page(&site, Asks::Confirm { code }, None)
}

/// `POST /confirm`: makes person and account, and signs in.
pub(super) async fn confirm(
    State(site): State<Console>,
    headers: HeaderMap,
    Form(given): Form<Confirmation>,
) -> Response {
    let rules = (&*site.loader, &site.place.rules);
    let shown = (given.code.as_str(), Secret::new(given.password));
    match confirm_registration(&site.authority, rules, shown).await {
        Ok(registered) => {
            let label = label(&headers);
            let tried = sign_in_after_registering(&site.authority, registered, &label).await;
            after(&site, tried, String::new()).await
        }
        Err(ConfirmRefused::Change(ChangeRefused::Unable(problem))) => failed(&problem),
        Err(why) => {
            let code = given.code;
            let says = sentence(&why.to_string());
            page(&site, Asks::Confirm { code }, Some(says))
        }
    }
}
