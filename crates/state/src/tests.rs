use std::{collections::BTreeMap, sync::Arc};

use decision::{Admission, Exhausted, Vocabulary};
use primitives::{AccountId, AppId, Name};
use proptest::prelude::*;
use store::Kind;

use super::*;

const STATE: &str = include_str!("../fixtures/market.yaml");
const DESCRIPTION: &str = include_str!("../fixtures/market.openapi.yaml");

fn sources(state: &str) -> Sources {
    let file = SourceFile {
        path: "town/market.yaml".to_owned(),
        text: state.to_owned(),
    };
    let variables = [
        ("upstream", "https://upstream.example"),
        ("nick", "a $${x} b"),
    ];
    Sources {
        files: vec![file],
        descriptions: BTreeMap::from([(
            "town/market.openapi.yaml".to_owned(),
            DESCRIPTION.to_owned(),
        )]),
        variables: variables.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
    }
}

/// Everybody by the position in the alphabet of names.
struct Everybody(Vec<(Kind, Name)>);

impl Members for Everybody {
    fn account_id(&self, name: &str) -> Option<AccountId> {
        let at = |(kind, n): &(Kind, Name)| *kind == Kind::Account && n.as_str() == name;
        let found = self.0.iter().position(at)?;
        Some(AccountId::from_u128(found as u128 + 1))
    }
    fn app_id(&self, name: &str) -> Option<AppId> {
        let at = |(kind, n): &(Kind, Name)| *kind == Kind::App && n.as_str() == name;
        let found = self.0.iter().position(at)?;
        Some(AppId::from_u128(found as u128 + 1))
    }
}

struct Compiled {
    setup: Setup,
    accounts: Vec<decision::Account>,
    apps: Vec<decision::App>,
}

fn compile(documents: &Documents) -> Result<Compiled, Vec<Problem>> {
    let everybody = Everybody(
        documents
            .entries
            .iter()
            .map(|entry| (entry.kind, entry.name.clone()))
            .collect(),
    );
    let mut source = Source::new();
    for entry in &documents.entries {
        let sourced = match entry.kind {
            Kind::Account | Kind::App => continue,
            Kind::Description => Sourced::Description(
                description(&entry.name, &entry.body).map_err(|problem| vec![*problem])?,
            ),
            _ => Sourced::Body(Arc::from(entry.body.as_str())),
        };
        source.insert((entry.kind, entry.name.clone()), sourced);
    }
    let setup = setup(&source, &everybody, &Arc::new(Vocabulary::default()))?;
    let mut sharing = Sharing::default();
    let mut compiled = Compiled {
        setup,
        accounts: Vec::new(),
        apps: Vec::new(),
    };
    for entry in &documents.entries {
        let name = &entry.name;
        if let (Kind::Account, Some(id)) = (entry.kind, everybody.account_id(name.as_str())) {
            let account = account(&compiled.setup, &mut sharing, (name, id), &entry.body)?;
            compiled.accounts.push(account);
        }
        if let (Kind::App, Some(id)) = (entry.kind, everybody.app_id(name.as_str())) {
            let id = (name, id);
            let app = app(&compiled.setup, &mut sharing, &everybody, id, &entry.body)?;
            compiled.apps.push(app);
        }
    }
    Ok(compiled)
}

/// All problems of a state, each as a line, with their places.
fn problems(state: &str) -> Vec<String> {
    let found = match parse(&sources(state)) {
        Err(problems) => problems,
        Ok(documents) => match compile(&documents) {
            Ok(_) => Vec::new(),
            Err(problems) => problems
                .into_iter()
                .map(|problem| documents.located(problem))
                .collect(),
        },
    };
    found.iter().map(ToString::to_string).collect()
}

/// The fixture with one text replaced; what that makes of it.
#[track_caller]
fn changed(from: &str, to: &str) -> Vec<String> {
    assert_eq!(STATE.matches(from).count(), 1, "`{from}` is not unique");
    problems(&STATE.replace(from, to))
}

