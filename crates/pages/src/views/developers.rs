use accounts::persons::Reach;
use decision::{Account, Catalogue, spoken_level};
use flows::{Panel, PanelCapability, PanelLimit};
use serde::Serialize;
use state::document::{GeoRule, LimitValue};
use store::Resource;

use super::{Entry, limits::limit_words, link, places::place_words, units::decimal};

/// A developer in the list and at the head of its page.
#[derive(Debug, Serialize)]
pub(crate) struct DeveloperRow {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) href: String,
    pub(crate) verified: bool,
    /// The levels that were given; the lowest where none was.
    pub(crate) levels: String,
    pub(crate) overrides: usize,
    pub(crate) country: String,
}

impl DeveloperRow {
    /// `None` when the account is not a developer's.
    pub(crate) fn of(resource: &Resource, account: &state::document::Account) -> Option<Self> {
        let developer = account.developer.as_ref()?;
        let levels: Vec<String> = developer
            .levels
            .0
            .iter()
            .map(|(ladder, level)| spoken_level(&format!("{ladder}/{level}")))
            .collect();
        Some(Self {
            href: developer_href(resource.name.as_str()),
            name: resource.name.to_string(),
            title: account.title.clone().unwrap_or_default(),
            verified: account.verified,
            levels: if levels.is_empty() {
                "lowest".to_owned()
            } else {
                levels.join(", ")
            },
            overrides: developer.off.len() + developer.limits.len() + developer.geography.len(),
            country: account
                .country
                .map(|home| home.to_string())
                .unwrap_or_default(),
        })
    }
}

pub(crate) fn developer_href(name: &str) -> String {
    format!("/console/developers/{name}")
}

/// What is known of a developer, at the head of its page.
pub(crate) fn developer_entries(account: &Account, row: &DeveloperRow) -> Vec<Entry> {
    let profile = account
        .developer
        .as_ref()
        .and_then(|developer| developer.profile.as_ref())
        .and_then(|profile| profile.name.as_ref());
    let mut entries = vec![
        Entry::id("Account", account.id.to_string()),
        Entry::text("Title", row.title.clone()),
        Entry::text("Country", row.country.clone()),
        Entry::text(
            "Profile",
            profile.map(ToString::to_string).unwrap_or_default(),
        ),
        Entry::link(
            "Event log",
            "what was done to it",
            link(
                "/console/events",
                &[("kind", "account"), ("name", account.name.as_str())],
            ),
        ),
    ];
    entries.extend(super::vettings::properties(account));
    Entry::said(entries)
}

/// A ladder, with the level that the developer stands on.
#[derive(Debug, Serialize)]
pub(crate) struct LadderRow {
    pub(crate) name: String,
    pub(crate) level: String,
    pub(crate) choices: Vec<String>,
    /// Where its vetting stands, when there is one.
    pub(crate) vetting: Option<String>,
}

impl LadderRow {
    pub(crate) fn all(catalogue: &Catalogue, panel: &Panel) -> Vec<Self> {
        let mut rows: Vec<Self> = catalogue
            .ladders
            .iter()
            .map(|(symbol, ladder)| {
                let name = catalogue.vocabulary.ladders.name(symbol).to_string();
                let stands = panel.levels.iter().find(|(of, _)| of.as_str() == name);
                Self {
                    level: stands
                        .map(|(_, level)| level.to_string())
                        .unwrap_or_default(),
                    choices: ladder
                        .levels
                        .iter()
                        .map(|one| one.name.to_string())
                        .collect(),
                    vetting: None,
                    name,
                }
            })
            .collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows
    }
}

/// A capability with its switch.
#[derive(Debug, Serialize)]
pub(crate) struct SwitchRow {
    pub(crate) name: String,
    pub(crate) way: String,
    pub(crate) on: bool,
    /// Whether a toggle made it so, and not the level.
    pub(crate) overridden: bool,
    /// How it is to stand when it is pressed; empty when whoever looks may not.
    pub(crate) next: &'static str,
    /// Its limits, in words; faded when it is off.
    pub(crate) limits: Vec<String>,
    pub(crate) places: String,
    pub(crate) confined: bool,
    pub(crate) places_href: String,
}

impl SwitchRow {
    pub(crate) fn of(
        developer: &str,
        capability: &PanelCapability,
        panel: &Panel,
        reach: Option<Reach<'_>>,
    ) -> Self {
        let unit = capability.business_unit.as_ref();
        let limits = panel.limits.iter();
        let limits = limits.filter(|limit| capability.limits.contains(&limit.name));
        let rules = &capability.geography;
        Self {
            name: capability.name.to_string(),
            way: match (capability.way, unit) {
                ("business_unit", Some(unit)) => format!("business unit {unit}"),
                ("non_risk", _) => "non-risk".to_owned(),
                (way, _) => way.to_owned(),
            },
            on: capability.on,
            overridden: capability.overridden,
            next: if reach.is_some_and(|reach| reach.covers(unit)) {
                next(capability)
            } else {
                ""
            },
            limits: limits
                .map(|limit| {
                    let value = limit.edited.as_ref().unwrap_or(&limit.default);
                    format!("`{}` {}", limit.name, value_words(value))
                })
                .collect(),
            places: places(rules.all.iter().chain(&rules.own)),
            confined: !rules.own.is_empty(),
            places_href: format!("{}/places/{}", developer_href(developer), capability.name),
        }
    }
}

