use primitives::{AccountId, AppId, Quantity, Timestamp};

use super::{CorruptRow, Reader, record, shown};
use crate::{CallIndexRow, CallPlace, CounterRow};

/// A row of `call_index`.
#[derive(Debug)]
pub struct CallColumns {
    /// 16 bytes: epoch, sequence.
    pub id: Vec<u8>,
    /// When it was decided.
    pub at: i64,
    /// Mode word; absent when the caller was not identified.
    pub mode: Option<String>,
    /// API name.
    pub api: String,
    /// Operation id.
    pub operation: String,
    /// 16 bytes.
    pub app: Option<Vec<u8>>,
    /// 16 bytes.
    pub developer: Option<Vec<u8>>,
    /// 16 bytes.
    pub account: Option<Vec<u8>>,
    /// Names, separated and surrounded by spaces.
    pub capabilities: String,
    /// Outcome word.
    pub outcome: String,
    /// Status answered.
    pub status: i64,
    /// Code of the first refusal.
    pub code: String,
    /// The whole record.
    pub record: Vec<u8>,
}

impl CallColumns {
    /// The columns in the order in which statements list them.
    pub const NAMES: &'static str = "id, at, mode, api, operation, app, developer, account, \
                                     capabilities, outcome, status, code, record";
}

/// Where a row of `call_index` stands.
#[derive(Debug)]
pub struct PlaceColumns {
    /// 16 bytes: epoch, sequence.
    pub id: Vec<u8>,
    /// When it was decided.
    pub at: i64,
}

impl TryFrom<PlaceColumns> for CallPlace {
    type Error = CorruptRow;

    fn try_from(row: PlaceColumns) -> Result<Self, CorruptRow> {
        let id = shown(&row.id);
        let reader = Reader {
            table: "call_index",
            id: &id,
        };
        Ok(Self {
            at: Timestamp::from_micros(row.at),
            id: reader.or(record(&row.id), "id")?,
        })
    }
}

impl TryFrom<CallColumns> for CallIndexRow {
    type Error = CorruptRow;

    fn try_from(row: CallColumns) -> Result<Self, CorruptRow> {
        let id = shown(&row.id);
        let reader = Reader {
            table: "call_index",
            id: &id,
        };
        let optional = |bytes: Option<Vec<u8>>, column| {
            bytes.map(|bytes| reader.number(&bytes, column)).transpose()
        };
        Ok(Self {
            id: reader.or(record(&row.id), "id")?,
            at: Timestamp::from_micros(row.at),
            mode: row
                .mode
                .map(|text| reader.mode(&text, "mode"))
                .transpose()?,
            api: row.api,
            operation: row.operation,
            app: optional(row.app, "app")?.map(AppId::from_u128),
            developer: optional(row.developer, "developer")?.map(AccountId::from_u128),
            account: optional(row.account, "account")?.map(AccountId::from_u128),
            capabilities: row.capabilities,
            outcome: row.outcome,
            status: reader.or(u16::try_from(row.status).ok(), "status")?,
            code: row.code,
            record: row.record,
        })
    }
}

/// A row of `counters`.
#[derive(Debug)]
pub struct CounterColumns {
    /// `CounterKey.limit` as the bits of an `i64`.
    pub limit_key: i64,
    /// Mode word.
    pub mode: String,
    /// 16 bytes.
    pub subject: Vec<u8>,
    /// 16 bytes.
    pub fact: Vec<u8>,
    /// Start of the window or bucket.
    pub begins_at: i64,
    /// Its end.
    pub ends_at: i64,
    /// Millionths.
    pub used: i64,
}

impl TryFrom<CounterColumns> for CounterRow {
    type Error = CorruptRow;

    fn try_from(row: CounterColumns) -> Result<Self, CorruptRow> {
        let id = format!("{} {}", row.limit_key, shown(&row.subject));
        let reader = Reader {
            table: "counters",
            id: &id,
        };
        Ok(Self {
            limit: row.limit_key.cast_unsigned(),
            mode: reader.mode(&row.mode, "mode")?,
            subject: reader.number(&row.subject, "subject")?,
            fact: reader.number(&row.fact, "fact")?,
            begins_at: Timestamp::from_micros(row.begins_at),
            ends_at: Timestamp::from_micros(row.ends_at),
            used: Quantity::from_millionths(row.used),
        })
    }
}
