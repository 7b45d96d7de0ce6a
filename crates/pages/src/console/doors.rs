use std::sync::Arc;

use accounts::persons::Action;
use axum::{
    Router,
    extract::{FromRequestParts, Request, State},
    handler::Handler,
    http::{HeaderName, Method, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, get, post},
};
use flows::Caller;
use serde::Serialize;

use super::{Console, ProblemView};
use crate::sign_in;

/// The pages behind the sign-in. Each says what is done there, so that none is open by accident.
pub(crate) struct Doors {
    /// None: only the table is wanted.
    console: Option<Console>,
    router: Router<Console>,
    rows: Vec<Door>,
}

/// A page, and what is done there.
pub type Door = (Method, &'static str, Action);

impl Doors {
    pub(crate) fn new(console: Option<&Console>) -> Self {
        Self {
            console: console.cloned(),
            router: Router::new(),
            rows: Vec::new(),
        }
    }

    /// A page to look at.
    pub(crate) fn get<H, T>(self, path: &'static str, action: Action, page: H) -> Self
    where
        H: Handler<T, Console>,
        T: 'static,
    {
        self.door((Method::GET, path, action), get(page))
    }

    /// A form that is sent.
    pub(crate) fn post<H, T>(self, path: &'static str, action: Action, form: H) -> Self
    where
        H: Handler<T, Console>,
        T: 'static,
    {
        self.door((Method::POST, path, action), post(form))
    }

    fn door(mut self, row: Door, page: MethodRouter<Console>) -> Self {
        if let Some(console) = self.console.clone() {
            let guard = middleware::from_fn_with_state((console, row.2), only);
            self.router = self.router.route(row.1, page.route_layer(guard));
        }
        self.rows.push(row);
        self
    }

    /// The pages, and what is done at each.
    pub(crate) fn done(self) -> (Router<Console>, Vec<Door>) {
        (self.router, self.rows)
    }
}

/// Lets whoever is signed in and has the role through.
async fn only(
    State((console, action)): State<(Console, Action)>,
    request: Request,
    next: Next,
) -> Response {
    let is_of_a_list = request.headers().contains_key("hx-request");
    let sign_in = console.place.side.path("/sign-in");
    let (mut parts, body) = request.into_parts();
    let caller = match sign_in::of(&console, &parts.headers).await {
        Ok(Some(caller)) => caller,
        // A list that renews itself must not put the sign-in page into its middle.
        Ok(None) if is_of_a_list => {
            let there = [(HeaderName::from_static("hx-redirect"), sign_in)];
            return (StatusCode::UNAUTHORIZED, there).into_response();
        }
        Ok(None) => return Redirect::to(&sign_in).into_response(),
        Err(problem) => return problem,
    };
    let console = console.of(caller);
    if console.caller().may(action).is_none() {
        return closed(&console, action);
    }
    parts.extensions.insert(Signed(console));
    let mut response = next.run(Request::from_parts(parts, body)).await;
    // A list that renews itself and a page share a path prefix but not a body.
    response
        .headers_mut()
        .append(header::VARY, header::HeaderValue::from_static("cookie"));
    response
}

fn closed(console: &Console, action: Action) -> Response {
    let view = ProblemView {
        section: "",
        title: "Not open to you",
        says: format!(
            "To {} one needs {}. An admin can give it to you.",
            action.as_str(),
            action.needs()
        ),
    };
    (StatusCode::FORBIDDEN, console.page("problem.html", &view)).into_response()
}

/// The console of whoever is signed in: what a handler behind a door works with.
#[derive(Clone)]
struct Signed(Console);

impl FromRequestParts<Self> for Console {
    type Rejection = Redirect;

    async fn from_request_parts(parts: &mut Parts, console: &Self) -> Result<Self, Redirect> {
        let signed = parts.extensions.get::<Signed>().cloned();
        signed
            .map(|signed| signed.0)
            .ok_or_else(|| Redirect::to(&console.place.side.path("/sign-in")))
    }
}

/// Who is signed in, as every page tells it.
#[derive(Clone, Debug, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "templates ask for each by its name"
)]
pub(crate) struct Me {
    name: String,
    /// Whether they have a page of their own: the operator token has none.
    person: bool,
    /// What they may do, for forms that are shown only to those who may.
    vets: bool,
    sets_developers: bool,
    narrows_apps: bool,
    handles_keys: bool,
    handles_persons: bool,
}

impl Me {
    pub(crate) fn of(caller: &Caller) -> Self {
        let may = |action| caller.may(action).is_some();
        Self {
            name: caller.name().to_owned(),
            person: caller.person.is_some(),
            vets: may(Action::Vet),
            sets_developers: may(Action::SetDevelopers),
            narrows_apps: may(Action::NarrowApps),
            handles_keys: may(Action::HandleKeys),
            handles_persons: may(Action::HandlePersons),
        }
    }
}

impl Console {
    /// The console as somebody sees it.
    fn of(mut self, caller: Caller) -> Self {
        self.caller = Some(Arc::new(caller));
        self
    }
}
