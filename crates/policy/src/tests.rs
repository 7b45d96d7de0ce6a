use std::{collections::BTreeMap, sync::Arc};

use catalog::{
    Api, CapabilityUse, FactDefinition, FactSource, FactTable, FactType, FactValue, Facts, Fold,
    Operation, UnusableFact, Upstream, UpstreamCredential, UpstreamIdentity,
};
use decision::{
    Account, App, Attribute, Call, Caller, Capability, Catalogue, Developer, Edit, Evidence,
    Ladder, Level, Places, PolicyVerdict, Switches, Verdict, evaluate,
};
use primitives::{AccountId, AppId, CredentialId, Enforcement, Mode, Name, Quantity, Symbol};
use proptest::prelude::*;

use crate::{Policies, PolicyProblem, Property, PropertyType};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn texts(policies: &[(&str, &str)]) -> Vec<(Name, String)> {
    let owned = policies
        .iter()
        .map(|(policy, text)| (name(policy), (*text).to_owned()));
    owned.collect()
}

fn properties() -> Vec<Property> {
    let property = |text, kind, optional| Property {
        name: name(text),
        kind,
        optional,
    };
    vec![
        property(
            "has_verified_business_account",
            PropertyType::Boolean,
            false,
        ),
        property("staff", PropertyType::Integer, true),
        property("segments", PropertyType::Texts, true),
    ]
}

const LEVELS: [&str; 5] = [
    "standard",
    "entry",
    "advanced",
    "advanced-plus",
    "strategic-partner",
];

/// A payments set-up: every capability of `policies` names its policy.
struct Setup {
    catalogue: Catalogue,
    api: Api,
}

impl Setup {
    fn new(capabilities: &[(&str, &str)]) -> Self {
        let mut catalogue = Catalogue::default();
        let words = Arc::clone(&catalogue.vocabulary);
        let ladder = words.ladders.intern("default");
        let levels = LEVELS.map(|level| Level {
            symbol: words.levels.intern(&format!("default/{level}")),
            name: name(level),
            exact: false,
        });
        let levels = levels.into();
        catalogue.ladders.insert(ladder, Ladder { levels });
        for (capability, policy) in capabilities {
            let symbol = words.capabilities.intern(capability);
            catalogue
                .capabilities
                .insert(symbol, capability_of(symbol, capability, &words, policy));
        }
        let api = api(&catalogue, ladder);
        catalogue.apis.insert(api.symbol, api.clone());
        Self { catalogue, api }
    }

    fn compile(&self, policies: &[(&str, &str)]) -> Result<Policies, Vec<PolicyProblem>> {
        Policies::compile(&self.catalogue, &properties(), &texts(policies))
    }

    fn symbol(&self, capability: &str) -> Symbol {
        self.catalogue
            .vocabulary
            .capabilities
            .get(capability)
            .unwrap()
    }

    fn ask(&self, policies: &Policies, capability: &str, asker: &Asker) -> PolicyVerdict {
        let symbol = self.symbol(capability);
        let policy = self
            .catalogue
            .capabilities
            .get(symbol)
            .unwrap()
            .policy
            .unwrap();
        let caller = asker.caller();
        let call = Call {
            api: &self.api,
            operation: &self.api.operations[0],
            caller,
            places: Places {
                address: None,
                now: asker.now.map(|country| country.parse().unwrap()),
            },
        };
        policies.permits(policy, symbol, &call, &asker.facts)
    }

    fn developer(&self, level: Option<&str>) -> Asker {
        let words = &self.catalogue.vocabulary;
        let ladder = words.ladders.get("default").unwrap();
        let levels = level.map(|level| (ladder, words.levels.intern(&format!("default/{level}"))));
        let mut asker = Asker::new();
        asker.developer.developer = Some(Arc::new(Developer {
            levels: levels.into_iter().collect(),
            ..Developer::default()
        }));
        asker
    }
}

fn capability_of(
    symbol: Symbol,
    text: &str,
    words: &decision::Vocabulary,
    policy: &str,
) -> Capability {
    Capability {
        symbol,
        name: name(text),
        levels: vec![],
        business_unit: None,
        non_risk: false,
        policy: Some(words.policies.intern(policy)),
        geography: vec![],
        admission: None,
    }
}

