//! Rows as both engines return them, and what they mean: one struct per table, one field per
//! column, one conversion. A row that means nothing is a [`CorruptRow`], never a panic.
//!
//! Ids are 16 bytes (big-endian, so their order is the order of the numbers), `u64` is kept as
//! the same bits of an `i64`, times are microseconds.

use primitives::{
    AppId, CredentialId, EventId, Mode, Name, PersonId, RecordId, Revision, Timestamp,
};

use crate::{
    AnomalyPlace, Credential, CredentialKind, Event, IdempotencyRow, Idempotent, Installation,
    Resource, SealedSecret, StoreFailure, Vetting,
};

mod about;
mod anomalies;
mod calls;
mod mails;
mod notices;
mod passkeys;
mod persons;

pub use about::{ConfidentialColumns, DeveloperRecordColumns, ProfileLineColumns};
pub use anomalies::{AnomalyColumns, HabitColumns};
pub use calls::{CallColumns, CounterColumns, PlaceColumns};
pub use mails::{MailColumns, RegistrationColumns};
pub use notices::{NoticeColumns, NoticeReaderColumns};
pub use passkeys::PasskeyColumns;
pub use persons::{PersonColumns, SignInColumns, SignInLinkColumns};

/// A row holds what nobody could have written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row `{id}` of table `{table}` is corrupt in column `{column}`; restore the last backup")]
pub struct CorruptRow {
    /// The table.
    pub table: &'static str,
    /// The row's key, in words.
    pub id: String,
    /// The column that cannot be read.
    pub column: &'static str,
}

impl From<CorruptRow> for StoreFailure {
    fn from(corrupt: CorruptRow) -> Self {
        Self::of(corrupt)
    }
}

/// A table and the row at hand, to blame the column that cannot be read.
struct Reader<'a> {
    table: &'static str,
    id: &'a str,
}

impl Reader<'_> {
    fn or<T>(&self, value: Option<T>, column: &'static str) -> Result<T, CorruptRow> {
        value.ok_or_else(|| CorruptRow {
            table: self.table,
            id: self.id.to_owned(),
            column,
        })
    }

    fn number(&self, bytes: &[u8], column: &'static str) -> Result<u128, CorruptRow> {
        self.or(number(bytes), column)
    }

    fn hash(&self, bytes: &[u8], column: &'static str) -> Result<[u8; 32], CorruptRow> {
        self.or(bytes.try_into().ok(), column)
    }

    fn revision(&self, value: i64, column: &'static str) -> Result<Revision, CorruptRow> {
        self.or(u64::try_from(value).ok().map(Revision), column)
    }

    fn name(&self, text: &str, column: &'static str) -> Result<Name, CorruptRow> {
        self.or(text.parse().ok(), column)
    }

    fn person(&self, bytes: Option<&[u8]>) -> Result<Option<PersonId>, CorruptRow> {
        let number = bytes.map(|bytes| self.number(bytes, "person"));
        Ok(number.transpose()?.map(PersonId::from_u128))
    }

    fn mode(&self, text: &str, column: &'static str) -> Result<Mode, CorruptRow> {
        self.or(mode(text), column)
    }
}

/// The 16 bytes of an id's number.
#[must_use]
pub const fn id_bytes(id: u128) -> [u8; 16] {
    id.to_be_bytes()
}

/// The 16 bytes of a record id: epoch, then sequence.
#[must_use]
pub const fn record_bytes(id: RecordId) -> [u8; 16] {
    (((id.epoch as u128) << 64) | id.sequence as u128).to_be_bytes()
}

/// What a question for anomalies is bounded by, as column values.
#[derive(Clone, Copy, Debug)]
pub struct AnomalyBounds {
    /// The first app that is meant.
    pub from: [u8; 16],
    /// The last app that is meant.
    pub to: [u8; 16],
    /// When the row to go on before was found.
    pub first_at: i64,
    /// Its id.
    pub id: [u8; 16],
}

impl AnomalyBounds {
    /// Of one app or all, before the row of a place or before every row.
    #[must_use]
    pub fn of(app: Option<AppId>, after: Option<AnomalyPlace>) -> Self {
        let apps = app.map_or((0, u128::MAX), |app| (app.as_u128(), app.as_u128()));
        let place = after.map_or((i64::MAX, u128::MAX), |after| {
            (after.first_at.as_micros(), after.id.as_u128())
        });
        Self {
            from: id_bytes(apps.0),
            to: id_bytes(apps.1),
            first_at: place.0,
            id: id_bytes(place.1),
        }
    }
}

/// A revision as a column value; revisions count from 0 and never reach the sign bit.
#[must_use]
pub const fn revision_value(revision: Revision) -> i64 {
    revision.0.cast_signed()
}

