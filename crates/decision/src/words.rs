//! What a refusal is called: its code, the rule, what the call has, what the gate wants.

use std::borrow::Cow;

use primitives::{Name, Symbol, Symbols};

use crate::{
    Gate, GateAnswer, GeoRule, GeoSubject, Outcome, codes,
    finding::{Finding, Refusal},
    scene::{Obstacle, Scene, Stand},
};

/// The public answer of a gate. An unread fact is `not_evaluated`.
pub(crate) fn gate_answer(scene: &Scene<'_>, gate: Gate, finding: Finding<'_>) -> GateAnswer {
    let outcome = match &finding {
        Finding::Passed => Outcome::Passed,
        Finding::NotApplicable => Outcome::NotApplicable,
        Finding::Unread => Outcome::NotEvaluated,
        Finding::Refused(_) => Outcome::Refused,
    };
    let mut answer = silent(gate, outcome);
    if let Finding::Refused(refusal) = finding {
        let words = say_refusal(scene, &refusal);
        answer.code = words.code;
        answer.rule = Some(words.rule);
        answer.value = Some(words.value);
        answer.threshold = Some(words.threshold);
    }
    answer
}

/// The answer of a gate that has nothing to explain.
pub(crate) fn silent(gate: Gate, outcome: Outcome) -> GateAnswer {
    GateAnswer {
        gate,
        outcome,
        code: "",
        rule: None,
        value: None,
        threshold: None,
    }
}

/// The ladder that is meant where none is named.
const DEFAULT_LADDER: &str = "default/";

/// What a level gate says, for people: levels of the default ladder without their ladder. The
/// gate's own rule, value and threshold always name it.
#[must_use]
pub fn spoken_level(text: &str) -> String {
    let words = text.split(' ');
    let spoken: Vec<_> = words
        .map(|word| word.strip_prefix(DEFAULT_LADDER).unwrap_or(word))
        .collect();
    spoken.join(" ")
}

/// A gate in words.
pub(crate) struct Said {
    pub(crate) code: &'static str,
    pub(crate) rule: String,
    pub(crate) value: String,
    pub(crate) threshold: String,
}

impl Said {
    /// What a gate that passed had and wanted.
    pub(crate) fn of_passed(rule: &str, value: &str, threshold: &str) -> Self {
        say("", rule, value, threshold)
    }
}

/// A refusal in words.
pub(crate) fn say_refusal(scene: &Scene<'_>, refusal: &Refusal<'_>) -> Said {
    Words { scene }.of(refusal)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "literals, names and fresh texts are handed over alike"
)]
fn say(
    code: &'static str,
    rule: impl ToString,
    value: impl ToString,
    threshold: impl ToString,
) -> Said {
    Said {
        code,
        rule: rule.to_string(),
        value: value.to_string(),
        threshold: threshold.to_string(),
    }
}

struct Words<'s> {
    scene: &'s Scene<'s>,
}