fn api(catalogue: &Catalogue, ladder: Symbol) -> Api {
    let fact = |text, kind| FactDefinition {
        name: name(text),
        source: FactSource::Query(text.to_owned()),
        kind,
        fold: Fold::Single,
    };
    let all = catalogue.capabilities.iter();
    let operation = Operation {
        index: 0,
        id: name("Pay"),
        method: "POST".to_owned(),
        template: "/Pay".to_owned(),
        uses: all
            .map(|(capability, _)| CapabilityUse {
                capability,
                when: None,
            })
            .collect(),
        facts: FactTable(vec![
            fact("amount", FactType::Quantity),
            fact("channel", FactType::Text),
        ]),
        account: None,
        bodies: catalog::ReadableBodies::default(),
    };
    Api {
        symbol: catalogue.vocabulary.apis.intern("payments"),
        name: name("payments"),
        version: "1".to_owned(),
        active: true,
        enforcement: Enforcement::Enforce,
        ladder,
        mounts: vec![],
        live: Some(Arc::new(Upstream {
            url: "https://upstream.example".to_owned(),
            credential: UpstreamCredential::None,
            timeout: std::time::Duration::from_secs(1),
            identity: UpstreamIdentity::Ed25519,
            refund_server_errors: false,
        })),
        test: None,
        cors: None,
        operations: vec![Arc::new(operation)],
    }
}

struct Asker {
    app: App,
    developer: Account,
    account: Account,
    facts: Facts,
    now: Option<&'static str>,
}

impl Asker {
    fn new() -> Self {
        let account = Account {
            id: AccountId::from_u128(1),
            name: name("acme"),
            verified: true,
            home: Some("US".parse().unwrap()),
            plan: None,
            attributes: Arc::default(),
            external_ids: Arc::default(),
            upstream_credentials: Arc::default(),
            developer: None,
        };
        Self {
            app: App {
                id: AppId::from_u128(1),
                name: name("shop"),
                developer: account.id,
                account: None,
                active: true,
                provider: false,
                subscriptions: Arc::default(),
                off: Arc::default(),
                profile: None,
                limits: Arc::default(),
            },
            developer: account.clone(),
            account,
            facts: Facts(vec![FactValue::Absent, FactValue::Absent]),
            now: None,
        }
    }

    fn with(mut self, property: &str, value: Attribute) -> Self {
        let mut attributes = BTreeMap::clone(&self.developer.attributes);
        attributes.insert(name(property), value);
        self.developer.attributes = Arc::new(attributes);
        self
    }

    fn business(self) -> Self {
        self.with("has_verified_business_account", Attribute::Boolean(true))
    }

    fn switched_off(mut self, capability: Symbol) -> Self {
        let mut developer = Developer::clone(self.developer.developer.as_ref().unwrap());
        developer.switches = Arc::new(Switches {
            off: [capability].into_iter().collect(),
            ..Switches::default()
        });
        self.developer.developer = Some(Arc::new(developer));
        self
    }

    fn amount(mut self, value: FactValue) -> Self {
        self.facts.0[0] = value;
        self
    }

    fn caller(&self) -> Caller<'_> {
        Caller {
            credential: CredentialId::from_u128(1),
            permissions: None,
            mode: Mode::Live,
            app: &self.app,
            developer: &self.developer,
            account: Some(&self.account),
        }
    }
}

fn quantity(text: &str) -> FactValue {
    FactValue::Quantity(text.parse::<Quantity>().unwrap())
}

