use accounts::{
    profile::Measure,
    risk::{Model, Question, Signal, Step, Test},
};
use decision::{Attribute, Catalogue};
use primitives::Name;
use store::Kind;

use super::{
    Setup,
    credential::is_server_url,
    members::attribute,
    names::{At, Names},
    setup::each,
};
use crate::{
    document::{self, PropertyType, RecordsMeasure},
    problem::suggestion,
};

/// Compiles the risk models; the ladders, regions, properties and capabilities stand already.
/// `risks` has the own risk of each capability.
pub(super) fn risk_models(
    names: &mut Names<'_>,
    catalogue: &Catalogue,
    risks: &[(Name, u32)],
    setup: &mut Setup,
) {
    for (name, entry) in each::<document::RiskModel>(names) {
        let at = At::new(Kind::RiskModel, &name);
        let Some(steps) = steps(names, catalogue, risks, at) else {
            continue;
        };
        if entry.again_after_days == Some(0) {
            let problem = at.field("again_after_days");
            let problem = problem.problem("0 days would look again without end");
            names.refuse(problem.mend("write 1 or more, or leave it out for never"));
        }
        let automatic = match &entry.automatic {
            Some(level) => automatic(names, &steps, level, at.field("automatic")),
            None => 0,
        };
        let mut seen: Vec<&Name> = Vec::new();
        let mut signals = Vec::with_capacity(entry.signals.len());
        for (index, signal) in entry.signals.iter().enumerate() {
            let field = format!("signals[{index}]");
            let at = at.field(&field);
            if seen.contains(&&signal.name) {
                let message = format!("the signal `{}` stands twice; rename one", signal.name);
                names.refuse(at.problem(message));
            }
            seen.push(&signal.name);
            if let Some(question) = question(names, catalogue, setup, signal, at) {
                signals.push(Signal {
                    name: signal.name.clone(),
                    question,
                    points: i64::from(signal.points),
                    missing: signal.missing.map(i64::from),
                });
            }
        }
        if let Some(service) = &entry.service {
            check_service(names, service, seen.contains(&&service.name), at);
            setup.risk_services.insert(name.clone(), service.clone());
        }
        let model = Model {
            base: i64::from(entry.base),
            signals,
            tolerance: i64::from(entry.tolerance),
            steps,
            automatic,
            refuse_above: entry.refuse_above.map(i64::from),
            again_after_days: entry.again_after_days,
            service: entry.service.as_ref().map(|service| service.name.clone()),
        };
        setup.risk_models.insert(name, model);
    }
}

fn check_service(
    names: &mut Names<'_>,
    service: &document::RiskService,
    is_taken: bool,
    at: At<'_>,
) {
    if is_taken {
        let message = format!("a signal is called `{}` already; rename one", service.name);
        names.refuse(at.field("service.name").problem(message));
    }
    if !is_server_url(&service.url) {
        let problem = at.field("service.url");
        let problem = problem.problem(format!("`{}` is not the URL of a server", service.url));
        names.refuse(problem.mend("write it whole, such as `https://risk.example/assess`"));
    }
}

/// The levels of the ladder that the model is named like, each with the riskiest capability
/// that it opens.
fn steps(
    names: &mut Names<'_>,
    catalogue: &Catalogue,
    risks: &[(Name, u32)],
    at: At<'_>,
) -> Option<Vec<Step>> {
    let symbol = names.symbol(Kind::Ladder, at.name, at.field("name"))?;
    let ladder = catalogue.ladders.get(symbol)?;
    let opens = |level| {
        let all = catalogue.capabilities.iter();
        let of_level = all.filter(move |(_, one)| one.levels.contains(&(symbol, level)));
        let weighed = of_level.filter_map(|(_, one)| {
            let (name, risk) = risks.iter().find(|(name, _)| *name == one.name)?;
            Some((name.clone(), i64::from(*risk)))
        });
        weighed.max_by(|(a, one), (b, other)| one.cmp(other).then_with(|| b.cmp(a)))
    };
    let steps = ladder.levels.iter().map(|level| Step {
        level: level.name.clone(),
        exact: level.exact,
        riskiest: opens(level.symbol),
    });
    Some(steps.collect())
}

/// How many levels there are up to this one.
fn automatic(names: &mut Names<'_>, steps: &[Step], level: &Name, at: At<'_>) -> usize {
    let rank = steps.iter().position(|step| step.level == *level);
    rank.map_or_else(
        || {
            let known = steps.iter().map(|step| step.level.as_str());
            let mend = suggestion(level.as_str(), known);
            let message = format!("the ladder `{}` has no level `{level}`", at.name);
            names.refuse(at.problem(message).mend(mend));
            0
        },
        |rank| rank.saturating_add(1),
    )
}

