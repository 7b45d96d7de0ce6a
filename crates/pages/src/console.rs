use std::sync::Arc;

use admission::Admission;
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use flows::{Authority, RiskServices, Unable, VettingDesk};
use primitives::Timestamp;
use serde::Serialize;
use snapshot::{Loader, SnapshotHandle};
use store::StoreFailure;

use crate::{assets, render::Templates, sign_in};

const SIGN_IN: &str = "/console/sign-in";

mod apis;
mod apps;
mod decisions;
mod overview;
mod vettings;

/// What the console reads.
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
    /// Where it stands.
    pub place: Arc<Place>,
    /// When this process began to show it.
    since: Timestamp,
    templates: Arc<Templates>,
}

/// What the console tells about where it stands.
#[derive(Clone, Debug)]
pub struct Place {
    /// What the installation is called.
    pub name: String,
    /// Scheme and authority of the public listener, for commands to copy.
    pub public: String,
    /// Whether the console is reached over TLS; then its cookie is `Secure`.
    pub tls: bool,
}

impl Console {
    /// A console over these parts.
    ///
    /// # Errors
    /// When a template is wrong, with its name and line.
    pub fn new(
        authority: Authority,
        (loader, services): (Arc<Loader>, RiskServices),
        admission: Arc<Admission>,
        place: Place,
    ) -> Result<Self, minijinja::Error> {
        let templates = Arc::new(Templates::compile(&place.name)?);
        Ok(Self {
            since: authority.clock.now(),
            authority,
            snapshots: Arc::clone(loader.handle()),
            loader,
            services,
            admission,
            place: Arc::new(place),
            templates,
        })
    }

    fn vetting(&self) -> VettingDesk<'_> {
        VettingDesk {
            at: &self.authority,
            loader: &self.loader,
            services: &self.services,
        }
    }

    fn now(&self) -> Timestamp {
        self.authority.clock.now()
    }

    fn page<V: Serialize>(&self, template: &str, view: &V) -> Response {
        self.templates.page(template, view)
    }

    fn not_found(&self, what: &str) -> Response {
        let view = ProblemView {
            section: "",
            title: "Not found",
            says: format!("There is no {what} of that name here. It may have been removed."),
        };
        (StatusCode::NOT_FOUND, self.page("problem.html", &view)).into_response()
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
    let pages = Router::new()
        .route("/console", get(overview::show))
        .route("/console/apis", get(apis::list))
        .route("/console/apis/{name}", get(apis::show))
        .route("/console/apps", get(apps::list))
        .route("/console/apps/{name}", get(apps::show))
        .route("/console/decisions", get(decisions::list))
        .route("/console/decisions/rows", get(decisions::rows))
        .route("/console/decisions/{id}", get(decisions::show))
        .route("/console/vettings", get(vettings::list))
        .route(
            "/console/vettings/{account}/{ladder}",
            get(vettings::show).post(vettings::decide),
        )
        .route("/console/sign-out", post(sign_in::end))
        .layer(middleware::from_fn_with_state(
            console.clone(),
            signed_in_only,
        ));
    Router::new()
        .merge(pages)
        .route("/", get(async || Redirect::to("/console")))
        .route(SIGN_IN, get(sign_in::ask).post(sign_in::begin))
        .route("/console/assets/{mark}/{name}", get(assets::serve))
        .layer(tower_http::csrf::CsrfLayer::new())
        .with_state(console)
}

async fn signed_in_only(State(console): State<Console>, request: Request, next: Next) -> Response {
    let is_of_a_list = request.headers().contains_key("hx-request");
    match sign_in::of(&console, request.headers()).await {
        Ok(true) => {
            let mut response = next.run(request).await;
            // A list that renews itself and a page share a path prefix but not a body.
            response
                .headers_mut()
                .append(header::VARY, header::HeaderValue::from_static("cookie"));
            response
        }
        // A list that renews itself must not put the sign-in page into its middle.
        Ok(false) if is_of_a_list => (
            StatusCode::UNAUTHORIZED,
            [(HeaderName::from_static("hx-redirect"), SIGN_IN)],
        )
            .into_response(),
        Ok(false) => Redirect::to(SIGN_IN).into_response(),
        Err(problem) => problem,
    }
}
