use accounts::persons::{Email, EmailProblem};
use axum::{extract::State, response::Response};
use flows::{
    Applicant, Asked, confirm_registration, invite_developer, mail_password_link, register,
    waiting_mails,
};
use http::StatusCode;
use http_kit::{Json, Listing, Network, Page, PageParameters, Problem, Problems, codes};
use primitives::{MailId, Secret};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    audit::Whole,
    instant::Instant,
    posted::{Instead, Posted},
    refusals::{confirm_refused, register_refused, unable},
};

/// What one does before one is anybody.
pub(crate) fn open_routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(register_developer))
        .routes(routes!(confirm))
        .routes(routes!(forgotten))
}

/// Invitations, and the mails that wait.
pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(invite))
        .routes(routes!(mails))
}

/// Somebody who registers. A field that is not here is refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegistrationRequest {
    /// The e-mail address.
    #[schema(example = "kim@example.com")]
    email: String,
    /// What the developer is called.
    name: String,
    /// To sign in with: 12 to 256 characters.
    #[schema(write_only)]
    password: String,
    /// The version of the terms that is agreed to; needed where there are terms.
    terms: Option<String>,
    /// What an invitation carries; needed where one has to be invited.
    invitation: Option<String>,
}

/// A registration to be confirmed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmationRequest {
    /// What the mailed link carries.
    code: String,
    /// The password that was chosen.
    #[schema(write_only)]
    password: String,
}

/// A developer account that has come to be.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewDeveloper {
    /// The identifier that was assigned.
    id: String,
    /// The account's name.
    name: String,
}

/// Somebody who has forgotten the password, or is to be invited.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddressRequest {
    /// The e-mail address.
    #[schema(example = "kim@example.com")]
    email: String,
}

/// An invitation that was mailed.
#[derive(Serialize, ToSchema)]
pub(crate) struct MailedInvitation {
    /// When it stops working.
    expires_at: Instant,
}

/// A mail that waits to be sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct WaitingMail {
    /// Its id.
    id: String,
    /// When it was written.
    created_at: Instant,
    /// How often it was tried.
    tries: u32,
    /// What the last try came to.
    problem: Option<String>,
    /// When it is tried next.
    next_at: Instant,
    /// When it is given up.
    expires_at: Instant,
    /// What it says; only with `--dev` and without a mail server, where nothing goes out.
    letter: Option<ShownLetter>,
}

/// What a mail says.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShownLetter {
    /// The address.
    to: String,
    /// Its subject.
    subject: String,
    /// Its text.
    text: String,
}

fn email(text: &str) -> Result<Email, Problem> {
    let refused = |why: EmailProblem| Problem::of(&codes::CHANGE_REFUSED).because(why.to_string());
    text.parse().map_err(refused)
}

/// Register as a developer
///
/// A mail with a link goes to the address. The answer is the same when somebody has it already.
#[utoipa::path(post, path = "/v1/registrations", tag = "registration", operation_id = "register",
    security(()), request_body = RegistrationRequest,
    responses((status = 202, description = "A mail is on its way"), Problems))]
async fn register_developer(
    State(desk): State<Management>,
    Network(network): Network,
    Json(said): Json<RegistrationRequest>,
) -> Result<StatusCode, Problem> {
    let applicant = Applicant {
        email: said.email,
        name: said.name,
        password: Secret::new(said.password),
        terms: said.terms,
        invitation: said.invitation,
    };
    let taken = register(
        &desk.authority,
        &desk.rules,
        (applicant, network.as_deref()),
    )
    .await;
    taken.map_err(register_refused)?;
    Ok(StatusCode::ACCEPTED)
}

/// Confirm a registration
///
/// With what the mailed link carries and the password that was chosen. The developer account is
/// there then.
#[utoipa::path(post, path = "/v1/registrations/confirm", tag = "registration",
    operation_id = "confirmRegistration",
    security(()), request_body = ConfirmationRequest,
    responses((status = 201, body = NewDeveloper), Problems))]
