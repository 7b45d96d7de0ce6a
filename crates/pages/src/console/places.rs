use std::collections::BTreeMap;

use axum::{
    extract::{Path, RawForm},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use flows::{confine as confine_developer, panel};
use primitives::Name;
use serde::Serialize;
use state::document::{Developer, GeoRule, Place};

use super::{
    Console, PageProblem,
    developers::{Refused, change, find},
    form::Fields,
};
use crate::{
    sign_in::sentence,
    views::{Crumb, MapView, PLACES, RegionChoice, developer_href, place_key, whose},
};

#[derive(Serialize)]
struct View {
    section: &'static str,
    crumbs: [Crumb; 1],
    developer: String,
    developer_href: String,
    capability: String,
    maps: Vec<MapView>,
    subjects: Vec<(&'static str, &'static str)>,
    regions: Vec<RegionChoice>,
    problem: Option<String>,
}

/// `GET /console/developers/{account}/places/{capability}`: where a capability may be used, on a
/// map and as a list.
pub(super) async fn show(
    console: Console,
    Path(of): Path<(Name, Name)>,
) -> Result<Response, PageProblem> {
    page(&console, &of, None).await
}

async fn page(
    console: &Console,
    (account, capability): &(Name, Name),
    problem: Option<String>,
) -> Result<Response, PageProblem> {
    let Some(found) = find(console, account).await? else {
        return Ok(console.not_found("developer"));
    };
    let snapshot = console.snapshots.load_full();
    let catalogue = snapshot.catalogue();
    let told = panel(catalogue, &found.developer);
    let shown = told.capabilities.iter().find(|one| one.name == *capability);
    let Some(shown) = shown else {
        return Ok(console.not_found("capability of this developer"));
    };
    let status = match problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let view = View {
        section: "developers",
        crumbs: [Crumb {
            title: "Developers",
            href: "/console/developers".to_owned(),
        }],
        developer: account.to_string(),
        developer_href: developer_href(account.as_str()),
        capability: capability.to_string(),
        maps: MapView::all(catalogue, &shown.geography.all, &shown.geography.own),
        subjects: PLACES.map(|place| (place_key(place), whose(place))).into(),
        regions: RegionChoice::all(catalogue),
        problem,
    };
    Ok((status, console.page("places.html", &view)).into_response())
}

/// `POST /console/developers/{account}/places/{capability}`: one rule for each subject; without a
/// region it is taken back.
pub(super) async fn confine(
    console: Console,
    Path(of): Path<(Name, Name)>,
    RawForm(bytes): RawForm,
) -> Result<Response, PageProblem> {
    let fields = Fields::read(&bytes);
    let edited = match rule(&fields) {
        Err(refused) => Err(refused),
        Ok(rule) => {
            let (account, capability) = &of;
            let edit = |catalogue: &decision::Catalogue, developer: &mut Developer| {
                let mut rules = developer
                    .geography
                    .get(capability)
                    .cloned()
                    .unwrap_or_default();
                rules.retain(|other| other.subject != rule.subject);
                rules.extend((!rule.regions.is_empty()).then(|| rule.clone()));
                let edits = BTreeMap::from([(capability.clone(), rules)]);
                confine_developer(catalogue, developer, &edits)
            };
            change(&console, account, &edit).await
        }
    };
    match edited {
        Ok(()) => {
            let back = format!("{}/places/{}", developer_href(of.0.as_str()), of.1);
            Ok(Redirect::to(&back).into_response())
        }
        Err(Refused::Problem(problem)) => Err(problem),
        Err(Refused::Said(why)) => page(&console, &of, Some(sentence(&why))).await,
    }
}

/// The rule that a form asks for; without a region it takes the one there is back.
fn rule(fields: &Fields) -> Result<GeoRule, Refused> {
    let subject = fields.text("subject");
    let subject: Place = PLACES
        .into_iter()
        .find(|place| place_key(*place) == subject)
        .ok_or_else(Refused::unread)?;
    let regions: Result<Vec<Name>, _> = fields.all("region").map(str::parse).collect();
    let regions = regions.map_err(|_| Refused::unread())?;
    if regions.is_empty() && fields.text("back") != "1" {
        let why = "tick the regions that are allowed, or take the rule back";
        return Err(Refused::Said(why.to_owned()));
    }
    Ok(GeoRule { subject, regions })
}
