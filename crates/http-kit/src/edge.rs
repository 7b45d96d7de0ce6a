use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use primitives::Entropy;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{Hosts, Problem, Proxies, Surface, body, codes, hosts, network, request_id, security};

/// How a listener meets the world.
#[derive(Clone)]
pub struct Edge {
    /// What it shows.
    pub surface: Surface,
    /// Whether it is reached over TLS.
    pub tls: bool,
    /// The longest body taken, in bytes.
    pub body_limit: usize,
    /// The proxies in front of it.
    pub proxies: Arc<Proxies>,
    /// The names it answers to; any, if `None`.
    pub hosts: Option<Hosts>,
    /// How long a body may take to come.
    pub body_time: Duration,
    /// Where request ids come from.
    pub entropy: Arc<dyn Entropy>,
}

/// Dresses `router` for a listener. From the outside: request id (so that every answer has
/// one), security headers (so that even a panic's answer has them), panic catcher, host names, time and size of the body.
/// Unknown paths and methods answer with problems, and the page that their `type` points to is
/// there.
pub fn dress(router: Router, edge: Edge) -> Router {
    router
        .route(
            "/docs/problems",
            get(async || Html(codes::code_table_html())),
        )
        .fallback(async || Problem::of(&codes::NOT_FOUND))
        .method_not_allowed_fallback(async || Problem::of(&codes::METHOD_NOT_ALLOWED))
        .layer(DefaultBodyLimit::max(edge.body_limit))
        .layer(middleware::from_fn_with_state(edge.body_time, body::hurry))
        .layer(middleware::from_fn_with_state(edge.proxies, network::find))
        .layer(middleware::from_fn_with_state(edge.hosts, hosts::hold))
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(middleware::from_fn_with_state(
            (edge.surface, edge.tls),
            security::protect,
        ))
        .layer(middleware::from_fn_with_state(
            edge.entropy,
            request_id::identify,
        ))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature is the layer's"
)]
fn answer_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let what = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words");
    tracing::error!(what, "a handler panicked");
    Problem::of(&codes::INTERNAL).into_response()
}
