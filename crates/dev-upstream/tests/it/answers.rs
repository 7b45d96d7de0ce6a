//! What the tables in the examples' README pages promise: one allowed call and one refusal of
//! each kind, decided on the state files as they are shipped.

use std::{cell::RefCell, collections::BTreeMap};

use catalog::{Api, Facts, Lookup, Mount, RequestHead};
use decision::{Call, Caller, Evidence, Outcome, Places, PolicyVerdict, Verdict};
use policy::Policies;
use primitives::{CredentialId, Mode, Quantity, Symbol};
use quota::{CounterKey, Demand, Standing};

use crate::examples::{Loaded, corpus_is_there, load};

/// An app, a request line, a body, and what it comes to: `granted`, the only code that any gate
/// gives, or `n times` a granted call before the code.
type Row = (&'static str, &'static str, &'static str, &'static str);

/// Counters that count what was granted, and the policies of the state.
struct World<'a> {
    policies: &'a Policies,
    counters: RefCell<BTreeMap<CounterKey, Quantity>>,
}

impl Evidence for World<'_> {
    fn permits(
        &self,
        policy: Symbol,
        capability: Symbol,
        call: &Call<'_>,
        facts: &Facts,
    ) -> PolicyVerdict {
        self.policies.permits(policy, capability, call, facts)
    }

    fn permits_settled(
        &self,
        policy: Symbol,
        capability: Symbol,
        _api: &Api,
        caller: &Caller<'_>,
    ) -> PolicyVerdict {
        self.policies.permits_settled(policy, capability, caller)
    }

    fn standing(&self, demand: &Demand) -> Standing {
        let counters = self.counters.borrow();
        Standing {
            used: counters.get(&demand.key).copied().unwrap_or_default(),
            resets_at: None,
        }
    }
}

struct Head<'a>(&'a [(&'a str, &'a str)]);

impl RequestHead for Head<'_> {
    fn path(&self, name: &str, each: &mut dyn FnMut(&str)) {
        for (_, value) in self.0.iter().filter(|(known, _)| *known == name) {
            each(value);
        }
    }

    fn query(&self, _: &str, _: &mut dyn FnMut(&str)) {}

    fn header(&self, _: &str, _: &mut dyn FnMut(&[u8])) {}
}

/// The code of every gate that refuses, or `granted`, which is then counted.
fn decide(loaded: &Loaded, world: &World<'_>, (app, line, body, _): &Row) -> String {
    let (method, path) = line.split_once(' ').unwrap();
    let catalogue = &loaded.setup.catalogue;
    let below = |api: &Api| {
        let mut mounts = api.mounts.iter().filter_map(|mount| match mount {
            Mount::Path(prefix) => path.strip_prefix(prefix.as_str()),
            Mount::Host(_) => None,
        });
        mounts.find(|rest| rest.starts_with('/')).map(str::to_owned)
    };
    let mut apis = catalogue.apis.iter();
    let (api, rest) = apis.find_map(|(_, api)| Some((api, below(api)?))).unwrap();
    let routes = loaded.setup.routes.get(api.symbol).unwrap();
    let segments: Vec<&str> = rest.split('/').skip(1).collect();
    let Lookup::Found(found) = routes.lookup(method, &segments, false) else {
        panic!("{line} is not described");
    };
    let compiled = routes.facts(*found.value).unwrap();
    let mut facts = compiled.read_head(&Head(&found.params));
    let media_type = if body.starts_with('{') {
        "application/json"
    } else {
        "application/x-www-form-urlencoded"
    };
    compiled
        .read_body(&mut facts, Some(media_type), body.as_bytes())
        .unwrap();
    let app = &loaded.apps[*app];
    let call = Call {
        api,
        operation: &api.operations[*found.value as usize],
        caller: Caller {
            credential: CredentialId::from_u128(1),
            permissions: None,
            mode: Mode::Live,
            app,
            developer: &loaded.accounts[&app.developer],
            account: app.account.map(|account| &loaded.accounts[&account]),
        },
        places: Places::default(),
    };
    let answer = decision::assess(catalogue, &call, &facts, world);
    if answer.verdict == Verdict::Granted {
        let mut counters = world.counters.borrow_mut();
        for demand in answer.demands {
            let used = counters.entry(demand.key).or_default();
            *used = used.checked_add(demand.cost).unwrap();
        }
        return "granted".to_owned();
    }
    let of_capabilities = answer.capabilities.iter().flat_map(|answer| &answer.gates);
    let gates = answer.gates.iter().chain(of_capabilities);
    let mut codes: Vec<&str> = gates
        .filter(|gate| gate.outcome == Outcome::Refused)
        .map(|gate| gate.code)
        .collect();
    codes.dedup();
    codes.join(" ")
}

