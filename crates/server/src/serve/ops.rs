use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use prometheus_client::{encoding::text::encode, registry::Registry};
use serde_json::{Value, json};
use store::Store;

use crate::commands::version;

/// What a check finds: what is there, or what is wrong.
type Found = Arc<dyn Fn() -> Result<String, String> + Send + Sync>;

/// Whether this process should be given calls.
#[derive(Clone)]
pub(crate) struct Readiness {
    draining: Arc<AtomicBool>,
    store: Arc<dyn Store>,
    checks: Vec<(&'static str, Found)>,
}

impl Readiness {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            draining: Arc::default(),
            store,
            checks: Vec::new(),
        }
    }

    /// Adds a check; the text says what was found or what is wrong.
    pub(crate) fn check(
        mut self,
        name: &'static str,
        found: impl Fn() -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        self.checks.push((name, Arc::new(found)));
        self
    }

    /// From now on nobody should send calls here.
    pub(crate) fn fail(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    async fn report(&self) -> (bool, Value) {
        let mut ready = true;
        let mut listed = Vec::new();
        let mut tell = |name: &str, found: Result<String, String>| {
            ready &= found.is_ok();
            listed.push(json!({
                "check": name,
                "ok": found.is_ok(),
                "found": found.unwrap_or_else(|problem| problem),
            }));
        };
        let stays = if self.draining.load(Ordering::SeqCst) {
            Err("shutting down".to_owned())
        } else {
            Ok("taking calls".to_owned())
        };
        tell("process", stays);
        let store = self.store.revision().await;
        tell(
            "store",
            store
                .map(|revision| format!("revision {revision}"))
                .map_err(|problem| problem.to_string()),
        );
        for (name, found) in &self.checks {
            tell(name, found());
        }
        (ready, json!({ "ready": ready, "checks": listed }))
    }
}

#[derive(Clone)]
struct Ops {
    readiness: Readiness,
    registry: Arc<Registry>,
}

/// Health, readiness, metrics and version. Nobody is asked to sign in.
pub(crate) fn router(readiness: Readiness, registry: Registry) -> Router {
    let registry = Arc::new(registry);
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/version", get(async || Json(version::facts())))
        .with_state(Ops {
            readiness,
            registry,
        })
}

async fn ready(State(ops): State<Ops>) -> impl IntoResponse {
    let (ready, report) = ops.readiness.report().await;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report))
}

async fn metrics(State(ops): State<Ops>) -> impl IntoResponse {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let _ = encode(&mut text, &ops.registry);
    let form = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, form)], text)
}
