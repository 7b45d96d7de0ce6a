use primitives::{AccountId, PersonId, Timestamp};

use super::{CorruptRow, Reader, shown};
use crate::{Notice, NoticePlace, NoticeReader};

/// A row of `notices`.
#[derive(Debug)]
pub struct NoticeColumns {
    /// 16 bytes; zeros for everybody.
    pub account: Vec<u8>,
    /// Its place.
    pub place: i64,
    /// When it happened.
    pub at: i64,
    /// Its kind.
    pub kind: String,
    /// Name of the app.
    pub app: String,
    /// Names of APIs.
    pub apis: String,
    /// What it says.
    pub says: String,
}

impl TryFrom<NoticeColumns> for Notice {
    type Error = CorruptRow;

    fn try_from(row: NoticeColumns) -> Result<Self, CorruptRow> {
        let id = row.place.to_string();
        let reader = Reader {
            table: "notices",
            id: &id,
        };
        let account = reader.number(&row.account, "account")?;
        Ok(Self {
            account: (account != 0).then(|| AccountId::from_u128(account)),
            place: NoticePlace::from_number(row.place),
            at: Timestamp::from_micros(row.at),
            kind: row.kind,
            app: row.app,
            apis: row.apis,
            says: row.says,
        })
    }
}

/// A row of `notice_readers`.
#[derive(Debug)]
pub struct NoticeReaderColumns {
    /// 16 bytes.
    pub person: Vec<u8>,
    /// The newest notice they have read.
    pub read_to: i64,
    /// Kinds.
    pub no_mail: String,
}

impl TryFrom<NoticeReaderColumns> for NoticeReader {
    type Error = CorruptRow;

    fn try_from(row: NoticeReaderColumns) -> Result<Self, CorruptRow> {
        let id = shown(&row.person);
        let reader = Reader {
            table: "notice_readers",
            id: &id,
        };
        Ok(Self {
            person: PersonId::from_u128(reader.number(&row.person, "person")?),
            read_to: NoticePlace::from_number(row.read_to),
            no_mail: row.no_mail,
        })
    }
}
