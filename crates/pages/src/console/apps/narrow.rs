use std::collections::BTreeMap;

use axum::{
    extract::{Path, RawForm},
    response::{IntoResponse, Redirect, Response},
};
use decision::Catalogue;
use flows::{PanelLimit, change_app, panel, set_limits, switch_app};
use primitives::Name;
use snapshot::Snapshot;
use state::{
    Document as _,
    document::{App, LimitValue},
};
use store::Kind;

use super::{Shown, Told, page};
use crate::{
    console::{
        Console, PageProblem,
        developers::{Refused, find, limit_value, toggle},
        form::Fields,
    },
    sign_in::sentence,
    views::LimitEdit,
};

/// The limits of an app: what its developer has, and what was narrowed for it.
pub(super) async fn limits(
    console: &Console,
    snapshot: &Snapshot,
    name: &Name,
) -> Result<Vec<LimitEdit>, PageProblem> {
    let Some(app) = stored(console, name).await? else {
        return Ok(Vec::new());
    };
    let Some(found) = find(console, &app.developer).await? else {
        return Ok(Vec::new());
    };
    let catalogue = snapshot.catalogue();
    let of_developer = panel(catalogue, &found.developer).limits.into_iter();
    let limits = of_developer.map(|limit| PanelLimit {
        default: limit.edited.unwrap_or(limit.default),
        edited: app.limits.get(&limit.name).cloned(),
        name: limit.name,
    });
    Ok(limits
        .map(|limit| LimitEdit::of(&limit, catalogue))
        .collect())
}

async fn stored(console: &Console, name: &Name) -> Result<Option<App>, PageProblem> {
    let found = console.authority.store.resource(Kind::App, name).await?;
    let unreadable = |_| flows::Unable::Unreadable(format!("app {name}"));
    let app = found.map(|found| App::from_body(&found.body).map_err(unreadable));
    Ok(app.transpose()?)
}

/// `POST /console/apps/{name}`: switches a capability off or back, or narrows a limit.
pub(in crate::console) async fn narrow(
    console: Console,
    Path(name): Path<Name>,
    RawForm(bytes): RawForm,
) -> Result<Response, PageProblem> {
    let fields = Fields::read(&bytes);
    let edited = match fields.text("change") {
        "toggle" => switch(&console, &name, &fields).await,
        "limit" => limit(&console, &name, &fields).await,
        _ => Err(Refused::unread()),
    };
    match edited {
        Ok(()) => Ok(Redirect::to(&format!("/console/apps/{name}")).into_response()),
        Err(Refused::Problem(problem)) => Err(problem),
        Err(Refused::Said(why)) => {
            let told = Told::problem(sentence(&why));
            page(&console, name.as_str(), &Shown::default(), told).await
        }
    }
}

async fn switch(console: &Console, name: &Name, fields: &Fields) -> Result<(), Refused> {
    let toggles = [toggle(fields).ok_or_else(Refused::unread)?];
    let edit = |catalogue: &Catalogue, app: &mut App| switch_app(catalogue, app, &toggles);
    change(console, name, &edit).await
}

async fn limit(console: &Console, name: &Name, fields: &Fields) -> Result<(), Refused> {
    let limit: Name = fields
        .text("limit")
        .parse()
        .map_err(|_| Refused::unread())?;
    let value: Option<LimitValue> = limit_value(fields).map_err(Refused::Said)?;
    let edit = |_: &Catalogue, app: &mut App| {
        let edits = BTreeMap::from([(limit.clone(), value.clone())]);
        set_limits(&mut app.limits, &edits, |_| None);
        Ok(())
    };
    change(console, name, &edit).await
}

async fn change(console: &Console, name: &Name, edit: flows::Edit<'_, App>) -> Result<(), Refused> {
    let by = console.caller().actor();
    let (at, loader) = (&console.authority, &console.loader);
    change_app(at, loader, (&by, name), edit, &|_| Ok(None)).await?;
    Ok(())
}
