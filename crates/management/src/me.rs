use admission::{Presented, Unidentified};
use axum::{
    extract::{FromRef, FromRequestParts, State},
    response::IntoResponse,
};
use decision::{CapabilityAnswer, GateAnswer, LimitAnswer, Outcome, Vocabulary};
use flows::{Application, level_of};
use http::{HeaderMap, request::Parts};
use http_kit::{Basic, Json, Path, Problem, Problems, ThreeTokens, codes};
use primitives::{Mode, Name, Quantity, Symbol};
use serde::Serialize;
use snapshot::Snapshot;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    instant::Instant,
    names::{app_name, unknown},
};

/// What an app asks about itself, with its own key.
pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new().routes(routes!(own))
}

/// The same, asked by the operator.
pub(crate) fn operator_routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new().routes(routes!(of_app))
}

/// Everything an app may and may not do (P-54): every capability of every API it is subscribed
/// to, granted or rejected.
#[derive(Serialize, ToSchema)]
pub(crate) struct Capabilities {
    /// Name of the app.
    app: String,
    /// Its id.
    id: String,
    /// The APIs it is subscribed to.
    apis: Vec<ApiCapabilities>,
}

/// The capabilities of an app on an API.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApiCapabilities {
    /// The API.
    api: String,
    /// The ladder whose levels count there.
    ladder: String,
    /// The developer's level on it; `null` is the lowest.
    level: Option<String>,
    /// The complete list.
    capabilities: Vec<CapabilityDecision>,
}

/// The decision about one capability, before there is a call.
#[derive(Serialize, ToSchema)]
pub(crate) struct CapabilityDecision {
    /// The capability.
    capability: String,
    /// Granted means that no gate refuses that can be asked without a call.
    granted: bool,
    /// Why not: the codes of the gates that refuse.
    reasons: Vec<String>,
    /// Every gate, in order.
    gates: Vec<GateView>,
    /// Its limits, with what remains.
    limits: Vec<LimitView>,
}

/// What one gate says.
#[derive(Serialize, ToSchema)]
pub(crate) struct GateView {
    /// Which gate.
    gate: &'static str,
    /// `passed`, `refused`, `not_applicable` or `not_evaluated`.
    outcome: &'static str,
    /// Stable reason; missing when it passed.
    #[serde(skip_serializing_if = "str::is_empty")]
    code: &'static str,
    /// The rule that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// What the app has.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// What the gate wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<String>,
}

/// A limit with what remains. Amounts are decimals as text.
#[derive(Serialize, ToSchema)]
pub(crate) struct LimitView {
    /// The limit.
    limit: String,
    /// The currency of the amounts, for a limit of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<String>,
    /// The most; `null` is unlimited.
    most: Option<String>,
    /// Counted so far; `null` for a limit that does not count.
    used: Option<String>,
    /// What remains; `null` when unlimited, or for a limit that does not count.
    remaining: Option<String>,
    /// When it starts anew.
    resets_at: Option<Instant>,
}

/// A caller that showed a valid key of an app.
pub(crate) struct OwnKey(pub(crate) Presented);

impl<S: Send + Sync> FromRequestParts<S> for OwnKey
where
    Management: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let desk = Management::from_ref(state);
        let presented = presented(&parts.headers);
        let snapshot = desk.snapshots().load_full();
        match desk.admission.identify(&snapshot, &presented) {
            Ok(_) => Ok(Self(presented)),
            Err(why) => Err(unidentified(why)),
        }
    }
}

/// The developer whose app asks, for what the key alone decides.
pub(crate) struct Developer {
    /// Name of its account.
    pub(crate) account: Name,
    /// Who did what was done, in the event log.
    pub(crate) actor: String,
}

impl OwnKey {
    /// The developer, if the key stands for it whole: in live mode, and bound to nothing.
    pub(crate) fn developer(&self, desk: &Management) -> Result<Developer, Problem> {
        let snapshot = desk.snapshots().load_full();
        let caller = desk.admission.identify(&snapshot, &self.0);
        let caller = caller.map_err(unidentified)?;
        if caller.mode() != Mode::Live || caller.permissions().is_some() {
            let why = "this needs a live key that is not bound to a permission profile";
            return Err(Problem::of(&codes::ROLE_MISSING).because(why));
        }
        Ok(Developer {
            account: caller.developer.name.clone(),
            actor: caller.app.id.to_string(),
        })
    }
}

/// What stands in the headers; nobody shows a certificate here.
fn presented(headers: &HeaderMap) -> Presented {
    match (ThreeTokens::of(headers), Basic::of(headers)) {
        (ThreeTokens::Given(user, password, signature), _) => Presented::ThreeTokens {
            user,
            password,
            signature,
            certificate: None,
        },
        (ThreeTokens::Malformed, _) | (_, Basic::Malformed) => Presented::Malformed,
        (_, Basic::Missing) => Presented::Nothing,
        (_, Basic::Given(user, password)) => Presented::Basic {
            user,
            password,
            certificate: None,
        },
    }
}

pub(crate) fn unidentified(why: Unidentified) -> Problem {
    let code = codes::find(why.code()).unwrap_or(&codes::CREDENTIAL_UNKNOWN);
    Problem::of(code).because(why.to_string())
}

