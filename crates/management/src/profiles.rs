use std::collections::BTreeMap;

use accounts::profile::{Fact, Record};
use axum::{extract::State, response::Response};
use flows::{NewRecord, RecordsRefused, Taken, profile_of, take_records};
use http_kit::{Json, Listing, Page, PageParameters, Path, Problem, Problems, codes};
use primitives::{DeveloperRecordId, Name};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Management,
    instant::Instant,
    names::{account_name, known_account},
    posted::{Instead, Posted},
    refusals::{failed, unable},
};

pub(crate) fn routes() -> OpenApiRouter<Management> {
    OpenApiRouter::new()
        .routes(routes!(list, send))
        .routes(routes!(profile))
}

/// Records about a developer: of transactions, or what a partner knows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordsRequest {
    /// Whose system they are from.
    #[schema(value_type = String, example = "ledger")]
    source: Name,
    /// Up to 100.
    records: Vec<RecordSent>,
}

/// One of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecordSent {
    /// The sender's own id of it: sent again, it is the same record.
    reference: String,
    /// What kind of thing it tells.
    #[schema(value_type = String, example = "payment")]
    kind: Name,
    /// When it happened.
    at: Instant,
    /// Up to 20: whole numbers, yes or no, and texts of up to 200 characters.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Value>)]
    facts: BTreeMap<Name, FactSent>,
}

/// A fact. Amounts are whole numbers of the smallest unit.
#[derive(Deserialize)]
#[serde(untagged)]
enum FactSent {
    Boolean(bool),
    Integer(i64),
    Text(String),
}

impl From<FactSent> for Fact {
    fn from(sent: FactSent) -> Self {
        match sent {
            FactSent::Boolean(value) => Self::Boolean(value),
            FactSent::Integer(value) => Self::Integer(value),
            FactSent::Text(value) => Self::Text(value),
        }
    }
}

/// What became of records.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordsTaken {
    /// So many are new.
    taken: usize,
    /// So many had come before, and do not count again.
    known: usize,
}

impl From<&Taken> for RecordsTaken {
    fn from(taken: &Taken) -> Self {
        Self {
            taken: taken.taken,
            known: taken.known,
        }
    }
}

/// A record about a developer.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordKept {
    /// Its id.
    id: String,
    /// Whose system it is from.
    source: String,
    /// What kind of thing it tells.
    kind: String,
    /// The sender's own id of it.
    reference: String,
    /// When it happened.
    at: Instant,
    /// When it came here.
    received_at: Instant,
    /// What it says.
    facts: Value,
}

impl From<store::DeveloperRecord> for RecordKept {
    fn from(kept: store::DeveloperRecord) -> Self {
        Self {
            id: kept.id.to_string(),
            source: kept.source.to_string(),
            kind: kept.kind.to_string(),
            reference: kept.reference,
            at: kept.at.into(),
            received_at: kept.received_at.into(),
            facts: serde_json::from_str(&kept.facts).unwrap_or(Value::Null),
        }
    }
}

/// Nothing to choose by.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoFilter {}

/// The profile of a developer: what the records about it come to.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeveloperProfile {
    /// Name of the account.
    account: String,
    /// By source, kind and fact.
    lines: Vec<ProfileLine>,
}

/// What records come to. Numbers that would not fit in 64 bits stop at the largest that does.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProfileLine {
    /// Whose system they are from.
    source: String,
    /// Their kind.
    kind: String,
    /// The fact; `null` for the records themselves.
    fact: Option<String>,
    /// How many there are.
    count: i64,
    /// Their sum.
    sum: i64,
    /// The least.
    least: i64,
    /// The most.
    most: i64,
    /// The time of the latest.
    last_at: Instant,
}

