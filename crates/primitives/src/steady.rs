use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering},
    time::Instant,
};

use crate::{Clock, SystemClock, Timestamp};

/// A clock that never goes back and never stands still, whatever is done to the machine's.
///
/// It counts on from the machine's clock by the monotonic one. When the machine's clock is put
/// forward, it follows at the next [`SteadyClock::look`]; when that is put back, it goes on as if
/// nothing had happened, ahead of the machine's from then on. So nothing lives longer than it may
/// while a process runs, and no window of a counter comes twice.
pub struct SteadyClock {
    /// The machine's clock.
    machine: Box<dyn Clock>,
    /// Microseconds that only ever go forward, from wherever.
    elapsed: Box<dyn Fn() -> i64 + Send + Sync>,
    /// What this clock shows beyond what has elapsed; it only grows.
    ahead: AtomicI64,
    /// The same of the machine's clock when it was last looked at.
    machine_ahead: AtomicI64,
    /// What had elapsed when there was last reason to doubt the time.
    doubted: AtomicI64,
}

impl fmt::Debug for SteadyClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SteadyClock({})", self.now())
    }
}

/// What a look at the machine's clock found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// By how many microseconds the machine's clock was put forward since the last look, or
    /// back when negative.
    pub moved: i64,
    /// By how many microseconds this clock is ahead of the machine's.
    pub held: i64,
}

impl Look {
    /// From how many microseconds on a move is a jump: what keeps clocks in step moves them by
    /// less at once.
    pub const JUMP: u64 = 1_000_000;

    /// Whether the machine's clock jumped.
    #[must_use]
    pub const fn is_jump(self) -> bool {
        self.moved.unsigned_abs() >= Self::JUMP
    }
}

/// What has elapsed at a doubt that never was.
const NEVER: i64 = i64::MIN;

impl SteadyClock {
    /// From how many microseconds forward on a jump is reason to doubt the time.
    const DOUBTFUL: i64 = 3_600_000_000;
    /// How many microseconds after that the time is trusted again: somebody had the time to see
    /// the alarm.
    const DOUBTED_FOR: i64 = 86_400_000_000;