/// What your app may and may not do
///
/// Complete: every capability of every API the app is subscribed to, granted or rejected, with
/// reasons and limits. Asked with the app's own key.
#[utoipa::path(get, path = "/v1/me/capabilities", tag = "me", operation_id = "getOwnCapabilities",
    security(("app" = [])),
    responses((status = 200, body = Capabilities), Problems))]
async fn own(
    State(desk): State<Management>,
    OwnKey(presented): OwnKey,
) -> Result<impl IntoResponse, Problem> {
    let snapshot = desk.snapshots().load_full();
    let caller = desk.admission.identify(&snapshot, &presented);
    let caller = caller.map_err(unidentified)?;
    let answers = desk.admission.capabilities_as(&snapshot, &caller);
    let app = (caller.app.name.to_string(), caller.app.id.to_string());
    Ok(Json(told(&snapshot, app, &answers, false)))
}

/// What an app may and may not do
///
/// Complete: every capability of every API the app is subscribed to, granted or rejected, with
/// reasons and limits, in live mode.
#[utoipa::path(get, path = "/v1/apps/{app}/capabilities", tag = "developers",
    operation_id = "getAppCapabilities",
    params(("app" = String, Path, description = "Name or id of the app")),
    responses((status = 200, body = Capabilities), Problems))]
async fn of_app(
    State(desk): State<Management>,
    Path(given): Path<String>,
) -> Result<Json<Capabilities>, Problem> {
    let name = app_name(&desk, &given)?;
    let snapshot = desk.snapshots().load_full();
    let app = snapshot.app_named(name.as_str());
    let app = app.ok_or_else(|| unknown("app", &given))?;
    let answers = desk.admission.capabilities(&snapshot, app);
    let called = (app.name.to_string(), app.id.to_string());
    Ok(Json(told(&snapshot, called, &answers, true)))
}

/// The same as the app itself is told it: without the texts of policies.
pub(crate) fn shown_to_developer(
    desk: &Management,
    snapshot: &Snapshot,
    app: &decision::App,
) -> Capabilities {
    let answers = desk.admission.capabilities(snapshot, app);
    let called = (app.name.to_string(), app.id.to_string());
    told(snapshot, called, &answers, false)
}

fn told(
    snapshot: &Snapshot,
    (app, id): (String, String),
    answers: &[(Symbol, Vec<CapabilityAnswer>)],
    whole: bool,
) -> Capabilities {
    let vocabulary = snapshot.vocabulary();
    let developer = snapshot
        .app_named(&app)
        .and_then(|app| snapshot.account(app.developer));
    let stands = |api: Symbol| {
        let ladder = snapshot.catalogue().apis.get(api)?.ladder;
        let ladder = vocabulary.ladders.name(ladder).clone();
        let which = Application {
            account: &developer?.name,
            ladder: &ladder.parse().ok()?,
        };
        let level = level_of(snapshot, which);
        Some((ladder.to_string(), level.map(|level| level.to_string())))
    };
    let apis = answers.iter().map(|(api, answers)| {
        let (ladder, level) = stands(*api).unwrap_or_default();
        ApiCapabilities {
            api: vocabulary.apis.name(*api).to_string(),
            ladder,
            level,
            capabilities: answers
                .iter()
                .map(|one| capability(vocabulary, one, whole))
                .collect(),
        }
    });
    Capabilities {
        app,
        id,
        apis: apis.collect(),
    }
}

fn capability(
    vocabulary: &Vocabulary,
    answer: &CapabilityAnswer,
    whole: bool,
) -> CapabilityDecision {
    let refused = answer
        .gates
        .iter()
        .filter(|gate| gate.outcome == Outcome::Refused);
    CapabilityDecision {
        capability: vocabulary.capabilities.name(answer.capability).to_string(),
        granted: answer.granted,
        reasons: refused.map(|gate| gate.code.to_owned()).collect(),
        gates: answer.gates.iter().map(|one| gate(one, whole)).collect(),
        limits: answer
            .limits
            .iter()
            .map(|one| limit(vocabulary, one))
            .collect(),
    }
}

/// A policy's text is the provider's: only the operator sees it.
fn gate(answer: &GateAnswer, whole: bool) -> GateView {
    let shown = whole || answer.gate != decision::Gate::Policy;
    GateView {
        gate: answer.gate.as_str(),
        outcome: match answer.outcome {
            Outcome::Passed => "passed",
            Outcome::Refused => "refused",
            Outcome::NotApplicable => "not_applicable",
            Outcome::NotEvaluated => "not_evaluated",
        },
        code: answer.code,
        rule: answer.rule.clone(),
        value: answer.value.clone(),
        threshold: answer.threshold.clone().filter(|_| shown),
    }
}

fn limit(vocabulary: &Vocabulary, answer: &LimitAnswer) -> LimitView {
    let remaining = answer.most.zip(answer.used).map(|(most, used)| {
        let left = most.checked_sub(used).unwrap_or(Quantity::ZERO);
        left.max(Quantity::ZERO).to_string()
    });
    LimitView {
        limit: vocabulary.limits.name(answer.limit).to_string(),
        currency: answer.currency.clone(),
        most: answer.most.map(|most| most.to_string()),
        used: answer.used.map(|used| used.to_string()),
        remaining,
        resets_at: answer.resets_at.map(Into::into),
    }
}
