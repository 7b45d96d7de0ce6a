use primitives::{AccountId, AppId, PageSize, RecordId, Timestamp};

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
        let text = |value: &Option<String>| value.clone().map(QueryValue::Text);
        let id = |value: Option<u128>| value.map(|id| QueryValue::Bytes(id_bytes(id)));
        let micros = |at: Option<Timestamp>| at.map(|at| QueryValue::Integer(at.as_micros()));
        let mode = filter.mode.map(|mode| mode.as_str().to_owned());
        let capability = filter.capability.as_ref().map(|name| format!(" {name} "));
        let conditions = [
            ("mode =", text(&mode)),
            ("api =", text(&filter.api)),
            ("app =", id(filter.app.map(AppId::as_u128))),
            ("developer =", id(filter.developer.map(AccountId::as_u128))),
            ("account =", id(filter.account.map(AccountId::as_u128))),
            ("outcome =", text(&filter.outcome)),
            ("code =", text(&filter.code)),
            ("at >=", micros(filter.from)),
            ("at <", micros(filter.until)),
            ("id <", before.map(|id| QueryValue::Bytes(record_bytes(id)))),
            // Not `LIKE`: its wildcards occur in names, and the engines disagree about case.
            ("capabilities <> replace(capabilities,", text(&capability)),
        ];
        let mut values = Vec::new();
        let mut parts = vec!["1 = 1".to_owned()];
        for (condition, value) in conditions {
            if let Some(value) = value {
                values.push(value);
                let number = values.len();
                let end = if condition.ends_with(',') {
                    ", '')"
                } else {
                    ""
                };
                parts.push(format!("{condition} ${number}{end}"));
            }
        }
        // The index by outcome leaves out what most calls are; a value that is bound does not say so.
        if filter
            .outcome
            .as_deref()
            .is_some_and(|outcome| outcome != "served")
        {
            parts.push("outcome <> 'served'".to_owned());
        }
        values.push(QueryValue::Integer(i64::from(size.get())));
        let (names, parts, last) = (CallColumns::NAMES, parts.join(" AND "), values.len());
        Self {
            text: format!(
                "SELECT {names} FROM call_index WHERE {parts} ORDER BY id DESC LIMIT ${last}"
            ),
            values,
        }
    }
}
