//! The operator's and the developer's REST API, on the management listener.
//!
//! [`router`] serves it, [`openapi()`] describes it (OpenAPI 3.1, kept as `openapi/management.json`).
//! A handler extracts, calls one use-case of `flows`, and maps the outcome; what goes wrong is
//! an RFC 9457 problem with a stable code. A change answers only when the snapshot has it, so
//! that the next call is decided with it.
//!
//! What it never does: hold a rule, change anything past a use-case, or answer an operator's
//! question to anyone without the operator token or a person's access token. The exceptions are
//! `/v1/me`, which an app asks about itself with its own key, reports of leaked secrets, and what
//! one does before one is anybody: registering, and asking for a password link. [`site_router`] is
//! the developers' part of it.
//!
//! To add an endpoint: a handler with its `utoipa::path` in the file of its resource, its line
//! in that file's `routes`, its row in `authorization`, then `cargo xtask generate`. The test of who
//! may call what finds it in the document by itself, and fails without the row.

mod anomalies;
mod app_keys;
mod audit;
mod authorization;
mod bounds;
mod call_records;
mod confidential;
mod descriptions;
mod desk;
mod developer;
mod developers;
mod documents;
mod events;
mod import;
mod instant;
mod leaked_secrets;
mod me;
mod names;
mod notices;
mod openapi;
mod operator;
mod own_apis;
mod own_codes;
mod own_passkeys;
mod own_sign_ins;
mod persons;
mod posted;
mod profiles;
mod refusals;
mod registrations;
mod resources;
mod secrets;
mod sign_in_links;
mod vettings;
mod whoami;

use axum::{Router, middleware, routing::get};
use http_kit::{Json, codes};
use utoipa_axum::router::OpenApiRouter;

pub use bounds::LONGEST_BODY;
pub use desk::Management;

/// The API, to be dressed for its listener.
pub fn router(desk: Management) -> Router {
    let (operator, _) = operator_routes().split_for_parts();
    let (own, _) = open_routes().split_for_parts();
    let (open, _) = registrations::open_routes().split_for_parts();
    let document = openapi();
    operator
        .fallback(async || http_kit::Problem::of(&codes::NOT_FOUND))
        .route_layer(middleware::from_fn_with_state(
            desk.clone(),
            operator::require,
        ))
        .merge(own)
        .merge(open)
        .route_layer(middleware::from_fn(bounds::hold))
        .route("/openapi.json", get(async move || Json(document.clone())))
        .with_state(desk)
}

/// The part of it that developers reach, to be dressed for the site.
pub fn site_router(desk: Management) -> Router {
    let routes = OpenApiRouter::new()
        .merge(developer::routes())
        .merge(notices::routes())
        .merge(own_sign_ins::routes())
        .merge(whoami::routes());
    let (own, _) = routes.split_for_parts();
    let (open, _) = registrations::open_routes().split_for_parts();
    own.fallback(async || http_kit::Problem::of(&codes::NOT_FOUND))
        .route_layer(middleware::from_fn_with_state(
            desk.clone(),
            operator::require_developer,
        ))
        .merge(open)
        .route_layer(middleware::from_fn(bounds::hold))
        .with_state(desk)
}

/// What needs the operator token, or a person with the role.
fn operator_routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .merge(anomalies::routes())
        .merge(app_keys::routes())
        .merge(audit::routes())
        .merge(call_records::routes())
        .merge(confidential::routes())
        .merge(descriptions::routes())
        .merge(developer::routes())
        .merge(developers::routes())
        .merge(documents::routes())
        .merge(events::routes())
        .merge(import::routes())
        .merge(me::operator_routes())
        .merge(notices::routes())
        .merge(own_apis::operator_routes())
        .merge(persons::routes())
        .merge(registrations::routes())
        .merge(profiles::routes())
        .merge(resources::routes())
        .merge(secrets::routes())
        .merge(sign_in_links::routes())
        .merge(vettings::routes())
        .merge(whoami::routes())
}

/// What an app asks about itself, and what needs nobody.
fn open_routes() -> OpenApiRouter<Management> {
    me::routes()
        .merge(confidential::own_routes())
        .merge(leaked_secrets::routes())
        .merge(own_apis::routes())
}

/// The document that describes the API.
#[must_use]
pub fn openapi() -> serde_json::Value {
    let documented = operator_routes()
        .merge(open_routes())
        .merge(registrations::open_routes())
        .into_openapi();
    openapi::finish(&documented)
}
