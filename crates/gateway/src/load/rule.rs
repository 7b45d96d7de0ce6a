/// How many calls may be in progress towards one upstream, learned from how long they take.
///
/// What is tolerated is half more than a call takes without a queue, plus [`TARGET`]. When the
/// median of a window is above that, the calls stand in a queue that serves nobody, and the limit
/// shrinks in proportion; below, it grows likewise, and by its root besides. A limit that is not
/// used shrinks slowly, so that a flood does not find a large one. What a call takes without a queue is learned where there is none: while little of the limit
/// is used, or when it cannot get smaller.
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
}

/// Parts of a call.
const PARTS: u64 = 64;
/// A queue of this long, in microseconds, is never taken for overload.
const TARGET: u64 = 1_000;
/// Where a limit begins.
const FIRST: u64 = 256;
/// A limit that is not used shrinks to twice its use, but not below this.
const UNUSED: u64 = 64 * PARTS;
/// A window has so many samples at most.
const SAMPLES: usize = 64;
/// A window ends after so many microseconds, when it has [`ENOUGH`] samples.
const LENGTH: u64 = 100_000;
/// Fewer samples say nothing about a median.
const ENOUGH: usize = 9;

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
            self.adjust();
            self.since = sample.at;
        }
    }

    fn adjust(&mut self) {
        let mut window = std::mem::take(&mut self.window);
        let middle = window.took.len() / 2;
        let (_, median, _) = window.took.select_nth_unstable(middle);
        let (median, used) = (*median, window.peak.saturating_mul(2) > self.limit);
        let is_least = self.limit <= self.least;
        let unqueued = match self.unqueued {
            None => median,
            Some(known) if median < known => known - (known - median) / 2,
            Some(known) if !used || is_least => known + (median - known) / 4,
            Some(known) => known,
        };
        self.unqueued = Some(unqueued);
        if used {
            let tolerated = unqueued
                .saturating_add(unqueued / 2)
                .saturating_add(TARGET)
                .saturating_add(window.own);
            let fitting =
                u128::from(self.limit) * u128::from(tolerated) / u128::from(median.max(1));
            let fitting = u64::try_from(fitting).unwrap_or(u64::MAX);
            self.limit = fitting.clamp(self.limit / 2, self.limit + self.limit / 2);
            // The root of the calls, in parts: room to find out that more is possible.
            self.limit += (self.limit * PARTS).isqrt();
        } else {
            let roomy = (window.peak * 2).max(UNUSED);
            self.limit = self.limit.min(roomy.max(self.limit - self.limit / 8));
        }
        self.limit = self.limit.clamp(self.least, self.most);
        window.took.clear();
        self.window = Window {
            took: window.took,
            ..Window::default()
        };
    }
}
