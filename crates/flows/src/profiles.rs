use std::collections::{BTreeMap, BTreeSet};

use accounts::profile::{About, Fact, Full, Line, MOST_FACTS, Profile, Record};
use primitives::{DeveloperRecordId, Name, Revision};
use serde_json::{Value, json};
use store::{DeveloperRecord, EventAction, Expected, Kind, ProfileLine, WriteSet};

use crate::{Authority, Keep, Unable, authority::Offered};

/// The word for records about developers in the event log.
pub const RECORD_KIND: &str = "record";
/// How many records come at once.
pub const MOST_RECORDS: usize = 100;
/// The longest text of a record, in characters.
const LONGEST_TEXT: usize = 200;
/// What happened further than this in the future was told by a clock that is wrong.
const SKEW_SECONDS: i64 = 86_400;

/// A record as it comes in.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// The sender's own id of it.
    pub reference: String,
    /// What it says.
    pub record: Record,
}

/// What became of records.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// So many are new.
    pub taken: usize,
    /// So many had come before.
    pub known: usize,
    /// The revision that has them.
    pub revision: Revision,
}

/// Why records were not taken; none of them was.
#[derive(Debug, thiserror::Error)]
pub enum RecordsRefused {
    /// No such account.
    #[error("there is no account `{0}`")]
    AccountUnknown(Name),
    /// Too many at once.
    #[error("{MOST_RECORDS} records come at once at most; send them in parts")]
    TooMany,
    /// A record is too large.
    #[error(
        "record {0}: a record has 1 to {LONGEST_TEXT} characters of `reference`, {MOST_FACTS} facts at most, texts of {LONGEST_TEXT} characters at most, and is not of tomorrow"
    )]
    Unfit(usize),
    /// There is no room in the profile.
    #[error(transparent)]
    Full(#[from] Full),
    /// It could not be done.
    #[error(transparent)]
    Unable(#[from] Unable),
}

impl From<store::StoreFailure> for RecordsRefused {
    fn from(failure: store::StoreFailure) -> Self {
        Self::Unable(failure.into())
    }
}

/// Takes records about a developer, with what they come to. One that has come before is not
/// taken again, so that a sender may repeat itself.
///
/// # Errors
/// When there is no such account, a record is too large, or it could not be done.
pub async fn take_records(
    at: &Authority,
    actor: &str,
    (account, records): (&Name, &[NewRecord]),
    keep: Keep<'_, Taken>,
) -> Result<Taken, RecordsRefused> {
    check(at, records)?;
    for _ in Authority::tries() {
        let base = at.store.revision().await?;
        let found = at.store.resource(Kind::Account, account).await?;
        let found = found.ok_or_else(|| RecordsRefused::AccountUnknown(account.clone()))?;
        let fresh = unknown(at, account, records).await?;
        let known = records.len().saturating_sub(fresh.len());
        if fresh.is_empty() {
            let revision = base;
            return Ok(Taken {
                taken: 0,
                known,
                revision,
            });
        }
        let taken = Taken {
            taken: fresh.len(),
            known,
            revision: Revision(base.0.saturating_add(1)),
        };
        let (rows, lines) = add(at, account, &fresh).await?;
        let sources: BTreeSet<&str> = fresh.iter().map(|one| one.record.source.as_str()).collect();
        let thing = (RECORD_KIND, account.as_str());
        let told = json!({ "records": fresh.len(), "sources": sources });
        let changes = WriteSet {
            base: Some(base),
            expected: vec![(Kind::Account, account.clone(), Expected::At(found.version))],
            developer_records: rows,
            profile_lines: lines,
            events: vec![at.event(actor, EventAction::Created, thing, &told)?],
            at: at.clock.now(),
            answers: Vec::from_iter(keep(&taken)?),
            ..WriteSet::default()
        };
        if let Offered::In(_) = at.offer(changes).await? {
            return Ok(taken);
        }
    }
    Err(Unable::Crowded.into())
}

fn check(at: &Authority, records: &[NewRecord]) -> Result<(), RecordsRefused> {
    if records.len() > MOST_RECORDS {
        return Err(RecordsRefused::TooMany);
    }
    let latest = at.clock.now().plus_seconds(SKEW_SECONDS);
    let short = |text: &str| text.chars().count() <= LONGEST_TEXT && !text.contains('\0');
    let fits = |one: &NewRecord| {
        let texts = one.record.facts.values().all(|fact| match fact {
            Fact::Text(text) => short(text),
            Fact::Integer(_) | Fact::Boolean(_) => true,
        });
        let named = !one.reference.is_empty() && short(&one.reference);
        named && texts && one.record.facts.len() <= MOST_FACTS && one.record.at <= latest
    };
    let wrong = records.iter().position(|one| !fits(one));
    wrong.map_or(Ok(()), |index| Err(RecordsRefused::Unfit(index)))
}

/// Those that have not come before, each once.
async fn unknown<'r>(
    at: &Authority,
    account: &Name,
    records: &'r [NewRecord],
) -> Result<Vec<&'r NewRecord>, Unable> {
    let mut fresh = Vec::new();
    let mut seen = BTreeSet::new();
    for one in records {
        let (source, reference) = (&one.record.source, one.reference.as_str());
        let there = at.store.has_developer_record(account, source, reference);
        if seen.insert((source, reference)) && !there.await? {
            fresh.push(one);
        }
    }
    Ok(fresh)
}