fn check(files: &[&str], rows: &[Row]) {
    let loaded = load(files);
    for row in rows {
        let world = World {
            policies: loaded.setup.policies.as_deref().unwrap(),
            counters: RefCell::default(),
        };
        let (times, expected) = match row.3.split_once(" times ") {
            Some((times, expected)) => (times.parse().unwrap(), expected),
            None => (0, row.3),
        };
        for _ in 0..times {
            assert_eq!(decide(&loaded, &world, row), "granted", "{row:?}");
        }
        assert_eq!(decide(&loaded, &world, row), expected, "{row:?}");
    }
}

const PAY: &str = "POST /payments/AdaptivePayments/Pay";
const ONE: &str = r#"{"currencyCode":"USD","receiverList":{"receiver":[{"email":"a@example.com","amount":"10.00"}]}}"#;
const THREE: &str = r#"{"receiverList":{"receiver":[{"amount":1},{"amount":1},{"amount":1}]}}"#;
const FOUR: &str =
    r#"{"receiverList":{"receiver":[{"amount":1},{"amount":1},{"amount":1},{"amount":1}]}}"#;
const CHAINED_FOUR: &str = r#"{"receiverList":{"receiver":[{"amount":4,"primary":true},{"amount":1},{"amount":1},{"amount":1}]}}"#;
const NO_FEE: &str = r#"{"feesPayer":"NOBODY","receiverList":{"receiver":[{"amount":1}]}}"#;
const PREAPPROVAL: &str = "POST /payments/AdaptivePayments/Preapproval";
const AGREEMENT: &str = r#"{"maxAmount":"100","currencyCode":"USD","durationYears":1}"#;
const CONVERT: &str = "POST /payments/AdaptivePayments/ConvertCurrency";
const DETAILS: &str = "POST /payments/AdaptivePayments/PaymentDetails";
const CREATE: &str = "POST /payments/AdaptiveAccounts/CreateAccount";
const CONSUMER_WEB: &str = r#"{"accountType":"PERSONAL","channel":"WEB"}"#;

