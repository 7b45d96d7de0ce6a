//! Answers in words: one shape for problem bodies, call records and the explain command.

use decision::{
    Account, Answer, App, By, CapabilityAnswer, Catalogue, Edit, Gate, GateAnswer, LimitAnswer,
    Offer, Outcome, Verdict, spoken_level,
};
use journal::{CallRecord, LimitStand};
use primitives::{Quantity, Symbol, Timestamp};
use serde_json::{Map, Value, json};

/// Who reads an explanation, and how far they are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A caller who was not recognised: code and decision id only.
    Anonymous,
    /// The app that called: its own gates, values, thresholds and edits. No policy's text.
    App,
    /// The provider's operator: everything.
    Operator,
}

/// Whose names an explanation may use.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The catalogue that was decided with.
    pub catalogue: &'a Catalogue,
    /// The app that called.
    pub app: &'a App,
    /// Its developer.
    pub developer: &'a Account,
}

/// An answer as JSON: `verdict`, `gates`, `limits`, `capabilities`, `edits`, and `offers` when
/// there are any.
#[must_use]
pub fn explanation(answer: &Answer, names: Names<'_>, audience: Audience) -> Value {
    let vocabulary = &names.catalogue.vocabulary;
    let limits = |limits: &[LimitAnswer]| -> Vec<Value> {
        let name = |limit: Symbol| vocabulary.limits.name(limit);
        limits
            .iter()
            .map(|one| limit(one, &name(one.limit)))
            .collect()
    };
    let capability = |one: &CapabilityAnswer| {
        json!({
            "capability": &*vocabulary.capabilities.name(one.capability),
            "granted": one.granted,
            "gates": one.gates.iter().map(gate).collect::<Vec<_>>(),
            "limits": limits(&one.limits),
        })
    };
    let edits = answer.edits.as_ref().map(|edits| {
        let edits = edits.iter().map(|one| edit(one, names));
        edits.collect::<Vec<_>>()
    });
    let mut whole = json!({
        "verdict": match answer.verdict {
            Verdict::Granted => "granted",
            Verdict::Refused => "refused",
            Verdict::NeedsBody => "needs_body",
        },
        "gates": answer.gates.iter().map(gate).collect::<Vec<_>>(),
        "limits": limits(&answer.limits),
        "capabilities": answer.capabilities.iter().map(capability).collect::<Vec<_>>(),
        "edits": edits,
    });
    if !answer.offers.is_empty()
        && let Some(whole) = whole.as_object_mut()
    {
        let offers = answer.offers.iter().map(|one| offer(one, names));
        whole.insert("offers".to_owned(), offers.collect());
    }
    cut(whole, audience)
}

/// The answer to a call that every gate let pass, out of what its record noted: the same as
/// [`explanation`] of the whole answer. `None` for a call that was not simply granted.
#[must_use]
pub fn granted_in_words(call: &CallRecord) -> Option<Value> {
    let granted = call.granted.as_ref()?;
    let gates = |marks: &[u8]| -> Vec<Value> {
        let known = marks.iter().filter_map(|&mark| decision::read_mark(mark));
        known.map(|(gate, outcome)| silent(gate, outcome)).collect()
    };
    let limits = |stands: &[LimitStand]| -> Vec<Value> { stands.iter().map(stood).collect() };
    let capabilities = call.capabilities.iter().zip(&granted.capabilities);
    let capabilities = capabilities.map(|(name, (marks, stands))| {
        json!({
            "capability": name,
            "granted": true,
            "gates": gates(marks),
            "limits": limits(stands),
        })
    });
    Some(json!({
        "verdict": "granted",
        "gates": gates(&granted.gates),
        "limits": limits(&granted.limits),
        "capabilities": capabilities.collect::<Vec<_>>(),
        "edits": [],
    }))
}

/// A gate that has nothing to tell but its outcome.
fn silent(of: Gate, outcome: Outcome) -> Value {
    gate(&GateAnswer {
        gate: of,
        outcome,
        code: "",
        rule: None,
        value: None,
        threshold: None,
    })
}

fn stood(stand: &LimitStand) -> Value {
    let limit = Limit {
        name: &stand.limit,
        currency: stand.currency.as_deref(),
        most: stand.most,
        used: stand.used,
        resets_at: stand.resets_at,
    };
    limit.told()
}

