use std::collections::BTreeMap;

use accounts::persons::Reach;
use decision::{Capability, Catalogue, GeoSubject};
use primitives::{Name, Symbol};
use serde::{Deserialize, Serialize};
use state::document::{App, Developer, GeoRule, LimitValue, Place};

/// How a capability is to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// As the level has it: no toggle of its own.
    Default,
    /// Switched off, at every level.
    Off,
    /// A non-risk capability, switched on (P-64).
    On,
    /// Granted by its business unit, without vetting (P-40).
    BusinessUnit,
}

/// A toggle of a capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toggle {
    /// The capability.
    pub capability: Name,
    /// How it is to stand.
    pub switch: Switch,
}

/// Why a toggle, level or limit was not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToggleRefused {
    /// No such capability.
    #[error("there is no capability `{0}`")]
    CapabilityUnknown(Name),
    /// Only non-risk capabilities are switched on.
    #[error(
        "`{0}` is not a non-risk capability: a level or business unit opens it; use `default` to take a toggle back"
    )]
    NotNonRisk(Name),
    /// Only a capability of a business unit can be granted by one.
    #[error("`{0}` belongs to no business unit; assign a level instead")]
    NoBusinessUnit(Name),
    /// No such ladder.
    #[error("there is no ladder `{0}`")]
    LadderUnknown(Name),
    /// No such level.
    #[error("the ladder `{ladder}` has no level `{level}`")]
    LevelUnknown {
        /// The ladder.
        ladder: Name,
        /// The level asked for.
        level: Name,
    },
    /// An app's toggles only narrow.
    #[error(
        "an app can only switch capabilities off, or take that back with `default`; `{0}` is opened for its developer"
    )]
    OnlyNarrows(Name),
    /// It belongs to another unit, or to none.
    #[error("`{0}` belongs to no business unit of yours")]
    NotOfUnit(Name),
    /// No such region.
    #[error("there is no region `{0}`")]
    RegionUnknown(Name),
    /// A rule that names no region.
    #[error(
        "a location rule of `{0}` names no region, so no place is allowed; name one, or take the rule out"
    )]
    Nowhere(Name),
    /// The account is not a developer's.
    #[error("account `{0}` is not a developer account; add `developer` to it first")]
    NotADeveloper(Name),
}

/// Sets toggles of a developer. The last one of a capability wins.
///
/// # Errors
/// When a capability is not there, or cannot stand as asked.
pub fn switch_developer(
    catalogue: &Catalogue,
    developer: &mut Developer,
    toggles: &[Toggle],
) -> Result<(), ToggleRefused> {
    for Toggle { capability, switch } in toggles {
        let found = find(catalogue, capability)?;
        match switch {
            Switch::On if !found.non_risk => {
                return Err(ToggleRefused::NotNonRisk(capability.clone()));
            }
            Switch::BusinessUnit if found.business_unit.is_none() => {
                return Err(ToggleRefused::NoBusinessUnit(capability.clone()));
            }
            _ => {}
        }
        set(&mut developer.off, capability, *switch == Switch::Off);
        match switch {
            // Off wins over a grant or switch without ending it: taking it back restores them.
            Switch::Off => {}
            Switch::On => set(&mut developer.on, capability, true),
            Switch::BusinessUnit => set(&mut developer.business_unit, capability, true),
            Switch::Default => {
                set(&mut developer.on, capability, false);
                set(&mut developer.business_unit, capability, false);
            }
        }
    }
    Ok(())
}

/// Whether somebody may set these toggles of developers.
///
/// # Errors
/// When a capability is not there, or not theirs to switch.
pub fn within_reach(
    catalogue: &Catalogue,
    toggles: &[Toggle],
    reach: Option<Reach<'_>>,
) -> Result<(), ToggleRefused> {
    for Toggle { capability, .. } in toggles {
        let unit = find(catalogue, capability)?.business_unit.as_ref();
        if !reach.is_some_and(|reach| reach.covers(unit)) {
            return Err(ToggleRefused::NotOfUnit(capability.clone()));
        }
    }
    Ok(())
}