const PAYMENTS: &[Row] = &[
    ("acme-shop", PAY, ONE, "granted"),
    (
        "acme-shop",
        "POST /payments-classic/AdaptivePayments/PaymentDetails",
        "",
        "api_inactive",
    ),
    ("acme-retired", PAY, ONE, "app_inactive"),
    ("acme-new", PAY, ONE, "not_subscribed"),
    (
        "acme-shop",
        "POST /payments/AdaptiveTransactions/GetTransactionDetails",
        "{}",
        "operation_not_annotated",
    ),
    (
        "acme-shop",
        CREATE,
        r#"{"accountType":"OTHER","channel":"WEB"}"#,
        "no_capability_applies",
    ),
    ("first-steps", PAY, ONE, "developer_unverified"),
    ("acme-shop", PREAPPROVAL, AGREEMENT, "level_too_low"),
    ("hooli-pay", PREAPPROVAL, AGREEMENT, "granted"),
    ("acme-shop", PAY, NO_FEE, "business_unit_not_granted"),
    ("umbrella-mobile", PAY, NO_FEE, "granted"),
    (
        "acme-shop",
        "GET /payments/ExchangeRates",
        "",
        "switch_off_by_default",
    ),
    ("globex-shop", "GET /payments/ExchangeRates", "", "granted"),
    ("globex-shop", CONVERT, "{}", "switched_off"),
    (
        "acme-kiosk",
        "POST /payments/AdaptivePayments/Refund",
        "{}",
        "switched_off_for_app",
    ),
    ("initech-reports", PAY, ONE, "outside_developer_profile"),
    (
        "initech-reports",
        "POST /payments/AdaptivePayments/PaymentDetails",
        "{}",
        "granted",
    ),
    ("acme-reports", PAY, ONE, "outside_app_profile"),
    ("acme-for-bob", PAY, ONE, "outside_plan"),
    ("mallory-bot", PAY, ONE, "on_deny_list"),
    (
        "sakura-mobile",
        "POST /payments/AdaptiveAccounts/GetUserAgreement",
        "{}",
        "not_on_allow_list",
    ),
    (
        "umbrella-mobile",
        "POST /payments/AdaptiveAccounts/GetUserAgreement",
        "{}",
        "granted",
    ),
    ("garage-project", PAY, ONE, "policy_refused"),
    ("sakura-mobile", CREATE, CONSUMER_WEB, "place_not_allowed"),
    (
        "acme-shop",
        CREATE,
        CONSUMER_WEB,
        "100 times quota_exhausted",
    ),
    ("acme-shop", PAY, THREE, "granted"),
    ("acme-shop", PAY, FOUR, "limit_exceeded"),
    ("hooli-pay", PAY, FOUR, "granted"),
    ("acme-shop", PAY, CHAINED_FOUR, "limit_exceeded"),
    (
        "hooli-pay",
        PREAPPROVAL,
        r#"{"maxAmount":"100","currencyCode":"USD"}"#,
        "fact_missing",
    ),
    (
        "hooli-pay",
        PREAPPROVAL,
        r#"{"maxAmount":"100","currencyCode":"JPY","durationYears":1}"#,
        "currency_not_listed",
    ),
    (
        "hooli-pay",
        PREAPPROVAL,
        r#"{"maxAmount":["100"],"currencyCode":"USD","durationYears":1}"#,
        "fact_unusable",
    ),
    ("acme-shop", CONVERT, "{}", "3 times quota_exhausted"),
    ("acme-kiosk", CONVERT, "{}", "1 times quota_exhausted"),
    ("acme-for-bob", DETAILS, "{}", "3 times quota_exhausted"),
];

/// Shows: P-11, P-13, P-14, P-35, P-36, P-38, P-41, P-43, P-44, P-46, P-52, P-55, P-56, P-60.
#[test]
fn payments_answer_as_their_page_says() {
    check(&["payments/state.yaml"], PAYMENTS);
}

const TEXT: &str = "POST /telephony/2010-04-01/Accounts/x/Messages.json";
const DIAL: &str = "POST /telephony/2010-04-01/Accounts/x/Calls.json";
const FOUR_MEDIA: &str = "To=1&MediaUrl=a&MediaUrl=b&MediaUrl=c&MediaUrl=d";