/// An explanation as a reader may have it. Cutting twice is cutting once.
#[must_use]
pub fn cut(mut explanation: Value, audience: Audience) -> Value {
    match audience {
        Audience::Operator => {}
        Audience::Anonymous => explanation = json!({}),
        Audience::App => {
            hide_habits(explanation.get_mut("gates"));
            hide_policies(explanation.get_mut("gates"));
            let capabilities = explanation.get_mut("capabilities");
            for capability in capabilities
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                hide_policies(capability.get_mut("gates"));
            }
        }
    }
    explanation
}

/// What is usual, and which rule knows it, would tell whoever has taken a key how to hide.
fn hide_habits(gates: Option<&mut Value>) {
    for gate in gates.and_then(Value::as_array_mut).into_iter().flatten() {
        let is_habit = gate.get("gate").and_then(Value::as_str) == Some(Gate::Anomaly.as_str());
        if let Some(gate) = gate.as_object_mut().filter(|_| is_habit) {
            for part in ["rule", "value", "threshold"] {
                gate.remove(part);
            }
        }
    }
}

/// The text of a policy is the provider's; that it refused, and which, is the caller's to know.
fn hide_policies(gates: Option<&mut Value>) {
    for gate in gates.and_then(Value::as_array_mut).into_iter().flatten() {
        let is_policy = gate.get("gate").and_then(Value::as_str) == Some(Gate::Policy.as_str());
        if let Some(gate) = gate.as_object_mut().filter(|_| is_policy) {
            gate.remove("threshold");
        }
    }
}

fn gate(answer: &GateAnswer) -> Value {
    let mut told = Map::new();
    let outcome = match answer.outcome {
        Outcome::Passed => "passed",
        Outcome::Refused => "refused",
        Outcome::NotApplicable => "not_applicable",
        Outcome::NotEvaluated => "not_evaluated",
    };
    told.insert("gate".to_owned(), answer.gate.as_str().into());
    told.insert("outcome".to_owned(), outcome.into());
    if !answer.code.is_empty() {
        told.insert("code".to_owned(), answer.code.into());
    }
    for (name, part) in [
        ("rule", &answer.rule),
        ("value", &answer.value),
        ("threshold", &answer.threshold),
    ] {
        if let Some(part) = part {
            told.insert(name.to_owned(), part.as_str().into());
        }
    }
    Value::Object(told)
}

fn limit(answer: &LimitAnswer, name: &str) -> Value {
    let limit = Limit {
        name,
        currency: answer.currency.as_deref(),
        most: answer.most,
        used: answer.used,
        resets_at: answer.resets_at,
    };
    limit.told()
}

/// A limit and where it stands, with its name.
struct Limit<'a> {
    name: &'a str,
    currency: Option<&'a str>,
    most: Option<Quantity>,
    used: Option<Quantity>,
    resets_at: Option<Timestamp>,
}

impl Limit<'_> {
    fn told(&self) -> Value {
        let mut told = Map::new();
        told.insert("limit".to_owned(), self.name.into());
        if let Some(currency) = self.currency {
            told.insert("currency".to_owned(), currency.into());
        }
        let most = self.most.map(|most| most.to_string());
        told.insert("most".to_owned(), most.into());
        if let Some(used) = self.used {
            told.insert("used".to_owned(), used.to_string().into());
            if let Some(most) = self.most {
                let remaining = remaining(most, used).to_string();
                told.insert("remaining".to_owned(), remaining.into());
            }
        }
        if let Some(resets_at) = self.resets_at {
            told.insert("resets_at".to_owned(), resets_at.to_string().into());
        }
        Value::Object(told)
    }
}