/// Shows: P-14, P-58.
#[test]
fn a_whole_state_compiles_into_what_decisions_read() {
    let documents = parse(&sources(STATE)).unwrap();
    let compiled = compile(&documents).unwrap();
    let catalogue = &compiled.setup.catalogue;
    let names = &catalogue.vocabulary;
    let api = catalogue
        .apis
        .get(names.apis.get("market").unwrap())
        .unwrap();
    assert_eq!(
        api.live.as_ref().unwrap().url,
        "https://upstream.example/market"
    );
    assert_eq!(api.operations.len(), 3);
    let sell = api
        .operations
        .iter()
        .find(|op| op.id.as_str() == "Sell")
        .unwrap();
    assert_eq!(sell.uses.len(), 3);
    assert_eq!(sell.facts.0.len(), 4);
    let limits = &catalogue.index.capability_limits;
    let of_sell = limits.get(names.capabilities.get("SELL").unwrap()).unwrap();
    assert_eq!(of_sell.len(), 3);
    let acme = &compiled.accounts[0];
    assert_eq!(acme.home.unwrap().to_string(), "DE");
    assert_eq!(acme.developer.as_ref().unwrap().levels.len(), 2);
    let shop = compiled
        .apps
        .iter()
        .find(|app| app.name.as_str() == "shop")
        .unwrap();
    assert_eq!(shop.developer, acme.id);
    assert_eq!(compiled.setup.settings.call_records_days, 14);
    assert_eq!(
        compiled.setup.capability_spelled("listing OF sales"),
        names.capabilities.get("LIST_SALES")
    );
    assert_eq!(documents.keys.len(), 2);
}