/// Sets toggles of an app, which can only narrow.
///
/// # Errors
/// When a capability is not there, or is to be opened.
pub fn switch_app(
    catalogue: &Catalogue,
    app: &mut App,
    toggles: &[Toggle],
) -> Result<(), ToggleRefused> {
    for Toggle { capability, switch } in toggles {
        find(catalogue, capability)?;
        match switch {
            Switch::Off | Switch::Default => {
                set(&mut app.off, capability, *switch == Switch::Off);
            }
            Switch::On | Switch::BusinessUnit => {
                return Err(ToggleRefused::OnlyNarrows(capability.clone()));
            }
        }
    }
    Ok(())
}

/// Puts a developer on a level; `None` is the lowest. Toggles and edited limits stay as they
/// are, and are shown as overrides until they are reset (P-62).
///
/// # Errors
/// When there is no such ladder or level.
pub fn assign_level(
    catalogue: &Catalogue,
    developer: &mut Developer,
    ladder: &Name,
    level: Option<&Name>,
) -> Result<(), ToggleRefused> {
    let symbol = catalogue.vocabulary.ladders.get(ladder.as_str());
    let found = symbol.and_then(|symbol| catalogue.ladders.get(symbol));
    let found = found.ok_or_else(|| ToggleRefused::LadderUnknown(ladder.clone()))?;
    match level {
        None => developer.levels.0.remove(ladder),
        Some(level) if found.levels.iter().any(|there| there.name == *level) => {
            developer.levels.0.insert(ladder.clone(), level.clone())
        }
        Some(level) => {
            return Err(ToggleRefused::LevelUnknown {
                ladder: ladder.clone(),
                level: level.clone(),
            });
        }
    };
    Ok(())
}

/// "Reset to level" (P-62): clears off-switches, edited limits and places of its own. Grants of
/// business units and switched-on non-risk capabilities are no part of a level, and stay.
pub fn reset_to_level(developer: &mut Developer) {
    developer.off.clear();
    developer.limits.clear();
    developer.geography.clear();
}

/// Sets edited limits; `None` takes one back. Whether a limit is there and takes such a value is
/// checked when the change is made.
///
/// Currencies that an edit does not name stay as they were edited before, or as `unedited` has
/// them: raising one currency must not close the others.
pub fn set_limits(
    limits: &mut BTreeMap<Name, LimitValue>,
    edits: &BTreeMap<Name, Option<LimitValue>>,
    unedited: impl Fn(&Name) -> Option<LimitValue>,
) {
    for (limit, value) in edits {
        let Some(value) = value else {
            limits.remove(limit);
            continue;
        };
        let before = limits.get(limit).cloned().or_else(|| unedited(limit));
        let value = match (before, value) {
            (Some(LimitValue::ByCurrency(mut all)), LimitValue::ByCurrency(named)) => {
                all.extend(named.clone());
                LimitValue::ByCurrency(all)
            }
            (_, value) => value.clone(),
        };
        limits.insert(limit.clone(), value);
    }
}

/// What a limit comes to for a developer whose limits nobody edited.
#[must_use]
pub fn limit_at_level(
    catalogue: &Catalogue,
    developer: &Developer,
    limit: &Name,
) -> Option<LimitValue> {
    let symbol = catalogue.vocabulary.limits.get(limit.as_str())?;
    let limit = catalogue.limits.get(symbol)?;
    let (_, held) = levels(catalogue, developer);
    Some(panel_limit(limit, developer, &held).default)
}