const TELEPHONY: &[Row] = &[
    (
        "ringside-bell",
        TEXT,
        "To=%2B15550100&Body=hello",
        "granted",
    ),
    (
        "dialtone-desk",
        DIAL,
        "To=%2B15550100&TimeLimit=3600",
        "granted",
    ),
    (
        "ringside-bell",
        "DELETE /telephony/2010-04-01/Accounts/x/Messages/SM1.json",
        "",
        "operation_not_annotated",
    ),
    ("ringside-bell", TEXT, "To=1&MediaUrl=a", "level_too_low"),
    (
        "dialtone-desk",
        "DELETE /telephony/2010-04-01/Accounts/x/Recordings/RE1.json",
        "",
        "business_unit_not_granted",
    ),
    (
        "longlines-console",
        "DELETE /telephony/2010-04-01/Accounts/x/Recordings/RE1.json",
        "",
        "granted",
    ),
    (
        "dialtone-desk",
        "GET /telephony/2010-04-01/Accounts/x/Usage/Records.json",
        "",
        "switch_off_by_default",
    ),
    (
        "longlines-console",
        "GET /telephony/2010-04-01/Accounts/x/Usage/Records.json",
        "",
        "granted",
    ),
    (
        "dialtone-desk",
        "POST /telephony/2010-04-01/Accounts/x/IncomingPhoneNumbers.json",
        "",
        "switched_off",
    ),
    ("ringside-stats", TEXT, "To=1", "outside_app_profile"),
    ("ringside-for-dave", TEXT, "To=1", "outside_plan"),
    (
        "robocaller",
        "GET /telephony/2010-04-01/Accounts/x/Calls.json",
        "",
        "on_deny_list",
    ),
    (
        "unplugged",
        "GET /telephony/2010-04-01/Accounts/x/Calls.json",
        "",
        "not_subscribed",
    ),
    ("hobby-phone", DIAL, "TimeLimit=60", "policy_refused"),
    ("dialtone-desk", TEXT, FOUR_MEDIA, "policy_refused"),
    ("dialtone-desk", TEXT, "To=1&MediaUrl=a", "granted"),
    (
        "dialtone-desk",
        DIAL,
        "TimeLimit=60&Record=true",
        "place_not_allowed",
    ),
    (
        "dialtone-desk",
        DIAL,
        "TimeLimit=60&Record=false",
        "granted",
    ),
    ("ringside-bell", DIAL, "TimeLimit=600", "granted"),
    ("ringside-bell", DIAL, "TimeLimit=601", "limit_exceeded"),
    ("ringside-bell", TEXT, "To=1", "3 times quota_exhausted"),
];

#[test]
fn telephony_answers_as_its_page_says() {
    check(&["telephony/state.yaml"], TELEPHONY);
}

const T2_PAY: &str = "POST /t2/AdaptivePayments/Pay";
const TABLES: &[Row] = &[
    ("standard-app", T2_PAY, "{}", "granted"),
    (
        "standard-app",
        T2_PAY,
        r#"{"preapprovalKey":"PA-1"}"#,
        "level_too_low",
    ),
    (
        "advanced-app",
        T2_PAY,
        r#"{"preapprovalKey":"PA-1"}"#,
        "granted",
    ),
    (
        "standard-app",
        "POST /t2/AdaptiveTransactions/GetTransactionDetails",
        "{}",
        "granted",
    ),
    (
        "standard-app",
        "POST /t2/AdaptiveAccounts/CreateAccount",
        "{}",
        "level_too_low",
    ),
    (
        "advanced-app",
        "POST /t2/AdaptiveAccounts/CreateAccount",
        "{}",
        "granted",
    ),
    (
        "standard-app",
        "POST /t1/AdaptivePayments/Pay",
        "{}",
        "granted",
    ),
    (
        "standard-app",
        "POST /t1/AdaptiveAccounts/CreateAccount",
        "{}",
        "granted",
    ),
    (
        "standard-app",
        "POST /t1/AdaptiveDisputes/CreateDispute",
        "{}",
        "granted",
    ),
    (
        "standard-app",
        "POST /t1/AdaptiveTransactions/GetTransactionDetails",
        "{}",
        "operation_not_annotated",
    ),
];

/// Shows: P-67, P-68.
#[test]
fn the_tables_answer_as_their_page_says() {
    check(&["tables/state.yaml"], TABLES);
}

const ORDER: &str = "POST /paypal/orders/v2/checkout/orders";
const UNIT: &str = r#"{"intent":"CAPTURE","purchase_units":[{"amount":{"currency_code":"USD","value":"100.00"}}]}"#;
const UNITS: &str = r#"{"intent":"CAPTURE","purchase_units":[{"amount":{"currency_code":"USD","value":"1"}},{"amount":{"currency_code":"USD","value":"1"}}]}"#;
const DEAR: &str =
    r#"{"intent":"CAPTURE","purchase_units":[{"amount":{"currency_code":"USD","value":"501"}}]}"#;
const TW_TEXT: &str = "POST /twilio/2010-04-01/Accounts/x/Messages.json";
const TW_DIAL: &str = "POST /twilio/2010-04-01/Accounts/x/Calls.json";

