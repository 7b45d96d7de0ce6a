use primitives::Name;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Interval, value::NameText};

/// A rule over how apps call, held against what each of them usually does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnomalyRule {
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The APIs whose calls it judges; all when left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<NameText>")]
    pub apis: Vec<Name>,
    /// What it looks at.
    pub looks_at: LooksAt,
    /// With `technology`, `location`, `hour` and `season`: what fewer than so many of 1,000 calls
    /// have is unusual; 10 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 500))]
    pub below: Option<u32>,
    /// With `calls`: more calls within an hour than this percentage of the busiest hour before
    /// are unusual; 300 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100))]
    pub percent: Option<u32>,
    /// With `calls`: so many calls within an hour are never too many; 100 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u32>,
    /// With `travel`: going from one country to another faster than so many kilometres in an hour
    /// is unusual; 1,000 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub faster_than: Option<u32>,
    /// No app is judged of which fewer calls are known; 500 when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_calls: Option<u32>,
    /// No app is judged that has called for fewer days; 14 when left out, and 365 with `season`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_days: Option<u32>,
    /// What follows: `note`, `alert`, `step_down` with `levels` and `for`, or `refuse`.
    pub action: AnomalyAction,
}

/// What a rule over how apps call looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LooksAt {
    /// The client, by the name it gives itself in `User-Agent`.
    Technology,
    /// The country of the address.
    Location,
    /// The hour of the day.
    Hour,
    /// The month of the year.
    Season,
    /// How many calls there are within an hour.
    Calls,
    /// The way from the country of the call before.
    Travel,
}

/// What follows when a call is unusual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyAction {
    /// It stands in the call record and in the list of anomalies.
    Note,
    /// The event log tells of it too.
    Alert,
    /// The app stands lower for a time, and the event log tells of it.
    StepDown(StepDown),
    /// The call is refused.
    Refuse,
}

/// How far and for how long an app stands lower.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepDown {
    /// So many levels below the developer's, never below the lowest; 1 when left out.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    #[schemars(range(min = 1))]
    pub levels: u32,
    /// For how long, from a minute to 365 days.
    pub r#for: Interval,
}

const fn one() -> u32 {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
const fn is_one(levels: &u32) -> bool {
    *levels == 1
}
