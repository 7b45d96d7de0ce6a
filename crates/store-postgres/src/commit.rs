use primitives::{Name, Revision, Timestamp};
use sqlx::{PgConnection, PgPool};
use store::{
    CommitRefused, Committed, Credential, Expected, Kind, NewEvent, Resource, WriteSet,
    rows::{id_bytes, revision_value},
};

use crate::Failure;

/// Takes the next revision first: whoever holds it is the only pool until the end, so the
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
    for (kind, name) in &changes.deletes {
        sqlx::query_file!(
            "../store/sql/resource_delete.sql",
            kind.as_str(),
            name.as_str()
        )
        .execute(&mut *unit)
        .await?;
    }
    for resource in &changes.puts {
        put_resource(&mut unit, resource, revision).await?;
    }
    for credential in &changes.credentials {
        put_credential(&mut unit, credential).await?;
    }
    for (position, event) in (0..).zip(&changes.events) {
        append(&mut unit, event, revision, position, changes.at.as_micros()).await?;
    }
    if let Some((scope, key, status, body)) = &changes.answer {
        crate::idempotency::answer(&mut unit, scope, key, *status, body).await?;
    }
    unit.commit().await?;
    Ok(Ok(Committed { revision }))
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

async fn put_resource(
    unit: &mut PgConnection,
    resource: &Resource,
    revision: Revision,
) -> Result<(), Failure> {
    let id = id_bytes(resource.id);
    sqlx::query_file!(
        "../store/sql/resource_put.sql",
        resource.kind.as_str(),
        resource.name.as_str(),
        &id[..],
        revision_value(revision),
        resource.body.as_str(),
        resource.created_at.as_micros(),
        resource.updated_at.as_micros()
    )
    .execute(unit)
    .await?;
    Ok(())
}

async fn put_credential(unit: &mut PgConnection, credential: &Credential) -> Result<(), Failure> {
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
        credential.revoked_at.map(Timestamp::as_micros)
    )
    .execute(unit)
    .await?;
    Ok(())
}

async fn append(
    unit: &mut PgConnection,
    event: &NewEvent,
    revision: Revision,
    position: i64,
    at: i64,
) -> Result<(), Failure> {
    let id = id_bytes(event.id.as_u128());
    sqlx::query_file!(
        "../store/sql/event_append.sql",
        revision_value(revision),
        position,
        &id[..],
        at,
        event.actor.as_str(),
        event.action.as_str(),
        event.kind.as_str(),
        event.name.as_str(),
        event.detail.as_str()
    )
    .execute(unit)
    .await?;
    Ok(())
}