    /// A clock that shows what the machine's does now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the monotonic clock of the machine"
    )]
    pub fn of_machine() -> Self {
        let origin = Instant::now();
        let elapsed = move || i64::try_from(origin.elapsed().as_micros()).unwrap_or(i64::MAX);
        Self::over(SystemClock, elapsed)
    }

    /// A clock over `machine`, that counts on by `elapsed` microseconds.
    #[must_use]
    pub fn over(machine: impl Clock, elapsed: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        let ahead = machine.now().as_micros().saturating_sub(elapsed());
        Self {
            machine: Box::new(machine),
            elapsed: Box::new(elapsed),
            ahead: AtomicI64::new(ahead),
            machine_ahead: AtomicI64::new(ahead),
            doubted: AtomicI64::new(NEVER),
        }
    }

    /// Says that there is reason to doubt the time.
    pub fn doubt(&self) {
        self.doubted.store((self.elapsed)(), Ordering::Release);
    }

    /// Whether the time may decide over what cannot be brought back: not within a day after it
    /// was doubted, as it is when it jumps ahead by an hour or more.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        let doubted = self.doubted.load(Ordering::Acquire);
        doubted == NEVER || (self.elapsed)().saturating_sub(doubted) >= Self::DOUBTED_FOR
    }

    /// Looks at the machine's clock, and follows it where it was put forward. To be done every
    /// second or so.
    pub fn look(&self) -> Look {
        let machine = self.machine.now().as_micros();
        let ahead = machine.saturating_sub((self.elapsed)());
        let before = self.machine_ahead.swap(ahead, Ordering::AcqRel);
        let shown = self.ahead.fetch_max(ahead, Ordering::AcqRel).max(ahead);
        let moved = ahead.saturating_sub(before);
        if moved >= Self::DOUBTFUL {
            self.doubt();
        }
        Look {
            moved,
            held: shown.saturating_sub(ahead),
        }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let ahead = self.ahead.load(Ordering::Acquire);
        Timestamp::from_micros((self.elapsed)().saturating_add(ahead))
    }

    fn told(&self) -> Timestamp {
        let ahead = self.machine_ahead.load(Ordering::Acquire);
        Timestamp::from_micros((self.elapsed)().saturating_add(ahead))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::ManualClock;

    const SECOND: i64 = 1_000_000;

    /// A machine's clock, what has elapsed, and the clock over both.
    fn clocks() -> (Arc<ManualClock>, Arc<AtomicI64>, SteadyClock) {
        let machine = Arc::new(ManualClock::at(Timestamp::from_seconds(1_000_000)));
        let elapsed = Arc::new(AtomicI64::new(5));
        let counted = Arc::clone(&elapsed);
        let clock = SteadyClock::over(Arc::clone(&machine), move || counted.load(Ordering::SeqCst));
        (machine, elapsed, clock)
    }

    #[test]
    fn it_follows_forward_and_goes_on_when_the_machine_goes_back() {
        let (machine, elapsed, clock) = clocks();
        let pass = |seconds: i64| {
            machine.advance_seconds(seconds);
            elapsed.fetch_add(seconds * SECOND, Ordering::SeqCst);
        };
        pass(10);
        assert_eq!(clock.now(), Timestamp::from_seconds(1_000_010));
        assert_eq!(clock.look(), Look { moved: 0, held: 0 });
        machine.advance_seconds(3_600);
        let look = clock.look();
        assert!(look.is_jump() && look.moved == 3_600 * SECOND && look.held == 0);
        assert_eq!(clock.now(), machine.now());
        machine.advance_seconds(-86_400);
        pass(60);
        let look = clock.look();
        assert!(look.is_jump() && look.moved == -86_400 * SECOND);
        assert_eq!(look.held, 86_400 * SECOND);
        assert_eq!(clock.now(), Timestamp::from_seconds(1_003_670));
        assert_eq!(clock.told(), machine.now());
        assert!(!clock.look().is_jump());
        machine.advance_seconds(86_400);
        assert_eq!(clock.look().held, 0);
        assert_eq!(clock.now(), machine.now());
    }

    #[test]
    fn time_that_jumped_ahead_is_doubted_for_a_day() {
        let (machine, elapsed, clock) = clocks();
        let pass = |seconds: i64| {
            machine.advance_seconds(seconds);
            elapsed.fetch_add(seconds * SECOND, Ordering::SeqCst);
            clock.look()
        };
        pass(2 * 86_400);
        machine.advance_seconds(3_599);
        assert!(pass(1).is_jump() && clock.is_trusted());
        machine.advance_seconds(3_600);
        assert!(pass(1).is_jump() && !clock.is_trusted());
        pass(86_398);
        assert!(!clock.is_trusted());
        pass(2);
        assert!(clock.is_trusted());
        machine.advance_seconds(-315_360_000);
        pass(1);
        assert!(clock.is_trusted(), "what is held back drops nothing");
    }

    proptest! {
        /// Shows: F-07, G-22.
        #[test]
        fn it_never_runs_slower_than_time_does(
            steps in prop::collection::vec((0_i64..100, -400_000_000_i64..400_000_000), 1..50),
        ) {
            let (machine, elapsed, clock) = clocks();
            for (passes, jumps) in steps {
                let before = clock.now();
                machine.advance_seconds(jumps + passes);
                elapsed.fetch_add(passes * SECOND, Ordering::SeqCst);
                prop_assert!(clock.now().micros_since(before) >= passes * SECOND);
                clock.look();
                prop_assert!(clock.now().micros_since(before) >= passes * SECOND);
                prop_assert!(clock.now() >= machine.now());
                prop_assert_eq!(clock.told(), machine.now());
            }
        }
    }
}
