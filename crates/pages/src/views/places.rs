use std::sync::LazyLock;

use decision::Catalogue;
use primitives::{Country, Name};
use serde::Serialize;
use state::document::{GeoRule, Place};

/// The outlines of the countries: see `assets/README.md`.
static WORLD: LazyLock<Vec<(Country, &'static str)>> = LazyLock::new(|| {
    include_str!("../../assets/world.txt")
        .lines()
        .filter_map(|line| {
            let (country, outline) = line.split_once(' ')?;
            Some((country.parse().ok()?, outline))
        })
        .collect()
});

/// Whose places there are, in the order of their words.
pub(crate) const PLACES: [Place; 4] = [
    Place::CallerNow,
    Place::CallerHome,
    Place::UserHome,
    Place::Target,
];

/// The word of a place in forms.
pub(crate) const fn place_key(place: Place) -> &'static str {
    match place {
        Place::CallerHome => "caller_home",
        Place::CallerNow => "caller_now",
        Place::UserHome => "user_home",
        Place::Target => "target",
    }
}

/// Whose place it is, in words.
pub(crate) const fn whose(place: Place) -> &'static str {
    match place {
        Place::CallerHome => "the developer's registered country",
        Place::CallerNow => "the country that the call comes from",
        Place::UserHome => "the registered country of the account acted for",
        Place::Target => "the country that the call is about",
    }
}

/// A rule, in words.
pub(crate) fn place_words(rule: &GeoRule) -> String {
    let regions: Vec<&str> = rule.regions.iter().map(Name::as_str).collect();
    format!("{} in {}", whose(rule.subject), regions.join(" or "))
}

/// One subject's rules, on a map and as a list.
#[derive(Debug, Serialize)]
pub(crate) struct MapView {
    pub(crate) subject: &'static str,
    pub(crate) whose: &'static str,
    pub(crate) rules: Vec<RuleRow>,
    /// The countries that every rule allows, by code.
    pub(crate) allowed: Vec<String>,
    pub(crate) shapes: Vec<Shape>,
    /// Allowed countries that are too small for the map, or unknown to it.
    pub(crate) not_drawn: Vec<String>,
}

/// A rule in the list.
#[derive(Debug, Serialize)]
pub(crate) struct RuleRow {
    pub(crate) regions: String,
    /// Whether it is this developer's alone.
    pub(crate) own: bool,
}

/// A country on the map.
#[derive(Debug, Serialize)]
pub(crate) struct Shape {
    pub(crate) country: String,
    pub(crate) outline: &'static str,
    pub(crate) allowed: bool,
}

impl MapView {
    /// One for each subject that has a rule.
    pub(crate) fn all(catalogue: &Catalogue, all: &[GeoRule], own: &[GeoRule]) -> Vec<Self> {
        let of = |subject: Place| {
            let of_all = all.iter().map(|rule| (rule, false));
            let rules = of_all.chain(own.iter().map(|rule| (rule, true)));
            let rules: Vec<_> = rules.filter(|(rule, _)| rule.subject == subject).collect();
            (!rules.is_empty()).then(|| Self::of(catalogue, subject, &rules))
        };
        PLACES.into_iter().filter_map(of).collect()
    }

    fn of(catalogue: &Catalogue, subject: Place, rules: &[(&GeoRule, bool)]) -> Self {
        let mut allowed: Option<Vec<Country>> = None;
        for (rule, _) in rules {
            let here = countries(catalogue, rule);
            allowed = Some(match allowed {
                None => here,
                Some(before) => before
                    .into_iter()
                    .filter(|one| here.contains(one))
                    .collect(),
            });
        }
        let allowed = allowed.unwrap_or_default();
        let drawn = |country: &Country| WORLD.iter().any(|(there, _)| there == country);
        let code = |country: &Country| country.to_string();
        Self {
            subject: place_key(subject),
            whose: whose(subject),
            rules: rules
                .iter()
                .map(|(rule, own)| RuleRow {
                    regions: regions_words(catalogue, rule),
                    own: *own,
                })
                .collect(),
            shapes: WORLD
                .iter()
                .map(|(country, outline)| Shape {
                    country: country.to_string(),
                    outline,
                    allowed: allowed.contains(country),
                })
                .collect(),
            not_drawn: allowed.iter().filter(|one| !drawn(one)).map(code).collect(),
            allowed: allowed.iter().map(code).collect(),
        }
    }
}

fn countries(catalogue: &Catalogue, rule: &GeoRule) -> Vec<Country> {
    let regions = rule.regions.iter();
    let mut all: Vec<Country> = regions
        .filter_map(|region| catalogue.vocabulary.regions.get(region.as_str()))
        .filter_map(|symbol| catalogue.regions.get(symbol))
        .flat_map(|region| region.countries.iter().copied())
        .collect();
    all.sort();
    all.dedup();
    all
}

fn regions_words(catalogue: &Catalogue, rule: &GeoRule) -> String {
    let regions: Vec<String> = rule
        .regions
        .iter()
        .map(|region| {
            let symbol = catalogue.vocabulary.regions.get(region.as_str());
            let known = symbol.and_then(|symbol| catalogue.regions.get(symbol));
            let count = known.map_or(0, |region| region.countries.len()) as u64;
            format!(
                "`{region}` ({})",
                super::units::counted(count, "country", "countries")
            )
        })
        .collect();
    regions.join(" or ")
}

/// A region to tick.
#[derive(Debug, Serialize)]
pub(crate) struct RegionChoice {
    pub(crate) name: String,
    pub(crate) countries: String,
}

impl RegionChoice {
    pub(crate) fn all(catalogue: &Catalogue) -> Vec<Self> {
        let mut rows: Vec<Self> = catalogue
            .regions
            .iter()
            .map(|(symbol, region)| {
                let codes: Vec<String> = region.countries.iter().map(ToString::to_string).collect();
                Self {
                    name: catalogue.vocabulary.regions.name(symbol).to_string(),
                    countries: codes.join(" "),
                }
            })
            .collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_is_read_whole() {
        assert_eq!(WORLD.len(), 174);
        for (_, outline) in WORLD.iter() {
            assert!(outline.starts_with('M') && outline.ends_with('z'));
        }
        let has = |code: &str| {
            let country: Country = code.parse().unwrap();
            WORLD.iter().any(|(there, _)| *there == country)
        };
        assert!(has("DE") && has("CA") && has("AU") && !has("AQ"));
    }
}