#[test]
fn what_a_value_means_is_said_by_its_field() {
    let documents = parse(&sources(STATE)).unwrap();
    let north = documents.entry(Kind::Region, "north").unwrap();
    assert_eq!(
        north.body,
        r#"{"title":"The north","countries":["NO","SE","DK"]}"#
    );
    let amount = documents.entry(Kind::Limit, "sale-amount").unwrap();
    assert!(
        amount
            .body
            .contains(r#""value":{"EUR":"100.5","USD":"110"}"#)
    );
    let meter = documents.entry(Kind::App, "meter").unwrap();
    assert!(!meter.body.contains("keys"), "{}", meter.body);
    let shop: document::App =
        Document::from_body(&documents.entry(Kind::App, "shop").unwrap().body).unwrap();
    assert_eq!(shop.title.as_deref(), Some("Shop: the a $${x} b"));
}

#[test]
fn every_mistake_is_told_with_its_place_and_mend() {
    let told = [
        changed(
            "capabilities: [SELL, SELL_BULK]",
            "capabilities: [SEL, SELL_BULK]",
        ),
        changed("    level: standard\n", "    level: standart\n"),
        changed("    policy: has-a-stall", "    polcy: has-a-stall"),
        changed("regions: [north, home]", "regions: [nord, home]"),
        changed("policy: small-sales }", "policy: small-sale }"),
        changed("principal.staff > 1", "principal.staf > 1"),
        changed("operation: Ping", "operation: Pong"),
        changed(
            "{ fact: lines, at_least: 10 }",
            "{ fact: line, at_least: 10 }",
        ),
        changed(
            "{ fact: lines, at_least: 10 }",
            "{ fact: lines, at_least: ten }",
        ),
        changed("numeric: { fact: lines }", "numeric: { fact: legs }"),
        changed("url: ${upstream}/market/", "url: ${upstraem}/market/"),
        changed(
            "description: market.openapi.yaml",
            "description: market.yml",
        ),
        changed("profile: all\n      limits", "profile: al\n      limits"),
        changed("staff: 12,", "staff: many,"),
        changed("developer: bob", "developer: rob"),
        changed("time_zone: Europe/Berlin", "time_zone: Europe/Berlyn"),
        changed("countries: [DE]", "countries: [Germany]"),
        changed("verified: true\n    country", "verified: yes\n    country"),
        changed(
            "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\" }",
            "hello\" }",
        ),
        changed("  - { name: open }", "  - { name: open, nmae: x }"),
        changed("  - { name: open }", "  - { name: free }"),
        changed("portreeve: 1", "portreeve: 2"),
        changed("plans:", "plan:"),
        changed("value: 60", "value: 60.1234567"),
        changed("value: { EUR: \"100.50\", USD: 110 }", "value: { Euro: 1 }"),
        changed("{ host: Market.example }", "{ path: /market/ }"),
        changed(
            "{ path: stall }\n        facts",
            "{ path: stal }\n        facts",
        ),
        changed("kind: person, plan: free", "plan: free"),
        changed("window: day,", "window: dya,"),
        changed("lists:\n", "lists:\n  - 7\n"),
        changed("title: Standard }", "title: Standard"),
        changed("offer_plan: open", "offer_plan: opne"),
        changed("offer_plan: open", "offer_plan: free"),
        changed("{ offer_plan: open }", "refused"),
    ];
    insta::assert_snapshot!(told.map(|lines| lines.join("\n")).join("\n"));
}

/// Shows: J-5.
#[test]
fn what_an_exhausted_limit_means_is_written_at_the_limit() {
    let documents = parse(&sources(STATE)).unwrap();
    let catalogue = compile(&documents).unwrap().setup.catalogue;
    let limit = |name: &str| {
        let symbol = catalogue.vocabulary.limits.get(name).unwrap();
        catalogue.limits.get(symbol).unwrap().exhausted
    };
    let open = catalogue.vocabulary.plans.get("open").unwrap();
    assert_eq!(limit("calls"), Exhausted::OfferPlan(open));
    assert_eq!(limit("lines"), Exhausted::Refuse);
    // `refuse` is what is meant where nothing stands, so it is not kept.
    let name: Name = "calls".parse().unwrap();
    let json = r#"{"counted":{"window":"day","per":"app"},"value":"1","exhausted":"refuse"}"#;
    let body = canonical(Kind::Limit, &name, json).unwrap();
    assert!(!body.contains("exhausted"), "{body}");
    // Nobody but those on a plan is held by one, so without a lower plan nothing is raised.
    let alone = STATE
        .replace("offer_plan: open", "offer_plan: free")
        .replace("limits: { calls: 10 }", "limits: { calls: 1000 }")
        .replace("name: open }", "name: open, limits: { calls: 1000 } }");
    let told = problems(&alone).join("\n");
    assert!(told.contains("does not raise this limit"), "{told}");
    let raised = alone.replacen("calls: 1000", "calls: 1001", 1);
    assert_eq!(problems(&raised), Vec::<String>::new());
}

#[test]
fn a_capability_says_how_surely_its_calls_are_written_down() {
    let with = |word: &str| {
        let said = format!("{{ name: PING, non_risk: true, admission: {word} }}");
        STATE.replace("{ name: PING, non_risk: true }", &said)
    };
    let said = |state: &str| {
        let documents = parse(&sources(state)).unwrap();
        let catalogue = compile(&documents).unwrap().setup.catalogue;
        let ping = catalogue.vocabulary.capabilities.get("PING").unwrap();
        catalogue.capabilities.get(ping).unwrap().admission
    };
    assert_eq!(said(STATE), None);
    assert_eq!(said(&with("strict")), Some(Admission::Strict));
    assert_eq!(said(&with("relaxed")), Some(Admission::Relaxed));
    let told = problems(&with("surely")).join("\n");
    assert!(
        told.contains("strict") && told.contains("relaxed"),
        "{told}"
    );
    let name: Name = "PING".parse().unwrap();
    let body = canonical(Kind::Capability, &name, r#"{"admission":"strict"}"#).unwrap();
    assert_eq!(body, r#"{"admission":"strict"}"#);
}

#[test]
fn a_counter_of_a_capability_needs_one() {
    let told = STATE.replace("per: key }", "per: capability }");
    let told = problems(&told).join("\n");
    assert!(told.contains("no capability to count by"), "{told}");
    let of_capability = STATE.replace("per: developer, key: stall", "per: capability, key: stall");
    assert_eq!(problems(&of_capability), Vec::<String>::new());
}

#[test]
fn several_mistakes_are_told_at_once() {
    let state = STATE
        .replace("    level: standard\n", "    levle: standard\n")
        .replace("countries: [DE]", "countries: [Germany]")
        .replace("developer: bob", "devloper: bob");
    assert_eq!(problems(&state).len(), 3);
    let state = STATE
        .replace("    level: standard\n", "    level: standart\n")
        .replace("regions: [north, home]", "regions: [nord, home]");
    assert_eq!(problems(&state).len(), 2);
}

#[test]
fn a_bomb_is_refused_and_an_alias_works() {
    let mut bomb = "portreeve: 1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..12 {
        let aliases = vec![format!("*a{}", i - 1); 10].join(", ");
        bomb = format!("{bomb}a{i}: &a{i} [{aliases}]\n");
    }
    assert!(
        problems(&bomb)[0].contains("too long"),
        "{:?}",
        problems(&bomb)
    );
    let deep = format!("portreeve: 1\nx: {}{}", "[".repeat(60), "]".repeat(60));
    assert!(problems(&deep)[0].contains("nested too deeply"));
    let mut chain = "portreeve: 1\nx:\n  - &a0 x\n".to_owned();
    for i in 1..400 {
        let (open, close) = ("[".repeat(40), "]".repeat(40));
        chain = format!("{chain}  - &a{i} {open}*a{}{close}\n", i - 1);
    }
    let told = problems(&chain);
    assert!(told[0].contains("its alias is written out"), "{told:?}");
    let nested = (0..40).fold(String::new(), |text, i| format!("{text}&a{i} ["));
    let items = "x, ".repeat(10_000);
    let held = format!("portreeve: 1\nx: {nested}{items}{}", "]".repeat(40));
    let told = problems(&held);
    assert!(told[0].contains("what its anchors hold"), "{told:?}");
    let alias = STATE
        .replace("countries: [DE]", "countries: &de [DE]")
        .replace(
            "  - { name: home, countries",
            "  - { name: house, countries: [AT] }\n  - { name: home, countries",
        );
    assert_eq!(problems(&alias), Vec::<String>::new());
}

#[test]
fn a_mistake_in_a_description_is_told_with_its_line() {
    let told = |text: String| -> String {
        let mut sources = sources(STATE);
        let path = "town/market.openapi.yaml".to_owned();
        sources.descriptions.insert(path, text);
        let documents = parse(&sources).unwrap();
        let problems = compile(&documents).err().expect("refused");
        documents.located(problems[0].clone()).to_string()
    };
    let line = |needle: &str| {
        DESCRIPTION
            .lines()
            .position(|l| l.contains(needle))
            .unwrap()
            + 1
    };
    let cases = [
        ("in: path", "in: paths", line("in: path")),
        ("openapi: 3", "openapi: 4", 1),
        ("paths:", "paths: [", line("paths:")),
    ];
    for (from, to, line) in cases {
        assert!(DESCRIPTION.contains(from));
        let told = told(DESCRIPTION.replacen(from, to, 1));
        let front = format!("town/market.openapi.yaml:{line}:");
        // A bracket that is never closed shows at the earliest where it opens.
        assert!(
            told.starts_with(&front) || (to.ends_with('[') && told.contains("yaml:")),
            "{told}"
        );
    }
}

#[test]
fn rendering_and_reading_again_gives_the_same() {
    let documents = parse(&sources(STATE)).unwrap();
    assert_same_when_rendered(&documents);
}

#[track_caller]
fn assert_same_when_rendered(documents: &Documents) {
    let bodies = |documents: &Documents| -> Vec<(Kind, Name, String)> {
        let entries = documents.entries.iter();
        entries
            .map(|e| (e.kind, e.name.clone(), e.body.clone()))
            .collect()
    };
    let before = bodies(documents);
    let borrowed = before
        .iter()
        .map(|(kind, name, body)| (*kind, name, body.as_str()));
    let rendered = render(borrowed.clone()).unwrap();
    assert_eq!(render(borrowed).unwrap(), rendered);
    let file = SourceFile {
        path: "state.yaml".to_owned(),
        text: rendered.state.clone(),
    };
    let descriptions = rendered.descriptions.iter();
    let again = parse(&Sources {
        files: vec![file],
        descriptions: descriptions
            .map(|d| (d.path.clone(), d.text.clone()))
            .collect(),
        variables: BTreeMap::new(),
    })
    .unwrap_or_else(|problems| panic!("{problems:?}\n{}", rendered.state));
    assert_eq!(bodies(&again), before, "{}", rendered.state);
}

#[test]
fn canonical_bodies_leave_defaults_out_and_refuse_what_is_not_there() {
    let name: Name = "shop".parse().unwrap();
    let json = r#"{"off":[],"developer":"acme","active":true,"limits":{"calls":7}}"#;
    let body = canonical(Kind::App, &name, json).unwrap();
    assert_eq!(body, r#"{"developer":"acme","limits":{"calls":"7"}}"#);
    assert_eq!(canonical(Kind::App, &name, &body).unwrap(), body);
    for bad in ["", "[]", "{", r#"{"developer":"acme","id":1}"#, "{} {}"] {
        assert!(canonical(Kind::App, &name, bad).is_err(), "{bad}");
    }
    let inexact = r#"{"developer":"acme","limits":{"calls":7.5}}"#;
    assert!(canonical(Kind::App, &name, inexact).is_err());
}

#[test]
fn the_schema_knows_every_key_that_is_read() {
    let schema = schema();
    for kind in Kind::ALL {
        if let Some(list) = parse::list_of(kind) {
            let entry = &schema["properties"][list];
            assert!(entry.is_object(), "{list}");
        }
    }
    let text = schema.to_string();
    for key in [
        "refund_server_errors",
        "client_credentials",
        "at_least",
        "by_level",
        "rolling",
        "offer_plan",
    ] {
        assert!(text.contains(&format!("\"{key}\"")), "{key}");
    }
}

#[test]
fn the_descriptions_of_a_file_are_named_beside_it() {
    let sources = sources(STATE);
    assert_eq!(
        described(&sources.files[0], &sources.variables),
        ["town/market.openapi.yaml"]
    );
}

mod anomalies;
mod examples;
mod mutants;
mod risk;

proptest! {
    /// Whatever text stands in an entry, rendering and reading it again gives that text.
    #[test]
    fn any_text_survives_rendering(
        title in any::<String>(),
        cedar in "(?s).{0,80}",
        lines in "([ -~]{0,20}\n){0,4}",
        yes in "(yes|no|null|~|true|1|1.5|0x1|on|- a|a: b|#x|'|\"|\\$\\{x\\}|\\$\\$\\{|[|]| x|x |\u{85}|\u{feff})",
    ) {
        let name: Name = "x".parse().unwrap();
        let mut documents = Documents::default();
        let region = document::Region { title: Some(title), countries: Vec::new() };
        let policy = document::Policy { title: Some(yes), cedar };
        let other = document::Policy { title: None, cedar: lines };
        documents.entries.push(Entry::made(Kind::Region, name.clone(), region.to_body()));
        documents.entries.push(Entry::made(Kind::Policy, name, policy.to_body()));
        documents.entries.push(Entry::made(Kind::Policy, "y".parse().unwrap(), other.to_body()));
        assert_same_when_rendered(&documents);
    }

    /// No text makes reading panic, however it is broken.
    #[test]
    fn a_broken_state_is_refused_not_fatal(
        at in 0..STATE.len(), length in 0_usize..40, text in "[\\PC\n]{0,12}",
    ) {
        let start = (0..=at).rev().find(|i| STATE.is_char_boundary(*i)).unwrap();
        let end = (start + length).min(STATE.len());
        if STATE.is_char_boundary(end) {
            let (before, rest) = STATE.split_at(start);
            let (_, after) = rest.split_at(end - start);
            problems(&format!("{before}{text}{after}"));
        }
    }
}