/// What an exhausted limit offers. `who` takes it up.
fn offer(offer: &Offer, names: Names<'_>) -> Value {
    let Offer::Plan {
        limit,
        currency,
        plan,
        current,
        offered,
        admits,
    } = offer;
    let vocabulary = &names.catalogue.vocabulary;
    let limit = vocabulary.limits.name(*limit);
    let title = names.catalogue.plans.get(*plan);
    let title = title.and_then(|plan| plan.title.as_deref());
    let plan = vocabulary.plans.name(*plan);
    let offered = offered.map_or_else(|| "unlimited".to_owned(), |most| most.to_string());
    let text = format!(
        "on the plan `{}` the limit `{limit}` is {offered} instead of {current}",
        title.unwrap_or(&plan)
    );
    let mut told = Map::new();
    told.insert("offer".to_owned(), "plan".into());
    told.insert("text".to_owned(), text.into());
    told.insert("who".to_owned(), "account".into());
    told.insert("limit".to_owned(), (*limit).into());
    told.insert("plan".to_owned(), (*plan).into());
    for (name, part) in [("title", title), ("currency", currency.as_deref())] {
        if let Some(part) = part {
            told.insert(name.to_owned(), part.into());
        }
    }
    told.insert("current".to_owned(), current.to_string().into());
    told.insert("offered".to_owned(), offered.into());
    told.insert("admits".to_owned(), (*admits).into());
    Value::Object(told)
}

/// What is left of a limit, never less than nothing.
pub(crate) fn remaining(most: Quantity, used: Quantity) -> Quantity {
    most.checked_sub(used)
        .unwrap_or(Quantity::ZERO)
        .max(Quantity::ZERO)
}

