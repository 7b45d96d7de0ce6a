use axum::{extract::State, response::Response};
use flows::make_sign_in_link;
use http_kit::Problems;
use primitives::OperatorId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    instant::Instant,
    posted::{Instead, Posted},
    refusals::unable,
};

/// Who the operator token stands for: one operator, until operators have accounts of their own.
const OPERATOR: OperatorId = OperatorId::from_u128(1);

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new().routes(routes!(make))
}

/// Nothing has to be said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinkRequest {}

/// A link that signs a browser in, once.
#[derive(Serialize, ToSchema)]
pub(crate) struct Link {
    /// The address to open; `null` in the answer to a repetition after 24 hours.
    url: Option<String>,
    /// When it stops working.
    expires_at: Instant,
}

/// Make a link that signs a browser in to the console, once
#[utoipa::path(post, path = "/v1/sign-in-links", tag = "installation",
    operation_id = "makeSignInLink",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = LinkRequest,
    responses((status = 201, body = Link), Problems))]
async fn make(
    State(desk): State<Management>,
    posted: Posted<LinkRequest>,
) -> Result<Response, Instead> {
    let made = async {
        let link = make_sign_in_link(&desk.authority, OPERATOR)
            .await
            .map_err(unable)?;
        let address = |shown: bool| Link {
            url: shown.then(|| {
                format!(
                    "{}/console/sign-in?code={}",
                    desk.console,
                    link.code.expose()
                )
            }),
            expires_at: link.expires_at.into(),
        };
        let answer = posted.answer_once(&desk, 201, (&address(true), &address(false)));
        posted.keep(&desk, answer.map_err(unable)?).await?;
        Ok(address(true))
    };
    Ok(posted.end(&desk, 201, made.await).await?)
}
