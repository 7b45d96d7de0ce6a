use std::collections::BTreeMap;

use accounts::persons::Action;
use axum::{
    extract::{Path, Query, RawForm},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use flows::{
    Application, ChangeRefused, Edit, Panel, Switch, Toggle, ToggleRefused, assign_level,
    change_developer, find_vetting, limit_at_level, panel, reset_to_level, set_limits,
    switch_developer, within_reach,
};
use primitives::{Name, PageSize};
use serde::{Deserialize, Serialize};
use snapshot::Snapshot;
use state::{
    Document as _,
    document::{Account, Developer, LimitValue, Number},
};
use store::{Kind, Resource};

use super::{Console, PageProblem, form::Fields};
use crate::{
    sign_in::sentence,
    views::{
        Crumb, DeveloperRow, Empty, Entry, LadderRow, LimitEdit, SwitchRow, developer_entries,
        developer_href, link,
    },
};

const LIST: &str = "/console/developers";
/// Accounts of users stand between those of developers: so many pages are read for one.
const PAGES_READ: usize = 10;

/// Where the list begins.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct From {
    from: String,
    after: String,
}

#[derive(Serialize)]
struct ListView {
    section: &'static str,
    from: String,
    rows: Vec<DeveloperRow>,
    empty: Empty,
    next: Option<String>,
}

#[derive(Serialize)]
struct DeveloperView {
    section: &'static str,
    crumbs: [Crumb; 1],
    developer: DeveloperRow,
    entries_of: Vec<Entry>,
    ladders: Vec<LadderRow>,
    /// Those of the level, those of business units, and the non-risk ones.
    capabilities: Vec<SwitchRow>,
    no_capabilities: Empty,
    limits: Vec<LimitEdit>,
    problem: Option<String>,
}

/// A developer as it is stored.
pub(super) struct Found {
    pub(super) resource: Resource,
    pub(super) account: Account,
    pub(super) developer: Developer,
}

/// `GET /console/developers`: by name, from the name typed.
pub(super) async fn list(
    console: Console,
    Query(query): Query<From>,
) -> Result<Response, PageProblem> {
    let size = PageSize::default();
    let store = &console.authority.store;
    let mut after: Option<Name> = query.after.parse().ok();
    let from: Option<Name> = query.from.trim().parse().ok();
    let mut rows = Vec::new();
    if let (Some(from), None) = (&from, &after) {
        // The list after a name leaves the name itself out.
        rows.extend(
            store
                .resource(Kind::Account, from)
                .await?
                .as_ref()
                .and_then(row),
        );
        after = Some(from.clone());
    }
    let mut more = true;
    for _ in 0..PAGES_READ {
        let page = store.resources(Kind::Account, after.as_ref(), size).await?;
        more = page.len() >= size.get() as usize;
        after = page.last().map(|last| last.name.clone()).or(after);
        rows.extend(page.iter().filter_map(row));
        if !more || rows.len() >= size.get() as usize {
            break;
        }
    }
    let next = after.filter(|_| more);
    let next = next.map(|last| link(LIST, &[("from", &query.from), ("after", last.as_str())]));
    let view = ListView {
        section: "developers",
        empty: nobody(&query.from),
        from: query.from,
        rows,
        next,
    };
    Ok(console.page("developers.html", &view))
}

fn row(resource: &Resource) -> Option<DeveloperRow> {
    let account = Account::from_body(&resource.body).ok()?;
    DeveloperRow::of(resource, &account)
}

fn nobody(from: &str) -> Empty {
    if from.is_empty() {
        return Empty {
            title: "No developers yet".to_owned(),
            says: "A developer is an account with `developer` in it. Write one in a state file, and apply it:".to_owned(),
            command: Some("portreeve apply -f state.yaml".to_owned()),
            action: None,
        };
    }
    Empty {
        title: "No developer from there on".to_owned(),
        says: format!("Developers are listed by name, and none comes at or after `{from}`."),
        command: None,
        action: Some((LIST.to_owned(), "Show all developers")),
    }
}

/// The developer of this name, if there is one.
pub(super) async fn find(console: &Console, name: &Name) -> Result<Option<Found>, PageProblem> {
    let found = console
        .authority
        .store
        .resource(Kind::Account, name)
        .await?;
    let Some(resource) = found else {
        return Ok(None);
    };
    let account = Account::from_body(&resource.body)
        .map_err(|_| flows::Unable::Unreadable(format!("account {name}")))?;
    Ok(account.developer.clone().map(|developer| Found {
        resource,
        account,
        developer,
    }))
}

/// `GET /console/developers/{account}`: level, switches and limits.
pub(super) async fn show(
    console: Console,
    Path(account): Path<Name>,
) -> Result<Response, PageProblem> {
    page(&console, &account, None).await
}