/// The six rows of the policy table: (class, its policy, its capabilities).
const TABLE: [(&str, &str, &[&str]); 6] = [
    (
        "standard",
        "permit(principal, action, resource) when { principal.has_verified_business_account };",
        &[
            "SIMPLE_SEND_MONEY",
            "PARALLEL_PAYMENTS",
            "GET_PAYMENT_DETAILS",
            "INITIATE_REFUNDS",
            "CONVERT_CURRENCY",
            "CREATE_CONSUMER_ACCOUNT_WEB",
            "GET_VERIFIED_STATUS",
        ],
    ),
    (
        "entry",
        "permit(principal in Level::\"default/entry\", action, resource) \
         when { principal.has_verified_business_account };\n\
         forbid(principal, action == Action::\"IMPLICIT_SEND_MONEY\", resource) \
         when { principal.switched_off.contains(\"IMPLICIT_SEND_MONEY\") };\n\
         forbid(principal, action == Action::\"CHAINED_PAYMENTS\", resource) \
         when { principal.switched_off.contains(\"CHAINED_PAYMENTS\") };",
        &[
            "IMPLICIT_SEND_MONEY",
            "CHAINED_PAYMENTS",
            "PREAPPROVAL_SUBSCRIPTION",
            "GET_PREAPPROVAL_DETAILS",
            "CANCEL_PREAPPROVAL",
            "CREATE_BUSINESS_ACCOUNT_WEB",
        ],
    ),
    (
        "advanced",
        "permit(principal in Level::\"default/advanced\", action, resource) \
         when { principal.has_verified_business_account };",
        // The row names no capability; one of our own shows that its policy works.
        &["ADVANCED_ROW"],
    ),
    (
        "advanced-plus",
        "permit(principal in Level::\"default/advanced-plus\", action, resource) \
         when { principal.has_verified_business_account };",
        &[
            "PREAPPROVALS",
            "PREAPPROVALS_WITH_PIN",
            "GET_BILLING_ADDRESS",
        ],
    ),
    (
        "strategic-partner",
        "permit(principal in Level::\"default/strategic-partner\", action, resource) \
         when { principal.has_verified_business_account };",
        &[
            "CREATE_CONSUMER_ACCOUNT_MOBILE",
            "CREATE_BUSINESS_ACCOUNT_MOBILE",
            "GET_USER_AGREEMENT",
            "ADD_BANK_ACCOUNT_DIRECT",
        ],
    ),
    (
        "business-unit",
        "permit(principal, action, resource) when { principal.has_verified_business_account };",
        &[
            "NO_FEE_PAYMENT",
            "SECONDARY_RECEIVER_PAYS_ALL_FEES",
            "PERSONAL_PAYMENTS",
            "PAY_OPTION_EMAIL_COBRANDING",
        ],
    ),
];

fn table() -> (Setup, Policies) {
    let rows = TABLE.iter();
    let capabilities: Vec<_> = rows
        .flat_map(|(policy, _, capabilities)| capabilities.iter().map(move |c| (*c, *policy)))
        .collect();
    let setup = Setup::new(&capabilities);
    let policies = TABLE.map(|(policy, text, _)| (policy, text));
    let policies = setup.compile(&policies).unwrap();
    (setup, policies)
}

/// Shows: P-60, P-72.
#[test]
fn each_row_of_the_policy_table_permits_from_its_level_on() {
    let (setup, policies) = table();
    for (row, _, capabilities) in TABLE {
        let from = LEVELS.iter().position(|level| *level == row).unwrap_or(0);
        for (rank, level) in LEVELS.iter().enumerate() {
            for capability in capabilities {
                let asker = setup.developer(Some(level)).business();
                let permits = setup.ask(&policies, capability, &asker) == PolicyVerdict::Permit;
                assert_eq!(permits, rank >= from, "{capability} at {level}");
            }
        }
    }
}

/// Shows: P-60, P-72.
#[test]
fn each_row_of_the_policy_table_wants_a_verified_business_account() {
    let (setup, policies) = table();
    for (_, _, capabilities) in TABLE {
        for capability in capabilities {
            let without = setup
                .developer(Some("strategic-partner"))
                .with("has_verified_business_account", Attribute::Boolean(false));
            let verdict = setup.ask(&policies, capability, &without);
            let PolicyVerdict::Refuse(conditions) = verdict else {
                panic!("{capability}: {verdict:?}");
            };
            assert!(conditions[0].contains("principal.has_verified_business_account"));
        }
    }
}

/// Shows: P-72.
#[test]
fn a_row_that_says_not_restricted_sees_the_off_list() {
    let (setup, policies) = table();
    let off = setup.symbol("CHAINED_PAYMENTS");
    let restricted = || setup.developer(Some("entry")).business().switched_off(off);
    assert_eq!(
        setup.ask(&policies, "CHAINED_PAYMENTS", &restricted()),
        PolicyVerdict::Refuse(vec![
            "forbid(principal, action == Action::\"CHAINED_PAYMENTS\", resource) \
             when { principal.switched_off.contains(\"CHAINED_PAYMENTS\") }"
                .to_owned()
        ])
    );
    assert_eq!(
        setup.ask(&policies, "CANCEL_PREAPPROVAL", &restricted()),
        PolicyVerdict::Permit
    );
}

