use axum::{
    Form, Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use passkeys::Refusal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{after, failed, label, sentence};
use crate::Console;

/// What a browser answered, as its script wrote it into the form.
#[derive(Deserialize)]
pub(crate) struct Answer {
    answer: String,
}

/// For the script that asked: what the browser is to be asked, or why not.
pub(crate) fn asked(asked: Result<Value, (StatusCode, String)>) -> Response {
    match asked {
        Ok(options) => Json(options).into_response(),
        Err((status, why)) => {
            let body = json!({ "problem": sentence(&why) });
            (status, Json(body)).into_response()
        }
    }
}

/// `POST …/sign-in/passkey/begin`: what any browser is asked, whoever it belongs to.
pub(crate) async fn begin_passkey(State(console): State<Console>) -> Response {
    let party = match &*console.party {
        Ok(party) => party,
        Err(why) => return asked(Err((StatusCode::NOT_FOUND, why.to_string()))),
    };
    match flows::begin_passkey_sign_in(&console.authority, party).await {
        Ok(options) => asked(Ok(options)),
        Err(problem) => failed(&problem),
    }
}

/// `POST …/sign-in/passkey`: what it answered.
pub(crate) async fn passkey(
    State(console): State<Console>,
    headers: HeaderMap,
    Form(entry): Form<Answer>,
) -> Response {
    let tried = match &*console.party {
        Ok(party) => {
            let given = (party, entry.answer.as_str());
            flows::sign_in_by_passkey(&console.authority, given, &label(&headers)).await
        }
        Err(_) => Ok(flows::Tried::Passkey(Refusal::RelyingParty)),
    };
    after(&console, tried, String::new()).await
}

/// What whoever shows a passkey is told: what they can do something about, and of everything
/// else no more than that it is not taken.
pub(super) fn told(why: Refusal) -> String {
    match why {
        Refusal::Challenge | Refusal::NotVerified | Refusal::Origin | Refusal::Counter => {
            sentence(&why.to_string())
        }
        _ => "This passkey does not sign in here. It may have been removed, or be another site's."
            .to_owned(),
    }
}
