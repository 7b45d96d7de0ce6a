use std::time::Duration;

use axum::{
    body::to_bytes,
    extract::{Request, State},
};
use flows::{Leaked, MOST_LEAKED, may_report_leaks, revoke_leaked};
use http::{StatusCode, header};
use http_kit::{Json, Network, Problem, Problems, codes, read_json};
use primitives::Secret;
use serde::{Deserialize, Serialize};
use tokio::time;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Management, bounds::REPORT_BODY, operator, refusals::unable};

/// Every report takes this long, so that its time does not tell what was found.
const FLOOR: Duration = Duration::from_millis(250);
/// Who revoked what somebody reported who is not signed in.
const REPORT: &str = "leak report";

/// Whoever holds a secret may have it revoked.
pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new().routes(routes!(report))
}

/// Secrets that were found where they should not be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeakReport {
    /// Up to 100.
    secrets: Vec<LeakedSecret>,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeakedSecret {
    /// The secret.
    #[schema(format = Password)]
    secret: String,
    /// The user name it was found with, if any.
    user: Option<String>,
}

/// The report was taken. Whether there was such a secret is not told.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeakReceipt {
    /// How many secrets the report named.
    received: usize,
}

/// Report leaked secrets
///
/// A key, password, signature or access token that matches is revoked at once. Nobody has to be
/// signed in: holding the secret is enough. The answer is the same whether or not it was one.
#[utoipa::path(post, path = "/v1/leaked-secrets", tag = "keys", operation_id = "reportLeakedSecrets",
    security((), ("operator" = [])),
    request_body = LeakReport,
    responses((status = 202, body = LeakReceipt), Problems))]
async fn report(
    State(desk): State<Management>,
    Network(network): Network,
    request: Request,
) -> Result<(StatusCode, Json<LeakReceipt>), Problem> {
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let actor = if headers.contains_key(header::AUTHORIZATION) {
        operator::caller(&desk, headers).await?.actor()
    } else {
        let from = network.unwrap_or_default();
        let free = may_report_leaks(&desk.authority, &from).await;
        if !free.map_err(unable)? {
            return Err(Problem::of(&codes::TOO_MANY_REPORTS));
        }
        REPORT.to_owned()
    };
    let body = to_bytes(body, REPORT_BODY).await;
    let body = body.map_err(|_| Problem::of(&codes::BODY_TOO_LARGE))?;
    let report: LeakReport = read_json(headers, &body)?;
    if report.secrets.len() > MOST_LEAKED {
        let why = format!("a report names at most {MOST_LEAKED} secrets");
        return Err(Problem::of(&codes::CHANGE_REFUSED).because(why));
    }
    let received = report.secrets.len();
    let (done, ()) = tokio::join!(revoke(&desk, &actor, report), time::sleep(FLOOR));
    done?;
    Ok((StatusCode::ACCEPTED, Json(LeakReceipt { received })))
}

async fn revoke(desk: &Management, actor: &str, report: LeakReport) -> Result<(), Problem> {
    let snapshot = desk.snapshots().load_full();
    let leaked = report.secrets.into_iter().map(|one| {
        let named = one.user.as_deref().and_then(|user| {
            let known = user.parse().ok();
            known.or_else(|| Some(snapshot.credential_by_external_id(user)?.id()))
        });
        Leaked {
            secret: Secret::new(one.secret.trim().to_owned()),
            credential: named,
        }
    });
    let leaked: Vec<Leaked> = leaked.collect();
    let done = revoke_leaked(&desk.authority, (actor, &desk.token), &leaked).await;
    done.map_err(unable)?;
    desk.settle().await
}