async fn confirm(
    State(desk): State<Management>,
    Json(said): Json<ConfirmationRequest>,
) -> Result<(StatusCode, Json<NewDeveloper>), Problem> {
    let rules = (&*desk.loader, &*desk.rules);
    let shown = (said.code.as_str(), Secret::new(said.password));
    let registered = confirm_registration(&desk.authority, rules, shown).await;
    let registered = registered.map_err(confirm_refused)?;
    let new = NewDeveloper {
        id: registered.account.to_string(),
        name: registered.name.to_string(),
    };
    Ok((StatusCode::CREATED, Json(new)))
}

/// Have a link mailed that sets a password anew
///
/// The answer is the same whether somebody has the address or not.
#[utoipa::path(post, path = "/v1/password-links", tag = "registration",
    operation_id = "mailPasswordLink",
    security(()), request_body = AddressRequest,
    responses((status = 202, description = "If somebody has it, a mail is on its way"), Problems))]
async fn forgotten(
    State(desk): State<Management>,
    Network(network): Network,
    Json(said): Json<AddressRequest>,
) -> Result<StatusCode, Problem> {
    let email = email(&said.email)?;
    let who = (&email, network.as_deref());
    let asked = mail_password_link(&desk.authority, &desk.rules, who).await;
    match asked.map_err(unable)? {
        Asked::Done => Ok(StatusCode::ACCEPTED),
        Asked::TooManyFromNetwork => Err(Problem::of(&codes::TOO_MANY_FROM_NETWORK)),
        Asked::TooMany => Err(Problem::of(&codes::UNAVAILABLE)
            .because("too many mails are asked for; try again in some minutes")),
    }
}

/// Invite a developer to register
///
/// A link that works once is mailed to the address, and is needed where only those who were
/// invited register.
#[utoipa::path(post, path = "/v1/developer-invitations", tag = "developers",
    operation_id = "inviteDeveloper",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = AddressRequest,
    responses((status = 201, body = MailedInvitation), Problems))]
async fn invite(
    State(desk): State<Management>,
    posted: Posted<AddressRequest>,
) -> Result<Response, Instead> {
    let invited = async {
        let (email, by) = (email(&posted.body.email)?, posted.by.actor());
        let who = (by.as_str(), &email);
        let link = invite_developer(&desk.authority, &desk.rules.origins, who).await;
        let told = MailedInvitation {
            expires_at: link.map_err(unable)?.expires_at.into(),
        };
        let answer = posted.answer(201, &told).map_err(unable)?;
        posted.keep(&desk, answer).await?;
        Ok(told)
    };
    Ok(posted.end(&desk, 201, invited.await).await?)
}

/// Mails that wait to be sent, the newest first
#[utoipa::path(get, path = "/v1/mails", tag = "installation", operation_id = "listMails",
    params(PageParameters),
    responses((status = 200, body = Page<WaitingMail>), Problems))]
async fn mails(
    State(desk): State<Management>,
    listing: Listing<Whole>,
) -> Result<Json<Page<WaitingMail>>, Problem> {
    let before = listing.position::<MailId>()?;
    let rows = waiting_mails(&desk.authority, before, listing.rows()).await;
    let mark = |row: &flows::Waiting| row.mail.id.to_string();
    let shown = desk.shows_mails;
    let told = |row: flows::Waiting| WaitingMail {
        id: row.mail.id.to_string(),
        created_at: row.mail.created_at.into(),
        tries: row.mail.tries,
        problem: Some(row.mail.problem).filter(|problem| !problem.is_empty()),
        next_at: row.mail.next_at.into(),
        expires_at: row.mail.expires_at.into(),
        letter: row.letter.filter(|_| shown).map(|letter| ShownLetter {
            to: letter.to,
            subject: letter.subject,
            text: letter.text,
        }),
    };
    Ok(Json(listing.page(rows.map_err(unable)?, mark, told)))
}
