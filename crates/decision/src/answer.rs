use std::fmt;

use catalog::{Api, Facts};
use primitives::{AccountId, AppId, Country, Name, Quantity, Symbol, Timestamp};
use quota::{Demand, Standing};

use crate::{Call, Caller, Catalogue};

/// What a decision must be told because it does not know it itself. No method may do I/O.
///
/// The caller shown to it may be a changed one, when the decision tries what an edit would do:
/// answer from what the caller holds, never from what is known under its id.
pub trait Evidence {
    /// Whether the policy permits the call for the capability.
    fn permits(
        &self,
        policy: Symbol,
        capability: Symbol,
        call: &Call<'_>,
        facts: &Facts,
    ) -> PolicyVerdict;
    /// The same before there is a call: what the policy says of the caller alone, and
    /// [`PolicyVerdict::Unread`] when it asks for anything of a request.
    fn permits_settled(
        &self,
        policy: Symbol,
        capability: Symbol,
        api: &Api,
        caller: &Caller<'_>,
    ) -> PolicyVerdict;
    /// Where a counter stands.
    fn standing(&self, demand: &Demand) -> Standing;
    /// Whether the call is like those that its app usually makes.
    fn likeness(&self) -> Likeness<'_> {
        Likeness::NotJudged
    }
}

/// How a call compares with those that its app usually makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness<'a> {
    /// No rule asks.
    NotJudged,
    /// No rule refuses it.
    Usual,
    /// A rule refuses it.
    Refused(&'a Unusual),
}

/// Why a rule about anomalies refuses a call (P-33).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusual {
    /// The rule.
    pub rule: Name,
    /// What the call has, and how often that was seen.
    pub value: String,
    /// What the rule wants, and what is usual.
    pub threshold: String,
}

/// What a policy says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyVerdict {
    /// It permits.
    Permit,
    /// It does not permit; the conditions that stood in the way, in Cedar's words.
    Refuse(Vec<String>),
    /// It asks for a fact that stands in the unread body.
    Unread,
}

/// A gate, in the order of evaluation. The name is public and stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gate {
    /// The API is active, and has an upstream in the caller's mode (P-35).
    Api,
    /// The app is active and subscribed to the API (P-18, P-35).
    Subscription,
    /// The operation is annotated, and a capability's condition holds (P-56, P-58).
    Operation,
    /// The developer's level has the capability (P-36).
    Level,
    /// A business unit granted it (P-40, P-41).
    BusinessUnit,
    /// It is a non-risk capability and switched on (P-64).
    Switch,
    /// It is not switched off, for the developer or the app (P-38).
    OffList,
    /// The developer profile opens it (C-76).
    DeveloperProfile,
    /// The app profile opens it.
    AppProfile,
    /// The permission set of the key opens it (C-46c).
    KeyPermissions,
    /// The plan of the account opens it.
    Plan,
    /// Allow and deny lists.
    List,
    /// The capability's policy permits (P-60).
    Policy,
    /// The places are allowed (P-52).
    Geography,
    /// A fact does not exceed its limit (P-46).
    NumericLimit,
    /// A counter does not exceed its limit (P-51).
    RateLimit,
    /// No rule about anomalies refuses the call (P-33). It is asked first, and stands last,
    /// because records name gates by their number.
    Anomaly,
}

/// How a gate answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Open.
    Passed,
    /// Closed.
    Refused,
    /// Says nothing here (no such rule, or another way in is open).
    NotApplicable,
    /// Could not be reached without reading the body of a caller already refused.
    NotEvaluated,
}

/// What one gate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateAnswer {
    /// Which gate.
    pub gate: Gate,
    /// How it answered.
    pub outcome: Outcome,
    /// Stable machine-readable reason, such as `level_too_low`; empty when it passed.
    pub code: &'static str,
    /// The rule that answered, by name (level, limit, list, policy, region …).
    pub rule: Option<String>,
    /// What the call has.
    pub value: Option<String>,
    /// What the gate wants.
    pub threshold: Option<String>,
}

/// A limit of a capability, with what remains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitAnswer {
    /// The limit.
    pub limit: Symbol,
    /// The currency `most` is in, when it is an amount of one.
    pub currency: Option<String>,
    /// The most; `None` is unlimited.
    pub most: Option<Quantity>,
    /// Counted so far; `None` for a numeric limit.
    pub used: Option<Quantity>,
    /// When it starts anew.
    pub resets_at: Option<Timestamp>,
}

/// The answer for one capability (P-57).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityAnswer {
    /// The capability.
    pub capability: Symbol,
    /// No gate refuses it. A gate that was not evaluated promises nothing.
    pub granted: bool,
    /// Every gate, in order.
    pub gates: Vec<GateAnswer>,
    /// Its limits.
    pub limits: Vec<LimitAnswer>,
}

/// What a decision comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Every gate is open (counters still have to be reserved).
    Granted,
    /// At least one gate is closed.
    Refused,
    /// Nothing is closed so far, and the body must be read to know.
    NeedsBody,
}

/// The whole answer to a call (J-2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it comes to.
    pub verdict: Verdict,
    /// The gates that do not depend on a capability.
    pub gates: Vec<GateAnswer>,
    /// Every capability the call uses.
    pub capabilities: Vec<CapabilityAnswer>,
    /// The limits that hold for every call of the API.
    pub limits: Vec<LimitAnswer>,
    /// The counters to take when it is granted.
    pub demands: Vec<Demand>,
    /// An inclusion-minimal set of edits after which no gate refuses (empty when none does);
    /// `None` when no set from the fixed list can do that (a policy refuses, say). Gates that
    /// were not evaluated promise nothing.
    pub edits: Option<Vec<Edit>>,
    /// What the limits that do not cover the call offer instead (J-5).
    pub offers: Vec<Offer>,
}