#[test]
fn a_developer_without_a_level_stands_on_the_lowest_and_an_unverified_one_on_none() {
    let setup = Setup::new(&[("PAY", "lowest")]);
    let text = "permit(principal in Level::\"default/standard\", action, resource);";
    let policies = setup.compile(&[("lowest", text)]).unwrap();
    let mut asker = setup.developer(None);
    assert_eq!(setup.ask(&policies, "PAY", &asker), PolicyVerdict::Permit);
    asker.developer.verified = false;
    assert_ne!(setup.ask(&policies, "PAY", &asker), PolicyVerdict::Permit);
}

/// Evidence of a decision in which nothing is counted.
struct Judging<'a>(&'a Policies);

impl Evidence for Judging<'_> {
    fn permits(
        &self,
        policy: Symbol,
        capability: Symbol,
        call: &Call<'_>,
        facts: &Facts,
    ) -> PolicyVerdict {
        self.0.permits(policy, capability, call, facts)
    }

    fn permits_settled(
        &self,
        policy: Symbol,
        capability: Symbol,
        _: &Api,
        caller: &Caller<'_>,
    ) -> PolicyVerdict {
        self.0.permits_settled(policy, capability, caller)
    }

    fn standing(&self, _: &quota::Demand) -> quota::Standing {
        quota::Standing {
            used: Quantity::ZERO,
            resets_at: None,
        }
    }
}

/// Shows: P-60, P-72.
#[test]
fn a_level_that_a_decision_suggests_was_asked_of_the_policy_too() {
    let (mut setup, policies) = table();
    let chained = setup.symbol("CHAINED_PAYMENTS");
    let lowest = setup
        .catalogue
        .ladders
        .get(setup.api.ladder)
        .unwrap()
        .levels[0]
        .symbol;
    let mut capability = setup.catalogue.capabilities.get(chained).unwrap().clone();
    capability.levels = vec![(setup.api.ladder, lowest)];
    setup.catalogue.capabilities.insert(chained, capability);
    let operation = Arc::make_mut(&mut setup.api.operations[0]);
    operation.uses.retain(|usage| usage.capability == chained);

    let mut asker = setup.developer(Some("standard")).business();
    asker.app.subscriptions = Arc::new([setup.api.symbol].into_iter().collect());
    let decide = |asker: &Asker| {
        let call = Call {
            api: &setup.api,
            operation: &setup.api.operations[0],
            caller: asker.caller(),
            places: Places::default(),
        };
        evaluate(&setup.catalogue, &call, &asker.facts, &Judging(&policies))
    };
    let answer = decide(&asker);
    assert_eq!(answer.verdict, Verdict::Refused);
    let entry = setup
        .catalogue
        .vocabulary
        .levels
        .get("default/entry")
        .unwrap();
    let suggested = Edit::AssignLevel {
        developer: asker.developer.id,
        ladder: setup.api.ladder,
        level: entry,
    };
    assert_eq!(answer.edits, Some(vec![suggested]));

    let without =
        |asker: Asker| asker.with("has_verified_business_account", Attribute::Boolean(false));
    assert_eq!(
        decide(&without(asker)).edits,
        None,
        "no edit of the list changes a property"
    );
}

/// The text, and what must be said of it.
const UNSOUND: [(&str, usize, usize, &str); 9] = [
    (
        "permit(principal, action, resource",
        1,
        35,
        "unexpected end",
    ),
    (
        "permit(principal, action, resource)\nwhen { principal.has_verified_busines_account };",
        2,
        8,
        "`has_verified_business_account`",
    ),
    (
        "permit(principal, action, resource) when { principal.staff > 3 };",
        1,
        44,
        "principal has staff",
    ),
    (
        "permit(principal, action, resource) when { context.facts.amount < 5 };",
        1,
        44,
        "context.facts has amount",
    ),
    (
        "permit(principal, action, resource) when { principal.has_verified_business_account == 1 };",
        1,
        44,
        "not compatible",
    ),
    (
        "permit(principal in Level::\"default/enrty\", action, resource);",
        1,
        21,
        "default/entry",
    ),
    (
        "permit(principal == Developer::\"acme\", action, resource);",
        1,
        1,
        "names a single account",
    ),
    ("forbid(principal, action, resource);", 1, 1, "no `permit`"),
    (
        "permit(principal == ?principal, action, resource);",
        1,
        1,
        "?principal",
    ),
];

