use axum::{extract::State, response::Response};
use flows::make_sign_in_link;
use http_kit::{Problem, Problems, codes};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    instant::Instant,
    posted::{Instead, Posted},
    refusals::unable,
};

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
///
/// With the operator token only: an access token never becomes a sign-in.
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
        if posted.by.person.is_some() {
            let why =
                "only the operator token makes sign-in links: a person signs in with a password";
            return Err(Problem::of(&codes::ROLE_MISSING).because(why));
        }
        let link = make_sign_in_link(&desk.authority, None).await;
        let link = link.map_err(unable)?;
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