fn refused(refused: RecordsRefused) -> Problem {
    match refused {
        RecordsRefused::Unable(failure) => unable(failure),
        RecordsRefused::AccountUnknown(_) => {
            Problem::of(&codes::RESOURCE_UNKNOWN).because(refused.to_string())
        }
        RecordsRefused::TooMany | RecordsRefused::Unfit(_) | RecordsRefused::Full(_) => {
            Problem::of(&codes::CHANGE_REFUSED).because(refused.to_string())
        }
    }
}

fn read(request: RecordsRequest) -> Vec<NewRecord> {
    let source = request.source;
    let read = request.records.into_iter().map(|one| NewRecord {
        reference: one.reference,
        record: Record {
            source: source.clone(),
            kind: one.kind,
            at: one.at.into(),
            facts: one
                .facts
                .into_iter()
                .map(|(name, fact)| (name, fact.into()))
                .collect(),
        },
    });
    read.collect()
}

/// Send records about a developer
///
/// Of transactions, or what a partner knows. The profile grows with them; risk models ask it, and
/// levels that were given are looked at again.
#[utoipa::path(post, path = "/v1/accounts/{account}/records", tag = "developers",
    operation_id = "sendRecords",
    params(("account" = String, Path, description = "Name or id of the account"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes a repetition harmless")),
    request_body = RecordsRequest,
    responses((status = 200, body = RecordsTaken), Problems))]
async fn send(
    State(desk): State<Management>,
    Path(given): Path<String>,
    mut posted: Posted<RecordsRequest>,
) -> Result<Response, Instead> {
    let records = std::mem::take(&mut posted.body.records);
    let source = posted.body.source.clone();
    let records = read(RecordsRequest { source, records });
    let done = async {
        let account = account_name(&desk, &given)?;
        let by = posted.by.actor();
        let keep = |taken: &Taken| posted.answer(200, &RecordsTaken::from(taken));
        let taken = take_records(&desk.authority, &by, (&account, &records), &keep).await;
        let taken = taken.map_err(refused)?;
        if taken.taken == 0 {
            posted.keep(&desk, keep(&taken).map_err(unable)?).await?;
        }
        Ok(RecordsTaken::from(&taken))
    };
    Ok(posted.end(&desk, 200, done.await).await?)
}

/// The records about a developer, the newest first
#[utoipa::path(get, path = "/v1/accounts/{account}/records", tag = "developers",
    operation_id = "listRecords",
    params(("account" = String, Path, description = "Name or id of the account"), PageParameters),
    responses((status = 200, body = Page<RecordKept>), Problems))]
async fn list(
    State(desk): State<Management>,
    Path(given): Path<String>,
    listing: Listing<NoFilter>,
) -> Result<Json<Page<RecordKept>>, Problem> {
    let account = known_account(&desk, &given)?;
    let before = listing.position::<DeveloperRecordId>()?;
    let store = &desk.authority.store;
    let rows = store.developer_records(&account, before, listing.rows());
    let rows = rows.await.map_err(failed)?;
    Ok(Json(listing.page(
        rows,
        |row| row.id.to_string(),
        RecordKept::from,
    )))
}

/// The profile of a developer
///
/// What the records about it come to.
#[utoipa::path(get, path = "/v1/accounts/{account}/profile", tag = "developers",
    operation_id = "getDeveloperProfile",
    params(("account" = String, Path, description = "Name or id of the account")),
    responses((status = 200, body = DeveloperProfile), Problems))]
async fn profile(
    State(desk): State<Management>,
    Path(given): Path<String>,
) -> Result<Json<DeveloperProfile>, Problem> {
    let account = known_account(&desk, &given)?;
    let found = profile_of(&desk.authority, &account)
        .await
        .map_err(unable)?;
    let lines = found.lines().map(|(about, line)| ProfileLine {
        source: about.source.to_string(),
        kind: about.kind.to_string(),
        fact: about.fact.as_ref().map(ToString::to_string),
        count: line.count,
        sum: line.sum,
        least: line.least,
        most: line.most,
        last_at: line.last_at.into(),
    });
    Ok(Json(DeveloperProfile {
        lines: lines.collect(),
        account: account.to_string(),
    }))
}