/// What pressing the switch asks for.
fn next(capability: &PanelCapability) -> &'static str {
    match (capability.way, capability.on) {
        ("level", true) => "off",
        // What was opened by hand is taken back, which leaves no toggle behind.
        (_, true) | ("level", false) => "default",
        ("business_unit", false) => "business_unit",
        (_, false) => "on",
    }
}

fn places<'a>(rules: impl Iterator<Item = &'a GeoRule>) -> String {
    let words: Vec<String> = rules.map(place_words).collect();
    if words.is_empty() {
        "everywhere".to_owned()
    } else {
        words.join("; ")
    }
}

/// A limit with the fields that edit it.
#[derive(Debug, Serialize)]
pub(crate) struct LimitEdit {
    pub(crate) name: String,
    /// What it bounds, in words.
    pub(crate) what: String,
    pub(crate) edited: bool,
    /// Whether every capability that it limits is off.
    pub(crate) faded: bool,
    pub(crate) fields: Vec<LimitField>,
}

/// One number of a limit.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LimitField {
    /// `value`, or `value.` and a currency.
    pub(crate) field: String,
    pub(crate) currency: String,
    pub(crate) default: String,
    pub(crate) edited: String,
}

impl LimitEdit {
    pub(crate) fn all(panel: &Panel, catalogue: &Catalogue) -> Vec<Self> {
        let is_on = |limit: &PanelLimit| {
            let mut of = panel.capabilities.iter();
            of.any(|capability| capability.on && capability.limits.contains(&limit.name))
        };
        let limits = panel.limits.iter();
        limits
            .map(|limit| Self {
                faded: !is_on(limit),
                ..Self::of(limit, catalogue)
            })
            .collect()
    }

    pub(crate) fn of(limit: &PanelLimit, catalogue: &Catalogue) -> Self {
        let symbol = catalogue.vocabulary.limits.get(limit.name.as_str());
        let known = symbol.and_then(|symbol| catalogue.limits.get(symbol));
        Self {
            name: limit.name.to_string(),
            what: known.map(limit_words).unwrap_or_default(),
            edited: limit.edited.is_some(),
            faded: false,
            fields: limit_fields(&limit.default, limit.edited.as_ref()),
        }
    }
}

fn limit_fields(default: &LimitValue, edited: Option<&LimitValue>) -> Vec<LimitField> {
    let currencies = |value: &LimitValue| match value {
        LimitValue::ByCurrency(values) => values.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let mut names: Vec<String> = currencies(default);
    names.extend(edited.map(currencies).unwrap_or_default());
    names.sort();
    names.dedup();
    // An edit without currencies is one field, whatever the level has.
    if names.is_empty() || edited.is_some_and(|edited| currencies(edited).is_empty()) {
        return vec![LimitField {
            field: "value".to_owned(),
            currency: String::new(),
            default: value_words(default),
            edited: edited.map(plain).unwrap_or_default(),
        }];
    }
    let of = |value: &LimitValue, currency: &str| match value {
        LimitValue::ByCurrency(values) => values
            .get(currency)
            .map(|most| most.0.to_string())
            .unwrap_or_default(),
        LimitValue::AtMost(most) => most.0.to_string(),
        LimitValue::Unlimited => "unlimited".to_owned(),
    };
    let field = |currency: String| LimitField {
        field: format!("value.{currency}"),
        default: of(default, &currency),
        edited: edited
            .map(|edited| of(edited, &currency))
            .unwrap_or_default(),
        currency,
    };
    names.into_iter().map(field).collect()
}

/// A value as it is typed.
fn plain(value: &LimitValue) -> String {
    match value {
        LimitValue::Unlimited => "unlimited".to_owned(),
        LimitValue::AtMost(most) => most.0.to_string(),
        LimitValue::ByCurrency(_) => String::new(),
    }
}

/// A value in words.
fn value_words(value: &LimitValue) -> String {
    match value {
        LimitValue::Unlimited => "unlimited".to_owned(),
        LimitValue::AtMost(most) => decimal(&most.0.to_string()),
        LimitValue::ByCurrency(values) => {
            let values = values.iter();
            let words: Vec<String> = values
                .map(|(currency, most)| format!("{} {currency}", decimal(&most.0.to_string())))
                .collect();
            words.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use state::document::Number;

    use super::*;

    fn by_currency(values: &[(&str, &str)]) -> LimitValue {
        let value = |(currency, most): &(&str, &str)| {
            ((*currency).to_owned(), Number(most.parse().unwrap()))
        };
        LimitValue::ByCurrency(values.iter().map(value).collect())
    }

    #[test]
    fn a_limit_by_currency_has_a_field_for_each_and_any_other_one() {
        let default = by_currency(&[("AUD", "10800"), ("USD", "10000")]);
        let edited = by_currency(&[("USD", "5")]);
        let fields = limit_fields(&default, Some(&edited));
        let told: Vec<_> = fields
            .iter()
            .map(|one| {
                (
                    one.field.as_str(),
                    one.default.as_str(),
                    one.edited.as_str(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [("value.AUD", "10800", ""), ("value.USD", "10000", "5")]
        );
        let fields = limit_fields(&default, Some(&LimitValue::Unlimited));
        assert_eq!(fields.len(), 1);
        assert_eq!(fields[0].default, "10,800 AUD, 10,000 USD");
        assert_eq!(fields[0].edited, "unlimited");
    }
}