/// When a UTC day begins, as a column value, of the days that there are.
#[must_use]
pub const fn day_begins(day: i64) -> i64 {
    day.saturating_mul(86_400_000_000)
}

fn number(bytes: &[u8]) -> Option<u128> {
    Some(u128::from_be_bytes(bytes.try_into().ok()?))
}

fn record(bytes: &[u8]) -> Option<RecordId> {
    let (epoch, sequence) = bytes.split_first_chunk::<8>()?;
    Some(RecordId {
        epoch: u64::from_be_bytes(*epoch),
        sequence: u64::from_be_bytes(sequence.try_into().ok()?),
    })
}

fn mode(text: &str) -> Option<Mode> {
    [Mode::Test, Mode::Live]
        .into_iter()
        .find(|mode| mode.as_str() == text)
}

fn shown(bytes: &[u8]) -> String {
    number(bytes).map_or_else(|| "?".to_owned(), |number| format!("{number:032x}"))
}

/// A row of `installation`.
#[derive(Debug)]
pub struct InstallationColumns {
    /// Number of commits.
    pub revision: i64,
    /// When it was set up.
    pub created_at: i64,
    /// Restores from a backup.
    pub incarnation: i64,
}

impl TryFrom<InstallationColumns> for Installation {
    type Error = CorruptRow;

    fn try_from(row: InstallationColumns) -> Result<Self, CorruptRow> {
        let reader = Reader {
            table: "installation",
            id: "1",
        };
        Ok(Self {
            revision: reader.revision(row.revision, "revision")?,
            created_at: Timestamp::from_micros(row.created_at),
            incarnation: reader.or(u64::try_from(row.incarnation).ok(), "incarnation")?,
        })
    }
}

/// A row of `resources`.
#[derive(Debug)]
pub struct ResourceColumns {
    /// Kind word.
    pub kind: String,
    /// Name.
    pub name: String,
    /// 16 bytes.
    pub id: Vec<u8>,
    /// Revision that last changed it.
    pub version: i64,
    /// JSON document.
    pub body: String,
    /// When it was made.
    pub created_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
}

impl TryFrom<ResourceColumns> for Resource {
    type Error = CorruptRow;

    fn try_from(row: ResourceColumns) -> Result<Self, CorruptRow> {
        let id = format!("{} {}", row.kind, row.name);
        let reader = Reader {
            table: "resources",
            id: &id,
        };
        Ok(Self {
            kind: reader.or(row.kind.parse().ok(), "kind")?,
            name: reader.name(&row.name, "name")?,
            id: reader.number(&row.id, "id")?,
            version: reader.revision(row.version, "version")?,
            body: row.body,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        })
    }
}

/// A row of `credentials`.
#[derive(Debug)]
pub struct CredentialColumns {
    /// 16 bytes.
    pub id: Vec<u8>,
    /// Id from before the move here.
    pub external_id: Option<String>,
    /// 16 bytes.
    pub app: Vec<u8>,
    /// The app's name.
    pub app_name: String,
    /// Mode word.
    pub mode: String,
    /// Scheme and hash.
    pub hash: String,
    /// Last characters of the secret.
    pub hint: String,
    /// Profile name.
    pub permissions: Option<String>,
    /// When it was made.
    pub created_at: i64,
    /// When it stops working.
    pub expires_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
    /// Kind word.
    pub kind: String,
    /// Scheme and hash of the third token.
    pub signature: Option<String>,
    /// 32 bytes.
    pub certificate: Option<Vec<u8>>,
}

impl TryFrom<CredentialColumns> for Credential {
    type Error = CorruptRow;

    fn try_from(row: CredentialColumns) -> Result<Self, CorruptRow> {
        let id = shown(&row.id);
        let reader = Reader {
            table: "credentials",
            id: &id,
        };
        let permissions = row.permissions.as_deref();
        Ok(Self {
            id: CredentialId::from_u128(reader.number(&row.id, "id")?),
            external_id: row.external_id,
            app: AppId::from_u128(reader.number(&row.app, "app")?),
            app_name: reader.name(&row.app_name, "app_name")?,
            mode: reader.mode(&row.mode, "mode")?,
            hash: row.hash,
            hint: row.hint,
            permissions: permissions
                .map(|name| reader.name(name, "permissions"))
                .transpose()?,
            created_at: Timestamp::from_micros(row.created_at),
            expires_at: row.expires_at.map(Timestamp::from_micros),
            revoked_at: row.revoked_at.map(Timestamp::from_micros),
            kind: reader.or(CredentialKind::of(&row.kind), "kind")?,
            signature: row.signature,
            certificate: row
                .certificate
                .map(|hash| reader.hash(&hash, "certificate"))
                .transpose()?,
        })
    }
}

