use std::sync::Arc;

use accounts::persons::Action::{
    HandleKeys, HandlePersons, NarrowApps, Own, See, SetDevelopers, SwitchDevelopers, Vet,
};
use admission::Admission;
use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use flows::{Authority, Caller, Gate, RefusedPasskeys, RiskServices, Rules, Unable, VettingDesk};
use passkeys::{NoParty, Party};
use primitives::Timestamp;
use serde::Serialize;
use snapshot::{Loader, SnapshotHandle};
use store::{SignIn, StoreFailure};

use crate::{Mails, Side, assets, recovery, render::Templates, sign_in};

mod anomalies;
mod apis;
pub(crate) mod apps;
mod chart;
mod decisions;
mod developers;
mod doors;
mod events;
pub(crate) mod form;
mod mails;
mod overview;
mod persons;
mod places;
mod vettings;
pub(crate) mod you;

pub use doors::Door;
pub(crate) use doors::{Doors, Me};

/// What the pages of one side read: the operator's console, or the developers' site.
#[derive(Clone)]
pub struct Console {
    /// What is durable, and how an operator signs in.
    pub authority: Authority,
    /// What puts changes in force.
    pub loader: Arc<Loader>,
    /// The risk services of others.
    pub services: RiskServices,
    /// What decides now.
    pub snapshots: Arc<SnapshotHandle>,
    /// For the complete answer about an app.
    pub admission: Arc<Admission>,
    /// The way to the gate, for calls that developers try.
    pub gate: Arc<dyn Gate>,
    /// Where it stands.
    pub place: Arc<Place>,
    /// For whom passkeys are made here, or why there can be none.
    pub(crate) party: Arc<Result<Party, NoParty>>,
    /// When this process began to show it.
    since: Timestamp,
    templates: Arc<Templates>,
    /// Who is signed in, behind a door.
    caller: Option<Arc<Caller>>,
}

/// What the pages tell about where they stand.
#[derive(Clone, Debug)]
pub struct Place {
    /// What the installation is called.
    pub name: String,
    /// Scheme and authority of the public listener, for commands to copy.
    pub public: String,
    /// Whether the pages are reached over TLS; then its cookie is `Secure`.
    pub tls: bool,
    /// Whose pages they are.
    pub side: Side,
    /// What becomes of mails.
    pub mails: Mails,
    /// How developers register, and where links lead.
    pub rules: Rules,
    /// What counts passkeys that are refused, by reason.
    pub refused: RefusedPasskeys,
}

impl Place {
    /// For whom passkeys are made here: the one origin that people are told to open.
    pub(crate) fn party(&self) -> Result<Party, NoParty> {
        let origins = &self.rules.origins;
        match self.side {
            Side::Provider => origins.party_of_console(),
            Side::Developers => origins.party_of_site(),
        }
    }
}

impl Console {
    /// A console over these parts.
    ///
    /// # Errors
    /// When a template is wrong, with its name and line.
    pub fn new(
        authority: Authority,
        (loader, services): (Arc<Loader>, RiskServices),
        (admission, gate): (Arc<Admission>, Arc<dyn Gate>),
        place: Place,
    ) -> Result<Self, minijinja::Error> {
        let templates = Arc::new(Templates::compile(&place)?);
        let party = Arc::new(place.party());
        Ok(Self {
            since: authority.clock.now(),
            authority,
            snapshots: Arc::clone(loader.handle()),
            loader,
            services,
            admission,
            gate,
            place: Arc::new(place),
            templates,
            party,
            caller: None,
        })
    }

    pub(crate) fn vetting(&self) -> VettingDesk<'_> {
        VettingDesk {
            at: &self.authority,
            loader: &self.loader,
            services: &self.services,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.authority.clock.now()
    }

    pub(crate) fn page<V: Serialize>(&self, template: &str, view: &V) -> Response {
        let me = self.caller.as_deref().map(Me::of);
        self.templates.page(template, view, me.as_ref())
    }

    /// Who is signed in; whoever may nothing, where nobody is.
    pub(crate) fn caller(&self) -> &Caller {
        const NOBODY: &Caller = &Caller::nobody();
        self.caller.as_deref().unwrap_or(NOBODY)
    }

    /// Whether who is signed in may know who is behind an id.
    fn handles_persons(&self) -> bool {
        self.caller().may(HandlePersons).is_some()
    }

    /// The sign-in of this browser.
    fn own(&self) -> Option<SignIn> {
        self.caller().sign_in.clone()
    }

    pub(crate) fn not_found(&self, what: &str) -> Response {
        let says = format!("There is no {what} of that name here. It may have been removed.");
        self.problem(StatusCode::NOT_FOUND, "Not found", &says)
    }