/// Confines capabilities of a developer to places; without a rule, one is used wherever anybody
/// may use it (P-65).
///
/// # Errors
/// When a capability or region is not there, or a rule allows no place.
pub fn confine(
    catalogue: &Catalogue,
    developer: &mut Developer,
    edits: &BTreeMap<Name, Vec<GeoRule>>,
) -> Result<(), ToggleRefused> {
    for (capability, rules) in edits {
        find(catalogue, capability)?;
        for rule in rules {
            if rule.regions.is_empty() {
                return Err(ToggleRefused::Nowhere(capability.clone()));
            }
            for region in &rule.regions {
                let symbol = catalogue.vocabulary.regions.get(region.as_str());
                symbol
                    .and_then(|symbol| catalogue.regions.get(symbol))
                    .ok_or_else(|| ToggleRefused::RegionUnknown(region.clone()))?;
            }
        }
        if rules.is_empty() {
            developer.geography.remove(capability);
        } else {
            developer
                .geography
                .insert(capability.clone(), rules.clone());
        }
    }
    Ok(())
}

fn find<'a>(catalogue: &'a Catalogue, name: &Name) -> Result<&'a Capability, ToggleRefused> {
    let symbol = catalogue.vocabulary.capabilities.get(name.as_str());
    symbol
        .and_then(|symbol| catalogue.capabilities.get(symbol))
        .ok_or_else(|| ToggleRefused::CapabilityUnknown(name.clone()))
}

fn set(list: &mut Vec<Name>, name: &Name, there: bool) {
    list.retain(|other| other != name);
    if there {
        list.push(name.clone());
        list.sort();
    }
}

/// What an operator sees of a developer: every capability that the levels or other ways in
/// open, how it is switched, and every limit with what was edited (P-62 … P-65).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Panel {
    /// The level on each ladder.
    pub levels: BTreeMap<Name, Name>,
    /// The capabilities of the level, of business units, and the non-risk ones.
    pub capabilities: Vec<PanelCapability>,
    /// The limits of those capabilities.
    pub limits: Vec<PanelLimit>,
    /// How many toggles, edited limits and places of its own differ from the level.
    pub overrides: usize,
}

/// A capability as the panel shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PanelCapability {
    /// Its name.
    pub name: Name,
    /// The way in: `level`, `business_unit` or `non_risk`.
    pub way: &'static str,
    /// Whether it is on.
    pub on: bool,
    /// Whether a toggle made it so, and not the level.
    pub overridden: bool,
    /// The business unit that may grant it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub business_unit: Option<Name>,
    /// The names of its limits.
    pub limits: Vec<Name>,
    /// Where it may be used; everywhere when there is no rule.
    pub geography: PanelPlaces,
}

/// Where a capability may be used: every rule must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PanelPlaces {
    /// The rules for everybody.
    pub all: Vec<GeoRule>,
    /// The rules for this developer alone.
    pub own: Vec<GeoRule>,
}

/// A limit as the panel shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PanelLimit {
    /// Its name.
    pub name: Name,
    /// The value at the developer's level.
    pub default: LimitValue,
    /// The edited value.
    pub edited: Option<LimitValue>,
}

/// The panel of a developer.
#[must_use]
pub fn panel(catalogue: &Catalogue, developer: &Developer) -> Panel {
    let (levels, held) = levels(catalogue, developer);
    let mut capabilities = Vec::new();
    let mut limits: BTreeMap<Name, PanelLimit> = BTreeMap::new();
    for (symbol, capability) in catalogue.capabilities.iter() {
        let Some(mut shown) = shown(capability, developer, &held) else {
            continue;
        };
        let of = catalogue.index.capability_limits.get(symbol);
        for limit in of.into_iter().flatten() {
            if let Some(limit) = catalogue.limits.get(*limit) {
                let line = panel_limit(limit, developer, &held);
                shown.limits.push(limit.name.clone());
                limits.insert(limit.name.clone(), line);
            }
        }
        shown.geography.all = places_of_all(catalogue, capability);
        capabilities.push(shown);
    }
    capabilities.sort_by(|a, b| a.name.cmp(&b.name));
    let limits: Vec<PanelLimit> = limits.into_values().collect();
    Panel {
        levels,
        overrides: developer.off.len() + developer.limits.len() + developer.geography.len(),
        capabilities,
        limits,
    }
}

