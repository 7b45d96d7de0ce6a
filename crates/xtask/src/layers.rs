use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Package};

use crate::{run::Outcome, workspace::Workspace};

/// From the bottom up; an arrow may stay on its floor or point down.
const LAYERS: [&str; 7] = [
    "words", "decide", "keep", "do", "speak", "assemble", "develop",
];

/// The arrows up that are wanted, each with its reason.
const EXCEPTIONS: [(&str, &str, &str); 1] = [(
    "server",
    "dev-upstream",
    "`serve --dev` runs the upstream of the examples",
)];

/// Who may use a heavy dependency: crates by name, or everything from a layer on.
const OWNERS: [(&str, &[&str], Option<&str>); 10] = [
    ("cedar-policy", &["policy"], None),
    ("webauthn-rs", &["passkeys"], None),
    ("sqlx", &["store-postgres", "store-sqlite", "testkit"], None),
    ("axum", &[], Some("speak")),
    ("axum-extra", &[], Some("speak")),
    ("hyper", &[], Some("speak")),
    ("hyper-util", &[], Some("speak")),
    ("tower-http", &[], Some("speak")),
    ("reqwest", &[], Some("assemble")),
    ("minijinja", &["pages"], None),
];

/// Refuses a crate without a layer, an arrow up, a circle, and heavy crates in other hands.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    let mut problems = Vec::new();
    let mut floors = BTreeMap::new();
    for package in workspace.crates() {
        match floor(package) {
            Some(at) => {
                floors.insert(package.name.to_string(), at);
            }
            None => problems.push(format!(
                "{0}: no layer; write `layer = \"…\"` with one of {1} under [package.metadata.portreeve] in crates/{0}/Cargo.toml",
                package.name,
                LAYERS.join(", ")
            )),
        }
    }
    for package in workspace.crates() {
        problems.extend(arrows(package, &floors));
    }
    problems.extend(circle(workspace.crates(), &floors));
    if problems.is_empty() {
        Ok(format!("{} crates, every arrow points down", floors.len()))
    } else {
        Err(problems.join("\n"))
    }
}

fn floor(package: &Package) -> Option<usize> {
    let layer = package.metadata.get("portreeve")?.get("layer")?.as_str()?;
    LAYERS.iter().position(|name| *name == layer)
}

fn arrows(package: &Package, floors: &BTreeMap<String, usize>) -> Vec<String> {
    let name = package.name.to_string();
    let Some(&from) = floors.get(&name) else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for dependency in &package.dependencies {
        let to_name = dependency.name.as_str();
        if let Some(&to) = floors.get(to_name)
            && to > from
            && dependency.kind == DependencyKind::Normal
            && !EXCEPTIONS
                .iter()
                .any(|(a, b, _)| *a == name && *b == to_name)
        {
            problems.push(format!(
                "{name} ({}) uses {to_name} ({}): arrows point down; move the line or the type it needs",
                LAYERS.get(from).unwrap_or(&"?"),
                LAYERS.get(to).unwrap_or(&"?"),
            ));
        }
        if let Some((_, owners, layer)) = OWNERS.iter().find(|(heavy, _, _)| *heavy == to_name) {
            let high_enough = layer
                .and_then(|layer| LAYERS.iter().position(|name| *name == layer))
                .is_some_and(|least| from >= least);
            if !owners.contains(&name.as_str()) && !high_enough {
                problems.push(format!(
                    "{name} uses {to_name}, which belongs to {}",
                    layer.map_or_else(
                        || owners.join(", "),
                        |layer| format!("the layers from {layer} on")
                    )
                ));
            }
        }
    }
    problems
}

/// Takes away crates that need nothing left; what stays is a circle.
fn circle(packages: &[Package], floors: &BTreeMap<String, usize>) -> Option<String> {
    let mut left: BTreeMap<String, BTreeSet<String>> = packages
        .iter()
        .map(|package| {
            let needs = package
                .dependencies
                .iter()
                .filter(|d| d.kind == DependencyKind::Normal && floors.contains_key(&d.name))
                .map(|d| d.name.clone())
                .collect();
            (package.name.to_string(), needs)
        })
        .collect();
    loop {
        let free: Vec<String> = left
            .iter()
            .filter(|(_, needs)| needs.is_empty())
            .map(|(name, _)| name.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        for name in free {
            left.remove(&name);
            for needs in left.values_mut() {
                needs.remove(&name);
            }
        }
    }
    (!left.is_empty()).then(|| {
        let names: Vec<&str> = left.keys().map(String::as_str).collect();
        format!("a circle runs through {}", names.join(", "))
    })
}
