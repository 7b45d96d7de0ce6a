//! The pages of developers, on the site listener: registering, one's apps, one's account.

use accounts::persons::Action::{Develop, Own};
use axum::http::HeaderMap;
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use flows::Admits;
use primitives::AccountId;
use serde::Serialize;

use crate::{
    assets,
    console::{Console, Door, Doors, you},
    recovery, sign_in,
};

mod apps;
mod calls;
mod developer;
mod notices;
mod reference;
mod registration;
mod trying;

/// The site's routes. Open are what one does before one is signed in, and the assets.
pub fn site_routes(site: Console) -> Router {
    let (pages, _) = doors(Some(&site)).done();
    Router::new()
        .merge(pages)
        .route("/", get(welcome))
        .route("/sign-in", get(sign_in::ask).post(sign_in::begin))
        .route("/sign-in/code", post(sign_in::code))
        .route("/sign-in/passkey", post(sign_in::passkey))
        .route("/sign-in/passkey/begin", post(sign_in::begin_passkey))
        .route("/sign-out", post(sign_in::end))
        .route(
            "/password",
            get(sign_in::ask_password).post(sign_in::set_password),
        )
        .route("/forgot", get(recovery::ask).post(recovery::mail))
        .route(
            "/register",
            get(registration::ask).post(registration::register),
        )
        .route(
            "/confirm",
            get(registration::ask_password).post(registration::confirm),
        )
        .route("/assets/{mark}/{name}", get(assets::serve))
        .layer(tower_http::csrf::CsrfLayer::new())
        .with_state(site)
}

/// What is done at each page behind the site's sign-in.
#[must_use]
pub fn site_table() -> Vec<Door> {
    doors(None).done().1
}

fn doors(site: Option<&Console>) -> Doors {
    Doors::new(site)
        .get("/apps", Develop, apps::list)
        .post("/apps", Develop, apps::make)
        .get("/apps/{name}", Develop, apps::show)
        .get("/apps/{name}/apis/{api}", Develop, reference::show)
        .get("/apps/{name}/apis/{api}/try", Develop, trying::show)
        .post("/apps/{name}/apis/{api}/try", Develop, trying::send)
        .get("/apps/{name}/calls", Develop, calls::list)
        .get("/apps/{name}/calls/{id}", Develop, calls::show)
        .post("/apps/{name}/keys", Develop, apps::issue)
        .post("/apps/{name}/keys/{key}/rotate", Develop, apps::rotate)
        .post("/apps/{name}/keys/{key}/revoke", Develop, apps::revoke)
        .get("/developer", Develop, developer::show)
        .post("/developer/vetting", Develop, developer::apply)
        .post("/developer/vetting/withdraw", Develop, developer::withdraw)
        .get("/notices", Develop, notices::list)
        .post("/notices/read", Develop, notices::read)
        .post("/you/mails", Develop, notices::mails)
        .get("/you", Own, you::show)
        .post("/you/password", Own, you::password)
        .post("/you/codes", Own, you::codes)
        .post("/you/codes/confirm", Own, you::confirm)
        .post("/you/codes/end", Own, you::end_of_codes)
        .post("/you/codes/recovery", Own, you::recovery)
        .post("/you/passkeys", Own, you::add_passkey)
        .post("/you/passkeys/begin", Own, you::begin_passkey)
        .post("/you/passkeys/{id}/remove", Own, you::remove_passkey)
        .post("/you/tokens", Own, you::token)
        .post("/you/sign-ins/{id}/end", Own, you::end)
}

#[derive(Serialize)]
struct WelcomeView {
    registers: bool,
    invited: bool,
}

/// `GET /`: who is signed in goes on to their apps.
async fn welcome(State(site): State<Console>, headers: HeaderMap) -> Response {
    match sign_in::of(&site, &headers).await {
        Err(problem) => problem,
        Ok(Some(_)) => Redirect::to(site.place.side.home()).into_response(),
        Ok(None) => {
            let admits = site.place.rules.admits;
            let view = WelcomeView {
                registers: admits == Admits::Everybody,
                invited: admits == Admits::Invited,
            };
            site.templates().page("welcome.html", &view, None)
        }
    }
}

impl Console {
    /// The developer account of whoever is signed in.
    fn developer(&self) -> Option<AccountId> {
        self.caller().duties().developer
    }

    fn no_developer(&self) -> Response {
        self.not_found("developer account")
    }
}