/// Shows: P-60.
#[test]
fn an_unsound_policy_is_named_with_its_place_and_the_mend() {
    let setup = Setup::new(&[("PAY", "unsound")]);
    for (text, line, column, says) in UNSOUND {
        let problems = setup.compile(&[("unsound", text)]).unwrap_err();
        let problem = &problems[0];
        assert_eq!(problem.policy, Some(name("unsound")));
        assert!(problem.to_string().contains(says), "{text}: {problem}");
        assert_eq!(
            (problem.line, problem.column),
            (line, column),
            "{text}: {problem}"
        );
    }
}

#[test]
fn every_unsound_policy_of_a_set_is_named() {
    let setup = Setup::new(&[("PAY", "first"), ("REFUND", "second")]);
    let policies = [("first", "permit("), ("second", "permit(principal)")];
    let problems = setup.compile(&policies).unwrap_err();
    let named: Vec<_> = problems
        .iter()
        .filter_map(|problem| problem.policy.clone())
        .collect();
    assert_eq!(named, [name("first"), name("second")]);
}

#[test]
fn a_property_may_not_take_the_name_of_a_built_in_one() {
    let setup = Setup::new(&[]);
    let clash = Property {
        name: name("verified"),
        kind: PropertyType::Boolean,
        optional: false,
    };
    let problems = Policies::compile(&setup.catalogue, &[clash], &[]).unwrap_err();
    assert!(problems[0].to_string().contains("`verified`"));
}

const MOST_2000: &str = "permit(principal, action, resource) \
    when { context.facts has amount && context.facts.amount <= 2000000000 };";

#[test]
fn a_request_dependent_policy_reads_its_facts_in_millionths() {
    let setup = Setup::new(&[("PAY", "cap")]);
    let policies = setup.compile(&[("cap", MOST_2000)]).unwrap();
    let policy = setup.catalogue.vocabulary.policies.get("cap").unwrap();
    assert!(policies.is_request_dependent(policy));
    let ask = |amount| setup.ask(&policies, "PAY", &setup.developer(None).amount(amount));
    assert_eq!(ask(quantity("2000")), PolicyVerdict::Permit);
    assert!(matches!(
        ask(quantity("2000.000001")),
        PolicyVerdict::Refuse(_)
    ));
    assert!(matches!(ask(FactValue::Absent), PolicyVerdict::Refuse(_)));
    assert_eq!(ask(FactValue::Unread), PolicyVerdict::Unread);
    let twice = FactValue::Unusable(UnusableFact::Ambiguous);
    assert!(matches!(ask(twice), PolicyVerdict::Refuse(_)));
}

#[test]
fn an_unread_fact_matters_only_to_policies_that_read_it() {
    let setup = Setup::new(&[("PAY", "modest")]);
    let text = "permit(principal, action, resource) when { context.mode == \"live\" };";
    let policies = setup.compile(&[("modest", text)]).unwrap();
    let asker = setup.developer(None).amount(FactValue::Unread);
    assert_eq!(setup.ask(&policies, "PAY", &asker), PolicyVerdict::Permit);
}

#[test]
fn the_whole_record_of_facts_counts_as_every_fact() {
    let setup = Setup::new(&[("PAY", "whole")]);
    let text = "permit(principal, action, resource) when { context.facts == context.facts };";
    let policies = setup.compile(&[("whole", text)]).unwrap();
    let asker = setup.developer(None).amount(FactValue::Unread);
    assert_eq!(setup.ask(&policies, "PAY", &asker), PolicyVerdict::Unread);
}

