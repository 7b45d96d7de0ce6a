use std::sync::Arc;

use decision::Catalogue;
use policy::{Policies, Property};
use primitives::Name;
use store::Kind;

use super::{
    Setup,
    names::{At, Names},
    setup::each,
};
use crate::{
    document::{self, PropertyType},
    problem::Problem,
};

/// Validates every policy against what capabilities, facts and properties there are.
pub(super) fn policies(names: &mut Names<'_>, catalogue: &Catalogue, setup: &mut Setup) {
    let texts: Vec<(Name, String)> = each::<document::Policy>(names)
        .into_iter()
        .map(|(name, policy)| (name, policy.cedar))
        .collect();
    let properties: Vec<Property> = setup
        .properties
        .iter()
        .map(|(name, property)| Property {
            name: name.clone(),
            kind: match property.kind {
                PropertyType::Boolean => policy::PropertyType::Boolean,
                PropertyType::Integer => policy::PropertyType::Integer,
                PropertyType::Text => policy::PropertyType::Text,
                PropertyType::Texts => policy::PropertyType::Texts,
            },
            optional: property.optional,
        })
        .collect();
    match Policies::compile(catalogue, &properties, &texts) {
        Ok(policies) => setup.policies = Some(Arc::new(policies)),
        Err(problems) => problems.into_iter().for_each(|found| {
            let problem = match &found.policy {
                Some(policy) => At::new(Kind::Policy, policy)
                    .field("cedar")
                    .problem(format!(
                        "line {}, column {}: {}",
                        found.line, found.column, found.message
                    )),
                None => Problem {
                    message: found.message,
                    ..Problem::default()
                },
            };
            names.refuse(problem.mend(found.mend.unwrap_or_default()));
        }),
    }
}