/// The assigned or lowest level of each ladder, and every level that standing on it means.
fn levels(catalogue: &Catalogue, developer: &Developer) -> (BTreeMap<Name, Name>, Vec<Symbol>) {
    let (mut assigned, mut held) = (BTreeMap::new(), Vec::new());
    for (symbol, ladder) in catalogue.ladders.iter() {
        let Ok(name) = catalogue.vocabulary.ladders.name(symbol).parse::<Name>() else {
            continue;
        };
        let level = developer.levels.0.get(&name);
        let step = ladder
            .levels
            .iter()
            .find(|step| level.is_none_or(|level| step.name == *level));
        if let Some(step) = step {
            assigned.insert(name, step.name.clone());
            held.extend(ladder.held(Some(step.symbol)).map(|step| step.symbol));
        }
    }
    (assigned, held)
}

fn shown(
    capability: &Capability,
    developer: &Developer,
    held: &[Symbol],
) -> Option<PanelCapability> {
    let name = &capability.name;
    let by_level = capability
        .levels
        .iter()
        .any(|(_, level)| held.contains(level));
    let off = developer.off.contains(name);
    let (way, open) = if by_level {
        ("level", true)
    } else if capability.business_unit.is_some() {
        ("business_unit", developer.business_unit.contains(name))
    } else if capability.non_risk {
        ("non_risk", developer.on.contains(name))
    } else {
        return None;
    };
    Some(PanelCapability {
        name: name.clone(),
        way,
        on: open && !off,
        overridden: off || (open && !by_level),
        business_unit: capability.business_unit.clone(),
        limits: Vec::new(),
        geography: PanelPlaces {
            all: Vec::new(),
            own: developer.geography.get(name).cloned().unwrap_or_default(),
        },
    })
}

/// The compiled location rules of a capability as they are written.
fn places_of_all(catalogue: &Catalogue, capability: &Capability) -> Vec<GeoRule> {
    let region = |region: &Symbol| catalogue.vocabulary.regions.name(*region).parse().ok();
    let rules = capability.geography.iter();
    rules
        .map(|rule| GeoRule {
            subject: match rule.subject {
                GeoSubject::CallerHome => Place::CallerHome,
                GeoSubject::CallerNow => Place::CallerNow,
                GeoSubject::UserHome => Place::UserHome,
                GeoSubject::Target => Place::Target,
            },
            regions: rule.regions.iter().filter_map(region).collect(),
        })
        .collect()
}

fn panel_limit(limit: &decision::Limit, developer: &Developer, held: &[Symbol]) -> PanelLimit {
    // The held levels of a ladder stand in ascending order: the highest that has a value.
    let place = |level: &Symbol| held.iter().position(|there| there == level);
    let at_level = limit
        .by_level
        .iter()
        .filter_map(|(level, value)| Some((place(level)?, value)))
        .max_by_key(|(at, _)| *at)
        .map(|(_, value)| value);
    PanelLimit {
        name: limit.name.clone(),
        default: written(at_level.unwrap_or(&limit.default)),
        edited: developer.limits.get(&limit.name).cloned(),
    }
}

/// A compiled limit value as it is written.
fn written(value: &decision::LimitValue) -> LimitValue {
    use state::document::Number;
    match value {
        decision::LimitValue::Unlimited => LimitValue::Unlimited,
        decision::LimitValue::AtMost(most) => LimitValue::AtMost(Number(*most)),
        decision::LimitValue::ByCurrency(values) => {
            let values = values.iter().map(|(c, most)| (c.clone(), Number(*most)));
            LimitValue::ByCurrency(values.collect())
        }
    }
}
