use primitives::{Name, Revision, Timestamp};
use sqlx::{PgConnection, PgPool};
use store::{
    CommitRefused, Committed, Credential, Expected, Kind, Link, NO_LINK, NewEvent, Resource,
    SealedSecret, WriteSet,
    rows::{id_bytes, revision_value},
};

use crate::{
    Failure, about, anomalies,
    columns::{MOST_ROWS, column, last_of_each},
    mails, passkeys, persons, vettings,
};

/// Takes the next revision first: whoever holds it is the only writer until the end, so the
/// checks still hold when the changes are written and events come in the order of revisions.
pub(crate) async fn commit(
    pool: &PgPool,
    changes: WriteSet,
) -> Result<Result<Committed, CommitRefused>, Failure> {
    let mut unit = pool.begin().await?;
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

/// Many rows to a statement: the server may be far away.
async fn write(
    unit: &mut PgConnection,
    changes: &WriteSet,
    revision: Revision,
) -> Result<(), Failure> {
    for gone in changes.deletes.chunks(MOST_ROWS) {
        delete_resources(unit, gone).await?;
        vettings::delete(unit, gone).await?;
        about::forget(unit, gone).await?;
    }
    let puts = last_of_each(&changes.puts, |one| (one.kind, &one.name));
    for puts in puts.chunks(MOST_ROWS) {
        put_resources(unit, puts, revision).await?;
    }
    let credentials = last_of_each(&changes.credentials, |one| one.id);
    for credentials in credentials.chunks(MOST_ROWS) {
        put_credentials(unit, credentials).await?;
    }
    for name in &changes.dropped_secrets {
        sqlx::query_file!("../store/sql/secret_delete.sql", name.as_str())
            .execute(&mut *unit)
            .await?;
    }
    for secret in &changes.secrets {
        put_secret(unit, secret).await?;
    }
    let vettings = last_of_each(&changes.vettings, |one| (&one.account, &one.ladder));
    for vettings in vettings.chunks(MOST_ROWS) {
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

async fn next_revision(unit: &mut PgConnection) -> Result<Revision, Failure> {
    let row = sqlx::query_file!("../store/sql/revision_next.sql")
        .fetch_one(unit)
        .await?;
    Ok(Revision(row.revision.cast_unsigned()))
}

async fn refusal(
    unit: &mut PgConnection,
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
    unit: &mut PgConnection,
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

async fn delete_resources(unit: &mut PgConnection, gone: &[(Kind, Name)]) -> Result<(), Failure> {
    sqlx::query_file!(
        "sql/resources_delete.sql",
        &column(gone, |(kind, _)| kind.as_str().to_owned()),
        &column(gone, |(_, name)| name.to_string())
    )
    .execute(unit)
    .await?;
    Ok(())
}

async fn put_resources(
    unit: &mut PgConnection,
    puts: &[&Resource],
    revision: Revision,
) -> Result<(), Failure> {
    sqlx::query_file!(
        "sql/resources_put.sql",
        &column(puts, |one| one.kind.as_str().to_owned()),
        &column(puts, |one| one.name.to_string()),
        &column(puts, |one| id_bytes(one.id).to_vec()),
        &column(puts, |_| revision_value(revision)),
        &column(puts, |one| one.body.clone()),
        &column(puts, |one| one.created_at.as_micros()),
        &column(puts, |one| one.updated_at.as_micros())
    )
    .execute(unit)
    .await?;
    Ok(())
}

async fn put_credentials(unit: &mut PgConnection, puts: &[&Credential]) -> Result<(), Failure> {
    let permissions = |one: &&Credential| one.permissions.as_ref().map(Name::to_string);
    let moment = |at: Option<Timestamp>| at.map(Timestamp::as_micros);
    sqlx::query_file!(
        "sql/credentials_put.sql",
        &column(puts, |one| id_bytes(one.id.as_u128()).to_vec()),
        &column(puts, |one| one.external_id.clone()) as _,
        &column(puts, |one| id_bytes(one.app.as_u128()).to_vec()),
        &column(puts, |one| one.app_name.to_string()),
        &column(puts, |one| one.mode.as_str().to_owned()),
        &column(puts, |one| one.hash.clone()),
        &column(puts, |one| one.hint.clone()),
        &column(puts, permissions) as _,
        &column(puts, |one| one.created_at.as_micros()),
        &column(puts, |one| moment(one.expires_at)) as _,
        &column(puts, |one| moment(one.revoked_at)) as _,
        &column(puts, |one| one.kind.as_str().to_owned()),
        &column(puts, |one| one.signature.clone()) as _,
        &column(puts, |one| one.certificate.map(|one| one.to_vec())) as _
    )
    .execute(unit)
    .await?;
    Ok(())
}

async fn put_secret(unit: &mut PgConnection, secret: &SealedSecret) -> Result<(), Failure> {
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
/// are any. The revision's row is locked before the log is asked: nobody adds to it meanwhile.
pub(crate) async fn append_new(
    unit: &mut PgConnection,
    events: &[NewEvent],
    at: Timestamp,
) -> Result<(), Failure> {
    if events.is_empty() {
        return Ok(());
    }
    sqlx::query("SELECT revision FROM installation FOR UPDATE")
        .execute(&mut *unit)
        .await?;
    let ids = column(events, |event| id_bytes(event.id.as_u128()).to_vec());
    let known: Vec<Vec<u8>> = sqlx::query_scalar("SELECT id FROM events WHERE id = ANY($1)")
        .bind(&ids)
        .fetch_all(&mut *unit)
        .await?;
    let is_known = |event: &NewEvent| {
        let id = id_bytes(event.id.as_u128());
        known.iter().any(|known| known[..] == id[..])
    };
    let mut fresh: Vec<&NewEvent> = Vec::new();
    for event in events.iter().filter(|event| !is_known(event)) {
        if fresh.iter().all(|other| other.id != event.id) {
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
    unit: &mut PgConnection,
    events: &[(i64, &NewEvent)],
    (revision, at): (Revision, Timestamp),
) -> Result<(), Failure> {
    let links = store::links(last_link(unit).await?, events, (revision, at));
    sqlx::query_file!(
        "sql/events_append.sql",
        &column(events, |_| revision_value(revision)),
        &column(events, |(position, _)| *position),
        &column(events, |(_, event)| id_bytes(event.id.as_u128()).to_vec()),
        &column(events, |_| at.as_micros()),
        &column(events, |(_, event)| event.actor.clone()),
        &column(events, |(_, event)| event.action.as_str().to_owned()),
        &column(events, |(_, event)| event.kind.clone()),
        &column(events, |(_, event)| event.name.clone()),
        &column(events, |(_, event)| event.detail.clone()),
        &column(&links, |link| link.to_vec())
    )
    .execute(unit)
    .await?;
    Ok(())
}

/// The link that the next event goes behind.
async fn last_link(unit: &mut PgConnection) -> Result<Link, Failure> {
    let last = sqlx::query_file_scalar!("../store/sql/event_last_link.sql")
        .fetch_optional(unit)
        .await?;
    let link = last.flatten().and_then(|link| link.try_into().ok());
    Ok(link.unwrap_or(NO_LINK))
}