impl Words<'_> {
    fn of(&self, refusal: &Refusal<'_>) -> Said {
        match refusal {
            Refusal::Unusual(why) => say(
                codes::ANOMALY_REFUSED,
                why.rule.as_str(),
                &why.value,
                &why.threshold,
            ),
            Refusal::ApiInactive
            | Refusal::NoUpstream(_)
            | Refusal::AppInactive
            | Refusal::NotSubscribed
            | Refusal::NotAnnotated
            | Refusal::NoCapabilityApplies => self.of_route(refusal),
            Refusal::Unverified
            | Refusal::NoWayIn
            | Refusal::Level { .. }
            | Refusal::NoBusinessUnitGrant(_)
            | Refusal::NotSwitchedOn
            | Refusal::OffForDeveloper
            | Refusal::OffForApp => self.of_toggle(refusal),
            Refusal::DeveloperProfile(_)
            | Refusal::AppProfile(_)
            | Refusal::KeyPermissions(_)
            | Refusal::Plan(_)
            | Refusal::OnDenyList(_)
            | Refusal::NotOnAllowList(_) => self.of_membership(refusal),
            _ => self.of_request(refusal),
        }
    }

    fn of_route(&self, refusal: &Refusal<'_>) -> Said {
        let (api, app) = (&self.scene.api.name, &self.scene.caller.app.name);
        let operation = self.scene.request.map(|request| &request.call.operation.id);
        let operation = operation.map_or("", Name::as_str);
        match refusal {
            Refusal::ApiInactive => say(codes::API_INACTIVE, api, "inactive", "active"),
            Refusal::NoUpstream(mode) => {
                let wanted = format!("an upstream for {mode} calls");
                say(codes::NO_UPSTREAM_FOR_MODE, api, "none", wanted)
            }
            Refusal::AppInactive => say(codes::APP_INACTIVE, app, "inactive", "active"),
            Refusal::NotSubscribed => {
                say(codes::NOT_SUBSCRIBED, api, "not subscribed", "subscribed")
            }
            Refusal::NotAnnotated => say(
                codes::OPERATION_NOT_ANNOTATED,
                operation,
                "no capability",
                "at least one capability",
            ),
            _ => say(
                codes::NO_CAPABILITY_APPLIES,
                operation,
                "no condition holds",
                "at least one condition holds",
            ),
        }
    }

    fn of_toggle(&self, refusal: &Refusal<'_>) -> Said {
        let developer = &self.scene.caller.developer.name;
        match refusal {
            Refusal::Unverified => say(
                codes::DEVELOPER_UNVERIFIED,
                developer,
                "unverified",
                "verified",
            ),
            Refusal::Level {
                stand,
                wants,
                exact,
            } => self.level(*stand, *wants, *exact),
            Refusal::NoBusinessUnitGrant(unit) => say(
                codes::BUSINESS_UNIT_NOT_GRANTED,
                unit,
                "not granted",
                "granted",
            ),
            Refusal::NotSwitchedOn => say(codes::SWITCH_OFF_BY_DEFAULT, "switch", "off", "on"),
            Refusal::OffForDeveloper => say(
                codes::SWITCHED_OFF,
                developer,
                "switched off",
                "not switched off",
            ),
            Refusal::OffForApp => {
                let app = &self.scene.caller.app.name;
                say(
                    codes::SWITCHED_OFF_FOR_APP,
                    app,
                    "switched off",
                    "not switched off",
                )
            }
            _ => say(
                codes::CAPABILITY_CLOSED,
                &self.scene.api.name,
                "no way in",
                "a level, a business unit or a switch",
            ),
        }
    }

    fn level(&self, stand: Stand, wants: Symbol, exact: bool) -> Said {
        let levels = &self.scene.catalogue.vocabulary.levels;
        let stands = match stand {
            Stand::Nowhere(level) => format!("{} (gone)", levels.name(level)),
            Stand::Rank(rank) => self
                .scene
                .ladder
                .and_then(|ladder| ladder.levels.get(rank))
                .map_or_else(
                    || "none".to_owned(),
                    |level| levels.name(level.symbol).to_string(),
                ),
        };
        let wanted = levels.name(wants);
        if exact {
            let wanted = format!("exactly {wanted}");
            say(codes::LEVEL_NOT_EXACT, levels.name(wants), stands, wanted)
        } else {
            say(codes::LEVEL_TOO_LOW, &wanted, stands, &wanted)
        }
    }

    fn of_membership(&self, refusal: &Refusal<'_>) -> Said {
        let outside = |code, profile: Option<&Name>, whose| {
            let rule = profile.map_or(Cow::Borrowed(whose), |name| Cow::Owned(name.to_string()));
            say(code, rule, "outside", "inside")
        };
        let vocabulary = &self.scene.catalogue.vocabulary;
        match refusal {
            Refusal::DeveloperProfile(profile) => outside(
                codes::OUTSIDE_DEVELOPER_PROFILE,
                *profile,
                "developer profile",
            ),
            Refusal::AppProfile(profile) => {
                outside(codes::OUTSIDE_APP_PROFILE, *profile, "app profile")
            }
            Refusal::KeyPermissions(profile) => {
                outside(codes::OUTSIDE_KEY_PERMISSIONS, *profile, "key permissions")
            }
            Refusal::Plan(plan) => say(
                codes::OUTSIDE_PLAN,
                vocabulary.plans.name(*plan),
                "outside",
                "inside",
            ),
            Refusal::OnDenyList(list) => {
                let list = vocabulary.lists.name(*list);
                say(codes::ON_DENY_LIST, list, "listed", "not listed")
            }
            Refusal::NotOnAllowList(lists) => {
                let allowing = lists
                    .iter()
                    .copied()
                    .filter(|list| self.scene.allows(*list));
                let lists = joined(&vocabulary.lists, allowing);
                say(codes::NOT_ON_ALLOW_LIST, lists, "not listed", "listed")
            }
            _ => say("", "", "", ""),
        }
    }

    fn of_request(&self, refusal: &Refusal<'_>) -> Said {
        let vocabulary = &self.scene.catalogue.vocabulary;
        match refusal {
            Refusal::Fact { rule, obstacle } => self.fact(*rule, obstacle),
            Refusal::Policy { policy, conditions } => say(
                codes::POLICY_REFUSED,
                vocabulary.policies.name(*policy),
                "refused",
                conditions.join("; "),
            ),
            Refusal::PlaceUnknown(rule) => say(
                codes::PLACE_UNKNOWN,
                subject(rule),
                "unknown",
                self.regions(rule),
            ),
            Refusal::Place(rule, country) => say(
                codes::PLACE_NOT_ALLOWED,
                subject(rule),
                country,
                self.regions(rule),
            ),
            Refusal::NoAccount(limit) => say(
                codes::ACCOUNT_UNKNOWN,
                &limit.name,
                "no account",
                "an account",
            ),
            Refusal::Currency { limit, currency } => say(
                codes::CURRENCY_NOT_LISTED,
                &limit.name,
                currency.unwrap_or("no currency"),
                "a currency of the limit",
            ),
            Refusal::Exceeded {
                limit,
                currency,
                value,
                most,
            } => {
                let unit = currency.map(|name| format!(" {name}")).unwrap_or_default();
                say(
                    codes::LIMIT_EXCEEDED,
                    &limit.name,
                    format!("{value}{unit}"),
                    format!("{most}{unit}"),
                )
            }
            Refusal::Exhausted {
                limit,
                standing,
                cost,
                most,
            } => say(
                codes::QUOTA_EXHAUSTED,
                &limit.name,
                format!("{} used and {cost} wanted", standing.used),
                most,
            ),
            _ => say("", "", "", ""),
        }
    }

    fn fact(&self, rule: Option<&Name>, obstacle: &Obstacle<'_>) -> Said {
        let operation = self.scene.request.map(|request| &request.call.operation.id);
        let rule = rule.or(operation).map_or("", Name::as_str);
        match obstacle {
            Obstacle::Unusable(fact, why) => say(
                codes::FACT_UNUSABLE,
                rule,
                why,
                format!("a usable `{fact}`"),
            ),
            Obstacle::Missing(fact) => say(
                codes::FACT_MISSING,
                rule,
                "absent",
                format!("the fact `{fact}`"),
            ),
            Obstacle::Unread => say(codes::FACT_MISSING, rule, "unread", "a fact of the body"),
        }
    }

    fn regions(&self, rule: &GeoRule) -> String {
        let regions = rule.regions.iter().copied();
        joined(&self.scene.catalogue.vocabulary.regions, regions)
    }
}

fn subject(rule: &GeoRule) -> &'static str {
    match rule.subject {
        GeoSubject::CallerHome => "caller_home",
        GeoSubject::CallerNow => "caller_now",
        GeoSubject::UserHome => "user_home",
        GeoSubject::Target => "target",
    }
}

fn joined(names: &Symbols, symbols: impl Iterator<Item = Symbol>) -> String {
    let names: Vec<_> = symbols.map(|symbol| names.name(symbol)).collect();
    names.join(", ")
}