/// A row of `events`.
#[derive(Debug)]
pub struct EventColumns {
    /// Revision of the commit.
    pub revision: i64,
    /// Position within it.
    pub position: i64,
    /// 16 bytes.
    pub id: Vec<u8>,
    /// When.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// Action word.
    pub action: String,
    /// Kind word.
    pub kind: String,
    /// Name.
    pub name: String,
    /// JSON.
    pub detail: String,
    /// 32 bytes, or none.
    pub link: Option<Vec<u8>>,
}

impl TryFrom<EventColumns> for Event {
    type Error = CorruptRow;

    fn try_from(row: EventColumns) -> Result<Self, CorruptRow> {
        let id = format!("{} {}", row.revision, row.position);
        let reader = Reader {
            table: "events",
            id: &id,
        };
        Ok(Self {
            id: EventId::from_u128(reader.number(&row.id, "id")?),
            revision: reader.revision(row.revision, "revision")?,
            position: reader.or(u32::try_from(row.position).ok(), "position")?,
            at: Timestamp::from_micros(row.at),
            actor: row.actor,
            action: reader.or(row.action.parse().ok(), "action")?,
            kind: row.kind,
            name: row.name,
            detail: row.detail,
            link: row
                .link
                .map(|link| reader.hash(&link, "link"))
                .transpose()?,
        })
    }
}

/// A row of `idempotency_keys`, without its key.
#[derive(Debug)]
pub struct IdempotencyColumns {
    /// 32 bytes.
    pub fingerprint: Vec<u8>,
    /// Status answered; with `body` absent until finished.
    pub status: Option<i64>,
    /// Body answered.
    pub body: Option<Vec<u8>>,
}

impl IdempotencyColumns {
    /// What the row means for a request that found its key taken.
    ///
    /// # Errors
    /// When the row cannot have been written by us.
    pub fn meaning(self, wanted: &IdempotencyRow) -> Result<Idempotent, CorruptRow> {
        let id = format!("{} {}", wanted.scope, wanted.key);
        let reader = Reader {
            table: "idempotency_keys",
            id: &id,
        };
        if reader.hash(&self.fingerprint, "fingerprint")? != wanted.fingerprint {
            return Ok(Idempotent::Mismatch);
        }
        let Some(status) = self.status else {
            return Ok(Idempotent::InProgress);
        };
        let status = reader.or(u16::try_from(status).ok(), "status")?;
        Ok(Idempotent::Done(status, reader.or(self.body, "body")?))
    }
}

/// A row of `secrets`.
#[derive(Debug)]
pub struct SecretColumns {
    /// Its name.
    pub name: String,
    /// Ciphertext.
    pub sealed: Vec<u8>,
    /// When it was set.
    pub updated_at: i64,
}

impl From<SecretColumns> for SealedSecret {
    fn from(row: SecretColumns) -> Self {
        Self {
            name: row.name,
            sealed: row.sealed,
            updated_at: Timestamp::from_micros(row.updated_at),
        }
    }
}

/// A row of `vettings`.
#[derive(Debug)]
pub struct VettingColumns {
    /// Name of the account.
    pub account: String,
    /// Name of the ladder.
    pub ladder: String,
    /// State word.
    pub state: String,
    /// JSON of the state.
    pub body: String,
    /// When the state was entered.
    pub since: i64,
    /// When it is to be looked at again.
    pub due_at: Option<i64>,
    /// Revision that last changed it.
    pub version: i64,
}

impl TryFrom<VettingColumns> for Vetting {
    type Error = CorruptRow;

    fn try_from(row: VettingColumns) -> Result<Self, CorruptRow> {
        let id = format!("{} {}", row.account, row.ladder);
        let reader = Reader {
            table: "vettings",
            id: &id,
        };
        Ok(Self {
            account: reader.name(&row.account, "account")?,
            ladder: reader.name(&row.ladder, "ladder")?,
            state: row.state,
            body: row.body,
            since: Timestamp::from_micros(row.since),
            due_at: row.due_at.map(Timestamp::from_micros),
            version: reader.revision(row.version, "version")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_means_nothing_is_named_by_table_key_and_column() {
        let row = ResourceColumns {
            kind: "app".to_owned(),
            name: "shop".to_owned(),
            id: vec![1, 2, 3],
            version: 1,
            body: "{}".to_owned(),
            created_at: 0,
            updated_at: 0,
        };
        let corrupt = Resource::try_from(row).unwrap_err();
        assert_eq!(
            corrupt.to_string(),
            "row `app shop` of table `resources` is corrupt in column `id`; restore the last backup"
        );
    }

    #[test]
    fn record_ids_keep_their_order_as_bytes() {
        let id = |epoch, sequence| RecordId { epoch, sequence };
        assert!(record_bytes(id(1, u64::MAX)) < record_bytes(id(2, 0)));
        assert_eq!(record(&record_bytes(id(7, 9))), Some(id(7, 9)));
        assert_eq!(record(&[0; 15]), None);
    }
}
