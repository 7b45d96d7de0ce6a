use primitives::{MailId, Timestamp};

use super::{CorruptRow, Reader, shown};
use crate::{Mail, Registration};

/// A row of `mails`.
#[derive(Debug)]
pub struct MailColumns {
    /// 16 bytes.
    pub id: Vec<u8>,
    /// Sealed.
    pub sealed: Vec<u8>,
    /// When it was written.
    pub created_at: i64,
    /// When it is tried next.
    pub next_at: i64,
    /// From when on it is of no use.
    pub expires_at: i64,
    /// How often it was tried.
    pub tries: i64,
    /// What the last try came to.
    pub problem: String,
}

impl TryFrom<MailColumns> for Mail {
    type Error = CorruptRow;

    fn try_from(row: MailColumns) -> Result<Self, CorruptRow> {
        let id = shown(&row.id);
        let reader = Reader {
            table: "mails",
            id: &id,
        };
        Ok(Self {
            id: MailId::from_u128(reader.number(&row.id, "id")?),
            sealed: row.sealed,
            created_at: Timestamp::from_micros(row.created_at),
            next_at: Timestamp::from_micros(row.next_at),
            expires_at: Timestamp::from_micros(row.expires_at),
            tries: reader.or(u32::try_from(row.tries).ok(), "tries")?,
            problem: row.problem,
        })
    }
}

/// A row of `registrations`.
#[derive(Debug)]
pub struct RegistrationColumns {
    /// 32 bytes.
    pub hash: Vec<u8>,
    /// Sealed.
    pub sealed: Vec<u8>,
    /// When the link stops working.
    pub expires_at: i64,
}

impl TryFrom<RegistrationColumns> for Registration {
    type Error = CorruptRow;

    fn try_from(row: RegistrationColumns) -> Result<Self, CorruptRow> {
        let reader = Reader {
            table: "registrations",
            id: "of this hash",
        };
        Ok(Self {
            hash: reader.hash(&row.hash, "hash")?,
            sealed: row.sealed,
            expires_at: Timestamp::from_micros(row.expires_at),
        })
    }
}
