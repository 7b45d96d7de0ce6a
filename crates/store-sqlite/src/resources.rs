use primitives::{CredentialId, Name, PageSize, Revision};
use sqlx::SqlitePool;
use store::{
    Credential, Event, EventPlace, Installation, Kind, Resource,
    rows::{
        CorruptRow, CredentialColumns, EventColumns, InstallationColumns, ResourceColumns,
        id_bytes, revision_value,
    },
};

use crate::{Failure, commit::rows};

/// Turns rows into what they mean, or names the first that means nothing.
pub(crate) fn meanings<R, T: TryFrom<R, Error = CorruptRow>>(
    rows: Vec<R>,
) -> Result<Vec<T>, Failure> {
    rows.into_iter()
        .map(|row| T::try_from(row).map_err(Failure::from))
        .collect()
}

pub(crate) async fn installation(pool: &SqlitePool) -> Result<Installation, Failure> {
    let row = sqlx::query_file_as!(InstallationColumns, "../store/sql/installation.sql")
        .fetch_one(pool)
        .await?;
    Ok(row.try_into()?)
}

pub(crate) async fn resource(
    pool: &SqlitePool,
    kind: Kind,
    name: &Name,
) -> Result<Option<Resource>, Failure> {
    let row = sqlx::query_file_as!(
        ResourceColumns,
        "../store/sql/resource.sql",
        kind.as_str(),
        name.as_str()
    )
    .fetch_optional(pool)
    .await?;
    Ok(row.map(Resource::try_from).transpose()?)
}

pub(crate) async fn resources(
    pool: &SqlitePool,
    kind: Kind,
    after: Option<&Name>,
    size: PageSize,
) -> Result<Vec<Resource>, Failure> {
    let rows = sqlx::query_file_as!(
        ResourceColumns,
        "../store/sql/resources.sql",
        kind.as_str(),
        after.map_or("", Name::as_str),
        i64::from(size.get())
    )
    .fetch_all(pool)
    .await?;
    meanings(rows)
}

/// One transaction, so that revision, resources and credentials belong together.
pub(crate) async fn everything(
    pool: &SqlitePool,
) -> Result<(Revision, Vec<Resource>, Vec<Credential>), Failure> {
    let mut view = pool.begin().await?;
    let row = sqlx::query_file_as!(InstallationColumns, "../store/sql/installation.sql")
        .fetch_one(&mut *view)
        .await?;
    let resources = sqlx::query_file_as!(ResourceColumns, "../store/sql/resources_all.sql")
        .fetch_all(&mut *view)
        .await?;
    let credentials = sqlx::query_file_as!(CredentialColumns, "../store/sql/credentials_all.sql")
        .fetch_all(&mut *view)
        .await?;
    view.commit().await?;
    Ok((
        Installation::try_from(row)?.revision,
        meanings(resources)?,
        meanings(credentials)?,
    ))
}

pub(crate) async fn credential(
    pool: &SqlitePool,
    id: CredentialId,
) -> Result<Option<Credential>, Failure> {
    let id = id_bytes(id.as_u128());
    let row = sqlx::query_file_as!(CredentialColumns, "../store/sql/credential.sql", &id[..])
        .fetch_optional(pool)
        .await?;
    Ok(row.map(Credential::try_from).transpose()?)
}

pub(crate) async fn credentials_of(
    pool: &SqlitePool,
    app: &Name,
) -> Result<Vec<Credential>, Failure> {
    let app = app.as_str();
    let rows = sqlx::query_file_as!(CredentialColumns, "../store/sql/credentials_of.sql", app)
        .fetch_all(pool)
        .await?;
    meanings(rows)
}

pub(crate) async fn credentials_hashed(
    pool: &SqlitePool,
    hash: &str,
) -> Result<Vec<Credential>, Failure> {
    let rows = sqlx::query_file_as!(
        CredentialColumns,
        "../store/sql/credentials_hashed.sql",
        hash
    )
    .fetch_all(pool)
    .await?;
    meanings(rows)
}

pub(crate) async fn events(
    pool: &SqlitePool,
    after: Revision,
    size: PageSize,
) -> Result<Vec<Event>, Failure> {
    let rows = sqlx::query_file_as!(
        EventColumns,
        "../store/sql/events.sql",
        revision_value(after),
        i64::from(size.get())
    )
    .fetch_all(pool)
    .await?;
    meanings(rows)
}

pub(crate) async fn events_before(
    pool: &SqlitePool,
    before: Option<EventPlace>,
    size: PageSize,
) -> Result<Vec<Event>, Failure> {
    let revision = before.map_or(i64::MAX, |before| revision_value(before.revision));
    let rows = sqlx::query_file_as!(
        EventColumns,
        "../store/sql/events_before.sql",
        revision,
        i64::from(before.map_or(0, |before| before.position)),
        i64::from(size.get())
    )
    .fetch_all(pool)
    .await?;
    meanings(rows)
}

pub(crate) async fn events_of(
    pool: &SqlitePool,
    things: &[(String, String)],
    size: PageSize,
) -> Result<Vec<Event>, Failure> {
    let things = rows(things, |(kind, name)| (kind, name))?;
    let size = i64::from(size.get());
    let rows = sqlx::query_file_as!(EventColumns, "sql/events_of.sql", things, size)
        .fetch_all(pool)
        .await?;
    meanings(rows)
}
