use primitives::{PersonId, SignInId, Timestamp};

use super::{CorruptRow, Reader, shown};
use crate::{LinkPurpose, Person, SignIn, SignInKind, SignInLink};

/// A row of `persons`.
#[derive(Debug)]
pub struct PersonColumns {
    /// 16 bytes.
    pub id: Vec<u8>,
    /// The address.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// JSON.
    pub body: String,
    /// Hash with its scheme.
    pub password: Option<String>,
    /// Sealed.
    pub code_seed: Option<Vec<u8>>,
    /// Sign-ins that began before do not count.
    pub sign_ins_from: i64,
    /// When they became known.
    pub created_at: i64,
    /// Revision that last changed it.
    pub version: i64,
}

impl TryFrom<PersonColumns> for Person {
    type Error = CorruptRow;

    fn try_from(row: PersonColumns) -> Result<Self, CorruptRow> {
        let id = shown(&row.id);
        let reader = Reader {
            table: "persons",
            id: &id,
        };
        Ok(Self {
            id: PersonId::from_u128(reader.number(&row.id, "id")?),
            email: row.email,
            name: row.name,
            body: row.body,
            password: row.password,
            code_seed: row.code_seed,
            sign_ins_from: Timestamp::from_micros(row.sign_ins_from),
            created_at: Timestamp::from_micros(row.created_at),
            version: reader.revision(row.version, "version")?,
        })
    }
}

/// A row of `sign_in_links`.
#[derive(Debug)]
pub struct SignInLinkColumns {
    /// 32 bytes.
    pub hash: Vec<u8>,
    /// What it is for.
    pub purpose: String,
    /// 16 bytes.
    pub person: Option<Vec<u8>>,
    /// When it stops working.
    pub expires_at: i64,
}

impl TryFrom<SignInLinkColumns> for SignInLink {
    type Error = CorruptRow;

    fn try_from(row: SignInLinkColumns) -> Result<Self, CorruptRow> {
        let reader = Reader {
            table: "sign_in_links",
            id: "of this hash",
        };
        Ok(Self {
            hash: reader.hash(&row.hash, "hash")?,
            purpose: reader.or(LinkPurpose::of(&row.purpose), "purpose")?,
            person: reader.person(row.person.as_deref())?,
            expires_at: Timestamp::from_micros(row.expires_at),
        })
    }
}

/// A row of `sign_ins`.
#[derive(Debug)]
pub struct SignInColumns {
    /// 16 bytes.
    pub id: Vec<u8>,
    /// 32 bytes.
    pub hash: Vec<u8>,
    /// What carries it.
    pub kind: String,
    /// 16 bytes.
    pub person: Option<Vec<u8>>,
    /// What it is told apart by.
    pub label: String,
    /// When it began.
    pub created_at: i64,
    /// When it ends.
    pub expires_at: i64,
}

impl TryFrom<SignInColumns> for SignIn {
    type Error = CorruptRow;

    fn try_from(row: SignInColumns) -> Result<Self, CorruptRow> {
        let id = shown(&row.id);
        let reader = Reader {
            table: "sign_ins",
            id: &id,
        };
        Ok(Self {
            id: SignInId::from_u128(reader.number(&row.id, "id")?),
            hash: reader.hash(&row.hash, "hash")?,
            kind: reader.or(SignInKind::of(&row.kind), "kind")?,
            person: reader.person(row.person.as_deref())?,
            label: row.label,
            created_at: Timestamp::from_micros(row.created_at),
            expires_at: Timestamp::from_micros(row.expires_at),
        })
    }
}
