use primitives::{Name, Revision, Timestamp};
use serde::Serialize;
use sqlx::{SqliteConnection, SqlitePool};
use store::{
    CommitRefused, Committed, Credential, Expected, Kind, Link, NO_LINK, NewEvent, Resource,
    SealedSecret, WriteSet,
    rows::{id_bytes, revision_value},
};

use crate::{Failure, about, anomalies, mails, passkeys, persons, vettings};

/// So many rows go into one statement; more take several.
const MOST_ROWS: usize = 5_000;

/// Takes the next revision first: whoever holds it is the only writer until the end, so the
/// checks still hold when the changes are written and events come in the order of revisions.
pub(crate) async fn commit(
    writer: &SqlitePool,
    changes: WriteSet,
) -> Result<Result<Committed, CommitRefused>, Failure> {
    let mut unit = writer.begin_with("BEGIN IMMEDIATE").await?;
    let revision = next_revision(&mut unit).await?;
    if let Some(refused) = refusal(&mut unit, &changes, revision).await? {
        unit.rollback().await?;
        return Ok(Err(refused));
    }
    write(&mut unit, &changes, revision).await?;
    for (scope, key, status, body) in &changes.answers {
        crate::idempotency::answer(&mut unit, scope, key, *status, body).await?;
    }
    unit.commit().await?;
    Ok(Ok(Committed { revision }))
}

/// Many rows to a statement, as arrays: each statement is a message to the writing thread.
async fn write(
    unit: &mut SqliteConnection,
    changes: &WriteSet,
    revision: Revision,
) -> Result<(), Failure> {
    for gone in changes.deletes.chunks(MOST_ROWS) {
        delete_resources(unit, gone).await?;
        vettings::delete(unit, gone).await?;
        about::forget(unit, gone).await?;
    }
    for puts in changes.puts.chunks(MOST_ROWS) {
        put_resources(unit, puts, revision).await?;
    }
    for credential in &changes.credentials {
        put_credential(unit, credential).await?;
    }
    for name in &changes.dropped_secrets {
        sqlx::query_file!("../store/sql/secret_delete.sql", name.as_str())
            .execute(&mut *unit)
            .await?;
    }
    for secret in &changes.secrets {
        put_secret(unit, secret).await?;
    }
    for vettings in changes.vettings.chunks(MOST_ROWS) {
        vettings::put(unit, vettings, revision).await?;
    }
    for person in &changes.dropped_persons {
        persons::delete(unit, *person).await?;
    }
    for person in &changes.persons {
        persons::put(unit, person, revision).await?;
    }
    passkeys::write(unit, changes).await?;
    mails::write(unit, changes).await?;
    about::write(unit, changes, revision).await?;
    for mark in &changes.anomaly_marks {
        anomalies::mark(unit, mark).await?;
    }
    let events: Vec<(i64, &NewEvent)> = (0..).zip(&changes.events).collect();
    for events in events.chunks(MOST_ROWS) {
        append(unit, events, (revision, changes.at)).await?;
    }
    Ok(())
}

/// Rows as a JSON array of arrays. None of our texts holds a NUL, which SQLite would end it at.
pub(crate) fn rows<'a, R, C: Serialize>(
    rows: &'a [R],
    columns: impl Fn(&'a R) -> C,
) -> Result<String, Failure> {
    let rows: Vec<C> = rows.iter().map(columns).collect();
    serde_json::to_string(&rows).map_err(Failure::from)
}

pub(crate) fn hex(id: u128) -> String {
    format!("{id:032x}")
}

async fn next_revision(unit: &mut SqliteConnection) -> Result<Revision, Failure> {
    let row = sqlx::query_file!("../store/sql/revision_next.sql")
        .fetch_one(unit)
        .await?;
    Ok(Revision(row.revision.cast_unsigned()))
}

async fn refusal(
    unit: &mut SqliteConnection,
    changes: &WriteSet,
    revision: Revision,
) -> Result<Option<CommitRefused>, Failure> {
    let found = Revision(revision.0.saturating_sub(1));
    if let Some(base) = changes.base.filter(|&base| base != found) {
        return Ok(Some(CommitRefused::Stale { base, found }));
    }
    for (kind, name, expected) in &changes.expected {
        let found = version(unit, *kind, name).await?;
        let fits = match expected {
            Expected::Absent => found.is_none(),
            Expected::At(version) => found == Some(*version),
        };
        if !fits {
            return Ok(Some(CommitRefused::Unexpected {
                kind: *kind,
                name: name.clone(),
                found,
            }));
        }
    }
    Ok(None)
}

