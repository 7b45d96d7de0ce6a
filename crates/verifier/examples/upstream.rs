//! An upstream that reads the signed context and enforces a capability inside the API.
//!
//! ```text
//! cargo run -p verifier --example upstream -- KEY-FILE http://127.0.0.1:9000/payments
//! ```
//!
//! The file holds the key that the provider set with `portreeve secret set`; the URL is the
//! upstream's as the state file writes it.

use std::{error::Error, sync::Arc};

use axum::{
    Extension, Json, Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::post,
};
use primitives::{Clock as _, SystemClock};
use serde_json::Value;
use verifier::{Context, Refusal, RequestLine, Verifier};

/// Lets a request in only with a context made for it, and keeps the context for the handlers.
async fn came_through_portreeve(
    State(verifier): State<Arc<Verifier>>,
    mut request: Request,
    next: Next,
) -> Response {
    match read_context(&verifier, &request) {
        Ok(context) => {
            request.extensions_mut().insert(Arc::new(context));
            next.run(request).await
        }
        Err(refusal) => (StatusCode::UNAUTHORIZED, refusal.to_string()).into_response(),
    }
}

fn read_context(verifier: &Verifier, request: &Request) -> Result<Context, Refusal> {
    let token = verifier::token(request.headers())?;
    verifier.verify(token, &RequestLine::of(request)?, SystemClock.now())
}

/// A rule inside the API: whoever sends in parallel must have been granted that too, whatever
/// the edge let through.
async fn pay(Extension(context): Extension<Arc<Context>>, Json(body): Json<Value>) -> Response {
    let receivers = body.pointer("/receiverList/receiver");
    let legs = receivers.and_then(Value::as_array).map_or(0, Vec::len);
    if legs > 1
        && let Err(missing) = context.require("PARALLEL_PAYMENTS")
    {
        return (StatusCode::FORBIDDEN, missing.to_string()).into_response();
    }
    format!("{} pays {legs} receivers\n", context.app.name).into_response()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(key_file), Some(audience)) = (arguments.next(), arguments.next()) else {
        return Err("usage: upstream KEY-FILE UPSTREAM-URL".into());
    };
    let key = std::fs::read_to_string(key_file)?;
    let verifier = Verifier::shared(key.trim_end().as_bytes())?.audience(audience);
    let router = Router::new()
        .route("/payments/AdaptivePayments/Pay", post(pay))
        .layer(middleware::from_fn_with_state(
            Arc::new(verifier),
            came_through_portreeve,
        ));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}
