/// How many calls may be in progress towards one upstream, learned from how long they take.
///
/// What is tolerated is half more than a call takes without a queue, plus [`TARGET`]. When the
/// median of a window is above that, the calls stand in a queue that serves nobody, and the limit
/// shrinks in proportion; below, it grows likewise, and by half its root besides. A limit that is
/// not used shrinks slowly, so that a flood does not find a large one. What a call takes without a
/// queue is learned where there is none: while little of the limit is used.
///
/// An upstream that has become slower is told from one that queues by what a smaller limit does:
/// with fewer calls a queue is shorter, and a slow upstream as slow as before. A limit says nothing
/// of a queue that is still filling, so what was answered while a call took its time is looked at as
/// well (Little's law). Where a limit is too small for a while and does not move by itself, it is
/// moved for one look.
///
/// The proportion is that of gradient limits, the target that of `CoDel` (RFC 8289).
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    least: u64,
    most: u64,
    /// In [`PARTS`] of a call, so that a small limit grows too.
    limit: u64,
    unqueued: Option<u64>,
    /// When the limit was set; calls from before were in another queue.
    since: u64,
    window: Window,
    above: Option<Above>,
}

/// Calls take longer than is tolerated.
#[derive(Clone, Copy, Debug)]
enum Above {
    /// Since the last window, in which some calls may still have found no queue.
    Begun,
    /// So long they took when the limit was this, so many windows ago.
    For {
        limit: u64,
        found: Found,
        windows: u32,
    },
}

/// What a window found.
#[derive(Clone, Copy, Debug)]
struct Found {
    /// How long calls took, in microseconds.
    median: u64,
    /// How many there were, in parts of a call, when those that were answered came.
    calls: u64,
}

/// Parts of a call.
const PARTS: u64 = 64;
/// A queue of this long, in microseconds, is never taken for overload.
const TARGET: u64 = 1_000;
/// Where a limit begins.
const FIRST: u64 = 256;
/// A limit that is not used shrinks to twice its use, but not below this.
const UNUSED: u64 = 48 * PARTS;
/// Nor below what is answered in so many microseconds: so long an upstream may pause unnoticed.
const PAUSE: u64 = 50_000;
/// A window has so many samples at most.
const SAMPLES: usize = 64;
/// A window ends after so many microseconds, when it has [`ENOUGH`] samples.
const LENGTH: u64 = 100_000;
/// Fewer samples say nothing about a median.
const ENOUGH: usize = 9;

/// After so many windows above what is tolerated, the limit is made smaller to see what that does.
const PATIENCE: u32 = 32;

#[derive(Clone, Debug, Default)]
struct Window {
    began: Option<u64>,
    took: Vec<u64>,
    seen: usize,
    peak: u64,
    own: u64,
}

/// A call that was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// When, in microseconds of any monotonic clock.
    pub(crate) at: u64,
    /// How long it took, in microseconds.
    pub(crate) took: u64,
    /// How much of that the gate may have waited for itself, in microseconds.
    pub(crate) own: u64,
    /// How many were in progress, itself included.
    pub(crate) in_progress: u32,
}

impl Found {
    /// By how much the median of a queue changes whose calls were `before` and are `now`.
    fn changed_by(&self, before: u64, now: u64) -> u64 {
        let queued = u128::from(self.median) * u128::from(now) / u128::from(before.max(1));
        self.median
            .abs_diff(u64::try_from(queued).unwrap_or(u64::MAX))
    }
}

impl Rule {
    pub(crate) fn new(least: u32, most: u32) -> Self {
        let least = u64::from(least).max(1);
        let most = u64::from(most).max(least);
        Self {
            least: least * PARTS,
            most: most * PARTS,
            limit: FIRST.clamp(least, most) * PARTS,
            unqueued: None,
            since: 0,
            window: Window::default(),
            above: None,
        }
    }

    /// How many calls may be in progress.
    pub(crate) fn limit(&self) -> u32 {
        u32::try_from(self.limit / PARTS).unwrap_or(u32::MAX)
    }

    /// Learns from a call.
    pub(crate) fn learn(&mut self, sample: Sample) {
        if sample.at.saturating_sub(sample.took) < self.since {
            return;
        }
        let window = &mut self.window;
        let began = *window.began.get_or_insert(sample.at);
        window.peak = window.peak.max(u64::from(sample.in_progress) * PARTS);
        window.own = window.own.max(sample.own);
        // Beyond the most, later samples take the places of earlier ones in turn.
        if let Some(place) = window.took.get_mut(window.seen % SAMPLES) {
            *place = sample.took;
        } else {
            window.took.push(sample.took);
        }
        window.seen += 1;
        if window.took.len() >= ENOUGH && sample.at.saturating_sub(began) >= LENGTH {
            self.adjust(sample.at.saturating_sub(began));
            self.since = sample.at;
        }
    }