/// What an edit is called, what it concerns, and how it reads.
struct Told {
    kind: &'static str,
    parts: Vec<(&'static str, String)>,
    text: String,
}

fn edit(edit: &Edit, names: Names<'_>) -> Value {
    let told = match edit {
        Edit::RaiseDeveloperLimit { .. }
        | Edit::RaiseAppLimit { .. }
        | Edit::RaisePlanLimit { .. } => raise(edit, names),
        Edit::ChangeList { .. } | Edit::WidenPlan { .. } | Edit::AddToRegion { .. } => {
            of_catalogue(edit, names)
        }
        _ => of_caller(edit, names),
    };
    let mut shown = Map::new();
    shown.insert("edit".to_owned(), told.kind.into());
    shown.insert("text".to_owned(), told.text.into());
    match edit.by(names.catalogue) {
        By::Developer => shown.insert("by".to_owned(), "developer".into()),
        By::Operator => shown.insert("by".to_owned(), "operator".into()),
        By::BusinessUnit(unit) => {
            shown.insert("business_unit".to_owned(), unit.into());
            shown.insert("by".to_owned(), "business_unit".into())
        }
    };
    for (name, part) in told.parts {
        shown.insert(name.to_owned(), part.into());
    }
    Value::Object(shown)
}

/// Edits of the developer or the app.
fn of_caller(edit: &Edit, names: Names<'_>) -> Told {
    let vocabulary = &names.catalogue.vocabulary;
    let (app, developer) = (names.app.name.as_str(), names.developer.name.as_str());
    let of_app = ("app", app.to_owned());
    let of_developer = ("developer", developer.to_owned());
    let called = |symbol: &Symbol| vocabulary.capabilities.name(*symbol).to_string();
    let one = |kind, whose: (&'static str, String), symbol: &Symbol, text: &str| {
        let capability = called(symbol);
        Told {
            kind,
            text: text.replace("{}", &capability),
            parts: vec![whose, ("capability", capability)],
        }
    };
    match edit {
        Edit::Subscribe { api, .. } => {
            let api = vocabulary.apis.name(*api).to_string();
            Told {
                kind: "subscribe",
                text: format!("subscribe the app `{app}` to the API `{api}`"),
                parts: vec![of_app, ("api", api)],
            }
        }
        Edit::AssignLevel { ladder, level, .. } => {
            let ladder = vocabulary.ladders.name(*ladder).to_string();
            let level = vocabulary.levels.name(*level);
            let spoken = match spoken_level(&level).split_once('/') {
                None => format!("`{}`", spoken_level(&level)),
                Some((ladder, level)) => format!("`{level}` of the ladder `{ladder}`"),
            };
            let level = level.rsplit('/').next().unwrap_or_default().to_owned();
            Told {
                kind: "assign_level",
                text: format!("assign the developer `{developer}` the level {spoken}"),
                parts: vec![of_developer, ("ladder", ladder), ("level", level)],
            }
        }
        Edit::SwitchOn { capability, .. } => {
            let text = format!("switch `{{}}` on for the developer `{developer}`");
            one("switch_on", of_developer, capability, &text)
        }
        Edit::ClearDeveloperOff { capability, .. } => {
            let text = format!("take `{{}}` off the off-list of the developer `{developer}`");
            one("clear_developer_off", of_developer, capability, &text)
        }
        Edit::ClearAppOff { capability, .. } => {
            let text = format!("take `{{}}` off the off-list of the app `{app}`");
            one("clear_app_off", of_app, capability, &text)
        }
        Edit::GrantBusinessUnit { capability, .. } => {
            let text = format!("grant `{{}}` to the developer `{developer}`");
            one("grant_business_unit", of_developer, capability, &text)
        }
        Edit::WidenDeveloperProfile { capability, .. } => {
            let text = format!("add `{{}}` to the profile of the developer `{developer}`");
            one("widen_developer_profile", of_developer, capability, &text)
        }
        Edit::WidenAppProfile { capability, .. } => {
            let text = format!("add `{{}}` to the profile of the app `{app}`");
            one("widen_app_profile", of_app, capability, &text)
        }
        // Written by the other two.
        _ => Told {
            kind: "",
            parts: Vec::new(),
            text: String::new(),
        },
    }
}

/// Edits of what others share.
fn of_catalogue(edit: &Edit, names: Names<'_>) -> Told {
    let vocabulary = &names.catalogue.vocabulary;
    let (kind, parts, text) = match edit {
        Edit::ChangeList { list } => {
            let list = vocabulary.lists.name(*list).to_string();
            let text = format!(
                "change the list `{list}`: put the caller on it if it allows, take the caller off it if it denies"
            );
            ("change_list", vec![("list", list)], text)
        }
        Edit::WidenPlan { plan, capability } => {
            let plan = vocabulary.plans.name(*plan).to_string();
            let capability = vocabulary.capabilities.name(*capability).to_string();
            let text = format!("add `{capability}` to the profile of the plan `{plan}`");
            (
                "widen_plan",
                vec![("plan", plan), ("capability", capability)],
                text,
            )
        }
        Edit::AddToRegion { region, country } => {
            let region = vocabulary.regions.name(*region).to_string();
            let text = format!("add `{country}` to the region `{region}`");
            let parts = vec![("region", region), ("country", country.to_string())];
            ("add_to_region", parts, text)
        }
        _ => ("", Vec::new(), String::new()),
    };
    Told { kind, parts, text }
}

fn raise(edit: &Edit, names: Names<'_>) -> Told {
    let vocabulary = &names.catalogue.vocabulary;
    let (kind, whose, limit, to, currency) = match edit {
        Edit::RaiseDeveloperLimit {
            limit,
            to,
            currency,
            ..
        } => {
            let developer = ("developer", names.developer.name.to_string());
            ("raise_developer_limit", developer, limit, to, currency)
        }
        Edit::RaiseAppLimit {
            limit,
            to,
            currency,
            ..
        } => {
            let app = ("app", names.app.name.to_string());
            ("raise_app_limit", app, limit, to, currency)
        }
        Edit::RaisePlanLimit {
            plan,
            limit,
            to,
            currency,
        } => {
            let plan = ("plan", vocabulary.plans.name(*plan).to_string());
            ("raise_plan_limit", plan, limit, to, currency)
        }
        _ => return of_caller(edit, names),
    };
    let limit = vocabulary.limits.name(*limit).to_string();
    let unit = currency.as_ref().map(|currency| format!(" {currency}"));
    let text = format!(
        "set the limit `{limit}` of the {} `{}` to {to}{} or more",
        whose.0,
        whose.1,
        unit.unwrap_or_default()
    );
    let mut parts = vec![whose, ("limit", limit), ("to", to.to_string())];
    parts.extend(currency.clone().map(|currency| ("currency", currency)));
    Told { kind, parts, text }
}

/// The gate that names the refusal: the first in the order of evaluation, over the call and all
/// its capabilities.
#[must_use]
pub fn first_refusal(answer: &Answer) -> Option<&GateAnswer> {
    let of_capabilities = answer.capabilities.iter().flat_map(|one| &one.gates);
    answer
        .gates
        .iter()
        .chain(of_capabilities)
        .filter(|gate| gate.outcome == Outcome::Refused)
        .min_by_key(|gate| gate.gate.turn())
}
