use std::time::Duration;

use admission::{Audience, cut};
use axum::extract::State;
use http_kit::{
    FieldProblem, Json, Listing, Page, PageParameters, Path, Problem, Problems, Query, codes,
};
use primitives::{Mode, Name, RecordId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{CallFilter, CallIndexRow, CallsWanted, ChartWanted};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    instant::Instant,
    names::{account_id, app_id, record_id, unknown},
    refusals::failed,
};

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(chart))
        .routes(routes!(explain))
}

/// Which calls to list; every part that is given must match.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallQuery {
    /// Name or id of the app.
    app: Option<String>,
    /// Name or id of the account acted for.
    account: Option<String>,
    /// Name or id of the developer's account.
    developer: Option<String>,
    /// Name of the API.
    api: Option<String>,
    /// Name of a capability the call used.
    capability: Option<String>,
    /// `served`, `refused`, `unknown` or `not_sent`.
    #[param(value_type = Option<String>)]
    outcome: Option<Outcome>,
    /// `test` or `live`.
    #[param(value_type = Option<String>)]
    mode: Option<Mode>,
    /// At or after this time.
    #[param(value_type = Option<String>)]
    from: Option<Instant>,
    /// Before this time.
    #[param(value_type = Option<String>)]
    until: Option<Instant>,
}

/// What may have become of a call, as the index of calls has it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Served,
    Refused,
    Unknown,
    NotSent,
}

impl Outcome {
    const fn text(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
            Self::NotSent => "not_sent",
        }
    }
}

/// A call: what was decided, and what became of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Call {
    /// Decision and call record.
    #[schema(example = "dec_00000000000000000000000001")]
    id: String,
    /// When it was decided.
    at: Instant,
    /// `test` or `live`; `null` when the caller was not identified.
    #[schema(value_type = Option<String>)]
    mode: Option<Mode>,
    /// The API's name.
    api: String,
    /// The operation's id; empty when none matched.
    operation: String,
    /// Id of the app.
    app: Option<String>,
    /// Id of the developer's account.
    developer: Option<String>,
    /// Id of the account acted for.
    account: Option<String>,
    /// Capabilities used.
    capabilities: Vec<String>,
    /// `served`, `refused`, `unknown` or `not_sent`.
    outcome: String,
    /// Status answered; 0 when none was.
    status: u16,
    /// Stable code of the first refusal; empty when granted.
    code: String,
}

/// A call of one's own app, with what the app was answered.
#[derive(Serialize, ToSchema)]
pub(crate) struct OwnExplanation {
    /// The call.
    call: Call,
    /// The answer of every gate, with values, thresholds, limits and edits, and what exhausted
    /// limits offer; without the texts of policies.
    answer: Value,
}

impl OwnExplanation {
    pub(crate) fn of(row: &CallIndexRow) -> Self {
        let (answer, _) = parted(&row.record);
        Self {
            call: Call::from(row),
            answer: cut(answer, Audience::App),
        }
    }
}

/// A call with everything that was decided about it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Explanation {
    /// The call.
    call: Call,
    /// The answer of every gate, with values, thresholds, limits and edits, and what exhausted
    /// limits offer.
    answer: Value,
    /// The whole record: what was decided when and by which state, the facts taken from the
    /// request, which may be personal data, the counters and the outcome.
    record: Value,
}

/// The answer stands in a record as text, because a journal keeps it as it was said.
fn parted(record: &[u8]) -> (Value, Value) {
    let mut record = flows::record_in_words(record);
    let call = record.get_mut("call").and_then(Value::as_object_mut);
    let answer = call
        .and_then(|call| call.remove("answer"))
        .unwrap_or_default();
    let answer = answer
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    (answer.unwrap_or_default(), record)
}

impl From<&CallIndexRow> for Call {
    fn from(row: &CallIndexRow) -> Self {
        Self {
            id: row.id.to_string(),
            at: row.at.into(),
            mode: row.mode,
            api: row.api.clone(),
            operation: row.operation.clone(),
            app: row.app.map(Into::into),
            developer: row.developer.map(Into::into),
            account: row.account.map(Into::into),
            capabilities: row
                .capabilities
                .split_whitespace()
                .map(Into::into)
                .collect(),
            outcome: row.outcome.clone(),
            status: row.status,
            code: row.code.clone(),
        }
    }
}

impl CallQuery {
    fn filter(&self, desk: &Management) -> Result<CallFilter, Problem> {
        let account = |given: &Option<String>| match given {
            Some(given) => account_id(desk, given).map(Some),
            None => Ok(None),
        };
        Ok(CallFilter {
            mode: self.mode,
            api: named("api", self.api.as_deref())?,
            app: match &self.app {
                Some(given) => Some(app_id(desk, given)?),
                None => None,
            },
            developer: account(&self.developer)?,
            account: account(&self.account)?,
            capability: named("capability", self.capability.as_deref())?,
            outcome: self.outcome.map(|outcome| outcome.text().to_owned()),
            code: None,
            from: self.from.map(Into::into),
            until: self.until.map(Into::into),
        })
    }
}

/// A filter by name. What has the name may be gone, so that only what can be none is refused.
fn named(field: &str, given: Option<&str>) -> Result<Option<String>, Problem> {
    let parse = |given: &str| given.parse::<Name>().map(String::from);
    given.map(parse).transpose().map_err(|why| {
        Problem::of(&codes::QUERY_INVALID).at(FieldProblem {
            field: Some(field.to_owned()),
            detail: why.to_string(),
            ..FieldProblem::default()
        })
    })
}