async fn version(
    unit: &mut SqliteConnection,
    kind: Kind,
    name: &Name,
) -> Result<Option<Revision>, Failure> {
    let row = sqlx::query_file!(
        "../store/sql/resource_version.sql",
        kind.as_str(),
        name.as_str()
    )
    .fetch_optional(unit)
    .await?;
    Ok(row.map(|row| Revision(row.version.cast_unsigned())))
}

async fn delete_resources(
    unit: &mut SqliteConnection,
    gone: &[(Kind, Name)],
) -> Result<(), Failure> {
    let gone = rows(gone, |(kind, name)| (kind.as_str(), name.as_str()))?;
    sqlx::query_file!("sql/resources_delete.sql", gone)
        .execute(unit)
        .await?;
    Ok(())
}

async fn put_resources(
    unit: &mut SqliteConnection,
    puts: &[Resource],
    revision: Revision,
) -> Result<(), Failure> {
    let puts = rows(puts, |one| {
        (
            one.kind.as_str(),
            one.name.as_str(),
            hex(one.id),
            one.body.as_str(),
            one.created_at.as_micros(),
            one.updated_at.as_micros(),
        )
    })?;
    sqlx::query_file!("sql/resources_put.sql", revision_value(revision), puts)
        .execute(unit)
        .await?;
    Ok(())
}

async fn put_credential(
    unit: &mut SqliteConnection,
    credential: &Credential,
) -> Result<(), Failure> {
    let id = id_bytes(credential.id.as_u128());
    let app = id_bytes(credential.app.as_u128());
    sqlx::query_file!(
        "../store/sql/credential_put.sql",
        &id[..],
        credential.external_id.as_deref(),
        &app[..],
        credential.app_name.as_str(),
        credential.mode.as_str(),
        credential.hash.as_str(),
        credential.hint.as_str(),
        credential.permissions.as_ref().map(Name::as_str),
        credential.created_at.as_micros(),
        credential.expires_at.map(Timestamp::as_micros),
        credential.revoked_at.map(Timestamp::as_micros),
        credential.kind.as_str(),
        credential.signature.as_deref(),
        credential.certificate.as_ref().map(|one| &one[..])
    )
    .execute(unit)
    .await?;
    Ok(())
}

async fn put_secret(unit: &mut SqliteConnection, secret: &SealedSecret) -> Result<(), Failure> {
    sqlx::query_file!(
        "../store/sql/secret_put.sql",
        secret.name.as_str(),
        secret.sealed.as_slice(),
        secret.updated_at.as_micros()
    )
    .execute(unit)
    .await?;
    Ok(())
}

/// Appends the events whose ids the log does not have, under a revision of their own if there
/// are any.
pub(crate) async fn append_new(
    unit: &mut SqliteConnection,
    events: &[NewEvent],
    at: Timestamp,
) -> Result<(), Failure> {
    let mut fresh: Vec<&NewEvent> = Vec::new();
    for event in events {
        let id = id_bytes(event.id.as_u128());
        let known = sqlx::query("SELECT 1 FROM events WHERE id = $1")
            .bind(&id[..])
            .fetch_optional(&mut *unit)
            .await?;
        if known.is_none() && fresh.iter().all(|other| other.id != event.id) {
            fresh.push(event);
        }
    }
    if fresh.is_empty() {
        return Ok(());
    }
    let revision = next_revision(unit).await?;
    let events: Vec<(i64, &NewEvent)> = (0..).zip(fresh).collect();
    append(unit, &events, (revision, at)).await
}

/// Appends events, each with its position within the commit.
async fn append(
    unit: &mut SqliteConnection,
    events: &[(i64, &NewEvent)],
    (revision, at): (Revision, Timestamp),
) -> Result<(), Failure> {
    let links = store::links(last_link(unit).await?, events, (revision, at));
    let linked: Vec<_> = events.iter().zip(&links).collect();
    let events = rows(&linked, |&(&(position, event), link)| {
        (
            position,
            hex(event.id.as_u128()),
            event.actor.as_str(),
            event.action.as_str(),
            event.kind.as_str(),
            event.name.as_str(),
            event.detail.as_str(),
            primitives::hex(link),
        )
    })?;
    sqlx::query_file!(
        "sql/events_append.sql",
        revision_value(revision),
        at.as_micros(),
        events
    )
    .execute(unit)
    .await?;
    Ok(())
}

/// The link that the next event goes behind.
async fn last_link(unit: &mut SqliteConnection) -> Result<Link, Failure> {
    let last = sqlx::query_file_scalar!("../store/sql/event_last_link.sql")
        .fetch_optional(unit)
        .await?;
    let link = last.flatten().and_then(|link| link.try_into().ok());
    Ok(link.unwrap_or(NO_LINK))
}