const REAL: &[Row] = &[
    ("pp-starter-shop", ORDER, UNIT, "granted"),
    (
        "pp-starter-shop",
        "GET /paypal/disputes/v1/customer/disputes",
        "",
        "api_inactive",
    ),
    (
        "pp-unplugged",
        "GET /paypal/orders/v2/checkout/orders/1",
        "",
        "not_subscribed",
    ),
    (
        "pp-starter-shop",
        "POST /paypal/orders/v2/checkout/orders/1/confirm-payment-source",
        "",
        "operation_not_annotated",
    ),
    ("pp-starter-shop", ORDER, UNITS, "level_too_low"),
    (
        "pp-merchant-shop",
        "POST /paypal/payouts/v1/payments/payouts-item/1/cancel",
        "",
        "business_unit_not_granted",
    ),
    (
        "pp-merchant-shop",
        "GET /paypal/payouts/v1/payments/payouts/1",
        "",
        "switch_off_by_default",
    ),
    (
        "pp-merchant-shop",
        "PATCH /paypal/orders/v2/checkout/orders/1",
        "",
        "switched_off",
    ),
    ("pp-reader-app", ORDER, UNIT, "outside_developer_profile"),
    ("pp-starter-reports", ORDER, UNIT, "outside_app_profile"),
    ("pp-starter-for-free-user", ORDER, UNIT, "outside_plan"),
    ("pp-banned-app", ORDER, UNIT, "on_deny_list"),
    ("pp-unproven-app", ORDER, UNIT, "policy_refused"),
    (
        "pp-faraway-app",
        "POST /paypal/payouts/v1/payments/payouts",
        r#"{"items":[1,2]}"#,
        "place_not_allowed",
    ),
    ("pp-starter-shop", ORDER, DEAR, "limit_exceeded"),
    (
        "pp-starter-shop",
        "POST /paypal/orders/v2/checkout/orders/1/capture",
        "",
        "3 times quota_exhausted",
    ),
    ("tw-trial-app", TW_TEXT, "To=1", "3 times quota_exhausted"),
    (
        "tw-paying-app",
        "GET /twilio-lookups/v2/PhoneNumbers/+1",
        "",
        "api_inactive",
    ),
    (
        "tw-unplugged",
        "GET /twilio/2010-04-01/Accounts/x/Calls.json",
        "",
        "not_subscribed",
    ),
    (
        "tw-trial-app",
        "GET /twilio/2010-04-01/Accounts/x/Addresses.json",
        "",
        "operation_not_annotated",
    ),
    ("tw-trial-app", TW_TEXT, "To=1&MediaUrl=a", "level_too_low"),
    (
        "tw-paying-app",
        "DELETE /twilio/2010-04-01/Accounts/x/Recordings/RE1.json",
        "",
        "business_unit_not_granted",
    ),
    (
        "tw-paying-app",
        "GET /twilio/2010-04-01/Accounts/x/IncomingPhoneNumbers.json",
        "",
        "switch_off_by_default",
    ),
    (
        "tw-paying-app",
        "POST /twilio/2010-04-01/Accounts/x/IncomingPhoneNumbers.json",
        "AreaCode=510",
        "switched_off",
    ),
    (
        "tw-reader-app",
        TW_TEXT,
        "To=1",
        "outside_developer_profile",
    ),
    ("tw-trial-reports", TW_TEXT, "To=1", "outside_app_profile"),
    ("tw-trial-for-free-user", TW_TEXT, "To=1", "outside_plan"),
    (
        "tw-banned-app",
        "GET /twilio/2010-04-01/Accounts/x/Calls.json",
        "",
        "on_deny_list",
    ),
    ("tw-unproven-app", TW_DIAL, "TimeLimit=60", "policy_refused"),
    (
        "tw-paying-app",
        TW_DIAL,
        "TimeLimit=60&Record=true",
        "place_not_allowed",
    ),
    ("tw-trial-app", TW_DIAL, "TimeLimit=601", "limit_exceeded"),
];

#[test]
fn the_real_descriptions_answer_as_their_page_says() {
    if !corpus_is_there() {
        return;
    }
    check(&["real/paypal.state.yaml", "real/twilio.state.yaml"], REAL);
}
