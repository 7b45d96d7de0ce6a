use primitives::{Quantity, Timestamp};

use crate::{Calendar, Demand, Spend, Window};

/// Into how many buckets the length of a rolling window is cut.
const BUCKETS: i64 = 24;

/// The part of a window that a moment falls into: the window itself, or a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// First moment.
    pub(crate) begins_at: Timestamp,
    /// When what is counted here stops counting.
    pub(crate) ends_at: Timestamp,
}

impl Span {
    pub(crate) const END_OF_TIME: Timestamp = Timestamp::from_micros(i64::MAX);

    /// Where a call at `now` counts; `None` where there is no calendar.
    pub(crate) fn of(window: Window, now: Timestamp, calendar: &Calendar) -> Option<Self> {
        let (begins_at, ends_at) = match window {
            Window::Calendar(unit) => calendar.bounds(unit, now)?,
            Window::Rolling(length) => {
                let length = i64::try_from(length.as_micros()).ok()?.max(1);
                let width = length.checked_add(BUCKETS - 1)? / BUCKETS;
                let begins = now.as_micros().div_euclid(width).checked_mul(width)?;
                // A call at the bucket's last moment must still count a whole window later.
                let ends = begins.checked_add(width)?.checked_add(length)?;
                (Timestamp::from_micros(begins), Timestamp::from_micros(ends))
            }
            Window::Lifetime => (Timestamp::from_micros(0), Self::END_OF_TIME),
        };
        Some(Self { begins_at, ends_at })
    }
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    span: Span,
    used: Quantity,
}

impl Bucket {
    fn of(spend: &Spend) -> Self {
        Self {
            span: Span {
                begins_at: spend.begins_at,
                ends_at: spend.ends_at,
            },
            used: spend.cost,
        }
    }
}

/// What one counter holds, never nothing. Mostly that is one bucket, which then needs no
/// allocation of its own; kept small, because a call to a caller not met for a while waits for
/// every line of memory that this takes.
#[derive(Debug)]
pub(crate) struct Slot {
    first: Bucket,
    more: Option<Box<More>>,
}

/// Further buckets, behind one pointer.
#[derive(Debug, Default)]
struct More(Vec<Bucket>);

impl Slot {
    /// A counter of which this much has been taken.
    pub(crate) fn of(spend: &Spend) -> Self {
        Self {
            first: Bucket::of(spend),
            more: None,
        }
    }

    fn buckets(&self) -> impl Iterator<Item = &Bucket> {
        let more = self.more.iter().flat_map(|more| &more.0);
        std::iter::once(&self.first).chain(more)
    }

    fn find(&mut self, span: Span) -> Option<&mut Bucket> {
        if self.first.span == span {
            return Some(&mut self.first);
        }
        let mut more = self.more.iter_mut().flat_map(|more| &mut more.0);
        more.find(|bucket| bucket.span == span)
    }

    /// `now`, or the beginning of the newest window seen, whichever is later.
    pub(crate) fn not_before(&self, now: Timestamp) -> Timestamp {
        self.buckets()
            .map(|bucket| bucket.span.begins_at)
            .fold(now, Timestamp::max)
    }

    /// What counts against a window now; `None` when it cannot be summed. What was counted
    /// before a limit's window was changed still counts as long as it overlaps, except that a
    /// lifetime's count concerns lifetimes only.
    pub(crate) fn used(&self, window: Window, span: Span, now: Timestamp) -> Option<Quantity> {
        self.counted(window, span, now)
            .try_fold(Quantity::ZERO, |sum, bucket| sum.checked_add(bucket.used))
    }

    fn counted(&self, window: Window, span: Span, now: Timestamp) -> impl Iterator<Item = &Bucket> {
        self.buckets().filter(move |bucket| {
            let ends_at = bucket.span.ends_at;
            match window {
                Window::Lifetime => true,
                Window::Calendar(_) => span.begins_at < ends_at && ends_at < Span::END_OF_TIME,
                Window::Rolling(_) => now < ends_at && ends_at < Span::END_OF_TIME,
            }
        })
    }

    /// When the counter starts anew; for a rolling window, when enough will have left it for
    /// the demand to fit (and if it fits already, when the oldest bucket leaves).
    pub(crate) fn resets_at(
        &self,
        demand: &Demand,
        span: Span,
        now: Timestamp,
        used: Quantity,
    ) -> Option<Timestamp> {
        match demand.window {
            Window::Lifetime => None,
            Window::Calendar(_) => Some(span.ends_at),
            Window::Rolling(_) => {
                let mut leaving: Vec<_> = self
                    .counted(demand.window, span, now)
                    .filter(|bucket| bucket.used > Quantity::ZERO)
                    .map(|bucket| (bucket.span.ends_at, bucket.used))
                    .collect();
                leaving.sort_unstable();
                let mut left = used.checked_add(demand.cost);
                for &(ends_at, amount) in &leaving {
                    left = left.and_then(|left| left.checked_sub(amount));
                    if left.is_some_and(|left| demand.most.is_none_or(|most| left <= most)) {
                        return Some(ends_at);
                    }
                }
                Some(leaving.last().map_or(span.ends_at, |&(ends_at, _)| ends_at))
            }
        }
    }

    /// Counts a spend that was found to fit, and forgets what has ended by its beginning.
    pub(crate) fn add(&mut self, spend: &Spend) {
        let bucket = Bucket::of(spend);
        if let Some(known) = self.find(bucket.span) {
            known.used = saturating(known.used.checked_add(spend.cost));
            return;
        }
        self.forget_more(bucket.span.begins_at);
        if self.first.span.ends_at <= bucket.span.begins_at {
            self.first = bucket;
        } else {
            self.push(bucket);
        }
    }

    /// Counts a spend of an earlier run, in whatever order they come.
    pub(crate) fn load(&mut self, spend: &Spend) {
        let bucket = Bucket::of(spend);
        match self.find(bucket.span) {
            Some(known) => known.used = saturating(known.used.checked_add(spend.cost)),
            None => self.push(bucket),
        }
    }

    fn push(&mut self, bucket: Bucket) {
        self.more.get_or_insert_default().0.push(bucket);
    }

    /// Gives a spend back if its window is still known.
    pub(crate) fn subtract(&mut self, spend: &Spend) {
        if let Some(bucket) = self.find(Bucket::of(spend).span) {
            bucket.used = bucket
                .used
                .checked_sub(spend.cost)
                .unwrap_or(Quantity::ZERO)
                .max(Quantity::ZERO);
        }
    }

    fn forget_more(&mut self, now: Timestamp) {
        let Some(more) = &mut self.more else {
            return;
        };
        more.0.retain(|bucket| now < bucket.span.ends_at);
        if more.0.is_empty() {
            self.more = None;
        }
    }

    /// Forgets what has ended; whether anything is left to remember. A window yet to come is
    /// remembered even at zero: it says that an older one must not be opened again.
    pub(crate) fn sweep(&mut self, now: Timestamp) -> bool {
        self.forget_more(now);
        if self.first.span.ends_at <= now {
            let Some(next) = self.more.as_mut().and_then(|more| more.0.pop()) else {
                return false;
            };
            self.first = next;
        }
        self.buckets()
            .any(|bucket| bucket.used > Quantity::ZERO || now < bucket.span.begins_at)
    }
}

/// A sum beyond the range fills the counter: every bounded demand is refused from then on.
fn saturating(sum: Option<Quantity>) -> Quantity {
    sum.unwrap_or(Quantity::from_millionths(i64::MAX))
}
