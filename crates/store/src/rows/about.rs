//! What is kept about accounts besides what state files say.

use primitives::{DeveloperRecordId, Revision, Timestamp};

use super::{CorruptRow, Reader, shown};
use crate::{Confidential, DeveloperRecord, ProfileLine};

/// A row of `confidential`.
#[derive(Debug)]
pub struct ConfidentialColumns {
    /// Name of the account.
    pub account: String,
    /// What it is called there.
    pub name: String,
    /// Kind word.
    pub kind: String,
    /// What may be shown.
    pub mask: String,
    /// Ciphertext.
    pub sealed: Vec<u8>,
    /// When it was set.
    pub updated_at: i64,
}

impl TryFrom<ConfidentialColumns> for Confidential {
    type Error = CorruptRow;

    fn try_from(row: ConfidentialColumns) -> Result<Self, CorruptRow> {
        let id = format!("{} {}", row.account, row.name);
        let reader = Reader {
            table: "confidential",
            id: &id,
        };
        Ok(Self {
            account: reader.name(&row.account, "account")?,
            name: reader.name(&row.name, "name")?,
            kind: row.kind,
            mask: row.mask,
            sealed: row.sealed,
            updated_at: Timestamp::from_micros(row.updated_at),
        })
    }
}

/// A row of `developer_records`.
#[derive(Debug)]
pub struct DeveloperRecordColumns {
    /// 16 bytes.
    pub id: Vec<u8>,
    /// Name of the account.
    pub account: String,
    /// Whose system it is from.
    pub source: String,
    /// What kind of thing it tells.
    pub kind: String,
    /// The sender's own id of it.
    pub reference: String,
    /// When it happened.
    pub at: i64,
    /// When it came here.
    pub received_at: i64,
    /// JSON.
    pub facts: String,
}

impl TryFrom<DeveloperRecordColumns> for DeveloperRecord {
    type Error = CorruptRow;

    fn try_from(row: DeveloperRecordColumns) -> Result<Self, CorruptRow> {
        let id = shown(&row.id);
        let reader = Reader {
            table: "developer_records",
            id: &id,
        };
        Ok(Self {
            id: DeveloperRecordId::from_u128(reader.number(&row.id, "id")?),
            account: reader.name(&row.account, "account")?,
            source: reader.name(&row.source, "source")?,
            kind: reader.name(&row.kind, "kind")?,
            reference: row.reference,
            at: Timestamp::from_micros(row.at),
            received_at: Timestamp::from_micros(row.received_at),
            facts: row.facts,
        })
    }
}

/// A row of `profile_lines`.
#[derive(Debug)]
pub struct ProfileLineColumns {
    /// Name of the account.
    pub account: String,
    /// Whose system they are from.
    pub source: String,
    /// The kind of records.
    pub kind: String,
    /// The fact; empty for the records themselves.
    pub fact: String,
    /// How many records have it.
    pub count: i64,
    /// Their sum.
    pub sum: i64,
    /// The least.
    pub least: i64,
    /// The most.
    pub most: i64,
    /// The time of the latest.
    pub last_at: i64,
    /// Revision that last changed it.
    pub version: i64,
}

impl TryFrom<ProfileLineColumns> for ProfileLine {
    type Error = CorruptRow;

    fn try_from(row: ProfileLineColumns) -> Result<Self, CorruptRow> {
        let id = format!("{} {} {}", row.account, row.source, row.kind);
        let reader = Reader {
            table: "profile_lines",
            id: &id,
        };
        let version: Revision = reader.revision(row.version, "version")?;
        Ok(Self {
            account: reader.name(&row.account, "account")?,
            source: reader.name(&row.source, "source")?,
            kind: reader.name(&row.kind, "kind")?,
            fact: row.fact,
            count: row.count,
            sum: row.sum,
            least: row.least,
            most: row.most,
            last_at: Timestamp::from_micros(row.last_at),
            version,
        })
    }
}