#[test]
fn a_policy_sees_the_account_acted_for_and_where_the_call_is() {
    let setup = Setup::new(&[("PAY", "places")]);
    let text = "permit(principal, action, resource) when { resource has country && \
                context has country && resource.country == context.country };";
    let policies = setup.compile(&[("places", text)]).unwrap();
    let mut asker = setup.developer(None);
    asker.now = Some("US");
    assert_eq!(setup.ask(&policies, "PAY", &asker), PolicyVerdict::Permit);
    asker.account.home = Some("DE".parse().unwrap());
    assert_ne!(setup.ask(&policies, "PAY", &asker), PolicyVerdict::Permit);
}

#[test]
fn a_settled_verdict_is_not_carried_over_to_an_account_that_differs() {
    let setup = Setup::new(&[("PAY", "account")]);
    let text =
        "permit(principal, action, resource) when { resource.has_verified_business_account };";
    let policies = setup.compile(&[("account", text)]).unwrap();
    let mut asker = setup.developer(None);
    assert_ne!(setup.ask(&policies, "PAY", &asker), PolicyVerdict::Permit);
    asker.account.attributes = setup.developer(None).business().developer.attributes;
    assert_eq!(setup.ask(&policies, "PAY", &asker), PolicyVerdict::Permit);
}

#[test]
fn before_there_is_a_call_only_settled_policies_answer() {
    let setup = Setup::new(&[("PAY", "cap"), ("REFUND", "always")]);
    let always = ("always", "permit(principal, action, resource);");
    let policies = setup.compile(&[("cap", MOST_2000), always]).unwrap();
    let asker = setup.developer(None);
    let ask = |policy: &str, capability: &str| {
        let policy = setup.catalogue.vocabulary.policies.get(policy).unwrap();
        policies.permits_settled(policy, setup.symbol(capability), &asker.caller())
    };
    assert_eq!(ask("cap", "PAY"), PolicyVerdict::Unread);
    assert_eq!(ask("always", "REFUND"), PolicyVerdict::Permit);
}

#[test]
fn a_policy_that_is_not_there_refuses() {
    let setup = Setup::new(&[("PAY", "gone")]);
    let policies = setup.compile(&[]).unwrap();
    let verdict = setup.ask(&policies, "PAY", &setup.developer(None));
    assert_eq!(
        verdict,
        PolicyVerdict::Refuse(vec!["there is no policy `gone`".to_owned()])
    );
}

/// Conditions with what they are worth for an account with `staff`, and nothing when they fail.
fn condition() -> impl Strategy<Value = (&'static str, fn(i64) -> Option<bool>)> {
    prop::sample::select(vec![
        ("true", (|_| Some(true)) as fn(i64) -> Option<bool>),
        ("false", |_| Some(false)),
        ("principal has staff && principal.staff > 10", |staff| {
            Some(staff > 10)
        }),
        ("principal has staff && principal.staff == 3", |staff| {
            Some(staff == 3)
        }),
        // Cedar's numbers do not wrap: this fails when it is evaluated, whatever the account.
        (
            "principal has staff && principal.staff + 9223372036854775807 + \
             9223372036854775807 > 0",
            |_| None,
        ),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A permit is given only when some `permit` holds, no `forbid` does, and nothing failed.
    #[test]
    fn forbid_overrides_permit_and_a_failure_never_permits(
        permits in prop::collection::vec(condition(), 1..3),
        forbids in prop::collection::vec(condition(), 0..3),
        staff in prop::sample::select(vec![3_i64, 11]),
    ) {
        let statement = |effect: &str, text: &str| {
            format!("{effect}(principal, action, resource) when {{ {text} }};\n")
        };
        let text: String = permits.iter().map(|(text, _)| statement("permit", text))
            .chain(forbids.iter().map(|(text, _)| statement("forbid", text)))
            .collect();
        let setup = Setup::new(&[("PAY", "random")]);
        let policies = setup.compile(&[("random", &text)]).unwrap();
        let asker = setup.developer(None).with("staff", Attribute::Integer(staff));
        let all = || permits.iter().chain(&forbids);
        let expected = all().all(|(_, worth)| worth(staff).is_some())
            && permits.iter().any(|(_, worth)| worth(staff) == Some(true))
            && forbids.iter().all(|(_, worth)| worth(staff) == Some(false));
        let verdict = setup.ask(&policies, "PAY", &asker);
        prop_assert_eq!(verdict == PolicyVerdict::Permit, expected, "{}", text);
    }
}

mod bounds;
mod memory;