fn question(
    names: &mut Names<'_>,
    catalogue: &Catalogue,
    setup: &Setup,
    signal: &document::Signal,
    at: At<'_>,
) -> Option<Question> {
    let tests = [
        signal.equals.is_some(),
        signal.one_of.is_some(),
        signal.at_least.is_some(),
        signal.at_most.is_some(),
    ];
    let tests = tests.iter().filter(|there| **there).count();
    match (&signal.country, &signal.property, &signal.records, tests) {
        (Some(regions), None, None, 0) => countries(names, catalogue, regions, at),
        (None, None, Some(asked), 1) => records(names, signal, asked, at),
        (None, Some(property), None, 1) => {
            let Some(declared) = setup.properties.get(property) else {
                let known = setup.properties.keys().map(Name::as_str);
                let mend = suggestion(property.as_str(), known);
                let message = format!("there is no property `{property}`");
                names.refuse(at.problem(message).mend(mend));
                return None;
            };
            let test = test(names, declared.kind, signal, at)?;
            let name = property.clone();
            Some(Question::Property { name, test })
        }
        _ => {
            let problem = at.problem("a signal asks exactly one question");
            names.refuse(problem.mend(
                "write `country` alone, `property` with one of `equals`, `one_of`, `at_least` and `at_most`, or `records` with `at_least` or `at_most`",
            ));
            None
        }
    }
}

fn records(
    names: &mut Names<'_>,
    signal: &document::Signal,
    asked: &document::RecordsAsked,
    at: At<'_>,
) -> Option<Question> {
    let bound = signal.at_least.map(Test::AtLeast);
    let Some(test) = bound.or_else(|| signal.at_most.map(Test::AtMost)) else {
        let problem = at.problem("what records come to is a number");
        names.refuse(problem.mend("use `at_least` or `at_most`"));
        return None;
    };
    let measure = match asked.measure {
        RecordsMeasure::Count => Measure::Count,
        RecordsMeasure::Sum => Measure::Sum,
        RecordsMeasure::Least => Measure::Least,
        RecordsMeasure::Most => Measure::Most,
    };
    if measure != Measure::Count && asked.fact.is_none() {
        let problem = at.problem("only a fact of records has a sum, a least and a most");
        names.refuse(problem.mend("name the `fact`, or leave `measure` out"));
        return None;
    }
    Some(Question::Records {
        source: asked.source.clone(),
        kind: asked.kind.clone(),
        fact: asked.fact.clone(),
        measure,
        test,
    })
}

fn countries(
    names: &mut Names<'_>,
    catalogue: &Catalogue,
    regions: &[Name],
    at: At<'_>,
) -> Option<Question> {
    if regions.is_empty() {
        let problem = at.problem("without a region no country is meant");
        names.refuse(problem.mend("name a region"));
        return None;
    }
    let field = format!("{}.country", at.field);
    let symbols = names.symbols(Kind::Region, regions, at.field(&field));
    let found = symbols.iter().filter_map(|one| catalogue.regions.get(*one));
    let mut countries: Vec<_> = found.flat_map(|region| region.countries.clone()).collect();
    countries.sort_unstable();
    countries.dedup();
    Some(Question::Country(countries))
}

fn test(
    names: &mut Names<'_>,
    declared: PropertyType,
    signal: &document::Signal,
    at: At<'_>,
) -> Option<Test> {
    let bound = signal.at_least.map(Test::AtLeast);
    if let Some(bound) = bound.or_else(|| signal.at_most.map(Test::AtMost)) {
        if declared == PropertyType::Integer {
            return Some(bound);
        }
        let problem = at.problem("only a property of type `integer` can be compared so");
        names.refuse(problem.mend("use `equals` or `one_of`"));
        return None;
    }
    let values = signal.one_of.iter().flatten().chain(&signal.equals);
    let values: Vec<Attribute> = values
        .map(|value| attribute(Some(member(declared)), value.clone()))
        .collect();
    let fits = |value: &Attribute| match member(declared) {
        PropertyType::Boolean => matches!(value, Attribute::Boolean(_)),
        PropertyType::Integer => matches!(value, Attribute::Integer(_)),
        PropertyType::Text | PropertyType::Texts => matches!(value, Attribute::Text(_)),
    };
    if values.is_empty() || !values.iter().all(fits) {
        let problem = at.problem("the property never has such a value");
        names.refuse(problem.mend("write values of the property's type; of a set, its members"));
        return None;
    }
    Some(Test::OneOf(values))
}

/// What one value of a property is; of a set, a member.
const fn member(declared: PropertyType) -> PropertyType {
    match declared {
        PropertyType::Texts => PropertyType::Text,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::PropertyValue;

    #[test]
    fn a_number_where_text_is_declared_is_text() {
        let given = PropertyValue::Integer(7);
        let read = attribute(Some(member(PropertyType::Texts)), given);
        assert_eq!(read, Attribute::Text("7".into()));
    }
}