    fn problem(&self, status: StatusCode, title: &'static str, says: &str) -> Response {
        let view = ProblemView {
            section: "",
            title,
            says: says.to_owned(),
        };
        (status, self.page("problem.html", &view)).into_response()
    }

    pub(crate) fn templates(&self) -> &Templates {
        &self.templates
    }
}

#[derive(Serialize)]
struct ProblemView {
    section: &'static str,
    title: &'static str,
    says: String,
}

/// A page that could not be made, or a change that could not be carried out.
pub(crate) struct PageProblem(Unable);

impl From<StoreFailure> for PageProblem {
    fn from(failure: StoreFailure) -> Self {
        Self(failure.into())
    }
}

impl From<Unable> for PageProblem {
    fn from(failure: Unable) -> Self {
        Self(failure)
    }
}

impl IntoResponse for PageProblem {
    fn into_response(self) -> Response {
        tracing::error!(failure = %self.0, "a page could not be made");
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the store does not answer; try again",
        )
            .into_response()
    }
}

/// The console's routes, below `/console`. Only sign-in and assets are open.
pub fn routes(console: Console) -> Router {
    let (pages, _) = doors(Some(&console)).done();
    Router::new()
        .merge(pages)
        .route("/", get(async || Redirect::to("/console")))
        .route("/console/sign-in", get(sign_in::ask).post(sign_in::begin))
        .route("/console/sign-in/code", post(sign_in::code))
        .route("/console/sign-in/passkey", post(sign_in::passkey))
        .route(
            "/console/sign-in/passkey/begin",
            post(sign_in::begin_passkey),
        )
        .route("/console/sign-out", post(sign_in::end))
        .route(
            "/console/password",
            get(sign_in::ask_password).post(sign_in::set_password),
        )
        .route("/console/forgot", get(recovery::ask).post(recovery::mail))
        .route("/console/assets/{mark}/{name}", get(assets::serve))
        .layer(tower_http::csrf::CsrfLayer::new())
        .with_state(console)
}

/// What is done at each page behind the sign-in.
#[must_use]
pub fn table() -> Vec<Door> {
    doors(None).done().1
}

fn doors(console: Option<&Console>) -> Doors {
    Doors::new(console)
        .get("/console", See, overview::show)
        .get("/console/chart", See, chart::of_all)
        .get("/console/apis", See, apis::list)
        .get("/console/apis/{name}", See, apis::show)
        .get("/console/developers", See, developers::list)
        .get("/console/developers/{account}", See, developers::show)
        .post(
            "/console/developers/{account}",
            SetDevelopers,
            developers::set,
        )
        .post(
            "/console/developers/{account}/toggles",
            SwitchDevelopers,
            developers::switch,
        )
        .get(
            "/console/developers/{account}/places/{capability}",
            See,
            places::show,
        )
        .post(
            "/console/developers/{account}/places/{capability}",
            SetDevelopers,
            places::confine,
        )
        .get("/console/apps", See, apps::list)
        .get("/console/apps/{name}", See, apps::show)
        .get("/console/apps/{name}/chart", See, chart::of_app)
        .post("/console/apps/{name}", NarrowApps, apps::narrow)
        .post("/console/apps/{name}/keys", HandleKeys, apps::handle_keys)
        .get("/console/decisions", See, decisions::list)
        .get("/console/decisions/rows", See, decisions::rows)
        .get("/console/decisions/{id}", See, decisions::show)
        .get("/console/vettings", See, vettings::list)
        .get("/console/vettings/{account}/{ladder}", See, vettings::show)
        .post(
            "/console/vettings/{account}/{ladder}",
            Vet,
            vettings::decide,
        )
        .get("/console/anomalies", See, anomalies::list)
        .get("/console/anomalies/{id}", See, anomalies::show)
        .post("/console/anomalies/{id}", Vet, anomalies::mark)
        .get("/console/events", See, events::list)
        .get("/console/mail", HandlePersons, mails::list)
        .get("/console/persons", HandlePersons, persons::list)
        .post("/console/persons", HandlePersons, persons::invite)
        .get("/console/persons/{id}", HandlePersons, persons::show)
        .post("/console/persons/{id}", HandlePersons, persons::change)
        .get("/console/you", Own, you::show)
        .post("/console/you/password", Own, you::password)
        .post("/console/you/codes", Own, you::codes)
        .post("/console/you/codes/confirm", Own, you::confirm)
        .post("/console/you/codes/end", Own, you::end_of_codes)
        .post("/console/you/codes/recovery", Own, you::recovery)
        .post("/console/you/passkeys", Own, you::add_passkey)
        .post("/console/you/passkeys/begin", Own, you::begin_passkey)
        .post(
            "/console/you/passkeys/{id}/remove",
            Own,
            you::remove_passkey,
        )
        .post("/console/you/tokens", Own, you::token)
        .post("/console/you/sign-ins/{id}/end", Own, you::end)
}
