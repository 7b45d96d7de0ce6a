use primitives::{PageSize, RecordId};

use crate::{
    CallFilter,
    rows::{CallColumns, id_bytes, record_bytes},
};

/// A value to bind to a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryValue {
    /// A text column.
    Text(String),
    /// An id.
    Bytes([u8; 16]),
    /// A time or a count.
    Integer(i64),
}

/// The statement that lists calls: only the conditions that are asked for, so that each can
/// use its index. The text is made of constants; everything a caller says is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallQuery {
    /// The statement, with `$1` … in the order of `values`.
    pub text: String,
    /// What to bind.
    pub values: Vec<QueryValue>,
}

impl CallQuery {
    /// The statement for `filter`, continued before the record `before`.
    #[must_use]
    pub fn new(filter: &CallFilter, before: Option<RecordId>, size: PageSize) -> Self {
        let names = CallColumns::NAMES;
        let mut query = Self {
            text: format!("SELECT {names} FROM call_index WHERE 1 = 1"),
            values: Vec::new(),
        };
        let text = |value: &Option<String>| value.clone().map(QueryValue::Text);
        let id = |value: Option<u128>| value.map(|id| QueryValue::Bytes(id_bytes(id)));
        let mode = filter.mode.map(|mode| mode.as_str().to_owned());
        query.and("mode =", mode.map(QueryValue::Text));
        query.and("api =", text(&filter.api));
        query.and("app =", id(filter.app.map(primitives::AppId::as_u128)));
        let account = primitives::AccountId::as_u128;
        query.and("developer =", id(filter.developer.map(account)));
        query.and("account =", id(filter.account.map(account)));
        query.and("outcome =", text(&filter.outcome));
        let micros = |at: primitives::Timestamp| QueryValue::Integer(at.as_micros());
        query.and("at >=", filter.from.map(micros));
        query.and("at <", filter.until.map(micros));
        query.and("id <", before.map(|id| QueryValue::Bytes(record_bytes(id))));
        query.and_capability(filter.capability.as_deref());
        query
            .values
            .push(QueryValue::Integer(i64::from(size.get())));
        let last = query.values.len();
        query.text += &format!(" ORDER BY id DESC LIMIT ${last}");
        query
    }

    fn and(&mut self, condition: &'static str, value: Option<QueryValue>) {
        if let Some(value) = value {
            self.values.push(value);
            let number = self.values.len();
            self.text += &format!(" AND {condition} ${number}");
        }
    }

    /// Not `LIKE`: its wildcards occur in names, and the engines disagree about case.
    fn and_capability(&mut self, name: Option<&str>) {
        if let Some(name) = name {
            self.values.push(QueryValue::Text(format!(" {name} ")));
            let number = self.values.len();
            self.text += &format!(" AND replace(capabilities, ${number}, '') <> capabilities");
        }
    }
}