/// What a limit that does not cover a call offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// A plan for the account acted for, under which the limit comes to more.
    Plan {
        /// The limit.
        limit: Symbol,
        /// The currency of the values, when they are amounts of one.
        currency: Option<String>,
        /// The plan.
        plan: Symbol,
        /// What the limit comes to for the caller now.
        current: Quantity,
        /// What it would come to under the plan; `None` is unlimited.
        offered: Option<Quantity>,
        /// Whether no gate would refuse this very call under the plan. Gates that were not
        /// evaluated promise nothing.
        admits: bool,
    },
}

/// Who may make an edit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// The developer, alone.
    Developer,
    /// The provider's operator.
    Operator,
    /// The business unit of that name.
    BusinessUnit(String),
}

/// A change that opens a gate. The list is fixed.
#[expect(
    missing_docs,
    reason = "the fields are the typed objects that each variant's line names"
)]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Edit {
    /// Subscribe the app to the API.
    Subscribe { app: AppId, api: Symbol },
    /// Assign the developer a level: (ladder, level).
    AssignLevel {
        developer: AccountId,
        ladder: Symbol,
        level: Symbol,
    },
    /// Switch a non-risk capability on.
    SwitchOn {
        developer: AccountId,
        capability: Symbol,
    },
    /// Take a capability off the developer's off-list.
    ClearDeveloperOff {
        developer: AccountId,
        capability: Symbol,
    },
    /// Take a capability off the app's off-list.
    ClearAppOff { app: AppId, capability: Symbol },
    /// Grant a capability of a business unit.
    GrantBusinessUnit {
        developer: AccountId,
        capability: Symbol,
    },
    /// Add a capability to the developer profile.
    WidenDeveloperProfile {
        developer: AccountId,
        capability: Symbol,
    },
    /// Add a capability to the app profile.
    WidenAppProfile { app: AppId, capability: Symbol },
    /// Put the caller on an allow list, or take it off a deny list.
    ChangeList { list: Symbol },
    /// Add a capability to the plan of the account.
    WidenPlan { plan: Symbol, capability: Symbol },
    /// Set a limit of the developer to at least this.
    RaiseDeveloperLimit {
        developer: AccountId,
        limit: Symbol,
        to: Quantity,
        currency: Option<String>,
    },
    /// Set a limit of the app to at least this.
    RaiseAppLimit {
        app: AppId,
        limit: Symbol,
        to: Quantity,
        currency: Option<String>,
    },
    /// Set a limit of the plan to at least this.
    RaisePlanLimit {
        plan: Symbol,
        limit: Symbol,
        to: Quantity,
        currency: Option<String>,
    },
    /// Add a country to a region the capability allows.
    AddToRegion { region: Symbol, country: Country },
}

impl Edit {
    /// Who may make it.
    #[must_use]
    pub fn by(&self, catalogue: &Catalogue) -> By {
        match self {
            Self::Subscribe { .. }
            | Self::ClearAppOff { .. }
            | Self::WidenAppProfile { .. }
            | Self::RaiseAppLimit { .. } => By::Developer,
            Self::GrantBusinessUnit { capability, .. } => catalogue
                .capabilities
                .get(*capability)
                .and_then(|capability| capability.business_unit.as_ref())
                .map_or(By::Operator, |unit| By::BusinessUnit(unit.to_string())),
            Self::AssignLevel { .. }
            | Self::SwitchOn { .. }
            | Self::ClearDeveloperOff { .. }
            | Self::WidenDeveloperProfile { .. }
            | Self::ChangeList { .. }
            | Self::WidenPlan { .. }
            | Self::RaiseDeveloperLimit { .. }
            | Self::RaisePlanLimit { .. }
            | Self::AddToRegion { .. } => By::Operator,
        }
    }
}

impl Gate {
    /// Every gate by its number, which is the order of evaluation but for the last.
    pub const ALL: [Self; 17] = [
        Self::Api,
        Self::Subscription,
        Self::Operation,
        Self::Level,
        Self::BusinessUnit,
        Self::Switch,
        Self::OffList,
        Self::DeveloperProfile,
        Self::AppProfile,
        Self::KeyPermissions,
        Self::Plan,
        Self::List,
        Self::Policy,
        Self::Geography,
        Self::NumericLimit,
        Self::RateLimit,
        Self::Anomaly,
    ];

    /// The gates that each capability passes, in the order of evaluation.
    pub const OF_CAPABILITY: [Self; 13] = [
        Self::Level,
        Self::BusinessUnit,
        Self::Switch,
        Self::OffList,
        Self::DeveloperProfile,
        Self::AppProfile,
        Self::KeyPermissions,
        Self::Plan,
        Self::List,
        Self::Policy,
        Self::Geography,
        Self::NumericLimit,
        Self::RateLimit,
    ];

    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Subscription => "subscription",
            Self::Operation => "operation",
            Self::Level => "level",
            Self::BusinessUnit => "business_unit",
            Self::Switch => "switch",
            Self::OffList => "off_list",
            Self::DeveloperProfile => "developer_profile",
            Self::AppProfile => "app_profile",
            Self::KeyPermissions => "key_permissions",
            Self::Plan => "plan",
            Self::List => "list",
            Self::Policy => "policy",
            Self::Geography => "geography",
            Self::NumericLimit => "numeric_limit",
            Self::RateLimit => "rate_limit",
            Self::Anomaly => "anomaly",
        }
    }

    /// Its place in the order of evaluation.
    #[must_use]
    pub const fn turn(self) -> u8 {
        match self {
            Self::Anomaly => 0,
            gate => gate as u8 + 1,
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
