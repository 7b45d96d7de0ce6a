//! The statements that list calls, which depend on what is asked for.

use primitives::{AccountId, AppId, PageSize, RecordId, Timestamp};

use crate::{
    CallFilter,
    rows::{CallColumns, id_bytes, record_bytes},
};

/// Where a call stands in the list: the newest first, of equals by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallPlace {
    /// When it was decided.
    pub at: Timestamp,
    /// Its id.
    pub id: RecordId,
}

impl CallPlace {
    fn values(self) -> Vec<QueryValue> {
        vec![
            QueryValue::Integer(self.at.as_micros()),
            QueryValue::Bytes(record_bytes(self.id)),
        ]
    }
}

/// Which page of the call list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallsWanted {
    /// What every call of it is like.
    pub filter: CallFilter,
    /// Only calls that stand after this one in the list.
    pub before: Option<RecordId>,
    /// So many at most.
    pub size: PageSize,
    /// So many calls are looked at, at most, when not all conditions have an index.
    pub look_at: u32,
}

impl CallsWanted {
    /// As many calls as one page may cost to look at.
    pub const LOOK_AT: u32 = 5_000;

    /// The page of calls that `filter` names, continued after the call `before`.
    #[must_use]
    pub const fn new(filter: CallFilter, before: Option<RecordId>, size: PageSize) -> Self {
        Self {
            filter,
            before,
            size,
            look_at: Self::LOOK_AT,
        }
    }

    /// How to look for it, when `before` stands at `after`.
    #[must_use]
    pub fn search(&self, after: Option<CallPlace>) -> CallSearch {
        CallSearch::new(self, after)
    }
}

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

/// A statement. Its text is made of constants; everything a caller says is bound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallQuery {
    /// The statement, with `$1` … in the order of `values`.
    pub text: String,
    /// What to bind.
    pub values: Vec<QueryValue>,
}

/// A search of the call list along one index: the condition with the index bounds it, the others are
/// held against each call on the way.
#[derive(Clone, Debug)]
pub struct CallSearch {
    along: Vec<Condition>,
    others: Vec<Condition>,
    look_at: u32,
    size: PageSize,
}

/// What is compared, and with what; `?` stands for the value.
type Condition = (&'static str, Vec<QueryValue>);

impl CallSearch {
    fn new(wanted: &CallsWanted, after: Option<CallPlace>) -> Self {
        let filter = &wanted.filter;
        let text = |value: &Option<String>| value.clone().map(QueryValue::Text);
        let id = |value: Option<u128>| value.map(|id| QueryValue::Bytes(id_bytes(id)));
        let mode = filter.mode.map(|mode| mode.as_str().to_owned());
        // The index by outcome leaves out what most calls are; a value that is bound does not say so.
        let outcome = match filter.outcome.as_deref() {
            Some("served") | None => "outcome = ?",
            Some(_) => "outcome = ? AND outcome <> 'served'",
        };
        // The first that is given is what the search goes along.
        let indexed = [
            ("app = ?", id(filter.app.map(AppId::as_u128))),
            (
                "developer = ?",
                id(filter.developer.map(AccountId::as_u128)),
            ),
            ("account = ?", id(filter.account.map(AccountId::as_u128))),
            (outcome, text(&filter.outcome)),
            ("api = ?", text(&filter.api)),
            ("mode = ?", text(&mode)),
        ];
        let capability = filter.capability.as_ref().map(|name| format!(" {name} "));
        let given = |(condition, value): (&'static str, Option<QueryValue>)| {
            value.map(|value| (condition, vec![value]))
        };
        let mut along = Vec::new();
        let mut others = Vec::new();
        for (condition, values) in indexed.into_iter().filter_map(given) {
            let is_first = along.is_empty() && condition != "outcome = ?";
            if is_first { &mut along } else { &mut others }.push((condition, values));
        }
        let unindexed = [
            ("code = ?", text(&filter.code)),
            // Not `LIKE`: its wildcards occur in names, and the engines disagree about case.
            (
                "capabilities <> replace(capabilities, ?, '')",
                text(&capability),
            ),
        ];
        others.extend(unindexed.into_iter().filter_map(given));
        let micros = |at: Timestamp| QueryValue::Integer(at.as_micros());
        along.extend(filter.from.map(|from| ("at >= ?", vec![micros(from)])));
        along.extend(filter.until.map(|until| ("at < ?", vec![micros(until)])));
        along.extend(after.map(|place| ("(at, id) < (?, ?)", place.values())));
        Self {
            along,
            others,
            look_at: wanted.look_at.max(1),
            size: wanted.size,
        }
    }

    /// Finds the last call that may be looked at, in the columns `at` and `id`; no statement when
    /// each call looked at is one that is wanted.
    #[must_use]
    pub fn horizon(&self) -> Option<CallQuery> {
        if self.others.is_empty() {
            return None;
        }
        let mut query = CallQuery::default();
        query.push("SELECT at, id FROM call_index WHERE 1 = 1", Vec::new());
        query.demand(&self.along);
        let passed = i64::from(self.look_at) - 1;
        query.push(
            " ORDER BY at DESC, id DESC LIMIT 1 OFFSET ?",
            vec![QueryValue::Integer(passed)],
        );
        Some(query)
    }

    /// Finds the calls, down to `horizon`, and one more than are wanted when there are so many.
    #[must_use]
    pub fn calls(&self, horizon: Option<CallPlace>) -> CallQuery {
        let mut query = CallQuery::default();
        query.push("SELECT ", Vec::new());
        query.push(CallColumns::NAMES, Vec::new());
        query.push(" FROM call_index WHERE 1 = 1", Vec::new());
        query.demand(&self.along);
        if let Some(place) = horizon {
            query.demand(&[("(at, id) >= (?, ?)", place.values())]);
        }
        for (condition, values) in &self.others {
            // Keeps the engine from going along another index than the one that has the horizon.
            query.push(" AND (", Vec::new());
            query.push(condition, values.clone());
            query.push(") IS TRUE", Vec::new());
        }
        let most = QueryValue::Integer(i64::from(self.size.get()) + 1);
        query.push(" ORDER BY at DESC, id DESC LIMIT ?", vec![most]);
        query
    }
}

impl CallQuery {
    fn demand(&mut self, conditions: &[Condition]) {
        for (condition, values) in conditions {
            self.push(" AND ", Vec::new());
            self.push(condition, values.clone());
        }
    }

    /// Adds text in which each `?` stands for the next of `values`.
    fn push(&mut self, text: &str, values: Vec<QueryValue>) {
        let mut parts = text.split('?');
        self.text.extend(parts.next());
        for (value, part) in values.into_iter().zip(parts) {
            self.values.push(value);
            self.text.push('$');
            self.text.push_str(&self.values.len().to_string());
            self.text.push_str(part);
        }
    }
}