/// Calls, the newest first
///
/// A call appears within seconds after it has ended. A page may have fewer calls than `limit`, or none, though there are
/// more: a search that no index answers looks at 5,000 calls a page. The list ends where there is no `next`.
#[utoipa::path(get, path = "/v1/call-records", tag = "calls", operation_id = "listCallRecords",
    params(CallQuery, PageParameters),
    responses((status = 200, body = Page<Call>), Problems))]
async fn list(
    State(desk): State<Management>,
    listing: Listing<CallQuery>,
) -> Result<Json<Page<Call>>, Problem> {
    let before = listing.position::<RecordId>()?;
    let filter = listing.filter.filter(&desk)?;
    page(
        &desk,
        CallsWanted::new(filter, before, listing.size()),
        &listing,
    )
    .await
}

/// A page of the call list.
pub(crate) async fn page<F>(
    desk: &Management,
    wanted: CallsWanted,
    listing: &Listing<F>,
) -> Result<Json<Page<Call>>, Problem> {
    let found = desk.authority.store.calls(&wanted).await.map_err(failed)?;
    let calls = found.calls.iter().map(Call::from).collect();
    let next = found.next.map(|next| next.to_string());
    Ok(Json(listing.page_until(calls, next)))
}

/// Which calls to count, and how finely.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChartQuery {
    /// Name or id of the app; all apps when left out.
    app: Option<String>,
    /// Decided at or after this time; within the last 31 days.
    #[param(value_type = String)]
    since: Instant,
    /// Length of a slot of time in seconds, 60 to 86400.
    #[param(minimum = 60, maximum = 86_400)]
    slot_seconds: u32,
}

/// Calls by slot of time.
#[derive(Serialize, ToSchema)]
pub(crate) struct Chart {
    /// Slots in which something was decided, the earliest first.
    slots: Vec<Slot>,
    /// Only so many of the newest calls are counted.
    counted_at_most: u32,
}

/// How many calls of a slot came to one outcome with one code.
#[derive(Serialize, ToSchema)]
pub(crate) struct Slot {
    /// When the slot begins: a multiple of its length since 1970.
    begins_at: Instant,
    /// `served`, `refused`, `unknown` or `not_sent`.
    outcome: String,
    /// Stable code of the first refusal; empty when granted.
    code: String,
    /// How many.
    calls: u64,
}

const CHARTED: u32 = 10_000;
const LONGEST_CHART_SECONDS: i64 = 31 * 24 * 3_600;

fn charted(desk: &Management, query: &ChartQuery) -> Result<ChartWanted, Problem> {
    let wrong = |field: &str, detail: &str| {
        Problem::of(&codes::QUERY_INVALID).at(FieldProblem {
            field: Some(field.to_owned()),
            detail: detail.to_owned(),
            ..FieldProblem::default()
        })
    };
    if !(60..=86_400).contains(&query.slot_seconds) {
        return Err(wrong("slot_seconds", "a slot has 60 to 86400 seconds"));
    }
    let earliest = desk
        .authority
        .clock
        .now()
        .plus_seconds(-LONGEST_CHART_SECONDS);
    if query.since.0 < earliest {
        return Err(wrong("since", "a chart goes back 31 days at most"));
    }
    let app = query.app.as_deref();
    Ok(ChartWanted {
        app: app.map(|given| app_id(desk, given)).transpose()?,
        since: query.since.0,
        slot_seconds: query.slot_seconds,
        most: CHARTED,
    })
}

/// Calls over time
///
/// How many calls of each slot of time came to which outcome, with which code.
#[utoipa::path(get, path = "/v1/call-chart", tag = "calls", operation_id = "chartCalls",
    params(ChartQuery), responses((status = 200, body = Chart), Problems))]
async fn chart(
    State(desk): State<Management>,
    Query(query): Query<ChartQuery>,
) -> Result<Json<Chart>, Problem> {
    let wanted = charted(&desk, &query)?;
    let slots = desk.authority.store.chart_calls(wanted).await;
    let slots = slots.map_err(failed)?.into_iter().map(|slot| Slot {
        begins_at: slot.begins_at.into(),
        outcome: slot.outcome,
        code: slot.code,
        calls: slot.calls,
    });
    Ok(Json(Chart {
        slots: slots.collect(),
        counted_at_most: CHARTED,
    }))
}

/// How long a decision that was just made is waited for: the fold runs several times a second.
const LOOKS: u32 = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

pub(crate) async fn settled(
    desk: &Management,
    id: RecordId,
) -> Result<Option<CallIndexRow>, Problem> {
    for _ in 1..LOOKS {
        let found = desk.authority.store.call(id).await.map_err(failed)?;
        if found.is_some() {
            return Ok(found);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    desk.authority.store.call(id).await.map_err(failed)
}

/// Why a call was decided as it was
///
/// Every gate with what the call had and what the gate wanted, and the smallest change that
/// would have admitted it.
#[utoipa::path(get, path = "/v1/decisions/{id}", tag = "calls", operation_id = "explainDecision",
    params(("id" = String, Path, description = "Id of the decision, as the refusal told it")),
    responses((status = 200, body = Explanation), Problems))]
async fn explain(
    State(desk): State<Management>,
    Path(given): Path<String>,
) -> Result<Json<Explanation>, Problem> {
    let id = record_id(&given)?;
    let row = settled(&desk, id).await?;
    let row = row.ok_or_else(|| unknown("decision", &given))?;
    let (answer, record) = parted(&row.record);
    Ok(Json(Explanation {
        call: Call::from(&row),
        answer,
        record,
    }))
}