async fn page(
    console: &Console,
    name: &Name,
    problem: Option<String>,
) -> Result<Response, PageProblem> {
    let Some(found) = find(console, name).await? else {
        return Ok(console.not_found("developer"));
    };
    let snapshot = console.snapshots.load_full();
    let Some(row) = DeveloperRow::of(&found.resource, &found.account) else {
        return Ok(console.not_found("developer"));
    };
    let told = panel(snapshot.catalogue(), &found.developer);
    let ladders = ladders(console, &snapshot, (name, &told)).await?;
    let status = match problem {
        None => StatusCode::OK,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let view = view(console, &snapshot, &told, (row, ladders, problem));
    Ok((status, console.page("developer.html", &view)).into_response())
}

fn view(
    console: &Console,
    snapshot: &Snapshot,
    told: &Panel,
    (row, ladders, problem): (DeveloperRow, Vec<LadderRow>, Option<String>),
) -> DeveloperView {
    let reach = console.caller().may(Action::SwitchDevelopers);
    let account = snapshot.account_named(&row.name);
    let switches = told.capabilities.iter();
    DeveloperView {
        section: "developers",
        crumbs: [Crumb {
            title: "Developers",
            href: LIST.to_owned(),
        }],
        entries_of: account
            .map(|account| developer_entries(account, &row))
            .unwrap_or_default(),
        ladders,
        capabilities: switches
            .map(|one| SwitchRow::of(&row.name, one, told, reach))
            .collect(),
        no_capabilities: Empty {
            title: "No capability is open at this level".to_owned(),
            says:
                "Say at `capabilities` of a state file which level each belongs to, and apply it:"
                    .to_owned(),
            command: Some("portreeve apply -f state.yaml".to_owned()),
            action: None,
        },
        limits: LimitEdit::all(told, snapshot.catalogue()),
        developer: row,
        problem,
    }
}

/// The ladders of the developer of that name, with the level on each; none when it is not there.
pub(super) async fn ladders_of(
    console: &Console,
    snapshot: &Snapshot,
    developer: &str,
) -> Result<Vec<LadderRow>, PageProblem> {
    let Ok(name) = developer.parse::<Name>() else {
        return Ok(Vec::new());
    };
    let Some(found) = find(console, &name).await? else {
        return Ok(Vec::new());
    };
    let told = panel(snapshot.catalogue(), &found.developer);
    ladders(console, snapshot, (&name, &told)).await
}

async fn ladders(
    console: &Console,
    snapshot: &Snapshot,
    (name, told): (&Name, &Panel),
) -> Result<Vec<LadderRow>, PageProblem> {
    let mut ladders = LadderRow::all(snapshot.catalogue(), told);
    for ladder in &mut ladders {
        ladder.vetting = vetting(console, name, &ladder.name).await?;
    }
    Ok(ladders)
}

/// Where the vetting for a ladder stands, when the developer ever applied.
async fn vetting(
    console: &Console,
    account: &Name,
    ladder: &str,
) -> Result<Option<String>, PageProblem> {
    let Ok(ladder) = ladder.parse::<Name>() else {
        return Ok(None);
    };
    let which = Application {
        account,
        ladder: &ladder,
    };
    let found = find_vetting(&console.authority, which).await?;
    Ok(found.map(|_| format!("/console/vettings/{account}/{ladder}")))
}

/// `POST /console/developers/{account}`: puts a developer on a level, or edits a limit.
pub(super) async fn set(
    console: Console,
    Path(account): Path<Name>,
    RawForm(bytes): RawForm,
) -> Result<Response, PageProblem> {
    let fields = Fields::read(&bytes);
    let edited = match fields.text("change") {
        "level" => {
            let done = level(&console, &account, &fields).await;
            // The page of an app has this switch, too.
            if let (Ok(()), Ok(app)) = (&done, fields.text("app").parse::<Name>()) {
                return Ok(Redirect::to(&format!("/console/apps/{app}")).into_response());
            }
            done
        }
        "limit" => limit(&console, &account, &fields).await,
        "reset" => {
            let edit = |_: &decision::Catalogue, developer: &mut Developer| {
                reset_to_level(developer);
                Ok(())
            };
            change(&console, &account, &edit).await
        }
        _ => Err(Refused::unread()),
    };
    end(&console, &account, edited).await
}

/// `POST /console/developers/{account}/toggles`: switches one capability.
pub(super) async fn switch(
    console: Console,
    Path(account): Path<Name>,
    RawForm(bytes): RawForm,
) -> Result<Response, PageProblem> {
    let fields = Fields::read(&bytes);
    let edited = match toggle(&fields) {
        None => Err(Refused::unread()),
        Some(toggle) => {
            let reach = console.caller().may(Action::SwitchDevelopers);
            let toggles = [toggle];
            let edit = |catalogue: &decision::Catalogue, developer: &mut Developer| {
                within_reach(catalogue, &toggles, reach)?;
                switch_developer(catalogue, developer, &toggles)
            };
            change(&console, &account, &edit).await
        }
    };
    end(&console, &account, edited).await
}

/// The toggle that a form asks for.
pub(super) fn toggle(fields: &Fields) -> Option<Toggle> {
    Some(Toggle {
        capability: fields.text("capability").parse().ok()?,
        switch: match fields.text("switch") {
            "default" => Switch::Default,
            "off" => Switch::Off,
            "on" => Switch::On,
            "business_unit" => Switch::BusinessUnit,
            _ => return None,
        },
    })
}

async fn level(console: &Console, account: &Name, fields: &Fields) -> Result<(), Refused> {
    let read = |text: &str| text.parse::<Name>().map_err(|_| Refused::unread());
    let (ladder, level) = (read(fields.text("ladder"))?, read(fields.text("level"))?);
    let edit = |catalogue: &decision::Catalogue, developer: &mut Developer| {
        assign_level(catalogue, developer, &ladder, Some(&level))
    };
    change(console, account, &edit).await
}

async fn limit(console: &Console, account: &Name, fields: &Fields) -> Result<(), Refused> {
    let name: Name = fields
        .text("limit")
        .parse()
        .map_err(|_| Refused::unread())?;
    let value = limit_value(fields).map_err(Refused::Said)?;
    let edit = |catalogue: &decision::Catalogue, developer: &mut Developer| {
        let unedited = developer.clone();
        let default = limit_at_level(catalogue, &unedited, &name);
        // What the level gives anyway is no edit.
        let value = value
            .clone()
            .filter(|value| default.as_ref() != Some(value));
        let edits = BTreeMap::from([(name.clone(), value)]);
        set_limits(&mut developer.limits, &edits, |_| default.clone());
        Ok(())
    };
    change(console, account, &edit).await
}

/// The value that a form gives a limit; `None` takes the edit back.
pub(super) fn limit_value(fields: &Fields) -> Result<Option<LimitValue>, String> {
    if fields.text("back") == "1" {
        return Ok(None);
    }
    let mut by_currency = BTreeMap::new();
    for (currency, text) in fields.below("value.") {
        by_currency.insert(currency.to_owned(), Number(number(text)?));
    }
    if !by_currency.is_empty() {
        return Ok(Some(LimitValue::ByCurrency(by_currency)));
    }
    match fields.text("value") {
        "unlimited" => Ok(Some(LimitValue::Unlimited)),
        text => Ok(Some(LimitValue::AtMost(Number(number(text)?)))),
    }
}

fn number(text: &str) -> Result<primitives::Quantity, String> {
    // Groups of three are read as they are shown.
    let text = text.replace(',', "");
    text.parse().map_err(|_| {
        format!("`{text}` is not a number: write one such as `100` or `12.50`, or `unlimited` where there is no currency")
    })
}

/// Why a form changed nothing.
pub(super) enum Refused {
    /// In words, for whoever sent it.
    Said(String),
    Problem(PageProblem),
}

impl Refused {
    pub(super) fn unread() -> Self {
        Self::Said("the form cannot be read; nothing was changed".to_owned())
    }
}

impl std::convert::From<ChangeRefused> for Refused {
    fn from(refused: ChangeRefused) -> Self {
        match refused {
            ChangeRefused::Unable(failure) => Self::Problem(failure.into()),
            ChangeRefused::Toggle(ToggleRefused::NotADeveloper(name)) => {
                Self::Said(format!("`{name}` is no developer any more"))
            }
            why => Self::Said(why.to_string()),
        }
    }
}

pub(super) async fn change(
    console: &Console,
    account: &Name,
    edit: Edit<'_, Developer>,
) -> Result<(), Refused> {
    let by = console.caller().actor();
    let (at, loader) = (&console.authority, &console.loader);
    change_developer(at, loader, (&by, account), edit, &|_| Ok(None)).await?;
    Ok(())
}

async fn end(
    console: &Console,
    account: &Name,
    edited: Result<(), Refused>,
) -> Result<Response, PageProblem> {
    match edited {
        Ok(()) => Ok(Redirect::to(&developer_href(account.as_str())).into_response()),
        Err(Refused::Problem(problem)) => Err(problem),
        Err(Refused::Said(why)) => page(console, account, Some(sentence(&why))).await,
    }
}
