use primitives::{PasskeyId, PersonId, Timestamp};

use super::{CorruptRow, Reader, shown};
use crate::Passkey;

/// A row of `passkeys`.
#[derive(Debug)]
pub struct PasskeyColumns {
    /// 16 bytes.
    pub id: Vec<u8>,
    /// 16 bytes.
    pub person: Vec<u8>,
    /// 32 bytes.
    pub hash: Vec<u8>,
    /// The id of the credential.
    pub credential: Vec<u8>,
    /// What its person calls it.
    pub name: String,
    /// JSON.
    pub body: String,
    /// What it has counted to.
    pub counter: i64,
    /// 1 when a copy of it is kept elsewhere.
    pub backed_up: i64,
    /// When it was added.
    pub created_at: i64,
    /// When it last signed in.
    pub used_at: Option<i64>,
}

impl TryFrom<PasskeyColumns> for Passkey {
    type Error = CorruptRow;

    fn try_from(row: PasskeyColumns) -> Result<Self, CorruptRow> {
        let id = shown(&row.id);
        let reader = Reader {
            table: "passkeys",
            id: &id,
        };
        Ok(Self {
            id: PasskeyId::from_u128(reader.number(&row.id, "id")?),
            person: PersonId::from_u128(reader.number(&row.person, "person")?),
            hash: reader.hash(&row.hash, "hash")?,
            credential: row.credential,
            name: row.name,
            body: row.body,
            counter: reader.or(u32::try_from(row.counter).ok(), "counter")?,
            backed_up: row.backed_up != 0,
            created_at: Timestamp::from_micros(row.created_at),
            used_at: row.used_at.map(Timestamp::from_micros),
        })
    }
}
