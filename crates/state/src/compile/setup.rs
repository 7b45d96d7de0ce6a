use std::{collections::BTreeMap, sync::Arc};

use catalog::ApiRoutes;
use decision::{Catalogue, Profile, SymbolMap, Vocabulary};
use primitives::{Name, Symbol};
use store::Kind;

use super::{
    anomalies, api, entries, limits, lists,
    names::{At, Members, Names},
    policies, risk,
};
use crate::{
    document::{self, Document},
    problem::{Place, Problem},
    yaml,
};

/// One resource of a set-up as it is compiled from.
#[derive(Clone, Debug)]
pub enum Sourced {
    /// A canonical body.
    Body(Arc<str>),
    /// A description, imported once, because that is the slow part.
    Description(Arc<catalog::Description>),
}

/// Everything of a set-up by kind and name: all resources but accounts and apps.
pub type Source = BTreeMap<(Kind, Name), Sourced>;

/// A provider's set-up, compiled: what decisions read of it, and what stands around that.
#[derive(Debug, Default)]
pub struct Setup {
    /// What decisions read.
    pub catalogue: Arc<Catalogue>,
    /// How calls of each API are found and read.
    pub routes: SymbolMap<Arc<ApiRoutes>>,
    /// The policies, ready to be asked; `None` in a set-up that was never compiled.
    pub policies: Option<Arc<policy::Policies>>,
    /// The permission profiles.
    pub profiles: SymbolMap<Arc<Profile>>,
    /// The declared properties of accounts.
    pub properties: BTreeMap<Name, document::Property>,
    /// How developers are judged, by name of the ladder.
    pub risk_models: BTreeMap<Name, accounts::risk::Model>,
    /// The risk services that are asked besides, by name of the ladder.
    pub risk_services: BTreeMap<Name, document::RiskService>,
    /// Rules over how apps call, by name.
    pub anomaly_rules: Vec<accounts::anomalies::Rule>,
    /// Settings of the installation.
    pub settings: CompiledSettings,
    /// Capabilities by every spelling: names, titles and aliases, in lower case.
    pub spellings: BTreeMap<String, Symbol>,
}

/// Settings of the installation, with what was left out filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledSettings {
    /// The time zone of calendar windows, by its IANA name.
    pub time_zone: String,
    /// For how many days call records are kept.
    pub call_records_days: u32,
}

impl Default for CompiledSettings {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            call_records_days: 30,
        }
    }
}

impl Setup {
    /// The capability that is spelled so: by name, title or alias, whatever the case.
    #[must_use]
    pub fn capability_spelled(&self, text: &str) -> Option<Symbol> {
        self.spellings.get(&text.trim().to_lowercase()).copied()
    }
}

/// Imports a description's body. A problem has its place in the description's text.
///
/// # Errors
/// When the body holds no OpenAPI description that can be read.
pub fn description(name: &Name, body: &str) -> Result<Arc<catalog::Description>, Box<Problem>> {
    let at = At::new(Kind::Description, name);
    let document = document::Description::from_body(body)
        .map_err(|problem| Box::new(at.problem(problem.to_string())))?;
    catalog::openapi::import(&document.text)
        .map(Arc::new)
        .map_err(|problem| {
            let place = place_in(&document.text, &problem);
            Box::new(Problem {
                line: place.line,
                column: place.column,
                ..at.problem(problem.to_string())
            })
        })
}

fn place_in(text: &str, problem: &catalog::openapi::ImportProblem) -> Place {
    let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    if let Some((line, column)) = problem.position() {
        return Place {
            line: number(line),
            column: number(column),
        };
    }
    let found = problem.pointer().and_then(|pointer| {
        let root = yaml::read(text).ok()??;
        Some(root.locate_pointer(pointer))
    });
    found.unwrap_or(Place { line: 1, column: 1 })
}

/// Compiles a set-up.
///
/// # Errors
/// When anything in it is wrong or refers to something that is not there: all of it.
pub fn setup(
    sources: &Source,
    members: &dyn Members,
    vocabulary: &Arc<Vocabulary>,
) -> Result<Setup, Vec<Problem>> {
    let mut names = Names {
        sources,
        vocabulary,
        members,
        levels: BTreeMap::new(),
        problems: Vec::new(),
    };
    let mut catalogue = Catalogue {
        vocabulary: Arc::clone(vocabulary),
        ..Catalogue::default()
    };
    let mut setup = Setup::default();
    settings(&mut names, &mut setup);
    for (name, property) in each::<document::Property>(&mut names) {
        setup.properties.insert(name, property);
    }
    entries::ladders(&mut names, &mut catalogue);
    entries::regions(&mut names, &mut catalogue);
    entries::profiles(&mut names, &mut setup);
    let risks = entries::capabilities(&mut names, &mut catalogue, &mut setup);
    risk::risk_models(&mut names, &catalogue, &risks, &mut setup);
    entries::plans(&mut names, &mut catalogue, &setup);
    api::apis(&mut names, &mut catalogue, &mut setup);
    anomalies::anomaly_rules(&mut names, &mut setup);
    limits::limits(&mut names, &mut catalogue);
    lists::lists(&mut names, &mut catalogue);
    if names.problems.is_empty() {
        // Policies are held against the facts and properties there are: of a set-up with
        // holes they would complain about what is not their fault.
        policies::policies(&mut names, &catalogue, &mut setup);
    }
    if names.problems.is_empty() {
        setup.catalogue = Arc::new(catalogue);
        Ok(setup)
    } else {
        Err(names.problems)
    }
}

/// Every entry of a kind, read; what cannot be read is a problem.
pub(super) fn each<D: Document>(names: &mut Names<'_>) -> Vec<(Name, D)> {
    let mut entries = Vec::new();
    for ((kind, name), source) in names.sources {
        let Sourced::Body(body) = source else {
            continue;
        };
        if *kind != D::KIND {
            continue;
        }
        match D::from_body(body) {
            Ok(entry) => entries.push((name.clone(), entry)),
            Err(problem) => names
                .problems
                .push(At::new(*kind, name).problem(problem.to_string())),
        }
    }
    entries
}

fn settings(names: &mut Names<'_>, setup: &mut Setup) {
    for (name, settings) in each::<document::Settings>(names) {
        let at = At::new(Kind::Settings, &name);
        if let Some(zone) = settings.time_zone {
            if jiff::tz::TimeZone::get(&zone).is_err() {
                let problem = at
                    .field("time_zone")
                    .problem(format!("`{zone}` is not a time zone"));
                names.refuse(problem.mend("write an IANA name such as `Europe/Berlin`"));
            }
            setup.settings.time_zone = zone;
        }
        if let Some(days) = settings.call_records_days {
            if days == 0 {
                let problem = at.field("call_records_days");
                names.refuse(
                    problem
                        .problem("0 days would keep nothing")
                        .mend("write 1 or more"),
                );
            }
            setup.settings.call_records_days = days;
        }
    }
}