/// The rows of the records, and the lines of the profile that they change.
async fn add(
    at: &Authority,
    account: &Name,
    records: &[&NewRecord],
) -> Result<(Vec<DeveloperRecord>, Vec<ProfileLine>), RecordsRefused> {
    let mut profile = profile_of(at, account).await?;
    let mut changed = BTreeSet::new();
    let mut rows = Vec::with_capacity(records.len());
    for one in records {
        changed.extend(profile.add(&one.record)?);
        rows.push(DeveloperRecord {
            id: DeveloperRecordId::new(&*at.clock, &*at.entropy).map_err(Unable::from)?,
            account: account.clone(),
            source: one.record.source.clone(),
            kind: one.record.kind.clone(),
            reference: one.reference.clone(),
            at: one.record.at,
            received_at: at.clock.now(),
            facts: written(&one.record.facts).to_string(),
        });
    }
    let lines = changed.iter().filter_map(|about| {
        let line = profile.line(about)?;
        Some(ProfileLine {
            account: account.clone(),
            source: about.source.clone(),
            kind: about.kind.clone(),
            fact: about.fact.as_ref().map(Name::to_string).unwrap_or_default(),
            count: line.count,
            sum: line.sum,
            least: line.least,
            most: line.most,
            last_at: line.last_at,
            version: Revision::default(),
        })
    });
    Ok((rows, lines.collect()))
}

fn written(facts: &BTreeMap<Name, Fact>) -> Value {
    let facts = facts.iter().map(|(name, fact)| {
        let value = match fact {
            Fact::Integer(value) => json!(value),
            Fact::Boolean(value) => json!(value),
            Fact::Text(value) => json!(value),
        };
        (name.to_string(), value)
    });
    Value::Object(facts.collect())
}

/// What the records about a developer come to.
///
/// # Errors
/// When the store fails, or what it keeps cannot be read.
pub async fn profile_of(at: &Authority, account: &Name) -> Result<Profile, Unable> {
    let lines = at.store.profile_of(account).await?;
    lines
        .into_iter()
        .map(|line| {
            let fact = match line.fact.as_str() {
                "" => None,
                fact => Some(
                    fact.parse()
                        .map_err(|_| Unable::Unreadable(format!("the profile of {account}")))?,
                ),
            };
            let about = About {
                source: line.source,
                kind: line.kind,
                fact,
            };
            let come_to = Line {
                count: line.count,
                sum: line.sum,
                least: line.least,
                most: line.most,
                last_at: line.last_at,
            };
            Ok((about, come_to))
        })
        .collect()
}
