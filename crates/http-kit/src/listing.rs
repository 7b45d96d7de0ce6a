use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use keys::CursorKey;
use primitives::PageSize;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use crate::{FieldProblem, Problem, codes, json::query_problem};

/// The most rows a page of ours holds; one less than a store page, so that asking for one row
/// more tells whether there is a next page.
const MOST: u32 = PageSize::MOST - 1;

/// The query parameters every list takes besides its filters.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParameters {
    /// How many items a page may hold: 1 to 499, 50 if not said.
    #[param(minimum = 1, maximum = 499)]
    pub limit: Option<u32>,
    /// `next` of the page before, with the same filters.
    pub cursor: Option<String>,
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page; `null` when this is the last.
    pub next: Option<String>,
}

/// A request for one page of a list: filters, size and the position to go on from.
///
/// The position comes from a cursor that this installation made for this very path and these
/// very filters; anything else is refused.
#[derive(Debug)]
pub struct Listing<F> {
    /// The filters.
    pub filter: F,
    /// Where the page before ended.
    pub after: Option<String>,
    size: u32,
    scope: String,
    key: Arc<CursorKey>,
}

impl<F> Listing<F> {
    /// How many rows to read: one more than the page may hold.
    #[must_use]
    pub const fn rows(&self) -> PageSize {
        PageSize::clamped(self.size.saturating_add(1))
    }

    /// How many items the page may hold.
    #[must_use]
    pub const fn size(&self) -> PageSize {
        PageSize::clamped(self.size)
    }

    /// The same as a count.
    #[must_use]
    pub fn wanted(&self) -> usize {
        usize::try_from(self.size).unwrap_or(usize::MAX)
    }

    /// Where the page before ended, read as `P`.
    ///
    /// # Errors
    /// When the cursor holds no such position.
    pub fn position<P: std::str::FromStr>(&self) -> Result<Option<P>, Problem> {
        let parse = |text: &String| text.parse().map_err(|_| cursor_problem());
        self.after.as_ref().map(parse).transpose()
    }

    /// Makes the page of `rows`, which were read with [`Self::rows`]; `position` tells where a
    /// row stands.
    pub fn page<R, T>(
        &self,
        mut rows: Vec<R>,
        position: impl Fn(&R) -> String,
        item: impl Fn(R) -> T,
    ) -> Page<T> {
        let size = self.wanted();
        let more = rows.len() > size;
        rows.truncate(size);
        let last = rows.last().filter(|_| more).map(position);
        self.page_until(rows.into_iter().map(item).collect(), last)
    }

    /// A page of items that were chosen otherwise; `last` is where the next one goes on, if
    /// there is one.
    #[must_use]
    pub fn page_until<T>(&self, items: Vec<T>, last: Option<String>) -> Page<T> {
        Page {
            items,
            next: last.map(|last| self.key.seal(&self.scope, last.as_bytes())),
        }
    }
}

impl<F: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Listing<F>
where
    Arc<CursorKey>: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let key = Arc::<CursorKey>::from_ref(state);
        let mut pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let limit = take(&mut pairs, "limit")?;
        let cursor = take(&mut pairs, "cursor")?;
        pairs.sort();
        let rest = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&pairs)
            .finish();
        let filter =
            serde_urlencoded::from_str(&rest).map_err(|failure: serde_urlencoded::de::Error| {
                query_problem(&format!("{failure}; every list takes `limit` and `cursor`"))
            })?;
        let scope = format!("{}?{rest}", parts.uri.path());
        let after = match cursor {
            Some(text) => {
                let position = key.open(&scope, &text).map_err(|_| cursor_problem())?;
                Some(String::from_utf8(position).map_err(|_| cursor_problem())?)
            }
            None => None,
        };
        Ok(Self {
            filter,
            after,
            size: size(limit)?,
            scope,
            key,
        })
    }
}

fn size(limit: Option<String>) -> Result<u32, Problem> {
    let Some(text) = limit else {
        return Ok(PageSize::default().get());
    };
    let number = text.parse().ok().filter(|n| (1..=MOST).contains(n));
    number.ok_or_else(|| {
        Problem::of(&codes::QUERY_INVALID).at(FieldProblem {
            field: Some("limit".to_owned()),
            detail: format!("it is not a whole number from 1 to {MOST}"),
            ..FieldProblem::default()
        })
    })
}

/// Takes the parameter `name` out; twice is ambiguous, and refused.
fn take(pairs: &mut Vec<(String, String)>, name: &str) -> Result<Option<String>, Problem> {
    let mut taken = pairs.extract_if(.., |(key, _)| key == name);
    match (taken.next(), taken.next()) {
        (None, _) => Ok(None),
        (Some((_, value)), None) => Ok(Some(value)),
        (Some(_), Some(_)) => Err(Problem::of(&codes::QUERY_INVALID).at(FieldProblem {
            field: Some(name.to_owned()),
            detail: "it stands there more than once".to_owned(),
            ..FieldProblem::default()
        })),
    }
}

fn cursor_problem() -> Problem {
    Problem::of(&codes::CURSOR_INVALID).at(FieldProblem {
        field: Some("cursor".to_owned()),
        detail: "it is not a cursor of this list with these filters".to_owned(),
        ..FieldProblem::default()
    })
}
