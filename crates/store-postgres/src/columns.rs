//! Rows as columns, for statements over arrays: one round trip for many rows.

use std::{collections::HashSet, hash::Hash};

/// So many rows go into one statement; more take several.
pub(crate) const MOST_ROWS: usize = 5_000;

/// A column of the rows.
pub(crate) fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// The last row of each key, in order: a statement may touch a row of the table only once.
pub(crate) fn last_of_each<'a, R, K: Eq + Hash>(
    rows: &'a [R],
    key: impl Fn(&'a R) -> K,
) -> Vec<&'a R> {
    let mut seen = HashSet::with_capacity(rows.len());
    let mut kept: Vec<&R> = rows
        .iter()
        .rev()
        .filter(|&row| seen.insert(key(row)))
        .collect();
    kept.reverse();
    kept
}