    /// Ends the window after `lasted` microseconds.
    fn adjust(&mut self, lasted: u64) {
        let mut window = std::mem::take(&mut self.window);
        let middle = window.took.len() / 2;
        let (_, median, _) = window.took.select_nth_unstable(middle);
        let (median, used) = (*median, window.peak.saturating_mul(2) > self.limit);
        let unqueued = match self.unqueued {
            None => median,
            Some(known) if median < known => known - (known - median) / 2,
            Some(known) if !used => known + (median - known) / 4,
            Some(known) => known,
        };
        self.unqueued = Some(unqueued);
        let answered = u64::try_from(window.seen).unwrap_or(u64::MAX);
        let answered_in =
            |micros| answered.saturating_mul(PARTS).saturating_mul(micros) / lasted.max(1);
        let pause = answered_in(PAUSE);
        let found = Found {
            median,
            calls: answered_in(median),
        };
        let roomy = (window.peak * 2).max(UNUSED).max(pause);
        if used {
            self.fit(found, window.own);
            // More than is used says nothing about what is possible, and a flood would find it.
            self.limit = self.limit.min(roomy);
        } else {
            self.above = None;
            self.limit = self.limit.min(roomy.max(self.limit - self.limit / 8));
        }
        self.limit = self.limit.clamp(self.least, self.most);
        window.took.clear();
        self.window = Window {
            took: window.took,
            ..Window::default()
        };
    }

    /// Fits the limit to what was found, of which the gate waited for itself `own`.
    fn fit(&mut self, found: Found, own: u64) {
        let median = found.median;
        let probes = median > self.tolerated(own) && self.is_to_be_tried(found);
        let tolerated = self.tolerated(own);
        let fitting = if probes && u128::from(self.limit) * 3 / 4 < u128::from(self.least) {
            u128::from(self.limit) * 4 / 3 + 1
        } else if probes {
            u128::from(self.limit) * 3 / 4
        } else {
            u128::from(self.limit) * u128::from(tolerated) / u128::from(median.max(1))
        };
        if median <= tolerated {
            self.above = None;
        }
        let fitting = u64::try_from(fitting).unwrap_or(u64::MAX);
        self.limit = fitting.clamp(self.limit / 2, self.limit + self.limit / 2);
        if !probes {
            // Half the root of the calls, in parts: room to find out that more is possible.
            self.limit += (self.limit * PARTS).isqrt() / 2;
        }
    }

    fn tolerated(&self, own: u64) -> u64 {
        let unqueued = self.unqueued.unwrap_or_default();
        unqueued
            .saturating_add(unqueued / 2)
            .saturating_add(TARGET)
            .saturating_add(own)
    }

    /// Takes note that calls take longer than is tolerated, and learns from what a smaller limit
    /// did about it. Whether it is time to make it smaller for that alone.
    fn is_to_be_tried(&mut self, found: Found) -> bool {
        let now = Above::For {
            limit: self.limit,
            found,
            windows: 0,
        };
        let (limit, before, windows) = match self.above {
            None => {
                self.above = Some(Above::Begun);
                return false;
            }
            Some(Above::Begun) => {
                self.above = Some(now);
                return false;
            }
            Some(Above::For {
                limit,
                found,
                windows,
            }) => (limit, found, windows + 1),
        };
        let (small, large) = (self.limit.min(limit), self.limit.max(limit));
        if u128::from(small) * 4 <= u128::from(large) * 3 {
            self.above = Some(now);
            let by_limit = before.changed_by(limit, self.limit);
            let by_calls = before.changed_by(before.calls, found.calls);
            // Less than half of what a queue would have changed, however it is counted.
            if before.median.abs_diff(found.median) < by_limit.min(by_calls) / 2 {
                let unqueued = self.unqueued.unwrap_or_default();
                self.unqueued = Some(unqueued + found.median.saturating_sub(unqueued) / 2);
            }
            return false;
        }
        if windows >= PATIENCE {
            self.above = Some(now);
            return true;
        }
        self.above = Some(Above::For {
            limit,
            found: before,
            windows,
        });
        false
    }
}
