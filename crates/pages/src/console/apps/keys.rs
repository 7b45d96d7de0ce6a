use axum::{
    extract::{Path, RawForm},
    response::{IntoResponse, Redirect, Response},
};
use flows::{IssuedKey, KeyRefused, KeyWanted, issue_key, revoke_key, rotate_key};
use primitives::{CredentialId, Mode, Name, Secret};
use serde::Serialize;
use store::CredentialKind;

use super::{Shown, Told, page};
use crate::{
    console::{Console, PageProblem, form::Fields},
    sign_in::sentence,
};

const DAY_SECONDS: i64 = 24 * 3_600;

/// A key that has just been made, to be handed to the developer.
#[derive(Debug, Serialize)]
pub(super) struct NewKey {
    id: String,
    mode: &'static str,
    secret: String,
    /// The third token, of three.
    signature: Option<String>,
}

impl NewKey {
    fn of(issued: &IssuedKey) -> Self {
        let text = |secret: Option<&Secret>| secret.map(|secret| secret.expose().to_owned());
        Self {
            id: issued.credential.id.to_string(),
            mode: Mode::as_str(issued.credential.mode),
            secret: text(issued.secret.as_ref()).unwrap_or_default(),
            signature: text(issued.signature.as_ref()),
        }
    }
}

/// `POST /console/apps/{name}/keys`: issues, replaces or revokes a key. A new secret is shown in
/// the answer, and nowhere again.
pub(in crate::console) async fn handle(
    console: Console,
    Path(name): Path<Name>,
    RawForm(bytes): RawForm,
) -> Result<Response, PageProblem> {
    let done = match carry_out(&console, &name, &Fields::read(&bytes)).await {
        Ok(done) => done,
        Err(Refused::Key(KeyRefused::Unable(failure))) => return Err(failure.into()),
        Err(Refused::Key(why)) => return refused(&console, &name, &why.to_string()).await,
        Err(Refused::Unread(why)) => return refused(&console, &name, why).await,
    };
    // In force when it is answered, like every change of the console.
    console.loader.refresh().await?;
    match done {
        None => Ok(Redirect::to(&format!("/console/apps/{name}")).into_response()),
        Some(issued) => {
            let told = Told {
                new_key: Some(NewKey::of(&issued)),
                ..Told::default()
            };
            page(&console, name.as_str(), &Shown::default(), told).await
        }
    }
}

async fn refused(console: &Console, name: &Name, why: &str) -> Result<Response, PageProblem> {
    let told = Told::problem(sentence(why));
    page(console, name.as_str(), &Shown::default(), told).await
}

enum Refused {
    Key(KeyRefused),
    Unread(&'static str),
}

impl From<KeyRefused> for Refused {
    fn from(refused: KeyRefused) -> Self {
        Self::Key(refused)
    }
}

async fn carry_out(
    console: &Console,
    app: &Name,
    fields: &Fields,
) -> Result<Option<IssuedKey>, Refused> {
    let unread = Refused::Unread("the form cannot be read; nothing was changed");
    let (at, by) = (&console.authority, console.caller().actor());
    let change = fields.text("change");
    if change == "issue" {
        let wanted = wanted(console, app, fields)?;
        let issued = issue_key(at, &by, &wanted, &|_| Ok(None)).await?;
        return Ok(Some(issued));
    }
    let Ok(key) = fields.text("key").parse::<CredentialId>() else {
        return Err(unread);
    };
    match change {
        "rotate" => {
            let overlap = days(fields.text("days"))?.saturating_mul(DAY_SECONDS);
            let issued = rotate_key(at, &by, (app, key), overlap, &|_| Ok(None)).await?;
            Ok(Some(issued))
        }
        "revoke" => {
            revoke_key(at, &by, (app, key)).await?;
            Ok(None)
        }
        _ => Err(unread),
    }
}

fn wanted(console: &Console, app: &Name, fields: &Fields) -> Result<KeyWanted, Refused> {
    let permissions = Some(fields.text("permissions")).filter(|text| !text.is_empty());
    let permissions = permissions.map(str::parse).transpose();
    let expires = Some(fields.text("days")).filter(|text| !text.is_empty());
    let expires = expires.map(days).transpose()?;
    Ok(KeyWanted {
        app: app.clone(),
        mode: match fields.text("mode") {
            "test" => Mode::Test,
            "live" => Mode::Live,
            _ => return Err(Refused::Unread("say whether the key is for test or live")),
        },
        permissions: permissions
            .map_err(|_| Refused::Unread("that is not the name of a permission profile"))?,
        expires_at: expires
            .map(|days| console.now().plus_seconds(days.saturating_mul(DAY_SECONDS))),
        kind: CredentialKind::Key,
        certificate: None,
    })
}

/// A number of days, up to ten years.
fn days(text: &str) -> Result<i64, Refused> {
    let days = text.parse().ok().filter(|days| (0..=3_650).contains(days));
    days.ok_or(Refused::Unread("give a number of whole days, up to 3650"))
}
